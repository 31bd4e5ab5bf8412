#!/bin/sh
# Every allocation in turn fails, in every operation that reads: the unit tests leave out some of
# the later ones. Without --only, in all operations, and every call of the store as well: by hand.
set -eu
cd "$(dirname "$0")/../.."
tools/build.sh build
VARVE_FAULT_ALL=1 exec build/tests/fault/test_fault_operations --only that_read_are_right_or_fail_whichever_allocation
