#!/usr/bin/env bash
# Runs the tests of redis-benchmark, some of them in RESP3, for scripts/compat.sh. They must succeed without a warning.
set -euo pipefail

read -ra ports <<<"$COMPAT_PORTS"
port=$COMPAT_PORT
if ((${#ports[@]} > 1)); then nodes="${#ports[@]} nodes"; else nodes="1 node"; fi
name="redis-benchmark $(redis-benchmark --version | cut -d ' ' -f 2)"
requests=500

# The tests of redis-benchmark, each with the command that it needs.
tests=(ping_inline:ping ping_mbulk:ping set:set get:get incr:incr lpush:lpush rpush:rpush lpop:lpop rpop:rpop sadd:sadd
    hset:hset spop:spop zadd:zadd zpopmin:zpopmin lrange_100:lrange lrange_300:lrange lrange_500:lrange lrange_600:lrange
    mset:mset)
present='' missing='' count=0
for test in "${tests[@]}"; do
    if [[ -n $(redis-cli -p "$port" command info "${test#*:}" | head -n 1) ]]; then
        present+=,${test%:*}
        count=$((count + 1))
    else
        missing+=" ${test%:*}"
    fi
done

# Runs redis-benchmark with these words, and fails unless this number of tests succeed without a warning: run TESTS WORD ..
run() {
    local wanted=$1 output code=0
    shift
    output=$(timeout "$COMPAT_PATIENCE" redis-benchmark -p "$port" -q -n "$requests" "$@" 2>&1 | tr '\r' '\n') || code=$?
    if ((code)) || grep -qiE 'warning|error' <<<"$output" || [[ $(grep -c 'requests per second' <<<"$output") != "$wanted" ]]; then
        echo "$name ($nodes): FAILED: redis-benchmark $*: exit code $code: $(grep -v rps= <<<"$output" | tail -n 5)"
        exit 1
    fi
}

if [[ -z $missing ]]; then
    # One test more, because LPUSH runs again to prepare LRANGE.
    run "$((count + 1))"
elif [[ $COMPAT_ALLOW_MISSING == 1 ]]; then
    run "$count" -t "${present#,}"
else
    echo "$name ($nodes): FAILED: the server has no commands for:$missing"
    exit 1
fi
run 6 -3 -t ping,set,get,incr,mset -P 16
run 6 -t ping,set,get,incr,mset -P 16 -r 1000 --threads 2
output="default tests, RESP3 and pipelines"
if [[ $COMPAT_PEER != 1 ]]; then
    run 1 -P 16 -r 100 JSON.SET k:__rand_int__ '$' '{"a":1}'
    run 1 -3 -P 16 -r 100 JSON.GET k:__rand_int__ '$.a'
    output+=", JSON.SET and JSON.GET"
fi
echo "$name ($nodes): $output${missing:+; without$missing}"
