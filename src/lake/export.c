/*
 * The folder of an export: nothing of it is seen before all of it is durable.
 *
 * SHA256SUMS has the hash of every other file, so that its own hash stands for the whole export:
 * that is what is printed, and what a key signs.
 */
#include "lake/export.h"

#include "base/json_write.h"
#include "lake/export_run.h"
#include "store/key_file.h"
#include "table/read/event_time.h"
#include "table/read/prune.h"
#include "table/read/read.h"

/* ---- Files ---------------------------------------------------------------------------------------- */

varve_status vv_export_key(struct vv_op *op, const struct vv_export_table *table,
    const char *name, struct vv_str *out)
{
    *out = vv_arena_format(&op->arena, "%.*s/%s", VV_ARG(table->folder), name);
    return out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

static varve_status add_file(struct vv_op *op, struct vv_export_run *run, struct vv_str key,
    struct vv_export_file **out)
{
    struct vv_export_file *file = VV_LIST_NEW(&op->arena, &run->files);
    struct vv_str copy = vv_arena_str(&op->arena, key);
    if (file == NULL || copy.ptr == NULL)
        return vv_fail_memory(op);
    *file = (struct vv_export_file){.key = copy};
    *out = file;
    return VARVE_OK;
}

varve_status vv_export_write(struct vv_op *op, struct vv_export_run *run, struct vv_str key,
    struct vv_str bytes, const char *sha256)
{
    struct vv_export_file *file = NULL;
    VV_TRY(vv_new_folder_write(op, &run->folder, key, bytes));
    VV_TRY(add_file(op, run, key, &file));
    file->bytes = (int64_t)bytes.len;
    if (sha256 == NULL)
        return vv_sha256(op, bytes, file->sha256);
    memcpy(file->sha256, sha256, VV_SHA256_HEX_BYTES);
    return VARVE_OK;
}

varve_status vv_export_note(struct vv_op *op, struct vv_export_run *run, struct vv_str key,
    struct vv_str path, const struct vv_export_file **out)
{
    struct vv_export_file *file = NULL;
    VV_TRY(add_file(op, run, key, &file));
    if (out != NULL)
        *out = file;
    return vv_sha256_file(op, path.ptr, file->sha256, &file->bytes);
}

void vv_export_csv(struct vv_buf *line, struct vv_str text)
{
    bool plain = text.ptr == NULL || text.len > 0;
    for (size_t i = 0; i < text.len && plain; i++)
        plain = strchr(",\"\r\n", text.ptr[i]) == NULL && text.ptr[i] != '\0';
    if (plain) {
        vv_buf_add(line, text);
        return;
    }
    vv_buf_addc(line, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"')
            vv_buf_addc(line, '"');
        vv_buf_addc(line, text.ptr[i]);
    }
    vv_buf_addc(line, '"');
}

/* ---- Tables --------------------------------------------------------------------------------------- */

/* The last part of a path or URL, where a table was meant by one. */
static struct vv_str folder_of(struct vv_str name)
{
    while (name.len > 1 && name.ptr[name.len - 1] == '/')
        name.len--;
    size_t start = name.len;
    while (start > 0 && name.ptr[start - 1] != '/')
        start--;
    return vv_str_skip(name, start);
}

/* One that `ls` shows, and that no tool of the steps takes for an option or for two lines. */
static bool is_plain_folder(struct vv_str name)
{
    if (name.len == 0 || name.ptr[0] == '.' || name.ptr[0] == '-')
        return false;
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.ptr[i] < ' ')
            return false;
    return true;
}

static bool is_folder_taken(const struct vv_export_run *run, struct vv_str folder)
{
    static const char *const ours[] = {VV_EXPORT_SUMS, VV_EXPORT_SIGNATURE,
        VV_EXPORT_PUBLIC_KEY, VV_EXPORT_MANIFEST, VV_EXPORT_INDEX};
    for (size_t i = 0; i < VV_COUNT(ours); i++)
        if (vv_str_eq_nocase(vv_str_of(ours[i]), folder))
            return true;
    for (size_t i = 0; i < run->tables.len; i++)
        if (vv_str_eq_nocase(run->tables.items[i]->folder, folder))
            return true;
    return false;
}

static varve_status choose_folder(struct vv_op *op, const struct vv_export_run *run,
    struct vv_export_table *table)
{
    struct vv_str base = folder_of(table->name);
    if (!is_plain_folder(base))
        base = VV_STR("table");
    struct vv_str folder = base;
    for (int i = 2; is_folder_taken(run, folder); i++) {
        folder = vv_arena_format(&op->arena, "%.*s-%d", VV_ARG(base), i);
        if (folder.ptr == NULL)
            return vv_fail_memory(op);
    }
    table->folder = folder;
    return VARVE_OK;
}

