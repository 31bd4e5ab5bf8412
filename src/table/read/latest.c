#include "base/map.h"
#include "base/time.h"
#include "engine/sql.h"
#include "table/read/read_run.h"
#include "table/read/small_scan.h"

#define NEWEST_TIMES_MAX 1000

/* The key without the time column, in the key's order. */
static varve_status default_by(struct vv_op *op, const struct vv_read *read, int32_t **out,
    size_t *out_len)
{
    VV_NEW(op, out, int32_t, read->rules.key_len + 1);
    *out_len = 0;
    for (size_t i = 0; i < read->rules.key_len; i++)
        if (read->rules.key[i] != read->time)
            (*out)[(*out_len)++] = read->rules.key[i];
    if (*out_len == 0)
        return vv_fail(op, VARVE_EUSAGE, "table %.*s: say which column to group by: --by COL",
            VV_ARG(read->table->name));
    return VARVE_OK;
}

/* The times at which the newest rows lie: one for each group, or fewer. */
struct newest_times {
    struct vv_range *items; /* low = high = the time */
    size_t len;
    bool unknown; /* too many, or a group has no time at all */
};

static void add_until(const struct vv_read *read, const struct vv_range *until,
    struct vv_buf *sql)
{
    if (until->high.kind == VV_VALUE_NONE)
        return;
    vv_buf_adds(sql, " WHERE ");
    vv_read_add_column(read, read->time, sql);
    vv_buf_adds(sql, " <= ");
    vv_value_sql(&until->high, &read->snapshot->schema.fields[read->time].type, sql);
}

/* Reads the columns of the groups and the time column alone. */
static varve_status find_times(struct vv_op *op, struct vv_read *read, const int32_t *by,
    size_t by_len, const struct vv_range *until, struct newest_times *out)
{
    VV_CLEANUP(vv_small_scan_done) struct vv_small_scan small = {.files = NULL};
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    int32_t *columns = NULL;
    for (size_t i = 0; i < by_len; i++)
        out->unknown = out->unknown || by[i] == read->time;
    if (out->unknown)
        return VARVE_OK;
    VV_NEW(op, &columns, int32_t, by_len + 1);
    VV_NEW(op, &out->items, struct vv_range, NEWEST_TIMES_MAX);
    memcpy(columns, by, by_len * sizeof(*by));
    columns[by_len] = read->time;
    vv_buf_adds(&read->sql, "SELECT DISTINCT newest FROM (SELECT max(");
    vv_read_add_column(read, read->time, &read->sql);
    vv_buf_adds(&read->sql, ") AS newest FROM ");
    VV_TRY(vv_read_add_few_columns(op, read, columns, by_len + 1, &small));
    add_until(read, until, &read->sql);
    for (size_t i = 0; i < by_len; i++) {
        vv_buf_adds(&read->sql, i == 0 ? " GROUP BY " : ", ");
        vv_read_add_column(read, by[i], &read->sql);
    }
    vv_buf_addf(&read->sql, ") LIMIT %d", NEWEST_TIMES_MAX + 1);
    if (!vv_buf_ok(&read->sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_open(op, read->table->engine, &session));
    VV_TRY(vv_session_query(op, session, vv_buf_str(&read->sql), &rows));
    vv_buf_clear(&read->sql);
    for (bool has_row = true; has_row && !out->unknown;) {
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row)
            break;
        out->unknown = out->len == NEWEST_TIMES_MAX || vv_rows_is_null(rows, 0);
        if (out->unknown)
            break;
        struct vv_value time = {.kind = VV_VALUE_INT, .integer = vv_rows_int64(rows, 0)};
        out->items[out->len++] =
            (struct vv_range){.column = read->time, .low = time, .high = time};
    }
    return VARVE_OK;
}

