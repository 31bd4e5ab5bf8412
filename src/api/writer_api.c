#include "varve/writer.h"

#include "api/api.h"
#include "api/record.h"
#include "base/seam.h"
#include "base/time.h"
#include "ingest/maintainer.h"
#include "ingest/spool.h"
#include "ingest/spool_row.h"
#include "ingest/spool_salvage.h"
#include "ingest/writer.h"

#define RECORD_KINDS 3

/* The lane of records of one kind, once there was one. */
struct kind {
    const struct vv_record_type *type;
    struct vv_str table;
    _Atomic(struct vv_writer_lane *) lane;
};

struct varve_writer {
    struct vv_lake *lake; /* of its own: the caller's may be used at the same time */
    struct vv_env env;
    struct vv_env scan_env;  /* of scans and of their streams */
    atomic_bool interrupted; /* for ever */
    atomic_bool scan_cancel; /* until the next scan begins */
    struct vv_writer *writer;
    struct vv_maintainer *maintainer; /* NULL: none was asked for */
    varve_lake *callers;
    varve_writer_options options;
    struct kind kinds[RECORD_KINDS];
};

static void begin(struct vv_op *op, const varve_writer *writer)
{
    vv_op_init(op, &writer->env, VV_OP_BYTES_DEFAULT);
}

static void tell_commit(void *data, const struct vv_writer_commit *commit)
{
    const varve_writer *writer = data;
    VV_CLEANUP(vv_op_done) struct vv_op op;
    varve_upsert_result result;
    char *warnings = NULL;
    begin(&op, writer);
    vv_api_upsert_result(commit->result, &result);
    result.warnings = vv_api_warnings(&op, &commit->result->warned, &warnings);
    const varve_writer_commit told = {.size = sizeof(told),
        .table = commit->table.ptr,
        .segment = commit->segment,
        .sequence = commit->sequence,
        .result = &result,
        .duration_us = commit->duration_us};
    writer->options.on_commit(writer->options.callback_data, &told);
    vv_free(warnings);
}

static void tell_durable(void *data, uint64_t sequence)
{
    const varve_writer *writer = data;
    writer->options.on_durable(writer->options.callback_data, sequence);
}

static void tell_quarantine(void *data, struct vv_str table, uint64_t sequence,
    struct vv_str row_json, struct vv_str reason)
{
    const varve_writer *writer = data;
    writer->options.on_quarantine(writer->options.callback_data, table.ptr, sequence,
        row_json.ptr, reason.ptr);
}

static void tell_retry(void *data, struct vv_str table, const varve_error *error,
    int64_t retry_us)
{
    const varve_writer *writer = data;
    writer->options.on_retry(writer->options.callback_data, table.ptr, error,
        retry_us / VV_US_PER_MS);
}

static void tell_maintained(void *data, const struct vv_lake_maintained *result,
    const varve_error *failure)
{
    const varve_writer *writer = data;
    varve_maintain_result told;
    vv_api_maintained(result, &told);
    if (failure != NULL) {
        told.failed++;
        told.failure = *failure;
    }
    writer->options.on_maintain(writer->options.callback_data, &told);
}

static int64_t from_ms(int64_t ms)
{
    if (ms < 0)
        return -1; /* whatever it is below 0 */
    return ms > INT64_MAX / VV_US_PER_MS ? INT64_MAX : ms * VV_US_PER_MS;
}

static void convert_options(varve_writer *writer, struct vv_writer_options *out)
{
    const varve_writer_options *options = &writer->options;
    *out = (struct vv_writer_options){.spool = vv_api_text(options->spool),
        .interval_us = options->interval_ms < 0 ? -1 : from_ms(options->interval_ms),
        .rows_max = options->rows_max,
        .bytes_max = options->bytes_max,
        .spool_bytes_max = options->spool_bytes_max,
        .sync_us = from_ms(options->sync_ms),
        .sync_always = options->sync_always != 0,
        .full_fails = options->full_fails != 0,
        .tries_once = options->tries_once != 0,
        .adopt = options->adopt != 0,
        .no_sync = options->durability_off != 0,
        .events = {.data = writer,
            .commit = options->on_commit != NULL ? tell_commit : NULL,
            .durable = options->on_durable != NULL ? tell_durable : NULL,
            .quarantine = options->on_quarantine != NULL ? tell_quarantine : NULL,
            .retry = options->on_retry != NULL ? tell_retry : NULL}};
}

