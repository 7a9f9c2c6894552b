#!/usr/bin/env bash
# Measures JsonVault beside the servers that this machine has, and writes a report with tables and plots.
#
#   benchmarks/compare.sh                                # everything: about two hours with all servers
#   benchmarks/compare.sh --only set,get --runs 3        # some groups; --help lists them
#   benchmarks/compare.sh --servers jsonvault,redisjson  # some servers
#   benchmarks/compare.sh --dir /mnt/disk                # on that disk (default: target/compare)
#   BIN_DIR=target/release benchmarks/compare.sh         # does not build the server
#
# The servers are found by these variables; what is missing is left out:
#   REDIS (redis-server), ETCD (etcd)      Debian: apt-get install redis-server etcd-server protobuf-compiler
#   REDIS8, REDISJSON_SO                   a Redis that loads the module RedisJSON, and the module
#   VALKEY (valkey-server), VALKEYJSON_SO  the same for valkey-json
#   REDISRAFT_SO                           the module RedisRaft, for REDIS8
# The machine must be quiet; other load shows in the spread, which stands beside each median.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh

if [[ ${1:-} != --help && ${1:-} != -h ]]; then
    need python3
    find_programs
    SERVER=$(realpath "$SERVER")
    export SERVER
    if [[ -z ${LOAD:-} ]]; then
        features=()
        # Without etcd's client the driver needs no protoc and a tenth of the crates.
        if command -v "${ETCD:-etcd}" >/dev/null && command -v protoc >/dev/null; then features=(--features etcd); fi
        target=${CARGO_TARGET_DIR:-target}/load
        cargo build --release --locked --manifest-path benchmarks/load/Cargo.toml --target-dir "$target" "${features[@]}" >&2
        LOAD=$target/release/load
    fi
    [[ -x $LOAD ]] || fail "$LOAD does not exist"
    LOAD=$(realpath "$LOAD")
    # A driver without etcd's client refuses the flag.
    LOAD_HAS_ETCD=0
    if "$LOAD" --help | grep -q 'was built for etcd'; then LOAD_HAS_ETCD=1; fi
    export LOAD LOAD_HAS_ETCD
fi
exec python3 benchmarks/compare "$@"
