#!/usr/bin/env bash
# The long forms of the tests: many random cases, many kills of one node, many simulations of three, and, as root,
# leaders that are cut off.
#
#   scripts/nightly.sh                                     # an hour or two on two cores
#   JSONVAULT_CASES=1000 JSONVAULT_ROUNDS=10 JSONVAULT_SEEDS=100 scripts/nightly.sh
#   scripts/nightly.sh -E 'test(crash::)'                  # further words go to cargo nextest run
#
# A failed run prints JSONVAULT_SEED; with it set, the same choices are made again.
set -euo pipefail
cd "$(dirname "$0")/.."
export JSONVAULT_CASES=${JSONVAULT_CASES:-20000}
export JSONVAULT_ROUNDS=${JSONVAULT_ROUNDS:-200}
ROUNDS_OF_PARTITIONS=${ROUNDS_OF_PARTITIONS:-20}
export JSONVAULT_SEEDS=${JSONVAULT_SEEDS:-1000}
echo "JSONVAULT_CASES=$JSONVAULT_CASES JSONVAULT_ROUNDS=$JSONVAULT_ROUNDS JSONVAULT_SEEDS=$JSONVAULT_SEEDS"
cargo nextest run --profile nightly "$@"
if ((EUID == 0)) && command -v ip >/dev/null; then
    scripts/test-partition.sh --rounds "$ROUNDS_OF_PARTITIONS"
else
    echo "nightly.sh: root and iproute2 are needed to cut nodes off, so that is left out" >&2
fi
cargo build --release --bin server
scripts/failover.py kills 100
scripts/failover.py starts 100
