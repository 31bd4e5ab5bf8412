#include "table/read/read.h"

#include "base/map.h"
#include "base/time.h"
#include "engine/sql.h"
#include "engine/sql_tree.h"
#include "table/read/lost.h"
#include "table/read/prune.h"
#include "table/read/small_scan.h"

#define NEWEST_TIMES_MAX 1000

static bool is_time(const struct vv_snapshot *snapshot, int32_t column)
{
    enum vv_type_kind kind = snapshot->schema.fields[column].type.kind;
    return kind == VV_TYPE_TIMESTAMP || kind == VV_TYPE_TIMESTAMP_NTZ;
}

int32_t vv_time_column(const struct vv_snapshot *snapshot, const struct vv_rules *rules)
{
    if (rules->partition_from_len > 0)
        return rules->partition_from[0].source;
    for (size_t i = 0; i < rules->key_len; i++)
        if (is_time(snapshot, rules->key[i]))
            return rules->key[i];
    if (rules->order >= 0 && is_time(snapshot, rules->order))
        return rules->order;
    return -1;
}

/* One read under way. */
struct read {
    struct vv_table *table;
    struct vv_snapshot *snapshot; /* owned until the stream has it */
    struct vv_rules rules;
    int32_t time;
    const struct vv_file **files;
    size_t files_len;
    const struct vv_small_scan *small; /* NULL: the engine reads all files */
    struct vv_session *session;        /* NULL until it is needed */
    struct vv_buf sql;
};

static void read_done(struct read *read)
{
    vv_session_close(&read->session);
    vv_snapshot_release(&read->snapshot);
    vv_buf_done(&read->sql);
}

static varve_status start(struct vv_op *op, struct vv_table *table, struct vv_str at,
    struct read *out)
{
    *out = (struct read){.table = table, .sql = VV_BUF_INIT(VV_BUF_MAX)};
    VV_TRY(vv_table_seek(op, table, at, &out->snapshot));
    VV_TRY(vv_rules_read(op, &op->arena, out->snapshot, false, &out->rules));
    out->time = vv_time_column(out->snapshot, &out->rules);
    return VARVE_OK;
}

static varve_status need_time(struct vv_op *op, const struct read *read)
{
    if (read->time >= 0)
        return VARVE_OK;
    return vv_fail(op, VARVE_EUSAGE,
        "table %.*s has no time column: none is in its key (see varve describe)",
        VV_ARG(read->table->name));
}

static varve_status prune(struct vv_op *op, struct read *read, const struct vv_range *ranges,
    size_t ranges_len)
{
    return vv_prune(op, &op->arena, read->snapshot, &read->rules,
        &(struct vv_ranges){ranges, ranges_len}, &read->files, &read->files_len);
}

static struct vv_scan_source source_of(const struct read *read, const int32_t *columns,
    size_t columns_len)
{
    return (struct vv_scan_source){.store = read->table->store,
        .engine = read->table->engine,
        .snapshot = read->snapshot,
        .files = read->files,
        .files_len = read->files_len,
        .columns = columns,
        .columns_len = columns_len,
        .names = VV_SCAN_LOGICAL,
        .small = read->small};
}

static varve_status add_source(struct vv_op *op, struct read *read, const int32_t *columns,
    size_t columns_len)
{
    const struct vv_scan_source source = source_of(read, columns, columns_len);
    vv_engine_expect(read->table->engine, vv_files_bytes(read->files, read->files_len));
    vv_buf_addc(&read->sql, '(');
    if (vv_scan_sql(op, &source, &read->sql) != VARVE_OK)
        return vv_lost_version(op, read->table, read->snapshot, read->files, read->files_len);
    vv_buf_adds(&read->sql, ") AS t");
    return VARVE_OK;
}

/* Of many files a little, by a statement that ends before the operation does. */
static varve_status add_few_columns(struct vv_op *op, struct read *read, const int32_t *columns,
    size_t columns_len, struct vv_small_scan *small)
{
    const struct vv_scan_source source = source_of(read, columns, columns_len);
    VV_TRY(vv_small_scan_open(op, &source, small));
    read->small = small;
    varve_status status = add_source(op, read, columns, columns_len);
    read->small = NULL;
    return status;
}

