#include "store/fork_close.h"

#include <pthread.h>
#include <stddef.h>
#include <unistd.h>

#define FDS_MAX 64

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int fds[FDS_MAX]; /* guarded by: lock */
static size_t fds_len;   /* guarded by: lock */

static void hold(void)
{
    pthread_mutex_lock(&lock);
}

static void go(void)
{
    pthread_mutex_unlock(&lock);
}

/* Closed and not unlocked: the lock is one with the parent's. */
static void close_all(void)
{
    while (fds_len > 0)
        (void)close(fds[--fds_len]);
    pthread_mutex_unlock(&lock);
}

/* Without memory for it, children keep what they inherit. */
static void watch_forks(void)
{
    (void)pthread_atfork(hold, go, close_all);
}

void vv_fork_hold(void)
{
    (void)pthread_once(&once, watch_forks);
    hold();
}

void vv_fork_go(void)
{
    go();
}

void vv_fork_close_add(int fd)
{
    if (fds_len < FDS_MAX)
        fds[fds_len++] = fd;
}

void vv_fork_close_remove(int fd)
{
    for (size_t i = 0; i < fds_len; i++)
        if (fds[i] == fd)
            fds[i] = fds[--fds_len];
}
