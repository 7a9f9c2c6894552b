#!/usr/bin/env bash
# The long forms of the tests: many random cases, many kills of one node and of leaders under load, a follower that
# misses many writes, thousands of unknown peers, many simulated clusters, timed failovers and, as root, partitions.
#
#   scripts/nightly.sh                                     # an hour or two on two cores
#   JSONVAULT_CASES=1000 JSONVAULT_ROUNDS=10 JSONVAULT_SEEDS=100 JSONVAULT_KILLS=10 scripts/nightly.sh
#   scripts/nightly.sh -E 'test(under_load::)'             # the guarantees to clients of several nodes
#   scripts/nightly.sh -E 'test(crash::)'                  # arguments go to cargo nextest run
#
# A failed run prints JSONVAULT_SEED; setting it repeats the same choices.
set -euo pipefail
cd "$(dirname "$0")/.."
export JSONVAULT_CASES=${JSONVAULT_CASES:-20000}
export JSONVAULT_ROUNDS=${JSONVAULT_ROUNDS:-200}
ROUNDS_OF_PARTITIONS=${ROUNDS_OF_PARTITIONS:-20}
# Seeds of the simulation, and among how many of them each planted bug must be found. A failing run leaves its history.
export JSONVAULT_SEEDS=${JSONVAULT_SEEDS:-10000}
export JSONVAULT_MISTAKE_SEEDS=${JSONVAULT_MISTAKE_SEEDS:-400}
export JSONVAULT_HISTORY=${JSONVAULT_HISTORY:-$PWD/target/histories}
# Numbers of kills and transfers of a leader under load, of writes that a follower misses, and of unknown peers.
export JSONVAULT_KILLS=${JSONVAULT_KILLS:-100}
export JSONVAULT_TRANSFERS=${JSONVAULT_TRANSFERS:-100}
export JSONVAULT_WRITES=${JSONVAULT_WRITES:-200000}
export JSONVAULT_CONNECTIONS=${JSONVAULT_CONNECTIONS:-10000}
# Number of rounds for a caching client at a single node, at a leader and at a follower.
export JSONVAULT_CACHE_ROUNDS=${JSONVAULT_CACHE_ROUNDS:-20000}
env | grep -E '^JSONVAULT_(CASES|ROUNDS|SEEDS|MISTAKE_SEEDS|HISTORY|KILLS|TRANSFERS|WRITES|CONNECTIONS|CACHE_ROUNDS)='
# Each connection takes a file descriptor; if the limit is too low, the test opens the connections in groups.
ulimit -S -n "$(ulimit -H -n)"
cargo nextest run --profile nightly "$@"
if ((EUID == 0)) && command -v ip >/dev/null; then
    scripts/test-partition.sh --rounds "$ROUNDS_OF_PARTITIONS"
    scripts/test-bridge.sh
else
    echo "nightly.sh: skipping partitions, which need root and iproute2" >&2
fi
cargo build --release --bin server
scripts/failover.py kills 100
scripts/failover.py starts 100
