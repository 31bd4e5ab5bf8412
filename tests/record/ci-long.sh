#!/bin/sh
# Random histories held against a model, then thousands of mutations of the bytes of tables: each
# is found by verify and named; and each file of an export altered in each way.
cd "$(dirname "$0")/../.." || exit 1
.venv/bin/python tests/record/story.py build/varve 20 || exit 1
.venv/bin/python tests/record/export_mutate.py build/varve || exit 1
exec .venv/bin/python tests/record/mutate.py build/varve 3000
