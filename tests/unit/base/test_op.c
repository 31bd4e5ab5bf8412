#include "base/op.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/seam.h"

#include "dies.h"
#include "harness/test.h"

TEST(op, failure_keeps_code_and_sentence)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    CHECK_INT(vv_fail(&op, VARVE_ECORRUPT, "version %d: %s", 7, "no protocol"), VARVE_ECORRUPT);
    CHECK(op.failed);
    CHECK_INT(op.error.code, VARVE_ECORRUPT);
    CHECK_INT(op.error.version, -1);
    CHECK_INT(op.error.retryable, 0);
    CHECK_STR(op.error.message, "version 7: no protocol");
    CHECK_STR(op.error.detail, "");
    CHECK_STR(op.error.table, "");
}

TEST(op, notes_go_in_front)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, 0);
    (void)vv_fail(&op, VARVE_EIO, "cause");
    CHECK_INT(vv_note(&op, "file %s", "a.parquet"), VARVE_EIO);
    CHECK_INT(vv_note(&op, "version %d", 3), VARVE_EIO);
    CHECK_STR(op.error.message, "version 3: file a.parquet: cause");
}

TEST(op, the_table_is_named_once)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, 0);
    (void)vv_fail(&op, VARVE_EIO, "cause");
    CHECK_INT(vv_note_table(&op, VV_STR("t")), VARVE_EIO);
    CHECK_INT(vv_note_table(&op, VV_STR("t")), VARVE_EIO);
    CHECK_STR(op.error.message, "table t: cause");
    CHECK_STR(op.error.table, "t");
}

TEST(op, long_texts_are_cut_at_the_end_and_marked)
{
    char text[2000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, 0);
    (void)vv_fail(&op, VARVE_EIO, "%s", text);
    CHECK_INT(strlen(op.error.message), VARVE_ERROR_MESSAGE_BYTES - 1);
    CHECK(vv_str_ends(vv_str_of(op.error.message), VV_STR("xx...")));

    (void)vv_note(&op, "version 3");
    CHECK_INT(strlen(op.error.message), VARVE_ERROR_MESSAGE_BYTES - 1);
    CHECK(vv_str_starts(vv_str_of(op.error.message), VV_STR("version 3: xx")));
    CHECK(vv_str_ends(vv_str_of(op.error.message), VV_STR("xx...")));

    /* A boundless note must leave room for the cause. */
    vv_forgive(&op);
    (void)vv_fail(&op, VARVE_EIO, "the cause");
    (void)vv_note(&op, "%s", text);
    CHECK(vv_str_ends(vv_str_of(op.error.message), VV_STR("xx...: the cause")));
}

TEST(op, a_text_that_just_fits_is_not_cut)
{
    char text[VARVE_ERROR_MESSAGE_BYTES + 1];
    memset(text, 'x', sizeof(text));
    text[VARVE_ERROR_MESSAGE_BYTES - 1] = '\0';
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, 0);
    (void)vv_fail(&op, VARVE_EIO, "%s", text);
    CHECK_STR(op.error.message, text);

    text[VARVE_ERROR_MESSAGE_BYTES - 1] = 'x';
    text[VARVE_ERROR_MESSAGE_BYTES] = '\0';
    vv_forgive(&op);
    (void)vv_fail(&op, VARVE_EIO, "%s", text);
    CHECK_INT(strlen(op.error.message), VARVE_ERROR_MESSAGE_BYTES - 1);
    CHECK(vv_str_ends(vv_str_of(op.error.message), VV_STR("xx...")));
}

