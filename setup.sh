#!/bin/sh
# Installs and fetches what Varve needs, and does nothing when it is all there.
#
#   ./setup.sh build    what a build needs: Debian packages, libduckdb, yyjson, nanoarrow
#   ./setup.sh test     that, and a Python environment in .venv for the tests
#   ./setup.sh spark    that of `build`, Java, and Spark with Delta in .venv-spark for its tests
#   ./setup.sh bench    that of `build`, and a Python environment in .venv-bench with the peers
#   ./setup.sh bench-more  that of `bench`, and environments for DuckLake and ArcticDB
#   ./setup.sh lint     that of `build`, and the formatter
#   ./setup.sh analyse  that of `build`, clang with its analyser, and cppcheck
#   ./setup.sh fuzz     that of `build`, and clang with its fuzzer
#   ./setup.sh coverage that of `test`, and gcovr
#   ./setup.sh valgrind that of `build`, and valgrind
#
# Fetched things go to third_party/ (ignored by git) and are checked against the sums below.
# Once they are there nothing is asked of the network. On a machine without one: put the
# archives named below into third_party/downloads/ by hand and run it again.
# DUCKDB_HOME=DIR takes an installed libduckdb (DIR/include/duckdb.h, DIR/lib/libduckdb.so,
# version 1.5 or later) instead of the fetched one.
set -eu
cd "$(dirname "$0")"
umask 022

build_packages="gcc libc6-dev meson ninja-build pkg-config libssl-dev zlib1g-dev libxxhash-dev libroaring-dev libedit-dev
 liblz4-dev libzstd-dev libsnappy-dev"
lint_packages="clang-format"
analyse_packages="clang clang-tidy cppcheck"
fuzz_packages="clang libclang-rt-dev"
coverage_packages="gcovr"
valgrind_packages="valgrind"
spark_packages="openjdk-17-jdk-headless maven"

lib_package="@duckdb/node-bindings-linux-x64@1.5.6-r.1"
lib_archive="duckdb-node-bindings-linux-x64-1.5.6-r.1.tgz"
lib_archive_sum=1b9f82478539bb9a1d1df44bd103121a12ae52142c07158dc52b97d2ec1d69ff
lib_sum=3f4962cdd266eab2b479a5b5a4a6d063d279b2954ae814ed00385d553b747633

src_package="duckdb@1.4.4"
src_archive="duckdb-1.4.4.tgz"
src_archive_sum=5bb967dcbcd517670ba5f169f238fb9d6787e53752c60ebe24386169d76941ed
yyjson_c_sum=ab214444dd8e59a16710176f85c2233d4a9de7e14dfd76d7dc6484f0e6398abc
yyjson_h_sum=a7147437a9fe41de28217b296c7143285b304d904f63ce419caa7d49b61e48ea

# The source archive of the Python package brings the C sources, and those of flatcc that it needs.
arrow_package=nanoarrow
arrow_version=0.9.0
arrow_archive="nanoarrow-0.9.0.tar.gz"
arrow_archive_sum=1ce15bbed8532839347faa78824c5dbd3769bff60661003e34c6fba5dd881bd3

# What Spark needs beside what its Python package brings.
delta_jar="io.delta:delta-spark_4.2_2.13:4.4.0"
delta_jar_sum=27d4fd8b1f879535c573ed1c718177d6a27f24d3e626ba02e216369725721ead
storage_jar="io.delta:delta-storage:4.4.0"
storage_jar_sum=c46735481fa8e326b0957be02b4420cbcab4b325bb08009b7f2045a95133f1cc

say() { echo "setup: $*" >&2; }
die() {
    say "$*"
    exit 1
}

sum_of() { sha256sum "$1" | cut -d ' ' -f 1; }

# check_sum FILE SUM
check_sum() {
    found=$(sum_of "$1")
    [ "$found" = "$2" ] || die "$1 has sha256 $found, not $2: delete it and run again;" \
        "if it stays so, the archive is not the one that was tried: do not use it"
}

# A Java that Spark runs on, with its compiler: 17 or later.
has_java() {
    command -v javac >/dev/null || return 1
    java -version 2>&1 | sed -n '1s/.*"\([0-9]*\).*/\1/p' | grep -qE '^(1[7-9]|2[0-9])$'
}

