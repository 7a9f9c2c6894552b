#!/usr/bin/env bash
# The long forms of the tests: many random cases, many kills of one node, many simulations of three.
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
export JSONVAULT_SEEDS=${JSONVAULT_SEEDS:-1000}
echo "JSONVAULT_CASES=$JSONVAULT_CASES JSONVAULT_ROUNDS=$JSONVAULT_ROUNDS JSONVAULT_SEEDS=$JSONVAULT_SEEDS"
cargo nextest run --profile nightly "$@"
