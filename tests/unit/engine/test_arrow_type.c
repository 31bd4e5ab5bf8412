#include "engine/arrow_type.h"

#include "arrow_build.h"

static varve_status type_read(struct vv_op *op, struct ArrowSchema *column,
    struct vv_arrow_type *out)
{
    return vv_arrow_type_read(op,
        schema_new(&op->arena, "+s", "", 1, (struct ArrowSchema *[]){column}), out);
}

TEST(arrow_type, formats_without_a_place_are_unsupported)
{
    static const char *const formats[] = {"", "e", "x", "tts", "ttm", "ttu", "ttn", "tDs",
        "tiM", "tiD", "tin", "ts", "tsx:", "tsu", "+ud:0,1", "+us:0", "+r", "+vl", "+vL", "+w",
        "+w:", "+w:-1", "+w:x", "+", "w", "w:", "w:-1", "w:99999999999", "d", "d:", "d:5",
        "d:0,0", "d:39,0", "d:5,-1", "d:5,6", "d:5,2,256", "d:5,2,16", "d:x,y", "d:5,2,128,1",
        "ii", "uu", "vx", "td", "tdx", "\x01"};
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    struct vv_arrow_type type;
    for (size_t index = 0; index < VV_COUNT(formats); index++)
        if (!CHECK_FAILS(&op,
                type_read(&op, schema_new(&op.arena, formats[index], "x", 0, NULL), &type),
                VARVE_EUNSUPPORTED))
            printf("# format %s\n", formats[index]);
}

TEST(arrow_type, broken_schemas_are_invalid)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    struct vv_arena *arena = &op.arena;
    struct ArrowSchema *item = schema_new(arena, "i", "item", 0, NULL);
    struct ArrowSchema *no_format = schema_new(arena, NULL, "x", 0, NULL);
    struct ArrowSchema *released = schema_new(arena, "i", "x", 0, NULL);
    released->release = NULL;
    struct ArrowSchema *negative = schema_new(arena, "+s", "x", -1, NULL);
    struct ArrowSchema *no_children = schema_new(arena, "+l", "x", 0, NULL);
    struct ArrowSchema *lost_children = schema_new(arena, "+l", "x", 0, NULL);
    lost_children->n_children = 1;
    struct ArrowSchema *lost_child =
        schema_new(arena, "+l", "x", 1, (struct ArrowSchema *[]){NULL});
    struct ArrowSchema *two =
        schema_new(arena, "+l", "x", 2, (struct ArrowSchema *[]){item, item});
    struct ArrowSchema *map = schema_new(arena, "+m", "x", 1, &item);
    struct ArrowSchema *entry = schema_new(arena, "+s", "entries", 1, &item);
    struct ArrowSchema *narrow_map = schema_new(arena, "+m", "x", 1, &entry);
    struct ArrowSchema *dictionary = schema_new(arena, "u", "x", 0, NULL);
    dictionary->dictionary = item;
    struct ArrowSchema *long_index = schema_new(arena, "ii", "x", 0, NULL);
    long_index->dictionary = item;
    struct ArrowSchema *empty_index = schema_new(arena, "", "x", 0, NULL);
    empty_index->dictionary = item;
    struct ArrowSchema *twice = schema_new(arena, "+s", "x", 2,
        (struct ArrowSchema *[]){
            schema_new(arena, "i", "a", 0, NULL), schema_new(arena, "i", "A", 0, NULL)});
    struct ArrowSchema *const schemas[] = {NULL, no_format, released, negative, no_children,
        lost_children, lost_child, two, map, narrow_map, dictionary, long_index, empty_index,
        twice, schema_new(arena, "i\xff", "x", 0, NULL)};
    struct vv_arrow_type type;
    for (size_t index = 0; index < VV_COUNT(schemas); index++)
        if (!CHECK_FAILS(&op, type_read(&op, schemas[index], &type), VARVE_EINVALID))
            printf("# schema %zu\n", index);
    CHECK_FAILS(&op, vv_arrow_type_read(&op, item, &type), VARVE_EINVALID);
    CHECK_FAILS(&op, vv_arrow_type_read(&op, no_format, &type), VARVE_EINVALID);
}

TEST(arrow_type, structs_without_fields_are_unsupported)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    struct vv_arrow_type type;
    CHECK_FAILS(&op, type_read(&op, schema_new(&op.arena, "+s", "x", 0, NULL), &type),
        VARVE_EUNSUPPORTED);
}

TEST(arrow_type, depth_and_size_are_limited)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    struct vv_arrow_type type;
    struct ArrowSchema *schema = schema_new(&op.arena, "i", "item", 0, NULL);
    for (int depth = 2; depth < VV_ARROW_DEPTH_MAX; depth++)
        schema = schema_new(&op.arena, "+l", "item", 1, &schema);
    CHECK_OK(&op, type_read(&op, schema, &type));
    schema = schema_new(&op.arena, "+l", "item", 1, &schema);
    CHECK_FAILS(&op, type_read(&op, schema, &type), VARVE_ELIMIT);
    /* A schema may lead back into itself. */
    schema->children[0] = schema;
    CHECK_FAILS(&op, type_read(&op, schema, &type), VARVE_ELIMIT);
    schema = schema_new(&op.arena, "+s", "x", 0, NULL);
    schema->children = &schema;
    schema->n_children = INT64_MAX;
    CHECK_FAILS(&op, type_read(&op, schema, &type), VARVE_ELIMIT);
}

TEST(arrow_type, names_in_sql_are_quoted)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(1000);
    struct vv_arrow_type type;
    struct ArrowSchema *fields[] = {schema_new(&op.arena, "i", "a\"b", 0, NULL),
        schema_new(&op.arena, "tsu:UTC", "c, d", 0, NULL)};
    struct ArrowSchema *schema = schema_new(&op.arena, "+s", "item", 2, fields);
    REQUIRE_OK(&op, type_read(&op, schema_new(&op.arena, "+l", "x", 1, &schema), &type));
    vv_arrow_type_sql(&sql, &type.children[0]);
    CHECK_STR(vv_buf_str(&sql), "STRUCT(\"a\"\"b\" INTEGER, \"c, d\" TIMESTAMPTZ)[]");
    CHECK_STR(type.children[0].children[0].children[0].path, "x.item.a\"b");
}
