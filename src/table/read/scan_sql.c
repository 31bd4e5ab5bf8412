/*
 * Data files as SQL.
 *
 * read_parquet gets an explicit list of files and an explicit schema, and infers nothing: a column
 * that a file lacks comes out NULL, a narrower type is widened, and a folder called "d=1" adds no
 * column. Inside, columns are called c0..cN by their index in the schema, so that no name of a
 * user's column can collide with a name of ours.
 *
 * Partition values come from the log. Where all files have the same ones they are constants, else
 * they are joined by the virtual column file_index; DuckDB turns a filter on them into a filter on
 * file_index and opens only the files that pass. Where all files are held in memory, these come with
 * them.
 *
 * A float column is multiplied by 1 unless every file bears the no-NaN mark for it: its Parquet
 * statistics leave NaN out of the maximum, though NaN is the greatest value, so a comparison must
 * not reach the Parquet reader. The product keeps -0.0, infinities and NaN as they are.
 *
 * Small files that are read by ourselves come from a function with the same columns as
 * read_parquet has, those of the engine behind them; it goes by no statistics.
 */
#include "table/read/scan_sql.h"

#include <stdlib.h>

#include "delta/features.h"
#include "delta/stats.h"
#include "delta/value.h"
#include "engine/row_filter.h"
#include "engine/sql.h"
#include "store/source.h"
#include "table/file_keys.h"
#include "table/read/held_scan.h"
#include "table/read/live_rows.h"
#include "table/read/scan_nested.h"

#define ROWS_MAX (INT64_C(1) << 50) /* statistics of others may say anything */

struct scan {
    const struct vv_scan_source *source;
    const int32_t *columns;
    size_t columns_len;
    bool *is_partition; /* by position in `columns` */
    bool *is_constant;  /* partition column with one value over all files */
    bool *may_hold_nan; /* float column that some file does not vouch for */
    struct vv_value *constant;
    size_t physical_len; /* columns read from the files */
    size_t joined_len;   /* partition columns that differ between files, and are joined */
    bool has_partitions; /* which r has, as it comes */
    const struct vv_small_scan *small;
    struct vv_small_scan held; /* where they are those that are held */
};

static const struct vv_field *field_of(const struct scan *scan, size_t position)
{
    return &scan->source->snapshot->schema.fields[scan->columns[position]];
}

varve_status vv_scan_partition_value(struct vv_op *op, const struct vv_file *file,
    const struct vv_field *field, struct vv_value *out)
{
    struct vv_str text = vv_pairs_get(&file->partition_values, field->physical_name);
    if (!vv_partition_parse(text, &field->type, out))
        return vv_fail(op, VARVE_ECORRUPT,
            "partition value \"%.*s\" of column %.*s is not a %s (file %.*s)", VV_ARG(text),
            VV_ARG(field->name), "value of its type", VV_ARG(file->path));
    return VARVE_OK;
}

static bool vouches_no_nan(const struct vv_file *file, struct vv_str physical_name,
    struct vv_op *op)
{
    struct vv_str tag = vv_pairs_get(&file->tags, VV_STR(VV_TAG_NO_NAN));
    const struct vv_json *list = NULL;
    if (tag.len == 0)
        return false;
    if (vv_json_parse(op, &op->arena, tag, &list) != VARVE_OK) {
        vv_forgive(op);
        return false;
    }
    const struct vv_json *iterator = NULL;
    const struct vv_json *item = NULL;
    struct vv_str name;
    while (vv_json_each(list, &iterator, &name, &item))
        if (vv_str_eq(vv_json_text(item), physical_name))
            return true;
    return false;
}

