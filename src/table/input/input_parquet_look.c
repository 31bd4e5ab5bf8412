/*
 * What a file of Parquet says that the engine does not pass on: that a column has no type, since it
 * has no value, that a decimal has more digits than the engine knows, and that times are finer than the
 * microseconds that come out.
 *
 * A column of such times becomes the pair that Arrow's are (engine.h), of INT96 one whose time is naive.
 * Within nested values there is no such pair, and the row has a fault.
 *
 * Where digits are to be cut, the engine does that, but for nanoseconds with a zone before 1970, which it
 * rounds towards that year: so only these are looked for, and have the microsecond below.
 */
#include "base/map.h"
#include "base/number.h"
#include "engine/parquet_digits.h"
#include "engine/sql.h"
#include "table/input/batch_input.h"

/* So many values are told one by one; a file that has more of them is refused as it is. */
#define FINE_MAX 1000000
#define FINE_BYTES 128 /* of one, at most */
#define US_MAX \
    (INT64_MAX / 1000) /* of the latest nanosecond, which the engine takes for no time */

#define ROW_NAME "\"varve fine row\""
#define US_NAME "\"varve fine us %" PRIu32 "\""
#define NS_NAME "\"varve fine ns %" PRIu32 "\""

struct look {
    struct vv_op *op;
    struct vv_batch_input *input;
    struct vv_pq_file file;
    struct vv_buf fines;        /* "row,leaf,microseconds,nanoseconds" */
    int64_t fines_len;          /* of all leaves */
    int64_t row, leaf_len;      /* the last row of this leaf, and how many */
    struct vv_str column;       /* at the top, that is looked at now */
    struct vv_buf replaced;     /* "x AS y, ..." */
    struct vv_buf names;        /* ", x, y" */
    struct vv_buf digits;       /* ", max(ns) FILTER (c = 1) AS x" */
    struct vv_buf fault_names;  /* " WHEN 1 THEN 'l.element'": leaves whose values are faults */
    struct vv_buf fault_leaves; /* "1, 2" */
};

static void look_done(struct look *look)
{
    vv_buf_done(&look->fines);
    vv_buf_done(&look->replaced);
    vv_buf_done(&look->names);
    vv_buf_done(&look->digits);
    vv_buf_done(&look->fault_names);
    vv_buf_done(&look->fault_leaves);
}

static varve_status read_bytes(struct vv_op *op, void *data, int64_t offset, char *out,
    size_t len, size_t *out_len)
{
    return vv_source_read(op, data, offset, out, len, out_len);
}

/* Of a list the first such value is told. */
static varve_status fine_take(struct vv_op *op, void *data, const struct vv_pq_fine *fine)
{
    struct look *look = data;
    bool cuts = look->input->truncates_time;
    if (look->leaf_len > 0 && look->row == fine->row)
        return VARVE_OK;
    if (cuts && fine->us >= 0 && fine->us < US_MAX)
        return VARVE_OK;
    look->row = fine->row;
    look->leaf_len++;
    if (++look->fines_len > FINE_MAX)
        return vv_fail(op, VARVE_EINVALID,
            "column %.*s: more than %d values%s have digits below a microsecond: cast it to "
            "microseconds%s",
            VV_ARG(look->column), FINE_MAX, cuts ? " before 1970" : "",
            cuts ? "" : ", or have them cut (--truncate-time)");
    vv_buf_addf(&look->fines, "%" PRId64 ",%" PRIu32 ",%" PRId64 ",%" PRId64 "\n", fine->row,
        fine->leaf, fine->us, fine->ns);
    return vv_buf_ok(&look->fines) ? VARVE_OK : vv_fail_memory(op);
}

/* "CAST(NULL AS VARCHAR) AS x" */
static void replace_null(struct look *look, struct vv_str name)
{
    vv_buf_addf(&look->replaced, "%sCAST(NULL AS VARCHAR) AS ",
        look->replaced.len > 0 ? ", " : "");
    vv_sql_name(&look->replaced, name);
}

