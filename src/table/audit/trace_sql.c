#include "table/audit/trace_sql.h"

#include "base/hash_set.h"
#include "base/json_write.h"
#include "engine/sql.h"
#include "table/json_sql.h"

/* What JSON has no number for is a text: NaN is not NULL. */
static void add_json(const struct vv_field *field, const char *side, size_t column,
    struct vv_buf *sql)
{
    char name[64];
    (void)snprintf(name, sizeof(name), "%s.c%zu", side, column);
    vv_buf_adds(sql, "coalesce(");
    vv_json_sql(&field->type, vv_str_of(name), sql);
    vv_buf_adds(sql, ", 'null')");
}

/* "name": as a literal of SQL that is a member's beginning in JSON. */
static varve_status add_member(struct vv_op *op, struct vv_str name, struct vv_buf *sql)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&json);
    vv_jw_string(&writer, name);
    vv_buf_addc(&json, ':');
    if (!vv_buf_ok(&json))
        return vv_fail_memory(op);
    vv_sql_literal(sql, vv_buf_str(&json));
    return VARVE_OK;
}

/* '{...}' of the columns of `side`; `other` given: of those that differ from it. */
static varve_status add_object(struct vv_op *op, const struct vv_changes_run *run,
    const char *side, const char *other, struct vv_buf *sql)
{
    const struct vv_schema *schema = &vv_changes_view(run)->schema;
    vv_buf_adds(sql, "'{' || concat_ws(','");
    for (size_t i = 0; i < schema->fields_len; i++) {
        vv_buf_adds(sql, ", ");
        if (other != NULL)
            vv_buf_addf(sql, "CASE WHEN %s.c%zu IS DISTINCT FROM %s.c%zu THEN ", side, i, other,
                i);
        VV_TRY(add_member(op, schema->fields[i].name, sql));
        vv_buf_adds(sql, " || ");
        add_json(&schema->fields[i], side, i, sql);
        if (other != NULL)
            vv_buf_adds(sql, " END");
    }
    vv_buf_adds(sql, ") || '}'");
    return VARVE_OK;
}

static bool has_float(const struct vv_type *type)
{
    return vv_type_holds(type, VV_TYPE_FLOAT) || vv_type_holds(type, VV_TYPE_DOUBLE);
}

/*
 * One side of a version: the rows of the key that leave the table in it, or that come. The engine makes
 * columns that it has sorted by of its sort keys again, in which -0.0 is 0.0: so what has such numbers is
 * sorted by its text, and stays as it is.
 */
static void add_side(const struct vv_changes_run *run, const char *kinds, struct vv_buf *sql)
{
    const struct vv_schema *schema = &vv_changes_view(run)->schema;
    vv_buf_adds(sql, "(SELECT *, row_number() OVER (PARTITION BY _version ORDER BY ");
    for (size_t i = 0; i < schema->fields_len; i++)
        vv_buf_addf(sql,
            has_float(&schema->fields[i].type) ? "%sCAST(c%zu AS VARCHAR)" : "%sc%zu",
            i == 0 ? "" : ", ", i);
    vv_buf_addf(sql, ") AS _nth FROM ch WHERE _what IN (%s))", kinds);
}

/* What is in the row before, or after: of an update the columns that changed. */
static varve_status add_sight(struct vv_op *op, const struct vv_changes_run *run,
    const char *side, const char *other, struct vv_buf *sql)
{
    vv_buf_addf(sql, "CASE WHEN %s._what IS NULL THEN NULL WHEN %s._what IS NULL THEN ", side,
        other);
    VV_TRY(add_object(op, run, side, NULL, sql));
    vv_buf_adds(sql, " ELSE ");
    VV_TRY(add_object(op, run, side, other, sql));
    vv_buf_adds(sql, " END");
    return VARVE_OK;
}

/*
 * A row that leaves and comes in one version is one that was updated, or, where both are the same,
 * one that was only written elsewhere: by a restore that undoes a compaction, say. A key that is
 * stored twice has its rows paired in their order.
 */
