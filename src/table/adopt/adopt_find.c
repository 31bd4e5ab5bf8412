/*
 * What stands against the table's being adopted. Two looks at all rows: one that counts, and one
 * that finds rows which share a key, or lie under a wrong date.
 */
#include "base/number.h"
#include "engine/sql.h"
#include "table/adopt/adopt_run.h"
#include "table/edit/new_rows.h"
#include "table/read/scan_sql.h"

#define SHOWN_MAX 20

static varve_status add_scan(struct vv_op *op, const struct vv_edit *edit, struct vv_buf *sql)
{
    const struct vv_scan_source source = {.store = edit->table->store,
        .engine = edit->table->engine,
        .snapshot = edit->snapshot,
        .files = edit->files,
        .files_len = edit->files_len,
        .names = VV_SCAN_INDEXED};
    vv_buf_addc(sql, '(');
    VV_TRY(vv_scan_sql(op, &source, sql));
    vv_buf_adds(sql, ") AS s");
    return VARVE_OK;
}

varve_status vv_adopt_rows_sql(struct vv_op *op, const struct vv_edit *edit,
    const struct vv_adopt *adopt, struct vv_buf *sql)
{
    vv_buf_adds(sql, "SELECT _file, _pos");
    for (size_t i = 0; i < edit->snapshot->schema.fields_len; i++) {
        if (adopt->is_naive[i]) {
            vv_buf_adds(sql, ", ");
            vv_adopt_instant_sql(edit, adopt, (int32_t)i, sql);
            vv_buf_addf(sql, " AS c%zu", i);
        } else {
            vv_buf_addf(sql, ", s.c%zu", i);
        }
    }
    vv_buf_adds(sql, " FROM ");
    VV_TRY(add_scan(op, edit, sql));
    return vv_buf_ok(sql) ? VARVE_OK : vv_fail_memory(op);
}

/* "s.c0 IS NULL OR ..." */
static void add_null_key(const struct vv_adopt *adopt, struct vv_buf *sql)
{
    for (size_t i = 0; i < adopt->rules.key_len; i++)
        vv_buf_addf(sql, "%ss.c%d IS NULL", i > 0 ? " OR " : "", adopt->rules.key[i]);
}

/* What may be said of a naive column: it is in a gap, twice, finer. */
typedef void (*times_sql)(const struct vv_edit *, const struct vv_adopt *, int32_t,
    struct vv_buf *);

/* Any of the naive columns. */
static void add_times(const struct vv_edit *edit, const struct vv_adopt *adopt, times_sql add,
    struct vv_buf *sql)
{
    vv_buf_adds(sql, "false");
    for (size_t i = 0; i < edit->snapshot->schema.fields_len; i++) {
        if (!adopt->is_naive[i])
            continue;
        vv_buf_adds(sql, " OR (");
        add(edit, adopt, (int32_t)i, sql);
        vv_buf_addc(sql, ')');
    }
}

/* The first column of a query, a line each. */
static varve_status add_lines(struct vv_op *op, const struct vv_edit *edit,
    const struct vv_buf *sql, struct vv_buf *out)
{
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    if (!vv_buf_ok(sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_query(op, edit->session, vv_buf_str(sql), &rows));
    for (;;) {
        bool has_row = false;
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row)
            return vv_buf_ok(out) ? VARVE_OK : vv_fail_memory(op);
        vv_buf_addf(out, "  %.*s\n", VV_ARG(vv_rows_text(rows, 0)));
    }
}

/* "a = 1, b = 2" of c0 .. cN of a relation, by the key. */
static void add_key_name(const struct vv_adopt *adopt, struct vv_buf *sql)
{
    const struct vv_edit named = {.snapshot = adopt->supposed, .rules = &adopt->rules};
    vv_new_rows_name_sql(&named, sql);
}

