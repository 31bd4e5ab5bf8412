/*
 * The rows of an export, and the files that they were read from.
 *
 * The CSV is made from the Parquet file that lies beside it, so that both have the same rows in the
 * same order: by time, then by key.
 */
#include <inttypes.h>

#include "delta/deletion_vector.h"
#include "delta/stats.h"
#include "engine/parquet.h"
#include "engine/sql.h"
#include "lake/export_run.h"
#include "table/file_keys.h"
#include "table/json_sql.h"
#include "table/read/lost.h"

/* ---- Rows ----------------------------------------------------------------------------------------- */

static void add_order(const struct vv_report_source *source, struct vv_buf *sql)
{
    const char *separator = " ORDER BY ";
    if (source->time >= 0) {
        vv_buf_addf(sql, "%sc%d", separator, source->time);
        separator = ", ";
    }
    for (size_t i = 0; i < source->rules.key_len; i++) {
        if (source->rules.key[i] == source->time)
            continue;
        vv_buf_addf(sql, "%sc%d", separator, source->rules.key[i]);
        separator = ", ";
    }
}

static varve_status rows_sql(struct vv_op *op, const struct vv_export_table *table,
    struct vv_buf *sql)
{
    const struct vv_schema *schema = &table->source.snapshot->schema;
    vv_buf_adds(sql, "SELECT ");
    for (size_t i = 0; i < schema->fields_len; i++) {
        vv_buf_addf(sql, "%sc%zu AS ", i == 0 ? "" : ", ", i);
        vv_sql_name(sql, schema->fields[i].name);
    }
    VV_TRY(vv_report_from(op, &table->source, NULL, 0, table->span, sql));
    add_order(&table->source, sql);
    return VARVE_OK;
}

/* As `varve scan --format csv` writes it: what is nested as JSON, which a reader of CSV has to parse. */
static void add_csv_value(const struct vv_field *field, struct vv_buf *sql)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf name = VV_BUF_INIT(VV_BUF_MAX);
    vv_sql_name(&name, field->name);
    vv_text_sql(&field->type, vv_buf_str(&name), sql);
    vv_buf_addf(sql, " AS %.*s", VV_ARG(vv_buf_str(&name)));
    sql->failed = sql->failed || !vv_buf_ok(&name);
}

varve_status vv_export_write_csv(struct vv_op *op, struct vv_session *session,
    const struct vv_schema *schema, struct vv_str parquet, struct vv_str csv)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    vv_buf_adds(&sql, "COPY (SELECT ");
    for (size_t i = 0; i < schema->fields_len; i++) {
        vv_buf_adds(&sql, i == 0 ? "" : ", ");
        add_csv_value(&schema->fields[i], &sql);
    }
    vv_buf_adds(&sql, " FROM read_parquet(");
    vv_sql_file(&sql, parquet);
    vv_buf_adds(&sql, ", hive_partitioning=false)) TO ");
    vv_sql_file(&sql, csv);
    vv_buf_adds(&sql, " (FORMAT csv, HEADER true)");
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    return vv_session_exec(op, session, vv_buf_str(&sql));
}

static varve_status write_rows(struct vv_op *op, const struct vv_export_table *table,
    struct vv_str parquet, struct vv_str csv, int64_t *out_rows)
{
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_report_source *source = &table->source;
    struct vv_parquet_written written;
    VV_TRY(rows_sql(op, table, &sql));
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_open(op, source->table->engine, &session));
    const struct vv_parquet_write write = {.select_sql = vv_buf_str(&sql), .path = parquet};
    if (vv_parquet_write(op, session, &write, &op->arena, &written) != VARVE_OK)
        return vv_lost_version(op, source->table, source->snapshot, source->files,
            source->files_len);
    *out_rows = written.rows;
    return vv_export_write_csv(op, session, &source->snapshot->schema, parquet, csv);
}

