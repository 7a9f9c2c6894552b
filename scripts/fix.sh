#!/usr/bin/env bash
# Applies the automatic fixes of clippy, and formats the code.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo clippy --locked --all-targets --fix --allow-dirty --allow-staged
cargo fmt --all
