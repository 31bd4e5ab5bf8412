#!/bin/sh
# Builds with clang, then runs clang-tidy over the library and the command: some minutes.
set -eu
cd "$(dirname "$0")/.."
CC=clang tools/build.sh build-clang --buildtype=debug
git ls-files 'src/*.c' | xargs -P 2 -n 8 clang-tidy --quiet -p build-clang
