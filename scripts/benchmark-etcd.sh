#!/usr/bin/env bash
# Compares JsonVault with etcd: three nodes of each on this machine, 50 clients that talk to the leader, 250-byte
# values, every write synced on a majority, every read linearizable. One program drives both, in alternation.
#
#   scripts/benchmark-etcd.sh                          # medians of 7 runs of 5 s each, a table; about 4 minutes
#   scripts/benchmark-etcd.sh --runs 3 --seconds 2
#   scripts/benchmark-etcd.sh --dir /mnt/disk          # on that disk (default: under target/)
#   BIN_DIR=target/release LOAD=/path/etcd-load scripts/benchmark-etcd.sh    # builds nothing
#
# On Debian: apt-get install etcd-server redis-tools curl protobuf-compiler. The load generator is benchmarks/etcd-load, a
# package of its own. Both clusters run all the time, but only one of them gets load at a time.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh

runs=7
seconds=5
clients=50
keys=10000
base=target/benchmark
while (($#)); do
    case $1 in
        --runs) runs=$2; shift 2 ;;
        --seconds) seconds=$2; shift 2 ;;
        --clients) clients=$2; shift 2 ;;
        --dir) base=$2; shift 2 ;;
        -h | --help) sed -n '2,12s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) fail "unknown option $1" ;;
    esac
done

need redis-cli etcd curl
find_programs
export BIN_DIR
if [[ -z ${LOAD:-} ]]; then
    target=${CARGO_TARGET_DIR:-target}/etcd-load
    cargo build --release --locked --manifest-path benchmarks/etcd-load/Cargo.toml --target-dir "$target" >&2
    LOAD=$target/release/etcd-load
fi
[[ -x $LOAD ]] || fail "$LOAD does not exist"
mkdir -p "$base"
work=$(mktemp -d -p "$base")
pids=()
finish() {
    ((${#pids[@]} == 0)) || { kill "${pids[@]}" 2>/dev/null || true; wait "${pids[@]}" 2>/dev/null || true; }
    [[ ! -f $work/jsonvault/cluster ]] || DIR=$work/jsonvault scripts/cluster.sh stop >/dev/null || true
    rm -rf "$work"
}
trap finish EXIT

# Sets `vault` to the address of the leader.
start_jsonvault() {
    local port leader
    port=$(free_port 3)
    DIR=$work/jsonvault scripts/cluster.sh start --port "$port" -- --loglevel error >&2
    leader=$(redis-cli -p "$port" info raft | tr -d '\r' | sed -n 's/^leader_id://p')
    [[ $leader =~ ^[123]$ ]] || fail "JsonVault has no leader"
    vault=127.0.0.1:$((port + leader - 1))
}

# Whether the etcd node at this port leads. Its status contains its own id and the leader's, which are equal on the leader.
leads() {
    local status
    status=$(curl -s --max-time 2 -X POST -d '{}' "http://127.0.0.1:$1/v3/maintenance/status") || return 1
    local member leader
    member=$(sed -n 's/.*"member_id":"\([0-9]*\)".*/\1/p' <<<"$status")
    leader=$(sed -n 's/.*"leader":"\([0-9]*\)".*/\1/p' <<<"$status")
    [[ -n $member && $member == "$leader" ]]
}

# Sets `etcd` to the address of the leader. A node's port for other nodes is 10,000 above its client port.
start_etcd() {
    local port node list='' mine
    port=$(free_port 3)
    for node in 0 1 2; do list+=,n$node=http://127.0.0.1:$((port + node + 10000)); done
    for node in 0 1 2; do
        mine=http://127.0.0.1:$((port + node)) peer=http://127.0.0.1:$((port + node + 10000))
        etcd --name "n$node" --data-dir "$work/etcd/$node" --listen-client-urls "$mine" --advertise-client-urls "$mine" \
            --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" --initial-cluster "${list#,}" \
            --initial-cluster-token benchmark --log-level error 2>>"$work/etcd.log" >&2 &
        pids+=($!)
    done
    for _ in $(seq 300); do
        for node in 0 1 2; do
            if leads $((port + node)); then etcd=127.0.0.1:$((port + node)); return; fi
        done
        sleep 0.1
    done
    fail "etcd has no leader: $(tail -n 1 "$work/etcd.log")"
}

# One run: requests per second, median and 99th percentile in ms. The timeout is 30 s longer than the run should take.
measure() {
    timeout $((${seconds%.*} + 30)) "$LOAD" "$@" --clients "$clients" --seconds "$seconds" --keys "$keys"
}

# The median, lowest and highest value of a column of the runs.
summary() {
    cut -d' ' -f"$2" "$1" | sort -n | awk '{ all[NR] = $1 } END {
        middle = NR % 2 ? all[(NR + 1) / 2] : (all[NR / 2] + all[NR / 2 + 1]) / 2
        print middle, all[1], all[NR]
    }'
}

print_row() {
    local label=$1 one=$2 ours low high p50 p99 theirs their_low their_high their_p50 their_p99
    read -r ours low high < <(summary "$work/jsonvault.$one" 1)
    read -r theirs their_low their_high < <(summary "$work/etcd.$one" 1)
    read -r p50 _ < <(summary "$work/jsonvault.$one" 2)
    read -r p99 _ < <(summary "$work/jsonvault.$one" 3)
    read -r their_p50 _ < <(summary "$work/etcd.$one" 2)
    read -r their_p99 _ < <(summary "$work/etcd.$one" 3)
    printf '| %s, clients: %s | %.0f (%s to %s) | %.1f / %.1f | %.0f (%s to %s) | %.1f / %.1f | %s |\n' "$label" "$clients" \
        "$ours" "$low" "$high" "$p50" "$p99" "$theirs" "$their_low" "$their_high" "$their_p50" "$their_p99" \
        "$(awk -v ours="$ours" -v theirs="$theirs" 'BEGIN { printf "%.2f", ours / theirs }')"
}

start_jsonvault
start_etcd
echo "$(nproc) cores, $(uname -sr), $(etcd --version | head -n 1); the disk of $base; medians of $runs runs of $seconds s" >&2
for kind in jsonvault etcd; do
    where=$vault
    [[ $kind == jsonvault ]] || where=$etcd
    measure "$kind" load "$where" >/dev/null
    # Warm up writes and reads.
    seconds=1 measure "$kind" put "$where" >/dev/null
    seconds=1 measure "$kind" get "$where" >/dev/null
done
for run in $(seq "$runs"); do
    for one in put get; do
        # The two servers take turns at being measured first.
        kinds=(jsonvault etcd)
        ((run % 2)) || kinds=(etcd jsonvault)
        for kind in "${kinds[@]}"; do
            where=$vault
            [[ $kind == jsonvault ]] || where=$etcd
            measure "$kind" "$one" "$where" >>"$work/$kind.$one"
        done
    done
done
leads "${etcd##*:}" || fail "etcd has changed its leader during the measurement"
[[ $(redis-cli -p "${vault##*:}" info raft | tr -d '\r' | sed -n 's/^is_leader://p') == 1 ]] \
    || fail "JsonVault has changed its leader during the measurement"
echo "| 250-byte values, three nodes each | JsonVault, requests/s (lowest to highest) | p50 / p99, ms | etcd | p50 / p99, ms | ratio |"
echo "|---|---|---|---|---|---|"
print_row "write (JSON.SET \`\$\` / put)" put
print_row "linearizable read (JSON.GET \`\$\` / range)" get