static varve_status stream(struct vv_op *op, struct read *read, bool sql_is_users,
    struct ArrowArrayStream *out)
{
    struct vv_keep keep = {read->snapshot, vv_snapshot_release_kept};
    if (!vv_buf_ok(&read->sql))
        return vv_fail_memory(op);
    if (read->session == NULL)
        VV_TRY(vv_session_open(op, read->table->engine, &read->session));
    vv_snapshot_retain(read->snapshot);
    varve_status status = vv_session_stream(op, &read->session, vv_buf_str(&read->sql),
        sql_is_users, &keep, 1, out);
    if (status != VARVE_OK)
        vv_snapshot_release_kept(read->snapshot);
    return status;
}

static varve_status find_columns(struct vv_op *op, const struct read *read, struct vv_str names,
    int32_t **out, size_t *out_len)
{
    struct vv_str *split = NULL;
    VV_TRY(vv_rules_split_names(op, &op->arena, names, &split, out_len));
    VV_NEW(op, out, int32_t, *out_len + 1);
    for (size_t i = 0; i < *out_len; i++) {
        (*out)[i] = vv_schema_find(&read->snapshot->schema, split[i]);
        if ((*out)[i] < 0)
            return vv_rules_fail_column(op, read->table->name, &read->snapshot->schema,
                split[i]);
    }
    return VARVE_OK;
}

static void add_column(const struct read *read, int32_t column, struct vv_buf *sql)
{
    vv_sql_name(sql, read->snapshot->schema.fields[column].name);
}

/*
 * Keeps the files that the condition leaves. It is looked at in the session, and transaction, that
 * reads the rows afterwards, so that now() is one time in both.
 */
static varve_status prune_where(struct vv_op *op, struct read *read, struct vv_str where,
    struct vv_pruned *out)
{
    struct vv_predicate *predicate = NULL;
    if (where.len > 0) {
        VV_TRY(vv_session_exec(op, read->session, VV_STR("BEGIN TRANSACTION")));
        VV_TRY(vv_predicate_read(op, read->session, read->snapshot, &read->rules,
            "the condition", where, &predicate));
    }
    VV_TRY(vv_prune_where(op, read->snapshot, predicate, out));
    read->files = out->files;
    read->files_len = out->files_len;
    return VARVE_OK;
}

/* The statement of a scan, up to its rows, in read->sql. */
static varve_status begin_scan(struct vv_op *op, struct vv_table *table,
    const struct vv_scan_request *request, struct read *read, struct vv_pruned *out_pruned)
{
    int32_t *columns = NULL;
    size_t len = 0;
    VV_TRY(start(op, table, request->at, read));
    if (request->columns.ptr != NULL)
        VV_TRY(find_columns(op, read, request->columns, &columns, &len));
    VV_TRY(vv_session_open(op, table->engine, &read->session));
    VV_TRY(prune_where(op, read, request->where, out_pruned));
    vv_buf_adds(&read->sql, "SELECT ");
    for (size_t i = 0; i < len; i++) {
        vv_buf_adds(&read->sql, i == 0 ? "" : ", ");
        add_column(read, columns[i], &read->sql);
    }
    vv_buf_adds(&read->sql, len == 0 ? "* FROM " : " FROM ");
    VV_TRY(add_source(op, read, NULL, 0));
    if (request->where.len > 0) {
        vv_buf_adds(&read->sql, " WHERE (");
        vv_buf_add(&read->sql, request->where);
        vv_buf_adds(&read->sql, "\n)");
    }
    if (request->limit > 0)
        vv_buf_addf(&read->sql, " LIMIT %" PRId64, request->limit);
    return VARVE_OK;
}

varve_status vv_table_scan(struct vv_op *op, struct vv_table *table,
    const struct vv_scan_request *request, struct ArrowArrayStream *out)
{
    VV_CLEANUP(read_done) struct read read = {0};
    struct vv_pruned pruned;
    VV_TRY(begin_scan(op, table, request, &read, &pruned));
    if (stream(op, &read, true, out) != VARVE_OK)
        return request->where.len > 0 ? vv_sql_blame(op, "the condition", request->where)
                                      : op->error.code;
    return VARVE_OK;
}

