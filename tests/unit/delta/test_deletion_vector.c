/*
 * Deletion vectors in files and in the log: what is written is read again, and whatever does not
 * agree with the log, its file or itself is refused with the name of the data file.
 */
#include "delta/deletion_vector.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "harness/test.h"

struct dv_fixture {
    struct vv_op op;
    struct vv_store *store;
    struct vv_dv_reader reader;
};

static bool dv_fixture_open(struct dv_fixture *fixture)
{
    vv_op_init(&fixture->op, NULL, VV_OP_BYTES_DEFAULT);
    if (!CHECK_OK(&fixture->op, vv_store_open_memory(&fixture->op, &fixture->store)))
        return false;
    vv_dv_reader_init(&fixture->reader, fixture->store);
    return true;
}

static void dv_fixture_close(struct dv_fixture *fixture)
{
    vv_dv_reader_done(&fixture->reader);
    vv_store_close(&fixture->store);
    vv_op_done(&fixture->op);
}

static struct vv_row_set *set_of(const int64_t *rows, size_t len)
{
    struct vv_row_set *set = vv_row_set_new();
    CHECK(vv_row_set_add(set, rows, len));
    return set;
}

TEST(deletion_vector, several_share_a_file_and_are_read_from_it)
{
    struct dv_fixture fixture;
    REQUIRE(dv_fixture_open(&fixture));
    struct vv_op *op = &fixture.op;
    VV_CLEANUP(vv_dv_writer_done) struct vv_dv_writer writer = {.uuid = ""};
    struct vv_deletion_vector dvs[3];
    const int64_t rows[] = {0, 9, 100000};
    REQUIRE_OK(op, vv_dv_begin(op, &op->arena, &writer));
    for (size_t i = 0; i < VV_COUNT(dvs); i++) {
        VV_CLEANUP(vv_row_set_free) struct vv_row_set *set = set_of(rows, i + 1);
        REQUIRE_OK(op, vv_dv_add(op, &writer, set, &dvs[i]));
    }
    CHECK_INT(dvs[0].offset, 1);
    CHECK_INT(dvs[0].size_bytes, 34);
    CHECK_INT(dvs[1].offset, 1 + 4 + 34 + 4);
    CHECK_INT(dvs[2].cardinality, 3);
    CHECK(vv_str_starts(writer.key, VV_STR("deletion_vector_")));
    REQUIRE_OK(op, vv_dv_store(op, fixture.store, &writer));
    for (size_t i = 0; i < VV_COUNT(dvs); i++) {
        VV_CLEANUP(vv_row_set_free) struct vv_row_set *set = NULL;
        bool found[3];
        struct vv_file file = {.path = VV_STR("f.parquet"),
            .stats = VV_STR("{\"numRecords\":100001}"),
            .dv = &dvs[i]};
        REQUIRE_OK(op, vv_dv_read(op, &fixture.reader, &file, &set));
        vv_row_set_find(set, rows, 3, found);
        for (size_t r = 0; r < 3; r++)
            CHECK_INT(found[r], r <= i);
    }
    dv_fixture_close(&fixture);
}

#define KEY_OF_EXAMPLE "ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin"
#define EXAMPLE "ab^-aqEH.-t@S}K{vb[*k^"

/* Version, size, {0, 9}, checksum: made by hand from the protocol's text. */
static const unsigned char by_hand[] = {1, 0, 0, 0, 36, 0xd1, 0xd3, 0x39, 0x64, 1, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0x3a, 0x30, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0x10, 0, 0, 0, 0, 0, 9, 0,
    0x2a, 0x67, 0x18, 0x46};

TEST(deletion_vector, a_file_made_by_hand_is_read_by_name_and_by_path)
{
    struct dv_fixture fixture;
    const char *path = test_path("a b.bin");
    struct vv_str bytes = {(const char *)by_hand, sizeof(by_hand)};
    REQUIRE(dv_fixture_open(&fixture));
    struct vv_op *op = &fixture.op;
    REQUIRE(test_file_write(path, bytes));
    REQUIRE_OK(op, vv_store_put(op, fixture.store, VV_STR(KEY_OF_EXAMPLE), bytes));
    struct vv_str uri = vv_arena_format(&op->arena, "file://%.*s/a%%20b.bin",
        (int)(strlen(path) - strlen("/a b.bin")), path);
    const struct vv_deletion_vector dvs[] = {{'u', VV_STR(EXAMPLE), true, 1, 36, 2},
        {'p', vv_str_of(path), true, 1, 36, 2}, {'p', uri, true, 1, 36, 2}};
    for (size_t i = 0; i < VV_COUNT(dvs); i++) {
        VV_CLEANUP(vv_row_set_free) struct vv_row_set *set = NULL;
        struct vv_file file = {.path = VV_STR("f.parquet"), .dv = &dvs[i]};
        REQUIRE_OK(op, vv_dv_read(op, &fixture.reader, &file, &set));
        CHECK_INT(vv_row_set_len(set), 2);
        CHECK_INT(vv_row_set_greatest(set), 9);
    }
    dv_fixture_close(&fixture);
}

