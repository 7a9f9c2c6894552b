#!/usr/bin/env bash
# Measures one node with redis-benchmark, in alternation with a Redis that syncs every write; or three nodes.
#
#   scripts/benchmark-raft.sh                       # speed, medians of 3 runs
#   scripts/benchmark-raft.sh --runs 5 --scale 2    # more runs, twice the requests
#   scripts/benchmark-raft.sh --nodes 3             # through the leader and through a follower, on this one machine
#   scripts/benchmark-raft.sh --memory 1000000      # memory and restart with this many documents
#   scripts/benchmark-raft.sh --dir /mnt/disk       # on that disk (default: under target/)
#   scripts/benchmark-raft.sh --no-redis            # JsonVault alone
#   BIN_DIR=target/release scripts/benchmark-raft.sh
#
# Both servers use the same disk and sync every write before the reply (Redis: appendonly yes, appendfsync always).
# Redis stores the same text as a plain string, and so does no work on JSON.
# The machine must be idle; other load shows in the spread, which is printed beside each median.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh

runs=3
scale=1
memory=0
nodes=1
with_redis=1
base=target/benchmark
while (($#)); do
    case $1 in
        --runs) runs=$2; shift 2 ;;
        --scale) scale=$2; shift 2 ;;
        --nodes) nodes=$2; shift 2 ;;
        --memory) memory=$2; shift 2 ;;
        --dir) base=$2; shift 2 ;;
        --no-redis) with_redis=0; shift ;;
        -h | --help) sed -n '2,15s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) fail "unknown option $1" ;;
    esac
done

# The number of keys that a run writes or reads.
keys=100000
# 250 bytes, the size of an entry in a user directory.
document='{"id":1234567,"name":"Alice Example","email":"alice@example.org","age":34,"active":true,"score":98.25,"tags":["alpha","beta","gamma"],"address":{"street":"1 Long Street","city":"Springfield","zip":"12345"},"note":"a few more words to make it whole."}'
((${#document} == 250)) || fail "the document has ${#document} bytes"

need redis-cli redis-benchmark
find_programs
((nodes == 1)) || with_redis=0
if ((with_redis)) && ! command -v redis-server >/dev/null; then
    echo "redis-server is not installed: measuring JsonVault alone" >&2
    with_redis=0
fi
mkdir -p "$base"
work=$(mktemp -d -p "$base")
declare -A pids=() ports=()
stop() {
    local name=$1
    if [[ -n ${pids[$name]:-} ]]; then
        kill "${pids[$name]}" 2>/dev/null || true
        wait "${pids[$name]}" 2>/dev/null || true
        unset "pids[$name]"
    fi
}
finish() {
    stop jsonvault
    stop redis
    if [[ -d $work/cluster ]]; then cluster stop || true; fi
    rm -rf "$work"
}
trap finish EXIT

start() {
    local name=$1
    [[ -n ${ports[$name]:-} ]] || ports[$name]=$(free_port)
    mkdir -p "$work/$name"
    if [[ $name == jsonvault ]]; then
        "$SERVER" --address "127.0.0.1:${ports[$name]}" --raft-address "127.0.0.1:$((ports[$name] + 1))" \
            --dir "$work/$name" --loglevel error &
    else
        redis-server --port "${ports[$name]}" --bind 127.0.0.1 --dir "$PWD/${work#"$PWD"/}/$name" --save '' \
            --appendonly yes --appendfsync always --loglevel warning >/dev/null &
    fi
    pids[$name]=$!
    wait_ready "${ports[$name]}" "${pids[$name]}" 300
}

# The requests that store this many documents, in wire format.
load_requests() {
    local name=$1 count=$2
    LC_ALL=C awk -v count="$count" -v document="$document" -v name="$name" 'BEGIN {
        set = name != "redis" ? "*4\r\n$8\r\nJSON.SET\r\n" : "*3\r\n$3\r\nSET\r\n"
        root = name != "redis" ? "$1\r\n$\r\n" : ""
        for (n = 0; n < count; n++)
            printf "%s$16\r\ndoc:%012d\r\n%s$%d\r\n%s\r\n", set, n, root, length(document), document
    }'
}

load() {
    local name=$1 count=$2 answer
    answer=$(load_requests "$name" "$count" | redis-cli -p "${ports[$name]}" --pipe | tail -n 1)
    [[ $answer == "errors: 0, replies: $count" ]] || fail "$name: $answer"
}

# Requests per second of one run: measure NAME WORKLOAD CLIENTS PIPELINE REQUESTS.
measure() {
    local name=$1 workload=$2 clients=$3 pipeline=$4 requests=$5
    local -a command
    case $name:$workload in
        redis:set) command=(SET doc:__rand_int__ "$document") ;;
        redis:get) command=(GET doc:__rand_int__) ;;
        *:set) command=(JSON.SET doc:__rand_int__ '$' "$document") ;;
        *:get) command=(JSON.GET doc:__rand_int__ '$') ;;
    esac
    # The first column is the command, which may contain commas, so columns are counted from the end.
    redis-benchmark -p "${ports[$name]}" -c "$clients" -P "$pipeline" -n "$requests" -r "$keys" --csv "${command[@]}" \
        | LC_ALL=C awk -F, 'END { gsub("\"", "", $(NF - 6)); print $(NF - 6) }'
}

# The median, lowest and highest of the lines.
summary() {
    sort -n | awk '{ all[NR] = $1 } END {
        median = NR % 2 ? all[(NR + 1) / 2] : (all[NR / 2] + all[NR / 2 + 1]) / 2
        printf "%.0f %.0f %.0f\n", median, all[1], all[NR]
    }'
}

