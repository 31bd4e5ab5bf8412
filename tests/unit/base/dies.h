/*
 * For tests of what ends the process: runs a function in a child and tells the signal.
 */
#ifndef TEST_BASE_DIES_H
#define TEST_BASE_DIES_H

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

/* The signal that killed the child, 0 when it came to the end of `run`, -1 for no child. */
static inline int signal_of(void (*run)(void))
{
    pid_t child = fork();
    if (child == 0) {
        int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
        (void)dup2(quiet, STDERR_FILENO);
        run();
        _exit(0);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child)
        return -1;
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

#endif
