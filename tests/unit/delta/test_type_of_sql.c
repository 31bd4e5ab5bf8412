#include "delta/schema.h"

#include <stdio.h>

#include "harness/test.h"

TEST(type_of_sql, types_by_duckdbs_names)
{
    static const struct {
        const char *sql, *name;
    } cases[] = {
        {"BIGINT", "long"},
        {"UINTEGER", "long"},
        {"UBIGINT", "decimal(20,0)"},
        {"TINYINT", "byte"},
        {"UTINYINT", "short"},
        {"FLOAT", "float"},
        {"VARCHAR", "string"},
        {"UUID", "string"},
        {"BLOB", "binary"},
        {"DATE", "date"},
        {"TIMESTAMP", "timestamp"},
        {"TIMESTAMP_NS", "timestamp"},
        {"TIMESTAMP WITH TIME ZONE", "timestamp"},
        {"STRUCT(\"at\" TIMESTAMP WITH TIME ZONE, ns SMALLINT)", "timestamp"},
        {"DECIMAL(10,2)", "decimal(10,2)"},
        {"ENUM('a', 'b)', 'it''s')", "string"},
        {"INTEGER[]", "array<integer>"},
        {"INTEGER[3][]", "array<array<integer>>"},
        {"TIMESTAMP WITH TIME ZONE[]", "array<timestamp>"},
        {"MAP(VARCHAR, DECIMAL(5,1)[])", "map<string,array<decimal(5,1)>>"},
        {"STRUCT(a INTEGER, \"b c\" VARCHAR[])", "struct<a:integer,`b c`:array<string>>"},
        {"STRUCT(\"q\"\"q\" STRUCT(x DATE))[]", "array<struct<`q\"q`:struct<x:date>>>"},
    };
    struct vv_op op;
    vv_op_init(&op, NULL, 1 << 20);
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf name = VV_BUF_INIT(1000);
        struct vv_type type;
        if (!CHECK_OK(&op, vv_type_of_sql(&op, &op.arena, vv_str_of(cases[i].sql), &type)))
            continue;
        vv_type_name(&type, &name);
        CHECK_STR(vv_buf_str(&name), cases[i].name);
    }
    vv_op_done(&op);
}

TEST(type_of_sql, whatever_has_no_place_in_a_table_is_refused)
{
    static const char *const cases[] = {"TIME", "INTERVAL", "HUGEINT", "TIMESTAMP_TZ", "",
        "UNION(a INTEGER)", "STRUCT(a TIME)", "BIGINT[", "DECIMAL(", "DECIMAL(99,1)",
        "STRUCT(a", "STRUCT(\"a", "MAP(VARCHAR)", "BIGINT x", "ENUM('a"};
    struct vv_op op;
    vv_op_init(&op, NULL, 1 << 20);
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        struct vv_type type;
        if (!CHECK_INT(vv_type_of_sql(&op, &op.arena, vv_str_of(cases[i]), &type),
                VARVE_EUNSUPPORTED))
            printf("# %s\n", cases[i]);
        vv_forgive(&op);
    }
    vv_op_done(&op);
}
