#include "delta/schema.h"

#include "harness/test.h"

static const char all_types[] =
    "{\"type\":\"struct\",\"fields\":["
    "{\"name\":\"a\",\"type\":\"string\",\"nullable\":false,\"metadata\":{\"comment\":\"x\","
    "\"n\":12345678901234567890123,\"deep\":{\"l\":[1.50,true,null,\"\\u00e4\"]}}},"
    "{\"name\":\"b\",\"type\":\"long\",\"nullable\":true,\"metadata\":{}},"
    "{\"name\":\"c\",\"type\":\"integer\",\"nullable\":true,\"metadata\":{}},"
    "{\"name\":\"d\",\"type\":\"short\",\"nullable\":true,\"metadata\":{}},"
    "{\"name\":\"e\",\"type\":\"byte\",\"nullable\":true,\"metadata\":{}},"
    "{\"name\":\"f\",\"type\":\"float\",\"nullable\":true,\"metadata\":{}},"
    "{\"name\":\"g\",\"type\":\"double\",\"nullable\":true,\"metadata\":{}},"
    "{\"name\":\"h\",\"type\":\"boolean\",\"nullable\":true,\"metadata\":{}},"
    "{\"name\":\"i\",\"type\":\"binary\",\"nullable\":true,\"metadata\":{}},"
    "{\"name\":\"j\",\"type\":\"date\",\"nullable\":true,\"metadata\":{}},"
    "{\"name\":\"k\",\"type\":\"timestamp\",\"nullable\":true,\"metadata\":{}},"
    "{\"name\":\"l\",\"type\":\"timestamp_ntz\",\"nullable\":true,\"metadata\":{}},"
    "{\"name\":\"m\",\"type\":\"decimal(38,18)\",\"nullable\":true,\"metadata\":{}},"
    "{\"name\":\"n\",\"type\":\"variant\",\"nullable\":true,\"metadata\":{}},"
    "{\"name\":\"o\",\"type\":\"void\",\"nullable\":true,\"metadata\":{}},"
    "{\"name\":\"p\",\"type\":{\"type\":\"struct\",\"fields\":["
    "{\"name\":\"x y\",\"type\":\"long\",\"nullable\":false,\"metadata\":{}}]},"
    "\"nullable\":true,\"metadata\":{}},"
    "{\"name\":\"q\",\"type\":{\"type\":\"array\",\"elementType\":\"string\","
    "\"containsNull\":false},\"nullable\":true,\"metadata\":{}},"
    "{\"name\":\"r\",\"type\":{\"type\":\"map\",\"keyType\":\"string\",\"valueType\":"
    "{\"type\":\"array\",\"elementType\":\"decimal(10,0)\",\"containsNull\":true},"
    "\"valueContainsNull\":true},\"nullable\":true,\"metadata\":{}}"
    "]}";

TEST(schema, reads_back_what_was_written_byte_for_byte)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    VV_CLEANUP(vv_buf_done) struct vv_buf out = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_schema schema;

    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE_OK(&op,
        vv_schema_parse(&op, &op.arena, vv_str_of(all_types), VV_MAPPING_NONE, &schema));
    REQUIRE(schema.fields_len == 18);
    vv_schema_write(&schema, &out);
    /* The escape is written as the character it stands for. */
    CHECK_INT(vv_buf_str(&out).len,
        sizeof(all_types) - 1 - strlen("\\u00e4") + strlen("\xc3\xa4"));
    CHECK(strstr(vv_buf_str(&out).ptr, "12345678901234567890123") != NULL);
    CHECK(strstr(vv_buf_str(&out).ptr, "[1.50,true,null,\"\xc3\xa4\"]") != NULL);

    VV_CLEANUP(vv_buf_done) struct vv_buf again = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_schema same;
    REQUIRE_OK(&op, vv_schema_parse(&op, &op.arena, vv_buf_str(&out), VV_MAPPING_NONE, &same));
    vv_schema_write(&same, &again);
    CHECK_STR(vv_buf_str(&again), vv_buf_str(&out));
}

