#!/usr/bin/env bash
# Runs third-party clients and tools against one node and against three: redis-cli, redis-benchmark, redis-py (also its
# asyncio and cluster clients), node-redis, ioredis, hiredis, and the requests of RedisInsight and redis_exporter. Each prints a
# summary line; the first failure ends the script. On three nodes, the libraries and the prompt also see a killed leader.
#
#   scripts/compat.sh                        # installs what is missing: packages of Debian (as root), PyPI and npm
#   scripts/compat.sh --only redis_py,hiredis
#   scripts/compat.sh --nodes 1              # or 3; default: both
#   scripts/compat.sh --with-go              # also redigo and go-redis: about 40 s to install Debian's Go
#   scripts/compat.sh --latest               # the newest versions from PyPI and npm instead of the lock files
#   scripts/compat.sh --allow-missing        # skips and names parts whose commands the server lacks
#   scripts/compat.sh --tcl                  # Redis' own TCL suite instead; REDIS_SOURCE is a directory with its sources
#   scripts/compat.sh --peer                 # against redis-server: a program that fails there is itself wrong
#
# SERVER is the server's binary; default: the newer of target/release/server and target/debug/server. Everything else is
# kept in COMPAT_CACHE (target/compat). The nodes use free ports of 127.0.0.1 and a temporary directory.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh

programs=(redis_cli redis_benchmark ecosystem redis_py redis_py_hiredis redis_py_asyncio node_redis ioredis hiredis cluster caching)
counts="1 3"
latest=0 peer=0 allow_missing=0 with_go=0
while (($#)); do
    case $1 in
        --only) IFS=, read -ra programs <<<"$2"; shift 2 ;;
        --nodes) counts=$2; shift 2 ;;
        --with-go) with_go=1; shift ;;
        --tcl) programs=(tcl) counts=1; shift ;;
        --latest) latest=1; shift ;;
        --allow-missing) allow_missing=1; shift ;;
        --peer) peer=1 allow_missing=1 counts=1; shift ;;
        -h | --help) sed -n '2,17s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) fail "unknown option $1" ;;
    esac
done

if [[ " ${programs[*]} " == *" go "* ]]; then with_go=1; elif ((with_go)); then programs+=(go); fi

target=${CARGO_TARGET_DIR:-target}
if [[ -z ${SERVER:-} ]]; then
    SERVER=$target/release/server
    if [[ $target/debug/server -nt $SERVER ]]; then SERVER=$target/debug/server; fi
fi
[[ -x $SERVER ]] || fail "$SERVER does not exist: build it, or set SERVER"
mkdir -p "${COMPAT_CACHE:-$target/compat}"
cache=$(cd "${COMPAT_CACHE:-$target/compat}" && pwd)
programs_dir=$PWD/tests/compat
work=$(mktemp -d)
# The maximum duration of a program in seconds, ten times that of the slowest.
patience=240

# Ends the nodes that this script started, and nothing else.
finish() {
    stop_nodes
    rm -rf "$work"
}

stop_nodes() {
    local file keeper
    touch "$work/stop"
    for file in "$work"/node*.pid; do
        [[ ! -f $file ]] || kill "$(cat "$file")" 2>/dev/null || true
    done
    for keeper in "${keepers[@]}"; do
        wait "$keeper" 2>/dev/null || true
    done
    keepers=()
    rm -rf "$work"/node* "$work/stop"
}

keepers=()
trap finish EXIT

## Requirements of the programs.

# Installs packages of Debian unless the program or file exists: install_debian PROGRAM-OR-FILE PACKAGE ..
install_debian() {
    local test=$1
    shift
    if command -v "$test" >/dev/null || [[ -e $test ]]; then return; fi
    if [[ ! -f $cache/apt-updated ]]; then
        apt-get update -qq
        touch "$cache/apt-updated"
    fi
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >"$work/apt.log" 2>&1 \
        || fail "apt-get install $*: $(tail -n 3 "$work/apt.log")"
}

# Runs a command unless it has run for the same files before: cached NAME FILE .. -- COMMAND ..
cached() {
    local mark sum files=()
    mark=$cache/$1.done
    shift
    while [[ $1 != -- ]]; do files+=("$1"); shift; done
    shift
    sum=$(cat "${files[@]}" | sha256sum)
    if [[ $latest == 0 && -f $mark && $(cat "$mark") == "$sum" ]]; then return; fi
    rm -f "$mark"
    "$@"
    if [[ $latest == 0 ]]; then echo "$sum" >"$mark"; fi
}

