#include "base/op.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "base/buf.h"
#include "base/json_write.h"
#include "base/time.h"

#define CUT_MARK "..."
/* A note leaves at least half of the message to the cause. */
#define NOTE_BYTES_MAX ((size_t)VARVE_ERROR_MESSAGE_BYTES / 2)
#define LOG_TEXT_BYTES 2048

static int64_t system_now_us(void *data)
{
    (void)data;
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0)
        return 0;
    return (int64_t)now.tv_sec * VV_US_PER_S + (int64_t)now.tv_nsec / 1000;
}

static void system_sleep_us(void *data, int64_t us)
{
    (void)data;
    if (us <= 0)
        return;
    struct timespec left = {(time_t)(us / VV_US_PER_S), (long)(us % VV_US_PER_S) * 1000};
    /* A signal ends the sleep early only when it cannot be resumed. */
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}

static const struct vv_env env_system = {
    .now_us = system_now_us,
    .sleep_us = system_sleep_us,
};

const struct vv_env *vv_env_system(void)
{
    return &env_system;
}

/* Texts of fixed size: one of the fields of an error. */
struct field {
    char *text;
    size_t bytes;
    size_t len;
    bool cut;
    bool lines; /* line feeds and tabs stay as they are */
};

static void field_put(struct field *field, struct vv_str text)
{
    if (field->cut)
        return;
    if (text.len < field->bytes - field->len) {
        memcpy(field->text + field->len, text.ptr, text.len);
        field->len += text.len;
        field->text[field->len] = '\0';
        return;
    }
    /* Back to where the mark fits, and then out of the middle of a character. */
    size_t room = field->bytes - sizeof(CUT_MARK);
    if (field->len > room)
        field->len = room;
    while (field->len > 0 && ((unsigned char)field->text[field->len] & 0xC0) == 0x80)
        field->len--;
    memcpy(field->text + field->len, CUT_MARK, sizeof(CUT_MARK));
    field->len += sizeof(CUT_MARK) - 1;
    field->cut = true;
}

/* How much of a text's beginning is plain letters that there is room for: nearly always all of it. */
static size_t plain_len(const struct field *field, struct vv_str text)
{
    size_t room = field->bytes - field->len - 1;
    size_t most = text.len < room ? text.len : room;
    size_t len = 0;
    while (len < most && text.ptr[len] >= 0x20 && text.ptr[len] < 0x7F)
        len++;
    return len;
}

