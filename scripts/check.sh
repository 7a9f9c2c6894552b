#!/usr/bin/env bash
# The checks that a change must pass. Modifies no file of the tree.
#
#   scripts/check.sh            all checks
#   scripts/check.sh fmt        one part: fmt, clippy, test, load, shell or deny
set -euo pipefail
cd "$(dirname "$0")/.."

fmt() {
    cargo fmt --all -- --check
}

clippy() {
    cargo clippy --locked --all-targets -- -D warnings
}

run_tests() {
    if cargo nextest --version >/dev/null 2>&1; then
        cargo nextest run --locked
    else
        echo "check.sh: cargo-nextest is not installed, so cargo test runs instead" >&2
        cargo test --locked --lib --bins --tests --examples
    fi
    # Doc tests, which nextest does not run.
    cargo test --locked --doc
}

# The load driver of the benchmarks, a package of its own, and the programs that use it.
load() {
    local manifest=benchmarks/load/Cargo.toml
    cargo fmt --manifest-path $manifest -- --check
    export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/load
    cargo clippy --locked --manifest-path $manifest --all-targets -- -D warnings
    cargo test --locked --manifest-path $manifest
    python3 benchmarks/compare --help >/dev/null
}

shell() {
    if command -v shellcheck >/dev/null; then
        shellcheck scripts/*.sh benchmarks/*.sh
    else
        echo "check.sh: shellcheck is not installed, so the scripts are not checked" >&2
    fi
}

deny() {
    if cargo deny --version >/dev/null 2>&1; then
        cargo deny --locked check licenses bans sources
    else
        echo "check.sh: cargo-deny is not installed, so the licences are not checked" >&2
    fi
}

case "${1:-all}" in
    all)
        fmt
        shell
        clippy
        run_tests
        (load)
        deny
        ;;
    test) run_tests ;;
    fmt | clippy | load | shell | deny) "$1" ;;
    *)
        echo "usage: scripts/check.sh [fmt|clippy|test|load|shell|deny]" >&2
        exit 2
        ;;
esac