TEST(schema, types_have_their_names_and_sql)
{
    static const struct {
        const char *name;
        const char *sql;
    } types[] = {
        {"string", "VARCHAR"},
        {"long", "BIGINT"},
        {"integer", "INTEGER"},
        {"short", "SMALLINT"},
        {"byte", "TINYINT"},
        {"float", "FLOAT"},
        {"double", "DOUBLE"},
        {"boolean", "BOOLEAN"},
        {"binary", "BLOB"},
        {"date", "DATE"},
        {"timestamp", "TIMESTAMP WITH TIME ZONE"},
        {"timestamp_ntz", "TIMESTAMP"},
        {"decimal(38,18)", "DECIMAL(38,18)"},
        {"variant", "VARCHAR"},
        {"void", "\"NULL\""},
        {"struct<`x y`:long>", "STRUCT(\"x y\" BIGINT)"},
        {"array<string>", "VARCHAR[]"},
        {"map<string,array<decimal(10,0)>>", "MAP(VARCHAR, DECIMAL(10,0)[])"},
    };
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_schema schema;

    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE_OK(&op,
        vv_schema_parse(&op, &op.arena, vv_str_of(all_types), VV_MAPPING_NONE, &schema));
    REQUIRE(schema.fields_len == VV_COUNT(types));
    for (size_t i = 0; i < VV_COUNT(types); i++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf out = VV_BUF_INIT(VV_BUF_MAX);

        vv_type_name(&schema.fields[i].type, &out);
        CHECK_STR(vv_buf_str(&out), types[i].name);
        vv_buf_clear(&out);
        vv_type_sql(&schema.fields[i].type, &out);
        CHECK_STR(vv_buf_str(&out), types[i].sql);
        for (size_t j = 0; j < VV_COUNT(types); j++)
            CHECK_INT(vv_type_eq(&schema.fields[i].type, &schema.fields[j].type), i == j);
        /* Up to timestamp_ntz and decimal all but binary. */
        CHECK_INT(vv_type_is_ordered(&schema.fields[i].type), i < 13 && i != 8);
        CHECK_INT(vv_type_is_float(&schema.fields[i].type), i == 5 || i == 6);
    }
    CHECK(!schema.fields[0].nullable);
    CHECK(schema.fields[1].nullable);
    CHECK(!schema.fields[16].type.contains_null);
    CHECK(schema.fields[17].type.contains_null);
}

TEST(schema, types_differ_by_their_parts)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_schema schema;

    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE_OK(&op,
        vv_schema_parse_ddl(&op, &op.arena,
            VV_STR("a array<int>, b array<long>, c map<int, int>, d map<long, int>, "
                   "e map<int, long>, f struct<x int>, g struct<y int>, h struct<x long>, "
                   "i struct<x int, y int>, j decimal(5,2), k decimal(5,3), l decimal(6,2)"),
            &schema));
    for (size_t i = 0; i < schema.fields_len; i++)
        for (size_t j = 0; j < schema.fields_len; j++)
            CHECK_INT(vv_type_eq(&schema.fields[i].type, &schema.fields[j].type), i == j);
    REQUIRE_OK(&op, vv_schema_parse_ddl(&op, &op.arena,
                        VV_STR("a struct<x int not null>, b struct<x int>"), &schema));
    CHECK(vv_type_eq(&schema.fields[0].type, &schema.fields[1].type));
}

TEST(schema, columns_are_found_in_any_case)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_schema schema;

    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE_OK(&op, vv_schema_parse_ddl(&op, &op.arena, VV_STR("Ab int, c string"), &schema));
    CHECK_INT(vv_schema_find(&schema, VV_STR("aB")), 0);
    CHECK_INT(vv_schema_find(&schema, VV_STR("C")), 1);
    CHECK_INT(vv_schema_find(&schema, VV_STR("x y")), -1);
}

