/*
 * Keys of a batch are never NULL (validated), and DuckDB's `=` on floats holds for NaN and for
 * -0.0 and 0.0, so `=` is the IS NOT DISTINCT FROM that the rule asks for, and unlike it lets the
 * join push the batch's key range into the Parquet scan. Where that range spans what the files have,
 * each of their rows would be held against it for nothing.
 */
#include "table/read/scan_sql.h"
#include "table/upsert/compare.h"

/* Of fewer files the rows are few; and of one in so many the range may leave rows out. */
#define SPANNED_FILES_MIN 4
#define SPANNED_PART 8

bool vv_upsert_is_compared(const struct vv_upsert_attempt *attempt,
    const enum vv_moment *moments, int32_t column)
{
    return column != attempt->rules->order && !vv_rules_is_key(attempt->rules, column) &&
           (moments == NULL || moments[column] != VV_MOMENT_ALWAYS);
}

bool vv_compare_has(const struct vv_compare *compare, size_t column)
{
    return vv_upsert_is_compared(compare->attempt, compare->call->batch.moments,
               (int32_t)column) &&
           (compare->columns == NULL || compare->columns[column]);
}

/* "b._m1 OR ", where the column is compared for some rows alone. */
static void moment_sql(const struct vv_compare *compare, const char *before, size_t column,
    const char *after, struct vv_buf *sql)
{
    const enum vv_moment *moments = compare->call->batch.moments;
    if (moments != NULL && moments[column] == VV_MOMENT_SOME)
        vv_buf_addf(sql, "%sb._m%zu%s", before, column, after);
}

static void same_sql(const struct vv_compare *compare, struct vv_buf *sql)
{
    const char *separator = "";
    for (size_t i = 0; i < compare->attempt->snapshot->schema.fields_len; i++) {
        if (!vv_compare_has(compare, i))
            continue;
        vv_buf_addf(sql, "%s(", separator);
        moment_sql(compare, "", i, " OR ", sql);
        vv_buf_addf(sql, "s.c%zu IS NOT DISTINCT FROM b.c%zu)", i, i);
        separator = " AND ";
    }
    vv_buf_addf(sql, "%s AS _same", *separator == '\0' ? "true" : "");
}

static void differs_sql(const struct vv_compare *compare, struct vv_buf *sql)
{
    vv_buf_adds(sql, "CAST(0 AS BIGINT)");
    for (size_t i = 0; i < compare->attempt->snapshot->schema.fields_len; i++) {
        if (i >= VV_COMPARE_BITS || !vv_compare_has(compare, i))
            continue;
        vv_buf_adds(sql, " + CASE WHEN ");
        moment_sql(compare, "NOT ", i, " AND ", sql);
        vv_buf_addf(sql, "s.c%zu IS DISTINCT FROM b.c%zu THEN %" PRIu64 " ELSE 0 END", i, i,
            UINT64_C(1) << i);
    }
    vv_buf_adds(sql, " AS _differs");
}

/* Only the columns that are needed: of the others the engine would have to find out itself. */
static varve_status source_of(struct vv_op *op, const struct vv_compare *compare,
    struct vv_scan_source *out)
{
    const struct vv_upsert_attempt *attempt = compare->attempt;
    const struct vv_rules *rules = attempt->rules;
    const struct vv_file **files = NULL;
    int32_t *columns = NULL;
    size_t fields_len = attempt->snapshot->schema.fields_len;
    *out = (struct vv_scan_source){.store = compare->call->table->store,
        .engine = compare->call->table->engine,
        .snapshot = attempt->snapshot,
        .files = attempt->candidates.files,
        .files_len = attempt->candidates.files_len,
        .names = VV_SCAN_INDEXED};
    if (compare->columns != NULL) {
        VV_NEW(op, &columns, int32_t, fields_len + 1);
        for (size_t i = 0; i < fields_len; i++)
            if (vv_rules_is_key(rules, (int32_t)i) || (int32_t)i == rules->order ||
                vv_compare_has(compare, i))
                columns[out->columns_len++] = (int32_t)i;
        out->columns = columns;
    }
    if (compare->files == NULL)
        return VARVE_OK;
    VV_NEW(op, &files, const struct vv_file *, compare->files_len + 1);
    for (size_t i = 0; i < compare->files_len; i++)
        files[i] = attempt->candidates.files[compare->files[i]];
    out->files = files;
    out->files_len = compare->files_len;
    return VARVE_OK;
}

static void file_sql(const struct vv_compare *compare, struct vv_buf *sql)
{
    if (compare->files == NULL) {
        vv_buf_adds(sql, "s._file");
        return;
    }
    vv_buf_addc(sql, '(');
    for (size_t i = 0; i < compare->files_len; i++)
        vv_buf_addf(sql, "%s%" PRId64, i == 0 ? "[" : ", ", compare->files[i]);
    vv_buf_adds(sql, "]::BIGINT[])[s._file + 1] AS _file");
}

