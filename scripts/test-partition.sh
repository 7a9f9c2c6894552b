#!/usr/bin/env bash
# Cuts the leader off while documents are imported through every node, heals the partition, and checks that every
# acknowledged write is there and that all nodes hold the same data. Needs root, for network namespaces.
#
#   scripts/test-partition.sh                # three nodes, the leader cut off three times
#   scripts/test-partition.sh --rounds 20
#   BIN_DIR=target/debug scripts/test-partition.sh
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh

rounds=3
while (($#)); do
    case $1 in
        --rounds) rounds=$2; shift 2 ;;
        -h | --help) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) fail "unknown option $1" ;;
    esac
done
importers=()
finish() {
    ((${#importers[@]} == 0)) || kill "${importers[@]}" 2>/dev/null || true
    end_networks
}

# Retries a command for up to a minute, until it succeeds.
until_true() {
    for _ in $(seq 600); do
        "$@" 2>/dev/null && return
        sleep 0.1
    done
    fail "waited a minute for: $*"
}
leads() { [[ $(raft_field "$1" is_leader) == 1 ]]; }
follows() { [[ $(raft_field "$1" leader_id) == "$2" ]]; }
has_more_than() { (($(wc -l <"$1") > $2)); }

# Prints the distinct applied indexes and the distinct digests of the nodes' data.
all_applied() { for node in 1 2 3; do raft_field "$node" last_applied; done | sort -u; }
all_digests() { for node in 1 2 3; do on "$node" raw debug digest; done | sort -u; }
# Sets `digests` if all nodes had the same applied index both before and after the digests were computed.
same_index() {
    local before
    before=$(all_applied)
    [[ $before =~ ^[0-9]+$ ]] || return 1
    digests=$(all_digests)
    [[ $(all_applied) == "$before" ]]
}

echo "starting three nodes"
start_in_networks 3
trap finish EXIT

# Prints documents until the file exists.
documents_until() {
    awk -v stop="$1" 'BEGIN {
        for (n = 1; n % 100 || (getline line < stop) < 0; n++) printf "{\"n\":%d,\"name\":\"user %d\"}\n", n, n
    }'
}

# Checks that a node has every acknowledged document with its content.
check() {
    local node=$1 file=$2 missing
    missing=$(sed 's/^\(.*:\)\([0-9]*\)$/JSON.GET \1\2 $.n/' "$file" | on "$node" | paste -d' ' "$file" - \
        | awk '{ split($1, key, ":"); if ($2 != "[" key[3] "]") bad++ } END { print bad + 0 }')
    ((missing == 0)) || fail "node $node: $missing of $(wc -l <"$file") acknowledged documents are missing or wrong"
}

for round in $(seq "$rounds"); do
    leader=$(raft_field 1 leader_id)
    others=()
    for node in 1 2 3; do ((node == leader)) || others+=("$node"); done
    echo "round $round: node $leader leads and is cut off"
    importers=()
    for node in 1 2 3; do
        : >"$DIR/acknowledged.$round.$node"
        on "$node" import <(documents_until "$DIR/stop.$round") --window 16 --prefix "round$round-$node:doc:" \
            --acknowledged "$DIR/acknowledged.$round.$node" 2>"$DIR/import.$node" &
        importers+=($!)
    done
    for node in 1 2 3; do until_true has_more_than "$DIR/acknowledged.$round.$node" 100; done

    scripts/cluster.sh partition "$leader"
    new_leader() { leads "${others[0]}" || leads "${others[1]}"; }
    until_true new_leader
    until_true follows "${others[0]}" "$(raft_field "${others[1]}" leader_id)"
    before=$(wc -l <"$DIR/acknowledged.$round.${others[0]}")
    until_true has_more_than "$DIR/acknowledged.$round.${others[0]}" $((before + 100))
    echo "  node $(raft_field "${others[0]}" leader_id) leads now, and writes continue"
    # The partitioned node does not know which writes the majority has committed, so it must refuse reads and writes.
    on "${others[1]}" raw json.set "marker:$round" '$' "$round" >/dev/null
    if answer=$(on "$leader" raw json.get "marker:$round" 2>&1); then
        fail "the node that is cut off answers a read: $answer"
    fi
    echo "  cut off, node $leader answers: $answer"
    if answer=$(on "$leader" raw json.set "lost:$round" '$' 1 2>&1); then
        fail "the node that is cut off acknowledges a write"
    fi
    echo "  .. and to a write: $answer"

    scripts/cluster.sh heal
    until_true follows "$leader" "$(raft_field "${others[0]}" leader_id)"
    [[ $(on "$leader" raw json.get "marker:$round") == "$round" ]] || fail "the write of the majority is missing"
    touch "$DIR/stop.$round"
    # The import through the partitioned node had failures, so its exit code is not 0.
    wait "${importers[@]}" || true
    importers=()
    for node in 1 2 3; do
        sed -n '/acknowledged/s/^/  /p' "$DIR/import.$node"
        # Checks the partitioned node, because only this one could have diverged.
        check "$leader" "$DIR/acknowledged.$round.$node"
        [[ $(on "$node" raw dbsize) == $(on "$leader" raw dbsize) ]] || fail "nodes $node and $leader differ"
    done
    until_true same_index
    [[ $digests =~ ^[0-9a-f]{40}$ ]] || fail "the nodes hold different data: $digests"
    echo "  healed: $(cat "$DIR"/acknowledged."$round".* | wc -l) acknowledged documents are on every node, digest $digests"
done
scripts/cluster.sh status
echo "ok"
