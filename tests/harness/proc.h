/*
 * Other processes in a test: start, kill, wait with a limit.
 *
 *     struct test_proc proc;
 *     REQUIRE(test_proc_start(&proc, (const char *const[]){program, "version", NULL}, NULL));
 *     CHECK_INT(test_proc_wait(&proc, 5000), 0);
 *     CHECK_STR(test_file_read(proc.out_path), "varve 0.1.0\n");
 */
#ifndef VARVE_TEST_PROC_H
#define VARVE_TEST_PROC_H

#include <sys/types.h>

#include "harness/test.h"

#define TEST_PROC_TIMEOUT (-1) /* still runs */
#define TEST_PROC_LOST (-2)    /* no such process */

struct test_proc {
    pid_t pid;
    const char *out_path; /* what it printed, in the folder of the case */
    const char *err_path;
};

/*
 * Starts a program (found by PATH) with its output in files and no input. `env` is NULL or
 * a NULL-ended list of "NAME=value" that is added to the environment.
 */
bool test_proc_start(struct test_proc *proc, const char *const argv[], const char *const env[]);

/* Runs `run(data)` in a child; what it returns is the exit status. Output goes where ours does. */
bool test_proc_fork(struct test_proc *proc, int (*run)(void *data), void *data);

void test_proc_kill(const struct test_proc *proc, int signal_number);

/* The exit status, 128 + the signal that ended it, or one of the negative values above. */
int test_proc_wait(struct test_proc *proc, int64_t timeout_ms);

/* Starts, waits at most `timeout_ms`, and kills what still runs then. */
int test_proc_run(struct test_proc *proc, const char *const argv[], int64_t timeout_ms);

#endif