struct bad_case {
    struct vv_deletion_vector dv;
    varve_status status;
    const char *words;
};

#define INLINE_0_5 "^Bg9^0rr910000000000iXQKl0rr91000315c8Xg000f5"

static const struct bad_case bad_cases[] = {
    {{'u', {EXAMPLE, 22}, true, 1, 36, 3}, VARVE_ECORRUPT, "2 rows, the log says 3"},
    {{'u', {EXAMPLE, 22}, true, 1, 35, 2}, VARVE_ECORRUPT, "the log says 35"},
    {{'u', {EXAMPLE, 22}, true, 1, INT32_MAX, 2}, VARVE_ECORRUPT, "too few"},
    {{'u', {EXAMPLE, 22}, true, INT32_MAX, 36, 2}, VARVE_ECORRUPT, "too few"},
    {{'u', {EXAMPLE, 22}, true, 10, 3, 2}, VARVE_ECORRUPT, "the log says 3"},
    {{'u', {EXAMPLE, 22}, false, 0, 36, 2}, VARVE_ECORRUPT, "the log says 36"},
    {{'u', {EXAMPLE, 21}, true, 1, 36, 2}, VARVE_ENOTFOUND, "deletion_vector_"},
    {{'u', {EXAMPLE, 19}, true, 1, 36, 2}, VARVE_ECORRUPT, "names no file"},
    {{'u', {"../^-aqEH.-t@S}K{vb[*k^", 23}, true, 1, 36, 2}, VARVE_ECORRUPT, "name"},
    {{'u', {"^-aqEH.-t@S}K{vb[*k\"", 20}, true, 1, 36, 2}, VARVE_ECORRUPT, "names no file"},
    {{'u', {"^-aqEH.-t@S}K{vb[*k.", 20}, true, 1, 36, 2}, VARVE_ENOTFOUND, "deletion_vector_"},
    {{'p', {"relative.bin", 12}, true, 1, 36, 2}, VARVE_ECORRUPT, "no absolute path"},
    {{'p', {"/nowhere/x.bin", 14}, true, 1, 36, 2}, VARVE_ENOTFOUND, "/nowhere/x.bin"},
    {{'p', {"/dev/zero", 9}, true, 1, 36, 2}, VARVE_ENOTFOUND, "/dev/zero"},
    {{'p', {"/dev", 4}, true, 1, 36, 2}, VARVE_ENOTFOUND, "/dev"},
    {{'r', {EXAMPLE, 22}, true, 1, 36, 2}, VARVE_EUNSUPPORTED, "storage type \"r\""},
    {{'i', {INLINE_0_5, 45}, false, 0, 36, 3}, VARVE_ECORRUPT, "the log says 3"},
    {{'i', {INLINE_0_5, 45}, false, 0, 37, 2}, VARVE_ECORRUPT, "not 37"},
    {{'i', {INLINE_0_5, 45}, false, 0, 32, 2}, VARVE_ECORRUPT, "not 32"},
    {{'i', {INLINE_0_5, 45}, false, 0, 33, 2}, VARVE_ECORRUPT, "container of numbers"},
    {{'i', {INLINE_0_5, 44}, false, 0, 36, 2}, VARVE_ECORRUPT, "not Z85"},
    {{'i', {"", 0}, false, 0, INT32_MAX, 2}, VARVE_ECORRUPT, "0 bytes"},
};

