#include "harness/clock_fake.h"

static int64_t read_clock(void *data)
{
    struct test_clock *clock = data;
    return atomic_load(&clock->now_us);
}

static void sleep_clock(void *data, int64_t us)
{
    struct test_clock *clock = data;
    atomic_fetch_add(&clock->now_us, us);
    atomic_fetch_add(&clock->slept_us, us);
    atomic_fetch_add(&clock->sleeps, 1);
}

void test_clock_init(struct test_clock *clock, int64_t now_us)
{
    *clock = (struct test_clock){.env = *vv_env_system()};
    clock->env.now_us = read_clock;
    clock->env.now_data = clock;
    clock->env.sleep_us = sleep_clock;
    clock->env.sleep_data = clock;
    clock->env.cancel = &clock->cancel;
    atomic_store(&clock->now_us, now_us);
}

void test_clock_add(struct test_clock *clock, int64_t us)
{
    atomic_fetch_add(&clock->now_us, us);
}
