/*
 * asof_join: each row of a table with the row of another that was in force at its time.
 *
 * In force is the one with the greatest time at or before, of those that were known by then: by
 * order from max(time, order column) on, by event from its time on. A row that comes to be known
 * when one with a greater time is known already is never in force; without such rows the greatest
 * time known by then is that of the last row to be known, which is what ASOF JOIN finds.
 *
 * The columns of the first table, then those of the second without `by`, with _right behind names
 * that the first has too, then staleness_seconds: how old the row was that was in force. Where it is
 * older than the tolerance, or there is none, these are NULL.
 */
#include <stdio.h>

#include "base/time.h"
#include "engine/sql.h"
#include "lake/query_call.h"
#include "table/read/event_time.h"
#include "table/read/lost.h"
#include "table/read/predicate.h"
#include "table/read/scan_sql.h"

enum {
    LEFT,
    RIGHT,
    BY,
    TOLERANCE,
    KNOWLEDGE,
    CONDITION,
    LEFT_TIME,
    RIGHT_TIME
};
const char *const vv_query_asof_names[VV_QUERY_ASOF_ARGUMENTS] = {
    "left", "right", "by", "tolerance", "knowledge", "condition", "left_time", "right_time"};

#define STALENESS "staleness_seconds"

/* A column that both tables have. */
struct pair {
    int32_t left, right;
};

struct asof {
    struct vv_query_source *left, *right;
    int32_t left_time, right_time, right_order; /* right_order -1: by event */
    struct pair *by;
    size_t by_len;
    int64_t tolerance_us; /* INT64_MAX: none */
    bool
        is_lookup; /* of the second in a list of their times: there is one series, of few rows */
    struct vv_str condition;
};

/* ---- What is asked for ------------------------------------------------------------------------- */

static const struct vv_schema *schema_of(const struct vv_query_source *source)
{
    return &source->snapshot->schema;
}

static bool is_time(const struct vv_query_source *source, int32_t column)
{
    return column >= 0 && vv_type_is_time(&schema_of(source)->fields[column].type);
}

/* The column that was named, else the table's own. That it is the order column is told. */
static varve_status find_time(struct vv_op *op, const struct vv_query_source *source,
    struct vv_str named, int32_t *out)
{
    const struct vv_schema *schema = schema_of(source);
    if (named.ptr == NULL) {
        *out = vv_time_column(source->snapshot, &source->rules);
        vv_time_tell_order(op, source->table, source->snapshot, &source->rules, *out);
        if (is_time(source, *out))
            return VARVE_OK;
        return vv_time_fail(op, source->table->name, source->snapshot, &source->rules);
    }
    *out = vv_schema_find(schema, named);
    if (*out < 0)
        return vv_rules_fail_column(op, source->table->name, schema, named);
    if (is_time(source, *out))
        return VARVE_OK;
    return vv_fail(op, VARVE_EUSAGE, "column %.*s of table %.*s is no timestamp", VV_ARG(named),
        VV_ARG(source->table->name));
}

static varve_status read_by(struct vv_op *op, struct vv_str text, struct asof *asof)
{
    struct vv_str *names = NULL;
    if (text.ptr == NULL)
        return VARVE_OK;
    VV_TRY(vv_rules_split_names(op, &op->arena, text, &names, &asof->by_len));
    VV_NEW(op, &asof->by, struct pair, asof->by_len + 1);
    for (size_t i = 0; i < asof->by_len; i++) {
        asof->by[i].left = vv_schema_find(schema_of(asof->left), names[i]);
        asof->by[i].right = vv_schema_find(schema_of(asof->right), names[i]);
        const struct vv_query_source *lacks = asof->by[i].left < 0 ? asof->left : asof->right;
        if (asof->by[i].left < 0 || asof->by[i].right < 0)
            return vv_rules_fail_column(op, lacks->table->name, schema_of(lacks), names[i]);
    }
    return VARVE_OK;
}