static varve_status open_writer(struct vv_op *op, varve_writer *writer)
{
    const struct vv_lake *callers = writer->callers->lake;
    struct vv_writer_options options;
    struct vv_lake_options lake = {.store = callers->store_options,
        .engine = callers->engine_options,
        .user = callers->user,
        .message = callers->message};
    lake.engine.is_lasting = true;
    if (writer->options.durability_off != 0)
        lake.store.sync = false;
    VV_TRY(vv_lake_open(op, callers->store->location, &lake, &writer->lake));
    writer->lake->checkpoints_elsewhere = writer->options.maintain_ms > 0;
    convert_options(writer, &options);
    return vv_writer_open(op, writer->lake, &options, &writer->writer);
}

/* After the spool was found to be ours. */
static varve_status start_maintainer(struct vv_op *op, varve_writer *writer)
{
    const struct vv_maintainer_options options = {
        .interval_us = from_ms(writer->options.maintain_ms),
        .ran = writer->options.on_maintain != NULL ? tell_maintained : NULL,
        .data = writer};
    if (writer->options.maintain_ms <= 0)
        return VARVE_OK;
    varve_status status = vv_maintainer_start(op, writer->lake, &options, &writer->maintainer);
    if (status != VARVE_OK)
        vv_writer_abandon(&writer->writer);
    return status;
}

static void writer_free(varve_writer *writer)
{
    vv_maintainer_stop(&writer->maintainer);
    vv_lake_close(&writer->lake);
    vv_free(writer);
}

/* The lake's log, without its cancel flag and progress: those are of calls on the lake. */
static void make_envs(varve_writer *writer, const struct vv_env *lake)
{
    writer->env = *lake;
    writer->env.cancel = &writer->interrupted;
    writer->env.progress = NULL;
    writer->scan_env = writer->env;
    writer->scan_env.cancel = &writer->scan_cancel;
}

varve_status varve_writer_open(varve_lake *lake, const varve_writer_options *options,
    varve_writer **out, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_env opening = lake->env; /* a call on the lake, which its interrupt ends */
    opening.progress = NULL;
    vv_api_begin(&op, lake);
    varve_writer *writer = vv_malloc_zeroed(sizeof(*writer));
    if (writer == NULL)
        return vv_op_report(&op, vv_fail_memory(&op), err);
    make_envs(writer, &lake->env);
    op.env = &opening;
    writer->callers = lake;
    writer->options = (varve_writer_options)VARVE_WRITER_OPTIONS_INIT;
    writer->kinds[0] = (struct kind){&vv_record_regime, VV_STR("market_regimes"), NULL};
    writer->kinds[1] =
        (struct kind){&vv_record_performance, VV_STR("performance_metrics"), NULL};
    writer->kinds[2] = (struct kind){&vv_record_signal, VV_STR("signals"), NULL};
    varve_status status =
        vv_api_options(&op, options, &writer->options, sizeof(writer->options));
    if (status == VARVE_OK)
        status = open_writer(&op, writer);
    if (status == VARVE_OK)
        status = start_maintainer(&op, writer);
    if (status != VARVE_OK)
        writer_free(writer);
    else
        *out = writer;
    return vv_op_report(&op, status, err);
}

varve_status varve_writer_close(varve_writer *writer, varve_error *err)
{
    if (writer == NULL)
        return VARVE_OK;
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    varve_status status = vv_writer_close(&op, &writer->writer);
    if (writer->writer == NULL)
        writer_free(writer);
    return vv_op_report(&op, status, err);
}

void varve_writer_abandon(varve_writer *writer)
{
    if (writer == NULL)
        return;
    vv_writer_abandon(&writer->writer);
    if (writer->writer == NULL)
        writer_free(writer);
}

void varve_writer_interrupt(varve_writer *writer)
{
    atomic_store(&writer->interrupted, true);
    atomic_store(&writer->scan_cancel, true);
    vv_writer_interrupt(writer->writer);
}

void varve_writer_interrupt_scans(varve_writer *writer)
{
    atomic_store(&writer->scan_cancel, true);
}

/* An interrupt of scans that came before is forgotten; one of the writer never is. */
static void begin_scan(struct vv_op *op, varve_writer *writer)
{
    atomic_store(&writer->scan_cancel, false);
    if (atomic_load(&writer->interrupted))
        atomic_store(&writer->scan_cancel, true);
    vv_op_init(op, &writer->scan_env, VV_OP_BYTES_DEFAULT);
}