names=(jsonvault)
((with_redis)) && names+=(redis)

speed() {
    local name workload row clients pipeline requests
    for name in "${names[@]}"; do
        start "$name"
        load "$name" "$keys"
    done
    echo "| 250-byte documents | JsonVault, requests/s (lowest to highest) | Redis, appendfsync always | ratio |"
    echo "|---|---|---|---|"
    for row in "set 50 1 100000" "set 50 16 400000" "set 1 1 10000" "get 50 1 200000" "get 50 16 1000000" "get 1 1 50000"; do
        read -r workload clients pipeline requests <<<"$row"
        requests=$((requests * scale))
        for _ in $(seq "$runs"); do
            for name in "${names[@]}"; do
                measure "$name" "$workload" "$clients" "$pipeline" "$requests" >>"$work/$name.$workload.$clients.$pipeline"
            done
        done
        print_row "$workload" "$clients" "$pipeline"
    done
    for name in "${names[@]}"; do stop "$name"; done
}

print_row() {
    local workload=$1 clients=$2 pipeline=$3 label ours low high theirs="–" ratio="–" their_median their_low their_high
    label="JSON.${workload^^} \`$\`, clients: $clients"
    ((pipeline > 1)) && label+=", pipelined: $pipeline"
    read -r ours low high < <(summary <"$work/jsonvault.$workload.$clients.$pipeline")
    if ((with_redis)); then
        read -r their_median their_low their_high < <(summary <"$work/redis.$workload.$clients.$pipeline")
        theirs="$their_median ($their_low to $their_high)"
        ratio=$(awk -v ours="$ours" -v theirs="$their_median" 'BEGIN { printf "%.2f", ours / theirs }')
    fi
    echo "| $label | $ours ($low to $high) | $theirs | $ratio |"
}

cluster() {
    BIN_DIR=$BIN_DIR DIR=$work/cluster scripts/cluster.sh "$@"
}

# A cluster on one machine: its nodes share the disk and the processors, so this compares requests to the leader
# with requests to a follower, and does not show the speed of three machines.
cluster_speed() {
    local base leader follower node row workload freshness role clients pipeline requests
    base=$(free_port "$nodes")
    cluster start --nodes "$nodes" --port "$base" -- --loglevel error >&2
    leader=$(redis-cli -p "$base" info raft | tr -d '\r' | sed -n 's/^leader_id://p')
    follower=$((leader % nodes + 1))
    ports[leader]=$((base + leader - 1)) ports[follower]=$((base + follower - 1))
    load leader "$keys"
    echo "| 250-byte documents, $nodes nodes | through the leader, requests/s (lowest to highest) | through a follower |"
    echo "|---|---|---|"
    for row in "set - 50 1 50000" "set - 50 16 200000" "set - 1 1 5000" "get linearizable 50 1 100000" \
        "get linearizable 50 16 400000" "get linearizable 1 1 10000" "get lease 50 1 100000" "get lease 1 1 20000" \
        "get local 50 1 100000" "get local 50 16 400000" "get local 1 1 20000"; do
        read -r workload freshness clients pipeline requests <<<"$row"
        for node in $(seq "$nodes"); do
            [[ $freshness == - ]] || redis-cli -p $((base + node - 1)) config set read-consistency "$freshness" >/dev/null
        done
        requests=$(awk -v requests="$requests" -v scale="$scale" 'BEGIN { printf "%d", requests * scale }')
        for _ in $(seq "$runs"); do
            for role in leader follower; do
                measure "$role" "$workload" "$clients" "$pipeline" "$requests" >>"$work/$role.$workload.$freshness.$clients.$pipeline"
            done
        done
        print_cluster_row "$workload" "$freshness" "$clients" "$pipeline"
    done
}

print_cluster_row() {
    local workload=$1 freshness=$2 clients=$3 pipeline=$4 label role median low high cells=
    label="JSON.${workload^^} \`$\`"
    [[ $freshness == - ]] || label+=", $freshness"
    label+=", clients: $clients"
    ((pipeline > 1)) && label+=", pipelined: $pipeline"
    for role in leader follower; do
        read -r median low high < <(summary <"$work/$role.$workload.$freshness.$clients.$pipeline")
        cells+=" $median ($low to $high) |"
    done
    echo "| $label |$cells"
}

rss() {
    redis-cli -p "${ports[$1]}" info memory | tr -d '\r' | sed -n 's/^used_memory_rss://p'
}

# Memory per document, and the duration of a restart that reads all of them from the log.
footprint() {
    local name empty full seconds
    echo "| $memory documents of 250 bytes | resident bytes per document | restart, s |"
    echo "|---|---|---|"
    for name in "${names[@]}"; do
        rm -rf "${work:?}/$name"
        start "$name"
        empty=$(rss "$name")
        load "$name" "$memory"
        full=$(rss "$name")
        stop "$name"
        seconds=$EPOCHREALTIME
        start "$name"
        seconds=$(awk -v from="$seconds" -v to="$EPOCHREALTIME" 'BEGIN { printf "%.2f", to - from }')
        [[ $(redis-cli -p "${ports[$name]}" dbsize) == "$memory" ]] || fail "$name lost documents"
        stop "$name"
        echo "| $name | $(((full - empty) / memory)) | $seconds |"
    done
}

echo "$(nproc) cores, $(uname -sr), $(redis-benchmark --version); the disk of $base; medians of $runs runs" >&2
if ((memory)); then
    footprint
elif ((nodes > 1)); then
    cluster_speed
else
    speed
fi
