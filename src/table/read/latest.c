#include "base/map.h"
#include "base/time.h"
#include "delta/stats.h"
#include "engine/sql.h"
#include "table/read/event_time.h"
#include "table/read/latest_kept.h"
#include "table/read/small_scan.h"

#define NEWEST_TIMES_MAX 1000
/* Of so few rows to ask first where the newest are takes longer than to read them all. */
#define FEW_ROWS_MAX 4096
/* What came since an answer was kept is worth reading whole: so much, or a part of all. */
#define NEWS_BYTES_MAX ((int64_t)8 << 20)
#define NEWS_PART 4

/* The times at which the newest rows lie: one for each group, or fewer. */
struct newest_times {
    struct vv_range *items; /* low = high = the time */
    size_t len;
    int64_t groups;
    bool unknown; /* too many, or a group has no time at all */
};

/* One `latest` under way. Its statements call columns c0..cN. */
struct latest {
    struct vv_read read;
    int32_t *by;
    size_t by_len;
    struct vv_range until; /* high.kind NONE: no such limit */
    struct newest_times times;
};

static void latest_done(struct latest *latest)
{
    vv_read_done(&latest->read);
}

static bool has_until(const struct latest *latest)
{
    return latest->until.high.kind != VV_VALUE_NONE;
}

static void add_column(int32_t column, struct vv_buf *sql)
{
    vv_buf_addf(sql, "c%" PRId32, column);
}

static void add_columns(const struct latest *latest, struct vv_buf *sql)
{
    for (size_t i = 0; i < latest->read.snapshot->schema.fields_len; i++) {
        vv_buf_adds(sql, i == 0 ? "" : ", ");
        add_column((int32_t)i, sql);
    }
}

static void add_by(const struct latest *latest, const char *before, struct vv_buf *sql)
{
    for (size_t i = 0; i < latest->by_len; i++) {
        vv_buf_adds(sql, i == 0 ? before : ", ");
        add_column(latest->by[i], sql);
    }
}

/* The same by their names. */
static void add_names(const struct latest *latest, struct vv_buf *sql)
{
    vv_buf_adds(sql, "SELECT ");
    for (size_t i = 0; i < latest->read.snapshot->schema.fields_len; i++) {
        vv_buf_adds(sql, i == 0 ? "" : ", ");
        add_column((int32_t)i, sql);
        vv_buf_adds(sql, " AS ");
        vv_read_add_column(&latest->read, (int32_t)i, sql);
    }
    vv_buf_adds(sql, " FROM ");
}

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

static void add_time(const struct latest *latest, const struct vv_value *value,
    struct vv_buf *sql)
{
    const struct vv_read *read = &latest->read;
    vv_value_sql(value, &read->snapshot->schema.fields[read->time].type, sql);
}

static void add_until(const struct latest *latest, struct vv_buf *sql)
{
    if (!has_until(latest))
        return;
    vv_buf_adds(sql, " WHERE ");
    add_column(latest->read.time, sql);
    vv_buf_adds(sql, " <= ");
    add_time(latest, &latest->until.high, sql);
}

static void take_time(const struct latest *latest, const struct vv_rows *rows,
    struct newest_times *out)
{
    out->unknown = out->len == NEWEST_TIMES_MAX || vv_rows_is_null(rows, 0);
    if (out->unknown)
        return;
    struct vv_value time = {.kind = VV_VALUE_INT, .integer = vv_rows_int64(rows, 0)};
    out->items[out->len++] =
        (struct vv_range){.column = latest->read.time, .low = time, .high = time};
    out->groups += vv_rows_int64(rows, 1);
}

