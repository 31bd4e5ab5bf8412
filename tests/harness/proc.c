#include "harness/proc.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/runner.h"

static void redirect(const char *path, int flags, int to)
{
    int fd = open(path, flags, 0600);
    if (fd < 0 || dup2(fd, to) < 0)
        _exit(126);
    if (fd != to)
        close(fd);
}

static _Noreturn void become(const struct test_proc *proc, const char *const argv[],
    const char *const env[])
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    redirect("/dev/null", O_RDONLY, 0);
    redirect(proc->out_path, O_WRONLY | O_CREAT | O_TRUNC, 1);
    redirect(proc->err_path, O_WRONLY | O_CREAT | O_TRUNC, 2);
    for (size_t i = 0; env && env[i]; i++) {
        char *entry = strdup(env[i]); /* putenv keeps it */
        if (entry == NULL || putenv(entry) != 0)
            _exit(126);
    }
    /* execvp's type is older than const; it does not write. */
    char *const *arguments = NULL;
    memcpy(&arguments, &argv, sizeof(arguments));
    execvp(argv[0], arguments);
    dprintf(2, "%s cannot be started\n", argv[0]);
    _exit(127);
}

bool test_proc_start(struct test_proc *proc, const char *const argv[], const char *const env[])
{
    static atomic_uint count;
    unsigned number = atomic_fetch_add(&count, 1);
    char name[32];
    snprintf(name, sizeof(name), "proc-%u.out", number);
    proc->out_path = test_path(name);
    snprintf(name, sizeof(name), "proc-%u.err", number);
    proc->err_path = test_path(name);
    fflush(NULL);
    proc->pid = fork();
    if (proc->pid == 0)
        become(proc, argv, env);
    return test_check(TEST_HERE("fork"), proc->pid > 0);
}

bool test_proc_fork(struct test_proc *proc, int (*run)(void *data), void *data)
{
    *proc = (struct test_proc){0};
    fflush(NULL);
    proc->pid = fork();
    if (proc->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int status = run(data);
        fflush(NULL);
        _exit(status);
    }
    return test_check(TEST_HERE("fork"), proc->pid > 0);
}

void test_proc_kill(const struct test_proc *proc, int signal_number)
{
    if (proc->pid > 0)
        kill(proc->pid, signal_number);
}

int test_proc_wait(struct test_proc *proc, int64_t timeout_ms)
{
    if (proc->pid <= 0)
        return TEST_PROC_LOST;
    int status = 0;
    if (!test_wait_pid(proc->pid, timeout_ms, &status))
        return kill(proc->pid, 0) == 0 ? TEST_PROC_TIMEOUT : TEST_PROC_LOST;
    proc->pid = 0; /* the number may soon be another's */
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int test_proc_run(struct test_proc *proc, const char *const argv[], int64_t timeout_ms)
{
    if (!test_proc_start(proc, argv, NULL))
        return TEST_PROC_LOST;
    int status = test_proc_wait(proc, timeout_ms);
    if (status == TEST_PROC_TIMEOUT) {
        test_proc_kill(proc, SIGKILL);
        test_proc_wait(proc, 5000);
    }
    return status;
}
