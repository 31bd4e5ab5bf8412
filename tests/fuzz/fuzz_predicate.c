/*
 * A user's condition over the columns of a table, and what it comes to for whole files: a few, with
 * statistics as Varve and others write them, whose rows the engine has. Of a file that is left out no row
 * is one that the engine finds, and of one that is taken whole each is.
 */
#include "fuzz.h"

#include <stdio.h>

#include "engine/sql_tree.h"
#include "fuzz_engine.h"
#include "table/read/candidates.h"
#include "table/read/prune.h"

#define TEXT_BYTES_MAX 512 /* longer ones only take longer */

#define COLUMNS                                                                                \
    "i int, l bigint, s string, d double, f float, b boolean, ts timestamp, n timestamp_ntz, " \
    "e date, x decimal(10,2), y decimal(38,10), day date, p string"

/* Of a number, in the place of each of the columns. */
struct file {
    const char *rows; /* VALUES, with the file's number in front */
    const char *stats;
    const char *day, *part; /* NULL: NULL */
    bool by_varve;
    const char *no_nan; /* NULL: no such tag */
};

#define NULLS                                                                                \
    "('2', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2025-01-30', " \
    "'a')"

static const struct file files[] = {
    {"('0', '3', '30', 'b', '1.5', '1.5', 'true', '2025-01-30 10:00:00.123456', '2025-01-30 "
     "10:00:00', "
     "'2025-01-30', '1.25', '7', '2025-01-30', 'a'), "
     "('0', '5', '-5', 'bc', 'nan', '2.5', 'false', '2025-01-30 23:59:59.999999', '2025-01-31 "
     "10:00:00', "
     "'2025-02-28', '9.5', '8.5', '2025-01-30', 'a'), "
     "('0', NULL, '7', 'a', '-0.0', '0.1', NULL, '2025-01-30', '2025-01-30 10:00:00.5', "
     "'1969-12-31', "
     "'-3', '123456789.0000000001', '2025-01-30', 'a')",
        "{\"numRecords\":3,\"minValues\":{\"i\":3,\"l\":-5,\"s\":\"a\",\"f\":0.1,\"ts\":"
        "\"2025-01-30T00:00:00.000Z\",\"n\":\"2025-01-30T10:00:00.000\",\"e\":\"1969-12-31\","
        "\"x\":-3.00,\"y\":7},\"maxValues\":{\"i\":5,\"l\":30,\"s\":\"bc\",\"f\":2.5,\"ts\":"
        "\"2025-01-30T23:59:59.999Z\",\"n\":\"2025-01-31T10:00:00.000\",\"e\":\"2025-02-28\","
        "\"x\":9.50,\"y\":123456789.0000000001},\"nullCount\":{\"i\":1,\"l\":0,\"s\":0,\"d\":0,"
        "\"f\":0,\"b\":1,\"ts\":0,\"n\":0,\"e\":0,\"x\":0,\"y\":0}}",
        "2025-01-30", "a", true, "[\"f\"]"},
    /* Of another writer: its maximum leaves NaN out, and its times are cut. */
    {"('1', '-2147483648', '9223372036854775807', 'zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz', 'nan', "
     "'inf', "
     "'true', '2025-01-31 12:00:00.999', '1969-12-31 23:59:59.9', '0001-01-01', '99999999.99', "
     "'1e27', '2025-01-30', ''), "
     "('1', '2147483647', '-9223372036854775808', '', '4', '3', 'true', '1950-06-01 00:00:30', "
     "'9999-12-31 23:59:59.999999', '9999-12-31', '0', '-1', '2025-01-30', '')",
        "{\"numRecords\":2,\"minValues\":{\"i\":-2147483648,\"l\":-9223372036854775808,\"s\":"
        "\"\",\"d\":4.0,\"f\":3.0,\"ts\":\"1950-06-01T00:00:00.000Z\",\"n\":"
        "\"1969-12-31T23:59:59.900\",\"e\":\"0001-01-01\",\"x\":0,\"y\":-1},\"maxValues\":{"
        "\"i\":2147483647,\"l\":9223372036854775807,\"s\":\"zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz\","
        "\"d\":4.0,\"ts\":\"2025-01-31T12:00:00.999Z\",\"n\":\"9999-12-31T23:59:59.999\","
        "\"e\":\"9999-12-31\",\"x\":99999999.99,\"y\":1e27},\"nullCount\":{\"i\":0,\"l\":0,"
        "\"d\":0}}",
        "2025-01-30", NULL, false, NULL},
    {NULLS ", " NULLS,
        "{\"numRecords\":2,\"minValues\":{},\"maxValues\":{},\"nullCount\":{\"i\":2,\"l\":2,"
        "\"s\":2,\"d\":2,\"f\":2,\"b\":2,\"ts\":2,\"n\":2,\"e\":2,\"x\":2,\"y\":2}}",
        "2025-01-30", "a", true, "[\"d\",\"f\"]"},
    /* One row each: all is proven of it. */
    {"('3', '9', '9007199254740992', '9', '0.1', '0.1', 'true', '2025-02-28 00:00:00', "
     "'2025-02-28 00:00:00', '2025-02-28', '0.1', '12345678901234567890.0000000001', "
     "'2025-02-28', "
     "'9')",
        "{\"numRecords\":1,\"minValues\":{\"i\":9,\"l\":9007199254740992,\"s\":\"9\",\"d\":0.1,"
        "\"f\":0.1,\"ts\":\"2025-02-28T00:00:00.000Z\",\"n\":\"2025-02-28T00:00:00.000\","
        "\"e\":\"2025-02-28\",\"x\":0.10,\"y\":12345678901234567890.0000000001},\"maxValues\":{"
        "\"i\":9,\"l\":9007199254740992,\"s\":\"9\",\"d\":0.1,\"f\":0.1,\"ts\":"
        "\"2025-02-28T00:00:00.000Z\",\"n\":\"2025-02-28T00:00:00.000\",\"e\":\"2025-02-28\","
        "\"x\":0.10,\"y\":12345678901234567890.0000000001},\"nullCount\":{\"i\":0,\"l\":0,"
        "\"s\":0,\"d\":0,\"f\":0,\"b\":0,\"ts\":0,\"n\":0,\"e\":0,\"x\":0,\"y\":0}}",
        "2025-02-28", "9", true, "[\"d\",\"f\"]"},
    {"('4', '10', '10', '010', '10', '16777216', 'false', '1969-12-31 23:59:59.999999', "
     "'2025-06-01 00:00:00.000001', '1970-01-01', '10', '10', NULL, '10')",
        "{\"numRecords\":1,\"minValues\":{\"i\":10,\"l\":10,\"s\":\"010\",\"d\":10.0,\"f\":"
        "16777216.0,\"ts\":\"1969-12-31T23:59:59.999Z\",\"n\":\"2025-06-01T00:00:00.000\","
        "\"e\":\"1970-01-01\",\"x\":10.00,\"y\":10},\"maxValues\":{\"i\":10,\"l\":10,\"s\":"
        "\"010\",\"d\":10.0,\"f\":16777216.0,\"ts\":\"1969-12-31T23:59:59.999Z\",\"n\":"
        "\"2025-06-01T00:00:00.000\",\"e\":\"1970-01-01\",\"x\":10.00,\"y\":10},"
        "\"nullCount\":{\"i\":0,\"l\":0,\"s\":0,\"d\":0,\"f\":0,\"b\":0,\"ts\":0,\"n\":0,"
        "\"e\":0,\"x\":0,\"y\":0}}",
        NULL, "10", true, "[\"d\",\"f\"]"},
    /* Rows went by a deletion vector since it was counted. */
    {"('5', '4', '4', 'bb', '2', '2', 'true', '2025-01-30 12:00:00', '2025-01-30 12:00:00', "
     "'2025-01-30', "
     "'2', '2', '2025-01-30', 'B')",
        "{\"numRecords\":3,\"tightBounds\":false,\"minValues\":{\"i\":1,\"l\":1,\"s\":\"a\"},"
        "\"maxValues\":{\"i\":7,\"l\":7,\"s\":\"c\"},\"nullCount\":{\"i\":1,\"l\":0}}",
        "2025-01-30", "B", true, NULL},
    {"('6', '1', '1', 'A', '1', '1', 'true', '2025-01-01', '2025-01-01', '2025-01-01', '1', "
     "'1', '2025-01-30', "
     "'a b')",
        NULL, "2025-01-30", "a b", false, NULL},
};

