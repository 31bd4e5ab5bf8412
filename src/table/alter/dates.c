#include "table/alter/dates.h"

#include "base/number.h"
#include "engine/engine.h"
#include "engine/sql.h"
#include "table/read/candidates.h"
#include "table/read/scan_sql.h"
#include "table/rules.h"

#define STATS_BYTES_MAX ((size_t)1 << 30) /* as much as a file may have */
#define ROWS_SHOWN 5

/* Those that nothing vouches for. */
struct doubted {
    const struct vv_file **files;
    size_t len;
};

static bool has_pair(const struct vv_rules *rules, const struct vv_partition_from *pair)
{
    for (size_t i = 0; i < rules->partition_from_len; i++)
        if (rules->partition_from[i].partition == pair->partition &&
            rules->partition_from[i].source == pair->source)
            return true;
    return false;
}

/* What a checkpoint says is a file of Varve's, whoever's commit it came by. */
static bool is_believed(const struct vv_file *file)
{
    return vv_pairs_has(&file->tags, VV_STR(VV_TAG_SHA256)) &&
           !vv_pairs_has(&file->tags, VV_STR(VV_TAG_UNDATED));
}

static varve_status is_proven(struct vv_op *op, const struct vv_snapshot *snapshot,
    const struct vv_partition_from *pair, const struct vv_file *file, bool *out)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena scratch = VV_ARENA_INIT(STATS_BYTES_MAX);
    const struct vv_field *field = &snapshot->schema.fields[pair->partition];
    const struct vv_stats_columns asked = {
        &snapshot->schema, snapshot->metadata, &pair->source, 1};
    struct vv_file_stats stats;
    struct vv_value date;
    VV_TRY(vv_stats_read(op, &scratch, file, &asked, &stats));
    *out = vv_partition_parse(vv_pairs_get(&file->partition_values, field->physical_name),
               &field->type, &date) &&
           vv_bounds_lie_under(&stats.columns[0], &date);
    return VARVE_OK;
}

static varve_status find_doubted(struct vv_op *op, const struct vv_snapshot *snapshot,
    const struct vv_partition_from *pair, struct doubted *out)
{
    VV_NEW(op, &out->files, const struct vv_file *, snapshot->files_len + 1);
    out->len = 0;
    for (size_t i = 0; i < snapshot->files_len; i++) {
        bool is_right = true;
        if (is_believed(snapshot->files[i]))
            VV_TRY(is_proven(op, snapshot, pair, snapshot->files[i], &is_right));
        if (!is_right)
            out->files[out->len++] = snapshot->files[i];
    }
    return VARVE_OK;
}

/* "date = ..., ts = ..." of each row that lies wrong, and how many they are. */
static varve_status wrong_sql(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_snapshot *snapshot, const struct vv_partition_from *pair,
    const struct doubted *doubted, struct vv_buf *sql)
{
    const struct vv_field *fields = snapshot->schema.fields;
    const int32_t columns[] = {pair->partition, pair->source};
    const struct vv_scan_source source = {.store = log->store,
        .engine = log->engine,
        .snapshot = snapshot,
        .files = doubted->files,
        .files_len = doubted->len,
        .columns = columns,
        .columns_len = VV_COUNT(columns),
        .names = VV_SCAN_INDEXED};
    bool is_naive = fields[pair->source].type.kind == VV_TYPE_TIMESTAMP_NTZ;
    vv_buf_adds(sql, "SELECT concat(");
    for (size_t i = 0; i < VV_COUNT(columns); i++) {
        vv_buf_adds(sql, i > 0 ? ", ', ', " : "");
        vv_sql_literal(sql, fields[columns[i]].name);
        vv_buf_addf(sql, ", ' = ', coalesce(CAST(c%d AS VARCHAR), 'NULL')", columns[i]);
    }
    vv_buf_adds(sql, "), count(*) OVER () FROM (");
    VV_TRY(vv_scan_sql(op, &source, sql));
    vv_buf_addf(sql, ") WHERE c%d IS DISTINCT FROM CAST(%sc%d%s AS DATE) ORDER BY c%d LIMIT %d",
        pair->partition, is_naive ? "" : "make_timestamp(epoch_us(", pair->source,
        is_naive ? "" : "))", pair->source, ROWS_SHOWN);
    return vv_buf_ok(sql) ? VARVE_OK : vv_fail_memory(op);
}

static varve_status fail_wrong(struct vv_op *op, const struct vv_table *table,
    const struct vv_partition_from *pair, int64_t wrong, const struct vv_buf *detail)
{
    const struct vv_field *fields = table->snapshot->schema.fields;
    (void)vv_fail(op, VARVE_EINVALID,
        "%" PRId64 " row%s of table %.*s lie%s under another %.*s than the UTC date of %.*s, "
        "in files that were written without that rule; nothing was changed. An update that "
        "sets %.*s moves such rows",
        wrong, vv_plural(wrong), VV_ARG(table->name), wrong == 1 ? "s" : "",
        VV_ARG(fields[pair->partition].name), VV_ARG(fields[pair->source].name),
        VV_ARG(fields[pair->partition].name));
    vv_detail(op, "%.*s", VV_ARG(vv_buf_str(detail)));
    return VARVE_EINVALID;
}

varve_status vv_dates_count(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_snapshot *snapshot, const struct vv_partition_from *pair,
    struct vv_buf *lines, int64_t *out)
{
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    struct doubted doubted = {.len = 0};
    int64_t wrong = 0;
    *out = 0;
    VV_TRY(find_doubted(op, snapshot, pair, &doubted));
    if (doubted.len == 0)
        return VARVE_OK;
    vv_engine_expect(log->engine, vv_files_bytes(doubted.files, doubted.len));
    VV_TRY(vv_session_open(op, log->engine, &session));
    VV_TRY(wrong_sql(op, log, snapshot, pair, &doubted, &sql));
    VV_TRY(vv_session_query(op, session, vv_buf_str(&sql), &rows));
    for (;;) {
        bool has_row = false;
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row)
            break;
        vv_buf_addf(lines, "%.*s\n", VV_ARG(vv_rows_text(rows, 0)));
        wrong = vv_rows_int64(rows, 1);
    }
    *out = wrong;
    return vv_buf_ok(lines) ? VARVE_OK : vv_fail_memory(op);
}

varve_status vv_dates_check(struct vv_op *op, const struct vv_table *table,
    const struct vv_rules *rules, bool *out_depends)
{
    struct vv_rules before = {.order = -1};
    *out_depends = false;
    if (rules->partition_from_len == 0)
        return VARVE_OK;
    if (vv_rules_read(op, &op->arena, table->snapshot, false, &before) != VARVE_OK) {
        if (op->error.code != VARVE_ECORRUPT)
            return op->error.code;
        vv_forgive(op); /* it is mended by this very change: nobody could go by it */
    }
    for (size_t i = 0; i < rules->partition_from_len; i++) {
        const struct vv_partition_from *pair = &rules->partition_from[i];
        VV_CLEANUP(vv_buf_done) struct vv_buf lines = VV_BUF_INIT(1 << 20);
        int64_t wrong = 0;
        if (has_pair(&before, pair))
            continue;
        *out_depends = true;
        VV_TRY(vv_dates_count(op, &table->log, table->snapshot, pair, &lines, &wrong));
        if (wrong > 0)
            return fail_wrong(op, table, pair, wrong, &lines);
    }
    return VARVE_OK;
}
