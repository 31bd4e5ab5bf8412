#include "table/writers.h"

#include "harness/test.h"

#define KB INT64_C(1000)
#define MB INT64_C(1000000)
#define PIECES_MAX 60

struct parted {
    struct vv_op op;
    struct vv_engine *engine;
    int64_t bytes[PIECES_MAX];
    struct vv_writers_share shares[2];
};

static void parted_done(struct parted *parted)
{
    vv_engine_close(&parted->engine);
    vv_op_done(&parted->op);
}

/* `threads` and `memory` are what the engine may have; no piece is written. */
static bool part(struct parted *parted, uint32_t threads, size_t memory, size_t len)
{
    const struct vv_engine_options options = {
        .threads = threads, .memory_bytes = memory, .temp_folder = vv_str_of(test_dir())};
    vv_op_init(&parted->op, NULL, VV_OP_BYTES_DEFAULT);
    return CHECK_OK(&parted->op, vv_engine_open(&parted->op, &options, &parted->engine)) &&
           CHECK_OK(&parted->op, vv_writers_part(&parted->op, parted->engine, parted->bytes,
                                     len, parted->shares));
}

TEST(writers, two_long_pieces_among_many_short_ones_are_written_one_by_one)
{
    VV_CLEANUP(parted_done) struct parted parted = {.engine = NULL};
    for (size_t i = 0; i < PIECES_MAX; i++)
        parted.bytes[i] = i == 3 || i == 40 ? 82 * MB : 8 * KB;
    REQUIRE(part(&parted, 2, (size_t)896 << 20, PIECES_MAX));
    const struct vv_writers_share *longs = &parted.shares[0];
    const struct vv_writers_share *others = &parted.shares[1];
    REQUIRE(CHECK_INT(longs->len, 2));
    CHECK_INT(longs->pieces[0], 3);
    CHECK_INT(longs->pieces[1], 40);
    CHECK_INT(longs->bytes, 82 * MB);
    CHECK_INT(longs->threads, 1);
    REQUIRE(CHECK_INT(others->len, PIECES_MAX - 2));
    CHECK_INT(others->pieces[0], 0);
    CHECK_INT(others->pieces[3], 4);
    CHECK_INT(others->pieces[PIECES_MAX - 3], PIECES_MAX - 1);
    CHECK_INT(others->bytes, 8 * KB);
    CHECK_INT(others->threads, 2);
}

TEST(writers, a_piece_is_long_where_memory_holds_but_one_of_them)
{
    static const struct {
        size_t memory;
        size_t longs; /* of 8 MB, 20 MB and 40 MB */
        size_t threads;
    } cases[] = {{0, 1, 2}, {(size_t)2 << 30, 1, 2}, {(size_t)896 << 20, 2, 1},
        {(size_t)512 << 20, 3, 1}};
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        VV_CLEANUP(parted_done)
        struct parted parted = {.engine = NULL, .bytes = {8 * MB, 20 * MB, 40 * MB}};
        REQUIRE(part(&parted, 2, cases[i].memory, 3));
        CHECK_INT(parted.shares[0].len, cases[i].longs);
        CHECK_INT(parted.shares[0].threads, 1);
        CHECK_INT(parted.shares[1].len, 3 - cases[i].longs);
        CHECK_INT(parted.shares[1].threads, cases[i].threads);
    }
}

TEST(writers, with_one_thread_all_pieces_are_written_one_by_one)
{
    VV_CLEANUP(parted_done) struct parted parted = {.engine = NULL, .bytes = {1, 82 * MB, 2}};
    REQUIRE(part(&parted, 1, 0, 3));
    CHECK_INT(parted.shares[0].len, 3);
    CHECK_INT(parted.shares[0].bytes, 82 * MB);
    CHECK_INT(parted.shares[1].len, 0);
}