/* Messages hold names and values from anywhere: none may move a cursor or forge a log line. */
static void field_put_escaped(struct field *field, struct vv_str text)
{
    while (text.len > 0 && !field->cut) {
        size_t plain = plain_len(field, text);
        if (plain > 0) {
            field_put(field, vv_str_first(text, plain));
            text = vv_str_skip(text, plain);
            continue;
        }
        size_t len = vv_utf8_first(text);
        unsigned char byte = (unsigned char)text.ptr[0];
        bool control = byte < 0x20 || byte == 0x7F;
        /* U+0080 to U+009F are controls as well, in two bytes. */
        if (len == 2 && byte == 0xC2 && (unsigned char)text.ptr[1] < 0xA0)
            len = 0;
        if (field->lines && (byte == '\n' || byte == '\t'))
            control = false;
        if (len > 0 && !control) {
            field_put(field, vv_str_first(text, len));
        } else {
            static const char digits[] = "0123456789abcdef";
            char escape[4] = {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
            if (byte == '\n')
                field_put(field, VV_STR("\\n"));
            else if (byte == '\t')
                field_put(field, VV_STR("\\t"));
            else
                field_put(field, (struct vv_str){escape, sizeof(escape)});
            len = 1;
        }
        text = vv_str_skip(text, len);
    }
}

/* Enough that a text cut here is cut in the field, too. */
#define RAW_BYTES(field_bytes) ((size_t)(field_bytes) + 8)

VV_PRINTF(3, 0)
static struct vv_str raw_format(char *raw, size_t raw_bytes, const char *format, va_list args)
{
    int len = vsnprintf(raw, raw_bytes, format, args);
    if (len < 0)
        return VV_STR("(message that cannot be formatted)");
    return (struct vv_str){raw, (size_t)len < raw_bytes ? (size_t)len : raw_bytes - 1};
}

void vv_op_init(struct vv_op *op, const struct vv_env *env, size_t bytes_max)
{
    op->arena = VV_ARENA_INIT(bytes_max);
    op->kept = NULL;
    op->env = env ? env : vv_env_system();
    op->failed = false;
    op->error.code = VARVE_OK;
}

void vv_op_done(struct vv_op *op)
{
    for (struct vv_op_kept *kept = op->kept; kept != NULL; kept = kept->next)
        kept->release(kept->object);
    op->kept = NULL;
    vv_arena_done(&op->arena);
}

varve_status vv_op_keep(struct vv_op *op, void *object, void (*release)(void *object))
{
    struct vv_op_kept *kept = vv_new(&op->arena, struct vv_op_kept, 1);
    if (kept == NULL) {
        release(object);
        return vv_fail_memory(op);
    }
    *kept = (struct vv_op_kept){object, release, op->kept};
    op->kept = kept;
    return VARVE_OK;
}

static bool code_is_retryable(varve_status code)
{
    return code == VARVE_ECONFLICT || code == VARVE_EUNKNOWN;
}

static bool errno_is_retryable(int os_errno)
{
    switch (os_errno) {
    case EAGAIN:
    case EBUSY:
    case EDQUOT:
    case EINTR:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOSPC:
    case ETIMEDOUT:
        return true;
    default:
        return false;
    }
}

/*
 * After the message is formatted, as its arguments may come from the error forgiven before.
 * Cleared field by field: the detail is long, and failures that are forgiven are frequent.
 */
static struct field error_begin(struct vv_op *op, varve_status code)
{
    VV_PRE(code != VARVE_OK);
    VV_PRE(!op->failed);
    varve_error *error = &op->error;
    error->code = code;
    error->os_errno = 0;
    error->http_status = 0;
    error->retryable = code_is_retryable(code);
    error->version = -1;
    error->table[0] = '\0';
    error->message[0] = '\0';
    error->detail[0] = '\0';
    op->failed = true;
    return (struct field){.text = error->message, .bytes = sizeof(error->message)};
}

varve_status vv_fail(struct vv_op *op, varve_status code, const char *format, ...)
{
    char raw[RAW_BYTES(VARVE_ERROR_MESSAGE_BYTES)];
    va_list args;
    va_start(args, format);
    struct vv_str text = raw_format(raw, sizeof(raw), format, args);
    va_end(args);
    struct field message = error_begin(op, code);
    field_put_escaped(&message, text);
    return code;
}

varve_status vv_fail_errno(struct vv_op *op, int os_errno, const char *format, ...)
{
    varve_status code = os_errno == ENOENT ? VARVE_ENOTFOUND : VARVE_EIO;
    char raw[RAW_BYTES(VARVE_ERROR_MESSAGE_BYTES)];
    va_list args;
    va_start(args, format);
    struct vv_str text = raw_format(raw, sizeof(raw), format, args);
    va_end(args);
    struct field message = error_begin(op, code);
    field_put_escaped(&message, text);

    char reason[128];
    field_put(&message, VV_STR(": "));
    field_put_escaped(&message, vv_str_of(strerror_r(os_errno, reason, sizeof(reason))));
    op->error.os_errno = os_errno;
    op->error.retryable = errno_is_retryable(os_errno);
    return code;
}

varve_status vv_fail_memory(struct vv_op *op)
{
    return vv_fail(op, VARVE_ELIMIT,
        "out of memory, or over the limit of %zu bytes for one operation (%zu in use); work in"
        " smaller pieces or raise the limit",
        op->arena.bytes_max, op->arena.bytes);
}

varve_status vv_note(struct vv_op *op, const char *format, ...)
{
    VV_PRE(op->failed);
    char cause[VARVE_ERROR_MESSAGE_BYTES];
    memcpy(cause, op->error.message, sizeof(cause));

    char raw[RAW_BYTES(VARVE_ERROR_MESSAGE_BYTES)];
    struct field message = {.text = op->error.message, .bytes = NOTE_BYTES_MAX};
    va_list args;
    va_start(args, format);
    field_put_escaped(&message, raw_format(raw, sizeof(raw), format, args));
    va_end(args);

    message.bytes = sizeof(op->error.message);
    message.cut = false;
    field_put(&message, VV_STR(": "));
    /* Escaped when it was recorded: only cut by characters here. */
    struct vv_str rest = vv_str_of(cause);
    while (rest.len > 0 && !message.cut) {
        size_t len = vv_utf8_first(rest);
        field_put(&message, vv_str_first(rest, len > 0 ? len : 1));
        rest = vv_str_skip(rest, len > 0 ? len : 1);
    }
    return op->error.code;
}

void vv_error_table(struct vv_op *op, struct vv_str table)
{
    VV_PRE(op->failed);
    if (table.len >= sizeof(op->error.table))
        return;
    memcpy(op->error.table, table.ptr, table.len);
    op->error.table[table.len] = '\0';
}

varve_status vv_note_path(struct vv_op *op, const char *doing, struct vv_str path)
{
    VV_PRE(op->failed);
    struct vv_str message = vv_str_of(op->error.message);
    if (memmem(message.ptr, message.len, path.ptr, path.len) != NULL)
        return op->error.code;
    return vv_note(op, "%s %.*s", doing, VV_ARG(path));
}

varve_status vv_note_table(struct vv_op *op, struct vv_str table)
{
    char words[sizeof(op->error.table) + 8];
    int len = snprintf(words, sizeof(words), "table %.*s", VV_ARG(table));
    vv_error_table(op, table);
    if (len < 0 || (size_t)len >= sizeof(words) || strstr(op->error.message, words) != NULL)
        return op->error.code;
    return vv_note(op, "%s", words);
}

varve_status vv_recode(struct vv_op *op, varve_status code)
{
    VV_PRE(op->failed);
    VV_PRE(code != VARVE_OK);
    op->error.code = code;
    op->error.retryable = code_is_retryable(code) || errno_is_retryable(op->error.os_errno);
    return code;
}

void vv_detail(struct vv_op *op, const char *format, ...)
{
    VV_PRE(op->failed);
    struct field detail = {
        .text = op->error.detail,
        .bytes = sizeof(op->error.detail),
        .len = strlen(op->error.detail),
        .lines = true,
    };
    char raw[RAW_BYTES(VARVE_ERROR_DETAIL_BYTES)];
    va_list args;
    va_start(args, format);
    field_put_escaped(&detail, raw_format(raw, sizeof(raw), format, args));
    va_end(args);
}

varve_status vv_op_pass(struct vv_op *op, struct vv_op *inner)
{
    VV_PRE(inner->failed && !op->failed);
    op->error = inner->error;
    op->failed = true;
    vv_forgive(inner);
    return op->error.code;
}

void vv_forgive(struct vv_op *op)
{
    op->failed = false;
}

varve_status vv_op_report(const struct vv_op *op, varve_status status, varve_error *err)
{
    /* A code without a message, or an error that nobody returned, is a defect. */
    VV_PRE(op->failed == (status != VARVE_OK));
    if (!err)
        return status;
    if (status != VARVE_OK) {
        *err = op->error;
        err->code = status;
        return status;
    }
    /* Texts end where they begin: a row that is put is not worth seven kilobytes of zeros. */
    err->code = VARVE_OK;
    err->os_errno = err->http_status = err->retryable = 0;
    err->version = -1;
    err->table[0] = err->message[0] = err->detail[0] = '\0';
    return VARVE_OK;
}

varve_status vv_check_cancel(struct vv_op *op)
{
    if (op->env->cancel && atomic_load_explicit(op->env->cancel, memory_order_relaxed))
        return vv_fail(op, VARVE_EINTERRUPTED, "interrupted");
    return VARVE_OK;
}

varve_status vv_progress(struct vv_op *op, const char *phase, uint64_t done, uint64_t total)
{
    VV_TRY(vv_check_cancel(op));
    const struct vv_env *env = op->env;
    if (env->progress && !env->progress(env->progress_data, phase, done, total))
        return vv_fail(op, VARVE_EINTERRUPTED, "interrupted during %s", phase);
    return VARVE_OK;
}

int64_t vv_now_us(const struct vv_op *op)
{
    return op->env->now_us(op->env->now_data);
}

void vv_sleep_us(const struct vv_op *op, int64_t us)
{
    op->env->sleep_us(op->env->sleep_data, us);
}

void vv_log(const struct vv_op *op, enum vv_log_level level, const char *event,
    const char *format, ...)
{
    const struct vv_env *env = op->env;
    if (!env->log)
        return;
    char raw[LOG_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    struct vv_str message = raw_format(raw, sizeof(raw), format, args);
    va_end(args);

    VV_CLEANUP(vv_buf_done) struct vv_buf fields = VV_BUF_INIT(8 * LOG_TEXT_BYTES);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&fields);
    vv_jw_object(&writer);
    vv_jw_key_string(&writer, "message", message);
    vv_jw_end(&writer);
    /* An event without its sentence is better than none. */
    env->log(env->log_data, (int)level, event,
        vv_buf_ok(&fields) ? vv_buf_str(&fields).ptr : "{}");
}
