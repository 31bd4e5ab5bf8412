#!/bin/sh
# Every allocation, call of the store and statement in turn fails, in every operation: the tests leave
# some of the later ones out. In parts, for more than one at a time: ci-long.sh changes upkeep.
set -eu
cd "$(dirname "$0")/../.."
tools/build.sh build
export VARVE_FAULT_ALL=1 VARVE_TEST_SECONDS=3600
for noun in ${*:-changes edit operations proofs torn upkeep upsert}; do
    build/tests/fault/test_fault_$noun
done
