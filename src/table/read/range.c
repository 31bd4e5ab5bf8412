#include "engine/sql.h"
#include "table/read/event_time.h"
#include "table/read/read_run.h"
#include "table/read/small_scan.h"

static void add_condition(const struct vv_read *read, int32_t column, const char *operator,
    const struct vv_value * value, struct vv_buf *sql)
{
    vv_read_add_column(read, column, sql);
    vv_buf_adds(sql, operator);
    vv_value_sql(value, &read->snapshot->schema.fields[column].type, sql);
}

static const struct vv_type *time_type(const struct vv_read *read)
{
    return &read->snapshot->schema.fields[read->time].type;
}

/* The newest event time of the rows with that value; reads two columns only. */
static varve_status newest(struct vv_op *op, struct vv_read *read, int32_t column,
    const struct vv_value *value, int64_t *out)
{
    VV_CLEANUP(vv_small_scan_done) struct vv_small_scan small = {.files = NULL};
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    struct vv_range range = {.column = column, .low = *value, .high = *value};
    int32_t columns[2] = {read->time, column};
    bool has_row = false;
    VV_TRY(vv_read_prune(op, read, &range, column >= 0 ? 1 : 0));
    vv_buf_clear(&read->sql);
    vv_buf_adds(&read->sql, "SELECT max(");
    vv_read_add_column(read, read->time, &read->sql);
    vv_buf_adds(&read->sql, ") FROM ");
    VV_TRY(vv_read_add_few_columns(op, read, columns,
        column >= 0 && column != read->time ? 2 : 1, &small));
    if (column >= 0) {
        vv_buf_adds(&read->sql, " WHERE ");
        add_condition(read, column, " = ", value, &read->sql);
    }
    if (!vv_buf_ok(&read->sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_open(op, read->table->engine, &session));
    VV_TRY(vv_session_query(op, session, vv_buf_str(&read->sql), &rows));
    VV_TRY(vv_rows_next(op, rows, &has_row));
    *out = has_row && !vv_rows_is_null(rows, 0)
               ? vv_event_us(time_type(read), vv_rows_int64(rows, 0))
               : INT64_MIN;
    vv_buf_clear(&read->sql);
    return VARVE_OK;
}

static varve_status add_range(struct vv_op *op, struct vv_read *read,
    const struct vv_range_request *request, const struct vv_range *ranges, size_t ranges_len)
{
    struct vv_buf *sql = &read->sql;
    VV_TRY(vv_read_prune(op, read, ranges, ranges_len));
    vv_buf_adds(sql, "SELECT * FROM ");
    VV_TRY(vv_read_add_source(op, read, NULL, 0));
    vv_buf_adds(sql, " WHERE true");
    if (request->from_us != INT64_MIN) {
        vv_buf_adds(sql, " AND ");
        add_condition(read, read->time, " >= ", &ranges[0].low, sql);
    }
    if (request->to_us != INT64_MAX) {
        vv_buf_adds(sql, " AND ");
        add_condition(read, read->time, " < ", &ranges[0].high, sql);
    }
    if (ranges_len > 1) {
        vv_buf_adds(sql, " AND ");
        add_condition(read, ranges[1].column, " = ", &ranges[1].low, sql);
    }
    vv_buf_adds(sql, " ORDER BY ");
    vv_read_add_column(read, read->time, sql);
    for (size_t i = 0; i < read->rules.key_len; i++) {
        vv_buf_adds(sql, ", ");
        vv_read_add_column(read, read->rules.key[i], sql);
    }
    return VARVE_OK;
}

varve_status vv_table_range(struct vv_op *op, struct vv_table *table,
    const struct vv_range_request *request, struct ArrowArrayStream *out,
    int64_t *out_newest_us)
{
    VV_CLEANUP(vv_read_done) struct vv_read read = {0};
    struct vv_range ranges[2] = {{0}, {.column = -1}};
    VV_TRY(vv_read_start(op, table, request->at, &read));
    VV_TRY(vv_read_need_time(op, &read));
    ranges[0].column = read.time;
    if (request->from_us != INT64_MIN)
        ranges[0].low = vv_event_at_or_after(time_type(&read), request->from_us);
    if (request->to_us != INT64_MAX) {
        ranges[0].high = vv_event_at_or_after(time_type(&read), request->to_us);
        ranges[0].high_excluded = true;
    }
    if (request->column.ptr != NULL) {
        ranges[1].column = vv_schema_find(&read.snapshot->schema, request->column);
        if (ranges[1].column < 0 ||
            read.snapshot->schema.fields[ranges[1].column].type.kind != VV_TYPE_STRING)
            return vv_fail(op, VARVE_EUSAGE, "table %.*s has no string column %.*s",
                VV_ARG(table->name), VV_ARG(request->column));
        ranges[1].low = (struct vv_value){.kind = VV_VALUE_TEXT, .text = request->value};
        ranges[1].high = ranges[1].low;
    }
    if (out_newest_us != NULL)
        VV_TRY(newest(op, &read, ranges[1].column, &ranges[1].low, out_newest_us));
    VV_TRY(add_range(op, &read, request, ranges, ranges[1].column >= 0 ? 2 : 1));
    return vv_read_stream(op, &read, false, out);
}
