#!/usr/bin/env bash
# Parts that the other scripts share; to be sourced, not run.

# Ends the script with a message.
fail() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# Ends the script unless the programs are there.
need() {
    local program
    for program in "$@"; do
        command -v "$program" >/dev/null || fail "$program is needed (on Debian: apt-get install redis-tools)"
    done
}

# Whether somebody listens on a port of this machine.
port_is_taken() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# The first of so many ports in a row (one, unless said) that nobody listens on now, nor on those 10,000 above. All below
# 32768, from where on the system gives ports to connections that go out: one could have a node's while it is down.
free_port() {
    local count=${1:-1} port next
    for _ in $(seq 100); do
        port=$((10000 + RANDOM % 12000))
        for ((next = port; next < port + count; next++)); do
            if port_is_taken "$next" || port_is_taken $((next + 10000)); then continue 2; fi
        done
        echo "$port"
        return
    done
    fail "no free port found"
}

# Waits until the server on a port answers and has read its log: wait_ready PORT PID [SECONDS].
wait_ready() {
    local port=$1 pid=$2 seconds=${3:-60}
    for _ in $(seq $((seconds * 20))); do
        kill -0 "$pid" 2>/dev/null || fail "the server ended while it was starting"
        if redis-cli -p "$port" info persistence 2>/dev/null | grep -q '^loading:0'; then
            return
        fi
        sleep 0.05
    done
    fail "the server was not ready after $seconds s"
}

# Builds the two programs once and sets SERVER and CLIENT to them. With BIN_DIR set, takes them from there.
find_programs() {
    if [[ -z ${BIN_DIR:-} ]]; then
        cargo build --release --locked --bins
        BIN_DIR=${CARGO_TARGET_DIR:-target}/release
    fi
    SERVER=$BIN_DIR/server
    # shellcheck disable=SC2034  # for the scripts that source this
    CLIENT=$BIN_DIR/client
    [[ -x $SERVER ]] || fail "$SERVER is not there"
}

# Starts this many nodes, each in a network of its own, in a directory that goes with them when the script ends. Sets `address`
# by their numbers.
start_in_networks() {
    ((EUID == 0)) || fail "networks of their own are made by root only"
    need ip
    find_programs
    export BIN_DIR
    DIR=$(mktemp -d)
    export DIR
    trap end_networks EXIT
    scripts/cluster.sh start --netns --nodes "$1" | tee "$DIR/status"
    declare -gA address
    local node where
    while read -r node where _; do address[$node]=$where; done < <(tail -n +2 "$DIR/status")
}
end_networks() {
    scripts/cluster.sh stop --delete || true
    rm -rf "$DIR"
}

# The client, on node $1 of those.
on() {
    "$CLIENT" --server "${address[$1]}" --connect-timeout 2 --timeout 20 "${@:2}"
}
raft_field() {
    on "$1" info raft | tr -d '\r' | sed -n "s/^$2://p"
}
