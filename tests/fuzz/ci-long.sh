#!/bin/sh
# Each fuzz target for five seconds, beyond the corpus that the unit tests replay. From one seed:
# whether a change goes in is not left to chance. `make fuzz` looks elsewhere each time.
set -eu
cd "$(dirname "$0")/../.."
./setup.sh fuzz
exec tests/fuzz/run.py build-fuzz --seconds 5 --seed 1
