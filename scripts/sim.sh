#!/usr/bin/env bash
# Runs the simulation: one seed with its trace, or many until one fails.
#
#   scripts/sim.sh 17                          # one seed
#   scripts/sim.sh 17 | grep -v ' c[0-9] '     # without the clients: faults, leaders, snapshots
#   scripts/sim.sh --seeds 1000 [--from 5000]  # many; a failing one is made smaller, and its command printed
#   scripts/sim.sh --mistakes 400              # each planted bug must be found among this many seeds
#   scripts/sim.sh --check history.jsonl       # checks a history that another harness has written
#
# JSONVAULT_HISTORY=DIR keeps the history of the seed, or of the one that fails. A failure prints the variables that repeat
# its smallest form.
set -euo pipefail
cd "$(dirname "$0")/.."
usage() {
    echo "usage: scripts/sim.sh SEED | --seeds N [--from N] | --mistakes N | --check FILE" >&2
    exit 2
}
run() {
    cargo test --quiet --test sim "$1" -- --nocapture
}
is_number() {
    [[ ${1:-} =~ ^[0-9]+$ ]]
}
case "${1:-}" in
    --seeds)
        is_number "${2:-}" || usage
        export JSONVAULT_SEEDS=$2
        if [[ ${3:-} == --from ]]; then
            is_number "${4:-}" || usage
            export JSONVAULT_FIRST_SEED=$4
        fi
        run the_guarantees_hold_under_all_faults
        ;;
    --mistakes)
        is_number "${2:-}" || usage
        JSONVAULT_MISTAKE_SEEDS=$2 run planted::
        ;;
    --check)
        [[ -f ${2:-} ]] || usage
        JSONVAULT_CHECK=$(realpath "$2") run a_history_from_elsewhere_is_checked
        ;;
    *)
        is_number "${1:-}" || usage
        JSONVAULT_SEED=$1 run the_guarantees_hold_under_all_faults
        ;;
esac
