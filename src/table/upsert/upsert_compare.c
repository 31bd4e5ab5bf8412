/*
 * Step 4 of the upsert: compare the batch with the stored rows that have its keys.
 *
 * Keys of a batch are never NULL (validated), and DuckDB's `=` on floats holds for NaN and for
 * -0.0 and 0.0, so `=` is the IS NOT DISTINCT FROM that the rule asks for, and unlike it lets the
 * join push the batch's key range into the Parquet scan.
 */
#include "engine/sql.h"
#include "table/batch/batch_few.h"
#include "table/upsert/key_groups.h"
#include "table/read/scan_sql.h"
#include "table/upsert/upsert_compare_few.h"

#define COMPARED_BYTES_FEW (INT64_C(256) << 10)

varve_status vv_upsert_value(struct vv_op *op, struct vv_arena *arena,
    const struct vv_rows *rows, uint32_t column, const struct vv_type *type,
    struct vv_value *out)
{
    struct vv_value value = {.kind = VV_VALUE_NULL};
    if (!vv_rows_is_null(rows, column)) {
        switch (type->kind) {
        case VV_TYPE_BOOLEAN:
            value.kind = VV_VALUE_BOOL;
            value.integer = vv_rows_bool(rows, column);
            break;
        case VV_TYPE_BYTE:
        case VV_TYPE_SHORT:
        case VV_TYPE_INTEGER:
        case VV_TYPE_LONG:
        case VV_TYPE_DATE:
        case VV_TYPE_TIMESTAMP:
        case VV_TYPE_TIMESTAMP_NTZ:
            value.kind = VV_VALUE_INT;
            value.integer = vv_rows_int64(rows, column);
            break;
        case VV_TYPE_FLOAT:
        case VV_TYPE_DOUBLE:
            value.kind = VV_VALUE_DOUBLE;
            value.number = vv_rows_double(rows, column);
            break;
        case VV_TYPE_DECIMAL:
        case VV_TYPE_STRING:
        case VV_TYPE_BINARY:
            value.kind = type->kind == VV_TYPE_DECIMAL ? VV_VALUE_DECIMAL : VV_VALUE_TEXT;
            value.text = vv_arena_str(arena, vv_rows_text(rows, column));
            if (value.text.ptr == NULL)
                return vv_fail_memory(op);
            break;
        case VV_TYPE_VARIANT:
        case VV_TYPE_VOID:
        case VV_TYPE_STRUCT:
        case VV_TYPE_ARRAY:
        case VV_TYPE_MAP:
            return vv_fail(op, VARVE_EUNSUPPORTED, "a nested column as key or partition");
        }
    }
    *out = value;
    return VARVE_OK;
}

void vv_upsert_add_value_sql(struct vv_buf *sql, const char *before, int32_t column,
    const char *after, const struct vv_type *type)
{
    bool as_text = type->kind == VV_TYPE_DECIMAL;
    vv_buf_addf(sql, "%s%sc%d%s%s", as_text ? "CAST(" : "", before, column, after,
        as_text ? " AS VARCHAR)" : "");
}

static varve_status read_groups(struct vv_op *op, const struct vv_upsert_call *call,
    struct vv_upsert_attempt *attempt)
{
    const struct vv_schema *schema = &attempt->snapshot->schema;
    struct vv_key_groups groups;
    struct vv_key_group *few = NULL;
    if (call->batch.few != NULL && vv_few_can_count(schema, attempt->rules)) {
        VV_TRY(vv_few_groups(op, &attempt->arena, call->batch.few, schema, attempt->rules, &few,
            &attempt->groups_len));
        attempt->groups = few;
        return VARVE_OK;
    }
    VV_TRY(vv_key_groups_read(op, call->work->session, &attempt->arena, schema, attempt->rules,
        call->batch.sql, &groups));
    attempt->groups = groups.items;
    attempt->groups_len = groups.len;
    return VARVE_OK;
}

/*
 * Equal in every column but the key, which is equal by the join, the order column, and columns
 * that only tell when the batch came: else a repeated batch would change every row.
 */
bool vv_upsert_is_compared(const struct vv_upsert_attempt *attempt, const bool *is_momentary,
    int32_t column)
{
    return column != attempt->rules->order && !vv_rules_is_key(attempt->rules, column) &&
           (is_momentary == NULL || !is_momentary[column]);
}

static void same_sql(const struct vv_upsert_attempt *attempt, const bool *is_momentary,
    struct vv_buf *sql)
{
    const char *separator = "";
    for (size_t i = 0; i < attempt->snapshot->schema.fields_len; i++) {
        int32_t column = (int32_t)i;
        if (!vv_upsert_is_compared(attempt, is_momentary, column))
            continue;
        vv_buf_addf(sql, "%ss.c%d IS NOT DISTINCT FROM b.c%d", separator, column, column);
        separator = " AND ";
    }
    if (*separator == '\0')
        vv_buf_adds(sql, "true");
}

