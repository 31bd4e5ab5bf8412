/*
 * Release: the rows of a batch in quarantine become a batch again.
 *
 * A row keeps the order value that it came with, and one that came without gets the time of its
 * arrival, so that what has been corrected since stays corrected. That also makes a crash between
 * the commit and the removal of the batch harmless: released again, its rows are unchanged.
 */
#include "base/json_write.h"
#include "store/source.h"
#include "table/batch/quarantine_file.h"

/* ECORRUPT: the batch is damaged; ENOTFOUND: it is not there. */
static varve_status read_rows(struct vv_op *op, struct vv_table *table,
    const struct vv_rules *rules, struct vv_str id, struct vv_quarantine_file *file,
    struct vv_buf *out)
{
    VV_TRY(vv_quarantine_read(op, table, &op->arena, id, file));
    for (size_t i = 0; i < file->lines_len; i++) {
        struct vv_quarantine_row row;
        VV_TRY(vv_check_cancel(op));
        VV_TRY(vv_quarantine_row_read(op, &op->arena, file, i, &row));
        VV_TRY(vv_quarantine_row_line(op, file, &table->snapshot->schema, rules, &row, out));
    }
    return vv_buf_ok(out) ? VARVE_OK : vv_fail_memory(op);
}

/* A row's line with the reasons that it stays for now. */
static varve_status add_line(struct vv_op *op, struct vv_str line,
    const struct vv_json *reasons, struct vv_buf *out)
{
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(out);
    const struct vv_json *iterator = NULL;
    const struct vv_json *row = NULL;
    const struct vv_json *value = NULL;
    struct vv_str name;
    VV_TRY(vv_json_parse(op, &op->arena, line, &row));
    vv_jw_object(&writer);
    while (vv_json_each(row, &iterator, &name, &value)) {
        struct vv_str json;
        bool is_reasons = vv_str_eq(name, VV_STR("reasons"));
        VV_TRY(vv_json_write_value(op, is_reasons ? reasons : value, &op->arena, &json));
        vv_jw_key_str(&writer, name);
        vv_jw_raw(&writer, json);
    }
    vv_jw_end(&writer);
    vv_buf_addc(out, '\n');
    return VARVE_OK;
}

/*
 * The batch is gone, or holds only the rows that `rejects` (lines numbered from 1) names, for the
 * reasons that these have: those in the file may be of rules that are gone.
 */
static varve_status shrink(struct vv_op *op, struct vv_table *table,
    const struct vv_quarantine_file *file, struct vv_str rejects)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf bytes = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_str line;
    if (rejects.len == 0) {
        VV_TRY(vv_store_remove(op, table->store, file->key));
        return vv_store_settle(op, table->store, VV_STR(VV_QUARANTINE_FOLDER));
    }
    vv_buf_add(&bytes, file->header);
    vv_buf_addc(&bytes, '\n');
    while (vv_str_split(&rejects, '\n', &line)) {
        const struct vv_json *json = NULL;
        int64_t row = 0;
        if (line.len == 0)
            continue;
        VV_TRY(vv_json_parse(op, &op->arena, line, &json));
        if (!vv_json_int64(vv_json_get(json, "row"), &row) || row < 1 ||
            (size_t)row > file->lines_len)
            return vv_fail(op, VARVE_EFAILED, "a rejected row without its number");
        if (file->format < VV_QUARANTINE_FORMAT) {
            /* Of such a file a reason may be all that is left of a value. */
            vv_buf_add(&bytes, file->lines[row - 1]);
            vv_buf_addc(&bytes, '\n');
        } else {
            VV_TRY(add_line(op, file->lines[row - 1], vv_json_get(json, "reasons"), &bytes));
        }
    }
    if (!vv_buf_ok(&bytes))
        return vv_fail_memory(op);
    return vv_store_put(op, table->store, file->key, vv_buf_str(&bytes));
}

static void add_up(const struct vv_upsert_result *one, struct vv_upsert_result *sum)
{
    vv_warned_add(&one->warned, &sum->warned);
    sum->rows_in += one->rows_in;
    sum->inserted += one->inserted;
    sum->updated += one->updated;
    sum->unchanged += one->unchanged;
    sum->stale += one->stale;
    sum->duplicates_in_batch += one->duplicates_in_batch;
    sum->rejected += one->rejected;
    sum->repaired += one->repaired;
    sum->rows_written += one->rows_written;
    sum->version = one->version;
    sum->files_added += one->files_added;
    sum->files_removed += one->files_removed;
    sum->attempts += one->attempts;
}

/* What is wrong with it keeps no other batch from being released. */
static varve_status pass_over(struct vv_op *op, const struct vv_table *table, struct vv_str id,
    struct vv_quarantine_release_result *out)
{
    struct vv_str reason;
    VV_TRY(vv_quarantine_pass_over(op, &reason));
    if (reason.ptr == NULL)
        return VARVE_OK;
    vv_log(op, VV_LOG_WARN, "quarantine.damaged",
        "table %.*s: batch %.*s stays in quarantine, it can't be read: %.*s",
        VV_ARG(table->name), VV_ARG(id), VV_ARG(reason));
    out->damaged++;
    return VARVE_OK;
}

static varve_status release_one(struct vv_op *op, struct vv_table *table, struct vv_str id,
    bool is_named, const struct vv_upsert_options *given,
    struct vv_quarantine_release_result *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf rows = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_source_close) struct vv_source source = VV_SOURCE_NONE;
    struct vv_upsert_options options = *given;
    struct vv_upsert_result result = {0};
    struct vv_quarantine_file file;
    struct vv_str rejects = VV_STR_NONE;
    struct vv_rules rules;
    VV_TRY(vv_table_refresh(op, table));
    VV_TRY(vv_rules_read(op, &op->arena, table->snapshot, true, &rules));
    varve_status status = read_rows(op, table, &rules, id, &file, &rows);
    if (status != VARVE_OK && !is_named)
        return pass_over(op, table, id, out);
    VV_TRY(status);
    VV_TRY(vv_source_open_bytes(op, vv_buf_str(&rows), &source));
    struct vv_input input = {.format = VV_INPUT_NDJSON, .fd = source.fd, .name = id};
    options.batch.input_tz = file.input_tz;
    options.batch.truncate_time = file.truncate_time;
    options.batch.dedupe = true;
    options.batch.reject_rows = true;
    options.out_rejects = &rejects;
    options.released = id;
    VV_TRY(vv_upsert(op, table, &input, 1, &options, &result));
    if (!options.dry_run)
        VV_TRY(shrink(op, table, &file, rejects));
    out->batches += rejects.len == 0;
    add_up(&result, &out->upsert);
    return VARVE_OK;
}

varve_status vv_quarantine_release(struct vv_op *op, struct vv_table *table,
    const struct vv_str *ids, size_t ids_len, const struct vv_upsert_options *options,
    struct vv_quarantine_release_result *out)
{
    struct vv_quarantine_release_result result = {0};
    struct vv_str *all = NULL;
    VV_TRY(vv_table_refresh(op, table));
    result.upsert.version = table->snapshot->version;
    bool are_named = ids_len > 0;
    if (!are_named) {
        VV_TRY(vv_quarantine_ids(op, table, &op->arena, &all, &ids_len));
        ids = all;
    }
    for (size_t i = 0; i < ids_len; i++)
        VV_TRY(release_one(op, table, ids[i], are_named, options, &result));
    *out = result;
    return VARVE_OK;
}
