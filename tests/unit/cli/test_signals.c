/* Which signals an ingest hears of. */
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/ingest.h"
#include "harness/test.h"

TEST(signals, one_that_came_before_they_were_waited_for_is_heard)
{
    varve_error err;
    struct signalfd_siginfo heard = {0};
    int fd = -1;
    vv_interrupt_catch();
    REQUIRE(CHECK_INT(raise(SIGTERM), 0) && CHECK_INT(vv_interrupt_signal(), SIGTERM));
    REQUIRE(CHECK_INT(vv_ingest_catch_signals(&fd, &err), VARVE_OK));
    CHECK_INT(read(fd, &heard, sizeof(heard)), sizeof(heard));
    CHECK_INT(heard.ssi_signo, SIGTERM);
    CHECK_INT(vv_interrupt_signal(), 0);
    CHECK(read(fd, &heard, sizeof(heard)) < 0); /* once */
    (void)close(fd);
}

/* A supervisor's comes while somebody's Ctrl-C is over: it is heard. */
TEST(signals, one_that_comes_while_another_is_forgotten_stays)
{
    vv_interrupt_catch();
    REQUIRE(CHECK_INT(raise(SIGINT), 0) && CHECK_INT(raise(SIGTERM), 0));
    vv_interrupt_forget(SIGINT);
    CHECK_INT(vv_interrupt_signal(), SIGTERM);
}

TEST(signals, a_supervisors_is_not_taken_for_the_ctrl_c_behind_it)
{
    vv_interrupt_catch();
    REQUIRE(CHECK_INT(raise(SIGTERM), 0) && CHECK_INT(raise(SIGINT), 0));
    CHECK_INT(vv_interrupt_signal(), SIGTERM);
}

/* The alarm that wakes up may be on its way when the signal is forgotten. */
TEST(signals, the_alarm_behind_one_that_is_forgotten_ends_nobody)
{
    vv_interrupt_catch();
    REQUIRE(CHECK_INT(raise(SIGINT), 0));
    vv_interrupt_forget(SIGINT);
    CHECK_INT(raise(SIGALRM), 0);
    CHECK_INT(vv_interrupt_signal(), 0);
    CHECK_INT(alarm(0), 0);
    CHECK(raise(SIGINT) == 0 && vv_interrupt_signal() == SIGINT); /* caught anew */
}
