#!/usr/bin/env bash
# The long forms of the tests: many random cases, many kills of one node and of leaders under load, a follower that
# misses many writes, thousands of strangers, many simulations of three, and, as root, leaders that are cut off.
#
#   scripts/nightly.sh                                     # an hour or two on two cores
#   JSONVAULT_CASES=1000 JSONVAULT_ROUNDS=10 JSONVAULT_SEEDS=100 JSONVAULT_KILLS=10 scripts/nightly.sh
#   scripts/nightly.sh -E 'test(under_load::)'             # what clients of several nodes may rely on
#   scripts/nightly.sh -E 'test(crash::)'                  # further words go to cargo nextest run
#
# A failed run prints JSONVAULT_SEED; with it set, the same choices are made again.
set -euo pipefail
cd "$(dirname "$0")/.."
export JSONVAULT_CASES=${JSONVAULT_CASES:-20000}
export JSONVAULT_ROUNDS=${JSONVAULT_ROUNDS:-200}
ROUNDS_OF_PARTITIONS=${ROUNDS_OF_PARTITIONS:-20}
export JSONVAULT_SEEDS=${JSONVAULT_SEEDS:-1000}
# Kills of a leader and hand-overs under load; writes that a follower misses; strangers at the port for other nodes.
export JSONVAULT_KILLS=${JSONVAULT_KILLS:-100}
export JSONVAULT_TRANSFERS=${JSONVAULT_TRANSFERS:-100}
export JSONVAULT_WRITES=${JSONVAULT_WRITES:-200000}
export JSONVAULT_CONNECTIONS=${JSONVAULT_CONNECTIONS:-10000}
# Rounds of a client that caches, at a node alone, at a leader and at a follower.
export JSONVAULT_CACHE_ROUNDS=${JSONVAULT_CACHE_ROUNDS:-20000}
env | grep -E '^JSONVAULT_(CASES|ROUNDS|SEEDS|KILLS|TRANSFERS|WRITES|CONNECTIONS|CACHE_ROUNDS)='
# A connection is a file; in parts if the system does not allow so many.
ulimit -S -n "$(ulimit -H -n)"
cargo nextest run --profile nightly "$@"
if ((EUID == 0)) && command -v ip >/dev/null; then
    scripts/test-partition.sh --rounds "$ROUNDS_OF_PARTITIONS"
    scripts/test-bridge.sh
else
    echo "nightly.sh: root and iproute2 are needed to cut nodes off, so that is left out" >&2
fi
cargo build --release --bin server
scripts/failover.py kills 100
scripts/failover.py starts 100
