#!/usr/bin/env python3
"""The unit programs under valgrind: no byte is read before it was written, none is lost.

    tests/memcheck.py BUILD [PROGRAM...]     all of them but those in PASSED_OVER, or those named

Two at a time. Ends with "N passed, N failed", each program being one, and with a line of how long the
slowest took.
"""

import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import time

import run

ROOT = run.ROOT
SECONDS_MAX = 900
COMMAND = ["valgrind", "--quiet", "--leak-check=full", "--errors-for-leak-kinds=definite,possible",
           "--show-leak-kinds=definite,possible", "--error-exitcode=99", "--num-callers=20"]

# Each case of these opens the engine, which takes valgrind many seconds, and most of what runs then is
# libduckdb's: the whole would take hours. AddressSanitizer runs them all. Of each kind some are left:
# engine rowset, arrow_in and arrow_out, delta checkpoint, ingest writer_claim.
PASSED_OVER = """
    test_engine_arrow_ipc test_engine_cell_appender test_engine_curve_function test_engine_parquet
    test_engine_parquet_rows test_engine_rank_function test_engine_row_filter test_engine_session
    test_engine_small_files test_engine_spark_sql test_engine_sql test_engine_sql_tree
    test_engine_text_appender test_table_batch test_table_convert test_table_input_arrow
    test_table_input_csv test_table_input_ndjson test_table_predicate test_table_scan_nested
    test_table_scan_sql test_table_store_calls test_table_validate test_table_verify_beside
    test_api_audit test_api_market test_api_writer test_ingest_writer
    test_harness
""".split()  # test_harness starts itself again by /proc/self/exe, which is valgrind there


def unit_programs(build):
    """Name and path of each unit program."""
    done = subprocess.run(["meson", "introspect", "--tests", str(build)], check=True,
                          capture_output=True, text=True)
    found = {pathlib.PurePath(test["cmd"][0]).name: test["cmd"][0]
             for test in json.loads(done.stdout) if any("unit" in suite for suite in test["suite"])}
    return {name: path for name, path in sorted(found.items()) if name.startswith("test_")}


def check(program):
    """What one program came to: seconds, and what there is to say of it ("" where all is well)."""
    name, path = program
    began = time.monotonic()
    # A case has more time than it needs: here it is to be slow.
    env = dict(os.environ, VARVE_TEST_TAP="1", VARVE_TEST_SECONDS=str(SECONDS_MAX),
               VARVE_TEST_VALGRIND="1")
    try:
        done = subprocess.run(COMMAND + [path], check=False, capture_output=True, text=True, env=env,
                              timeout=SECONDS_MAX)
    except subprocess.TimeoutExpired:
        return name, SECONDS_MAX, f"did not end within {SECONDS_MAX} s"
    failed = run.count_tap(done.stdout)[1]
    good = done.returncode == 0 and failed == 0
    return name, time.monotonic() - began, "" if good else f"{done.stdout}\n{done.stderr}"


def main(arguments):
    if arguments[:1] in (["--help"], ["-h"]):
        print(__doc__)
        return 0
    if not arguments:
        print(__doc__, file=sys.stderr)
        return 2
    run.hear_interrupts()
    programs = unit_programs(pathlib.Path(arguments[0]).resolve())
    unknown = set(arguments[1:]) | set(PASSED_OVER)
    if unknown - set(programs):
        print(f"no such unit program: {' '.join(sorted(unknown - set(programs)))}", file=sys.stderr)
        return 2
    names = arguments[1:] or [name for name in programs if name not in PASSED_OVER]
    failed, took = 0, []
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for name, seconds, problem in pool.map(check, [(name, programs[name]) for name in names]):
            took.append((seconds, name))
            failed += problem != ""
            print(f"{'FAILED' if problem else 'ok':6} {seconds:6.1f} s  {name}", flush=True)
            if problem:
                print(problem, flush=True)
    print("slowest: " + ", ".join(f"{name} {seconds:.0f} s" for seconds, name in sorted(took)[:-6:-1]))
    print(f"{len(names) - failed} passed, {failed} failed, {len(PASSED_OVER)} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
