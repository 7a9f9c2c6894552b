#!/usr/bin/env bash
# Three nodes, and redis-py's and redis-cli's cluster modes as their clients: writes and reads, then the leader is
# killed and they go on.
#
#   scripts/compat-cluster.sh                          # the newest redis-py
#   REDIS_PY='redis==6.4.0' scripts/compat-cluster.sh
#   BIN_DIR=target/debug scripts/compat-cluster.sh
#
# Everything happens in a temporary directory and on free ports of this machine; pip fetches redis-py into a virtual
# environment there.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh

need redis-cli python3
find_programs
work=$(mktemp -d)
pids=()
finish() {
    local pid
    for pid in "${pids[@]}"; do
        kill -9 "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap finish EXIT

python3 -m venv "$work/venv"
"$work/venv/bin/pip" --quiet --disable-pip-version-check install "${REDIS_PY:-redis}"

# Starts three nodes with these flags; sets `ports` and `pids`.
start() {
    local id peers='' separator=''
    ports=() pids=()
    rm -rf "$work"/node*
    for id in 1 2 3; do
        ports+=("$(free_port 1)")
        peers+="${separator}$id=127.0.0.1:${ports[-1]}@$(free_port 1)"
        separator=,
    done
    for id in 1 2 3; do
        "$SERVER" --node-id "$id" --address "127.0.0.1:${ports[id - 1]}" --dir "$work/node$id" --peers "$peers" \
            --cluster-enabled yes "$@" 2>"$work/node$id.log" &
        pids+=($!)
    done
    for id in 1 2 3; do
        wait_ready "${ports[id - 1]}" "${pids[id - 1]}"
    done
}

stop() {
    local pid
    for pid in "${pids[@]}"; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    pids=()
}

check_redis_cli() {
    redis-cli --cluster check "127.0.0.1:${ports[2]}" | grep -F '[OK] All 16384 slots covered.' \
        || fail "redis-cli --cluster check is not content"
    local port
    for port in "${ports[@]}"; do
        [[ $(redis-cli -c -p "$port" set "cli:$port" 1) == OK ]] || fail "redis-cli -c cannot write through $port"
        [[ $(redis-cli -c -p "$port" get "cli:$port") == 1 ]] || fail "redis-cli -c cannot read through $port"
    done
}

for mode in forward moved; do
    echo "redirect-mode $mode"
    start --redirect-mode "$mode"
    check_redis_cli
    "$work/venv/bin/python" scripts/compat_cluster.py "${ports[*]}" "${pids[*]}"
    stop
done
echo "ok"