/* Keeps the files that can hold a row of one of the times. */
static varve_status prune_by_times(struct vv_op *op, struct vv_read *read,
    const struct newest_times *times)
{
    const struct vv_file **kept = NULL;
    size_t kept_len = 0;
    VV_NEW(op, &kept, const struct vv_file *, read->files_len + 1);
    struct vv_map by_key = VV_MAP_INIT(&op->arena);
    const struct vv_file **files = read->files;
    size_t files_len = read->files_len;
    for (size_t i = 0; i < times->len; i++) {
        VV_TRY(vv_read_prune(op, read, &times->items[i], 1));
        for (size_t f = 0; f < read->files_len; f++)
            if (!vv_map_put(&by_key, read->files[f]->path, read, NULL))
                return vv_fail_memory(op);
    }
    for (size_t f = 0; f < files_len; f++)
        if (vv_map_get(&by_key, files[f]->path) != NULL)
            kept[kept_len++] = files[f];
    read->files = kept;
    read->files_len = kept_len;
    return VARVE_OK;
}

static void add_times(const struct vv_read *read, const struct newest_times *times,
    struct vv_buf *sql)
{
    vv_buf_adds(sql, " WHERE ");
    vv_read_add_column(read, read->time, sql);
    vv_buf_adds(sql, " IN (");
    for (size_t i = 0; i < times->len; i++) {
        vv_buf_adds(sql, i == 0 ? "" : ", ");
        vv_value_sql(&times->items[i].low, &read->snapshot->schema.fields[read->time].type,
            sql);
    }
    vv_buf_addc(sql, ')');
}

static void add_latest_rows(struct vv_read *read, const int32_t *by, size_t by_len)
{
    struct vv_buf *sql = &read->sql;
    vv_buf_adds(sql, " QUALIFY row_number() OVER (PARTITION BY ");
    for (size_t i = 0; i < by_len; i++) {
        vv_buf_adds(sql, i == 0 ? "" : ", ");
        vv_read_add_column(read, by[i], sql);
    }
    vv_buf_adds(sql, " ORDER BY ");
    vv_read_add_column(read, read->time, sql);
    vv_buf_adds(sql, " DESC NULLS LAST");
    if (read->rules.order >= 0) {
        vv_buf_adds(sql, ", ");
        vv_read_add_column(read, read->rules.order, sql);
        vv_buf_adds(sql, " DESC NULLS LAST");
    }
    for (size_t i = 0; i < read->rules.key_len; i++) {
        vv_buf_adds(sql, ", ");
        vv_read_add_column(read, read->rules.key[i], sql);
    }
    vv_buf_adds(sql, ") = 1 ORDER BY ");
    for (size_t i = 0; i < by_len; i++) {
        vv_buf_adds(sql, i == 0 ? "" : ", ");
        vv_read_add_column(read, by[i], sql);
    }
}

varve_status vv_table_latest(struct vv_op *op, struct vv_table *table,
    const struct vv_latest_request *request, struct ArrowArrayStream *out)
{
    VV_CLEANUP(vv_read_done) struct vv_read read = {0};
    struct vv_range until = {0};
    struct newest_times times = {0};
    int32_t *by = NULL;
    size_t by_len = 0;
    VV_TRY(vv_read_start(op, table, request->at, &read));
    VV_TRY(vv_read_need_time(op, &read));
    if (request->by.ptr != NULL)
        VV_TRY(vv_read_find_columns(op, &read, request->by, &by, &by_len));
    else
        VV_TRY(default_by(op, &read, &by, &by_len));
    if (request->until.ptr != NULL) {
        until = (struct vv_range){.column = read.time, .high = {.kind = VV_VALUE_INT}};
        if (!vv_time_parse_human(request->until, vv_now_us(op), &until.high.integer))
            return vv_fail(op, VARVE_EUSAGE, "\"%.*s\" is not a time", VV_ARG(request->until));
    }
    VV_TRY(vv_read_prune(op, &read, &until, request->until.ptr != NULL ? 1 : 0));
    /* Two columns say where the newest rows are; few files have them. */
    VV_TRY(find_times(op, &read, by, by_len, &until, &times));
    if (!times.unknown)
        VV_TRY(prune_by_times(op, &read, &times));
    vv_buf_adds(&read.sql, "SELECT * FROM ");
    VV_TRY(vv_read_add_source(op, &read, NULL, 0));
    if (times.unknown || times.len == 0)
        add_until(&read, &until, &read.sql);
    else
        add_times(&read, &times, &read.sql);
    add_latest_rows(&read, by, by_len);
    return vv_read_stream(op, &read, false, out);
}
