/*
 * Short texts that a person types, by the first byte of the input: amounts and times of options, values
 * of `--param`, lines of a configuration, where a statement ends. What is taken is a value that
 * reads back as the same from its own text, and where there are two readers they agree.
 */
#include "fuzz.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/number.h"
#include "base/time.h"
#include "cli/option.h"
#include "cli/sql_split.h"
#include "engine/param.h"
#include "engine/sql.h"
#include "engine/sql_lex.h"
#include "engine/sql_tree.h"
#include "fuzz_engine.h"

#define NOW_US INT64_C(1738231200123456)
#define PARAM_BYTES_MAX 512 /* longer ones only take longer */

/* Up to a NUL, as main() gets them. */
static void copy_chars(struct vv_str text, char out[256])
{
    size_t len = text.len < 255 ? text.len : 255;
    if (len > 0)
        memcpy(out, text.ptr, len);
    out[len] = '\0';
}

static void check_amounts(struct vv_str text)
{
    char typed[256];
    char again[300];
    int64_t amount = 0;
    int64_t same = 0;
    copy_chars(text, typed);
    if (vv_size_read(typed, &amount)) {
        VV_PRE(amount >= 0 && typed[0] >= '0' && typed[0] <= '9');
        (void)snprintf(again, sizeof(again), "%" PRId64 " B", amount);
        VV_PRE(vv_size_read(again, &same) && same == amount);
        VV_PRE(typed[strspn(typed, "0123456789. KMGTBi")] == '\0');
    }
    if (vv_duration_read(typed, &amount)) {
        VV_PRE(amount >= 0 && typed[0] >= '0' && typed[0] <= '9');
        (void)snprintf(again, sizeof(again), "%" PRId64 "ms", amount);
        VV_PRE(vv_duration_read(again, &same) && same == amount);
        VV_PRE(typed[strspn(typed, "0123456789.msdh")] == '\0');
        (void)snprintf(again, sizeof(again), "0%s", typed); /* a zero in front is none */
        VV_PRE(vv_duration_read(again, &same) && same == amount);
    }
    if (vv_bytes_parse(text, &amount)) {
        (void)snprintf(again, sizeof(again), "%" PRId64 "b", amount);
        VV_PRE(amount >= 0 && vv_bytes_parse(vv_str_of(again), &same) && same == amount);
    }
    if (vv_time_parse_duration(text, &amount)) {
        (void)snprintf(again, sizeof(again), "interval %" PRId64 " microseconds", amount);
        VV_PRE(amount >= 0 && vv_time_parse_duration(vv_str_of(again), &same));
        VV_PRE(same == amount);
    }
}

static void check_times(struct vv_str text)
{
    char again[32];
    int64_t us = 0;
    int64_t same = 0;
    int32_t days = 0;
    bool has_zone = false;
    bool is_finer = false;
    if (vv_time_parse(text, &us, &has_zone, &is_finer)) {
        size_t len = vv_time_format_us(us, again);
        VV_PRE(vv_time_parse((struct vv_str){again, len}, &same, &has_zone, NULL));
        VV_PRE(same == us && has_zone);
        VV_PRE(vv_time_parse_human(text, NOW_US, &same) && same == us);
        VV_PRE(vv_time_parse_bound(text, NOW_US, &same) && same == us + (is_finer ? 1 : 0));
        VV_PRE(vv_time_date_of(us) >= VV_TIME_DAYS_FIRST &&
               vv_time_date_of(us) <= VV_TIME_DAYS_LAST);
    }
    if (vv_time_parse_date(text, &days)) {
        size_t len = vv_time_format_date(days, again);
        VV_PRE(vv_str_eq(text, (struct vv_str){again, len}));
        VV_PRE(vv_time_parse(text, &us, NULL, NULL) && us == days * VV_US_PER_DAY);
    }
    if (vv_time_parse_human(text, NOW_US, &us)) {
        size_t len = vv_time_format_us(us, again);
        VV_PRE(vv_time_parse((struct vv_str){again, len}, &same, NULL, NULL) && same == us);
    }
}

static void check_numbers(struct vv_str text)
{
    char typed[256];
    char again[VV_NUMBER_BYTES];
    char *end = NULL;
    double number = 0;
    double same = 0;
    int64_t whole = 0;
    int64_t whole_again = 0;
    copy_chars(text, typed);
    if (vv_number_parse(text, &number)) {
        VV_PRE(text.len > 255 || strlen(typed) == text.len);
        same = text.len > 255 ? number : strtod(typed, &end);
        VV_PRE(text.len > 255 || *end == '\0');
        VV_PRE(memcmp(&same, &number, sizeof(number)) == 0 ||
               (number != number && same != same));
        if (number - number == 0) { /* finite */
            size_t len = vv_number_format(number, again);
            VV_PRE(vv_number_parse((struct vv_str){again, len}, &same));
            VV_PRE(memcmp(&same, &number, sizeof(number)) == 0);
        }
    }
    if (vv_str_int64(text, &whole)) {
        int len = snprintf(again, sizeof(again), "%" PRId64, whole);
        VV_PRE(vv_str_int64((struct vv_str){again, (size_t)len}, &whole_again));
        VV_PRE(whole_again == whole);
    }
}

