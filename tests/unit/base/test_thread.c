/* A thread of ours gets none of the program's signals, and the thread that starts it still does. */
#include "base/thread.h"

#include <signal.h>

#include "harness/test.h"

static void *look(void *data)
{
    (void)pthread_sigmask(SIG_SETMASK, NULL, data);
    return NULL;
}

TEST(thread, takes_no_signals)
{
    sigset_t of_thread;
    sigset_t ours;
    pthread_t thread;
    (void)sigemptyset(&of_thread);
    REQUIRE(vv_thread_start(&thread, look, &of_thread) == 0);
    REQUIRE(pthread_join(thread, NULL) == 0);
    REQUIRE(pthread_sigmask(SIG_SETMASK, NULL, &ours) == 0);
    const int signals[] = {SIGINT, SIGTERM, SIGALRM, SIGCHLD, SIGUSR1, SIGWINCH};
    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
        CHECK_INT(sigismember(&of_thread, signals[i]), 1);
        CHECK_INT(sigismember(&ours, signals[i]), 0);
    }
}
