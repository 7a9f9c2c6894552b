#!/usr/bin/env bash
# Runs several nodes on this machine, without containers: for experiments, and for the other scripts.
#
#   scripts/cluster.sh start            # three nodes on 127.0.0.1:7001 to 7003; later, those that are down
#   scripts/cluster.sh status
#   scripts/cluster.sh kill 1           # kill -9; `start` brings it back
#   scripts/cluster.sh add              # one more node, which joins
#   scripts/cluster.sh stop             # stops all nodes and keeps the data
#   scripts/cluster.sh stop --delete    # stops all nodes and deletes the data
#
# With --netns (as root, with iproute2) each node has a network namespace, joined by a bridge, and can be cut off:
#
#   scripts/cluster.sh start --netns    # 10.213.1.1:6379 and so on, reachable only from this machine
#   scripts/cluster.sh partition 1      # separates node 1 from the others; clients reach both sides
#   scripts/cluster.sh cut 1 3 4        # separates node 1 from 3 and 4; node 2 reaches all of them
#   scripts/cluster.sh heal
#
# Flags of `start`, with their variables: --nodes 3 (NODES), --port 7001 (PORT). Of all: --dir target/cluster (DIR).
# Flags after `--` go to each server, also of a later `start` or `add` without them. BIN_DIR=target/debug uses the
# programs of that directory.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh

usage() {
    sed -n '2,20s/^# \{0,1\}//p' "$0"
}

nodes=${NODES:-3}
port=${PORT:-7001}
dir=${DIR:-target/cluster}
netns=0
delete=0
server_flags=()
words=()
flags=()
flags_given=0
while (($#)); do
    case $1 in
        --nodes) nodes=$2; shift 2 ;;
        --port) port=$2; shift 2 ;;
        --dir) dir=$2; shift 2 ;;
        --netns) netns=1; shift ;;
        --delete) delete=1; shift ;;
        --) shift; flags=("$@"); flags_given=1; break ;;
        -h | --help) usage; exit 0 ;;
        -*) fail "unknown option $1" ;;
        *) words+=("$1"); shift ;;
    esac
