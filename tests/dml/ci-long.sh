#!/bin/bash
# What takes longer of the tests of changes: killed at every seam. Prints "N passed, N failed".
set -u
cd "$(dirname "$0")/../.." || exit 1
export VARVE_BUILD=${VARVE_BUILD:-$PWD/build} VARVE_TEST_KILLS=30
passed=0 failed=0
count() { if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi; }
count .venv/bin/python -m pytest -q -p no:cacheprovider tests/dml -k killed
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
