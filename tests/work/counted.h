/*
 * Counts what a program asks of the system and of the engine: calls that its executable takes in
 * the place of the library's own. Time differs from one machine to the next, and a busy one is slow;
 * how many files are opened and how many bytes read does not.
 */
#ifndef VARVE_TEST_COUNTED_H
#define VARVE_TEST_COUNTED_H

#include "base/common.h"

/* From counted_start on, of files below one folder; statements and allocations in any thread. */
struct counted {
    int64_t data_opens; /* of Parquet files outside the log, to read */
    int64_t log_opens;  /* of files of the log, to read */
    int64_t folder_lists;
    int64_t read_bytes;
    int64_t written_bytes;
    int64_t syncs;       /* of a file or folder */
    int64_t statements;  /* run by the engine */
    int64_t allocations; /* of Varve, the engine's own not counted */
};

void counted_start(const char *folder);
struct counted counted_stop(void);

#endif