TEST(op, a_cut_never_parts_a_character)
{
    char text[VARVE_ERROR_MESSAGE_BYTES * 3];
    for (size_t shift = 0; shift < 3; shift++) {
        memset(text, 'x', shift);
        size_t at = shift;
        for (; at + 4 < sizeof(text); at += 3)
            memcpy(text + at, "\xE2\x82\xAC", 4);
        VV_CLEANUP(vv_op_done) struct vv_op op;
        vv_op_init(&op, NULL, 0);
        (void)vv_fail(&op, VARVE_EIO, "%s", text);
        CHECK(vv_utf8_valid(vv_str_of(op.error.message)));
        CHECK(strlen(op.error.message) > VARVE_ERROR_MESSAGE_BYTES - 5);
        (void)vv_note(&op, "note");
        CHECK(vv_utf8_valid(vv_str_of(op.error.message)));
        CHECK(vv_str_ends(vv_str_of(op.error.message), VV_STR("\xE2\x82\xAC...")));
    }
}

TEST(op, control_characters_and_bad_bytes_are_escaped)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, 0);
    (void)vv_fail(&op, VARVE_EIO, "a\nb\tc\x1b[2J\x7f\xff\xc2\x9b\xc3\xa9");
    CHECK_STR(op.error.message, "a\\nb\\tc\\x1b[2J\\x7f\\xff\\xc2\\x9b\xc3\xa9");
}

TEST(op, detail_keeps_its_lines_and_is_cut_at_its_size)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, 0);
    (void)vv_fail(&op, VARVE_EINVALID, "2 rows break the rules");
    vv_detail(&op, "row %d: %s\n", 1, "vix < 0\x1b");
    vv_detail(&op, "row %d\n", 2);
    CHECK_STR(op.error.detail, "row 1: vix < 0\\x1b\nrow 2\n");
    for (int i = 0; i < 2000; i++)
        vv_detail(&op, "row %d\n", i);
    CHECK(strlen(op.error.detail) > VARVE_ERROR_DETAIL_BYTES - 20);
    CHECK(vv_str_ends(vv_str_of(op.error.detail), VV_STR("...")));
    /* The next error starts with none. */
    vv_forgive(&op);
    (void)vv_fail(&op, VARVE_EIO, "other");
    CHECK_STR(op.error.detail, "");
}

TEST(op, errno_gives_code_text_and_whether_to_retry)
{
    static const struct {
        int os_errno;
        varve_status code;
        int retryable;
    } cases[] = {
        {ENOENT, VARVE_ENOTFOUND, 0},
        {EACCES, VARVE_EIO, 0},
        {ENOSPC, VARVE_EIO, 1},
        {EMFILE, VARVE_EIO, 1},
    };
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        VV_CLEANUP(vv_op_done) struct vv_op op;
        vv_op_init(&op, NULL, 0);
        CHECK_INT(vv_fail_errno(&op, cases[i].os_errno, "open %s", "x"), cases[i].code);
        CHECK_INT(op.error.os_errno, cases[i].os_errno);
        CHECK_INT(op.error.retryable, cases[i].retryable);
        CHECK(vv_str_starts(vv_str_of(op.error.message), VV_STR("open x: ")));
        CHECK(vv_str_ends(vv_str_of(op.error.message), vv_str_of(strerror(cases[i].os_errno))));
    }
}

TEST(op, recode_changes_code_and_retry)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, 0);
    (void)vv_fail(&op, VARVE_EIO, "no answer");
    CHECK_INT(op.error.retryable, 0);
    CHECK_INT(vv_recode(&op, VARVE_EUNKNOWN), VARVE_EUNKNOWN);
    CHECK_INT(op.error.code, VARVE_EUNKNOWN);
    CHECK_INT(op.error.retryable, 1);
    CHECK_STR(op.error.message, "no answer");
}

TEST(op, a_forgiven_error_may_be_quoted_in_the_next)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, 0);
    (void)vv_fail(&op, VARVE_EIO, "first");
    vv_forgive(&op);
    CHECK(!op.failed);
    (void)vv_fail(&op, VARVE_ECORRUPT, "second, after \"%s\"", op.error.message);
    CHECK_STR(op.error.message, "second, after \"first\"");
}

