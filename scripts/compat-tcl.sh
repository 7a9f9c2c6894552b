#!/usr/bin/env bash
# Runs the units of Redis' own TCL suite that apply, in external mode, against the server at COMPAT_PORT. REDIS_SOURCE is a
# directory with the sources of Redis 7.4; a temporary copy of its tests is patched and run. Prints per unit how many tests
# passed, failed, failed for a reason in compat-tcl-explained.txt, and were skipped for a missing command; fails if one
# failed without a reason.
#
#   REDIS_SOURCE=~/redis COMPAT_PORT=6379 scripts/compat-tcl.sh [unit ..]
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh

# Units that are left out because all their tests need a server that the suite has started itself: auth, info, limits, memefficiency,
# networking, pubsubshard, wait. Units that are left out because they test features that JsonVault does not have: querybuf and replybufsize (the sizes
# of Redis' buffers), violations (streams, SORT and gigabytes of memory), and families of commands (bitops, geo, scripting, ..).
units=(keyspace scan info-command type/string type/incr type/list type/list-2 type/list-3 type/set type/zset type/hash expire other
    multi quit protocol introspection introspection-2 latency-monitor slowlog pubsub tracking pause lazyfree)
# Units that have only slow tests, which are therefore run.
slow=" type/list-2 "
if (($#)); then units=("$@"); fi
# The maximum duration of a unit in seconds. Most take a few seconds; `other` takes a minute or two, because it writes 100,000
# times and reads after each write.
patience=${COMPAT_TCL_PATIENCE:-300}
port=${COMPAT_PORT:?} explained=$PWD/scripts/compat-tcl-explained.txt
[[ -d ${REDIS_SOURCE:-}/tests ]] || fail "REDIS_SOURCE is not a directory with the sources of Redis"
command -v tclsh >/dev/null || fail "tclsh is missing: apt-get install tcl"

work=$(mktemp -d)
trap 'end_clients; rm -rf "$work"' EXIT
cp -r "$REDIS_SOURCE/tests" "$work/tests"
mkdir "$work/src"
for program in redis-cli redis-benchmark; do ln -s "$(command -v "$program")" "$work/src/"; done

# Before each file, the harness uses commands and settings that the server may lack.
sed -i -e 's/^    r function flush$/    catch {r function flush}/' \
    -e 's/^        r config set \$param \$val$/        catch {r config set $param $val}/' "$work/tests/support/server.tcl"
sed -i 's/^proc r {args} {$/&\n    if {[is_foreign_setting $args]} { return OK }/' "$work/tests/test_helper.tcl"
cat scripts/compat-tcl.tcl >>"$work/tests/support/test.tcl"

# Redis' commands that the server does not have.
sed -n 's/^    "\([A-Z_]*\)": {$/\L\1/p' "$REDIS_SOURCE"/src/commands/*.json | sort -u >"$work/theirs"
redis-cli -p "$port" command list | sort -u >"$work/ours"
# The names above include those of subcommands, which are left out here.
find "$REDIS_SOURCE/src/commands" -name '*.json' ! -name '*-*' -printf '%f\n' | sed 's/\.json$//' | sort -u >"$work/whole"
export COMPAT_COMMANDS_MISSING=$work/missing COMPAT_SETTINGS=$work/settings
redis-cli -p "$port" config get '*' | sed -n '1~2p' >"$COMPAT_SETTINGS"
comm -12 "$work/theirs" "$work/whole" | comm -23 - "$work/ours" >"$COMPAT_COMMANDS_MISSING"

# The output of a unit without colours: the line of a test begins with [ok], [err], [exception] or [ignore].
run_unit() {
    local tags="-needs:repl"
    if [[ $slow != *" $1 "* ]]; then tags="-slow $tags"; fi
    (cd "$work" && timeout "$patience" tclsh tests/test_helper.tcl --host 127.0.0.1 --port "$port" --singledb --durable \
        --ignore-encoding --ignore-digest --tags "$tags" --single "unit/$1") 2>&1 | sed 's/\x1b\[[0-9;]*m//g'
}

# Ends the clients that a timed-out unit left behind: they would write into the next one.
end_clients() {
    local client
    for client in $(pgrep tclsh || true); do
        if [[ $(readlink "/proc/$client/cwd" || true) == "$work" ]]; then kill "$client" 2>/dev/null || true; fi
    done
}

# The explanation of a failure, if there is one: reason UNIT TEST
reason() {
    local unit name why
    while IFS='|' read -r unit name why; do
        unit=${unit%% } name=${name#"${name%%[! ]*}"} name=${name%"${name##*[! ]}"}
        # shellcheck disable=SC2053  # the name is a pattern
        if [[ $unit == "$1" && $2 == $name ]]; then echo "${why# }"; return; fi
    done < <(grep -v '^#' "$explained")
}

count() { grep -acE "$1" "$work/log" || true; }

unexplained=0
for unit in "${units[@]}"; do
    ended=0
    run_unit "$unit" >"$work/log" || ended=$?
    end_clients
    failed=() known=0 left_out=$(count '^\[ignore\]')
    while IFS= read -r line; do
        name=${line#*: } name=${name%" in tests/unit/"*}
        # A test whose code is in a variable is not skipped for a missing command; it fails with this error.
        unknown=$(grep -aF -A 3 "]: $name" "$work/log" | grep -aoE "unknown command '[A-Za-z_]+'" | head -n 1 | cut -d "'" -f 2 || true)
        if [[ -n $unknown ]] && grep -qix "$unknown" "$COMPAT_COMMANDS_MISSING"; then
            left_out=$((left_out + 1))
            continue
        fi
        if [[ -n $(reason "$unit" "$name") ]]; then known=$((known + 1)); else failed+=("$name"); fi
    done < <(sed '/^!!! WARNING/,$d' "$work/log" | grep -aE '^\[(err|exception)\]')
    if ((ended > 1)) || ! grep -aq 'The End' "$work/log"; then failed+=("the unit did not finish ($ended)"); fi
    printf '%s: %d passed, %d failed, %d explained, %d left out\n' "$unit" "$(count '^\[ok\]')" "${#failed[@]}" "$known" \
        "$left_out"
    for name in "${failed[@]}"; do
        echo "    $name"
        grep -aF -A 2 "]: $name" "$work/log" | sed -n '2,3s/^/        /p' | cut -c1-300 || true
    done
    unexplained=$((unexplained + ${#failed[@]}))
done
((unexplained == 0)) || fail "$unexplained tests failed without a reason in compat-tcl-explained.txt"