static varve_status inspect_column(struct vv_op *op, struct scan *scan, size_t position)
{
    const struct vv_field *field = field_of(scan, position);
    const struct vv_scan_source *source = scan->source;
    if (vv_snapshot_is_partition(source->snapshot, scan->columns[position])) {
        scan->is_partition[position] = true;
        scan->is_constant[position] = true;
        VV_TRY(vv_scan_partition_value(op, source->files[0], field, &scan->constant[position]));
        for (size_t i = 1; i < source->files_len && scan->is_constant[position]; i++) {
            struct vv_value value;
            VV_TRY(vv_scan_partition_value(op, source->files[i], field, &value));
            scan->is_constant[position] = vv_value_eq(&value, &scan->constant[position]);
        }
        if (!scan->is_constant[position])
            scan->joined_len++;
        return VARVE_OK;
    }
    if (field->type.kind != VV_TYPE_VOID)
        scan->physical_len++;
    if (vv_type_is_float(&field->type))
        for (size_t i = 0; i < source->files_len && !scan->may_hold_nan[position]; i++)
            scan->may_hold_nan[position] =
                !vouches_no_nan(source->files[i], field->physical_name, op);
    return VARVE_OK;
}

static bool is_physical(const struct scan *scan, size_t position)
{
    return !scan->is_partition[position] && field_of(scan, position)->type.kind != VV_TYPE_VOID;
}

/* Our own reader goes by no statistics, so no NaN is lost. */
static varve_status inspect_small(struct vv_op *op, struct scan *scan)
{
    scan->small = scan->source->small != NULL ? scan->source->small : &scan->held;
    if (scan->source->small == NULL && scan->source->may_hold)
        VV_TRY(vv_held_scan_open(op, scan->source, &scan->held));
    bool is_whole = scan->small->len == scan->source->files_len;
    for (size_t i = 0; is_whole && i < scan->columns_len; i++)
        scan->may_hold_nan[i] = false;
    scan->has_partitions = is_whole && scan->small->has_partitions;
    if (scan->has_partitions)
        scan->joined_len = 0;
    return VARVE_OK;
}

static varve_status check_readable(struct vv_op *op, const struct scan *scan)
{
    if (scan->source->snapshot->schema.fields_len == 0 && scan->source->files_len > 0)
        return vv_fail(op, VARVE_ECORRUPT,
            "the table's metaData has no columns: its data files cannot be read");
    return VARVE_OK;
}

static varve_status inspect(struct vv_op *op, const struct vv_scan_source *source,
    struct scan *scan)
{
    scan->source = source;
    scan->columns = source->columns;
    scan->columns_len = source->columns_len;
    if (source->columns == NULL) {
        int32_t *all = NULL;
        scan->columns_len = source->snapshot->schema.fields_len;
        VV_NEW(op, &all, int32_t, scan->columns_len + 1);
        for (size_t i = 0; i < scan->columns_len; i++)
            all[i] = (int32_t)i;
        scan->columns = all;
    }
    VV_NEW(op, &scan->is_partition, bool, scan->columns_len + 1);
    VV_NEW(op, &scan->is_constant, bool, scan->columns_len + 1);
    VV_NEW(op, &scan->may_hold_nan, bool, scan->columns_len + 1);
    VV_NEW(op, &scan->constant, struct vv_value, scan->columns_len + 1);
    VV_TRY(check_readable(op, scan));
    for (size_t i = 0; source->files_len > 0 && i < scan->columns_len; i++)
        VV_TRY(inspect_column(op, scan, i));
    return inspect_small(op, scan);
}

static void add_output_name(const struct scan *scan, size_t position, struct vv_buf *sql)
{
    vv_buf_adds(sql, " AS ");
    if (scan->source->names == VV_SCAN_INDEXED)
        vv_buf_addf(sql, "c%d", scan->columns[position]);
    else
        vv_sql_name(sql, field_of(scan, position)->name);
}

