/*
 * Writing a checkpoint.
 *
 * The actions are rendered as the JSON lines that a commit would have, which the engine turns
 * into typed columns, one struct a kind of action, all of them optional as Spark has them. The
 * file is written under a name that no reader knows, read back, marked (checkpoint_mark.h), and only
 * then put under its own, whole or not at all. A crash before that leaves a file in _varve/tmp; after
 * it, the checkpoint without the hint, which is as good.
 */
#include "delta/checkpoint_write.h"

#include "base/json_write.h"
#include "base/seam.h"
#include "base/time.h"
#include "base/uuid.h"
#include "delta/checkpoint_columns.h"
#include "delta/checkpoint_mark.h"
#include "delta/checkpoint_stats.h"
#include "delta/checksum.h"
#include "delta/features.h"
#include "delta/last_checkpoint.h"
#include "delta/list.h"
#include "engine/parquet.h"
#include "engine/sql.h"
#include "store/source.h"

#define LINES "lines"
#define LINE "line"
#define PARSED "parsed"

/*
 * To write a row of a checkpoint takes 5.6 us, to replay a commit some 40 (18 in Varve, more in
 * other engines). With a reader a commit, N commits between two checkpoints of R rows cost
 * R * 5.6 + N * N / 2 * 40 us, which is the least a commit where N * N is R * ROWS_PART.
 */
#define ROWS_PART 0.28
#define INTERVAL_MAX 1280

struct vv_checkpoint_interval vv_checkpoint_interval(const struct vv_snapshot *snapshot)
{
    struct vv_checkpoint_interval out = {VV_CHECKPOINT_INTERVAL_DEFAULT, true};
    struct vv_str text =
        vv_pairs_get(&snapshot->metadata->configuration, VV_STR("delta.checkpointInterval"));
    if (vv_str_int64(text, &out.commits) && out.commits > 0)
        return out;
    double rows = (double)(snapshot->files_len + snapshot->tombstones_len);
    out = (struct vv_checkpoint_interval){VV_CHECKPOINT_INTERVAL_DEFAULT, false};
    while (out.commits < INTERVAL_MAX && (double)(out.commits * out.commits) < rows * ROWS_PART)
        out.commits *= 2;
    return out;
}

struct writer {
    struct vv_text_appender *appender;
    struct vv_buf line;
    struct vv_buf parsed; /* of a file, where the table asks for it */
    int64_t rows;
    int64_t files;
};

static void writer_done(struct writer *writer)
{
    vv_text_appender_close(&writer->appender);
    vv_buf_done(&writer->line);
    vv_buf_done(&writer->parsed);
}

/* What stands in `line` and `parsed` becomes a row. */
static varve_status add_row(struct vv_op *op, struct writer *writer)
{
    if (!vv_buf_ok(&writer->line) || !vv_buf_ok(&writer->parsed))
        return vv_fail_memory(op);
    const struct vv_str texts[] = {vv_str_trim(vv_buf_str(&writer->line)),
        writer->parsed.len > 0 ? vv_buf_str(&writer->parsed) : VV_STR_NONE};
    VV_TRY(vv_text_appender_row(op, writer->appender, writer->rows++, texts));
    vv_buf_clear(&writer->line);
    vv_buf_clear(&writer->parsed);
    return VARVE_OK;
}

static varve_status add_files(struct vv_op *op, struct writer *writer,
    const struct vv_snapshot *snapshot)
{
    bool has_parsed = vv_checkpoint_has_parsed(snapshot);
    for (size_t i = 0; i < snapshot->files_len; i++) {
        struct vv_file file = *snapshot->files[i];
        file.data_change = false;
        vv_action_write_add(&file, &writer->line);
        if (has_parsed)
            VV_TRY(vv_checkpoint_stats(op, snapshot, file.stats, &writer->parsed));
        VV_TRY(add_row(op, writer));
        VV_TRY(vv_progress(op, "checkpoint", i + 1, snapshot->files_len));
    }
    writer->files = (int64_t)snapshot->files_len;
    return VARVE_OK;
}

static varve_status add_tombstones(struct vv_op *op, struct writer *writer,
    const struct vv_snapshot *snapshot)
{
    int64_t oldest_ms = vv_snapshot_tombstones_from(op, snapshot->metadata);
    for (size_t i = 0; i < snapshot->tombstones_len; i++) {
        struct vv_remove remove = *snapshot->tombstones[i];
        if (remove.deleted_ms <= oldest_ms)
            continue; /* expired since the snapshot was loaded */
        remove.data_change = false;
        remove.tags = (struct vv_pairs){NULL, 0};
        vv_action_write_remove(&remove, &writer->line);
        VV_TRY(add_row(op, writer));
    }
    return VARVE_OK;
}

