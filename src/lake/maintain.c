#include "lake/maintain.h"

enum {
    TABLE,
    DUTY,
    PARTITION,
    FILES,
    BYTES,
    REASON,
    OUTCOME,
    NOTE,
    COLUMNS
};

struct rows {
    struct vv_text_appender *appender; /* NULL: nobody wants them */
    int64_t len;
};

static void count(const struct vv_maintain_report *report, struct vv_lake_maintained *out)
{
    out->files_added += report->files_added;
    out->files_removed += report->files_removed;
    out->bytes_added += report->bytes_added;
    out->bytes_removed += report->bytes_removed;
    out->files_vacuumed += report->files_vacuumed;
    out->bytes_vacuumed += report->bytes_vacuumed;
    out->checkpoints += report->checkpoints;
    for (size_t i = 0; i < report->len; i++) {
        const struct vv_maintain_task *task = &report->items[i];
        bool is_task = task->duty != VV_DUTY_NONE;
        out->left += task->outcome == VV_TASK_LEFT;
        out->failed += task->outcome == VV_TASK_FAILED;
        out->skipped += task->outcome == VV_TASK_SKIPPED;
        out->tasks +=
            is_task && (task->outcome == VV_TASK_DONE || task->outcome == VV_TASK_PLANNED);
    }
}

static varve_status add_row(struct vv_op *op, struct rows *rows, struct vv_str name,
    const struct vv_maintain_task *task)
{
    struct vv_str values[COLUMNS] = {[TABLE] = name,
        [DUTY] = vv_str_of(vv_duty_name(task->duty)),
        [REASON] = task->reason,
        [OUTCOME] = vv_str_of(vv_task_outcome_name(task->outcome))};
    if (rows->appender == NULL)
        return VARVE_OK;
    if (task->place.len > 0)
        values[PARTITION] = task->place;
    if (task->note.len > 0)
        values[NOTE] = task->note;
    if (task->files > 0) {
        values[FILES] = vv_arena_format(&op->arena, "%" PRId64, task->files);
        values[BYTES] = vv_arena_format(&op->arena, "%" PRId64, task->bytes);
        if (values[FILES].ptr == NULL || values[BYTES].ptr == NULL)
            return vv_fail_memory(op);
    }
    return vv_text_appender_row(op, rows->appender, rows->len++, values);
}

static void remember(struct vv_op *op, struct vv_str name, struct vv_lake_maintained *out)
{
    if (out->failure.code != VARVE_OK)
        return;
    (void)vv_note_table(op, name);
    out->failure = op->error;
}

/* The first failure of a duty, as an error that a caller can be given. */
static void note_failure(struct vv_op *op, struct vv_str name,
    const struct vv_maintain_report *report, struct vv_lake_maintained *out)
{
    for (size_t i = 0; i < report->len; i++) {
        const struct vv_maintain_task *task = &report->items[i];
        if (task->outcome != VV_TASK_FAILED)
            continue;
        (void)vv_fail(op, task->code, "table %.*s: %s: %.*s", VV_ARG(name),
            vv_duty_name(task->duty), VV_ARG(task->note));
        remember(op, name, out);
        vv_forgive(op);
        return;
    }
}

static varve_status maintain(struct vv_op *op, struct vv_lake *lake,
    const struct vv_lake_maintain_request *request, struct vv_str name,
    struct vv_maintain_report *report)
{
    VV_CLEANUP(vv_table_close) struct vv_table *table = NULL;
    const struct vv_maintain_request one = {.is_plan = request->is_plan,
        .user_name = lake->user,
        .user_metadata = request->message.len > 0 ? request->message : lake->message};
    VV_TRY(vv_lake_table(op, lake, name, &table));
    return vv_table_maintain(op, table, &one, report);
}

/*
 * What keeps a whole table from being maintained. A table of the lake that Varve lacks a feature for
 * is nobody's failure: a run would fail with it for ever. Who asks for it by name is told.
 */
