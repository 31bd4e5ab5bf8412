#!/bin/sh
# Work on more than fits the memory that it may take.
cd "$(dirname "$0")/../.." || exit 1
exec .venv/bin/python tests/memory/bound.py build/varve 3000000 256
