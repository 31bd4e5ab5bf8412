/*
 * Values that lie in files otherwise than they are shown: nested columns under column mapping,
 * variants in both ways that Parquet has for them.
 */
#include "table_fixture.h"

/* A commit that gives the table this schema under column mapping, and a file made by `select`. */
static bool plant_mapped(struct table_fixture *fixture, const char *mode, const char *schema,
    const char *select)
{
    struct vv_arena *arena = &fixture->op.arena;
    int64_t bytes = table_foreign_file(fixture, "a.parquet", select);
    VV_CLEANUP(vv_buf_done) struct vv_buf quoted = VV_BUF_INIT(VV_BUF_MAX);
    for (const char *at = schema; *at; at++) {
        if (*at == '"' || *at == '\\')
            vv_buf_addc(&quoted, '\\');
        vv_buf_addc(&quoted, *at);
    }
    struct vv_str line = vv_arena_format(arena,
        "{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":"
        "[\"columnMapping\",\"variantType\"],"
        "\"writerFeatures\":[\"columnMapping\",\"variantType\"]}}\n"
        "{\"metaData\":{\"id\":\"m\",\"format\":{\"provider\":\"parquet\",\"options\":{}},"
        "\"schemaString\":\"%s\",\"partitionColumns\":[],\"configuration\":"
        "{\"delta.columnMapping.mode\":\"%s\",\"delta.columnMapping.maxColumnId\":\"9\"}}}\n"
        "{\"add\":{\"path\":\"a.parquet\",\"partitionValues\":{},\"size\":%" PRId64
        ",\"modificationTime\":5,\"dataChange\":true}}\n",
        vv_buf_str(&quoted).ptr, mode, bytes);
    return bytes >= 0 && table_foreign_commit(fixture, line.ptr);
}

static struct vv_str answer(struct table_fixture *fixture, const char *term)
{
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    struct vv_op *op = &fixture->op;
    struct vv_str select = vv_arena_format(&op->arena, "SELECT %s FROM ", term);
    bool has_row = false;
    if (!CHECK_OK(op, vv_session_open(op, fixture->engine, &session)) ||
        !CHECK_OK(op, vv_table_refresh(op, fixture->table)) ||
        !table_query(fixture, fixture->table->snapshot, select.ptr, "", session, &rows) ||
        !CHECK_OK(op, vv_rows_next(op, rows, &has_row)) || !CHECK(has_row))
        return VV_STR_NONE;
    return vv_arena_str(&op->arena, vv_rows_text(rows, 0));
}

#define MAPPED(name, id, physical, type)                                                  \
    "{\"name\":\"" name "\",\"type\":" type ",\"nullable\":true,\"metadata\":"            \
    "{\"delta.columnMapping.id\":" id ",\"delta.columnMapping.physicalName\":\"" physical \
    "\"}}"
#define STRUCT(fields) "{\"type\":\"struct\",\"fields\":[" fields "]}"
#define ARRAY(element) "{\"type\":\"array\",\"elementType\":" element ",\"containsNull\":true}"
#define MAP(key, value)                                                                    \
    "{\"type\":\"map\",\"keyType\":" key ",\"valueType\":" value ",\"valueContainsNull\":" \
    "true}"

TEST(scan_nested, fields_have_their_logical_names_at_every_depth)
{
    static const char schema[] =
        STRUCT(MAPPED("k", "1", "c1", "\"long\"") "," MAPPED("it's", "2", "c2",
            STRUCT(MAPPED("a \\\"b'", "3", "x y'", "\"long\"") "," MAPPED("later", "4", "c4",
                "\"string\""))) "," MAPPED("list", "5", "c5",
            ARRAY(STRUCT(MAPPED("n", "6", "c6", "\"long\"")))) "," MAPPED("map", "7", "c7",
            MAP(STRUCT(MAPPED("i", "8", "c8", "\"long\"")),
                ARRAY(STRUCT(MAPPED("j", "9", "c9", "\"long\""))))));
    struct table_fixture fixture;
    REQUIRE(table_fixture_open(&fixture, NULL, &(struct table_words){.schema = "k long"}));
    REQUIRE(plant_mapped(&fixture, "name", schema,
        "SELECT 1::BIGINT AS c1, {'x y''': 7::BIGINT} AS c2, [{'c6': 1::BIGINT}, NULL] AS c5, "
        "MAP {{'c8': 2::BIGINT}: [{'c9': 3::BIGINT}]} AS c7 "
        "UNION ALL SELECT 2, NULL, NULL, NULL"));
    CHECK_STR(answer(&fixture,
                  "string_agg(coalesce(to_json(\"it's\")::VARCHAR, 'NULL'), '|' ORDER BY k)"),
        "{\"a \\\"b'\":7,\"later\":null}|NULL");
    CHECK_STR(answer(&fixture, "string_agg(coalesce(list::VARCHAR, 'NULL'), '|' ORDER BY k)"),
        "[{'n': 1}, NULL]|NULL");
    CHECK_STR(answer(&fixture, "string_agg(coalesce(map::VARCHAR, 'NULL'), '|' ORDER BY k)"),
        "{{'i': 2}=[{'j': 3}]}|NULL");
    table_fixture_close(&fixture);
}