TEST(op, report_copies_the_error_or_success)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, 0);
    varve_error err;
    memset(&err, 0x55, sizeof(err));
    CHECK_INT(vv_op_report(&op, VARVE_OK, &err), VARVE_OK);
    CHECK_INT(err.code, VARVE_OK);
    CHECK_INT(err.os_errno, 0);
    CHECK_INT(err.http_status, 0);
    CHECK_INT(err.retryable, 0);
    CHECK_INT(err.version, -1);
    CHECK_STR(err.table, "");
    CHECK_STR(err.message, "");
    CHECK_STR(err.detail, "");
    varve_status status = vv_fail(&op, VARVE_EUSAGE, "no such column");
    CHECK_INT(vv_op_report(&op, status, &err), VARVE_EUSAGE);
    CHECK_INT(err.code, VARVE_EUSAGE);
    CHECK_STR(err.message, "no such column");
    CHECK_INT(vv_op_report(&op, status, NULL), VARVE_EUSAGE);
}

static varve_status allocate(struct vv_op *op, size_t count, int64_t **out)
{
    VV_NEW(op, out, int64_t, count);
    return VARVE_OK;
}

TEST(op, memory_over_the_limit_fails_with_LIMIT)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, 1000);
    int64_t *items = NULL;
    CHECK_INT(allocate(&op, 100, &items), VARVE_OK);
    CHECK(items != NULL);
    CHECK_INT(allocate(&op, 100, &items), VARVE_ELIMIT);
    CHECK(strstr(op.error.message, "limit of 1000 bytes") != NULL);
}

static bool stop_at_three(void *data, const char *phase, uint64_t done, uint64_t total)
{
    CHECK_STR(phase, "scan");
    CHECK_INT(total, 5);
    *(uint64_t *)data = done;
    return done < 3;
}

TEST(op, progress_and_cancel_interrupt)
{
    uint64_t seen = 0;
    atomic_bool cancel = false;
    struct vv_env env = *vv_env_system();
    env.progress = stop_at_three;
    env.progress_data = &seen;
    env.cancel = &cancel;
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, &env, 0);
    CHECK_INT(vv_progress(&op, "scan", 2, 5), VARVE_OK);
    CHECK_INT(seen, 2);
    CHECK_INT(vv_progress(&op, "scan", 3, 5), VARVE_EINTERRUPTED);
    vv_forgive(&op);
    CHECK_INT(vv_check_cancel(&op), VARVE_OK);
    atomic_store(&cancel, true);
    CHECK_INT(vv_check_cancel(&op), VARVE_EINTERRUPTED);
    vv_forgive(&op);
    CHECK_INT(vv_progress(&op, "scan", 1, 5), VARVE_EINTERRUPTED);
    CHECK_INT(seen, 3);
}

static void drop_an_error(void)
{
    struct vv_op op;
    vv_op_init(&op, NULL, 0);
    (void)vv_fail(&op, VARVE_EIO, "dropped");
    (void)vv_fail(&op, VARVE_EIO, "next");
}

static void note_nothing(void)
{
    struct vv_op op;
    vv_op_init(&op, NULL, 0);
    (void)vv_note(&op, "in front of nothing");
}

static void report_without_a_message(void)
{
    struct vv_op op;
    vv_op_init(&op, NULL, 0);
    (void)vv_op_report(&op, VARVE_EIO, NULL);
}

static void report_success_over_an_error(void)
{
    struct vv_op op;
    vv_op_init(&op, NULL, 0);
    (void)vv_fail(&op, VARVE_EIO, "dropped");
    (void)vv_op_report(&op, VARVE_OK, NULL);
}

TEST(op, dropped_and_missing_errors_are_defects)
{
    CHECK_INT(signal_of(drop_an_error), SIGABRT);
    CHECK_INT(signal_of(note_nothing), SIGABRT);
    CHECK_INT(signal_of(report_without_a_message), SIGABRT);
    CHECK_INT(signal_of(report_success_over_an_error), SIGABRT);
}

TEST(op, system_clock_goes_on_and_sleeps)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, 0);
    int64_t before = vv_now_us(&op);
    CHECK(before > INT64_C(1735689600000000)); /* 2025 */
    vv_sleep_us(&op, 2000);
    CHECK(vv_now_us(&op) - before >= 1900);
    vv_sleep_us(&op, -5);
}

