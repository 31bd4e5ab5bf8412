#!/bin/sh
# cppcheck over all sources, then a build by clang and clang-tidy over the library and the command:
# some minutes.
set -eu
cd "$(dirname "$0")/.."
tools/cppcheck/run.sh
echo "cppcheck: nothing to complain about"
CC=clang tools/build.sh build-clang --buildtype=debug
git ls-files 'src/*.c' | xargs -P 2 -n 8 clang-tidy --quiet -p build-clang