/* The engine's microseconds before 1970 are not rounded down. */
static void replace_fine(struct look *look, const struct vv_pq_node *node, uint32_t leaf)
{
    struct vv_buf *sql = &look->replaced;
    VV_CLEANUP(vv_buf_done) struct vv_buf name = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf at = VV_BUF_INIT(VV_BUF_MAX);
    vv_sql_name(&name, node->name);
    struct vv_str column = vv_buf_str(&name);
    vv_buf_addf(&at, "coalesce(TRY(make_timestamp%s(" US_NAME ")), %.*s)",
        node->type == VV_PQ_INT96 ? "" : "tz", leaf, VV_ARG(column));
    vv_buf_adds(sql, sql->len > 0 ? ", " : "");
    if (look->input->truncates_time)
        vv_buf_add(sql, vv_buf_str(&at));
    else
        vv_buf_addf(sql,
            "CASE WHEN %.*s IS NOT NULL THEN struct_pack(at := %.*s, ns := coalesce(" NS_NAME
            ", CAST(0 AS SMALLINT))) END",
            VV_ARG(column), VV_ARG(vv_buf_str(&at)), leaf);
    vv_buf_addf(sql, " AS %.*s", VV_ARG(column));
    sql->failed = sql->failed || !vv_buf_ok(&name) || !vv_buf_ok(&at);
    vv_buf_addf(&look->names, ", " US_NAME ", " NS_NAME, leaf, leaf);
    vv_buf_addf(&look->digits,
        ", max(us) FILTER (c = %" PRIu32 ") AS " US_NAME ", max(ns) FILTER (c = %" PRIu32
        ") AS " NS_NAME,
        leaf, leaf, leaf, leaf);
}

/* Of a leaf below the top the name is none of the table's: a row that was set aside shows it beside. */
static void fault_add(struct look *look, const struct vv_pq_node *leaf, uint32_t number)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf path = VV_BUF_INIT(VV_BUF_MAX);
    vv_buf_add(&path, look->column);
    if (leaf->name.ptr != look->column.ptr)
        vv_buf_addf(&path, ".%.*s", VV_ARG(leaf->name));
    vv_buf_addf(&look->fault_names, " WHEN %" PRIu32 " THEN ", number);
    vv_sql_literal(&look->fault_names, vv_buf_str(&path));
    vv_buf_addf(&look->fault_leaves, "%s%" PRIu32, look->fault_leaves.len > 0 ? ", " : "",
        number);
    look->fault_names.failed = look->fault_names.failed || !vv_buf_ok(&path);
}

/* Of values that nobody can look at those before 1970 are not read. */
static void replace_checked(struct look *look, struct vv_str name)
{
    struct vv_buf *sql = &look->replaced;
    vv_buf_adds(sql, sql->len > 0 ? ", CASE WHEN " : "CASE WHEN ");
    vv_sql_name(sql, name);
    vv_buf_adds(sql, " <= TIMESTAMPTZ '1970-01-01 00:00:00+00' THEN error(concat(");
    vv_sql_literal(sql, name);
    vv_buf_adds(sql, ", ' = ', ");
    vv_sql_name(sql, name);
    vv_buf_adds(sql, ", ' may have been rounded up: cast the column to microseconds')) ELSE ");
    vv_sql_name(sql, name);
    vv_buf_adds(sql, " END AS ");
    vv_sql_name(sql, name);
}

static varve_status leaf_look(struct look *look, uint32_t number)
{
    struct vv_op *op = look->op;
    const struct vv_pq_node *leaf = look->file.leaves[number];
    const struct vv_pq_bytes bytes = {
        &look->input->source, look->input->source.bytes, read_bytes};
    const struct vv_pq_fine_taker to = {look, fine_take};
    bool is_top = leaf->name.ptr == look->column.ptr && leaf->rep_max == 0;
    bool cuts = look->input->truncates_time;
    look->leaf_len = 0;
    varve_status status = vv_pq_find_fine(op, &bytes, &look->file, number, &to);
    if (status == VARVE_EUNSUPPORTED && is_top && cuts) {
        vv_forgive(op);
        replace_checked(look, leaf->name);
        return VARVE_OK;
    }
    if (status == VARVE_EUNSUPPORTED) {
        vv_recode(op, VARVE_EINVALID);
        return vv_note(op,
            "column %.*s has nanoseconds, and nobody can tell whether any would be lost: cast "
            "it to microseconds%s",
            VV_ARG(look->column), cuts ? "" : ", or have them cut (--truncate-time)");
    }
    if (status == VARVE_OK && look->leaf_len > 0 && is_top)
        replace_fine(look, leaf, number);
    else if (status == VARVE_OK && look->leaf_len > 0)
        fault_add(look, leaf, number);
    return status;
}