varve_status vv_table_scan_plan(struct vv_op *op, struct vv_table *table,
    const struct vv_scan_request *request, struct vv_table_plan *out, struct vv_str *out_text)
{
    VV_CLEANUP(read_done) struct read read = {0};
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_table_plan plan = {.table = table->name};
    struct vv_pruned pruned;
    VV_TRY(begin_scan(op, table, request, &read, &pruned));
    vv_table_plan_fill(&plan, read.snapshot, &pruned);
    vv_buf_adds(&sql, "EXPLAIN ");
    vv_buf_add(&sql, vv_buf_str(&read.sql));
    if (!vv_buf_ok(&read.sql) || !vv_buf_ok(&sql))
        return vv_fail_memory(op);
    const struct vv_query query = {.sql = vv_buf_str(&sql), .is_users = true};
    VV_TRY(vv_engine_plan(op, read.session, &query, NULL, out_text));
    *out = plan;
    return VARVE_OK;
}

/* The key without the time column, in the key's order. */
static varve_status default_by(struct vv_op *op, const struct read *read, int32_t **out,
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

static void add_until(const struct read *read, const struct vv_range *until, struct vv_buf *sql)
{
    if (until->high.kind == VV_VALUE_NONE)
        return;
    vv_buf_adds(sql, " WHERE ");
    add_column(read, read->time, sql);
    vv_buf_adds(sql, " <= ");
    vv_value_sql(&until->high, &read->snapshot->schema.fields[read->time].type, sql);
}

/* Reads the columns of the groups and the time column alone. */
static varve_status find_times(struct vv_op *op, struct read *read, const int32_t *by,
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
    add_column(read, read->time, &read->sql);
    vv_buf_adds(&read->sql, ") AS newest FROM ");
    VV_TRY(add_few_columns(op, read, columns, by_len + 1, &small));
    add_until(read, until, &read->sql);
    for (size_t i = 0; i < by_len; i++) {
        vv_buf_adds(&read->sql, i == 0 ? " GROUP BY " : ", ");
        add_column(read, by[i], &read->sql);
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
static varve_status prune_by_times(struct vv_op *op, struct read *read,
    const struct newest_times *times)
{
    const struct vv_file **kept = NULL;
    size_t kept_len = 0;
    VV_NEW(op, &kept, const struct vv_file *, read->files_len + 1);
    struct vv_map by_key = VV_MAP_INIT(&op->arena);
    const struct vv_file **files = read->files;
    size_t files_len = read->files_len;
    for (size_t i = 0; i < times->len; i++) {
        VV_TRY(prune(op, read, &times->items[i], 1));
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

static void add_times(const struct read *read, const struct newest_times *times,
    struct vv_buf *sql)
{
    vv_buf_adds(sql, " WHERE ");
    add_column(read, read->time, sql);
    vv_buf_adds(sql, " IN (");
    for (size_t i = 0; i < times->len; i++) {
        vv_buf_adds(sql, i == 0 ? "" : ", ");
        vv_value_sql(&times->items[i].low, &read->snapshot->schema.fields[read->time].type,
            sql);
    }
    vv_buf_addc(sql, ')');
}

static void add_latest_rows(struct read *read, const int32_t *by, size_t by_len)
{
    struct vv_buf *sql = &read->sql;
    vv_buf_adds(sql, " QUALIFY row_number() OVER (PARTITION BY ");
    for (size_t i = 0; i < by_len; i++) {
        vv_buf_adds(sql, i == 0 ? "" : ", ");
        add_column(read, by[i], sql);
    }
    vv_buf_adds(sql, " ORDER BY ");
    add_column(read, read->time, sql);
    vv_buf_adds(sql, " DESC NULLS LAST");
    if (read->rules.order >= 0) {
        vv_buf_adds(sql, ", ");
        add_column(read, read->rules.order, sql);
        vv_buf_adds(sql, " DESC NULLS LAST");
    }
    for (size_t i = 0; i < read->rules.key_len; i++) {
        vv_buf_adds(sql, ", ");
        add_column(read, read->rules.key[i], sql);
    }
    vv_buf_adds(sql, ") = 1 ORDER BY ");
    for (size_t i = 0; i < by_len; i++) {
        vv_buf_adds(sql, i == 0 ? "" : ", ");
        add_column(read, by[i], sql);
    }
}

varve_status vv_table_latest(struct vv_op *op, struct vv_table *table,
    const struct vv_latest_request *request, struct ArrowArrayStream *out)
{
    VV_CLEANUP(read_done) struct read read = {0};
    struct vv_range until = {0};
    struct newest_times times = {0};
    int32_t *by = NULL;
    size_t by_len = 0;
    VV_TRY(start(op, table, request->at, &read));
    VV_TRY(need_time(op, &read));
    if (request->by.ptr != NULL)
        VV_TRY(find_columns(op, &read, request->by, &by, &by_len));
    else
        VV_TRY(default_by(op, &read, &by, &by_len));
    if (request->until.ptr != NULL) {
        until = (struct vv_range){.column = read.time, .high = {.kind = VV_VALUE_INT}};
        if (!vv_time_parse_human(request->until, vv_now_us(op), &until.high.integer))
            return vv_fail(op, VARVE_EUSAGE, "\"%.*s\" is not a time", VV_ARG(request->until));
    }
    VV_TRY(prune(op, &read, &until, request->until.ptr != NULL ? 1 : 0));
    /* Two columns say where the newest rows are; few files have them. */
    VV_TRY(find_times(op, &read, by, by_len, &until, &times));
    if (!times.unknown)
        VV_TRY(prune_by_times(op, &read, &times));
    vv_buf_adds(&read.sql, "SELECT * FROM ");
    VV_TRY(add_source(op, &read, NULL, 0));
    if (times.unknown || times.len == 0)
        add_until(&read, &until, &read.sql);
    else
        add_times(&read, &times, &read.sql);
    add_latest_rows(&read, by, by_len);
    return stream(op, &read, false, out);
}

static void add_condition(const struct read *read, int32_t column, const char *operator,
    const struct vv_value * value, struct vv_buf *sql)
{
    add_column(read, column, sql);
    vv_buf_adds(sql, operator);
    vv_value_sql(value, &read->snapshot->schema.fields[column].type, sql);
}

/* The newest event time of the rows with that value; reads two columns only. */
static varve_status newest(struct vv_op *op, struct read *read, int32_t column,
    const struct vv_value *value, int64_t *out)
{
    VV_CLEANUP(vv_small_scan_done) struct vv_small_scan small = {.files = NULL};
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    struct vv_range range = {.column = column, .low = *value, .high = *value};
    int32_t columns[2] = {read->time, column};
    bool has_row = false;
    VV_TRY(prune(op, read, &range, column >= 0 ? 1 : 0));
    vv_buf_clear(&read->sql);
    vv_buf_adds(&read->sql, "SELECT max(");
    add_column(read, read->time, &read->sql);
    vv_buf_adds(&read->sql, ") FROM ");
    VV_TRY(add_few_columns(op, read, columns, column >= 0 && column != read->time ? 2 : 1,
        &small));
    if (column >= 0) {
        vv_buf_adds(&read->sql, " WHERE ");
        add_condition(read, column, " = ", value, &read->sql);
    }
    if (!vv_buf_ok(&read->sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_open(op, read->table->engine, &session));
    VV_TRY(vv_session_query(op, session, vv_buf_str(&read->sql), &rows));
    VV_TRY(vv_rows_next(op, rows, &has_row));
    *out = has_row && !vv_rows_is_null(rows, 0) ? vv_rows_int64(rows, 0) : INT64_MIN;
    vv_buf_clear(&read->sql);
    return VARVE_OK;
}

static varve_status add_range(struct vv_op *op, struct read *read,
    const struct vv_range_request *request, const struct vv_range *ranges, size_t ranges_len)
{
    struct vv_buf *sql = &read->sql;
    VV_TRY(prune(op, read, ranges, ranges_len));
    vv_buf_adds(sql, "SELECT * FROM ");
    VV_TRY(add_source(op, read, NULL, 0));
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
    add_column(read, read->time, sql);
    for (size_t i = 0; i < read->rules.key_len; i++) {
        vv_buf_adds(sql, ", ");
        add_column(read, read->rules.key[i], sql);
    }
    return VARVE_OK;
}

varve_status vv_table_range(struct vv_op *op, struct vv_table *table,
    const struct vv_range_request *request, struct ArrowArrayStream *out,
    int64_t *out_newest_us)
{
    VV_CLEANUP(read_done) struct read read = {0};
    struct vv_range ranges[2] = {{0}, {.column = -1}};
    VV_TRY(start(op, table, request->at, &read));
    VV_TRY(need_time(op, &read));
    ranges[0].column = read.time;
    if (request->from_us != INT64_MIN)
        ranges[0].low = (struct vv_value){.kind = VV_VALUE_INT, .integer = request->from_us};
    if (request->to_us != INT64_MAX) {
        ranges[0].high = (struct vv_value){.kind = VV_VALUE_INT, .integer = request->to_us};
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
    return stream(op, &read, false, out);
}
