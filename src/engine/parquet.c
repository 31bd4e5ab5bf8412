#include "engine/parquet.h"

#include "base/map.h"
#include "engine/duck.h"
#include "engine/parquet_stats.h"
#include "engine/sql.h"

static const int64_t row_group_rows_default = 122880; /* DuckDB's, a multiple of its vectors */

/* Where a walk over the paths of nested fields is. */
struct id_level {
    const struct vv_parquet_nested *nested;
    size_t nested_len;
    const struct vv_str *path;
    size_t depth; /* names of `path` that lead here */
};

static bool is_below(const struct vv_parquet_nested *field, const struct id_level *level)
{
    if (field->path_len <= level->depth)
        return false;
    for (size_t index = 0; index < level->depth; index++)
        if (!vv_str_eq(field->path[index], level->path[index]))
            return false;
    return true;
}

/* The id of `name` on this level, 0 where it has none; and whether it comes before `index`. */
static int32_t level_id(const struct id_level *level, struct vv_str name, size_t index,
    bool *out_is_repeated)
{
    int32_t id = 0;
    *out_is_repeated = false;
    for (size_t other = 0; other < level->nested_len; other++) {
        const struct vv_parquet_nested *field = &level->nested[other];
        if (!is_below(field, level) || !vv_str_eq(field->path[level->depth], name))
            continue;
        *out_is_repeated = *out_is_repeated || other < index;
        if (field->path_len == level->depth + 1)
            id = field->field_id;
    }
    return id;
}

/*
 * `name: 1`, or `name: {__duckdb_field_id: 1, field: 2}` where it has parts with ids. As deep as
 * the paths are, so as deep as the schema.
 */
static void add_id(struct vv_buf *sql, struct vv_str name, int32_t id,
    const struct id_level *below)
{
    if (sql->len > 0 && vv_buf_ok(sql) && !vv_str_ends(vv_buf_str(sql), VV_STR("{")))
        vv_buf_adds(sql, ", ");
    vv_sql_name(sql, name);
    vv_buf_adds(sql, ": {");
    if (id != 0)
        vv_buf_addf(sql, "__duckdb_field_id: %" PRId32, id);
    for (size_t index = 0; index < below->nested_len; index++) {
        const struct vv_parquet_nested *field = &below->nested[index];
        if (!is_below(field, below))
            continue;
        bool is_repeated;
        int32_t part_id = level_id(below, field->path[below->depth], index, &is_repeated);
        struct id_level parts = *below;
        parts.path = field->path;
        parts.depth++;
        if (!is_repeated)
            add_id(sql, field->path[below->depth], part_id, &parts);
    }
    vv_buf_addc(sql, '}');
}

static void add_field_ids(struct vv_buf *sql, const struct vv_parquet_write *write)
{
    vv_buf_adds(sql, ", FIELD_IDS {");
    for (size_t index = 0; index < write->columns_len; index++) {
        const struct vv_parquet_column *column = &write->columns[index];
        struct id_level below = {write->nested, write->nested_len, &column->name, 1};
        if (column->field_id != 0)
            add_id(sql, column->name, column->field_id, &below);
    }
    vv_buf_addc(sql, '}');
}

/*
 * Without Bloom filters: the engine asks them for the bits of a float, and leaves out the rows with a zero
 * of the other sign.
 */
static varve_status copy_sql(struct vv_op *op, const struct vv_parquet_write *write,
    int64_t row_group_rows, struct vv_buf *sql)
{
    vv_buf_adds(sql, "COPY (");
    vv_buf_add(sql, write->select_sql);
    vv_buf_adds(sql, "\n) TO ");
    vv_sql_literal(sql, write->path);
    vv_buf_addf(sql,
        " (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL %d, PARQUET_VERSION V1, "
        "RETURN_STATS, WRITE_BLOOM_FILTER false, ROW_GROUP_SIZE ",
        write->is_dense ? 2 : 1);
    vv_sql_int(sql, row_group_rows);
    bool has_ids = false;
    for (size_t index = 0; index < write->columns_len && !has_ids; index++)
        has_ids = write->columns[index].field_id != 0;
    if (has_ids)
        add_field_ids(sql, write);
    for (size_t index = 0; index < write->notes_len; index++) {
        vv_buf_adds(sql, index == 0 ? ", KV_METADATA {" : ", ");
        vv_sql_literal(sql, write->notes[index].name);
        vv_buf_adds(sql, ": ");
        vv_sql_literal(sql, write->notes[index].text);
    }
    if (write->notes_len > 0)
        vv_buf_addc(sql, '}');
    vv_buf_addc(sql, ')');
    return vv_buf_ok(sql) ? VARVE_OK : vv_fail_memory(op);
}