struct table {
    struct vv_schema schema;
    struct vv_metadata metadata;
    struct vv_file files[VV_COUNT(files)];
    const struct vv_file *live[VV_COUNT(files)];
    struct vv_partition_from from;
    struct vv_snapshot snapshot;
    struct vv_rules rules;
    int64_t rows[VV_COUNT(files)];
};

/* What a condition comes to. */
struct judged {
    enum vv_match by_partition[VV_COUNT(files)];
    enum vv_match match[VV_COUNT(files)];
};

static struct vv_str arena_text(struct vv_op *op, const char *text)
{
    return text == NULL ? VV_STR_NONE : vv_arena_str(&op->arena, vv_str_of(text));
}

static void fill_file(struct vv_op *op, const struct file *made, struct vv_file *out)
{
    struct vv_pair *values = vv_new(&op->arena, struct vv_pair, 2);
    struct vv_pair *tag = vv_new(&op->arena, struct vv_pair, 1);
    VV_PRE(values != NULL && tag != NULL);
    values[0] = (struct vv_pair){VV_STR("day"), arena_text(op, made->day)};
    values[1] = (struct vv_pair){VV_STR("p"), arena_text(op, made->part)};
    *tag = (struct vv_pair){VV_STR(VV_TAG_NO_NAN), arena_text(op, made->no_nan)};
    *out = (struct vv_file){.path = VV_STR("p"),
        .key = VV_STR("p"),
        .dv_id = VV_STR(""),
        .partition_values = {values, 2},
        .stats = arena_text(op, made->stats),
        .tags = {tag, made->no_nan != NULL ? 1 : 0},
        .by_varve = made->by_varve};
}