# Installs those of the named Debian packages that are missing.
need_packages() {
    command -v dpkg-query >/dev/null || {
        say "not a Debian system: install what these Debian packages hold yourself: $*"
        return 0
    }
    missing=
    for package in "$@"; do
        case $package in # a newer one from elsewhere will do
        gcc | meson) ! command -v "$package" >/dev/null || continue ;;
        ninja-build) ! command -v ninja >/dev/null || continue ;;
        npm) ! command -v npm >/dev/null || continue ;;
        maven) ! command -v mvn >/dev/null || continue ;;
        openjdk-*) ! has_java || continue ;;
        esac
        state=$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null || true)
        case $state in ii*) ;; *) missing="$missing $package" ;; esac
    done
    [ -n "$missing" ] || return 0
    [ "$(id -u)" = 0 ] || die "missing packages; run: sudo apt-get install$missing"
    say "installing$missing"
    export DEBIAN_FRONTEND=noninteractive
    # Old lists serve where the packages can be had by them; new ones otherwise.
    # shellcheck disable=SC2086
    apt-get install -y -q --no-install-recommends $missing >/dev/null 2>&1 || {
        apt-get update -q >/dev/null || die "apt-get update failed: is there a network?"
        apt-get install -y -q --no-install-recommends $missing >/dev/null ||
            die "apt-get could not install$missing: install them by hand and run again"
    }
}

# fetch_archive PACKAGE FILE SUM: leaves the checked archive in third_party/downloads.
fetch_archive() {
    if [ ! -f "third_party/downloads/$2" ]; then
        need_packages npm
        say "fetching $1"
        (cd third_party/downloads && npm pack --silent "$1" >/dev/null) ||
            die "npm could not fetch $1: put $2 (sha256 $3) into third_party/downloads/" \
                "by hand and run again"
        [ -f "third_party/downloads/$2" ] || die "npm pack $1 left no $2"
    fi
    check_sum "third_party/downloads/$2" "$3"
}

# pip asks a source archive for its metadata, which this one can tell only once it has been built.
# The archive alone is wanted, so a build system that does nothing answers in the place of its own.
write_backend() {
    cat >"$1/mesonpy.py" <<'PY'
import pathlib


def prepare_metadata_for_build_wheel(folder, config_settings=None):
    import os

    name, version = os.environ["VARVE_PACKAGE"], os.environ["VARVE_PACKAGE_VERSION"]
    info = pathlib.Path(folder) / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    return info.name
PY
}

# fetch_arrow: leaves the checked archive in third_party/downloads.
fetch_arrow() {
    if [ ! -f "third_party/downloads/$arrow_archive" ]; then
        python3 -c 'import venv, ensurepip' 2>/dev/null || need_packages python3-venv
        say "fetching $arrow_package $arrow_version"
        folder=third_party/unpacked/pip
        python3 -m venv "$folder" || die "python3 -m venv failed: apt-get install python3-venv"
        write_backend "$folder"
        PYTHONPATH="$PWD/$folder" VARVE_PACKAGE=$arrow_package VARVE_PACKAGE_VERSION=$arrow_version \
            "$folder/bin/pip" download -q --disable-pip-version-check --no-deps --no-binary :all: \
            --no-build-isolation -d third_party/downloads "$arrow_package==$arrow_version" >/dev/null ||
            die "pip could not fetch $arrow_package: put $arrow_archive (sha256" \
                "$arrow_archive_sum) into third_party/downloads/ by hand and run again"
        [ -f "third_party/downloads/$arrow_archive" ] || die "pip left no $arrow_archive"
    fi
    check_sum "third_party/downloads/$arrow_archive" "$arrow_archive_sum"
}

# unpack FILE MEMBER...: into third_party/unpacked
unpack() {
    archive=third_party/downloads/$1
    shift
    tar -xzf "$archive" -C third_party/unpacked "$@" || die "$archive lacks: $*"
}