static varve_status find_lane(struct vv_op *op, varve_writer *writer, struct kind *kind,
    struct vv_writer_lane **out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf payload = VV_BUF_INIT(VV_BUF_MAX);
    *out = atomic_load_explicit(&kind->lane, memory_order_acquire);
    if (*out != NULL)
        return VARVE_OK;
    VV_TRY(vv_record_schema(op, kind->type, &payload));
    if (!vv_buf_ok(&payload))
        return vv_fail_memory(op);
    VV_TRY(vv_writer_lane(op, writer->writer, kind->table, vv_buf_str(&payload), out));
    atomic_store_explicit(&kind->lane, *out, memory_order_release);
    return VARVE_OK;
}

static varve_status put_record(varve_writer *writer, size_t index, const void *record,
    uint64_t *out_sequence, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    VV_CLEANUP(vv_buf_done) struct vv_buf row = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_writer_lane *lane = NULL;
    struct kind *kind = &writer->kinds[index];
    begin(&op, writer);
    varve_status status = find_lane(&op, writer, kind, &lane);
    if (status == VARVE_OK)
        status = vv_record_row(&op, kind->type, record, &row);
    if (status == VARVE_OK && !vv_buf_ok(&row))
        status = vv_fail_memory(&op);
    if (status == VARVE_OK)
        status = vv_writer_put_typed(&op, writer->writer, lane, vv_buf_str(&row), false,
            out_sequence);
    return vv_op_report(&op, status, err);
}

varve_status varve_writer_put_market_regime(varve_writer *writer,
    const varve_market_regime *row, uint64_t *out_sequence, varve_error *err)
{
    return put_record(writer, 0, row, out_sequence, err);
}

varve_status varve_writer_put_performance(varve_writer *writer, const varve_performance *row,
    uint64_t *out_sequence, varve_error *err)
{
    return put_record(writer, 1, row, out_sequence, err);
}

varve_status varve_writer_put_signal(varve_writer *writer, const varve_signal *row,
    uint64_t *out_sequence, varve_error *err)
{
    return put_record(writer, 2, row, out_sequence, err);
}

varve_status varve_writer_put_json(varve_writer *writer, const char *table, const char *json,
    size_t json_bytes, uint64_t *out_sequence, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_str row = {json, json_bytes};
    begin(&op, writer);
    return vv_op_report(&op,
        vv_writer_put_json(&op, writer->writer, vv_api_text(table), row, out_sequence), err);
}

varve_status varve_writer_put_rejected(varve_writer *writer, const char *table,
    const char *text, size_t text_bytes, const char *reason, uint64_t *out_sequence,
    varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_str line = {text, text_bytes};
    begin(&op, writer);
    return vv_op_report(&op,
        vv_writer_put_rejected(&op, writer->writer, vv_api_text(table), line,
            vv_api_text(reason), out_sequence),
        err);
}

varve_status varve_writer_put_arrow(varve_writer *writer, const char *table,
    struct ArrowArrayStream *stream, uint64_t *out_sequence, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    begin(&op, writer);
    return vv_op_report(&op,
        vv_writer_put_arrow(&op, writer->writer, vv_api_text(table), stream, out_sequence),
        err);
}

varve_status varve_writer_put_arrow_ipc(varve_writer *writer, const char *table,
    int64_t (*read)(void *data, void *out, size_t bytes),
    void (*on_batch)(void *data, uint64_t rows, uint64_t last_sequence), void *data,
    uint64_t *out_sequence, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    const struct vv_writer_bytes from = {data, read, on_batch};
    begin(&op, writer);
    return vv_op_report(&op,
        vv_writer_put_ipc(&op, writer->writer, vv_api_text(table), &from, out_sequence), err);
}

varve_status varve_writer_sync(varve_writer *writer, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    begin(&op, writer);
    return vv_op_report(&op, vv_writer_sync(&op, writer->writer), err);
}

varve_status varve_writer_flush(varve_writer *writer, int64_t timeout_ms, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    begin(&op, writer);
    int64_t timeout_us = timeout_ms < 0 ? -1 : from_ms(timeout_ms);
    return vv_op_report(&op, vv_writer_flush(&op, writer->writer, timeout_us), err);
}

