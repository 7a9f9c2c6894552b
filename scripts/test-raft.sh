#!/usr/bin/env bash
# Kills a node in the middle of an import, restarts it and looks for every write that was acknowledged.
#
#   scripts/test-raft.sh                    # 100,000 documents, killed three times
#   scripts/test-raft.sh --documents 500000 --kills 10
#   BIN_DIR=target/debug scripts/test-raft.sh
#
# Everything happens in a temporary directory and on a free port of this machine. There is one node: members of a
# cluster come with a version that can be clustered.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh

documents=100000
kills=3
while (($#)); do
    case $1 in
        --documents) documents=$2; shift 2 ;;
        --kills) kills=$2; shift 2 ;;
        -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) fail "unknown option $1" ;;
    esac
done

need redis-cli
find_programs
work=$(mktemp -d)
server_pid=
finish() {
    if [[ -n $server_pid ]]; then
        kill -9 "$server_pid" 2>/dev/null || true
        wait "$server_pid" 2>/dev/null || true
    fi
    rm -rf "$work"
}
trap finish EXIT

port=$(free_port)
export JSONVAULT_SERVER=127.0.0.1:$port

start() {
    "$SERVER" --address "127.0.0.1:$port" --raft-address "127.0.0.1:$((port + 1))" --dir "$work/data" \
        2>>"$work/server.log" &
    server_pid=$!
    wait_ready "$port" "$server_pid"
}

# Ends the node as a power cut would end the process: nothing is flushed, nothing is answered.
kill_node() {
    kill -9 "$server_pid"
    wait "$server_pid" 2>/dev/null || true
    server_pid=
}

cli() {
    redis-cli -p "$port" "$@"
}

raft_field() {
    cli info raft | tr -d '\r' | sed -n "s/^$1://p"
}

# Each acknowledged document has to be there with its content: import numbers them, and so does `n` in each.
check_acknowledged() {
    local acknowledged=$1 keys missing
    keys=$(wc -l <"$acknowledged")
    missing=$(sed 's/^\(.*:\)\([0-9]*\)$/JSON.GET \1\2 $.n/' "$acknowledged" | cli | paste -d' ' "$acknowledged" - \
        | awk '{ split($1, key, ":"); if ($2 != "[" key[3] "]") bad++ } END { print bad + 0 }')
    ((missing == 0)) || fail "$missing of $keys acknowledged documents are missing or wrong"
    echo "  all $keys acknowledged documents are there"
}

make_documents() {
    awk -v count="$documents" 'BEGIN {
        for (n = 1; n <= count; n++)
            printf "{\"n\":%d,\"name\":\"user %d\",\"tags\":[\"a\",\"b\",%d],\"active\":%s}\n", n, n, n % 7, n % 2 ? "true" : "false"
    }'
}

make_documents >"$work/documents.ndjson"
echo "starting a node on port $port"
start
first_term=$(raft_field current_term)
[[ $(raft_field is_leader) == 1 ]] || fail "a node that is alone has to lead"

for round in $(seq "$kills"); do
    echo "round $round: import $documents documents, kill -9 on the way"
    acknowledged=$work/acknowledged.$round
    "$CLIENT" import "$work/documents.ndjson" --prefix "round$round:doc:" --acknowledged "$acknowledged" \
        2>"$work/import.log" &
    import_pid=$!
    # The later rounds kill later, so that the log is cut at different places.
    wanted=$((documents * round / (kills + 1)))
    for _ in $(seq 2000); do
        [[ -f $acknowledged ]] && (($(wc -l <"$acknowledged") >= wanted)) && break
        kill -0 "$import_pid" 2>/dev/null || break
        sleep 0.005
    done
    kill_node
    wait "$import_pid" 2>/dev/null && echo "  the import had ended before the kill"
    grep acknowledged "$work/import.log" | sed 's/^/  /'
    start
    check_acknowledged "$acknowledged"
done

echo "stopping cleanly and starting once more"
cli json.set counter '$' '{"n":1}' >/dev/null
cli json.numincrby counter '$.n' 41 >/dev/null
before=$(cli dbsize)
kill "$server_pid"
wait "$server_pid" || fail "the server did not end cleanly: $(tail -n 1 "$work/server.log")"
server_pid=
start
[[ $(cli json.get counter '$.n') == "[42]" ]] || fail "the counter was lost or counted twice"
[[ $(cli dbsize) == "$before" ]] || fail "$(cli dbsize) keys, there were $before"
(($(raft_field current_term) >= first_term)) || fail "a term never falls"
[[ $(raft_field last_applied) == "$(raft_field last_log_index)" ]] || fail "the log is not applied to its end"
echo "ok: $before keys, term $(raft_field current_term), $(raft_field last_applied) entries applied"