/* Columns that are partitions have, where a file says "", NULL. */
static void make_rows(struct fuzz_engine *engine, struct table *table)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    vv_buf_adds(&sql, "CREATE TEMP TABLE held AS SELECT file::INT AS _file");
    for (size_t i = 0; i < table->schema.fields_len; i++) {
        struct vv_str name = table->schema.fields[i].name;
        bool is_part = vv_str_eq(name, VV_STR("p"));
        vv_buf_addf(&sql, ", CAST(%s%.*s%s AS ", is_part ? "nullif(" : "", VV_ARG(name),
            is_part ? ", '')" : "");
        vv_type_sql(&table->schema.fields[i].type, &sql);
        vv_buf_addf(&sql, ") AS %.*s", VV_ARG(name));
    }
    vv_buf_adds(&sql, " FROM (");
    for (size_t i = 0; i < VV_COUNT(files); i++) /* a literal is read as each column's type */
        vv_buf_addf(&sql,
            "%sSELECT * FROM (VALUES %s) AS v(file, i, l, s, d, f, b, ts, n, e, x, "
            "y, day, p)",
            i > 0 ? " UNION ALL " : "", files[i].rows);
    vv_buf_adds(&sql, ")");
    varve_status status = vv_session_exec(&engine->op, engine->session, vv_buf_str(&sql));
    VV_PRE(status == VARVE_OK);
}

static void count_rows(struct vv_op *op, struct vv_session *session, struct vv_str sql,
    int64_t counts[VV_COUNT(files)], bool *out_is_computed)
{
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    const struct vv_query query = {.sql = sql, .is_users = true};
    bool has_row = false;
    memset(counts, 0, VV_COUNT(files) * sizeof(*counts));
    varve_status status = vv_session_rows(op, session, &query, &rows);
    if (status == VARVE_OK)
        status = vv_rows_next(op, rows, &has_row);
    while (status == VARVE_OK && has_row) {
        int64_t file = vv_rows_int64(rows, 0);
        VV_PRE(file >= 0 && (size_t)file < VV_COUNT(files));
        counts[file] = vv_rows_int64(rows, 1);
        status = vv_rows_next(op, rows, &has_row);
    }
    *out_is_computed = status == VARVE_OK;
    VV_PRE(status == VARVE_OK || op->error.message[0] != '\0');
    if (status != VARVE_OK)
        vv_forgive(op);
}