varve_status vv_export_rows(struct vv_op *op, struct vv_export_run *run,
    struct vv_export_table *table)
{
    struct vv_str parquet_key, csv_key, parquet, csv;
    if (table->source.snapshot->schema.fields_len == 0)
        return vv_fail(op, VARVE_EUNSUPPORTED, "it has no columns, so no rows to export");
    VV_TRY(vv_export_key(op, table, "rows.parquet", &parquet_key));
    VV_TRY(vv_export_key(op, table, "rows.csv", &csv_key));
    VV_TRY(vv_new_folder_stage(op, &run->folder, parquet_key, &parquet));
    VV_TRY(vv_new_folder_stage(op, &run->folder, csv_key, &csv));
    VV_TRY(write_rows(op, table, parquet, csv, &table->rows));
    VV_TRY(vv_export_note(op, run, parquet_key, parquet, NULL));
    return vv_export_note(op, run, csv_key, csv, NULL);
}

/* ---- Sources -------------------------------------------------------------------------------------- */

struct copies {
    struct vv_export_table *table;
    struct vv_map vectors; /* keys of vector files that are copied */
    struct vv_buf csv;
};

static void copies_done(struct copies *copies)
{
    vv_buf_done(&copies->csv);
}

static varve_status local_path(struct vv_op *op, const struct vv_export_table *table,
    struct vv_str key, bool is_absolute, struct vv_str *out)
{
    if (!is_absolute)
        return vv_file_fetch(op, table->source.table->store, key, out);
    *out = vv_arena_str(&op->arena, key);
    return out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

/* "<table>/<kind>/<key>"; files outside of the table's folder get one in the export. */
static varve_status copy_file(struct vv_op *op, struct vv_export_run *run,
    const struct copies *copies, const char *kind, struct vv_str key, bool is_absolute,
    const struct vv_export_file **out)
{
    const struct vv_export_table *table = copies->table;
    struct vv_str source;
    struct vv_str path;
    while (is_absolute && key.len > 0 && key.ptr[0] == '/')
        key = vv_str_skip(key, 1);
    struct vv_str target = vv_arena_format(&op->arena, "%.*s/%s/%s%.*s", VV_ARG(table->folder),
        kind, is_absolute ? "outside/" : "", VV_ARG(key));
    if (is_absolute)
        key = vv_arena_format(&op->arena, "/%.*s", VV_ARG(key));
    if (target.ptr == NULL || key.ptr == NULL)
        return vv_fail_memory(op);
    VV_TRY(local_path(op, table, key, is_absolute, &source));
    VV_TRY(vv_new_folder_copy(op, &run->folder, target, source.ptr));
    path = vv_arena_format(&op->arena, "%.*s/%.*s", VV_ARG(run->folder.hidden), VV_ARG(target));
    if (path.ptr == NULL)
        return vv_fail_memory(op);
    return vv_export_note(op, run, target, path, out);
}

static varve_status copy_vector(struct vv_op *op, struct vv_export_run *run,
    struct copies *copies, const struct vv_deletion_vector *dv)
{
    struct vv_str key;
    bool is_absolute = false;
    if (dv == NULL || dv->storage == 'i')
        return VARVE_OK;
    VV_TRY(vv_dv_key(op, &op->arena, dv, &key, &is_absolute));
    if (vv_map_has(&copies->vectors, key))
        return VARVE_OK;
    if (!vv_map_put(&copies->vectors, key, copies, NULL))
        return vv_fail_memory(op);
    copies->table->sources.vectors++;
    return copy_file(op, run, copies, "vectors", key, is_absolute, NULL);
}

static varve_status add_source_line(struct vv_op *op, struct copies *copies,
    const struct vv_file *file, const struct vv_export_file *copied, const char *proof)
{
    int64_t rows = -1;
    VV_TRY(vv_file_live_rows(op, file, &rows));
    vv_export_csv(&copies->csv, copied->key);
    vv_buf_addc(&copies->csv, ',');
    vv_export_csv(&copies->csv, file->path);
    vv_buf_addf(&copies->csv, ",%" PRId64 ",", copied->bytes);
    if (rows >= 0)
        vv_buf_addf(&copies->csv, "%" PRId64, rows);
    vv_buf_addf(&copies->csv, ",%" PRId64 ",%s,%s\n",
        file->dv != NULL ? file->dv->cardinality : 0, copied->sha256, proof);
    return VARVE_OK;
}

/* Whether a data file is what its commit says. */
static varve_status check_source(struct vv_op *op, const struct vv_store *store,
    const struct vv_file *file, int64_t bytes, const char *sha256)
{
    struct vv_str said = vv_pairs_get(&file->tags, VV_STR("varve.sha256"));
    bool has_size = file->bytes >= 0; /* a remove may leave it out */
    if ((!has_size || bytes == file->bytes) &&
        (said.len == 0 || vv_str_eq(said, vv_str_of(sha256))))
        return VARVE_OK;
    return vv_fail(op, VARVE_EVERIFY,
        "%.*s is not what the log says: it has %" PRId64 " bytes and the SHA-256 %s; varve "
        "verify --deep says more; nothing is exported",
        VV_ARG(vv_file_path(op, store, file)), bytes, sha256);
}

const char *vv_export_proof(const struct vv_export_table *table, const struct vv_file *file)
{
    struct vv_str sha256 = vv_pairs_get(&file->tags, VV_STR("varve.sha256"));
    if (sha256.len == 0)
        return "size";
    return vv_map_has(&table->hashes, sha256) ? "commit" : "gone";
}

static varve_status copy_source(struct vv_op *op, struct vv_export_run *run,
    struct copies *copies, const struct vv_file *file)
{
    struct vv_export_sources *sources = &copies->table->sources;
    const struct vv_export_file *copied = NULL;
    const char *proof = vv_export_proof(copies->table, file);
    bool is_proven = strcmp(proof, "commit") == 0;
    VV_TRY(copy_file(op, run, copies, is_proven ? "sources" : "unproven", file->key,
        file->absolute, &copied));
    VV_TRY(check_source(op, copies->table->source.table->store, file, copied->bytes,
        copied->sha256));
    sources->files++;
    sources->bytes += copied->bytes;
    sources->proven += is_proven ? 1 : 0;
    sources->unhashed += strcmp(proof, "size") == 0 ? 1 : 0;
    sources->gone += strcmp(proof, "gone") == 0 ? 1 : 0;
    VV_TRY(copy_vector(op, run, copies, file->dv));
    return add_source_line(op, copies, file, copied, proof);
}

varve_status vv_export_look(struct vv_op *op, const struct vv_export_table *table,
    const struct vv_file *file, char out_sha256[VV_SHA256_HEX_BYTES])
{
    struct vv_str path;
    int64_t bytes = 0;
    VV_TRY(local_path(op, table, file->key, file->absolute, &path));
    VV_TRY(vv_sha256_file(op, path.ptr, out_sha256, &bytes));
    return check_source(op, table->source.table->store, file, bytes, out_sha256);
}

/* What is not copied is looked at where it lies. */
static varve_status look_at_sources(struct vv_op *op, const struct vv_export_table *table)
{
    char sha256[VV_SHA256_HEX_BYTES];
    for (size_t i = 0; i < table->source.files_len; i++) {
        VV_TRY(vv_progress(op, "export files", i, table->source.files_len));
        VV_TRY(vv_export_look(op, table, table->source.files[i], sha256));
    }
    return VARVE_OK;
}

static varve_status take_sources(struct vv_op *op, struct vv_export_run *run,
    struct vv_export_table *table)
{
    VV_CLEANUP(copies_done)
    struct copies copies = {
        .table = table, .vectors = VV_MAP_INIT(&op->arena), .csv = VV_BUF_INIT(VV_BUF_MAX)};
    struct vv_str key;
    if (run->request->without_sources)
        return look_at_sources(op, table);
    vv_buf_adds(&copies.csv, "file,path,bytes,rows,deleted,sha256,proof\n");
    for (size_t i = 0; i < table->source.files_len; i++) {
        VV_TRY(vv_progress(op, "export files", i, table->source.files_len));
        VV_TRY(copy_source(op, run, &copies, table->source.files[i]));
    }
    if (!vv_buf_ok(&copies.csv))
        return vv_fail_memory(op);
    VV_TRY(vv_export_key(op, table, "sources.csv", &key));
    return vv_export_write(op, run, key, vv_buf_str(&copies.csv), NULL);
}

varve_status vv_export_copy_sources(struct vv_op *op, struct vv_export_run *run,
    struct vv_export_table *table)
{
    const struct vv_report_source *source = &table->source;
    if (take_sources(op, run, table) != VARVE_OK)
        return vv_lost_version(op, source->table, source->snapshot, source->files,
            source->files_len);
    return VARVE_OK;
}