/* Of rows as they are, what the naive columns hold. */
static varve_status name_times(struct vv_op *op, const struct vv_edit *edit,
    const struct vv_adopt *adopt, times_sql add, struct vv_buf *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    vv_buf_adds(&sql, "SELECT DISTINCT concat_ws(', '");
    for (size_t i = 0; i < edit->snapshot->schema.fields_len; i++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf name = VV_BUF_INIT(1 << 20);
        if (!adopt->is_naive[i])
            continue;
        vv_buf_addf(&name, "%.*s = ", VV_ARG(edit->snapshot->schema.fields[i].name));
        vv_buf_adds(&sql, ", CASE WHEN ");
        add(edit, adopt, (int32_t)i, &sql);
        vv_buf_adds(&sql, " THEN ");
        vv_sql_literal(&sql, vv_buf_str(&name));
        vv_buf_addf(&sql, " || CAST(s.c%zu AS VARCHAR) END", i);
        if (!vv_buf_ok(&name))
            return vv_fail_memory(op);
    }
    vv_buf_adds(&sql, ") FROM ");
    VV_TRY(add_scan(op, edit, &sql));
    vv_buf_adds(&sql, " WHERE ");
    add_times(edit, adopt, add, &sql);
    vv_buf_addf(&sql, " ORDER BY 1 LIMIT %d", SHOWN_MAX);
    return add_lines(op, edit, &sql, out);
}

struct counts {
    int64_t rows, null_keys, gaps, twice, finer;
};

static varve_status count_rows(struct vv_op *op, const struct vv_edit *edit,
    const struct vv_adopt *adopt, struct counts *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    bool has_row = false;
    vv_buf_adds(&sql, "SELECT count(*), count(*) FILTER (");
    add_null_key(adopt, &sql);
    vv_buf_adds(&sql, "), count(*) FILTER (");
    add_times(edit, adopt, vv_adopt_gap_sql, &sql);
    vv_buf_adds(&sql, "), count(*) FILTER (");
    add_times(edit, adopt, vv_adopt_twice_sql, &sql);
    vv_buf_adds(&sql, "), count(*) FILTER (");
    add_times(edit, adopt, vv_adopt_finer_sql, &sql);
    vv_buf_adds(&sql, ") FROM ");
    VV_TRY(add_scan(op, edit, &sql));
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_query(op, edit->session, vv_buf_str(&sql), &rows));
    VV_TRY(vv_rows_next(op, rows, &has_row));
    *out = (struct counts){vv_rows_int64(rows, 0), vv_rows_int64(rows, 1),
        vv_rows_int64(rows, 2), vv_rows_int64(rows, 3), vv_rows_int64(rows, 4)};
    return VARVE_OK;
}

static varve_status check_counts(struct vv_op *op, const struct vv_edit *edit,
    struct vv_adopt *adopt, const struct counts *counts)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf lines = VV_BUF_INIT(1 << 20);
    if (counts->null_keys > 0)
        return vv_rules_fail_null_keys(op, adopt->table->name, counts->null_keys, counts->rows);
    if (counts->finer > 0) {
        VV_TRY(name_times(op, edit, adopt, vv_adopt_finer_sql, &lines));
        (void)vv_fail(op, VARVE_EINVALID,
            "%" PRId64 " row%s hold%s a time with digits below a microsecond, which a "
            "timestamp would lose: shorten such texts first (varve update), or leave out "
            "`assume-tz`",
            counts->finer, vv_plural(counts->finer), counts->finer == 1 ? "s" : "");
        vv_detail(op, "%.*s", VV_ARG(vv_buf_str(&lines)));
        return op->error.code;
    }
    if (counts->gaps > 0) {
        VV_TRY(name_times(op, edit, adopt, vv_adopt_gap_sql, &lines));
        (void)vv_fail(op, VARVE_EINVALID,
            "%" PRId64 " row%s a time that %.*s never had, clocks were put forward: is it "
            "the right zone?",
            counts->gaps, counts->gaps == 1 ? " holds" : "s hold",
            VV_ARG(adopt->request->assume_tz));
        vv_detail(op, "%.*s", VV_ARG(vv_buf_str(&lines)));
        return op->error.code;
    }
    if (counts->twice == 0)
        return VARVE_OK;
    vv_buf_addf(&adopt->report,
        "! %" PRId64 " row%s a time that %.*s had twice, clocks were put back: the earlier "
        "one is taken\n",
        counts->twice, counts->twice == 1 ? " holds" : "s hold",
        VV_ARG(adopt->request->assume_tz));
    return name_times(op, edit, adopt, vv_adopt_twice_sql, &adopt->report);
}

