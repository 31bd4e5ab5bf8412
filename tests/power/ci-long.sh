#!/bin/sh
# Power cuts at every moment of four histories, a hundred disks of each; `make nightly` tells more.
set -eu
cd "$(dirname "$0")/../.."
exec .venv/bin/python tests/power/power.py "${VARVE_BUILD:-build}" "${VARVE_POWER_STORIES:-4}" \
    --cuts "${VARVE_POWER_CUTS:-100}"
