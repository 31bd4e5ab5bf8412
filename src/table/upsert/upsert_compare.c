/*
 * Step 4 of the upsert: compare the batch with the stored rows that have its keys.
 */
#include <string.h>

#include "engine/sql.h"
#include "table/batch/batch_few.h"
#include "table/read/scan_sql.h"
#include "table/upsert/compare.h"
#include "table/upsert/key_groups.h"
#include "table/upsert/upsert_compare_few.h"

#define COMPARED_BYTES_FEW (INT64_C(256) << 10)
#define NEAR_PART \
    4 /* of more files than that part some rows are equal by the probe: no good one */

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
    const struct vv_keyed_rows keyed = {call->batch.sql, call->batch.many != NULL};
    struct vv_key_groups groups;
    struct vv_key_group *few = NULL;
    if (call->batch.few != NULL && vv_few_can_count(schema, attempt->rules)) {
        VV_TRY(vv_few_groups(op, &attempt->arena, call->batch.few, schema, attempt->rules, &few,
            &attempt->groups_len));
        attempt->groups = few;
        return VARVE_OK;
    }
    VV_TRY(vv_key_groups_read(op, call->work->session, &attempt->arena, schema, attempt->rules,
        &keyed, &groups));
    attempt->groups = groups.items;
    attempt->groups_len = groups.len;
    return VARVE_OK;
}

/* Which of the columns of `stored` are read one by one. */
enum stored_column {
    STORED_FILE = 0,
    STORED_OWN = 3,
    STORED_ORDER = 4,
    STORED_BATCH_ORDER = 5,
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

/* Of an update: the row has no order value of its own, and the one that it got is no later one. */
static bool is_to_be_later(const struct vv_upsert_attempt *attempt, const struct vv_rows *rows)
{
    if (attempt->rules->order < 0 || vv_rows_bool(rows, STORED_OWN) ||
        vv_rows_is_null(rows, STORED_ORDER))
        return false;
    return vv_rows_is_null(rows, STORED_BATCH_ORDER) ||
           vv_rows_int64(rows, STORED_BATCH_ORDER) <= vv_rows_int64(rows, STORED_ORDER);
}

/* A row that its time made stale, though it is the clock of the stored one that was wrong. */
static void note_ahead(const struct vv_upsert_call *call, struct vv_upsert_attempt *attempt,
    const struct vv_rows *rows)
{
    const struct vv_rules *rules = attempt->rules;
    if (rules->order < 0 || vv_rows_is_null(rows, STORED_ORDER) ||
        vv_rows_is_null(rows, STORED_BATCH_ORDER))
        return;
    const struct vv_type *type = &attempt->snapshot->schema.fields[rules->order].type;
    if (!vv_type_is_time(type))
        return;
    int64_t stored_us = vv_rows_int64(rows, STORED_ORDER);
    int64_t now_us = call->batch.now_us;
    if (stored_us <= now_us || vv_rows_int64(rows, STORED_BATCH_ORDER) > now_us)
        return;
    attempt->ahead++;
    if (stored_us > attempt->ahead_until)
        attempt->ahead_until = stored_us;
}

/* `near`: by candidate, the files of rows that are equal in what was compared; NULL: nobody asks. */
static varve_status count_outcomes(struct vv_op *op, const struct vv_upsert_call *call,
    struct vv_upsert_attempt *attempt, bool *near)
{
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    bool has_row = false;
    int64_t found = 0;
    size_t files_len = attempt->candidates.files_len;
    memset(attempt->consulted, 0, files_len * sizeof(*attempt->consulted));
    memset(attempt->gone, 0, files_len * sizeof(*attempt->gone));
    memset(attempt->counts, 0, sizeof(attempt->counts));
    attempt->repaired = 0;
    attempt->later = 0;
    attempt->ahead = attempt->ahead_until = 0;
    VV_TRY(stored_read(op, call, &rows));
    for (;;) {
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row)
            break;
        int64_t file = vv_rows_int64(rows, STORED_FILE);
        int64_t what = vv_rows_int64(rows, STORED_WHAT);
        bool is_first = vv_rows_int64(rows, STORED_RANK) == 1;
        VV_PRE(file >= 0 && (size_t)file < files_len && what >= 0 && what < 4);
        attempt->consulted[file] = true;
        attempt->counts[what] += is_first;
        attempt->repaired += !is_first;
        attempt->gone[file] += !is_first || what == VV_OUTCOME_UPDATE;
        attempt->later +=
            is_first && what == VV_OUTCOME_UPDATE && is_to_be_later(attempt, rows);
        if (is_first && what == VV_OUTCOME_STALE)
            note_ahead(call, attempt, rows);
        if (near != NULL && is_first && what == VV_OUTCOME_UNCHANGED)
            near[file] = true;
        found += is_first;
    }
    attempt->counts[VV_OUTCOME_INSERT] = call->batch.rows - found;
    return VARVE_OK;
}