/* Reads the columns of the groups and the time column alone. */
static varve_status find_times(struct vv_op *op, struct latest *latest)
{
    VV_CLEANUP(vv_small_scan_done) struct vv_small_scan small = {.files = NULL};
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    struct vv_read *read = &latest->read;
    struct newest_times *out = &latest->times;
    int32_t *columns = NULL;
    *out = (struct newest_times){.len = 0};
    for (size_t i = 0; i < latest->by_len; i++)
        out->unknown = out->unknown || latest->by[i] == read->time;
    if (out->unknown)
        return VARVE_OK;
    VV_NEW(op, &columns, int32_t, latest->by_len + 1);
    VV_NEW(op, &out->items, struct vv_range, NEWEST_TIMES_MAX);
    memcpy(columns, latest->by, latest->by_len * sizeof(*columns));
    columns[latest->by_len] = read->time;
    vv_buf_adds(&read->sql, "SELECT newest, count(*) FROM (SELECT max(");
    add_column(read->time, &read->sql);
    vv_buf_adds(&read->sql, ") AS newest FROM ");
    VV_TRY(vv_read_add_few_columns(op, read, columns, latest->by_len + 1, &small));
    add_until(latest, &read->sql);
    add_by(latest, " GROUP BY ", &read->sql);
    vv_buf_addf(&read->sql, ") GROUP BY newest LIMIT %d", NEWEST_TIMES_MAX + 1);
    if (!vv_buf_ok(&read->sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_open(op, read->table->engine, &session));
    VV_TRY(vv_session_query(op, session, vv_buf_str(&read->sql), &rows));
    vv_buf_clear(&read->sql);
    for (bool has_row = true; has_row && !out->unknown;) {
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (has_row)
            take_time(latest, rows, out);
    }
    return VARVE_OK;
}

/* Keeps the files that can hold a row of one of the times. */
static varve_status prune_by_times(struct vv_op *op, struct latest *latest)
{
    struct vv_read *read = &latest->read;
    const struct vv_file **kept = NULL;
    size_t kept_len = 0;
    VV_NEW(op, &kept, const struct vv_file *, read->files_len + 1);
    struct vv_map by_key = VV_MAP_INIT(&op->arena);
    const struct vv_file **files = read->files;
    size_t files_len = read->files_len;
    for (size_t i = 0; i < latest->times.len; i++) {
        VV_TRY(vv_read_prune(op, read, &latest->times.items[i], 1));
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

/* Two columns say where the newest rows are; few files have them. */
static varve_status choose_files(struct vv_op *op, struct latest *latest)
{
    VV_TRY(find_times(op, latest));
    return latest->times.unknown ? VARVE_OK : prune_by_times(op, latest);
}

/* The rows of the chosen files, of which the newest of each group is one. */
static varve_status add_rows(struct vv_op *op, struct latest *latest)
{
    struct vv_buf *sql = &latest->read.sql;
    const struct newest_times *times = &latest->times;
    VV_TRY(vv_read_add_source(op, &latest->read, NULL, 0));
    if (times->unknown || times->len == 0) {
        add_until(latest, sql);
        return VARVE_OK;
    }
    vv_buf_adds(sql, " WHERE ");
    add_column(latest->read.time, sql);
    for (size_t i = 0; i < times->len; i++) {
        vv_buf_adds(sql, i == 0 ? " IN (" : ", ");
        add_time(latest, &times->items[i].low, sql);
    }
    vv_buf_addc(sql, ')');
    return VARVE_OK;
}

/* `last` decides between rows that are alike in time, order and key; may be "". */
static void add_newest(const struct latest *latest, const char *last, struct vv_buf *sql)
{
    const struct vv_rules *rules = &latest->read.rules;
    vv_buf_adds(sql, " QUALIFY row_number() OVER (");
    add_by(latest, "PARTITION BY ", sql);
    vv_buf_adds(sql, " ORDER BY ");
    add_column(latest->read.time, sql);
    vv_buf_adds(sql, " DESC NULLS LAST");
    if (rules->order >= 0) {
        vv_buf_adds(sql, ", ");
        add_column(rules->order, sql);
        vv_buf_adds(sql, " DESC NULLS LAST");
    }
    for (size_t i = 0; i < rules->key_len; i++) {
        vv_buf_adds(sql, ", ");
        add_column(rules->key[i], sql);
    }
    vv_buf_adds(sql, last);
    vv_buf_adds(sql, ") = 1");
    add_by(latest, " ORDER BY ", sql);
}

/* Which rows of the answer before are of files that went. */
static void add_gone(const struct vv_latest_base *base, struct vv_buf *sql)
{
    const char *separator = "source IN (";
    for (size_t i = 0; i < base->sources_len; i++)
        if (base->sources[i].file == NULL) {
            vv_buf_adds(sql, separator);
            vv_sql_int(sql, base->sources[i].number);
            separator = ", ";
        }
    vv_buf_adds(sql, base->gone_len > 0 ? ")" : "false");
}

/*
 * The newest rows of the chosen files and of the answer before. Of two rows that are alike in all
 * that counts the one whose file is there is taken.
 */
static varve_status fill_answer(struct vv_op *op, struct latest *latest,
    const struct vv_latest_base *base, struct vv_latest_answer **out)
{
    struct vv_buf *sql = &latest->read.sql;
    vv_buf_clear(sql);
    vv_buf_adds(sql, "SELECT * FROM (SELECT ");
    add_columns(latest, sql);
    vv_buf_addf(sql, ", _file + %" PRId64 " AS source, false AS gone FROM ", base->next_number);
    VV_TRY(add_rows(op, latest));
    if (base->answer != NULL) {
        vv_buf_adds(sql, " UNION ALL SELECT ");
        add_columns(latest, sql);
        vv_buf_adds(sql, ", source, ");
        add_gone(base, sql);
        vv_buf_adds(sql, " FROM ");
        vv_buf_add(sql, vv_rowset_sql(vv_latest_answer_rows(base->answer)));
    }
    vv_buf_adds(sql, ") AS rows");
    add_newest(latest, ", gone", sql);
    if (!vv_buf_ok(sql))
        return vv_fail_memory(op);
    const struct vv_query query = {.sql = vv_buf_str(sql)};
    VV_TRY(vv_latest_answer_fill(op, latest->read.table->engine, &query, out));
    vv_buf_clear(sql);
    return VARVE_OK;
}

static struct vv_latest_question question_of(const struct latest *latest)
{
    return (struct vv_latest_question){
        .read = &latest->read, .by = latest->by, .by_len = latest->by_len};
}

/* *out_answer stays NULL where a row of it would be of a file that went. */
static varve_status make_answer(struct vv_op *op, struct latest *latest,
    const struct vv_latest_base *base, struct vv_latest_answer **out_answer)
{
    VV_CLEANUP(vv_latest_answer_release) struct vv_latest_answer *answer = NULL;
    const struct vv_latest_question question = question_of(latest);
    struct vv_read *read = &latest->read;
    bool is_whole = false;
    VV_TRY(fill_answer(op, latest, base, &answer));
    VV_TRY(vv_latest_kept_put(op, &question, base, read->files, read->files_len, answer,
        &is_whole));
    if (is_whole)
        *out_answer = VV_MOVE(answer);
    return VARVE_OK;
}

/* Many or unknown ones count as many. */
static int64_t count_rows(struct vv_op *op, const struct vv_file *const *files, size_t len)
{
    int64_t rows = 0;
    for (size_t i = 0; i < len && rows <= FEW_ROWS_MAX; i++) {
        int64_t of_file = -1;
        if (vv_stats_rows(op, files[i], &of_file) != VARVE_OK)
            vv_forgive(op);
        rows += of_file >= 0 ? of_file : FEW_ROWS_MAX + 1;
    }
    return rows;
}

/* Of so many an answer is made in memory, and may be kept. */
static bool has_few_groups(const struct latest *latest)
{
    return !latest->times.unknown && latest->times.groups <= VV_LATEST_ROWS_MAX;
}

/* By what was kept and what came since; *out stays NULL where that does not do. */
static varve_status answer_by_kept(struct vv_op *op, struct latest *latest,
    struct vv_latest_answer **out)
{
    VV_CLEANUP(vv_latest_base_done) struct vv_latest_base base;
    const struct vv_latest_question question = question_of(latest);
    struct vv_read *read = &latest->read;
    const struct vv_snapshot *snapshot = read->snapshot;
    VV_TRY(vv_latest_kept_find(op, &question, &base));
    if (base.answer == NULL || (base.came_len == 0 && base.gone_len > 0))
        return VARVE_OK;
    if (base.came_len == 0) {
        *out = VV_MOVE(base.answer);
        return VARVE_OK;
    }
    int64_t bytes = vv_files_bytes(base.came, base.came_len);
    if (bytes > NEWS_BYTES_MAX &&
        bytes > vv_files_bytes(snapshot->files, snapshot->files_len) / NEWS_PART)
        return VARVE_OK;
    read->files = base.came;
    read->files_len = base.came_len;
    latest->times = (struct newest_times){.unknown = true};
    if (count_rows(op, base.came, base.came_len) > FEW_ROWS_MAX) {
        VV_TRY(choose_files(op, latest));
        if (!has_few_groups(latest))
            return VARVE_OK; /* of any number; they are not put into memory */
    }
    return make_answer(op, latest, &base, out);
}

static varve_status stream_answer(struct vv_op *op, const struct latest *latest,
    const struct vv_latest_answer *answer, struct ArrowArrayStream *out)
{
    const struct vv_schema *schema = &latest->read.snapshot->schema;
    struct vv_str *names = NULL;
    VV_NEW(op, &names, struct vv_str, schema->fields_len + 1);
    for (size_t i = 0; i < schema->fields_len; i++)
        names[i] = schema->fields[i].name;
    return vv_rowset_stream(op, vv_latest_answer_rows(answer), names,
        (uint32_t)schema->fields_len, out);
}

static varve_status stream_rows(struct vv_op *op, struct latest *latest,
    struct ArrowArrayStream *out)
{
    add_names(latest, &latest->read.sql);
    VV_TRY(add_rows(op, latest));
    add_newest(latest, "", &latest->read.sql);
    return vv_read_stream(op, &latest->read, false, out);
}

static varve_status begin(struct vv_op *op, struct vv_table *table,
    const struct vv_latest_request *request, struct latest *out)
{
    struct vv_read *read = &out->read;
    int64_t until_us = 0;
    VV_TRY(vv_read_start(op, table, request->at, read));
    read->names = VV_SCAN_INDEXED;
    VV_TRY(vv_read_need_time(op, read));
    if (request->by.ptr != NULL)
        VV_TRY(vv_read_find_columns(op, read, request->by, &out->by, &out->by_len));
    else
        VV_TRY(default_by(op, read, &out->by, &out->by_len));
    if (request->until.ptr == NULL)
        return VARVE_OK;
    if (!vv_time_parse_human(request->until, vv_now_us(op), &until_us))
        return vv_fail(op, VARVE_EUSAGE, "\"%.*s\" is not a time", VV_ARG(request->until));
    const struct vv_type *type = &read->snapshot->schema.fields[read->time].type;
    out->until =
        (struct vv_range){.column = read->time, .high = vv_event_at_or_before(type, until_us)};
    return VARVE_OK;
}

varve_status vv_table_latest(struct vv_op *op, struct vv_table *table,
    const struct vv_latest_request *request, struct ArrowArrayStream *out)
{
    VV_CLEANUP(latest_done) struct latest latest = {0};
    VV_CLEANUP(vv_latest_answer_release) struct vv_latest_answer *answer = NULL;
    const struct vv_latest_base nothing = {.answer = NULL};
    VV_TRY(begin(op, table, request, &latest));
    bool may_keep = !has_until(&latest) && vv_latest_may_keep(&latest.read);
    if (may_keep)
        VV_TRY(answer_by_kept(op, &latest, &answer));
    if (answer == NULL) {
        VV_TRY(vv_read_prune(op, &latest.read, &latest.until, has_until(&latest)));
        VV_TRY(choose_files(op, &latest));
        if (!may_keep || !has_few_groups(&latest))
            return stream_rows(op, &latest, out);
        VV_TRY(make_answer(op, &latest, &nothing, &answer));
    }
    return stream_answer(op, &latest, answer, out);
}
