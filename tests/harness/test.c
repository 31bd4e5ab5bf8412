#include "harness/test.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "harness/runner.h"

/* One write a line, so that the lines of several threads and processes stay whole. */
static void say(struct test_here here, const char *format, ...) VV_PRINTF(2, 3);

static void say(struct test_here here, const char *format, ...)
{
    char line[2048];
    int used = snprintf(line, sizeof(line), "# %s:%d: ", here.file, here.line);
    if (used < 0 || (size_t)used >= sizeof(line))
        return;
    va_list args;
    va_start(args, format);
    int more = vsnprintf(line + used, sizeof(line) - (size_t)used, format, args);
    va_end(args);
    if (more < 0)
        return;

    /* A value that holds line ends must not look like a line of TAP. */
    size_t len = strnlen(line, sizeof(line) - 1);
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)line[i] < ' ')
            line[i] = '?';
    }
    fflush(stdout);
    fprintf(stdout, "%s\n", line);
    fflush(stdout);
}

static bool fail(void)
{
    atomic_fetch_add(&test_shared->failures, 1);
    return false;
}

bool test_check(struct test_here here, bool condition)
{
    if (condition)
        return true;
    say(here, "%s does not hold", here.text);
    return fail();
}

static const char *show_wide(struct test_wide value, char out[64])
{
    if (value.negative)
        snprintf(out, 64, "%" PRId64, (int64_t)value.bits);
    else if (value.bits < 1024)
        snprintf(out, 64, "%" PRIu64, value.bits);
    else
        snprintf(out, 64, "%" PRIu64 " (0x%" PRIx64 ")", value.bits, value.bits);
    return out;
}

bool test_check_int(struct test_here here, struct test_wide actual, struct test_wide expected)
{
    if (actual.bits == expected.bits && actual.negative == expected.negative)
        return true;
    char left[64];
    char right[64];
    say(here, "%s is %s, not %s", here.text, show_wide(actual, left),
        show_wide(expected, right));
    return fail();
}

bool test_check_double(struct test_here here, double actual, double expected)
{
    if (memcmp(&actual, &expected, sizeof(actual)) == 0 ||
        (actual != actual && expected != expected))
        return true;
    say(here, "%s is %.17g, not %.17g", here.text, actual, expected);
    return fail();
}

/* Cuts what is shown; the place of the first difference is given as well. */
static struct vv_str shown(struct vv_str text)
{
    return text.ptr == NULL ? VV_STR("(NULL)") : vv_str_first(text, 600);
}

bool test_check_str(struct test_here here, struct vv_str actual, struct vv_str expected)
{
    bool both = (actual.ptr == NULL) == (expected.ptr == NULL);
    if (both && actual.len == expected.len &&
        (actual.len == 0 || memcmp(actual.ptr, expected.ptr, actual.len) == 0))
        return true;
    size_t same = 0;
    while (same < actual.len && same < expected.len && actual.ptr[same] == expected.ptr[same])
        same++;
    say(here, "%s is \"%.*s\", not \"%.*s\" (%zu and %zu bytes, from byte %zu on)", here.text,
        VV_ARG(shown(actual)), VV_ARG(shown(expected)), actual.len, expected.len, same);
    return fail();
}

bool test_check_status(struct test_here here, const varve_error *actual, varve_status expected)
{
    varve_status code = actual ? actual->code : VARVE_OK;
    if (code == expected)
        return true;
    say(here, "%s is %s, not %s: %s", here.text, varve_status_name(code),
        varve_status_name(expected), actual ? actual->message : "no error is recorded");
    return fail();
}

bool test_check_call(struct test_here here, struct vv_op *op, varve_status actual,
    varve_status expected)
{
    varve_status recorded = op->failed ? op->error.code : VARVE_OK;
    bool good = actual == expected && recorded == expected;
    if (!good) {
        say(here, "%s returned %s, not %s; recorded is %s: %s", here.text,
            varve_status_name(actual), varve_status_name(expected), varve_status_name(recorded),
            op->failed ? op->error.message : "nothing");
    }
    if (op->failed)
        vv_forgive(op);
    return good ? true : fail();
}

void test_skip(const char *reason)
{
    snprintf(test_shared->reason, sizeof(test_shared->reason), "%s", reason);
    test_shared->skipped = true;
}

struct test_wide test_wide_signed(int64_t value)
{
    return (struct test_wide){(uint64_t)value, value < 0};
}

struct test_wide test_wide_unsigned(uint64_t value)
{
    return (struct test_wide){value, false};
}

struct vv_str test_slice_same(struct vv_str text)
{
    return text;
}

struct vv_str test_slice_of(const char *text)
{
    return vv_str_of(text);
}

const varve_error *test_status_of_op(const struct vv_op *op)
{
    return op->failed ? &op->error : NULL;
}

const varve_error *test_status_of_error(const varve_error *error)
{
    return error;
}