struct log_line {
    int level;
    char event[64];
    char fields[3000];
};

static void log_keep(void *data, int level, const char *event, const char *fields_json)
{
    struct log_line *line = data;
    line->level = level;
    snprintf(line->event, sizeof(line->event), "%s", event);
    snprintf(line->fields, sizeof(line->fields), "%s", fields_json);
}

TEST(op, log_makes_one_json_object_of_the_sentence)
{
    static struct log_line line;
    struct vv_env env = *vv_env_system();
    env.log = log_keep;
    env.log_data = &line;
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, &env, 0);
    vv_log(&op, VV_LOG_WARN, "commit.conflict", "slot %d is \"%s\"\n", 7, "taken");
    CHECK_INT(line.level, VV_LOG_WARN);
    CHECK_STR(line.event, "commit.conflict");
    CHECK_STR(line.fields, "{\"message\":\"slot 7 is \\\"taken\\\"\\n\"}");

    vv_seam_fail_allocation(1);
    vv_log(&op, VV_LOG_INFO, "memory.short", "lost");
    CHECK_STR(line.event, "memory.short");
    CHECK_STR(line.fields, "{}");
}

TEST(op, status_names_are_those_of_the_manual)
{
    CHECK_STR(varve_status_name(VARVE_OK), "OK");
    CHECK_STR(varve_status_name(VARVE_EFAILED), "FAILED");
    CHECK_STR(varve_status_name(VARVE_EUSAGE), "USAGE");
    CHECK_STR(varve_status_name(VARVE_EINVALID), "INVALID_DATA");
    CHECK_STR(varve_status_name(VARVE_ECONFLICT), "CONFLICT");
    CHECK_STR(varve_status_name(VARVE_ENOTFOUND), "NOT_FOUND");
    CHECK_STR(varve_status_name(VARVE_ECORRUPT), "CORRUPT");
    CHECK_STR(varve_status_name(VARVE_EUNSUPPORTED), "UNSUPPORTED");
    CHECK_STR(varve_status_name(VARVE_EIO), "IO");
    CHECK_STR(varve_status_name(VARVE_ELIMIT), "LIMIT");
    CHECK_STR(varve_status_name(VARVE_EVERIFY), "VERIFY_FAILED");
    CHECK_STR(varve_status_name(VARVE_EUNKNOWN), "UNKNOWN");
    CHECK_STR(varve_status_name(VARVE_EINTERRUPTED), "INTERRUPTED");
    CHECK_STR(varve_status_name(4711), "FAILED");
}

static void count_up(void *object)
{
    int *count = object;
    (*count)++;
}

TEST(op, gives_back_what_it_was_to_keep_at_its_end)
{
    int count = 0;
    struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    CHECK_OK(&op, vv_op_keep(&op, &count, count_up));
    CHECK_OK(&op, vv_op_keep(&op, &count, count_up));
    CHECK_INT(count, 0);
    vv_op_done(&op);
    CHECK_INT(count, 2);

    /* No memory for the note: at once, so that it is not lost. */
    vv_op_init(&op, NULL, 0);
    CHECK_FAILS(&op, vv_op_keep(&op, &count, count_up), VARVE_ELIMIT);
    CHECK_INT(count, 3);
    vv_op_done(&op);
    CHECK_INT(count, 3);
}

struct order {
    struct vv_str name;
    struct vv_buf *seen;
};

static void see(void *object)
{
    const struct order *order = object;
    vv_buf_add(order->seen, order->name);
}

TEST(op, gives_back_the_newest_first)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf seen = VV_BUF_INIT(64);
    struct order first = {VV_STR("first"), &seen};
    struct order second = {VV_STR("second "), &seen};
    struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    CHECK_OK(&op, vv_op_keep(&op, &first, see));
    CHECK_OK(&op, vv_op_keep(&op, &second, see));
    vv_op_done(&op);
    CHECK_STR(vv_buf_str(&seen), "second first");
}