/* The rows of the range, or all where the table has no time. */
static varve_status choose_files(struct vv_op *op, const struct vv_export_run *run,
    struct vv_export_table *table)
{
    struct vv_report_source *source = &table->source;
    const struct vv_span_request *span = &run->request->span;
    source->time = vv_event_column(source->snapshot, &source->rules);
    table->has_time = source->time >= 0;
    /* A time that is none is an error for tables without times, too. */
    VV_TRY(vv_report_span(op, run->lake, span, run->request->at, VV_STR_NONE, &table->span));
    if (table->has_time)
        return vv_report_prune(op, source, table->span);
    table->span = (struct vv_span){INT64_MIN, INT64_MAX};
    if (span->from.ptr != NULL || span->to.ptr != NULL || span->last.ptr != NULL)
        vv_log(op, VV_LOG_WARN, "export.no_time",
            "table %.*s has no time column: all of its rows are exported", VV_ARG(table->name));
    return vv_prune(op, &op->arena, source->snapshot, &source->rules, &(struct vv_ranges){0},
        &source->files, &source->files_len);
}

static varve_status export_table(struct vv_op *op, struct vv_export_run *run,
    struct vv_export_table *table)
{
    VV_TRY(vv_rules_read(op, &op->arena, table->source.snapshot, false, &table->source.rules));
    VV_TRY(choose_folder(op, run, table));
    VV_TRY(choose_files(op, run, table));
    VV_TRY(vv_export_chain(op, run, table));
    /* No row is read from a file that is not what its commit says. */
    VV_TRY(vv_export_copy_sources(op, run, table));
    VV_TRY(vv_export_rows(op, run, table));
    return run->request->without_changes ? VARVE_OK : vv_export_changes(op, run, table);
}

/* By where it lies: one table can be meant by many names. */
static varve_status check_new(struct vv_op *op, const struct vv_export_run *run,
    const struct vv_table *table)
{
    for (size_t i = 0; i < run->tables.len; i++)
        if (vv_store_is_at(run->tables.items[i]->source.table->store, table->store->location))
            return vv_fail(op, VARVE_EUSAGE, "it is named twice: it lies at %.*s",
                VV_ARG(table->store->location));
    return VARVE_OK;
}

/* A table that was not made by the time that is asked for is left out: it has nothing to show. */
static varve_status add_table(struct vv_op *op, struct vv_export_run *run, struct vv_str name)
{
    struct vv_export_table *table = NULL;
    VV_NEW(op, &table, struct vv_export_table, 1);
    table->name = name;
    table->hashes = VV_MAP_INIT(&op->arena);
    table->users_by_name = VV_MAP_INIT(&op->arena);
    VV_TRY(vv_lake_table_for_any(op, run->lake, name, &table->source.table));
    varve_status status = check_new(op, run, table->source.table);
    if (status == VARVE_OK)
        status =
            vv_table_at(op, table->source.table, run->request->at, &table->source.snapshot);
    bool is_kept = status == VARVE_OK && table->source.snapshot->version != VV_NO_VERSION;
    struct vv_export_table **item = is_kept ? VV_LIST_NEW(&op->arena, &run->tables) : NULL;
    if (item != NULL)
        *item = table;
    else
        vv_report_close(&table->source);
    return is_kept && item == NULL ? vv_fail_memory(op) : status;
}

/* An export of all that there is leaves nothing out by itself: whoever makes it has to say so. */
static varve_status note_table(struct vv_op *op, const struct vv_export_run *run,
    struct vv_str name)
{
    varve_status code = vv_note_table(op, name);
    bool is_unreadable = code == VARVE_EUNSUPPORTED || code == VARVE_ECORRUPT;
    if (run->request->tables_len == 0 && is_unreadable)
        vv_detail(op,
            "nothing is exported: an export of the whole lake leaves no table out by itself; "
            "name the tables to export: varve export TABLE...");
    return code;
}

/* The tables that are exported. A version is one table's. */
static varve_status list_tables(struct vv_op *op, struct vv_export_run *run,
    struct vv_str **out, size_t *out_len)
{
    const struct vv_export_request *request = run->request;
    if (request->tables_len == 0) {
        VV_TRY(vv_lake_list(op, run->lake, &op->arena, out, out_len));
        if (*out_len == 0)
            return vv_fail(op, VARVE_ENOTFOUND, "the lake has no table to export");
    } else {
        VV_NEW(op, out, struct vv_str, request->tables_len);
        memcpy(*out, request->tables, request->tables_len * sizeof(**out));
        *out_len = request->tables_len;
    }
    if (*out_len > 1 && vv_str_is_digits(vv_str_trim(request->at)))
        return vv_fail(op, VARVE_EUSAGE,
            "%.*s is a version, and the export is of %zu tables, each with versions of "
            "its own: give a time or a tag instead",
            VV_ARG(request->at), *out_len);
    return VARVE_OK;
}

/* ---- The whole ------------------------------------------------------------------------------------ */

static void run_done(struct vv_export_run *run)
{
    for (size_t i = 0; i < run->tables.len; i++)
        vv_report_close(&run->tables.items[i]->source);
    vv_new_folder_done(&run->folder);
}