static varve_status stored_sql(struct vv_op *op, const struct vv_upsert_call *call,
    const struct vv_upsert_attempt *attempt, struct vv_buf *sql)
{
    const struct vv_rules *rules = attempt->rules;
    struct vv_scan_source source = {.store = call->table->store,
        .engine = call->table->engine,
        .snapshot = attempt->snapshot,
        .files = attempt->candidates.files,
        .files_len = attempt->candidates.files_len,
        .names = VV_SCAN_INDEXED};
    vv_buf_adds(sql,
        "SELECT *, CASE "
        "WHEN first_value(_same) OVER ranking THEN 2 "
        "WHEN _own AND _batch_o < first_value(_o) OVER ranking THEN 3 ELSE 1 END "
        "AS _what, row_number() OVER ranking AS _rank FROM (SELECT s._file, s._pos, "
        "b._row, b._own, ");
    if (rules->order >= 0)
        vv_buf_addf(sql, "s.c%d AS _o, b.c%d AS _batch_o, ", rules->order, rules->order);
    else
        vv_buf_adds(sql, "0 AS _o, 0 AS _batch_o, ");
    same_sql(attempt, call->batch.is_momentary, sql);
    vv_buf_adds(sql, " AS _same FROM (");
    VV_TRY(vv_scan_sql(op, &source, sql));
    vv_buf_addf(sql, ") AS s JOIN %.*s AS b ON ", VV_ARG(call->batch.sql));
    for (size_t i = 0; i < rules->key_len; i++)
        vv_buf_addf(sql, "%ss.c%d = b.c%d", i == 0 ? "" : " AND ", rules->key[i],
            rules->key[i]);
    vv_buf_adds(sql, ") WINDOW ranking AS (PARTITION BY _row ORDER BY _o DESC NULLS LAST, "
                     "_file DESC, _pos DESC ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED "
                     "FOLLOWING)");
    return vv_buf_ok(sql) ? VARVE_OK : vv_fail_memory(op);
}

/* Which of the columns of `stored` are read one by one. */
enum stored_column {
    STORED_FILE = 0,
    STORED_WHAT = 7,
    STORED_RANK = 8
};

static varve_status stored_read(struct vv_op *op, const struct vv_upsert_call *call,
    struct vv_rows **out)
{
    const struct vv_relation *stored = &call->work->stored;
    if (stored->in_memory)
        return vv_rowset_read(op, stored->rowset, out);
    struct vv_str sql = vv_arena_format(&op->arena, "FROM %.*s", VV_ARG(stored->sql));
    return sql.ptr != NULL ? vv_session_query(op, call->work->session, sql, out)
                           : vv_fail_memory(op);
}

static varve_status count_outcomes(struct vv_op *op, const struct vv_upsert_call *call,
    struct vv_upsert_attempt *attempt)
{
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    bool has_row = false;
    int64_t found = 0;
    VV_TRY(stored_read(op, call, &rows));
    for (;;) {
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row)
            break;
        int64_t file = vv_rows_int64(rows, STORED_FILE);
        int64_t what = vv_rows_int64(rows, STORED_WHAT);
        bool is_first = vv_rows_int64(rows, STORED_RANK) == 1;
        VV_PRE(file >= 0 && (size_t)file < attempt->candidates.files_len && what >= 0 &&
               what < 4);
        attempt->consulted[file] = true;
        attempt->counts[what] += is_first;
        attempt->repaired += !is_first;
        attempt->gone[file] += !is_first || what == VV_OUTCOME_UPDATE;
        found += is_first;
    }
    attempt->counts[VV_OUTCOME_INSERT] = call->batch.rows - found;
    return VARVE_OK;
}

/* To plan well pays where much is to be read. */
static bool is_worth_planning(const struct vv_upsert_call *call, int64_t bytes)
{
    return bytes > COMPARED_BYTES_FEW || !call->work->is_small;
}

varve_status vv_upsert_compare(struct vv_op *op, const struct vv_upsert_call *call,
    struct vv_upsert_attempt *attempt)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    if (call->batch.rows == 0)
        return VARVE_OK;
    VV_TRY(read_groups(op, call, attempt));
    if (!call->options->append)
        VV_TRY(vv_candidates_find_known(op, &attempt->arena, attempt->snapshot, attempt->rules,
            &(struct vv_key_groups){attempt->groups, attempt->groups_len}, &call->work->known,
            &attempt->candidates));
    attempt->consulted = vv_new(&attempt->arena, bool, attempt->candidates.files_len + 1);
    attempt->gone = vv_new(&attempt->arena, int64_t, attempt->candidates.files_len + 1);
    if (attempt->consulted == NULL || attempt->gone == NULL)
        return vv_fail_memory(op);
    attempt->counts[VV_OUTCOME_INSERT] = call->batch.rows;
    if (attempt->candidates.files_len == 0)
        return VARVE_OK;
    int64_t bytes = vv_files_bytes(attempt->candidates.files, attempt->candidates.files_len);
    bool is_done = false;
    vv_engine_expect(call->table->engine, bytes);
    VV_TRY(vv_upsert_compare_few(op, call, attempt, &is_done));
    if (is_done)
        return count_outcomes(op, call, attempt);
    VV_TRY(stored_sql(op, call, attempt, &sql));
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_optimize(op, call->work->session, is_worth_planning(call, bytes)));
    const struct vv_query query = {.sql = vv_buf_str(&sql)};
    int64_t rows = 0;
    VV_TRY(vv_work_make(op, call->work, &call->work->stored, &query, &rows));
    return count_outcomes(op, call, attempt);
}
