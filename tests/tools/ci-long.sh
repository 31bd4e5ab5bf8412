#!/bin/sh
# What clang has to say of all sources: `make build` asks gcc alone.
set -eu
cd "$(dirname "$0")/../.."
./setup.sh analyse
tools/build.sh build
if python3 tools/check_clang.py build; then
    echo "1 passed, 0 failed"
else
    echo "0 passed, 1 failed"
    exit 1
fi
