#include "cli/interrupt.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "cli/cli.h"

/* A signal handler gets nothing handed over: what it needs has to lie outside of any function. */
static varve_lake *volatile lake_to_interrupt;
static _Atomic(varve_writer *) writer_to_interrupt;
static volatile sig_atomic_t signal_caught;
static atomic_int handlers; /* that run, in whatever threads */

/* Whoever looked for a signal just before one came, and waits now, is woken up. */
static void on_alarm(int number)
{
    (void)number;
    if (signal_caught)
        (void)alarm(1);
}

/* Nobody is woken up before a signal came: until then an alarm is somebody else's, and ends us. */
static void handle_alarm(void (*handler)(int number))
{
    struct sigaction action = {0};
    action.sa_handler = handler;
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGALRM, &action, NULL);
}

static void on_signal(int number)
{
    varve_lake *lake = lake_to_interrupt;
    signal_caught = number;
    if (lake)
        varve_lake_interrupt(lake);
    atomic_fetch_add(&handlers, 1);
    varve_writer *writer = atomic_load(&writer_to_interrupt);
    if (writer)
        varve_writer_interrupt(writer);
    atomic_fetch_sub(&handlers, 1);
    handle_alarm(on_alarm);
    (void)alarm(1);
}

void vv_interrupt_catch(void)
{
    struct sigaction action = {0};
    /* The next one of the kind has its usual effect, for when cancelling takes too long. */
    action.sa_flags = (int)SA_RESETHAND;
    action.sa_handler = on_signal;
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    action.sa_flags = 0;
    action.sa_handler = SIG_IGN;
    (void)sigaction(SIGPIPE, &action, NULL);
    (void)sigaction(SIGXFSZ, &action, NULL);
}

void vv_interrupt_target(varve_lake *lake)
{
    lake_to_interrupt = lake;
    if (lake && signal_caught)
        varve_lake_interrupt(lake);
}

void vv_interrupt_target_writer(varve_writer *writer)
{
    atomic_store(&writer_to_interrupt, writer);
    while (!writer && atomic_load(&handlers) > 0) /* a thread of the engine may be in one */
        (void)sched_yield();
    if (writer && signal_caught)
        varve_writer_interrupt(writer);
}

void vv_interrupt_forget(void)
{
    varve_lake *lake = lake_to_interrupt;
    handle_alarm(SIG_IGN); /* one that is on its way, too */
    (void)alarm(0);
    signal_caught = 0;
    handle_alarm(SIG_DFL);
    if (lake)
        varve_lake_resume(lake);
    vv_interrupt_catch();
}

int vv_interrupt_signal(void)
{
    return (int)signal_caught;
}

varve_status vv_interrupt_fail(varve_error *err)
{
    return vv_error_set(err, VARVE_EINTERRUPTED, "interrupted");
}
