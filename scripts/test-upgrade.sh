#!/usr/bin/env bash
# Rolls three nodes from an earlier commit to this one, back and forth again under load, then to the release to come, and
# finalizes: nothing acknowledged may be lost, and the earlier programs are refused afterwards.
#
#   scripts/test-upgrade.sh COMMIT              # builds COMMIT, this tree, and this tree as the release to come
#   PROFILE=dev scripts/test-upgrade.sh HEAD~1  # cargo's profile; by default release
#   OLD=.. NEW=.. NEXT=.. scripts/test-upgrade.sh   # with servers that are built already
#
# Needs git and python3. Uses a temporary directory and free ports of this machine.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh

case ${1:-} in
    -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac
need python3
profile=${PROFILE:-release}
target=${CARGO_TARGET_DIR:-$PWD/target}
home=$(mktemp -d)
finish() {
    [[ ! -d $home/tree ]] || git worktree remove --force "$home/tree"
    rm -rf "$home"
}
trap finish EXIT

# Builds the server of the tree $1 with further flags, and copies it to $2. All share the dependencies.
build() {
    local tree=$1 to=$2
    shift 2
    (cd "$tree" && CARGO_TARGET_DIR=$target cargo build --locked --profile "$profile" --bin server "$@")
    cp "$target/${profile/#dev/debug}/server" "$to"
}

if [[ -z ${OLD:-} ]]; then
    [[ -n ${1:-} ]] || fail "which commit is the earlier one?"
    need git
    git worktree add --detach "$home/tree" "$1" >/dev/null
    OLD=$home/old
    build "$home/tree" "$OLD"
fi
if [[ -z ${NEXT:-} ]]; then
    NEXT=$home/next
    build . "$NEXT" --features next-version
fi
if [[ -z ${NEW:-} ]]; then
    NEW=$home/new
    build . "$NEW"
fi
python3 scripts/upgrade.py "$OLD" "$NEW" "$NEXT"