TEST(schema, mapped_columns_have_physical_names_and_ids)
{
    static const char json[] =
        "{\"type\":\"struct\",\"fields\":[{\"name\":\"a b\",\"type\":{\"type\":\"struct\","
        "\"fields\":[{\"name\":\"x\",\"type\":\"long\",\"nullable\":true,\"metadata\":{"
        "\"delta.columnMapping.id\":2,\"delta.columnMapping.physicalName\":\"col-2\"}}]},"
        "\"nullable\":true,\"metadata\":{\"delta.columnMapping.id\":1,"
        "\"delta.columnMapping.physicalName\":\"col-1\"}}]}";
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_schema schema;

    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE_OK(&op, vv_schema_parse(&op, &op.arena, vv_str_of(json), VV_MAPPING_ID, &schema));
    CHECK_STR(schema.fields[0].name, "a b");
    CHECK_STR(schema.fields[0].physical_name, "col-1");
    CHECK_INT(schema.fields[0].field_id, 1);
    CHECK_STR(schema.fields[0].type.fields[0].physical_name, "col-2");
    CHECK_INT(schema.fields[0].type.fields[0].field_id, 2);
    REQUIRE_OK(&op, vv_schema_parse(&op, &op.arena, vv_str_of(json), VV_MAPPING_NONE, &schema));
    CHECK_STR(schema.fields[0].physical_name, "a b");
    CHECK_INT(schema.fields[0].field_id, 0);
    CHECK_FAILS(&op,
        vv_schema_parse(&op, &op.arena,
            VV_STR("{\"type\":\"struct\",\"fields\":[{\"name\":\"a\",\"type\":\"long\"}]}"),
            VV_MAPPING_NAME, &schema),
        VARVE_ECORRUPT);
    CHECK_FAILS(&op,
        vv_schema_parse(&op, &op.arena,
            VV_STR("{\"type\":\"struct\",\"fields\":[{\"name\":\"a\",\"type\":\"long\","
                   "\"metadata\":{\"delta.columnMapping.physicalName\":\"p\"}}]}"),
            VV_MAPPING_ID, &schema),
        VARVE_ECORRUPT);
}

TEST(schema, no_text_is_a_schema_without_columns)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_schema schema = {.fields_len = 1};

    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE_OK(&op, vv_schema_parse(&op, &op.arena, VV_STR(""), VV_MAPPING_NONE, &schema));
    CHECK_INT(schema.fields_len, 0);
}

TEST(schema, what_is_none_is_corrupt_and_unknown_types_are_named)
{
    static const struct {
        const char *json;
        varve_status status;
        const char *says;
    } cases[] = {
        {"{", VARVE_ECORRUPT, "schema"},
        {"3", VARVE_ECORRUPT, "schema"},
        {"\"long\"", VARVE_ECORRUPT, "not a struct"},
        {"{\"type\":\"struct\"}", VARVE_ECORRUPT, "without fields"},
        {"{\"type\":\"struct\",\"fields\":[{}]}", VARVE_ECORRUPT, "without a name"},
        {"{\"type\":\"struct\",\"fields\":[{\"name\":\"a\"}]}", VARVE_ECORRUPT, "\"a\""},
        {"{\"type\":\"struct\",\"fields\":[{\"name\":\"a\",\"type\":\"decimal(39,0)\"}]}",
            VARVE_ECORRUPT, "decimal(39,0)"},
        {"{\"type\":\"struct\",\"fields\":[{\"name\":\"a\",\"type\":\"decimal(3,4)\"}]}",
            VARVE_ECORRUPT, "decimal(3,4)"},
        {"{\"type\":\"struct\",\"fields\":[{\"name\":\"a\",\"type\":\"decimals\"}]}",
            VARVE_ECORRUPT, "decimals"},
        {"{\"type\":\"struct\",\"fields\":[{\"name\":\"a\",\"type\":\"interval second\"}]}",
            VARVE_EUNSUPPORTED, "interval second"},
        {"{\"type\":\"struct\",\"fields\":[{\"name\":\"a\",\"type\":{\"type\":\"udt\"}}]}",
            VARVE_EUNSUPPORTED, "udt"},
        {"{\"type\":\"struct\",\"fields\":[{\"name\":\"a\",\"type\":{\"type\":\"array\"}}]}",
            VARVE_ECORRUPT, "\"a\""},
    };

    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        VV_CLEANUP(vv_op_done) struct vv_op op;
        struct vv_schema schema;

        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        CHECK_INT(vv_schema_parse(&op, &op.arena, vv_str_of(cases[i].json), VV_MAPPING_NONE,
                      &schema),
            cases[i].status);
        if (!CHECK(strstr(op.error.message, cases[i].says) != NULL))
            CHECK_STR(op.error.message, cases[i].says);
        vv_forgive(&op);
    }
}