# Two environments: without hiredis, redis-py uses its own parser.
install_python() {
    local environment words list=$programs_dir/python/requirements.txt
    grep -v hiredis "$list" >"$work/without-hiredis.txt"
    for environment in venv venv-hiredis; do
        words=(-r "$list")
        if [[ $environment == venv ]]; then words=(-r "$work/without-hiredis.txt"); fi
        if ((latest)); then mapfile -t words < <(echo --upgrade; sed 's/==.*//' "${words[1]}"); fi
        python3 -m venv --without-pip "$cache/$environment"
        python3 -m pip --quiet --disable-pip-version-check --python "$cache/$environment/bin/python" install "${words[@]}"
    done
}

install_javascript() {
    mkdir -p "$cache/js"
    cp "$programs_dir"/js/package*.json "$cache/js/"
    if ((latest)); then
        npm --prefix "$cache/js" install --silent --no-audit --no-fund redis@latest ioredis@latest
    else
        npm --prefix "$cache/js" ci --silent --no-audit --no-fund
    fi
}

build_hiredis() {
    gcc -Wall -Wextra -Werror -O1 -o "$cache/hiredis" "$programs_dir/c/hiredis.c" -lhiredis
}

build_go() {
    # Debian's packages use the older layout of GOPATH, without modules.
    GO111MODULE=off GOPATH=/usr/share/gocode GOFLAGS=-buildvcs=false go build -o "$cache/go-clients" "$programs_dir/go/main.go"
}

wants() {
    [[ " ${programs[*]} " == *" $1"* ]]
}

prepare() {
    install_debian redis-cli redis-tools
    if wants redis_py || wants ecosystem || wants cluster || wants redis_cli; then
        install_debian python3 python3 python3-venv python3-pip
        cached python "$programs_dir/python/requirements.txt" -- install_python
    fi
    if wants node_redis || wants ioredis; then
        install_debian node nodejs npm
        cached javascript "$programs_dir"/js/package*.json -- install_javascript
    fi
    if wants hiredis; then
        install_debian gcc gcc libc6-dev
        install_debian /usr/include/hiredis/hiredis.h libhiredis-dev
        cached hiredis "$programs_dir/c/hiredis.c" -- build_hiredis
    fi
    if ((with_go)); then
        install_debian go golang-go
        install_debian /usr/share/gocode/src/github.com/gomodule/redigo golang-github-gomodule-redigo-dev
        install_debian /usr/share/gocode/src/gopkg.in/redis.v5 golang-gopkg-redis.v5-dev
        cached go "$programs_dir/go/main.go" -- build_go
    fi
    if wants tcl; then install_debian tclsh tcl; fi
    if ((peer)); then install_debian redis-server redis-server; fi
}

## The nodes.

# Restarts a node whenever it ends, as a service manager would, until the file `stop` exists: keep NODE COMMAND ..
# The shell's messages about killed nodes go to the standard error of `keep`, not to the node's log.
keep() {
    local node=$1 starts
    shift
    # A node that ends repeatedly has a fault, so it is not restarted forever.
    for starts in $(seq 50); do
        [[ ! -f $work/stop ]] || return 0
        "$@" >/dev/null 2>>"$work/node$node.log" &
        echo $! >"$work/node$node.pid.new"
        mv "$work/node$node.pid.new" "$work/node$node.pid"
        wait $! || true
    done
    echo "ended $starts times" >>"$work/node$node.log"
}