/* Of names that are equal but for case the engine would make others, of which nobody knows. */
static varve_status name_check(struct look *look, struct vv_map *seen, struct vv_str name)
{
    struct vv_str key = vv_arena_lower(&look->op->arena, name);
    bool was_there = false;
    if (name.len == 0)
        return vv_fail(look->op, VARVE_EINVALID, "column %zu of the input has no name",
            seen->len + 1);
    if (key.ptr == NULL || !vv_map_put(seen, key, look, &was_there))
        return vv_fail_memory(look->op);
    if (was_there)
        return vv_fail(look->op, VARVE_EINVALID,
            "column %.*s is in the input twice: give one of them another name", VV_ARG(name));
    return VARVE_OK;
}

/* The engine takes such a decimal for a double, and its bytes for that of another number. */
static varve_status digits_check(const struct look *look, const struct vv_pq_node *leaf)
{
    bool is_top = leaf->name.ptr == look->column.ptr;
    if (!leaf->is_wide)
        return VARVE_OK;
    return vv_fail(look->op, VARVE_EUNSUPPORTED,
        "column %.*s%s%.*s is a decimal of more than %d digits, which no table has: cast it to "
        "one of fewer, to a double or to a string",
        VV_ARG(look->column), is_top ? "" : ": its ", VV_ARG(is_top ? VV_STR("") : leaf->name),
        VV_PQ_DIGITS_MAX);
}

static bool needs_look(const struct look *look, const struct vv_pq_node *leaf)
{
    return vv_pq_is_cut(leaf) && (!look->input->truncates_time || leaf->type != VV_PQ_INT96);
}

static varve_status columns_look(struct look *look)
{
    struct vv_map seen = VV_MAP_INIT(&look->op->arena);
    const struct vv_pq_node *end = look->file.nodes + look->file.nodes_len;
    for (const struct vv_pq_node *node = look->file.nodes + 1; node < end;
         node = vv_pq_behind(&look->file, node)) {
        uint32_t leaves = vv_pq_leaves(&look->file, node);
        VV_TRY(name_check(look, &seen, node->name));
        if (node->meaning == VV_PQ_NULL && node->type != VV_PQ_GROUP)
            replace_null(look, node->name);
        look->column = node->name;
        for (uint32_t i = 0; i < leaves; i++) {
            VV_TRY(digits_check(look, look->file.leaves[node->leaf + i]));
            if (needs_look(look, look->file.leaves[node->leaf + i]))
                VV_TRY(leaf_look(look, node->leaf + i));
        }
    }
    return VARVE_OK;
}