static varve_status tell_refusal(struct vv_op *op, struct vv_op *own,
    const struct vv_lake_maintain_request *request, struct vv_str name, struct rows *rows,
    struct vv_lake_maintained *out)
{
    bool is_skipped = own->error.code == VARVE_EUNSUPPORTED && request->table.len == 0;
    struct vv_str message =
        vv_str_or_lost(vv_arena_str(&own->arena, vv_str_of(own->error.message)));
    struct vv_maintain_task task = {.duty = VV_DUTY_NONE,
        .reason = VV_STR("the table can't be maintained"),
        .outcome = VV_TASK_FAILED,
        .note = message};
    if (is_skipped)
        task = (struct vv_maintain_task){.duty = VV_DUTY_NONE,
            .reason =
                vv_str_or_lost(vv_arena_format(&own->arena, "skipped: %.*s", VV_ARG(message))),
            .outcome = VV_TASK_SKIPPED};
    (void)vv_note_table(own, name);
    vv_log(op, is_skipped ? VV_LOG_INFO : VV_LOG_WARN,
        is_skipped ? "maintain.skipped" : "maintain.failed", "%s", own->error.message);
    if (is_skipped) {
        out->skipped++;
    } else {
        out->failed++;
        remember(own, name, out);
    }
    vv_forgive(own);
    return add_row(op, rows, name, &task);
}

/* Memory goes with each table. */
static varve_status maintain_one(struct vv_op *op, struct vv_lake *lake,
    const struct vv_lake_maintain_request *request, struct vv_str name, struct rows *rows,
    struct vv_lake_maintained *out)
{
    VV_CLEANUP(vv_op_done) struct vv_op own;
    vv_op_init(&own, op->env, VV_OP_BYTES_DEFAULT);
    struct vv_maintain_report report = {.arena = &own.arena};
    varve_status status = maintain(&own, lake, request, name, &report);
    if (status == VARVE_EINTERRUPTED) {
        (void)vv_fail(op, status, "%s", own.error.message);
        vv_forgive(&own);
        return status;
    }
    out->tables++;
    count(&report, out);
    if (status != VARVE_OK)
        return tell_refusal(op, &own, request, name, rows, out);
    note_failure(&own, name, &report, out);
    for (size_t i = 0; i < report.len; i++)
        VV_TRY(add_row(op, rows, name, &report.items[i]));
    return VARVE_OK;
}

static varve_status names_of(struct vv_op *op, struct vv_lake *lake,
    const struct vv_lake_maintain_request *request, struct vv_str **out, size_t *out_len)
{
    VV_CLEANUP(vv_table_close) struct vv_table *table = NULL;
    if (request->table.len == 0)
        return vv_lake_list(op, lake, &op->arena, out, out_len);
    VV_TRY(vv_lake_table(op, lake, request->table, &table)); /* one that is not there is said */
    VV_NEW(op, out, struct vv_str, 1);
    **out = request->table;
    *out_len = 1;
    return VARVE_OK;
}

static varve_status maintain_all(struct vv_op *op, struct vv_lake *lake,
    const struct vv_lake_maintain_request *request, struct rows *rows,
    struct vv_lake_maintained *out)
{
    struct vv_str *names = NULL;
    size_t len = 0;
    VV_TRY(names_of(op, lake, request, &names, &len));
    for (size_t i = 0; i < len; i++) {
        VV_TRY(vv_progress(op, "maintain", i, len));
        VV_TRY(maintain_one(op, lake, request, names[i], rows, out));
    }
    return VARVE_OK;
}

varve_status vv_lake_maintain(struct vv_op *op, struct vv_lake *lake,
    const struct vv_lake_maintain_request *request, struct vv_lake_maintained *out,
    struct ArrowArrayStream *out_rows)
{
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    VV_CLEANUP(vv_text_appender_close) struct vv_text_appender *appender = NULL;
    const struct vv_str columns[COLUMNS] = {VV_STR("table"), VV_STR("duty"),
        VV_STR("partition"), VV_STR("files"), VV_STR("bytes"), VV_STR("reason"),
        VV_STR("outcome"), VV_STR("note")};
    struct vv_lake_maintained result = {0};
    struct vv_engine *engine = NULL;
    struct rows rows = {0};
    VV_TRY(vv_lake_engine(op, lake, &engine));
    if (out_rows != NULL) {
        VV_TRY(vv_session_open(op, engine, &session));
        VV_TRY(vv_text_appender_open(op, session, VV_STR("maintained"), VV_STR("_row"), columns,
            COLUMNS, &appender));
        rows.appender = appender;
    }
    VV_TRY(maintain_all(op, lake, request, &rows, &result));
    if (out_rows != NULL) {
        VV_TRY(vv_text_appender_finish(op, appender));
        vv_text_appender_close(&appender);
        VV_TRY(vv_session_stream(op, &session,
            VV_STR("SELECT \"table\", duty, \"partition\", files::BIGINT AS files, "
                   "bytes::BIGINT AS bytes, reason, outcome, note FROM maintained "
                   "ORDER BY _row"),
            false, NULL, 0, out_rows));
    }
    *out = result;
    return VARVE_OK;
}