void varve_writer_get_stats(varve_writer *writer, varve_writer_stats *out)
{
    struct vv_writer_stats stats;
    vv_writer_stats(writer->writer, &stats);
    *out = (varve_writer_stats){.sequence_accepted = stats.sequence_accepted,
        .sequence_durable = stats.sequence_durable,
        .sequence_committed = stats.sequence_committed,
        .rows_put = stats.rows_put,
        .rows_waiting = stats.rows_waiting,
        .bytes_waiting = stats.bytes_waiting,
        .segments_waiting = stats.segments_waiting,
        .inserted = stats.counts.inserted,
        .updated = stats.counts.updated,
        .unchanged = stats.counts.unchanged,
        .stale = stats.counts.stale,
        .duplicates_in_batch = stats.counts.duplicates_in_batch,
        .quarantined = stats.counts.quarantined,
        .commits = stats.counts.commits,
        .retries = stats.counts.retries,
        .syncs = stats.syncs,
        .oldest_waiting_us = stats.oldest_waiting_us,
        .warnings = stats.counts.warnings};
}

varve_status varve_writer_metrics(varve_writer *writer, char **out_json, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    begin(&op, writer);
    varve_status status = vv_writer_metrics(&op, writer->writer, &json);
    if (status == VARVE_OK)
        status = vv_api_give_text(&op, &json, out_json);
    return vv_op_report(&op, status, err);
}

static varve_status scan(struct vv_op *op, varve_writer *writer, const char *table,
    const varve_scan_options *given, struct ArrowArrayStream *out)
{
    varve_scan_options options = VARVE_SCAN_OPTIONS_INIT;
    struct vv_scan_request request;
    VV_TRY(vv_api_options(op, given, &options, sizeof(options)));
    VV_TRY(vv_api_scan_request(op, &options, &request));
    return vv_writer_scan(op, writer->writer, vv_api_text(table), &request, out);
}

varve_status varve_writer_scan(varve_writer *writer, const char *table,
    const varve_scan_options *options, struct ArrowArrayStream *out, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    begin_scan(&op, writer);
    return vv_op_report(&op, scan(&op, writer, table, options, out), err);
}

static varve_status folder_of(struct vv_op *op, const varve_lake *lake, const char *spool,
    struct vv_str *out)
{
    *out = spool != NULL ? vv_api_text(spool) : vv_writer_spool_of(&op->arena, lake->lake);
    return out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

static varve_status inspect(struct vv_op *op, const varve_lake *lake, const char *spool,
    bool verify, char **out_json)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_str folder;
    struct vv_str json = VV_STR_NONE;
    bool is_sound = true;
    VV_TRY(folder_of(op, lake, spool, &folder));
    VV_TRY(vv_spool_inspect(op, folder, &op->arena, &json, &is_sound));
    vv_buf_add(&text, json);
    VV_TRY(vv_api_give_text(op, &text, out_json));
    if (verify && !is_sound)
        return vv_fail(op, VARVE_EVERIFY, "the spool %.*s is damaged: the report says where",
            VV_ARG(folder));
    return VARVE_OK;
}

varve_status varve_spool_inspect(varve_lake *lake, const char *spool, int32_t verify,
    char **out_json, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_api_begin(&op, lake);
    return vv_op_report(&op, inspect(&op, lake, spool, verify != 0, out_json), err);
}

static varve_status salvage(struct vv_op *op, const varve_lake *lake,
    const varve_spool_salvage_options *given, char **out_json)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    varve_spool_salvage_options options = VARVE_SPOOL_SALVAGE_OPTIONS_INIT;
    struct vv_str folder;
    struct vv_str json = VV_STR_NONE;
    VV_TRY(vv_api_options(op, given, &options, sizeof(options)));
    VV_TRY(folder_of(op, lake, options.spool, &folder));
    const struct vv_spool_salvage_options inner = {.table = vv_api_text(options.table),
        .aside = options.aside != 0,
        .dry_run = options.dry_run != 0,
        .adopt = options.adopt != 0};
    if (inner.table.ptr != NULL && inner.aside)
        return vv_fail(op, VARVE_EUSAGE,
            "rows that have lost their table go either to %.*s or aside", VV_ARG(inner.table));
    if (inner.table.ptr != NULL) {
        struct vv_table *table = NULL;
        VV_TRY(vv_lake_table(op, lake->lake, inner.table, &table));
        vv_table_close(&table);
    }
    VV_TRY(vv_spool_salvage(op, folder, &inner, &op->arena, &json));
    vv_buf_add(&text, json);
    return vv_api_give_text(op, &text, out_json);
}

varve_status varve_spool_salvage(varve_lake *lake, const varve_spool_salvage_options *options,
    char **out_json, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_api_begin(&op, lake);
    return vv_op_report(&op, salvage(&op, lake, options, out_json), err);
}