/* What is wrong with the first value of a row that is a fault; NULL where none is. */
static void faults_sql(const struct look *look, struct vv_buf *sql)
{
    struct vv_str leaves = vv_buf_str(&look->fault_leaves);
    if (!vv_buf_ok(&look->fault_leaves) || !vv_buf_ok(&look->fault_names))
        sql->failed = true;
    if (leaves.len == 0) {
        vv_buf_adds(sql, ", CAST(NULL AS VARCHAR) AS \"" VV_NDJSON_FAULT_NAME
                         "\", CAST(NULL AS VARCHAR) AS \"" VV_NDJSON_FAULT_VALUE
                         "\", CAST(NULL AS VARCHAR) AS \"" VV_NDJSON_FAULT_RULE "\"");
        return;
    }
    vv_buf_addf(sql,
        ", arg_min(CASE c%.*s END, c) FILTER (c IN (%.*s)) AS \"" VV_NDJSON_FAULT_NAME "\"",
        VV_ARG(vv_buf_str(&look->fault_names)), VV_ARG(leaves));
    vv_buf_addf(sql,
        ", arg_min(concat(strftime(TRY(make_timestamp(us)), '%%Y-%%m-%%dT%%H:%%M:%%S.%%f'), "
        "lpad(CAST(ns AS VARCHAR), 3, '0')), c) FILTER (c IN (%.*s)) AS "
        "\"" VV_NDJSON_FAULT_VALUE "\"",
        VV_ARG(leaves));
    vv_buf_addf(sql,
        ", max('has digits below a microsecond, which %s') FILTER (c IN (%.*s)) "
        "AS \"" VV_NDJSON_FAULT_RULE "\"",
        look->input->truncates_time ? "before 1970 are not cut within nested values"
                                    : "would be lost",
        VV_ARG(leaves));
}

/* A row of the file once, whatever of it is too fine. */
static varve_status digits_open(struct vv_arena *arena, struct look *look)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_batch_input *input = look->input;
    if (!vv_buf_ok(&look->digits) || !vv_buf_ok(&look->fines))
        return vv_fail_memory(look->op);
    VV_TRY(vv_source_open_bytes(look->op, vv_buf_str(&look->fines), &input->digits));
    vv_buf_addf(&sql, " LEFT JOIN (SELECT r AS " ROW_NAME "%.*s",
        VV_ARG(vv_buf_str(&look->digits)));
    faults_sql(look, &sql);
    vv_buf_adds(&sql, " FROM read_csv(");
    vv_sql_literal(&sql, vv_str_of(input->digits.engine_path));
    vv_buf_adds(&sql, ", header = false, auto_detect = false, delim = ',', columns = {'r': "
                      "'BIGINT', 'c': 'BIGINT', 'us': 'BIGINT', 'ns': 'SMALLINT'}) GROUP BY "
                      "r) ON " ROW_NAME " = file_row_number");
    vv_buf_adds(&look->names, ", " ROW_NAME);
    input->digits_sql = vv_arena_str(arena, vv_buf_str(&sql));
    input->digits_names = vv_arena_str(arena, vv_buf_str(&look->names));
    input->has_faults = look->fault_leaves.len > 0;
    bool has_memory = vv_buf_ok(&sql) && vv_buf_ok(&look->names) &&
                      input->digits_sql.ptr != NULL && input->digits_names.ptr != NULL;
    return has_memory ? VARVE_OK : vv_fail_memory(look->op);
}

varve_status vv_input_look_parquet(struct vv_op *op, struct vv_arena *arena,
    struct vv_batch_input *input, bool *out_is_known)
{
    VV_CLEANUP(look_done)
    struct look look = {.op = op,
        .input = input,
        .fines = VV_BUF_INIT((size_t)FINE_MAX * FINE_BYTES),
        .replaced = VV_BUF_INIT(VV_BUF_MAX),
        .names = VV_BUF_INIT(VV_BUF_MAX),
        .digits = VV_BUF_INIT(VV_BUF_MAX),
        .fault_names = VV_BUF_INIT(VV_BUF_MAX),
        .fault_leaves = VV_BUF_INIT(VV_BUF_MAX)};
    const struct vv_pq_bytes bytes = {&input->source, input->source.bytes, read_bytes};
    varve_status status = vv_pq_read_footer(op, &bytes, &op->arena, &look.file);
    *out_is_known = status == VARVE_OK;
    if (status == VARVE_ECORRUPT || status == VARVE_EUNSUPPORTED) {
        vv_forgive(op);
        return VARVE_OK;
    }
    VV_TRY(status);
    VV_TRY(columns_look(&look));
    input->replaced_sql = vv_arena_str(arena, vv_buf_str(&look.replaced));
    if (input->replaced_sql.ptr == NULL || !vv_buf_ok(&look.replaced))
        return vv_fail_memory(op);
    return look.fines_len > 0 ? digits_open(arena, &look) : VARVE_OK;
}