# An installed libduckdb: checked by asking the library itself.
link_duckdb_home() {
    header=$(ls "$DUCKDB_HOME/include/duckdb.h" "$DUCKDB_HOME/duckdb.h" 2>/dev/null | head -n 1)
    library=$(ls "$DUCKDB_HOME/lib/libduckdb.so" "$DUCKDB_HOME/libduckdb.so" 2>/dev/null |
        head -n 1)
    [ -n "$header" ] && [ -n "$library" ] ||
        die "DUCKDB_HOME=$DUCKDB_HOME lacks include/duckdb.h or lib/libduckdb.so"
    python3 - "$library" <<'PY' || die "DUCKDB_HOME: Varve needs libduckdb 1.5 or later"
import ctypes, sys
version = ctypes.CDLL(sys.argv[1]).duckdb_library_version
version.restype = ctypes.c_char_p
text = version().decode()
sys.exit(tuple(int(part) for part in text.lstrip("v").split(".")[:2]) < (1, 5))
PY
    ln -s "$(realpath "$header")" third_party/duckdb/include/duckdb.h
    ln -s "$(realpath "$library")" third_party/duckdb/lib/libduckdb.so
}

fetch_duckdb() {
    [ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] ||
        die "the fetched libduckdb is for Linux on x86-64: install libduckdb 1.5 or later" \
            "with its header and name its folder in DUCKDB_HOME"
    fetch_archive "$lib_package" "$lib_archive" "$lib_archive_sum"
    unpack "$lib_archive" package/libduckdb.so
    check_sum third_party/unpacked/package/libduckdb.so "$lib_sum"
    # It would look up 31,000 of its own symbols at each start of a program.
    python3 tools/bind_library.py third_party/unpacked/package/libduckdb.so \
        third_party/duckdb/lib/libduckdb.so >/dev/null || die "libduckdb could not be bound to itself"
    unpack "$src_archive" package/src/duckdb/src/include/duckdb.h
    mv third_party/unpacked/package/src/duckdb/src/include/duckdb.h third_party/duckdb/include/
}

# DuckDB's copy of yyjson 0.9.0 is the C source in a C++ namespace; this takes it out again.
make_yyjson() {
    folder=package/src/duckdb/third_party/yyjson
    unpack "$src_archive" "$folder/yyjson.cpp" "$folder/include/yyjson.hpp"
    folder=third_party/unpacked/$folder
    sed -e '/namespace duckdb_yyjson/d' -e 's/"yyjson.hpp"/"yyjson.h"/' \
        "$folder/yyjson.cpp" >third_party/yyjson/yyjson.c
    sed -e '/namespace duckdb_yyjson/d' -e '/fast_mem.hpp/d' \
        "$folder/include/yyjson.hpp" >third_party/yyjson/yyjson.h
    check_sum third_party/yyjson/yyjson.c "$yyjson_c_sum"
    check_sum third_party/yyjson/yyjson.h "$yyjson_h_sum"
}

# Those sources of nanoarrow and flatcc that read and write Arrow IPC, and its configured header.
make_nanoarrow() {
    folder=nanoarrow-$arrow_version/subprojects
    unpack "$arrow_archive" "$folder/arrow-nanoarrow/src/nanoarrow" \
        --wildcards "$folder/flatcc-*/include" "$folder/flatcc-*/src/runtime"
    mv third_party/unpacked/$folder/arrow-nanoarrow/src/nanoarrow third_party/nanoarrow/
    mv third_party/unpacked/$folder/flatcc-* third_party/nanoarrow/flatcc
    version_of() { echo "$arrow_version" | cut -d . -f "$1"; }
    sed -e "s/@NANOARROW_VERSION@/$arrow_version/" -e "s/@NANOARROW_VERSION_MAJOR@/$(version_of 1)/" \
        -e "s/@NANOARROW_VERSION_MINOR@/$(version_of 2)/" -e "s/@NANOARROW_VERSION_PATCH@/$(version_of 3)/" \
        -e '/@NANOARROW_NAMESPACE_DEFINE@/d' third_party/nanoarrow/nanoarrow/nanoarrow_config.h.in \
        >third_party/nanoarrow/nanoarrow/nanoarrow_config.h
}

