#!/bin/bash
# More than a hundred kills of ingest, at every seam and at random; `make nightly` has more. Prints
# "N passed, N failed".
set -u
cd "$(dirname "$0")/../.." || exit 1
export VARVE_BUILD=${VARVE_BUILD:-$PWD/build}
export VARVE_CRASH_NTH=${VARVE_CRASH_NTH:-2} VARVE_CRASH_KILLS=${VARVE_CRASH_KILLS:-40}
passed=0 failed=0
for test in test_killed_at_every_seam test_killed_at_random; do
    if .venv/bin/python -m pytest -q -p no:cacheprovider "tests/crash/test_ingest_kill.py::$test"
    then passed=$((passed + 1)); else failed=$((failed + 1)); fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