/* The text by which DuckDB's parquet_metadata names a leaf column. */
static struct vv_str metadata_path(struct vv_arena *arena, const struct vv_column_stats *column)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    for (size_t index = 0; index < column->path_len; index++) {
        if (index > 0)
            vv_buf_adds(&text, ", ");
        vv_buf_add(&text, column->path[index]);
    }
    return vv_buf_ok(&text) ? vv_arena_str(arena, vv_buf_str(&text)) : VV_STR_NONE;
}

static varve_status metadata_query(struct vv_op *op, struct vv_session *session,
    struct vv_str path, struct vv_rows **out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    vv_buf_adds(&sql, "SELECT path_in_schema, bool_or(stats_min_value IS NULL AND "
                      "stats_null_count IS DISTINCT FROM num_values) FROM parquet_metadata(");
    vv_sql_file(&sql, path);
    vv_buf_adds(&sql, ") WHERE type IN ('FLOAT', 'DOUBLE') GROUP BY path_in_schema");
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    return vv_session_query(op, session, vv_buf_str(&sql), out);
}

/* Of a file with one row group RETURN_STATS tells all; that there is one is soon asked. */
static varve_status has_groups(struct vv_op *op, struct vv_session *session, struct vv_str path,
    bool *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    int64_t groups = 0;
    vv_buf_adds(&sql, "SELECT num_row_groups FROM parquet_file_metadata(");
    vv_sql_file(&sql, path);
    vv_buf_addc(&sql, ')');
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_int64(op, session, vv_buf_str(&sql), &groups));
    *out = groups > 1;
    return VARVE_OK;
}

/*
 * RETURN_STATS tells of NaN in the last row group only. The footer tells of each: a row group has
 * no bounds of a float column that holds a NaN.
 */
static varve_status nan_from_footer(struct vv_op *op, struct vv_session *session,
    struct vv_str path, struct vv_parquet_written *written)
{
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    bool is_parted = true;
    VV_TRY(has_groups(op, session, path, &is_parted));
    if (!is_parted)
        return VARVE_OK;
    VV_TRY(metadata_query(op, session, path, &rows));
    struct vv_map columns = VV_MAP_INIT(&op->arena);
    for (size_t index = 0; index < written->columns_len; index++) {
        struct vv_column_stats *column = &written->columns[index];
        if (!column->nan_known)
            continue;
        column->nan_known = false; /* until the footer says so */
        struct vv_str key = metadata_path(&op->arena, column);
        if (key.ptr == NULL || !vv_map_put(&columns, key, column, NULL))
            return vv_fail_memory(op);
    }
    for (;;) {
        bool has_row = false;
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row)
            return VARVE_OK;
        struct vv_column_stats *column = vv_map_get(&columns, vv_rows_text(rows, 0));
        if (column == NULL || vv_rows_is_null(rows, 1))
            continue;
        column->nan_known = true;
        column->has_nan = column->has_nan || vv_rows_bool(rows, 1);
    }
}

static bool has_float(const struct vv_parquet_written *written)
{
    for (size_t index = 0; index < written->columns_len; index++)
        if (written->columns[index].nan_known)
            return true;
    return false;
}

varve_status vv_parquet_write(struct vv_op *op, struct vv_session *session,
    const struct vv_parquet_write *write, struct vv_arena *arena,
    struct vv_parquet_written *out)
{
    int64_t row_group_rows =
        write->row_group_rows > 0 ? write->row_group_rows : row_group_rows_default;
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_TRY(copy_sql(op, write, row_group_rows, &sql));
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    duckdb_result result;
    const struct vv_query kept = {.sql = vv_buf_str(&sql), .is_kept = true};
    varve_status status =
        write->is_kept ? vv_duck_execute(op, session, &kept, false, &result)
                       : vv_duck_query(op, session, vv_buf_str(&sql), VARVE_EFAILED, &result);
    if (status != VARVE_OK)
        return vv_note_path(op, "write", write->path);
    struct vv_parquet_written written = {.rows = 0};
    status = vv_parquet_stats_read(op, &result, arena, &written);
    duckdb_destroy_result(&result);
    /*
     * Threads that have less than half a row group share one, so a smaller file has one row group.
     */
    if (status == VARVE_OK && written.rows >= row_group_rows / 2 && has_float(&written))
        status = nan_from_footer(op, session, write->path, &written);
    if (status != VARVE_OK)
        return vv_note(op, "statistics of %.*s", VV_ARG(write->path));
    *out = written;
    return VARVE_OK;
}