/* Makes `stored` and counts it. */
static varve_status make_stored(struct vv_op *op, const struct vv_upsert_call *call,
    struct vv_upsert_attempt *attempt, struct vv_str pairs, bool *near)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    vv_compare_ranked_sql(pairs, &sql);
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    const struct vv_query query = {.sql = vv_buf_str(&sql)};
    int64_t rows = 0;
    VV_TRY(vv_work_make(op, call->work, &call->work->stored, &query, &rows));
    return count_outcomes(op, call, attempt, near);
}

static varve_status compare_by(struct vv_op *op, const struct vv_upsert_call *call,
    struct vv_upsert_attempt *attempt, const bool *columns, bool *near)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf pairs = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_compare compare = {.call = call, .attempt = attempt, .columns = columns};
    VV_TRY(vv_compare_pairs_sql(op, &compare, &pairs));
    return vv_buf_ok(&pairs) ? make_stored(op, call, attempt, vv_buf_str(&pairs), near)
                             : vv_fail_memory(op);
}

/*
 * Rows that are equal by the probe may differ elsewhere: their files are compared again, by all
 * columns. What was found in the other files stays. (Which of several rows of one key ranks first has
 * nothing to do with what is equal, and of the others nobody asks whether they are.)
 */
static varve_status compare_again(struct vv_op *op, const struct vv_upsert_call *call,
    struct vv_upsert_attempt *attempt, const int64_t *files, size_t files_len, bool *near)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_compare compare = {
        .call = call, .attempt = attempt, .files = files, .files_len = files_len};
    int64_t rows = 0;
    vv_buf_addf(&sql,
        "SELECT _file, _pos, _row, _own, _o, _batch_o, _same FROM %.*s WHERE _file NOT IN",
        VV_ARG(call->work->stored.sql));
    for (size_t i = 0; i < files_len; i++)
        vv_buf_addf(&sql, "%s%" PRId64, i == 0 ? " (" : ", ", files[i]);
    vv_buf_addc(&sql, ')');
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    const struct vv_query query = {.sql = vv_buf_str(&sql)};
    VV_TRY(vv_work_make(op, call->work, &call->work->pairs, &query, &rows));
    sql.len = 0;
    vv_buf_addf(&sql, "FROM %.*s UNION ALL ", VV_ARG(call->work->pairs.sql));
    VV_TRY(vv_compare_pairs_sql(op, &compare, &sql));
    return vv_buf_ok(&sql) ? make_stored(op, call, attempt, vv_buf_str(&sql), near)
                           : vv_fail_memory(op);
}

static varve_status compare_all(struct vv_op *op, const struct vv_upsert_call *call,
    struct vv_upsert_attempt *attempt)
{
    const bool *probe = NULL;
    bool *near = NULL;
    int64_t *files = NULL;
    size_t near_len = 0;
    size_t len = attempt->candidates.files_len;
    VV_NEW(op, &near, bool, len + 1);
    VV_NEW(op, &files, int64_t, len + 1);
    VV_TRY(vv_compare_probe(op, call, attempt, &probe));
    VV_TRY(compare_by(op, call, attempt, probe, near));
    if (probe == NULL)
        return VARVE_OK;
    for (size_t i = 0; i < len; i++)
        if (near[i])
            files[near_len++] = (int64_t)i;
    vv_compare_remember(call, attempt, near_len <= len / NEAR_PART ? probe : NULL);
    if (near_len == 0)
        return VARVE_OK;
    return near_len <= len / 2 ? compare_again(op, call, attempt, files, near_len, near)
                               : compare_by(op, call, attempt, NULL, near);
}

/* To plan well pays where much is to be read. */
static bool is_worth_planning(const struct vv_upsert_call *call, int64_t bytes)
{
    return bytes > COMPARED_BYTES_FEW || !call->work->is_small;
}

varve_status vv_upsert_compare(struct vv_op *op, const struct vv_upsert_call *call,
    struct vv_upsert_attempt *attempt)
{
    if (call->batch.rows == 0)
        return VARVE_OK;
    VV_TRY(read_groups(op, call, attempt));
    if (!call->options->append)
        VV_TRY(vv_candidates_find_known(op, &attempt->arena, attempt->snapshot, attempt->rules,
            &(struct vv_key_groups){attempt->groups, attempt->groups_len}, &call->work->known,
            &attempt->candidates));
    /* Which of several rows with one key was committed last, their places tell (by rank). */
    vv_files_sort(attempt->candidates.files, attempt->candidates.files_len);
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
    attempt->are_on_record = is_done;
    if (is_done)
        return count_outcomes(op, call, attempt, NULL);
    VV_TRY(vv_session_optimize(op, call->work->session, is_worth_planning(call, bytes)));
    return compare_all(op, call, attempt);
}
