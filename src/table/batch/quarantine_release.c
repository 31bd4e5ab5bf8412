/*
 * Release: the rows of a batch in quarantine become a batch again.
 *
 * A row keeps the order value that it came with, and one that came without gets the time of its
 * arrival, so that what has been corrected since stays corrected. That also makes a crash between
 * the commit and the removal of the batch harmless: released again, its rows are unchanged.
 *
 * A table without a key tells no row from another, so there the rows that are about to go in are
 * marked in their file first, with the number of the txn by which they do; once the table has that
 * txn recorded, they are none of the batch.
 */
#include "base/json_write.h"
#include "store/source.h"
#include "table/batch/quarantine_file.h"

#define RELEASE "release" /* the member that is the mark */

/* A batch on its way out. */
struct release {
    struct vv_table *table;
    struct vv_quarantine_file file;
    struct vv_rules rules;
    struct vv_str app_id; /* of a table without a key, and the number of the next txn */
    int64_t app_version;
};

/* What the table's newest version has by an earlier release that could not say so any more. */
static varve_status drop_released(struct vv_op *op, struct release *release)
{
    struct vv_quarantine_file *file = &release->file;
    size_t len = 0;
    for (size_t i = 0; i < file->lines_len; i++) {
        struct vv_quarantine_row row;
        VV_TRY(vv_quarantine_row_read(op, &op->arena, file, i, &row));
        if (row.release == 0 || row.release >= release->app_version)
            file->lines[len++] = file->lines[i];
    }
    file->lines_len = len;
    return VARVE_OK;
}

/*
 * The table has been read before the file is: of each txn that it has by then the file has the marks,
 * so that no row goes in by a second one.
 */
static varve_status read_batch(struct vv_op *op, struct vv_str id, struct release *release)
{
    if (release->rules.key_len > 0)
        return vv_quarantine_read(op, release->table, &op->arena, id, &release->file);
    release->app_id = vv_arena_format(&op->arena, "varve-quarantine:%.*s", VV_ARG(id));
    if (release->app_id.ptr == NULL)
        return vv_fail_memory(op);
    int64_t recorded = vv_snapshot_txn(release->table->snapshot, release->app_id);
    release->app_version = (recorded > 0 ? recorded : 0) + 1;
    VV_TRY(vv_quarantine_read(op, release->table, &op->arena, id, &release->file));
    return drop_released(op, release);
}

/* `stays`: by line, NULL for those that go; NULL: all do. */
static varve_status write_rows(struct vv_op *op, const struct release *release,
    const struct vv_json *const *stays, struct vv_buf *out)
{
    const struct vv_quarantine_file *file = &release->file;
    for (size_t i = 0; i < file->lines_len; i++) {
        struct vv_quarantine_row row;
        VV_TRY(vv_check_cancel(op));
        if (stays != NULL && stays[i] != NULL)
            continue;
        VV_TRY(vv_quarantine_row_read(op, &op->arena, file, i, &row));
        VV_TRY(vv_quarantine_row_line(op, file, &release->table->snapshot->schema,
            &release->rules, &row, out));
    }
    return vv_buf_ok(out) ? VARVE_OK : vv_fail_memory(op);
}

/*
 * A row's line: with the reasons that it stays for now (NULL: with those that it has), and marked
 * with the txn by which it is going in (0: with none).
 */
static varve_status add_line(struct vv_op *op, struct vv_str line,
    const struct vv_json *reasons, int64_t txn, struct vv_buf *out)
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
        bool is_reasons = reasons != NULL && vv_str_eq(name, VV_STR("reasons"));
        if (vv_str_eq(name, VV_STR(RELEASE)))
            continue;
        VV_TRY(vv_json_write_value(op, is_reasons ? reasons : value, &op->arena, &json));
        vv_jw_key_str(&writer, name);
        vv_jw_raw(&writer, json);
    }
    if (txn > 0)
        vv_jw_key_int(&writer, RELEASE, txn);
    vv_jw_end(&writer);
    vv_buf_addc(out, '\n');
    return VARVE_OK;
}

/*
 * Of each line of the batch the reasons for which it stays, NULL where it does not: by `rejects`,
 * lines which name theirs, numbered from 1.
 */
static varve_status find_stays(struct vv_op *op, const struct vv_quarantine_file *file,
    struct vv_str rejects, const struct vv_json ***out)
{
    struct vv_str line;
    VV_NEW(op, out, const struct vv_json *, file->lines_len + 1);
    while (vv_str_split(&rejects, '\n', &line)) {
        const struct vv_json *json = NULL;
        int64_t row = 0;
        if (line.len == 0)
            continue;
        VV_TRY(vv_json_parse(op, &op->arena, line, &json));
        const struct vv_json *reasons = vv_json_get(json, "reasons");
        if (!vv_json_int64(vv_json_get(json, "row"), &row) || row < 1 ||
            (size_t)row > file->lines_len || reasons == NULL)
            return vv_fail(op, VARVE_EFAILED, "a rejected row without its number or reasons");
        (*out)[row - 1] = reasons;
    }
    return VARVE_OK;
}

/*
 * The batch is gone, or holds only the rows that `rejects` names, for the reasons that these have:
 * those in the file may be of rules that are gone.
 */
