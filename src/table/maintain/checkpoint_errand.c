#include "table/maintain/checkpoint_errand.h"

#include <pthread.h>

#include "base/number.h"
#include "base/seam.h"
#include "base/thread.h"
#include "delta/checkpoint_write.h"

#define REMARKS_BYTES_MAX ((size_t)64 << 10)

/* What the thread would have logged. */
struct remark {
    int level;
    const char *event;
    struct vv_str fields;
    struct remark *next;
};

struct vv_checkpoint_errand {
    pthread_t thread;
    struct vv_env env;        /* of the caller: it is told by this */
    struct vv_env thread_env; /* keeps remarks instead */
    struct vv_snapshot *snapshot;
    struct vv_checkpoint_work work;
    struct vv_log_cleaned cleaned; /* the thread's until is_done, as are: */
    varve_status status;
    varve_error error;
    struct vv_arena arena; /* of the remarks */
    struct remark *first;
    struct remark **end;
    atomic_bool is_done;
};

varve_status vv_checkpoint_work_do(struct vv_op *op, const struct vv_checkpoint_work *work,
    struct vv_log_cleaned *out)
{
    *out = (struct vv_log_cleaned){.first_version = VV_NO_VERSION};
    VV_TRY(vv_checkpoint_write(op, &work->log, work->snapshot));
    return work->cleans ? vv_log_clean(op, &work->log, work->snapshot, out) : VARVE_OK;
}

void vv_checkpoint_work_tell(struct vv_op *op, struct vv_str table, varve_status status,
    const struct vv_log_cleaned *cleaned)
{
    if (status != VARVE_OK) {
        vv_log(op, VV_LOG_WARN, "checkpoint.failed", "table %.*s: %s", VV_ARG(table),
            op->error.message);
        vv_forgive(op);
    } else if (cleaned->commits > 0) {
        vv_log(op, VV_LOG_INFO, "log.cleaned",
            "table %.*s: %zu commit%s left the log, %zu of them new in the ledger; the log "
            "begins at version %" PRId64,
            VV_ARG(table), cleaned->commits, vv_plural((int64_t)cleaned->commits),
            cleaned->kept_in_ledger, cleaned->first_version);
    }
}

/* One that finds no memory is not told: the failure of the whole always is. */
static void keep_remark(void *data, int level, const char *event, const char *fields)
{
    struct vv_checkpoint_errand *errand = data;
    struct vv_str text = vv_arena_str(&errand->arena, vv_str_of(fields));
    struct remark *remark = vv_new(&errand->arena, struct remark, 1);
    if (text.ptr == NULL || remark == NULL)
        return;
    *remark = (struct remark){.level = level, .event = event, .fields = text};
    *errand->end = remark;
    errand->end = &remark->next;
}

static void tell_remarks(const struct vv_checkpoint_errand *errand)
{
    const struct vv_env *env = &errand->env;
    for (const struct remark *remark = errand->first; remark != NULL && env->log != NULL;
         remark = remark->next)
        env->log(env->log_data, remark->level, remark->event, remark->fields.ptr);
}

static void *errand_main(void *data)
{
    struct vv_checkpoint_errand *errand = data;
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, &errand->thread_env, VV_OP_BYTES_DEFAULT);
    vv_crash_point("checkpoint_errand.begun");
    errand->status = vv_checkpoint_work_do(&op, &errand->work, &errand->cleaned);
    if (errand->status != VARVE_OK) {
        errand->error = op.error;
        vv_forgive(&op);
    }
    vv_crash_point("checkpoint_errand.done");
    atomic_store(&errand->is_done, true);
    return NULL;
}

static void errand_free(struct vv_checkpoint_errand *errand)
{
    vv_snapshot_release(&errand->snapshot);
    vv_arena_done(&errand->arena);
    vv_free(errand);
}

bool vv_checkpoint_errand_begin(const struct vv_op *op, struct vv_table *table, bool cleans)
{
    VV_PRE(table->errand == NULL);
    struct vv_checkpoint_errand *errand = vv_malloc(sizeof(*errand));
    if (errand == NULL)
        return false;
    *errand = (struct vv_checkpoint_errand){.env = *op->env,
        .thread_env = *op->env,
        .snapshot = vv_snapshot_retain(table->snapshot),
        .arena = VV_ARENA_INIT(REMARKS_BYTES_MAX)};
    errand->work = (struct vv_checkpoint_work){table->log, errand->snapshot, cleans};
    errand->end = &errand->first;
    errand->thread_env.log = op->env->log != NULL ? keep_remark : NULL;
    errand->thread_env.log_data = errand;
    errand->thread_env.progress = NULL;
    if (vv_thread_start(&errand->thread, errand_main, errand) != 0) {
        errand_free(errand);
        return false;
    }
    table->errand = errand;
    return true;
}

void vv_checkpoint_errand_end(struct vv_table *table)
{
    struct vv_checkpoint_errand *errand = VV_MOVE(table->errand);
    if (errand == NULL)
        return;
    (void)pthread_join(errand->thread, NULL);
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, &errand->env, VV_OP_BYTES_DEFAULT);
    if (errand->status != VARVE_OK)
        (void)vv_fail(&op, errand->status, "%s", errand->error.message);
    tell_remarks(errand);
    vv_checkpoint_work_tell(&op, table->name, errand->status, &errand->cleaned);
    errand_free(errand);
}

bool vv_checkpoint_errand_is_at_work(struct vv_table *table)
{
    if (table->errand == NULL)
        return false;
    if (!atomic_load(&table->errand->is_done))
        return true;
    vv_checkpoint_errand_end(table);
    return false;
}