static void add_keys(const struct vv_adopt *adopt, struct vv_buf *sql)
{
    for (size_t i = 0; i < adopt->rules.key_len; i++)
        vv_buf_addf(sql, "%sc%d", i > 0 ? ", " : "", adopt->rules.key[i]);
}

/* As an upsert ranks rows that are stored several times. */
static varve_status make_found(struct vv_op *op, const struct vv_edit *edit,
    const struct vv_adopt *adopt)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_partition_from pair;
    vv_buf_adds(&sql, "CREATE OR REPLACE TEMP TABLE " VV_ADOPT_FOUND
                      " AS SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY ");
    add_keys(adopt, &sql);
    vv_buf_adds(&sql, " ORDER BY ");
    if (adopt->rules.order >= 0)
        vv_buf_addf(&sql, "c%d DESC NULLS LAST, ", adopt->rules.order);
    vv_buf_adds(&sql, "_file DESC, _pos DESC) AS _rank, count(*) OVER (PARTITION BY ");
    add_keys(adopt, &sql);
    vv_buf_adds(&sql, ") AS _copies, ");
    if (vv_adopt_pair(adopt, &pair)) {
        bool is_naive =
            adopt->supposed->schema.fields[pair.source].type.kind == VV_TYPE_TIMESTAMP_NTZ;
        vv_buf_addf(&sql, "c%d IS DISTINCT FROM CAST(%sc%d%s AS DATE) AS _moved",
            pair.partition, is_naive ? "" : "make_timestamp(epoch_us(", pair.source,
            is_naive ? "" : "))");
    } else {
        vv_buf_adds(&sql, "false AS _moved");
    }
    vv_buf_adds(&sql, " FROM (");
    VV_TRY(vv_adopt_rows_sql(op, edit, adopt, &sql));
    vv_buf_adds(&sql, ")) WHERE _copies > 1 OR _moved");
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    vv_engine_expect(edit->table->engine, vv_files_bytes(edit->files, edit->files_len));
    return vv_session_exec(op, edit->session, vv_buf_str(&sql));
}

static varve_status count_found(struct vv_op *op, const struct vv_edit *edit,
    struct vv_adopt_result *out)
{
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    bool has_row = false;
    VV_TRY(vv_session_query(op, edit->session,
        VV_STR("SELECT count(*) FILTER (_rank = 1 AND _copies > 1), count(*) FILTER (_rank > "
               "1), "
               "count(*) FILTER (_rank = 1 AND _moved) FROM temp." VV_ADOPT_FOUND),
        &rows));
    VV_TRY(vv_rows_next(op, rows, &has_row));
    out->keys_doubled = vv_rows_int64(rows, 0);
    out->rows_removed = vv_rows_int64(rows, 1);
    out->rows_misdated = vv_rows_int64(rows, 2);
    return VARVE_OK;
}

/* "ts = ..., sym = A: 3 rows, the one with ingested_at = ... stays" */
static varve_status name_doubled(struct vv_op *op, const struct vv_edit *edit,
    const struct vv_adopt *adopt, struct vv_buf *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf which = VV_BUF_INIT(1 << 20);
    int32_t order = adopt->rules.order;
    vv_buf_adds(&sql, "SELECT ");
    add_key_name(adopt, &sql);
    vv_buf_adds(&sql, " || ': ' || _copies || ' rows, ' || ");
    if (order >= 0) {
        vv_buf_addf(&which,
            "the one with %.*s = ", VV_ARG(adopt->supposed->schema.fields[order].name));
        vv_sql_literal(&sql, vv_buf_str(&which));
        vv_buf_addf(&sql, " || coalesce(CAST(c%d AS VARCHAR), 'NULL') || ' stays'", order);
    } else {
        vv_buf_adds(&sql, "'the one that was written last stays'");
    }
    vv_buf_adds(&sql,
        " FROM temp." VV_ADOPT_FOUND " WHERE _rank = 1 AND _copies > 1 ORDER BY ");
    add_keys(adopt, &sql);
    vv_buf_addf(&sql, " LIMIT %d", SHOWN_MAX);
    return vv_buf_ok(&which) ? add_lines(op, edit, &sql, out) : vv_fail_memory(op);
}

