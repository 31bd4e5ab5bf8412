#include "cli/interrupt.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "cli/cli.h"

/* A signal handler gets nothing handed over: what it needs has to lie outside of any function. */
static _Atomic(varve_lake *) lake_to_interrupt;
static _Atomic(varve_writer *) writer_to_interrupt;
static atomic_int signal_caught;
static atomic_int handlers; /* that run, in whatever threads */

/* Whoever looked for a signal just before one came, and waits now, is woken up. */
static void on_alarm(int number)
{
    (void)number;
    if (atomic_load(&signal_caught) != 0)
        (void)alarm(1);
}

/*
 * Nobody is woken up before a signal came: until then an alarm is somebody else's, and ends us. Afterwards
 * it is never that again: one may be on its way whenever the signal is forgotten.
 */
static void handle_alarm(void)
{
    struct sigaction action = {0};
    action.sa_handler = on_alarm;
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGALRM, &action, NULL);
}

static void on_signal(int number)
{
    int none = 0;
    atomic_fetch_add(&handlers, 1);
    if (number == SIGTERM) /* a supervisor has the last word */
        atomic_store(&signal_caught, number);
    else
        (void)atomic_compare_exchange_strong(&signal_caught, &none, number);
    varve_lake *lake = atomic_load(&lake_to_interrupt);
    if (lake)
        varve_lake_interrupt(lake);
    varve_writer *writer = atomic_load(&writer_to_interrupt);
    if (writer)
        varve_writer_interrupt(writer);
    handle_alarm();
    (void)alarm(1);
    atomic_fetch_sub(&handlers, 1);
}

/* A thread of the engine may be in one. */
static void wait_for_handlers(void)
{
    while (atomic_load(&handlers) > 0)
        (void)sched_yield();
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
    atomic_store(&lake_to_interrupt, lake);
    if (!lake)
        wait_for_handlers();
    else if (atomic_load(&signal_caught) != 0)
        varve_lake_interrupt(lake);
}

void vv_interrupt_target_writer(varve_writer *writer)
{
    atomic_store(&writer_to_interrupt, writer);
    if (!writer)
        wait_for_handlers();
    else if (atomic_load(&signal_caught) != 0)
        varve_writer_interrupt(writer);
}

/* In this order a signal of another kind that comes meanwhile is not forgotten, nor is its effect. */
void vv_interrupt_forget(int number)
{
    varve_lake *lake = atomic_load(&lake_to_interrupt);
    if (atomic_load(&signal_caught) != number)
        return;
    vv_interrupt_catch();
    wait_for_handlers();
    if (!atomic_compare_exchange_strong(&signal_caught, &number, 0))
        return;
    vv_interrupt_catch(); /* one that came meanwhile has used its handler up */
    (void)alarm(0);
    if (lake)
        varve_lake_resume(lake);
    if (atomic_load(&signal_caught) == 0)
        return;
    if (lake)
        varve_lake_interrupt(lake);
    (void)alarm(1);
}

int vv_interrupt_signal(void)
{
    return atomic_load(&signal_caught);
}

varve_status vv_interrupt_fail(varve_error *err)
{
    return vv_error_set(err, VARVE_EINTERRUPTED, "interrupted");
}
