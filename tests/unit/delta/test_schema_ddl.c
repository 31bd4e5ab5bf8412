#include "delta/schema.h"

#include "harness/prop.h"
#include "harness/test.h"

/* The schema as text again: "a:timestamp!,b:string". */
static void describe(const struct vv_schema *schema, struct vv_buf *out)
{
    for (size_t i = 0; i < schema->fields_len; i++) {
        vv_buf_adds(out, i > 0 ? "," : "");
        vv_buf_add(out, schema->fields[i].name);
        vv_buf_addc(out, ':');
        vv_type_name(&schema->fields[i].type, out);
        vv_buf_adds(out, schema->fields[i].nullable ? "" : "!");
    }
}

TEST(schema_ddl, reads_what_people_type)
{
    static const struct {
        const char *text;
        const char *schema;
    } cases[] = {
        {"a timestamp not null, b string, c decimal(10,2), d struct<x: int, y: array<string>>",
            "a:timestamp!,b:string,c:decimal(10,2),d:struct<x:integer,y:array<string>>"},
        {"a bigint,b int,c double,d f64,e i32,f varchar,g bool",
            "a:long,b:integer,c:double,d:double,e:integer,f:string,g:boolean"},
        {"a LONG NOT NULL,b Smallint NULL,c tinyint,d real,e blob,f date",
            "a:long!,b:short,c:byte,d:float,e:binary,f:date"},
        {"a i8,b i16,c i64,d f32,e text,f boolean,g varbinary",
            "a:byte,b:short,c:long,d:float,e:string,f:boolean,g:binary"},
        {"a float64,b Float32,c Int64,d int32,e int16,f str,g Utf8,h bytes",
            "a:double,b:float,c:long,d:integer,e:short,f:string,g:string,h:binary"},
        {"a timestamp_ntz, b timestamptz, c timestamp without time zone, d timestamp with time "
         "zone not null",
            "a:timestamp_ntz,b:timestamp,c:timestamp_ntz,d:timestamp!"},
        {"a double precision not null", "a:double!"},
        {"a decimal, b numeric(5), c decimal ( 38 , 38 )",
            "a:decimal(10,0),b:decimal(5,0),c:decimal(38,38)"},
        {"a int[], b int[][] not null", "a:array<integer>,b:array<array<integer>>!"},
        {"m map<string, struct<a int not null, b: map(int, double)>>",
            "m:map<string,struct<a:integer,b:map<integer,double>>>"},
        {"`odd``name` int, \"two\"\"quotes\" int", "odd`name:integer,two\"quotes:integer"},
        {"timestamp timestamp, date date, string string",
            "timestamp:timestamp,date:date,string:string"},
        {"`a b` int", "a b:integer"},
        {"z\xc3\xbcrich int", "z\xc3\xbcrich:integer"},
        {" \n a\tint \r\n", "a:integer"},
    };

    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        VV_CLEANUP(vv_op_done) struct vv_op op;
        VV_CLEANUP(vv_buf_done) struct vv_buf out = VV_BUF_INIT(VV_BUF_MAX);
        struct vv_schema schema = {0};

        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        CHECK_OK(&op, vv_schema_parse_ddl(&op, &op.arena, vv_str_of(cases[i].text), &schema));
        describe(&schema, &out);
        CHECK_STR(vv_buf_str(&out), cases[i].schema);
        for (size_t j = 0; j < schema.fields_len; j++)
            CHECK_STR(schema.fields[j].physical_name, schema.fields[j].name);
    }
}

TEST(schema_ddl, comments_become_metadata)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_schema schema;

    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE_OK(&op,
        vv_schema_parse_ddl(&op, &op.arena,
            VV_STR("a int not null comment 'it''s \"x\"', b int comment ''"), &schema));
    CHECK_STR(vv_json_text(vv_json_get(schema.fields[0].metadata, "comment")), "it's \"x\"");
    CHECK_STR(vv_json_text(vv_json_get(schema.fields[1].metadata, "comment")), "");
}