/* 7 as a variant: no keys; an INT8. The same in both ways of Parquet, and NULLs; the engine
 * can't make a file with a list of the newer way. */
TEST(scan_nested, variants_are_json)
{
    static const char schema[] = STRUCT(MAPPED("k", "1", "k", "\"long\"") "," MAPPED("v", "2",
        "v", "\"variant\"") "," MAPPED("list", "3", "list", ARRAY("\"variant\"")));
    static const char *const files[] = {
        "SELECT 1::BIGINT AS k, {'value': '\\x0C\\x07'::BLOB, 'metadata': "
        "'\\x01\\x00\\x00'::BLOB} AS v, [{'value': '\\x0C\\x07'::BLOB, 'metadata': "
        "'\\x01\\x00\\x00'::BLOB}, NULL] AS list UNION ALL SELECT 2, NULL, NULL",
        "SELECT 1::BIGINT AS k, {'metadata': '\\x01\\x00\\x00'::BLOB, 'value': "
        "'\\x0C\\x07'::BLOB} AS v, [{'metadata': '\\x01\\x00\\x00'::BLOB, 'value': "
        "'\\x0C\\x07'::BLOB}, NULL] AS list UNION ALL SELECT 2, NULL, NULL",
        "SELECT 1::BIGINT AS k, 7::VARIANT AS v, NULL AS list UNION ALL SELECT 2, NULL, NULL",
    };
    for (size_t i = 0; i < VV_COUNT(files); i++) {
        struct table_fixture fixture;
        REQUIRE(table_fixture_open(&fixture, NULL, &(struct table_words){.schema = "k long"}));
        REQUIRE(plant_mapped(&fixture, "none", schema, files[i]));
        CHECK_STR(answer(&fixture, "string_agg(coalesce(v, 'NULL'), '|' ORDER BY k)"),
            "7|NULL");
        CHECK_STR(answer(&fixture,
                      "string_agg(coalesce(list::VARCHAR, 'NULL'), '|' ORDER BY k)"),
            i < 2 ? "[7, NULL]|NULL" : "NULL|NULL");
        CHECK_STR(answer(&fixture, "typeof(any_value(v))"), "VARCHAR");
        table_fixture_close(&fixture);
    }
}

/* Both halves come from a file: what is no variant is named, and nothing is made up. */
TEST(scan_nested, a_broken_variant_is_no_answer)
{
    static const char schema[] = STRUCT(MAPPED("v", "1", "v", "\"variant\""));
    static const char *const halves[] = {
        "'\\x18\\x01\\x02'", "''", "'\\xF0'", "'\\x02\\x01\\x00\\x00\\x05\\x0C\\x07'"};
    for (size_t i = 0; i < VV_COUNT(halves); i++) {
        VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
        VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
        VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
        struct table_fixture fixture;
        char select[256];
        bool has_row = false;
        (void)snprintf(select, sizeof(select),
            "SELECT {'value': %s::BLOB, 'metadata': '\\x01\\x00\\x00'::BLOB} AS v", halves[i]);
        REQUIRE(table_fixture_open(&fixture, NULL, &(struct table_words){.schema = "k long"}));
        REQUIRE(plant_mapped(&fixture, "none", schema, select));
        struct vv_op *op = &fixture.op;
        REQUIRE_OK(op, vv_session_open(op, fixture.engine, &session));
        REQUIRE_OK(op, vv_table_refresh(op, fixture.table));
        struct vv_scan_source source = {.store = fixture.table->store,
            .engine = fixture.engine,
            .snapshot = fixture.table->snapshot,
            .files = fixture.table->snapshot->files,
            .files_len = fixture.table->snapshot->files_len};
        REQUIRE_OK(op, vv_scan_sql(op, &source, &sql));
        CHECK(vv_session_query(op, session, vv_buf_str(&sql), &rows) != VARVE_OK ||
              vv_rows_next(op, rows, &has_row) != VARVE_OK);
        CHECK(!has_row);
        vv_forgive(op);
        vv_rows_close(&rows);
        vv_session_close(&session);
        table_fixture_close(&fixture);
    }
}
