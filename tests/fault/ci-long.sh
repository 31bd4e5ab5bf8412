#!/bin/sh
# Every allocation and every call of the store in turn fails, in every operation: the unit tests
# leave out some of the later ones.
set -eu
cd "$(dirname "$0")/../.."
make -s build
VARVE_FAULT_ALL=1 exec build/tests/fault/test_fault_operations