/* The least and the greatest value of a key column in the batch; kind NULL: there is none. */
static void range_of(const struct vv_upsert_attempt *attempt, size_t column,
    struct vv_value *out_min, struct vv_value *out_max)
{
    *out_min = attempt->groups[0].min[column];
    *out_max = attempt->groups[0].max[column];
    for (size_t i = 1; i < attempt->groups_len && out_min->kind != VV_VALUE_NULL; i++) {
        const struct vv_key_group *group = &attempt->groups[i];
        if (group->min[column].kind == VV_VALUE_NULL) {
            *out_min = group->min[column];
            return;
        }
        if (vv_value_cmp(&group->min[column], out_min) < 0)
            *out_min = group->min[column];
        if (vv_value_cmp(&group->max[column], out_max) > 0)
            *out_max = group->max[column];
    }
}

static bool is_within(const struct vv_bounds *bounds, const struct vv_value *min,
    const struct vv_value *max)
{
    return min->kind != VV_VALUE_NULL && bounds->min.kind == min->kind &&
           bounds->max.kind == max->kind && vv_value_cmp(&bounds->min, min) >= 0 &&
           vv_value_cmp(&bounds->max, max) <= 0;
}

/* By key column: the batch's range spans most of the files. */
static varve_status find_spanned(struct vv_op *op, const struct vv_upsert_attempt *attempt,
    const struct vv_scan_source *source, bool **out)
{
    const struct vv_rules *rules = attempt->rules;
    const struct vv_stats_columns asked = {
        &attempt->snapshot->schema, attempt->snapshot->metadata, rules->key, rules->key_len};
    struct vv_value *min = NULL;
    struct vv_value *max = NULL;
    size_t *within = NULL;
    VV_NEW(op, out, bool, rules->key_len + 1);
    VV_NEW(op, &min, struct vv_value, rules->key_len + 1);
    VV_NEW(op, &max, struct vv_value, rules->key_len + 1);
    VV_NEW(op, &within, size_t, rules->key_len + 1);
    if (source->files_len < SPANNED_FILES_MIN || attempt->groups_len == 0)
        return VARVE_OK;
    for (size_t i = 0; i < rules->key_len; i++)
        range_of(attempt, i, &min[i], &max[i]);
    for (size_t f = 0; f < source->files_len; f++) {
        struct vv_file_stats stats = {0};
        VV_TRY(vv_stats_read(op, &op->arena, source->files[f], &asked, &stats));
        for (size_t i = 0; i < rules->key_len; i++)
            within[i] += is_within(&stats.columns[i], &min[i], &max[i]);
    }
    for (size_t i = 0; i < rules->key_len; i++)
        (*out)[i] = within[i] >= source->files_len - source->files_len / SPANNED_PART;
    return VARVE_OK;
}

varve_status vv_compare_pairs_sql(struct vv_op *op, const struct vv_compare *compare,
    struct vv_buf *sql)
{
    const struct vv_rules *rules = compare->attempt->rules;
    struct vv_scan_source source;
    bool *is_spanned = NULL;
    VV_TRY(source_of(op, compare, &source));
    VV_TRY(find_spanned(op, compare->attempt, &source, &is_spanned));
    vv_buf_adds(sql, "SELECT ");
    file_sql(compare, sql);
    vv_buf_adds(sql, ", s._pos, b._row, b._own, ");
    if (rules->order >= 0)
        vv_buf_addf(sql, "s.c%d AS _o, b.c%d AS _batch_o, ", rules->order, rules->order);
    else
        vv_buf_adds(sql, "0 AS _o, 0 AS _batch_o, ");
    if (compare->tells_columns)
        differs_sql(compare, sql);
    else
        same_sql(compare, sql);
    vv_buf_adds(sql, " FROM (");
    VV_TRY(vv_scan_sql(op, &source, sql));
    vv_buf_addf(sql, ") AS s JOIN %.*s AS b ON ", VV_ARG(compare->call->batch.sql));
    for (size_t i = 0; i < rules->key_len; i++)
        vv_buf_addf(sql, "%ss.c%d %s b.c%d", i == 0 ? "" : " AND ", rules->key[i],
            is_spanned[i] ? "IS NOT DISTINCT FROM" : "=", rules->key[i]);
    return vv_buf_ok(sql) ? VARVE_OK : vv_fail_memory(op);
}

void vv_compare_ranked_sql(struct vv_str pairs, struct vv_buf *sql)
{
    vv_buf_adds(sql, "SELECT *, CASE "
                     "WHEN first_value(_same) OVER ranking THEN 2 "
                     "WHEN _own AND _batch_o < first_value(_o) OVER ranking THEN 3 ELSE 1 END "
                     "AS _what, row_number() OVER ranking AS _rank FROM (");
    vv_buf_add(sql, pairs);
    vv_buf_adds(sql, ") WINDOW ranking AS (PARTITION BY _row ORDER BY _o DESC NULLS LAST, "
                     "_file DESC, _pos DESC ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED "
                     "FOLLOWING)");
}
