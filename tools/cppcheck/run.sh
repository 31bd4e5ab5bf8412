#!/bin/sh
# cppcheck over all C sources; what is not believed is in suppressions.txt, each with its reason.
# The headers of the tests are left out and their macros told by varve.cfg: cppcheck cannot parse
# the real ones, and would pass over every function that has one.
set -eu
cd "$(dirname "$0")/../.."
mkdir -p build-cppcheck
cppcheck -j 2 --quiet --error-exitcode=1 --inline-suppr --std=c11 --cppcheck-build-dir=build-cppcheck \
    --enable=warning,style,performance,portability -I include -I src \
    --library=posix,gnu,python --library=tools/cppcheck/varve.cfg \
    --suppressions-list=tools/cppcheck/suppressions.txt \
    --template='{file}:{line}: {severity} {id}: {message}' src include python/src tests
