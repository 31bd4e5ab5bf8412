/*
 * An operation: what one public call needs on its way down. It carries the error, the memory of
 * everything temporary, the way to cancel, and the environment (clock, log, progress). A
 * function without it is pure.
 *
 *     varve_status vv_thing_do(struct vv_op *op, ..., struct thing **out)
 *     {
 *         VV_TRY(vv_store_get(op, store, key, &body));          // nothing to say
 *         if (parse(op, body, &thing) != VARVE_OK)
 *             return vv_note(op, "version %" PRId64, version);  // context in front
 *         ...
 *         return vv_fail(op, VARVE_ECORRUPT, "checkpoint without protocol");
 *     }
 *
 * `out` parameters are written on success only.
 */
#ifndef VV_BASE_OP_H
#define VV_BASE_OP_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/common.h"

/* What the outside world looks like; shared by many operations, outlives them all. */
struct vv_env {
    int64_t (*now_us)(void *data); /* UTC, microseconds since 1970 */
    void *now_data;
    void (*sleep_us)(void *data, int64_t us);
    void *sleep_data;
    void (*log)(void *data, int level, const char *event, const char *fields_json);
    void *log_data;
    /* false: cancel. `done` of `total` units, total 0 = unknown. In the calling thread. */
    bool (*progress)(void *data, const char *phase, uint64_t done, uint64_t total);
    void *progress_data;
    const atomic_bool *cancel; /* NULL: cannot be cancelled */
};

/* The system's clock, no log, no progress. Static, immutable. */
const struct vv_env *vv_env_system(void);

/* Something that is no memory of the arena, and goes when the operation does. */
struct vv_op_kept {
    void *object;
    void (*release)(void *object);
    struct vv_op_kept *next;
};

struct vv_op {
    struct vv_arena arena;   /* everything that dies with the operation */
    struct vv_op_kept *kept; /* newest first, in the arena */
    const struct vv_env *env;
    bool failed;       /* an error is recorded and not yet forgiven */
    varve_error error; /* valid while `failed` */
};

#define VV_OP_BYTES_DEFAULT ((size_t)4 << 30)

/* `env` NULL = vv_env_system(). */
void vv_op_init(struct vv_op *op, const struct vv_env *env, size_t bytes_max);
void vv_op_done(struct vv_op *op);
/*
 * `release(object)` is called at the end of the operation, the newest first; on failure at once.
 */
varve_status vv_op_keep(struct vv_op *op, void *object, void (*release)(void *object));

/* Records an error; asserts that none is recorded. Returns `code`. */
varve_status vv_fail(struct vv_op *op, varve_status code, const char *format, ...)
    VV_PRINTF(3, 4);
/* The same with the text of `os_errno` at the end; the code is EIO, ENOTFOUND for ENOENT. */
varve_status vv_fail_errno(struct vv_op *op, int os_errno, const char *format, ...)
    VV_PRINTF(3, 4);
/* Out of memory, or over the operation's limit: ELIMIT. */
varve_status vv_fail_memory(struct vv_op *op);
/* Puts "text: " before the recorded message. Returns the recorded code. */
varve_status vv_note(struct vv_op *op, const char *format, ...) VV_PRINTF(2, 3);
/* Changes the recorded code: "we know better what it means". Returns `code`. */
varve_status vv_recode(struct vv_op *op, varve_status code);
/* Says which table the recorded error is about; a name too long is left out. */
void vv_error_table(struct vv_op *op, struct vv_str table);
/* The same for what goes over many tables: "table NAME" stands in front where the message lacks it. */
varve_status vv_note_table(struct vv_op *op, struct vv_str table);
/* "write PATH" in front, likewise where the message does not have the path. */
varve_status vv_note_path(struct vv_op *op, const char *doing, struct vv_str path);
/* Adds further lines for people, such as rejected rows, to the recorded error; cut at the size
 * of the field. After vv_fail, since they belong to its error. */
void vv_detail(struct vv_op *op, const char *format, ...) VV_PRINTF(2, 3);
/* Hands the recorded failure of an operation within this one to it. Returns the recorded code. */
varve_status vv_op_pass(struct vv_op *op, struct vv_op *inner);
/* The failure was dealt with: go on as if nothing had happened. */
void vv_forgive(struct vv_op *op);
/* Copies the recorded error, or success, to the caller's object (may be NULL). */
varve_status vv_op_report(const struct vv_op *op, varve_status status, varve_error *err);

/* EINTERRUPTED once the operation is to be cancelled. Call it in every long loop. */
varve_status vv_check_cancel(struct vv_op *op);
/* Reports progress and checks for cancel. */
varve_status vv_progress(struct vv_op *op, const char *phase, uint64_t done, uint64_t total);
int64_t vv_now_us(const struct vv_op *op);
void vv_sleep_us(const struct vv_op *op, int64_t us);

enum vv_log_level {
    VV_LOG_DEBUG = 0,
    VV_LOG_INFO = 1,
    VV_LOG_WARN = 2,
    VV_LOG_ERROR = 3
};
/* `event` names what happened ("commit.conflict"), the format makes a sentence about it. */
void vv_log(const struct vv_op *op, enum vv_log_level level, const char *event,
    const char *format, ...) VV_PRINTF(4, 5);

/* Arena allocation that fails the operation when memory is out. */
#define VV_NEW(op, out_pointer, type, count)                  \
    do {                                                      \
        *(out_pointer) = vv_new(&(op)->arena, type, (count)); \
        if (*(out_pointer) == NULL)                           \
            return vv_fail_memory(op);                        \
    } while (0)

#endif
