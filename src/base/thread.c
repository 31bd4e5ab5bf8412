#include "base/thread.h"

#include <signal.h>

#include "base/common.h"

int vv_thread_start(pthread_t *out, void *(*run)(void *data), void *data)
{
    /* These are no messages but defects, which a handler of the program may want to tell of. */
    static const int defects[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};
    sigset_t blocked;
    sigset_t before;
    (void)sigfillset(&blocked);
    for (size_t i = 0; i < VV_COUNT(defects); i++)
        (void)sigdelset(&blocked, defects[i]);
    int failure = pthread_sigmask(SIG_SETMASK, &blocked, &before);
    if (failure != 0)
        return failure;
    failure = pthread_create(out, NULL, run, data);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failure;
}
