/*
 * What the parts of the harness share.
 */
#ifndef VARVE_TEST_RUNNER_H
#define VARVE_TEST_RUNNER_H

#include <stdatomic.h>
#include <sys/types.h>

#include "harness/test.h"

/* A page that the process of a case and the runner share: it outlives a crash of the case. */
struct test_shared {
    atomic_uint failures;
    bool skipped;
    char reason[200]; /* why skipped */
    char dir[256];    /* to be removed, "": none */
    bool seeded;
    uint64_t seed; /* of the case's generator; shown when the case fails */
};
extern struct test_shared *test_shared;

/* The case that runs in this process. */
extern const struct test_case *test_current;

/* Waits for the child to end; false when the time is up first. */
bool test_wait_pid(pid_t pid, int64_t timeout_ms, int *out_status);

/* Removes a folder and all in it; false when something of it stays. */
bool test_dir_remove(const char *path);

#endif
