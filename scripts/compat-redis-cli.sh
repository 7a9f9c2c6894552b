#!/usr/bin/env bash
# Runs redis-cli in its modes, for scripts/compat.sh, which sets COMPAT_PORTS, COMPAT_PORT and COMPAT_ALLOW_MISSING.
# tests/compat/python/redis_cli_prompt.py tests its prompt.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh

read -ra ports <<<"$COMPAT_PORTS"
port=$COMPAT_PORT
if ((${#ports[@]} > 1)); then nodes="${#ports[@]} nodes"; else nodes="1 node"; fi
name="redis-cli $(redis-cli --version | cut -d ' ' -f 2)"
work=$(mktemp -d)
background=()
finish() {
    local pid
    for pid in "${background[@]}"; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap finish EXIT

done_parts=() left_out=()
failed() {
    echo "$name ($nodes): FAILED: $*; done before: ${done_parts[*]:-nothing}"
    exit 1
}

cli() {
    redis-cli -p "$port" "$@"
}

# Whether the server has these commands. A missing one is an error, unless COMPAT_ALLOW_MISSING allows it.
has() {
    local command
    for command in "$@"; do
        if [[ -z $(cli command info "$command" | head -n 1) ]]; then
            [[ $COMPAT_ALLOW_MISSING == 1 ]] || failed "the server has no $command"
            return 1
        fi
    done
}

# Runs a part: part NAME 'COMMANDS IT NEEDS' FUNCTION
part() {
    # shellcheck disable=SC2086  # a list
    if has $2; then
        "$3"
        done_parts+=("$1,")
    else
        left_out+=("$1,")
    fi
}

# Fails unless the two texts are equal.
same() {
    [[ $1 == "$2" ]] || failed "$3: got ${1@Q}, wanted ${2@Q}"
}

# Waits until a line of a file matches.
until_in() {
    for _ in $(seq 600); do
        if grep -qE -- "$2" "$1"; then return; fi
        sleep 0.05
    done
    failed "$3: no line ${2@Q} in: $(head -c 500 "$1")"
}

documents() {
    local protocol
    for protocol in -2 -3; do
        cli "$protocol" >"$work/out" <<'END'
JSON.SET doc $ '{"name":"Alice","age":30,"tags":["a"]}'
JSON.GET doc $.name
JSON.ARRAPPEND doc $.tags '"b"' "\"c\""
JSON.NUMINCRBY doc $.age 0.5
JSON.GET nobody
JSON.SET doc $ {
JSON.OBJKEYS doc
END
        local number='[30.5]'
        if [[ $protocol == -3 ]]; then number=30.5; fi
        same "$(tr '\n' '|' <"$work/out")" \
            "OK|[\"Alice\"]|3|$number||EOF while parsing an object at line 1 column 1||name|age|tags|" "redis-cli $protocol"
    done
    same "$(cli --no-raw json.get nobody)" '(nil)' "a missing document"
    same "$(cli --json json.resp doc '$.tags')" '[["[","a","b","c"]]' "redis-cli --json"
    same "$(echo '{"from":"stdin"}' | cli -x json.set doc '$')" OK "redis-cli -x"
    same "$(cli -c -2 json.get doc '$.from')" '["stdin"]' "redis-cli -c"
    if cli -e json.set doc '$' '{' >/dev/null 2>&1; then failed "redis-cli -e: exit code 0 for an error"; fi
}

pipe() {
    local number
    for number in $(seq 1000); do
        # shellcheck disable=SC2016  # the path is a dollar sign
        printf '*4\r\n$8\r\nJSON.SET\r\n$%d\r\npipe:%d\r\n$1\r\n$\r\n$%d\r\n{"n":%d}\r\n' \
            $((5 + ${#number})) "$number" $((6 + ${#number})) "$number"
    done >"$work/requests"
    cli --pipe <"$work/requests" >"$work/out" 2>&1 || failed "redis-cli --pipe: $(tail -n 1 "$work/out")"
    grep -q 'errors: 0, replies: 1000' "$work/out" || failed "redis-cli --pipe: $(tail -n 1 "$work/out")"
    same "$(cli --scan --pattern 'pipe:*' | sort -u | wc -l)" 1000 "redis-cli --scan"
    same "$(cli --scan --pattern 'pipe:1*9' | sort | head -n 2 | tr '\n' ' ')" 'pipe:109 pipe:119 ' "redis-cli --scan --pattern"
}

text() {
    local words
    for words in '-2 set' '-3 set'; do
        # shellcheck disable=SC2086  # two words
        same "$(cli $words text x)" OK "redis-cli $words"
    done
    same "$(printf 'SET a 1\nINCR a\n\nGET a\n' | cli | tr '\n' '|')" 'OK|2|2|' "commands from a pipe"
    same "$(cli -r 3 -i 0 incr a | tail -n 1)" 5 "redis-cli -r"
    same "$(cli -n 0 ping)" PONG "redis-cli -n"
    same "$(redis-cli -u "redis://127.0.0.1:$port/0" ping)" PONG "redis-cli -u"
}

latency() {
    local figures
    # Without a terminal, --latency prints one line after the interval and ends.
    figures=$(timeout 20 redis-cli -p "$port" --latency -i 1)
    [[ $figures =~ ^[0-9]+\ [0-9]+\ [0-9.]+\ [0-9]+$ ]] || failed "redis-cli --latency: $figures"
}

stat() {
    # This mode runs until it is stopped. stdbuf makes redis-cli write each line at once.
    stdbuf -oL redis-cli -p "$port" --stat -i 0.1 >"$work/stat" 2>&1 &
    background+=($!)
    until_in "$work/stat" '^[0-9]+ +[0-9.]+[KMG]? +[0-9]+ +[0-9]+ +[0-9]+ \(\+[0-9]+\) +[0-9]+' "redis-cli --stat"
}

bigkeys() {
    redis-cli -p "$port" --bigkeys >"$work/out" 2>&1 || failed "redis-cli --bigkeys: $(tail -n 3 "$work/out")"
    grep -q 'Sampled [1-9][0-9]* keys in the keyspace' "$work/out" || failed "redis-cli --bigkeys: $(tail -n 9 "$work/out")"
    if grep -qi 'error' "$work/out"; then failed "redis-cli --bigkeys: $(grep -i error "$work/out")"; fi
}

memkeys() {
    redis-cli -p "$port" --memkeys >"$work/out" 2>&1 || failed "redis-cli --memkeys: $(tail -n 3 "$work/out")"
    grep -qE 'Biggest .* found .* has [1-9][0-9]* bytes' "$work/out" || failed "redis-cli --memkeys: $(tail -n 9 "$work/out")"
}

transactions() {
    same "$(printf 'MULTI\nSET t 1\nINCR t\nGET t\nEXEC\nGET t\n' | cli | tr '\n' '|')" \
        'OK|QUEUED|QUEUED|QUEUED|OK|2|2|2|' "MULTI and EXEC"
    same "$(printf 'MULTI\nSET t 9\nDISCARD\nGET t\n' | cli | tr '\n' '|')" 'OK|QUEUED|OK|2|' "DISCARD"
    same "$(printf 'MULTI\nNOSUCH\nEXEC\n' | cli 2>&1 | tail -n 2 | head -n 1)" \
        "EXECABORT Transaction discarded because of previous errors." "EXEC after an error"
}

subscribe() {
    local protocol receivers
    for protocol in -2 -3; do
        redis-cli "$protocol" -p "$port" subscribe "cli:$protocol" >"$work/heard" 2>&1 &
        background+=($!)
        until_in "$work/heard" '^subscribe$' "SUBSCRIBE $protocol"
        receivers=$(cli publish "cli:$protocol" 'hello there')
        [[ $receivers == 1 ]] || failed "PUBLISH $protocol: $receivers receivers"
        until_in "$work/heard" '^hello there$' "a message $protocol"
    done
}

monitor() {
    redis-cli -p "$port" monitor >"$work/seen" 2>&1 &
    background+=($!)
    until_in "$work/seen" '^OK$' "MONITOR"
    cli echo 'seen by "monitor"' >/dev/null
    until_in "$work/seen" '^[0-9]+\.[0-9]{6} \[0 127\.0\.0\.1:[0-9]+\] "echo" "seen by \\"monitor\\""$' "MONITOR"
}

documentation() {
    local docs
    docs=$(cli command docs json.set)
    [[ $docs == *summary* && $docs == *arguments* && $docs == *path* ]] || failed "COMMAND DOCS json.set: $docs"
    [[ $(cli command count) -gt 50 ]] || failed "COMMAND COUNT: $(cli command count)"
    same "$(cli command getkeys json.mget a b '$' | tr '\n' ' ')" 'a b ' "COMMAND GETKEYS"
}

part "strings" "SET GET INCR" text
part "documents with -2, -3, -c, -x, --json" "JSON.SET" documents
part "--pipe and --scan" "JSON.SET SCAN" pipe
part "--stat" "INFO" stat
part "--latency" "PING" latency
part "--bigkeys" "SCAN TYPE" bigkeys
part "--memkeys" "SCAN MEMORY" memkeys
part "MULTI" "MULTI EXEC DISCARD" transactions
part "SUBSCRIBE" "SUBSCRIBE PUBLISH" subscribe
part "MONITOR" "MONITOR" monitor
part "COMMAND" "JSON.SET" documentation
without=
if ((${#left_out[@]})); then without="; without ${left_out[*]}"; fi
said="${done_parts[*]}${without%,}"
echo "$name ($nodes): ${said/%,/}" | sed 's/,; /; /'