/* As a value that a statement gets, and as the expression that is put in its place elsewhere. */
static void compare_param(struct vv_op *op, const struct vv_sql_param *param)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf node = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    struct vv_session *session = fuzz_engine()->session;
    const struct vv_sql_params params = {param, 1};
    const struct vv_json *json = NULL;
    struct vv_str text;
    bool has_row = false;
    vv_sql_param_add_node(param, &node);
    varve_status status = vv_json_parse(op, &op->arena, vv_buf_str(&node), &json);
    VV_PRE(status == VARVE_OK);
    if (vv_sql_expression(op, session, json, NULL, &text) != VARVE_OK) {
        VV_PRE(op->error.code == VARVE_EFAILED || op->error.code == VARVE_ELIMIT);
        vv_forgive(op);
        return;
    }
    struct vv_str sql = vv_arena_format(&op->arena,
        "SELECT TRY(%.*s) IS NULL AND $p IS NOT NULL OR $p IS NOT DISTINCT FROM TRY(%.*s)",
        VV_ARG(text), VV_ARG(text));
    const struct vv_query query = {.sql = sql, .params = &params, .is_users = true};
    VV_PRE(sql.ptr != NULL);
    status = vv_session_rows(op, session, &query, &rows);
    if (status == VARVE_OK)
        status = vv_rows_next(op, rows, &has_row);
    VV_PRE(status != VARVE_OK || (has_row && vv_rows_bool(rows, 0)));
    if (status != VARVE_OK) /* the type of a text is what stands beside it */
        vv_forgive(op);
}

static void check_param(struct vv_str text)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_str type = vv_str_first(text, vv_str_find(text, '='));
    struct vv_str value = vv_str_skip(text, type.len + 1);
    struct vv_sql_param param;
    vv_op_init(&op, NULL, (size_t)1 << 30);
    if (text.len > PARAM_BYTES_MAX)
        return;
    if (vv_sql_param_read(&op, VV_STR("p"), type, value, &param) != VARVE_OK) {
        VV_PRE(op.error.code == VARVE_EUSAGE);
        VV_PRE(strstr(op.error.message, "parameter $p") != NULL);
        return;
    }
    VV_PRE(param.width <= 38 && param.scale <= param.width);
    if (vv_utf8_valid(value) && memchr(value.ptr, '\0', value.len) == NULL)
        compare_param(&op, &param);
}

struct values {
    const char *text;
    struct vv_list list;
    struct vv_integer size, wait, count;
    struct vv_real real;
    int32_t choice;
    bool flag;
};

static void check_config(struct vv_str text)
{
    static const struct vv_option options[] = {
        {.name = "text",
            .kind = VV_OPTION_TEXT,
            .value = "X",
            .offset = offsetof(struct values, text)},
        {.name = "list",
            .kind = VV_OPTION_LIST,
            .value = "X",
            .offset = offsetof(struct values, list)},
        {.name = "size",
            .kind = VV_OPTION_SIZE,
            .offset = offsetof(struct values, size),
            .least = 10,
            .most = 1 << 20},
        {.name = "wait", .kind = VV_OPTION_DURATION, .offset = offsetof(struct values, wait)},
        {.name = "count",
            .kind = VV_OPTION_INTEGER,
            .offset = offsetof(struct values, count),
            .least = -3,
            .most = 7},
        {.name = "real", .kind = VV_OPTION_REAL, .offset = offsetof(struct values, real)},
        {.name = "choice",
            .kind = VV_OPTION_CHOICE,
            .choices = "box|csv",
            .offset = offsetof(struct values, choice)},
        {.name = "flag", .kind = VV_OPTION_FLAG, .offset = offsetof(struct values, flag)},
    };
    struct values values = {0};
    bool given[VV_COUNT(options)] = {0};
    const struct vv_option_set set = {options, VV_COUNT(options), &values, given};
    struct vv_text storage VV_CLEANUP(vv_text_done) = {0};
    varve_error err = {0};
    char path[64];
    int fd = memfd_create("config", MFD_CLOEXEC);
    VV_PRE(fd >= 0 && write(fd, text.ptr, text.len) == (ssize_t)text.len);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    varve_status status = vv_options_from_file(&set, path, &storage, &err);
    VV_PRE(status == VARVE_OK || status == VARVE_EUSAGE);
    VV_PRE(status == VARVE_OK || strstr(err.message, path) != NULL);
    VV_PRE(!values.size.given || (values.size.value >= 10 && values.size.value <= 1 << 20));
    VV_PRE(!values.wait.given || values.wait.value >= 0);
    VV_PRE(!values.count.given || (values.count.value >= -3 && values.count.value <= 7));
    VV_PRE(values.real.value >= 0 && values.choice >= 0 && values.choice <= 2);
    VV_PRE(values.text == NULL || values.text[0] != '\0');
    VV_PRE(values.list.len <= 1); /* one line names an option, others are passed over */
    vv_options_done(options, VV_COUNT(options), &values);
    (void)close(fd);
}

/* Where the shell takes a statement for ended, and what a script is cut into. */
static void check_ends(struct vv_str text)
{
    struct vv_str rest = text;
    struct vv_str one;
    bool is_closed = false;
    while (vv_sql_split(&rest, &one, &is_closed)) {
        size_t end = vv_sql_statement_end(text.ptr, text.len);
        while (end > 0 && vv_sql_is_blank(text.ptr, end)) {
            text = vv_str_skip(text, end);
            end = vv_sql_statement_end(text.ptr, text.len);
        }
        VV_PRE((end > 0) == is_closed);
        if (!is_closed)
            return;
        text = vv_str_skip(text, end);
        VV_PRE(text.ptr == rest.ptr && text.len == rest.len);
    }
    VV_PRE(vv_sql_is_blank(text.ptr, text.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const checks[])(struct vv_str) = {
        check_amounts, check_times, check_numbers, check_param, check_config, check_ends};
    if (size == 0)
        return 0;
    checks[(data[0] - (size_t)'a') % VV_COUNT(checks)]((struct vv_str){
        (const char *)data + 1, size - 1});
    return 0;
}
