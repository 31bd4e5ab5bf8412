/*
 * A clock that stands still until it is moved: by the test, or by a sleep, which takes no time.
 *
 *     struct test_clock clock;
 *     test_clock_init(&clock, INT64_C(1738231200000000));
 *     vv_op_init(&op, &clock.env, VV_OP_BYTES_DEFAULT);
 */
#ifndef VARVE_TEST_CLOCK_FAKE_H
#define VARVE_TEST_CLOCK_FAKE_H

#include <stdatomic.h>

#include "base/op.h"

struct test_clock {
    struct vv_env env;
    _Atomic(int64_t) now_us;
    _Atomic(int64_t) slept_us; /* by all sleeps together */
    atomic_uint sleeps;
    atomic_bool cancel; /* set it: the operation is to be cancelled */
};

/* The clock holds its own address: do not copy or move it afterwards. */
void test_clock_init(struct test_clock *clock, int64_t now_us);
void test_clock_add(struct test_clock *clock, int64_t us); /* negative: the clock goes back */

#endif
