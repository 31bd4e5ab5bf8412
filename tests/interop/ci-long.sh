#!/bin/bash
# What takes longer: random conditions over every foreign table, with and without skipping by
# statistics. Prints "N passed, N failed".
set -u
cd "$(dirname "$0")/../.." || exit 1
exec .venv/bin/python tests/interop/skipping.py "${VARVE_BUILD:-build}" --seed "${VARVE_TEST_SEED:-1}"