static varve_status add_deeds(struct vv_op *op, const struct vv_changes_run *run,
    struct vv_buf *sql)
{
    vv_buf_adds(sql, "SELECT coalesce(o._version, n._version) AS v, coalesce(o._time, n._time) "
                     "AS t, CASE WHEN n._what IS NULL THEN 'delete' WHEN o._what IS NULL THEN "
                     "'insert' ELSE 'update' END AS change, ");
    VV_TRY(add_sight(op, run, "o", "n", sql));
    vv_buf_adds(sql, " AS before, ");
    VV_TRY(add_sight(op, run, "n", "o", sql));
    vv_buf_adds(sql, " AS after FROM ");
    add_side(run, "'delete', 'update_preimage'", sql);
    vv_buf_adds(sql, " AS o FULL JOIN ");
    add_side(run, "'insert', 'update_postimage'", sql);
    vv_buf_adds(sql, " AS n ON o._version = n._version AND o._nth = n._nth "
                     "WHERE o._what IS NULL OR n._what IS NULL");
    for (size_t i = 0; i < vv_changes_view(run)->schema.fields_len; i++)
        vv_buf_addf(sql, " OR o.c%zu IS DISTINCT FROM n.c%zu", i, i);
    return VARVE_OK;
}

/* The versions of the files that are read. */
static varve_status find_touched(struct vv_op *op, const struct vv_changes_run *run,
    struct vv_hash_set *out)
{
    for (int kind = 0; kind < VV_CHANGE_KINDS; kind++)
        for (int net = 0; net < 2; net++)
            for (size_t i = 0; i < run->files[kind][net].list.len; i++)
                if (!vv_hash_set_put(out, (uint64_t)run->files[kind][net].list.items[i].version,
                        NULL))
                    return vv_fail_memory(op);
    return VARVE_OK;
}

/* Who did what in the versions that may have changed the row. */
static varve_status add_history(struct vv_op *op, const struct vv_changes_run *run,
    struct vv_buf *sql)
{
    struct vv_hash_set touched = VV_HASH_SET_INIT(&op->arena);
    VV_TRY(find_touched(op, run, &touched));
    vv_buf_adds(sql, "(VALUES (-1::BIGINT, NULL::VARCHAR, NULL::VARCHAR, NULL::VARCHAR)");
    for (size_t i = 0; i < run->entries_len; i++) {
        const struct vv_history_entry *entry = &run->entries[i];
        VV_TRY(vv_check_cancel(op));
        if (entry->info == NULL || !vv_hash_set_has(&touched, (uint64_t)entry->version))
            continue;
        vv_buf_addf(sql, ", (%" PRId64 ", ", entry->version);
        vv_sql_literal(sql, entry->info->user_name);
        vv_buf_adds(sql, ", ");
        vv_sql_literal(sql, entry->info->operation);
        vv_buf_adds(sql, ", ");
        vv_sql_literal(sql, entry->info->user_metadata);
        vv_buf_addc(sql, ')');
    }
    vv_buf_adds(sql, ") AS h(v, who, what, why)");
    return VARVE_OK;
}

varve_status vv_trace_sql(struct vv_op *op, const struct vv_changes_run *run,
    struct vv_buf *sql)
{
    vv_buf_adds(sql, "WITH ch AS MATERIALIZED (");
    VV_TRY(vv_changes_rows_sql(op, run, sql));
    vv_buf_adds(sql, "), d AS (");
    VV_TRY(add_deeds(op, run, sql));
    vv_buf_adds(sql,
        ") SELECT d.v AS \"version\", d.t AS \"timestamp\", h.who AS \"userName\", "
        "h.what AS operation, h.why AS \"userMetadata\", d.change, d.before, "
        "d.after FROM d LEFT JOIN ");
    VV_TRY(add_history(op, run, sql));
    vv_buf_adds(sql, " ON h.v = d.v ORDER BY d.v, d.change");
    return vv_buf_ok(sql) ? VARVE_OK : vv_fail_memory(op);
}
