#include "base/thread.h"

#include <signal.h>

int vv_thread_start(pthread_t *out, void *(*run)(void *data), void *data)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    int failure = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (failure != 0)
        return failure;
    failure = pthread_create(out, NULL, run, data);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failure;
}
