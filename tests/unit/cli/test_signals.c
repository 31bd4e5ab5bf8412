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
