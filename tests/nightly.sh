#!/bin/bash
# The long suites, one after the other; goes on where one fails, and says at the end what each came
# to and how long it took. Some hours: see docs/testing.md.
set -u
cd "$(dirname "$0")/.." || exit 1
exec </dev/null
told=()
failed=0

# step NAME COMMAND...
step() {
    local name=$1 began=$SECONDS status
    shift
    echo "=== $name: $*"
    "$@"
    status=$?
    told+=("$(printf '%-10s %5d s  %s' "$name" $((SECONDS - began)) \
        "$([ "$status" = 0 ] && echo passed || echo "FAILED ($status)")")")
    [ "$status" = 0 ] || failed=$((failed + 1))
}

step crash env VARVE_CRASH_NTH=5 VARVE_CRASH_KILLS=1100 tests/crash/ci-long.sh
step memory .venv/bin/python tests/memory/bound.py build/varve 10000000 512
step tell .venv/bin/python tests/memory/bound.py build/varve 3000000 256 tell
step record .venv/bin/python tests/record/story.py build/varve 200 1000
step session env VARVE_SESSION_STORIES=200 VARVE_TEST_SEED=random VARVE_TEST_SECONDS=7200 \
    build/tests/property/test_property_session
step power .venv/bin/python tests/power/power.py build 20 100
step tsan make tsan
step valgrind make valgrind
step coverage make coverage
step analyse make analyse
step mutants make mutants
step soak make soak
step fuzz make fuzz SECONDS=600

printf '%s\n' "${told[@]}"
echo "$((${#told[@]} - failed)) passed, $failed failed"
[ "$failed" = 0 ]