TEST(deletion_vector, what_does_not_agree_is_refused_with_the_name_of_the_file)
{
    struct dv_fixture fixture;
    struct vv_str bytes = {(const char *)by_hand, sizeof(by_hand)};
    REQUIRE(dv_fixture_open(&fixture));
    struct vv_op *op = &fixture.op;
    REQUIRE_OK(op, vv_store_put(op, fixture.store, VV_STR(KEY_OF_EXAMPLE), bytes));
    for (size_t i = 0; i < VV_COUNT(bad_cases); i++) {
        struct vv_row_set *set = NULL;
        struct vv_file file = {.path = VV_STR("date=1/f.parquet"), .dv = &bad_cases[i].dv};
        CHECK_INT(vv_dv_read(op, &fixture.reader, &file, &set), bad_cases[i].status);
        CHECK(strstr(op->error.message, "file date=1/f.parquet") != NULL);
        if (!CHECK(strstr(op->error.message, bad_cases[i].words) != NULL))
            CHECK_STR(op->error.message, bad_cases[i].words);
        CHECK(set == NULL);
        vv_forgive(op);
    }
    dv_fixture_close(&fixture);
}

/* It would be waited for as long as nobody writes to it. */
TEST(deletion_vector, a_named_pipe_is_no_file)
{
    struct dv_fixture fixture;
    struct vv_row_set *set = NULL;
    REQUIRE(dv_fixture_open(&fixture));
    REQUIRE(mkfifo(test_path("pipe"), 0600) == 0);
    const struct vv_deletion_vector dv = {'p', vv_str_of(test_path("pipe")), true, 1, 36, 2};
    struct vv_file file = {.path = VV_STR("f.parquet"), .dv = &dv};
    CHECK_FAILS(&fixture.op, vv_dv_read(&fixture.op, &fixture.reader, &file, &set),
        VARVE_ENOTFOUND);
    dv_fixture_close(&fixture);
}

/* Each byte in turn: none may be changed without being noticed. */
TEST(deletion_vector, no_changed_byte_goes_unnoticed)
{
    struct dv_fixture fixture;
    const struct vv_deletion_vector dv = {'u', VV_STR(EXAMPLE), true, 1, 36, 2};
    struct vv_file file = {.path = VV_STR("f"), .dv = &dv};
    for (size_t at = 0; at < sizeof(by_hand); at++) {
        struct vv_row_set *set = NULL;
        char bytes[sizeof(by_hand)];
        REQUIRE(dv_fixture_open(&fixture));
        memcpy(bytes, by_hand, sizeof(bytes));
        bytes[at] = (char)(bytes[at] ^ 0x20);
        REQUIRE_OK(&fixture.op, vv_store_put(&fixture.op, fixture.store, VV_STR(KEY_OF_EXAMPLE),
                                    (struct vv_str){bytes, sizeof(bytes)}));
        CHECK_FAILS(&fixture.op, vv_dv_read(&fixture.op, &fixture.reader, &file, &set),
            at == 0 ? VARVE_EUNSUPPORTED : VARVE_ECORRUPT);
        dv_fixture_close(&fixture);
    }
    for (size_t len = 0; len < sizeof(by_hand); len++) {
        struct vv_row_set *set = NULL;
        struct vv_str cut = {(const char *)by_hand, len};
        REQUIRE(dv_fixture_open(&fixture));
        REQUIRE_OK(&fixture.op,
            vv_store_put(&fixture.op, fixture.store, VV_STR(KEY_OF_EXAMPLE), cut));
        CHECK_FAILS(&fixture.op, vv_dv_read(&fixture.op, &fixture.reader, &file, &set),
            VARVE_ECORRUPT);
        dv_fixture_close(&fixture);
    }
}

TEST(deletion_vector, a_row_beyond_the_end_of_the_file_is_refused)
{
    struct dv_fixture fixture;
    const struct vv_deletion_vector dv = {'i', VV_STR(INLINE_0_5), false, 0, 36, 2};
    struct vv_file file = {.path = VV_STR("f"), .dv = &dv};
    /* What other software says of its files is no more than a hint. */
    static const struct {
        const char *stats;
        bool by_varve;
        varve_status status;
    } cases[] = {{"{\"numRecords\":6}", true, VARVE_OK},
        {"{\"numRecords\":5}", true, VARVE_ECORRUPT}, {"{\"numRecords\":5}", false, VARVE_OK},
        {NULL, true, VARVE_OK}};
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        VV_CLEANUP(vv_row_set_free) struct vv_row_set *set = NULL;
        REQUIRE(dv_fixture_open(&fixture));
        file.stats = vv_str_of(cases[i].stats);
        file.by_varve = cases[i].by_varve;
        CHECK_INT(vv_dv_read(&fixture.op, &fixture.reader, &file, &set), cases[i].status);
        dv_fixture_close(&fixture);
    }
}
