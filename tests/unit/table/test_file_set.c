#include "table/file_set.h"

#include "harness/test.h"

#define FILES 5000

static struct vv_file file_of(struct vv_str key, const char *dv_id)
{
    return (struct vv_file){.key = key, .dv_id = vv_str_of(dv_id)};
}

/* Every file is found at its place, whatever the number, and no other one. */
TEST(file_set, finds_each)
{
    struct vv_op op;
    struct vv_file_set set;
    static struct vv_file files[FILES];
    static const struct vv_file *list[FILES];
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    for (int i = 0; i < FILES; i++) {
        files[i] = file_of(vv_arena_format(&op.arena, "date=2024-01-02/part-%d", i), "");
        list[i] = &files[i];
    }
    if (CHECK_OK(&op, vv_file_set_init(&op, &op.arena, list, FILES, &set)))
        for (size_t i = 0; i < FILES; i++) {
            size_t at = 0;
            CHECK(vv_file_set_find(&set, files[i].key, VV_STR(""), &at));
            CHECK_INT(at, i);
        }
    struct vv_file other = file_of(VV_STR("date=2024-01-02/part-5000"), "");
    CHECK(!vv_file_set_has(&set, &other));
    vv_op_done(&op);
}

/* A path with another deletion vector is another file; a log that has both keeps both. */
TEST(file_set, tells_vectors_apart)
{
    struct vv_op op;
    struct vv_file_set set;
    struct vv_file plain = file_of(VV_STR("a"), "");
    struct vv_file marked = file_of(VV_STR("a"), "u1");
    struct vv_file again = file_of(VV_STR("a"), "u2");
    const struct vv_file *list[] = {&plain, &marked};
    size_t at = 7;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    if (CHECK_OK(&op, vv_file_set_init(&op, &op.arena, list, 2, &set))) {
        CHECK(vv_file_set_has(&set, &plain));
        CHECK(vv_file_set_find(&set, marked.key, marked.dv_id, &at));
        CHECK_INT(at, 1);
        CHECK(!vv_file_set_has(&set, &again));
    }
    if (CHECK_OK(&op, vv_file_set_init(&op, &op.arena, list + 1, 1, &set)))
        CHECK(!vv_file_set_has(&set, &plain));
    vv_op_done(&op);
}

TEST(file_set, of_none)
{
    struct vv_op op;
    struct vv_file_set set;
    struct vv_file file = file_of(VV_STR("a"), "");
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    if (CHECK_OK(&op, vv_file_set_init(&op, &op.arena, NULL, 0, &set)))
        CHECK(!vv_file_set_has(&set, &file));
    vv_op_done(&op);
}
