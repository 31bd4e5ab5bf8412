#!/bin/sh
# Every allocation in turn fails, in every operation that reads or proves: the tests leave some of the
# later ones out. With names (ci-long.sh changes upkeep): every allocation, call of the store and
# statement in those programs, which takes up to half an hour each.
set -eu
cd "$(dirname "$0")/../.."
tools/build.sh build
export VARVE_FAULT_ALL=1 VARVE_TEST_SECONDS=3600
if [ $# = 0 ]; then
    for noun in operations proofs; do
        build/tests/fault/test_fault_$noun --only allocation
    done
fi
for noun; do
    build/tests/fault/test_fault_"$noun"
done
