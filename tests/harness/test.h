/*
 * The test harness. A test program is one or more files of cases:
 *
 *     #include "harness/test.h"
 *
 *     TEST(arena, stops_at_its_limit)
 *     {
 *         struct vv_arena arena = VV_ARENA_INIT(64);
 *         CHECK(vv_arena_alloc(&arena, 65, 1, 1) == NULL);
 *         CHECK_INT(arena.bytes, 0);
 *         vv_arena_done(&arena);
 *     }
 *
 * The name is a sentence: what the module does. Each case registers itself and runs in a process
 * of its own with a time limit (60 s, VARVE_TEST_SECONDS sets another), so that a crash or a hang
 * fails that case alone, leaks are found case by case, and no state is shared.
 *
 * A failing check prints its place and both values, fails the case, and goes on; it also is false,
 * so that `if (!CHECK(x)) return;`, or shorter REQUIRE(x), ends a case that cannot go on. Checks
 * may be made from several threads, but not from a process that the case forks: its failures
 * have to come back as an exit status.
 *
 * Program: `test_x [--list] [--only TEXT]`. Output is TAP; its last line is
 * "N passed, N failed, N skipped". The exit status is 0 when nothing failed.
 */
#ifndef VARVE_TEST_H
#define VARVE_TEST_H

#include "base/op.h"
#include "base/str.h"

struct test_case {
    const char *module;
    const char *name;
    int seconds_max; /* 0: the default */
    void (*run)(void);
    struct test_case *next;
};

void test_register(struct test_case *test);

#define TEST(module_, name_) TEST_SECONDS(module_, name_, 0)

/* A case that may take longer than others. */
#define TEST_SECONDS(module_, name_, seconds_)                                  \
    static void test_##module_##_##name_(void);                                 \
    __attribute__((constructor)) static void register_##module_##_##name_(void) \
    {                                                                           \
        static struct test_case case_ = {                                       \
            #module_, #name_, (seconds_), test_##module_##_##name_, NULL};      \
        test_register(&case_);                                                  \
    }                                                                           \
    static void test_##module_##_##name_(void)

/* What every check knows of itself. */
#define TEST_HERE(text) ((struct test_here){(text), __FILE__, __LINE__})
struct test_here {
    const char *text;
    const char *file;
    int line;
};

#define CHECK(condition) test_check(TEST_HERE(#condition), (condition))

/* Integers of any type up to 64 bits: the value that is there, the value that should be. */
#define CHECK_INT(actual, expected) \
    test_check_int(TEST_HERE(#actual), TEST_WIDE(actual), TEST_WIDE(expected))

/* Bit for bit, so that NaN equals NaN and 0.0 differs from -0.0. */
#define CHECK_DOUBLE(actual, expected) \
    test_check_double(TEST_HERE(#actual), (actual), (expected))

/* Each side is a `struct vv_str` or a `char *`; NULL equals only NULL. */
#define CHECK_STR(actual, expected) \
    test_check_str(TEST_HERE(#actual), TEST_SLICE(actual), TEST_SLICE(expected))

/* The code recorded in a `struct vv_op *` or a `varve_error *`; the message is shown. */
#define CHECK_STATUS(holder, expected) \
    test_check_status(TEST_HERE(#holder), TEST_STATUS(holder), (expected))

/* The call returns VARVE_OK; if not, the operation's message is shown and forgiven. */
#define CHECK_OK(op, call) test_check_call(TEST_HERE(#call), (op), (call), VARVE_OK)

/* The call fails with this code, and the operation says so; the failure is then forgiven. */
#define CHECK_FAILS(op, call, expected) \
    test_check_call(TEST_HERE(#call), (op), (call), (expected))

/* Ends the case where a check fails. For use in the body of a case, or in a void function. */
#define REQUIRE(condition)     \
    do {                       \
        if (!CHECK(condition)) \
            return;            \
    } while (0)
#define REQUIRE_OK(op, call)     \
    do {                         \
        if (!CHECK_OK(op, call)) \
            return;              \
    } while (0)

/* Ends the case as skipped, for a reason that lies outside of Varve. */
#define SKIP(reason)       \
    do {                   \
        test_skip(reason); \
        return;            \
    } while (0)

/* A fresh folder for this case, made at the first call and removed when the case has ended. */
const char *test_dir(void);
/* "<test_dir()>/<name>"; lives until the case ends. */
const char *test_path(const char *name);
/* Writes or reads a whole file; a failure fails the case. What is read lives until it ends. */
bool test_file_write(const char *path, struct vv_str content);
struct vv_str test_file_read(const char *path);

/* --- The rest of this file serves the macros above. --- */

/* Sign and magnitude, so that -1 and UINT64_MAX stay apart. */
struct test_wide {
    uint64_t bits;
    bool negative;
};
#define TEST_WIDE(value)                              \
    _Generic((value), unsigned int                    \
             : test_wide_unsigned, unsigned long      \
             : test_wide_unsigned, unsigned long long \
             : test_wide_unsigned, default            \
             : test_wide_signed)(value)
#define TEST_SLICE(value) \
    _Generic((value), struct vv_str: test_slice_same, char *: test_slice_of,            \
        const char *: test_slice_of)(value)
#define TEST_STATUS(holder) \
    _Generic((holder), struct vv_op *: test_status_of_op, const struct vv_op *:         \
        test_status_of_op, varve_error *: test_status_of_error, const varve_error *:    \
        test_status_of_error)(holder)

struct test_wide test_wide_signed(int64_t value);
struct test_wide test_wide_unsigned(uint64_t value);
struct vv_str test_slice_same(struct vv_str text);
struct vv_str test_slice_of(const char *text);
const varve_error *test_status_of_op(const struct vv_op *op);
const varve_error *test_status_of_error(const varve_error *error);

bool test_check(struct test_here here, bool condition);
bool test_check_int(struct test_here here, struct test_wide actual, struct test_wide expected);
bool test_check_double(struct test_here here, double actual, double expected);
bool test_check_str(struct test_here here, struct vv_str actual, struct vv_str expected);
bool test_check_status(struct test_here here, const varve_error *actual, varve_status expected);
bool test_check_call(struct test_here here, struct vv_op *op, varve_status actual,
    varve_status expected);
void test_skip(const char *reason);

#endif
