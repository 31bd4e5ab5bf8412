#!/bin/sh
# tools/build.sh FOLDER [MESON OPTIONS]: configures the folder once, then builds it.
set -eu
cd "$(dirname "$0")/.."
folder=$1
shift
# A folder whose configuring was interrupted has no build.ninja.
[ -f "$folder/build.ninja" ] || meson setup --wipe "$folder" "$@" >"/dev/null" 2>&1 ||
    meson setup "$folder" "$@"
exec ninja -C "$folder" --quiet