#define FIELD(name, type, metadata) \
    "{\"name\":\"" name "\",\"type\":" type ",\"metadata\":{" metadata "}}"
#define STRUCT(fields) "{\"type\":\"struct\",\"fields\":[" fields "]}"
#define MAPPED(id, physical)             \
    "\"delta.columnMapping.id\":" id "," \
    "\"delta.columnMapping.physicalName\":\"" physical "\""

/* What the engine would say of such columns names neither table nor column, and it renames some. */
TEST(schema, columns_that_cannot_be_told_apart_are_refused)
{
    static const struct {
        const char *json;
        enum vv_column_mapping mapping;
        varve_status status;
        const char *says;
    } cases[] = {
        {STRUCT(FIELD("k", "\"long\"", "") "," FIELD("k", "\"string\"", "")), VV_MAPPING_NONE,
            VARVE_ECORRUPT, "\"k\" is there twice"},
        {STRUCT(FIELD("k", "\"long\"", "") "," FIELD("K", "\"long\"", "")), VV_MAPPING_NONE,
            VARVE_EUNSUPPORTED, "\"k\" and \"K\" differ in case alone"},
        {STRUCT(FIELD("s", STRUCT(FIELD("k", "\"long\"", "") "," FIELD("k", "\"long\"", "")),
             "")),
            VV_MAPPING_NONE, VARVE_ECORRUPT, "\"s\""},
        {STRUCT(FIELD("", "\"long\"", "")), VV_MAPPING_NONE, VARVE_EUNSUPPORTED,
            "without a name"},
        {STRUCT(FIELD("a\\u0000b", "\"long\"", "")), VV_MAPPING_NONE, VARVE_EUNSUPPORTED,
            "zero byte"},
        {STRUCT(FIELD("s", STRUCT(""), "")), VV_MAPPING_NONE, VARVE_EUNSUPPORTED,
            "a struct without fields"},
        {STRUCT(FIELD("s", "{\"type\":\"array\",\"elementType\":" STRUCT("") "}", "")),
            VV_MAPPING_NONE, VARVE_EUNSUPPORTED, "a struct without fields"},
        {STRUCT(FIELD("x", "\"long\"", MAPPED("1", "k")) "," FIELD("y", "\"long\"",
             MAPPED("2", "k"))),
            VV_MAPPING_NAME, VARVE_ECORRUPT, "same name in files, \"k\""},
        {STRUCT(FIELD("x", "\"long\"", MAPPED("1", "k")) "," FIELD("y", "\"long\"",
             MAPPED("1", "l"))),
            VV_MAPPING_ID, VARVE_ECORRUPT, "columnMapping.id, 1"},
        {STRUCT(FIELD("x", STRUCT(FIELD("z", "\"long\"", MAPPED("2", "z"))),
             MAPPED("1", "k")) "," FIELD("y", "\"long\"", MAPPED("2", "l"))),
            VV_MAPPING_ID, VARVE_ECORRUPT, "columnMapping.id, 2"},
        /* Where they are not used, they may be what they like. */
        {STRUCT(FIELD("x", "\"long\"", MAPPED("1", "k")) "," FIELD("y", "\"long\"",
             MAPPED("1", "k"))),
            VV_MAPPING_NONE, VARVE_OK, ""},
        {STRUCT(FIELD("x", "\"long\"", MAPPED("1", "k")) "," FIELD("y", "\"long\"",
             MAPPED("1", "K"))),
            VV_MAPPING_NAME, VARVE_OK, ""},
        {STRUCT(FIELD("a", STRUCT(FIELD("k", "\"long\"", "")), "") "," FIELD("k", "\"long\"",
             "")),
            VV_MAPPING_NONE, VARVE_OK, ""},
        {STRUCT(""), VV_MAPPING_NONE, VARVE_OK, ""},
    };

    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        VV_CLEANUP(vv_op_done) struct vv_op op;
        struct vv_schema schema;

        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        varve_status status = vv_schema_parse(&op, &op.arena, vv_str_of(cases[i].json),
            cases[i].mapping, &schema);
        CHECK_INT(status, cases[i].status);
        if (!CHECK(strstr(op.error.message, cases[i].says) != NULL))
            CHECK_STR(op.error.message, cases[i].says);
        if (status != VARVE_OK)
            vv_forgive(&op);
    }
}

