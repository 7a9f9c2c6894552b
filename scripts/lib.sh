#!/usr/bin/env bash
# Functions shared by the other scripts; to be sourced, not run.

# Ends the script with a message.
fail() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# Ends the script unless the programs are installed.
need() {
    local program
    for program in "$@"; do
        command -v "$program" >/dev/null || fail "$program is needed (on Debian: apt-get install redis-tools)"
    done
}

# Whether a port of this machine is in use.
port_is_taken() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# The first of this many consecutive free ports (default: one), with those 10,000 above free too. All are below 32768, where
# the ports of outgoing connections begin: such a connection could take a node's port while the node is down.
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

# Builds the two programs and sets SERVER and CLIENT to them; with BIN_DIR set, uses those in it.
find_programs() {
    if [[ -z ${BIN_DIR:-} ]]; then
        cargo build --release --locked --bins
        BIN_DIR=${CARGO_TARGET_DIR:-target}/release
    fi
    SERVER=$BIN_DIR/server
    # shellcheck disable=SC2034  # for the scripts that source this
    CLIENT=$BIN_DIR/client
    [[ -x $SERVER ]] || fail "$SERVER does not exist"
}

# Starts this many nodes, each in a network namespace, and removes them and their directory when the script ends. Sets
# `address` by node number.
start_in_networks() {
    ((EUID == 0)) || fail "network namespaces need root"
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

# The client, connected to node $1.
on() {
    "$CLIENT" --server "${address[$1]}" --connect-timeout 2 --timeout 20 "${@:2}"
}
raft_field() {
    on "$1" info raft | tr -d '\r' | sed -n "s/^$2://p"
}