static varve_status shrink(struct vv_op *op, struct vv_table *table,
    const struct vv_quarantine_file *file, struct vv_str rejects)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf bytes = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_json **stays = NULL;
    if (rejects.len == 0) {
        VV_TRY(vv_store_remove(op, table->store, file->key));
        return vv_store_settle(op, table->store, VV_STR(VV_QUARANTINE_FOLDER));
    }
    VV_TRY(find_stays(op, file, rejects, &stays));
    vv_buf_add(&bytes, file->header);
    vv_buf_addc(&bytes, '\n');
    for (size_t i = 0; i < file->lines_len; i++) {
        /* Of an older file a reason may be all that is left of a value. */
        const struct vv_json *reasons = file->format < VV_QUARANTINE_FORMAT ? NULL : stays[i];
        if (stays[i] != NULL)
            VV_TRY(add_line(op, file->lines[i], reasons, 0, &bytes));
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

/* The rows that go in are marked, durably, and no other is. */
static varve_status mark(struct vv_op *op, const struct release *release,
    const struct vv_json *const *stays)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf bytes = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_quarantine_file *file = &release->file;
    vv_buf_add(&bytes, file->header);
    vv_buf_addc(&bytes, '\n');
    for (size_t i = 0; i < file->lines_len; i++)
        VV_TRY(add_line(op, file->lines[i], NULL, stays[i] != NULL ? 0 : release->app_version,
            &bytes));
    return vv_buf_ok(&bytes)
               ? vv_store_put(op, release->table->store, file->key, vv_buf_str(&bytes))
               : vv_fail_memory(op);
}

/* Rows of the batch, lines of NDJSON, into the table. */
static varve_status put_rows(struct vv_op *op, const struct release *release,
    const struct vv_buf *rows, const struct vv_upsert_options *options,
    struct vv_upsert_result *out)
{
    VV_CLEANUP(vv_source_close) struct vv_source source = VV_SOURCE_NONE;
    VV_TRY(vv_source_open_bytes(op, vv_buf_str(rows), &source));
    struct vv_input input = {
        .format = VV_INPUT_NDJSON, .fd = source.fd, .name = release->file.id};
    return vv_upsert(op, release->table, &input, 1, options, out);
}

/* Which rows are good has to be known before they are marked. */
static varve_status append_rows(struct vv_op *op, const struct release *release,
    const struct vv_buf *rows, const struct vv_upsert_options *given,
    struct vv_upsert_result *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf good = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_upsert_options options = *given;
    struct vv_upsert_result judged = {0};
    const struct vv_json **stays = NULL;
    options.append = true;
    options.batch.dedupe = false;
    options.dry_run = true;
    VV_TRY(put_rows(op, release, rows, &options, &judged));
    *out = judged;
    if (given->dry_run || judged.rows_written == 0)
        return VARVE_OK;
    VV_TRY(find_stays(op, &release->file, *given->out_rejects, &stays));
    VV_TRY(write_rows(op, release, stays, &good));
    VV_TRY(mark(op, release, stays));
    options.dry_run = false;
    options.batch.reject_rows = false; /* a rule that came this moment fails the release */
    options.out_rejects = NULL;
    options.app_id = release->app_id;
    options.app_version = release->app_version;
    VV_TRY(put_rows(op, release, &good, &options, out));
    out->rows_in = judged.rows_in;
    out->rejected = judged.rejected;
    return VARVE_OK;
}

/*
 * Two who release one batch of a table without a key, each with the rules of its time, could take each
 * other's marks for their own.
 */
static varve_status take_turn(struct vv_op *op, struct vv_table *table, struct vv_turn *out)
{
    if (!vv_store_try_turn(op, table->store, VV_STR(VV_QUARANTINE_FOLDER), out))
        return vv_fail(op, VARVE_ECONFLICT,
            "table %.*s: rows of it are being released right now; try again when that has "
            "ended",
            VV_ARG(table->name));
    return vv_table_refresh(op, table);
}

static varve_status release_one(struct vv_op *op, struct vv_table *table, struct vv_str id,
    bool is_named, const struct vv_upsert_options *given,
    struct vv_quarantine_release_result *out)
{
    VV_CLEANUP(vv_turn_give) struct vv_turn turn = {0};
    VV_CLEANUP(vv_buf_done) struct vv_buf rows = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_upsert_options options = *given;
    struct vv_upsert_result result = {0};
    struct vv_str rejects = VV_STR_NONE;
    struct release release = {.table = table};
    VV_TRY(vv_table_refresh(op, table));
    VV_TRY(vv_rules_read(op, &op->arena, table->snapshot, true, &release.rules));
    if (release.rules.key_len == 0 && !given->dry_run)
        VV_TRY(take_turn(op, table, &turn));
    result.version = table->snapshot->version;
    varve_status status = read_batch(op, id, &release);
    if (status == VARVE_OK)
        status = write_rows(op, &release, NULL, &rows);
    if (status != VARVE_OK && !is_named)
        return pass_over(op, table, id, out);
    VV_TRY(status);
    options.batch.input_tz = release.file.input_tz;
    options.batch.truncate_time = release.file.truncate_time;
    options.batch.dedupe = true;
    options.batch.reject_rows = true;
    options.out_rejects = &rejects;
    options.released = id;
    if (release.rules.key_len > 0)
        VV_TRY(put_rows(op, &release, &rows, &options, &result));
    else if (release.file.lines_len > 0)
        VV_TRY(append_rows(op, &release, &rows, &options, &result));
    if (!options.dry_run)
        VV_TRY(shrink(op, table, &release.file, rejects));
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