static struct table *table_of(struct fuzz_engine *engine)
{
    static struct table table;
    static const struct vv_str partitions[] = {{"day", 3}, {"p", 1}};
    struct vv_op *op = &engine->op;
    bool is_computed = false;
    if (table.snapshot.files_len > 0)
        return &table;
    varve_status status = vv_schema_parse_ddl(op, &op->arena, VV_STR(COLUMNS), &table.schema);
    VV_PRE(status == VARVE_OK);
    table.metadata = (struct vv_metadata){.id = VV_STR("id"),
        .partition_columns = partitions,
        .partition_columns_len = VV_COUNT(partitions)};
    for (size_t i = 0; i < VV_COUNT(files); i++) {
        fill_file(op, &files[i], &table.files[i]);
        table.live[i] = &table.files[i];
    }
    table.snapshot = (struct vv_snapshot){.metadata = &table.metadata,
        .schema = table.schema,
        .files = table.live,
        .files_len = VV_COUNT(files)};
    table.from =
        (struct vv_partition_from){.partition = vv_schema_find(&table.schema, VV_STR("day")),
            .source = vv_schema_find(&table.schema, VV_STR("ts"))};
    table.rules =
        (struct vv_rules){.order = -1, .partition_from = &table.from, .partition_from_len = 1};
    make_rows(engine, &table);
    count_rows(op, engine->session, VV_STR("SELECT _file, count(*) FROM held GROUP BY 1"),
        table.rows, &is_computed);
    VV_PRE(is_computed);
    return &table;
}

static bool is_refusal(varve_status status)
{
    return status == VARVE_EUSAGE || status == VARVE_EUNSUPPORTED || status == VARVE_ELIMIT;
}

static bool judge(struct vv_op *op, struct vv_session *session, const struct table *table,
    struct vv_str condition, struct judged *out)
{
    struct vv_predicate *predicate = NULL;
    struct vv_pruned pruned;
    size_t kept = 0;
    if (vv_predicate_read(op, session, &table->snapshot, &table->rules, "the condition",
            condition, &predicate) != VARVE_OK) {
        VV_PRE(is_refusal(op->error.code) && op->error.message[0] != '\0');
        return false;
    }
    for (size_t i = 0; i < VV_COUNT(files); i++) {
        const struct vv_file *file = &table->files[i];
        varve_status status =
            vv_predicate_match_partition(op, predicate, file, &out->by_partition[i]);
        VV_PRE(status == VARVE_OK && out->by_partition[i] != VV_MATCH_ALL);
        status = vv_predicate_match(op, predicate, file, &out->match[i]);
        VV_PRE(status == VARVE_OK);
        kept += out->by_partition[i] != VV_MATCH_NONE && out->match[i] != VV_MATCH_NONE;
    }
    varve_status status = vv_prune_where(op, &table->snapshot, predicate, &pruned);
    VV_PRE(status == VARVE_OK && pruned.files_len == kept);
    VV_PRE(kept + pruned.by_partition + pruned.by_statistics == VV_COUNT(files));
    return true;
}

/* What the engine finds, by the text that a scan gives it. */
static void compare(struct vv_op *op, struct vv_session *session, const struct table *table,
    struct vv_str condition, const struct judged *judged)
{
    int64_t found[VV_COUNT(files)];
    struct vv_str kept;
    bool is_computed = false;
    if (vv_sql_keep_nulls_of(op, session, condition, &kept) != VARVE_OK) {
        VV_PRE(is_refusal(op->error.code) && op->error.message[0] != '\0');
        vv_forgive(op);
        return;
    }
    struct vv_str sql = vv_arena_format(&op->arena,
        "SELECT _file, count(*) FROM (SELECT _file FROM held AS t WHERE (%.*s\n)) GROUP BY 1",
        VV_ARG(kept));
    VV_PRE(sql.ptr != NULL);
    count_rows(op, session, sql, found, &is_computed);
    for (size_t i = 0; i < VV_COUNT(files) && is_computed; i++) {
        VV_PRE(judged->by_partition[i] != VV_MATCH_NONE || found[i] == 0);
        VV_PRE(judged->match[i] != VV_MATCH_NONE || found[i] == 0);
        VV_PRE(judged->match[i] != VV_MATCH_ALL || found[i] == table->rows[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct fuzz_engine *engine = fuzz_engine();
    struct vv_str condition = {(const char *)data, size};
    struct judged judged;
    vv_op_init(&op, NULL, (size_t)1 << 30);
    if (size > TEXT_BYTES_MAX)
        return 0;
    const struct table *table = table_of(engine);
    varve_status status = vv_session_exec(&op, engine->session, VV_STR("BEGIN TRANSACTION"));
    VV_PRE(status == VARVE_OK); /* one time is now() in both */
    if (judge(&op, engine->session, table, condition, &judged))
        compare(&op, engine->session, table, condition, &judged);
    else
        vv_forgive(&op);
    status = vv_session_exec(&op, engine->session, VV_STR("ROLLBACK"));
    VV_PRE(status == VARVE_OK);
    return 0;
}
