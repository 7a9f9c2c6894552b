#!/usr/bin/env bash
# Repairs what can be repaired by itself: the layout, and what clippy knows a better form for.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo clippy --locked --all-targets --fix --allow-dirty --allow-staged
cargo fmt --all