static varve_status add_actions(struct vv_op *op, struct writer *writer,
    const struct vv_snapshot *snapshot)
{
    vv_action_write_protocol(snapshot->protocol, &writer->line);
    VV_TRY(add_row(op, writer));
    vv_action_write_metadata(snapshot->metadata, &writer->line);
    VV_TRY(add_row(op, writer));
    for (size_t i = 0; i < snapshot->txns_len; i++) {
        vv_action_write_txn(snapshot->txns[i], &writer->line);
        VV_TRY(add_row(op, writer));
    }
    for (size_t i = 0; i < snapshot->domains_len; i++) {
        vv_action_write_domain(snapshot->domains[i], &writer->line);
        VV_TRY(add_row(op, writer));
    }
    VV_TRY(add_files(op, writer, snapshot));
    return add_tombstones(op, writer, snapshot);
}

static varve_status load_actions(struct vv_op *op, struct vv_session *session,
    const struct vv_snapshot *snapshot, struct writer *writer)
{
    const struct vv_str columns[] = {VV_STR(LINE), VV_STR(PARSED)};
    VV_TRY(vv_text_appender_open(op, session, VV_STR(LINES), VV_STR("_row"), columns,
        VV_COUNT(columns), &writer->appender));
    VV_TRY(add_actions(op, writer, snapshot));
    return vv_text_appender_finish(op, writer->appender);
}

/* Rows of each kind in the file just written, against those that went in. */
static varve_status check_file(struct vv_op *op, struct vv_session *session, struct vv_str path,
    const struct writer *writer)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    bool has_row = false;
    vv_buf_adds(&sql, "SELECT count(*), count(\"add\".path), count(protocol.minReaderVersion), "
                      "count(metaData.id) FROM read_parquet(");
    vv_sql_file(&sql, path);
    vv_buf_adds(&sql, ", hive_partitioning = false)");
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_query(op, session, vv_buf_str(&sql), &rows));
    VV_TRY(vv_rows_next(op, rows, &has_row));
    if (!has_row || vv_rows_int64(rows, 0) != writer->rows ||
        vv_rows_int64(rows, 1) != writer->files || vv_rows_int64(rows, 2) != 1 ||
        vv_rows_int64(rows, 3) != 1)
        return vv_fail(op, VARVE_EFAILED,
            "the checkpoint that was written does not hold what went in: it is not used");
    return VARVE_OK;
}

static varve_status write_file(struct vv_op *op, struct vv_session *session,
    const struct vv_snapshot *snapshot, const struct writer *writer, struct vv_str path,
    int64_t *out_bytes)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_parquet_written written;
    const struct vv_checkpoint_lines lines = {VV_STR(LINES), VV_STR(LINE), VV_STR(PARSED)};
    const struct vv_parquet_note notes[] = {
        {VV_STR(VV_CHECKPOINT_MARK), VV_STR(VV_CHECKPOINT_UNMARKED)},
        {VV_STR(VV_CHECKPOINT_STATS), VV_STR(VV_CHECKPOINT_STATS_EXACT)}};
    VV_TRY(vv_checkpoint_select(op, snapshot, &lines, &sql));
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    struct vv_parquet_write write = {.select_sql = vv_buf_str(&sql),
        .path = path,
        .notes = notes,
        .notes_len = vv_checkpoint_has_parsed(snapshot) ? 2 : 1};
    VV_TRY(vv_parquet_write(op, session, &write, &op->arena, &written));
    *out_bytes = written.bytes;
    return check_file(op, session, path, writer);
}

static varve_status write_hint(struct vv_op *op, struct vv_store *store,
    const struct vv_snapshot *snapshot, const struct writer *writer, int64_t bytes)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer json = VV_JSON_WRITER_INIT(&text);
    const struct vv_json *object = NULL;
    char checksum[33];
    int64_t newest = VV_NO_VERSION;
    VV_TRY(vv_last_checkpoint_read(op, store, &newest));
    if (newest >= snapshot->version)
        return VARVE_OK;
    vv_jw_object(&json);
    vv_jw_key_int(&json, "version", snapshot->version);
    vv_jw_key_int(&json, "size", writer->rows);
    vv_jw_key_int(&json, "sizeInBytes", bytes);
    vv_jw_key_int(&json, "numOfAddFiles", writer->files);
    vv_jw_end(&json);
    if (!vv_buf_ok(&text))
        return vv_fail_memory(op);
    VV_TRY(vv_json_parse(op, &op->arena, vv_buf_str(&text), &object));
    VV_TRY(vv_last_checkpoint_checksum(op, object, checksum));
    vv_buf_cut(&text, text.len - 1);
    vv_buf_addf(&text, ",\"checksum\":\"%s\"}", checksum);
    if (!vv_buf_ok(&text))
        return vv_fail_memory(op);
    return vv_store_put(op, store, VV_STR(VV_LAST_CHECKPOINT_KEY), vv_buf_str(&text));
}