done
((${#words[@]})) || { usage >&2; exit 2; }

# Saves the options of `start` for later calls; `all` includes the nodes that were added.
settings=$dir/cluster
save() {
    mkdir -p "$dir"
    printf '%s\n' "nodes=$nodes" "all=$all" "port=$port" "netns=$netns" "subnet=$subnet" "server_flags=(${flags[*]@Q})" >"$settings"
}
load() {
    [[ -f $settings ]] || fail "no cluster in $dir: start one"
    # shellcheck source=/dev/null
    source "$settings"
    # Without flags, those of the last call that had some apply. A file of an earlier version of this script has none.
    ((flags_given)) || flags=("${server_flags[@]}")
}

host() {
    if ((netns)); then echo "$subnet.$1"; else echo 127.0.0.1; fi
}
client_port() {
    if ((netns)); then echo 6379; else echo $((port + $1 - 1)); fi
}
address() {
    echo "$(host "$1"):$(client_port "$1")"
}
raft_port() {
    echo $(($(client_port "$1") + 10000))
}

# Prints the process id of a node; nothing if it is down. The id in the file may belong to another process by now.
pid_of() {
    local pid
    pid=$(cat "$dir/$1.pid" 2>/dev/null) || return 0
    if { tr '\0' '\n' <"/proc/$pid/cmdline"; } 2>/dev/null | grep -qxF "$dir/$1"; then echo "$pid"; fi
}

run_on() {
    "$CLIENT" --server "$(address "$1")" --connect-timeout 2 --timeout 20 "${@:2}"
}

# Names unique to this cluster; the name of an interface has at most 15 letters.
space() { echo "jsonvault-$subnet.$1"; }
bridge() { echo "jv${subnet##*.}"; }

# A subnet that this machine does not use yet.
free_subnet() {
    local third
    for third in $(seq 1 254); do
        ip -4 addr show | grep -qF "inet 10.213.$third." || { echo "10.213.$third"; return; }
    done
    fail "no free network found"
}

make_bridge() {
    ip link show "$(bridge)" >/dev/null 2>&1 && return
    ip link add "$(bridge)" type bridge
    ip addr add "$subnet.254/24" dev "$(bridge)"
    ip link set "$(bridge)" up
}

make_space() {
    local space wire
    space=$(space "$1")
    wire=$(bridge)-$1
    ip netns list | grep -qE "^$space( |$)" && return
    ip netns add "$space"
    ip link add "$wire" type veth peer name eth0 netns "$space"
    ip link set "$wire" master "$(bridge)" up
    ip -n "$space" addr add "$subnet.$1/24" dev eth0
    ip -n "$space" link set eth0 up
    ip -n "$space" link set lo up
}

remove_spaces() {
    local node
    for node in $(seq "$all"); do
        # Deleting the namespace deletes both ends of its veth pair.
        ip netns del "$(space "$node")" 2>/dev/null || true
    done
    ip link del "$(bridge)" 2>/dev/null || true
}

peers() {
    local node list=
    for node in $(seq "$nodes"); do
        list+=,$node=$(address "$node")@$(raft_port "$node")
    done
    echo "${list#,}"
}

# Starts a node with these additional flags; returns at once.
spawn() {
    local node=$1 wrap=()
    shift
    if ((netns)); then
        make_space "$node"
        # Clients come from another address, which protected mode would reject.
        wrap=(ip netns exec "$(space "$node")" env JSONVAULT_PROTECTED_MODE=no)
    fi
    nohup "${wrap[@]}" "$SERVER" --node-id "$node" --address "$(address "$node")" --dir "$dir/$node" "$@" \
        "${flags[@]}" >/dev/null 2>>"$dir/$node.log" &
    echo $! >"$dir/$node.pid"
}

# Waits until each node either answers a linearizable read, which needs a leader, or replies that it was removed.
wait_for() {
    local node answer
    for node in "$@"; do
        for _ in $(seq 300); do
            # pid_of cannot be used yet: the command line differs until `ip netns exec` has started the server.
            [[ -d /proc/$(cat "$dir/$node.pid") ]] || fail "node $node ended: $(tail -n 1 "$dir/$node.log")"
            if answer=$(run_on "$node" raw dbsize 2>&1) || [[ $answer == *"was removed"* ]]; then continue 2; fi
            sleep 0.1
        done
        fail "node $node has no leader; see $dir/$node.log"
    done
}

start() {
    local node started=()
    if [[ -f $settings ]]; then
        load
        save
    else
        all=$nodes subnet=none
        if ((netns)); then subnet=$(free_subnet); fi
        save
    fi
    if ((netns)); then
        ((EUID == 0)) || fail "--netns needs root"
        make_bridge
    fi
    for node in $(seq "$all"); do
        [[ -z $(pid_of "$node") ]] || continue
        if ((node > nodes)); then
            spawn "$node" --join "$(any_running)"
        elif ((nodes > 1)); then
            spawn "$node" --peers "$(peers)"
        else
            # A single node is started without cluster settings, as most users do.
            spawn "$node" --raft-address "$(host 1):$(raft_port 1)"
        fi
        started+=("$node")
    done
    wait_for "${started[@]}"
    status
}

any_running() {
    local node
    for node in $(seq "$all"); do
        [[ -z $(pid_of "$node") ]] || { address "$node"; return; }
    done
    fail "no node is running"
}

add() {
    load
    local through
    through=$(any_running)
    all=$((all + 1))
    save
    spawn "$all" --join "$through"
    wait_for "$all"
    status
}

end() {
    local node=$1 signal=$2 pid
    pid=$(pid_of "$node")
    [[ -n $pid ]] || return 0
    kill -s "$signal" "$pid"
    for _ in $(seq 300); do
        [[ -n $(pid_of "$node") ]] || { rm -f "$dir/$node.pid"; return 0; }
        sleep 0.1
    done
    fail "node $node, process $pid, does not stop"
}

stop() {
    load
    local node
    for node in $(seq "$all"); do
        end "$node" TERM
    done
    if ((netns)); then remove_spaces; fi
    if ((delete)); then
        for node in $(seq "$all"); do rm -rf "${dir:?}/$node" "$dir/$node.log"; done
        rm -f "$settings"
    fi
}

status() {
    local node info
    field() { sed -n "s/^$1:\([^\r]*\)\r*$/\1/p" <<<"$info"; }
    echo "node  address          state      term  leader  applied  members"
    for node in $(seq "$all"); do
        if [[ -z $(pid_of "$node") ]]; then
            printf '%-5s %-16s down\n' "$node" "$(address "$node")"
        elif ! info=$(run_on "$node" info raft 2>&1); then
            printf '%-5s %-16s no answer: %s\n' "$node" "$(address "$node")" "$info"
        else
            local state
            state=$(field state)
            [[ $(field removed) == 0 ]] || state=removed
            printf '%-5s %-16s %-10s %-5s %-7s %-8s %s\n' "$node" "$(address "$node")" "$state" \
                "$(field current_term)" "$(field leader_id)" "$(field last_applied)" "$(field cluster_size)"
        fi
    done
}

# Cuts the connection between one node and each of the others that follow, in both directions. A cut in one
# direction would be a different fault.
cut() {
    load
    ((netns)) || fail "only nodes started with --netns can be cut off"
    local one=$1 other
    for other in "${@:2}"; do
        ip -n "$(space "$one")" route replace blackhole "$subnet.$other/32"
        ip -n "$(space "$other")" route replace blackhole "$subnet.$one/32"
    done
}

# Cuts these nodes off from all others.
partition() {
    load
    local one other others=()
    for other in $(seq "$all"); do
        [[ " $* " == *" $other "* ]] || others+=("$other")
    done
    for one in "$@"; do cut "$one" "${others[@]}"; done
}

heal() {
    load
    ((netns)) || fail "the nodes were started without --netns, so nothing is cut"
    local node
    for node in $(seq "$all"); do
        ip -n "$(space "$node")" route flush type blackhole
    done
}

case ${words[0]} in
    start) find_programs; start ;;
    stop) stop ;;
    status) find_programs; load; status ;;
    kill)
        load
        for node in "${words[@]:1}"; do end "$node" KILL; done
        ;;
    add) find_programs; add ;;
    partition) partition "${words[@]:1}" ;;
    cut) cut "${words[@]:1}" ;;
    heal) heal ;;
    *) fail "unknown command ${words[0]}" ;;
esac
