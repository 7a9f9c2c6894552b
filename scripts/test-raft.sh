#!/usr/bin/env bash
# Kills the leader during an import, restarts it, and checks that every acknowledged write is there.
#
#   scripts/test-raft.sh                    # one node, 100,000 documents, killed three times
#   scripts/test-raft.sh --nodes 3          # three nodes; the others continue without the killed one
#   scripts/test-raft.sh --documents 500000 --kills 10
#   BIN_DIR=target/debug scripts/test-raft.sh
#
# Uses a temporary directory and free ports of this machine.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh

documents=100000
kills=3
nodes=1
while (($#)); do
    case $1 in
        --documents) documents=$2; shift 2 ;;
        --kills) kills=$2; shift 2 ;;
        --nodes) nodes=$2; shift 2 ;;
        -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) fail "unknown option $1" ;;
    esac
done
((nodes != 2)) || fail "two nodes are no use: neither may fail"

need redis-cli
find_programs
PORT=$(free_port "$nodes")
DIR=$(mktemp -d)
export BIN_DIR PORT DIR NODES=$nodes
finish() {
    scripts/cluster.sh stop --delete || true
    rm -rf "$DIR"
}
trap finish EXIT

# redis-cli on node $1.
cli() {
    redis-cli -p $((PORT + $1 - 1)) "${@:2}"
}

raft_field() {
    cli "$1" info raft | tr -d '\r' | sed -n "s/^$2://p"
}

# A node other than $1, if there is one.
other_than() {
    echo $(($1 % nodes + 1))
}

# Checks that a node has each acknowledged document with its content: `n` is the number in the key.
check_acknowledged() {
    local node=$1 acknowledged=$2 keys missing
    keys=$(wc -l <"$acknowledged")
    missing=$(sed 's/^\(.*:\)\([0-9]*\)$/JSON.GET \1\2 $.n/' "$acknowledged" | cli "$node" | paste -d' ' "$acknowledged" - \
        | awk '{ split($1, key, ":"); if ($2 != "[" key[3] "]") bad++ } END { print bad + 0 }')
    ((missing == 0)) || fail "node $node: $missing of $keys acknowledged documents are missing or wrong"
    echo "  all $keys acknowledged documents are on node $node"
}

make_documents() {
    awk -v count="$documents" 'BEGIN {
        for (n = 1; n <= count; n++)
            printf "{\"n\":%d,\"name\":\"user %d\",\"tags\":[\"a\",\"b\",%d],\"active\":%s}\n", n, n, n % 7, n % 2 ? "true" : "false"
    }'
}

# Imports through node $2 and kills the leader, $1, meanwhile.
import_and_kill() {
    local leader=$1 through=$2 acknowledged=$3 importer wanted
    "$CLIENT" --server "127.0.0.1:$((PORT + through - 1))" import "$DIR/documents.ndjson" \
        --prefix "round$round:doc:" --acknowledged "$acknowledged" 2>"$DIR/import.log" &
    importer=$!
    # The kill comes later in each round, so that the log ends at different places.
    wanted=$((documents * round / (kills + 1)))
    for _ in $(seq 2000); do
        [[ -f $acknowledged ]] && (($(wc -l <"$acknowledged") >= wanted)) && break
        kill -0 "$importer" 2>/dev/null || break
        sleep 0.005
    done
    scripts/cluster.sh kill "$leader"
    if wait "$importer" && ((leader == through)); then
        echo "  the import had ended before the kill"
    fi
    grep acknowledged "$DIR/import.log" | sed 's/^/  /'
}

make_documents >"$DIR/documents.ndjson"
echo "starting, nodes: $nodes, the first on port $PORT"
scripts/cluster.sh start >/dev/null
first_term=$(raft_field 1 current_term)

for round in $(seq "$kills"); do
    leader=$(raft_field 1 leader_id)
    # Alternates between the node to be killed and another one.
    through=$leader
    ((round % 2)) || through=$(other_than "$leader")
    echo "round $round: import $documents documents through node $through, kill -9 of node $leader, which leads"
    acknowledged=$DIR/acknowledged.$round
    import_and_kill "$leader" "$through" "$acknowledged"
    ((nodes == 1)) || check_acknowledged "$(other_than "$leader")" "$acknowledged"
    scripts/cluster.sh start >/dev/null
    check_acknowledged "$leader" "$acknowledged"
done

echo "stopping cleanly and restarting"
cli 1 json.set counter '$' '{"n":1}' >/dev/null
cli 1 json.numincrby counter '$.n' 41 >/dev/null
before=$(cli 1 dbsize)
scripts/cluster.sh stop
scripts/cluster.sh start
for node in $(seq "$nodes"); do
    [[ $(cli "$node" json.get counter '$.n') == "[42]" ]] || fail "the counter was lost or counted twice"
    [[ $(cli "$node" dbsize) == "$before" ]] || fail "$(cli "$node" dbsize) keys, there were $before"
    (($(raft_field "$node" current_term) >= first_term)) || fail "the term decreased"
done
leader=$(raft_field 1 leader_id)
[[ $(raft_field "$leader" last_applied) == "$(raft_field "$leader" last_log_index)" ]] \
    || fail "the log is not fully applied"
echo "ok: $before keys, term $(raft_field 1 current_term), $(raft_field "$leader" last_applied) entries applied"