static void add_expression(const struct scan *scan, size_t position, struct vv_buf *sql)
{
    const struct vv_field *field = field_of(scan, position);
    int32_t index = scan->columns[position];
    if (scan->is_constant[position]) {
        vv_value_sql(&scan->constant[position], &field->type, sql);
    } else if (scan->is_partition[position]) {
        vv_buf_addf(sql, scan->has_partitions ? "r.c%d" : "p.c%d", index);
    } else if (field->type.kind == VV_TYPE_VOID) {
        vv_buf_adds(sql, "NULL");
    } else if (scan->may_hold_nan[position]) {
        vv_buf_addf(sql, "CAST(r.c%d * 1 AS ", index);
        vv_type_sql(&field->type, sql);
        vv_buf_addc(sql, ')');
    } else if (vv_nested_is_rebuilt(&field->type)) {
        vv_nested_shown_sql(&field->type, index, sql);
    } else {
        vv_buf_addf(sql, "r.c%d", index);
    }
    add_output_name(scan, position, sql);
}

static bool has_places(const struct vv_scan_source *source)
{
    return source->names == VV_SCAN_INDEXED && !source->is_without_places;
}

static void add_select_list(const struct scan *scan, struct vv_buf *sql)
{
    const char *separator = "";
    if (has_places(scan->source)) {
        vv_buf_adds(sql, "CAST(r.file_index AS BIGINT) AS _file, "
                         "CAST(r.file_row_number AS BIGINT) AS _pos");
        separator = ", ";
    }
    for (size_t i = 0; i < scan->columns_len; i++) {
        vv_buf_adds(sql, separator);
        add_expression(scan, i, sql);
        separator = ", ";
    }
    if (*separator == '\0')
        vv_buf_adds(sql, "1");
}

static varve_status add_schema(struct vv_op *op, const struct scan *scan, struct vv_buf *sql)
{
    const char *separator = "";
    bool by_id = scan->source->snapshot->mapping == VV_MAPPING_ID;
    vv_buf_adds(sql, ", schema=map{");
    for (size_t i = 0; i < scan->columns_len; i++) {
        const struct vv_field *field = field_of(scan, i);
        if (!is_physical(scan, i))
            continue;
        vv_buf_adds(sql, separator);
        if (by_id)
            vv_sql_int(sql, field->field_id);
        else
            vv_sql_literal(sql, field->physical_name);
        VV_CLEANUP(vv_buf_done) struct vv_buf type = VV_BUF_INIT(VV_BUF_MAX);
        vv_nested_read_type_sql(&field->type, &type);
        if (!vv_buf_ok(&type))
            return vv_fail_memory(op);
        vv_buf_addf(sql, ": {name: 'c%d', type: ", scan->columns[i]);
        vv_sql_literal(sql, vv_buf_str(&type));
        vv_buf_adds(sql, ", default_value: NULL}");
        separator = ", ";
    }
    vv_buf_addc(sql, '}');
    return VARVE_OK;
}

static bool is_engines(const struct scan *scan, size_t file)
{
    return scan->small->len == 0 || !scan->small->is_small[file];
}

/*
 * How many rows the files of the engine have, as rows are long in the longest of them. With a schema
 * given it takes a file for one row, and makes joins the wrong way round: its hash table is of the
 * million rows that are stored, for the few that are to be found among them.
 */
static varve_status add_rows_about(struct vv_op *op, const struct scan *scan,
    struct vv_buf *sql)
{
    const struct vv_file *longest = NULL;
    double bytes = 0;
    int64_t rows = -1;
    for (size_t i = 0; i < scan->source->files_len; i++) {
        const struct vv_file *file = scan->source->files[i];
        if (!is_engines(scan, i))
            continue;
        bytes += (double)file->bytes;
        if (longest == NULL || file->bytes > longest->bytes)
            longest = file;
    }
    if (longest == NULL)
        return VARVE_OK;
    VV_TRY(vv_stats_rows(op, longest, &rows));
    if (rows <= 0 || longest->bytes <= 0)
        return VARVE_OK; /* of other software, which may say nothing */
    double about = bytes / (double)longest->bytes * (double)rows;
    vv_buf_addf(sql, ", explicit_cardinality=%" PRId64,
        about < (double)ROWS_MAX ? (int64_t)about : ROWS_MAX);
    return VARVE_OK;
}