static varve_status read_knowledge(struct vv_op *op, struct vv_str text, struct asof *asof)
{
    asof->right_order = -1;
    if (vv_str_eq_nocase(text, VV_STR("event")))
        return VARVE_OK;
    if (text.ptr != NULL && !vv_str_eq_nocase(text, VV_STR("order")))
        return vv_fail(op, VARVE_EUSAGE, "knowledge \"%.*s\" is not one of order, event",
            VV_ARG(text));
    asof->right_order = asof->right->rules.order;
    if (is_time(asof->right, asof->right_order))
        return VARVE_OK;
    return vv_fail(op, VARVE_EUSAGE,
        "table %.*s has no order column that is a time, so nothing says when its rows came to "
        "be known: say knowledge => 'event' to go by their own time",
        VV_ARG(asof->right->table->name));
}

static varve_status read_tolerance(struct vv_op *op, struct vv_str text, struct asof *asof)
{
    asof->tolerance_us = INT64_MAX;
    if (text.ptr == NULL ||
        (vv_time_parse_duration(text, &asof->tolerance_us) && asof->tolerance_us >= 0))
        return VARVE_OK;
    return vv_fail(op, VARVE_EUSAGE,
        "tolerance \"%.*s\" is not a length of time: say 90s, 15m or 1h", VV_ARG(text));
}

/* Nothing but a condition on the second table's rows is let in. */
static varve_status check_condition(struct vv_op *op, struct vv_query_script *script,
    const struct asof *asof)
{
    struct vv_predicate *predicate = NULL;
    if (asof->condition.ptr == NULL)
        return VARVE_OK;
    return vv_predicate_read(op, script->session, asof->right->snapshot, &asof->right->rules,
        "the condition", asof->condition, &predicate);
}

static varve_status find_right(struct vv_op *op, struct vv_query_script *script,
    const struct vv_query_call *call, struct vv_query_source **out)
{
    const struct vv_sql_table table = {.node = call->place->node,
        .catalog = VV_STR(""),
        .schema = VV_STR(""),
        .name = call->arguments[RIGHT].text,
        .alias = VV_STR("")};
    if (!call->arguments[RIGHT].is_text)
        return vv_fail(op, VARVE_EUSAGE, "%.*s is no name of a table",
            VV_ARG(call->arguments[RIGHT].text));
    if (vv_str_is_digits(vv_str_trim(script->request->at)))
        return vv_fail(op, VARVE_EUSAGE,
            "%.*s is a version, and two tables are read, each with versions of its own: "
            "give a time instead",
            VV_ARG(script->request->at));
    script->is_by_commit = script->request->is_known_by_row;
    varve_status status = vv_query_source_find(op, script, &table, out);
    script->is_by_commit = false;
    return status;
}

/* ---- The statement ------------------------------------------------------------------------------ */

/* "(SELECT "a" AS c0, ... FROM (...) WHERE ...)" */
static varve_status add_rows(struct vv_op *op, const struct vv_query_script *script,
    const struct vv_query_source *source, struct vv_str condition, struct vv_buf *sql)
{
    const struct vv_snapshot *snapshot = source->snapshot;
    const struct vv_scan_source scan = {.store = source->table->store,
        .engine = script->lake->sandbox,
        .snapshot = snapshot,
        .files = snapshot->files,
        .files_len = snapshot->files_len,
        .names = VV_SCAN_LOGICAL,
        .may_hold = true};
    vv_buf_adds(sql, "(SELECT ");
    for (size_t i = 0; i < snapshot->schema.fields_len; i++) {
        vv_buf_adds(sql, i == 0 ? "" : ", ");
        vv_sql_name(sql, snapshot->schema.fields[i].name);
        vv_buf_addf(sql, " AS c%zu", i);
    }
    vv_buf_adds(sql, " FROM (");
    if (vv_scan_sql(op, &scan, sql) != VARVE_OK)
        return vv_lost_version(op, source->table, snapshot, snapshot->files,
            snapshot->files_len);
    vv_buf_adds(sql, ") AS s");
    if (condition.ptr != NULL) {
        struct vv_str kept;
        VV_TRY(vv_sql_keep_nulls_of(op, script->session, condition, &kept));
        vv_buf_addf(sql, " WHERE (%.*s\n)", VV_ARG(kept));
    }
    vv_buf_addc(sql, ')');
    return VARVE_OK;
}