TEST(schema_ddl, says_where_it_stopped)
{
    static const struct {
        const char *text;
        const char *says;
    } cases[] = {
        {"", "column name expected at the end"},
        {"a", "a type"},
        {"a int,", "column name expected at the end"},
        {"a int b int", "byte 7"},
        {"a intt", "byte 3"},
        {"a int not", "\"null\""},
        {"a int nul", "byte 7"},
        {"a decimal(0)", "precision"},
        {"a decimal(39)", "precision"},
        {"a decimal(5,6)", "precision"},
        {"a decimal(x)", "number"},
        {"a decimal(5,", "number"},
        {"a varchar(10)", "CHECK"},
        {"a timestamp with zone", "time zone"},
        {"a array<int", "\">\""},
        {"a array(int>", "\")\""},
        {"a array int", "\"<\""},
        {"a map<int>", "\",\""},
        {"a struct<>", "column name"},
        {"a int[", "\"]\""},
        {"`a int", "byte 1"},
        {"a int comment x", "single quotes"},
        {"a int comment 'x", "never closed"},
        {"a int, A string", "twice"},
        {"a variant", "a type"},
        {"\xff int", "UTF-8"},
    };

    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        VV_CLEANUP(vv_op_done) struct vv_op op;
        struct vv_schema schema;

        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        CHECK_INT(vv_schema_parse_ddl(&op, &op.arena, vv_str_of(cases[i].text), &schema),
            VARVE_EUSAGE);
        CHECK_STATUS(&op, VARVE_EUSAGE);
        if (!CHECK(strstr(op.error.message, cases[i].says) != NULL))
            CHECK_STR(op.error.message, cases[i].says);
        vv_forgive(&op);
    }
}

static void repeat(const char *text, int times, struct vv_buf *out)
{
    for (int i = 0; i < times; i++)
        vv_buf_adds(out, text);
}

TEST(schema_ddl, depth_is_bounded_and_what_is_taken_can_be_read_back)
{
    for (int depth = 1; depth < 40; depth++) {
        for (int shape = 0; shape < 3; shape++) {
            VV_CLEANUP(vv_op_done) struct vv_op op;
            VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
            VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
            struct vv_schema schema;
            bool fits = depth <= VV_SCHEMA_DEPTH_MAX - 1;

            vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
            vv_buf_adds(&text, "a ");
            repeat(shape == 0 ? "struct<x " : "array<", shape < 2 ? depth : depth / 2, &text);
            vv_buf_adds(&text, "int");
            repeat(">", shape < 2 ? depth : depth / 2, &text);
            repeat("[]", shape < 2 ? 0 : depth - depth / 2, &text);
            varve_status status =
                vv_schema_parse_ddl(&op, &op.arena, vv_buf_str(&text), &schema);
            CHECK_INT(status, fits ? VARVE_OK : VARVE_EUSAGE);
            vv_forgive(&op);
            if (status != VARVE_OK)
                continue;
            vv_schema_write(&schema, &json);
            CHECK_OK(&op,
                vv_schema_parse(&op, &op.arena, vv_buf_str(&json), VV_MAPPING_NONE, &schema));
        }
    }
}

TEST(schema_ddl, any_text_is_a_schema_that_reads_back_or_is_refused)
{
    static const char *const words[] = {"a", "b", " ", ",", "int", "struct<", "array<", "map<",
        ">", "(", ")", "decimal", "5", "not null", "`", "\"", "'", ":", "[]", "comment",
        "string"};
    struct prop prop = prop_start();
    int taken = 0;

    for (int i = 0; i < 60000; i++) {
        VV_CLEANUP(vv_op_done) struct vv_op op;
        VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
        VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
        struct vv_schema schema;

        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        vv_buf_adds(&text, "a ");
        for (size_t len = prop_choose(&prop, 10) + 1; len > 0; len--)
            vv_buf_addf(&text, "%s ", words[prop_choose(&prop, VV_COUNT(words))]);
        if (vv_schema_parse_ddl(&op, &op.arena, vv_buf_str(&text), &schema) != VARVE_OK) {
            CHECK_STATUS(&op, VARVE_EUSAGE);
            continue;
        }
        taken++;
        vv_schema_write(&schema, &json);
        CHECK_OK(&op,
            vv_schema_parse(&op, &op.arena, vv_buf_str(&json), VV_MAPPING_NONE, &schema));
    }
    CHECK(taken > 1000);
}