/* What is not there is told here: the engine's word for it has the statement in it. */
static varve_status find_path(struct vv_op *op, struct vv_store *store,
    const struct vv_file *file, struct vv_str *out)
{
    struct vv_object object = {0};
    varve_status status = VARVE_OK;
    *out = file->key;
    if (!file->absolute)
        status = vv_store_fetch(op, store, &op->arena, file->key, out);
    else if (vv_source_is_path(file->key))
        status = vv_source_head(op, file->key, &object);
    else
        return vv_fail(op, VARVE_EUNSUPPORTED,
            "the data file %.*s lies in another storage; Varve reads files of this machine",
            VV_ARG(file->key));
    return status == VARVE_OK ? status : vv_file_unread(op);
}

/* The call that reads the files that are the engine's. */
static varve_status add_engine_files(struct vv_op *op, const struct scan *scan,
    struct vv_buf *sql)
{
    const struct vv_scan_source *source = scan->source;
    struct vv_str *paths = NULL;
    size_t len = 0;
    VV_NEW(op, &paths, struct vv_str, source->files_len);
    for (size_t i = 0; i < source->files_len; i++) {
        if (!is_engines(scan, i))
            continue;
        VV_TRY(find_path(op, source->store, source->files[i], &paths[len++]));
    }
    vv_buf_adds(sql, "read_parquet(");
    vv_sql_file_list(sql, paths, len);
    vv_buf_adds(sql, ", hive_partitioning=false");
    if (scan->physical_len > 0)
        VV_TRY(add_schema(op, scan, sql));
    VV_TRY(add_rows_about(op, scan, sql));
    vv_buf_addc(sql, ')');
    return VARVE_OK;
}

static void add_physical(const struct scan *scan, struct vv_buf *sql)
{
    for (size_t i = 0; i < scan->columns_len; i++)
        if (is_physical(scan, i))
            vv_buf_addf(sql, ", c%d", scan->columns[i]);
}

/* Small files, and behind them the others, which the engine numbers by themselves. */
static varve_status add_both(struct vv_op *op, const struct scan *scan, struct vv_buf *sql)
{
    const char *separator = "";
    vv_buf_adds(sql, "(SELECT file_index, file_row_number");
    add_physical(scan, sql);
    vv_buf_addf(sql, " FROM %s(%" PRIu64 ") UNION ALL SELECT ([", scan->small->function,
        scan->small->id);
    for (size_t i = 0; i < scan->source->files_len; i++)
        if (is_engines(scan, i)) {
            vv_buf_addf(sql, "%s%zu", separator, i);
            separator = ", ";
        }
    vv_buf_adds(sql, "]::UBIGINT[])[CAST(file_index AS BIGINT) + 1] AS file_index, "
                     "file_row_number");
    add_physical(scan, sql);
    vv_buf_adds(sql, " FROM ");
    VV_TRY(add_engine_files(op, scan, sql));
    vv_buf_addc(sql, ')');
    return VARVE_OK;
}

static varve_status add_files(struct vv_op *op, const struct scan *scan, struct vv_buf *sql)
{
    vv_buf_adds(sql, " FROM ");
    if (scan->small->len == 0)
        VV_TRY(add_engine_files(op, scan, sql));
    else if (scan->small->len == scan->source->files_len)
        vv_buf_addf(sql, "%s(%" PRIu64 ")", scan->small->function, scan->small->id);
    else
        VV_TRY(add_both(op, scan, sql));
    vv_buf_adds(sql, " AS r");
    return VARVE_OK;
}