# Starts this many nodes, and sets `ports`. Several nodes get these flags, and are visible to clients of Redis Cluster.
start_nodes() {
    local count=$1 id peers='' flags=()
    shift
    ports=()
    for id in $(seq "$count"); do
        # The port of an earlier node is excluded, because that node does not listen yet.
        while :; do
            local port
            # shellcheck disable=SC2119  # one port
            port=$(free_port)
            [[ " ${ports[*]} " == *" $port "* ]] || break
        done
        ports+=("$port")
        peers+=,$id=127.0.0.1:$port@$((port + 10000))
    done
    if ((count > 1)); then flags=(--peers "${peers#,}" --cluster-enabled yes "$@"); fi
    for id in $(seq "$count"); do
        if ((peer)); then
            keep "$id" redis-server --port "${ports[id - 1]}" --bind 127.0.0.1 --save '' --dir "$work" 2>/dev/null &
        else
            keep "$id" "$SERVER" --node-id "$id" --address "127.0.0.1:${ports[id - 1]}" --dir "$work/node$id" \
                --raft-address "127.0.0.1:$((ports[id - 1] + 10000))" "${flags[@]}" 2>/dev/null &
        fi
        keepers+=($!)
    done
    wait_nodes
}

# Waits until each node answers a read, which needs a leader.
wait_nodes() {
    local port
    for port in "${ports[@]}"; do
        for _ in $(seq 1200); do
            if [[ $(redis-cli -p "$port" dbsize 2>/dev/null) =~ ^[0-9]+$ ]]; then continue 2; fi
            sleep 0.05
        done
        fail "the node at $port does not answer: $(cat "$work"/node*.log | tail -n 3)"
    done
}

## The programs.

run_program() {
    local python=$cache/venv/bin/python limit=(timeout "$patience")
    case $1 in
        redis_cli)
            "${limit[@]}" scripts/compat-redis-cli.sh
            "${limit[@]}" "$python" "$programs_dir/python/redis_cli_prompt.py"
            ;;
        redis_benchmark) "${limit[@]}" scripts/compat-redis-benchmark.sh ;;
        ecosystem | redis_py | redis_py_asyncio | caching) "${limit[@]}" "$python" "$programs_dir/python/$1.py" ;;
        redis_py_hiredis)
            "${limit[@]}" "$cache/venv-hiredis/bin/python" "$programs_dir/python/redis_py.py" "redis-py with hiredis"
            ;;
        # Skipped on a single node, because it needs several.
        cluster) ((${#ports[@]} < 2)) || "${limit[@]}" "$python" "$programs_dir/python/redis_py_cluster.py" ;;
        node_redis | ioredis) NODE_PATH=$cache/js/node_modules "${limit[@]}" node "$programs_dir/js/$1.js" ;;
        hiredis) "${limit[@]}" "$cache/hiredis" ;;
        # Run without a time limit, because it has one for each unit.
        tcl) scripts/compat-tcl.sh ;;
        go) "${limit[@]}" "$cache/go-clients" ;;
        *) fail "unknown program $1" ;;
    esac
}

# The port of a follower, because its requests take the longer route; with one node, the port of that node.
follower_port() {
    local leader
    leader=$(redis-cli -p "${ports[0]}" info raft | sed -n 's/^leader_id:\([0-9]*\).*/\1/p')
    echo "${ports[${leader:-0} % ${#ports[@]}]}"
}

last_messages() {
    local log
    for log in "$work"/node*.log; do echo; tail -n 2 "$log"; done
}

run_all() {
    local program
    for program in "$@"; do
        redis-cli -p "${ports[0]}" flushall >/dev/null
        COMPAT_PORT=$(follower_port)
        export COMPAT_PORT
        # Run in a subshell, which ends at the first failing command. As an operand of `||` the function would not.
        (set -e; run_program "$program") &
        wait $! || fail "$program failed, or did not finish in $patience s; the last messages of the nodes: $(last_messages)"
        wait_nodes
    done
}

begun=$SECONDS
prepare
installed=$((SECONDS - begun))
export COMPAT_PEER=$peer COMPAT_DIR=$work COMPAT_ALLOW_MISSING=$allow_missing COMPAT_PATIENCE=$patience PYTHONDONTWRITEBYTECODE=1
for count in $counts; do
    start_nodes "$count"
    export COMPAT_PORTS="${ports[*]}"
    run_all "${programs[@]}"
    stop_nodes
done
if [[ $counts == *3* ]] && wants cluster; then
    # These followers redirect clients to the leader instead of forwarding requests.
    start_nodes 3 --redirect-mode moved
    export COMPAT_PORTS="${ports[*]}" COMPAT_MODE=moved
    run_all cluster
    stop_nodes
fi
echo "compat.sh: all passed after $((SECONDS - begun)) s, $installed of them for installing"