setup_build() {
    # shellcheck disable=SC2086
    need_packages $build_packages
    stamp="$(sum_of setup.sh) $(sum_of tools/bind_library.py) ${DUCKDB_HOME:-}"
    if [ "$(cat third_party/stamp 2>/dev/null)" = "$stamp" ] &&
        [ -e third_party/duckdb/lib/libduckdb.so ] && [ -e third_party/yyjson/yyjson.c ] &&
        [ -e third_party/nanoarrow/nanoarrow/nanoarrow_config.h ]; then
        return 0
    fi
    mkdir -p third_party/downloads
    rm -rf third_party/stamp third_party/unpacked third_party/duckdb third_party/yyjson \
        third_party/nanoarrow
    mkdir -p third_party/unpacked third_party/duckdb/include third_party/duckdb/lib \
        third_party/yyjson third_party/nanoarrow
    fetch_archive "$src_package" "$src_archive" "$src_archive_sum"
    if [ -n "${DUCKDB_HOME:-}" ]; then link_duckdb_home; else fetch_duckdb; fi
    make_yyjson
    fetch_arrow
    make_nanoarrow
    rm -rf third_party/unpacked
    echo "$stamp" >third_party/stamp
    say "third_party/ is complete"
}

# make_venv FOLDER REQUIREMENTS
make_venv() {
    python3 -c 'import venv, ensurepip' 2>/dev/null || need_packages python3-venv
    stamp="$(sum_of setup.sh) $(sum_of "$2")"
    [ "$(cat "$1/stamp" 2>/dev/null)" != "$stamp" ] || [ ! -x "$1/bin/python" ] || return 0
    say "making $1 for what is in $2"
    rm -rf "$1"
    python3 -m venv "$1" || die "python3 -m venv failed: apt-get install python3-venv"
    "$1/bin/pip" install -q --disable-pip-version-check -r "$2" ||
        die "pip could not install $2: is there a network?"
    echo "$stamp" >"$1/stamp"
}

# The headers of Python, for the package in python/.
need_python_headers() {
    python3 - <<'PY' || need_packages python3-dev
import os, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))
PY
}

setup_test() {
    setup_build
    need_python_headers
    make_venv .venv tests/requirements.txt
}

# fetch_jar GROUP:NAME:VERSION SUM
fetch_jar() {
    name_version=${1#*:}
    jar=third_party/spark/${name_version%:*}-${1##*:}.jar
    [ -f "$jar" ] || {
        say "fetching $1"
        mvn -q -B -Dstyle.color=never dependency:copy -Dartifact="$1" \
            -DoutputDirectory="$PWD/third_party/spark" >/dev/null || die "mvn could not fetch $1: is there a network?"
    }
    check_sum "$jar" "$2"
}

setup_spark() {
    setup_build
    # shellcheck disable=SC2086
    need_packages $spark_packages
    fetch_jar "$delta_jar" "$delta_jar_sum"
    fetch_jar "$storage_jar" "$storage_jar_sum"
    make_venv .venv-spark tests/spark/requirements.txt
}

setup_bench() {
    setup_build
    need_python_headers
    make_venv .venv-bench bench/requirements.txt
}

# Peers whose packages do not go together with those of the others.
setup_bench_more() {
    setup_bench
    for peer in ducklake arcticdb; do
        make_venv ".venv-bench-$peer" "bench/requirements-$peer.txt"
    done
}

setup_lint() {
    setup_build
    # shellcheck disable=SC2086
    need_packages $lint_packages
}

setup_analyse() {
    setup_build
    # shellcheck disable=SC2086
    need_packages $analyse_packages
}

setup_fuzz() {
    setup_build
    # shellcheck disable=SC2086
    need_packages $fuzz_packages
}

setup_coverage() {
    setup_test
    # shellcheck disable=SC2086
    need_packages $coverage_packages
}

setup_valgrind() {
    setup_build
    # shellcheck disable=SC2086
    need_packages $valgrind_packages
}

# Two at a time, as two terminals start them, would tread on each other's downloads and environments.
mkdir -p third_party
exec 9>third_party/.setup.lock
flock -n 9 || {
    say "waiting for another setup"
    flock 9
}

case ${1:-test} in
build) setup_build ;;
test) setup_test ;;
spark) setup_spark ;;
bench) setup_bench ;;
bench-more) setup_bench_more ;;
lint) setup_lint ;;
analyse) setup_analyse ;;
fuzz) setup_fuzz ;;
coverage) setup_coverage ;;
valgrind) setup_valgrind ;;
*) die "usage: ./setup.sh [build|test|spark|bench|bench-more|lint|analyse|fuzz|coverage|valgrind]" ;;
esac