/* A staged file is no object of the store yet: it is read where it was written, and marked. */
static varve_status read_staged(struct vv_op *op, struct vv_str path, struct vv_str *out)
{
    VV_CLEANUP(vv_source_close) struct vv_source source = VV_SOURCE_NONE;
    size_t len = 0;
    VV_TRY(vv_source_open(op, path, -1, path, &source));
    char *bytes;
    VV_NEW(op, &bytes, char, (size_t)source.bytes);
    VV_TRY(vv_source_read(op, &source, 0, bytes, (size_t)source.bytes, &len));
    vv_checkpoint_mark(bytes, len);
    *out = (struct vv_str){bytes, len};
    return VARVE_OK;
}

static varve_status publish(struct vv_op *op, struct vv_store *store,
    const struct vv_snapshot *snapshot, struct vv_str path)
{
    struct vv_str bytes;
    struct vv_str key = vv_arena_format(&op->arena,
        "_delta_log/%020" PRId64 ".checkpoint.parquet", snapshot->version);
    if (key.ptr == NULL)
        return vv_fail_memory(op);
    VV_TRY(read_staged(op, path, &bytes));
    vv_crash_point("checkpoint.before_put");
    VV_TRY(vv_store_put(op, store, key, bytes));
    vv_crash_point("checkpoint.put");
    return VARVE_OK;
}

/* A hint beside a checkpoint that is there by now: that it can't be written fails nothing. */
static void write_checksum(struct vv_op *op, struct vv_store *store,
    const struct vv_snapshot *snapshot)
{
    VV_CLEANUP(vv_op_done) struct vv_op own;
    vv_op_init(&own, op->env, VV_OP_BYTES_DEFAULT);
    if (vv_checksum_write(&own, store, snapshot) == VARVE_OK)
        return;
    vv_log(op, VV_LOG_WARN, "checksum.unwritten", "of version %" PRId64 ": %s",
        snapshot->version, own.error.message);
    vv_forgive(&own);
}

static varve_status write_checkpoint(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_snapshot *snapshot, struct vv_str temporary)
{
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    VV_CLEANUP(writer_done)
    struct writer writer = {.line = VV_BUF_INIT(VV_BUF_MAX), .parsed = VV_BUF_INIT(VV_BUF_MAX)};
    struct vv_str path;
    int64_t bytes = 0;
    VV_TRY(vv_store_stage(op, log->store, &op->arena, temporary, &path));
    VV_TRY(vv_session_open(op, log->engine, &session));
    VV_TRY(load_actions(op, session, snapshot, &writer));
    VV_TRY(write_file(op, session, snapshot, &writer, path, &bytes));
    VV_TRY(publish(op, log->store, snapshot, path));
    VV_TRY(write_hint(op, log->store, snapshot, &writer, bytes));
    vv_crash_point("checkpoint.hint");
    write_checksum(op, log->store, snapshot);
    return VARVE_OK;
}

varve_status vv_checkpoint_write(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_snapshot *snapshot)
{
    char uuid[VV_UUID_BYTES];
    struct vv_str policy =
        vv_pairs_get(&snapshot->metadata->configuration, VV_STR("delta.checkpointPolicy"));
    /* Without the feature, which readers go by, the word asks for nothing. */
    if (vv_str_eq(policy, VV_STR("v2")) &&
        vv_features_has(snapshot->protocol, VV_STR("v2Checkpoint")))
        return vv_fail(op, VARVE_EUNSUPPORTED,
            "writing checkpoints of the feature v2Checkpoint");
    VV_TRY(vv_uuid(op, uuid));
    struct vv_str temporary = vv_arena_format(&op->arena, "_varve/tmp/%s.parquet", uuid);
    if (temporary.ptr == NULL)
        return vv_fail_memory(op);
    varve_status status = write_checkpoint(op, log, snapshot, temporary);
    if (status != VARVE_OK)
        (void)vv_note(op, "checkpoint of version %" PRId64, snapshot->version);
    VV_CLEANUP(vv_op_done) struct vv_op own; /* the error above must survive the tidying up */
    vv_op_init(&own, op->env, VV_OP_BYTES_DEFAULT);
    if (vv_store_remove(&own, log->store, temporary) != VARVE_OK)
        vv_forgive(&own);
    return status;
}