static void add_partition(const struct asof *asof, struct vv_buf *sql)
{
    for (size_t i = 0; i < asof->by_len; i++)
        vv_buf_addf(sql, "%sc%d", i == 0 ? "PARTITION BY " : ", ", asof->by[i].right);
}

/* The second table's rows that are ever in force, with `_from`: since when. */
static void add_in_force(const struct asof *asof, struct vv_buf *sql)
{
    vv_buf_addf(sql, "(SELECT * FROM (SELECT *, CAST(c%d AS TIMESTAMPTZ) AS _at, ",
        asof->right_time);
    if (asof->right_order < 0) {
        vv_buf_addf(sql, "CAST(c%d AS TIMESTAMPTZ) AS _from FROM r0)", asof->right_time);
    } else {
        vv_buf_addf(sql,
            "greatest(CAST(c%d AS TIMESTAMPTZ), CAST(c%d AS TIMESTAMPTZ)) AS _from FROM r0 "
            "WHERE "
            "c%d IS NOT NULL)",
            asof->right_time, asof->right_order, asof->right_order);
    }
    vv_buf_adds(sql, " WHERE _at IS NOT NULL");
    /* The engine's ASOF join lets a NULL meet a NULL in them (query_guard.c). */
    for (size_t i = 0; i < asof->by_len; i++)
        vv_buf_addf(sql, " AND c%d IS NOT NULL", asof->by[i].right);
    vv_buf_adds(sql, " QUALIFY _at >= max(_at) OVER (");
    add_partition(asof, sql);
    vv_buf_adds(sql, " ORDER BY _from) AND row_number() OVER (");
    add_partition(asof, sql);
    vv_buf_addf(sql, "%s_from ORDER BY _at DESC", asof->by_len > 0 ? ", " : "PARTITION BY ");
    if (asof->right->rules.order >= 0)
        vv_buf_addf(sql, ", c%d DESC NULLS LAST", asof->right->rules.order);
    for (size_t i = 0; i < asof->right->rules.key_len; i++)
        vv_buf_addf(sql, ", c%d", asof->right->rules.key[i]);
    vv_buf_adds(sql, ") = 1)");
}

static bool is_by(const struct asof *asof, size_t right)
{
    for (size_t i = 0; i < asof->by_len; i++)
        if (asof->by[i].right == (int32_t)right)
            return true;
    return false;
}

static bool is_taken(const struct asof *asof, struct vv_str name)
{
    return vv_schema_find(schema_of(asof->left), name) >= 0 ||
           vv_str_eq_nocase(name, VV_STR(STALENESS));
}

static varve_status add_columns(struct vv_op *op, const struct asof *asof, struct vv_buf *sql)
{
    const struct vv_schema *left = schema_of(asof->left);
    const struct vv_schema *right = schema_of(asof->right);
    for (size_t i = 0; i < left->fields_len; i++) {
        vv_buf_addf(sql, "%sl%zu AS ", i == 0 ? "" : ", ", i);
        vv_sql_name(sql, left->fields[i].name);
    }
    for (size_t i = 0; i < right->fields_len; i++) {
        struct vv_str name = right->fields[i].name;
        if (is_by(asof, i))
            continue;
        while (is_taken(asof, name)) {
            name = vv_arena_format(&op->arena, "%.*s_right", VV_ARG(name));
            if (name.ptr == NULL)
                return vv_fail_memory(op);
        }
        vv_buf_addf(sql, ", CASE WHEN _us <= %" PRId64 " THEN r%zu END AS ", asof->tolerance_us,
            i);
        vv_sql_name(sql, name);
    }
    vv_buf_addf(sql, ", CASE WHEN _us <= %" PRId64 " THEN _us / 1e6 END AS " STALENESS,
        asof->tolerance_us);
    return VARVE_OK;
}

