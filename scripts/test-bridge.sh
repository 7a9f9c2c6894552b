#!/usr/bin/env bash
# Cuts the leader of five nodes off from all but one node, the bridge, which still reaches everyone. The four nodes must
# elect a leader, and no acknowledged write of either side may be lost. Needs root, for network namespaces.
#
#   scripts/test-bridge.sh
#   BIN_DIR=target/debug scripts/test-bridge.sh
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh

start_in_networks 5
acknowledged=()
write() {
    [[ $(on "$1" raw set "$2" "$2") == OK ]] || fail "node $1 did not write $2"
    acknowledged+=("$2")
}

old=$(raft_field 1 leader_id)
bridge=$((old % 5 + 1))
rest=()
for node in 1 2 3 4 5; do ((node == old || node == bridge)) || rest+=("$node"); done
write "$old" before
echo "node $old leads, and now reaches only node $bridge"
scripts/cluster.sh cut "$old" "${rest[@]}"
begun=$(date +%s%3N)
# A request waits two seconds for a leader and then fails, so it is repeated.
for _ in $(seq 30); do
    on "${rest[0]}" raw set meanwhile meanwhile >"$DIR/answer" 2>&1 && break
done
[[ $(cat "$DIR/answer") == OK ]] || fail "no leader while the nodes are cut off: $(cat "$DIR/answer")"
acknowledged+=(meanwhile)
echo "the majority accepted a write after $(($(date +%s%3N) - begun)) ms, led by node $(raft_field "${rest[0]}" leader_id)"
write "$bridge" over-the-bridge
scripts/cluster.sh heal
write "$old" after
for node in 1 2 3 4 5; do
    for key in "${acknowledged[@]}"; do
        [[ $(on "$node" raw get "$key") == "$key" ]] || fail "node $node lacks $key"
    done
done
echo "all ${#acknowledged[@]} writes are on all five nodes"