static varve_status name_misdated(struct vv_op *op, const struct vv_edit *edit,
    const struct vv_adopt *adopt, struct vv_buf *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_partition_from pair;
    if (!vv_adopt_pair(adopt, &pair))
        return VARVE_OK;
    vv_buf_adds(&sql, "SELECT ");
    add_key_name(adopt, &sql);
    vv_buf_addf(&sql,
        " || ': ' || coalesce(CAST(c%d AS VARCHAR), 'NULL') FROM temp." VV_ADOPT_FOUND
        " WHERE _rank = 1 AND _moved ORDER BY ",
        pair.partition);
    add_keys(adopt, &sql);
    vv_buf_addf(&sql, " LIMIT %d", SHOWN_MAX);
    return add_lines(op, edit, &sql, out);
}

static varve_status fail_doubled(struct vv_op *op, const struct vv_edit *edit,
    struct vv_adopt *adopt)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf lines = VV_BUF_INIT(1 << 20);
    const struct vv_adopt_result *result = &adopt->result;
    VV_TRY(name_doubled(op, edit, adopt, &lines));
    (void)vv_fail(op, VARVE_EINVALID,
        "%" PRId64 " key%s of table %.*s %s there more than once, %" PRId64
        " row%s too many: add --dedupe, which leaves the one of each that is said to stay",
        result->keys_doubled, vv_plural(result->keys_doubled), VV_ARG(adopt->table->name),
        result->keys_doubled == 1 ? "is" : "are", result->rows_removed,
        vv_plural(result->rows_removed));
    vv_detail(op, "%.*s", VV_ARG(vv_buf_str(&lines)));
    return op->error.code;
}

static varve_status report_found(struct vv_op *op, const struct vv_edit *edit,
    struct vv_adopt *adopt)
{
    struct vv_adopt_result *result = &adopt->result;
    struct vv_buf *report = &adopt->report;
    if (result->keys_doubled > 0) {
        vv_buf_addf(report, "- %" PRId64 " row%s of %" PRId64 " key%s there more than once\n",
            result->rows_removed, vv_plural(result->rows_removed), result->keys_doubled,
            result->keys_doubled == 1 ? " that is" : "s that are");
        VV_TRY(name_doubled(op, edit, adopt, report));
    }
    if (result->rows_misdated == 0)
        return VARVE_OK;
    result->rows_redated = adopt->request->dedupe ? result->rows_misdated : 0;
    vv_buf_addf(report,
        "%s %" PRId64 " row%s under another date than the UTC date of %s time%s\n",
        adopt->request->dedupe ? "~" : "!", result->rows_misdated,
        vv_plural(result->rows_misdated), result->rows_misdated == 1 ? "its" : "their",
        adopt->request->dedupe
            ? ": moved"
            : ": --dedupe moves them; until then they are found by reading more files");
    return name_misdated(op, edit, adopt, report);
}

varve_status vv_adopt_find(struct vv_op *op, const struct vv_edit *edit, struct vv_adopt *adopt)
{
    struct counts counts = {.rows = 0};
    VV_TRY(count_rows(op, edit, adopt, &counts));
    adopt->result =
        (struct vv_adopt_result){.rows = counts.rows, .times_ambiguous = counts.twice};
    VV_TRY(check_counts(op, edit, adopt, &counts));
    VV_TRY(make_found(op, edit, adopt));
    VV_TRY(count_found(op, edit, &adopt->result));
    if (adopt->result.keys_doubled > 0 && !adopt->request->dedupe)
        return fail_doubled(op, edit, adopt);
    return report_found(op, edit, adopt);
}