static varve_status add_partition_join(struct vv_op *op, const struct scan *scan,
    struct vv_buf *sql)
{
    if (scan->joined_len == 0)
        return VARVE_OK;
    vv_buf_addf(sql, " JOIN (SELECT unnest(range(%zu))::UBIGINT AS file_index",
        scan->source->files_len);
    for (size_t i = 0; i < scan->columns_len; i++) {
        if (!scan->is_partition[i] || scan->is_constant[i])
            continue;
        const struct vv_field *field = field_of(scan, i);
        vv_buf_adds(sql, ", unnest([");
        for (size_t file = 0; file < scan->source->files_len; file++) {
            struct vv_value value;
            VV_TRY(vv_scan_partition_value(op, scan->source->files[file], field, &value));
            vv_buf_adds(sql, file == 0 ? "" : ", ");
            vv_value_sql(&value, &field->type, sql);
        }
        vv_buf_addf(sql, "]) AS c%d", scan->columns[i]);
    }
    vv_buf_adds(sql, ") AS p ON p.file_index = r.file_index");
    return VARVE_OK;
}

/* Runs inside the scan of the Parquet files, as it asks for nothing but where a row lies. */
static varve_status add_live_rows(struct vv_op *op, const struct scan *scan, struct vv_buf *sql)
{
    const struct vv_scan_source *source = scan->source;
    struct vv_live_rows live;
    const struct vv_live_source of = {.store = source->store,
        .files = source->files,
        .files_len = source->files_len,
        .taken = source->taken};
    VV_TRY(vv_live_rows(op, source->engine, &of, &live));
    if (!live.all)
        vv_buf_addf(sql,
            " WHERE " VV_ROW_FILTER_FUNCTION "(%" PRIu64 ", r.file_index, r.file_row_number)",
            live.id);
    return VARVE_OK;
}

static void add_empty(const struct scan *scan, struct vv_buf *sql)
{
    const char *separator = "";
    vv_buf_adds(sql, "SELECT ");
    if (has_places(scan->source)) {
        vv_buf_adds(sql, "CAST(NULL AS BIGINT) AS _file, CAST(NULL AS BIGINT) AS _pos");
        separator = ", ";
    }
    for (size_t i = 0; i < scan->columns_len; i++) {
        vv_buf_addf(sql, "%sCAST(NULL AS ", separator);
        vv_type_sql(&field_of(scan, i)->type, sql);
        vv_buf_addc(sql, ')');
        add_output_name(scan, i, sql);
        separator = ", ";
    }
    if (*separator == '\0')
        vv_buf_adds(sql, "1");
    vv_buf_adds(sql, " WHERE false");
}

varve_status vv_scan_sql(struct vv_op *op, const struct vv_scan_source *source,
    struct vv_buf *out_sql)
{
    struct scan scan = {0};
    VV_TRY(inspect(op, source, &scan));
    if (source->files_len == 0) {
        add_empty(&scan, out_sql);
    } else {
        vv_buf_adds(out_sql, "SELECT ");
        add_select_list(&scan, out_sql);
        VV_TRY(add_files(op, &scan, out_sql));
        VV_TRY(add_partition_join(op, &scan, out_sql));
        VV_TRY(add_live_rows(op, &scan, out_sql));
    }
    return vv_buf_ok(out_sql) ? VARVE_OK : vv_fail_memory(op);
}

int64_t vv_files_bytes(const struct vv_file *const *files, size_t files_len)
{
    int64_t bytes = 0;
    for (size_t i = 0; i < files_len; i++)
        bytes += files[i]->bytes;
    return bytes;
}

/* Those of a checkpoint are of no known version, and older than those of commits behind it. */
static int compare_files(const void *a, const void *b)
{
    const struct vv_file *one = *(const struct vv_file *const *)a;
    const struct vv_file *other = *(const struct vv_file *const *)b;
    if (one->added_version != other->added_version)
        return one->added_version < other->added_version ? -1 : 1;
    if (one->modified_ms != other->modified_ms)
        return one->modified_ms < other->modified_ms ? -1 : 1;
    return vv_str_cmp(one->path, other->path);
}

void vv_files_sort(const struct vv_file **files, size_t files_len)
{
    if (files_len > 1)
        qsort(files, files_len, sizeof(const struct vv_file *), compare_files);
}
