#include "engine/sink.h"

#include "engine/sql.h"

static varve_status names_check(struct vv_op *op, const struct vv_sink *sink)
{
    for (size_t index = 0; index < sink->columns_len; index++)
        if (vv_str_eq_nocase(sink->columns[index].name, sink->target->row_column))
            return vv_fail(op, VARVE_EINVALID, "the input has a column %.*s, a name taken here",
                VV_ARG(sink->target->row_column));
    return VARVE_OK;
}

static void appender_done(duckdb_appender *appender)
{
    duckdb_appender_destroy(appender);
}

static varve_status appender_fail(struct vv_op *op, duckdb_appender appender)
{
    VV_TRY(vv_duck_take_error(op, VARVE_EFAILED, duckdb_appender_error_data(appender)));
    return vv_fail(op, VARVE_EFAILED, "the engine takes no further rows");
}

/* The first column, then the others, each between two words. */
static void add_columns(const struct vv_sink *sink, bool as_select, struct vv_buf *sql)
{
    for (size_t index = 0; index <= sink->columns_len; index++) {
        const struct vv_sink_column row = {sink->target->row_column, VV_STR("BIGINT")};
        const struct vv_sink_column *column = index == 0 ? &row : &sink->columns[index - 1];
        vv_buf_adds(sql, index > 0 ? ", " : "");
        if (as_select)
            vv_buf_addf(sql, "CAST(NULL AS %.*s) AS ", VV_ARG(column->type));
        vv_sql_name(sql, column->name);
        if (!as_select)
            vv_buf_addf(sql, " %.*s", VV_ARG(column->type));
    }
}

/* A chunk that is filled again and again, of the table's types. */
static varve_status chunk_make(struct vv_op *op, struct vv_sink *sink)
{
    idx_t len = duckdb_appender_column_count(sink->appender);
    duckdb_logical_type *types = NULL;
    VV_NEW(op, &types, duckdb_logical_type, len);
    for (idx_t index = 0; index < len; index++)
        types[index] = duckdb_appender_column_type(sink->appender, index);
    sink->chunk = duckdb_create_data_chunk(types, len);
    for (idx_t index = 0; index < len; index++)
        duckdb_destroy_logical_type(&types[index]);
    return sink->chunk ? VARVE_OK : vv_fail_memory(op);
}

static varve_status append(struct vv_op *op, struct vv_sink *sink, duckdb_data_chunk chunk)
{
    return duckdb_append_data_chunk(sink->appender, chunk) == DuckDBSuccess
               ? VARVE_OK
               : appender_fail(op, sink->appender);
}

static varve_status table_open(struct vv_op *op, struct vv_sink *sink)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_duck_text_done) char *table = NULL;
    vv_buf_adds(&sql, "CREATE TEMP TABLE ");
    vv_sql_name(&sql, sink->target->table);
    vv_buf_adds(&sql, " (");
    add_columns(sink, false, &sql);
    vv_buf_addc(&sql, ')');
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_exec(op, sink->session, vv_buf_str(&sql)));
    VV_TRY(vv_duck_text(op, "the name of a table", sink->target->table, &table));
    VV_CLEANUP(appender_done) duckdb_appender appender = NULL;
    if (duckdb_appender_create_ext(sink->session->connection, "temp", NULL, table, &appender) !=
        DuckDBSuccess)
        return appender_fail(op, appender);
    sink->appender = VV_MOVE(appender);
    return chunk_make(op, sink);
}

static bool is_plain(const struct vv_sink *sink)
{
    for (size_t index = 0; index < sink->columns_len; index++)
        if (!vv_str_eq(sink->columns[index].type, VV_STR("VARCHAR")))
            return false;
    return true;
}

/* Texts alone, as they come from a file: no statement is needed to know such types. */
static varve_status shape_plain(struct vv_op *op, struct vv_sink *sink)
{
    size_t len = sink->columns_len + 1;
    duckdb_logical_type *types = NULL;
    const char **names = NULL;
    VV_NEW(op, &types, duckdb_logical_type, len);
    VV_NEW(op, &names, const char *, len);
    VV_CLEANUP(vv_duck_type_done)
    duckdb_logical_type number = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    VV_CLEANUP(vv_duck_type_done)
    duckdb_logical_type text = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
    for (size_t index = 0; index < len; index++) {
        struct vv_str name =
            index == 0 ? sink->target->row_column : sink->columns[index - 1].name;
        types[index] = index == 0 ? number : text;
        names[index] = vv_arena_str(&op->arena, name).ptr;
        if (names[index] == NULL)
            return vv_fail_memory(op);
    }
    return vv_rowset_shape(op, sink->target->rowset, types, names, len);
}

static varve_status rowset_open(struct vv_op *op, struct vv_sink *sink)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    if (is_plain(sink))
        return shape_plain(op, sink);
    vv_buf_adds(&sql, "SELECT ");
    add_columns(sink, true, &sql);
    vv_buf_adds(&sql, " WHERE false");
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    return vv_rowset_shape_sql(op, sink->target->rowset, vv_buf_str(&sql));
}

varve_status vv_sink_open(struct vv_op *op, struct vv_sink *sink, struct vv_session *session,
    const struct vv_load_target *target, const struct vv_sink_column *columns,
    size_t columns_len)
{
    *sink = (struct vv_sink){
        .session = session, .target = target, .columns = columns, .columns_len = columns_len};
    VV_TRY(names_check(op, sink));
    return target->rowset != NULL ? rowset_open(op, sink) : table_open(op, sink);
}

/* They have become too many: all that are there go into the table, and the others after them. */
static varve_status move_to_table(struct vv_op *op, struct vv_sink *sink)
{
    struct vv_rowset *rowset = sink->target->rowset;
    sink->chunk = NULL; /* the rowset's */
    VV_TRY(table_open(op, sink));
    for (size_t index = 0; index < vv_rowset_chunks(rowset); index++)
        VV_TRY(append(op, sink, vv_rowset_chunk(rowset, index)));
    vv_rowset_clear(rowset);
    return VARVE_OK;
}

varve_status vv_sink_chunk(struct vv_op *op, struct vv_sink *sink)
{
    if (sink->appender == NULL)
        return vv_rowset_add_chunk(op, sink->target->rowset, &sink->chunk);
    duckdb_data_chunk_reset(sink->chunk);
    return VARVE_OK;
}

varve_status vv_sink_take(struct vv_op *op, struct vv_sink *sink, idx_t rows)
{
    sink->rows += (int64_t)rows;
    if (sink->appender == NULL) {
        vv_rowset_count_chunk(sink->target->rowset, rows);
        return sink->rows <= sink->target->rows_max ? VARVE_OK : move_to_table(op, sink);
    }
    duckdb_data_chunk_set_size(sink->chunk, rows);
    return append(op, sink, sink->chunk);
}

varve_status vv_sink_finish(struct vv_op *op, struct vv_sink *sink)
{
    if (sink->appender != NULL && duckdb_appender_close(sink->appender) != DuckDBSuccess)
        return appender_fail(op, sink->appender);
    return VARVE_OK;
}

void vv_sink_done(struct vv_sink *sink)
{
    if (sink->appender != NULL)
        duckdb_destroy_data_chunk(&sink->chunk);
    duckdb_appender_destroy(&sink->appender);
}
