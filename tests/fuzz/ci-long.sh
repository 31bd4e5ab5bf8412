#!/bin/sh
# Each fuzz target for five seconds, beyond the corpus that the unit tests replay.
set -eu
cd "$(dirname "$0")/../.."
./setup.sh fuzz
exec tests/fuzz/run.py build-fuzz --seconds 5