static void add_join(const struct asof *asof, struct vv_buf *sql)
{
    vv_buf_adds(sql, "(SELECT ");
    for (size_t i = 0; i < schema_of(asof->left)->fields_len; i++)
        vv_buf_addf(sql, "l.c%zu AS l%zu, ", i, i);
    for (size_t i = 0; i < schema_of(asof->right)->fields_len; i++)
        vv_buf_addf(sql, "r.c%zu AS r%zu, ", i, i);
    vv_buf_adds(sql, "epoch_us(l._at) - epoch_us(r._at) AS _us FROM ");
    vv_buf_adds(sql,
        asof->is_lookup
            ? "(SELECT *, varve_step(_at, (SELECT list(_from ORDER BY _from) FROM r))"
              " AS _step FROM l) AS l LEFT JOIN (SELECT *, row_number() OVER (ORDER BY"
              " _from) AS _step FROM r) AS r ON l._step = r._step"
            : "l ASOF LEFT JOIN r ON l._at >= r._from");
    for (size_t i = 0; i < asof->by_len; i++)
        vv_buf_addf(sql, " AND l.c%d = r.c%d", asof->by[i].left, asof->by[i].right);
    vv_buf_adds(sql, ") AS j");
}

static varve_status add_statement(struct vv_op *op, const struct vv_query_script *script,
    const struct asof *asof, struct vv_buf *sql)
{
    vv_buf_adds(sql, "WITH l0 AS ");
    VV_TRY(add_rows(op, script, asof->left, VV_STR_NONE, sql));
    vv_buf_addf(sql, ", l AS (SELECT *, CAST(c%d AS TIMESTAMPTZ) AS _at FROM l0), r0 AS ",
        asof->left_time);
    VV_TRY(add_rows(op, script, asof->right, asof->condition, sql));
    vv_buf_adds(sql, ", r AS ");
    add_in_force(asof, sql);
    vv_buf_adds(sql, " SELECT ");
    VV_TRY(add_columns(op, asof, sql));
    vv_buf_adds(sql, " FROM ");
    add_join(asof, sql);
    return VARVE_OK;
}

varve_status vv_query_make_asof(struct vv_op *op, struct vv_query_script *script,
    const struct vv_query_call *call)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    struct asof asof = {.left = call->source, .condition = call->arguments[CONDITION].text};
    VV_TRY(find_right(op, script, call, &asof.right));
    VV_TRY(find_time(op, asof.left, call->arguments[LEFT_TIME].text, &asof.left_time));
    VV_TRY(find_time(op, asof.right, call->arguments[RIGHT_TIME].text, &asof.right_time));
    VV_TRY(read_by(op, call->arguments[BY].text, &asof));
    VV_TRY(read_tolerance(op, call->arguments[TOLERANCE].text, &asof));
    VV_TRY(read_knowledge(op, call->arguments[KNOWLEDGE].text, &asof));
    VV_TRY(check_condition(op, script, &asof));
    if (asof.by_len == 0)
        VV_TRY(vv_query_has_few_rows(op, asof.right->snapshot->files,
            asof.right->snapshot->files_len, &asof.is_lookup));
    vv_buf_adds(&sql, "CREATE TEMP VIEW ");
    vv_sql_name(&sql, call->view);
    vv_buf_adds(&sql, " AS ");
    VV_TRY(add_statement(op, script, &asof, &sql));
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    if (vv_session_make_view(op, script->session, vv_buf_str(&sql)) == VARVE_OK)
        return VARVE_OK;
    if (asof.condition.ptr == NULL || op->error.code != VARVE_EFAILED)
        return op->error.code;
    vv_recode(op, VARVE_EUSAGE);
    return vv_sql_blame(op, "the condition", asof.condition);
}
