#!/bin/bash
# What takes longer of the tests of ingest: more kills of a run that follows files that rotate, and a
# short soak; tests/ingest/soak.py runs for longer. Prints "N passed, N failed".
set -u
cd "$(dirname "$0")/../.." || exit 1
export VARVE_BUILD=${VARVE_BUILD:-$PWD/build} VARVE_TEST_KILLS=30
passed=0 failed=0
count() { if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi; }
count .venv/bin/python -m pytest -q -p no:cacheprovider tests/ingest/test_follow.py -k killed
count .venv/bin/python tests/ingest/soak.py --minutes 0.7 --interval 5
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