/* `depth` structs within each other; metadata of as many arrays in the innermost field. */
static void nested_json(int depth, int metadata_depth, struct vv_buf *out)
{
    for (int i = 0; i < depth; i++)
        vv_buf_adds(out, "{\"type\":\"struct\",\"fields\":[{\"name\":\"a\",\"type\":");
    vv_buf_adds(out, "\"long\",\"metadata\":{\"m\":");
    for (int i = 1; i < metadata_depth; i++)
        vv_buf_addc(out, '[');
    vv_buf_addc(out, '1');
    for (int i = 1; i < metadata_depth; i++)
        vv_buf_addc(out, ']');
    vv_buf_adds(out, "}}]}");
    for (int i = 1; i < depth; i++)
        vv_buf_adds(out, "}]}");
}

TEST(schema, what_nests_too_deep_is_refused_and_the_rest_can_be_written)
{
    for (int i = 0; i < 4; i++) {
        VV_CLEANUP(vv_op_done) struct vv_op op;
        VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
        VV_CLEANUP(vv_buf_done) struct vv_buf out = VV_BUF_INIT(VV_BUF_MAX);
        int depth = VV_SCHEMA_DEPTH_MAX + (i & 1);
        int metadata_depth = VV_SCHEMA_DEPTH_MAX + (i >> 1);
        struct vv_schema schema;

        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        nested_json(depth, metadata_depth, &json);
        if (i > 0) {
            CHECK_FAILS(&op,
                vv_schema_parse(&op, &op.arena, vv_buf_str(&json), VV_MAPPING_NONE, &schema),
                VARVE_EUNSUPPORTED);
            continue;
        }
        REQUIRE_OK(&op,
            vv_schema_parse(&op, &op.arena, vv_buf_str(&json), VV_MAPPING_NONE, &schema));
        vv_schema_write(&schema, &out);
        CHECK(vv_buf_ok(&out));
    }
}

TEST(schema, names_are_unique_and_readable_by_everyone)
{
    static const struct {
        const char *a;
        const char *b;
        enum vv_column_mapping mapping;
        varve_status status;
    } cases[] = {
        {"a", "b", VV_MAPPING_NONE, VARVE_OK},
        {"a.b", "a-b", VV_MAPPING_NONE, VARVE_OK},
        {"Abc", "aBC", VV_MAPPING_NONE, VARVE_EINVALID},
        {"a", "", VV_MAPPING_NAME, VARVE_EINVALID},
        {"a", "x y", VV_MAPPING_NONE, VARVE_EINVALID},
        {"a", "x,y", VV_MAPPING_NONE, VARVE_EINVALID},
        {"a", "x;y", VV_MAPPING_NONE, VARVE_EINVALID},
        {"a", "{", VV_MAPPING_NONE, VARVE_EINVALID},
        {"a", "(", VV_MAPPING_NONE, VARVE_EINVALID},
        {"a", "x\ty", VV_MAPPING_NONE, VARVE_EINVALID},
        {"a", "x\ny", VV_MAPPING_NONE, VARVE_EINVALID},
        {"a", "x=y", VV_MAPPING_NONE, VARVE_EINVALID},
        {"a", "x y", VV_MAPPING_NAME, VARVE_OK},
        {"a", "A", VV_MAPPING_ID, VARVE_EINVALID},
    };

    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        VV_CLEANUP(vv_op_done) struct vv_op op;
        struct vv_field fields[] = {
            {.name = vv_str_of(cases[i].a)}, {.name = vv_str_of(cases[i].b)}};
        struct vv_type inner = {.kind = VV_TYPE_STRUCT, .fields = fields, .fields_len = 2};
        struct vv_field outer = {
            .name = VV_STR("o"), .type = {.kind = VV_TYPE_ARRAY, .element = &inner}};
        struct vv_schema flat = {fields, 2};
        struct vv_schema nested = {&outer, 1};

        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        CHECK_INT(vv_schema_check_names(&op, &flat, cases[i].mapping), cases[i].status);
        vv_forgive(&op);
        CHECK_INT(vv_schema_check_names(&op, &nested, cases[i].mapping), cases[i].status);
        vv_forgive(&op);
    }
}