static varve_status read_public_key(struct vv_op *op, struct vv_export_run *run)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf pem = VV_BUF_INIT(VV_KEY_FILE_BYTES_MAX);
    char private_pem[VV_KEY_FILE_BYTES_MAX];
    size_t len = 0;
    if (run->request->key_file == NULL)
        return VARVE_OK;
    varve_status status = vv_key_file_read(op, run->request->key_file, true, private_pem, &len);
    if (status == VARVE_OK)
        status = vv_sign_public(op, (struct vv_str){private_pem, len}, &pem);
    explicit_bzero(private_pem, sizeof(private_pem));
    if (status != VARVE_OK)
        return vv_note(op, "sign with %s", vv_key_file_name(run->request->key_file));
    run->public_pem = vv_arena_str(&op->arena, vv_buf_str(&pem));
    if (run->public_pem.ptr == NULL)
        return vv_fail_memory(op);
    return vv_export_write(op, run, VV_STR(VV_EXPORT_PUBLIC_KEY), run->public_pem, NULL);
}

/* The list of hashes, and what is told of it. */
static varve_status write_sums(struct vv_op *op, struct vv_export_run *run,
    char sha256[VV_SHA256_HEX_BYTES], char signature[VV_SIGNATURE_BYTES])
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sums = VV_BUF_INIT(VV_BUF_MAX);
    for (size_t i = 0; i < run->files.len; i++)
        vv_buf_addf(&sums, "%s  %.*s\n", run->files.items[i].sha256,
            VV_ARG(run->files.items[i].key));
    if (!vv_buf_ok(&sums))
        return vv_fail_memory(op);
    VV_TRY(vv_sha256(op, vv_buf_str(&sums), sha256));
    VV_TRY(vv_new_folder_write(op, &run->folder, VV_STR(VV_EXPORT_SUMS), vv_buf_str(&sums)));
    if (run->request->key_file == NULL)
        return VARVE_OK;
    VV_TRY(vv_seal_sign(op, run->request->key_file, VV_EXPORT_PREFIX, sha256, signature));
    struct vv_str text = vv_arena_format(&op->arena, "%s\n", signature);
    if (text.ptr == NULL)
        return vv_fail_memory(op);
    return vv_new_folder_write(op, &run->folder, VV_STR(VV_EXPORT_SIGNATURE), text);
}

static varve_status tell(struct vv_op *op, const struct vv_export_run *run, const char *sha256,
    const char *signature, struct vv_buf *out)
{
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(out);
    int64_t rows = 0;
    int64_t bytes = 0;
    int64_t changes = 0;
    int64_t untold = 0;
    for (size_t i = 0; i < run->tables.len; i++) {
        rows += run->tables.items[i]->rows;
        changes += run->tables.items[i]->changes.rows;
        untold += run->tables.items[i]->changes.untold;
    }
    for (size_t i = 0; i < run->files.len; i++)
        bytes += run->files.items[i].bytes;
    vv_jw_object(&writer);
    vv_jw_key_string(&writer, "folder", run->folder.path);
    vv_jw_key_int(&writer, "tables", (int64_t)run->tables.len);
    vv_jw_key_int(&writer, "rows", rows);
    if (!run->request->without_changes) {
        vv_jw_key_int(&writer, "changes", changes);
        vv_jw_key_int(&writer, "changes_missing", untold);
    }
    vv_jw_key_int(&writer, "files", (int64_t)run->files.len);
    vv_jw_key_int(&writer, "bytes", bytes);
    vv_jw_key_string(&writer, "sha256", vv_str_of(sha256));
    if (run->request->key_file != NULL)
        vv_jw_key_string(&writer, "signature", vv_str_of(signature));
    vv_jw_end(&writer);
    vv_buf_addc(out, '\n');
    return vv_buf_ok(out) ? VARVE_OK : vv_fail_memory(op);
}

static varve_status fill(struct vv_op *op, struct vv_export_run *run)
{
    struct vv_str *names = NULL;
    size_t len = 0;
    VV_TRY(read_public_key(op, run));
    VV_TRY(list_tables(op, run, &names, &len));
    for (size_t i = 0; i < len; i++)
        if (add_table(op, run, names[i]) != VARVE_OK)
            return note_table(op, run, names[i]);
    if (run->tables.len == 0)
        return vv_fail(op, VARVE_ENOTFOUND, "no table was there at that time");
    VV_TRY(vv_export_seals(op, run));
    for (size_t i = 0; i < run->tables.len; i++)
        if (export_table(op, run, run->tables.items[i]) != VARVE_OK)
            return note_table(op, run, run->tables.items[i]->name);
    VV_TRY(vv_export_manifest(op, run));
    return vv_export_index(op, run);
}

varve_status vv_lake_export(struct vv_op *op, struct vv_lake *lake,
    const struct vv_export_request *request, struct vv_buf *out_json)
{
    VV_CLEANUP(run_done)
    struct vv_export_run run = {.request = request, .lake = lake, .made_us = vv_now_us(op)};
    char sha256[VV_SHA256_HEX_BYTES];
    char signature[VV_SIGNATURE_BYTES] = "";
    VV_TRY(vv_new_folder_open(op, request->folder, &run.folder));
    VV_TRY(fill(op, &run));
    VV_TRY(write_sums(op, &run, sha256, signature));
    VV_TRY(tell(op, &run, sha256, signature, out_json));
    return vv_new_folder_publish(op, &run.folder);
}
