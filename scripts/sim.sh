#!/usr/bin/env bash
# Runs the simulation of one seed and prints its trace.
#
#   scripts/sim.sh 17
#   scripts/sim.sh 17 | grep -v ' c[0-9] '     # without the clients: faults, leaders, snapshots
set -euo pipefail
cd "$(dirname "$0")/.."
if [[ ! ${1:-} =~ ^[0-9]+$ ]]; then
    echo "usage: scripts/sim.sh SEED" >&2
    exit 2
fi
JSONVAULT_SEED=$1 cargo test --quiet --test sim whatever_happens -- --nocapture
