#include "cli/trail.h"

#include <stdio.h>

#include "base/buf.h"
#include "harness/test.h"

static struct vv_trail *open_at(const char *name)
{
    struct vv_trail *trail = NULL;
    varve_error err;
    CHECK_INT(vv_trail_open(test_path(name), &trail, &err), VARVE_OK);
    return trail;
}

static const struct vv_mark start = {.inode = 7};

/* One that has taken two chunks and has begun a third, in which a line was refused. */
static struct vv_trail *filled(const char *name)
{
    varve_error err;
    struct vv_mark mark = {7, 100, 100, 11, 100, 12};
    struct vv_trail *trail = open_at(name);
    CHECK_INT(vv_trail_begin(trail, &start, 1000, &err), VARVE_OK);
    CHECK_INT(vv_trail_chunk(trail, &start, 0, 100, 1000, &err), VARVE_OK);
    CHECK_INT(vv_trail_done(trail, 100, 1010, &err), VARVE_OK);
    CHECK_INT(vv_trail_chunk(trail, &mark, 100, 200, 1015, &err), VARVE_OK);
    CHECK_INT(vv_trail_done(trail, 190, 1024, &err), VARVE_OK);
    CHECK_INT(vv_trail_chunk(trail, &mark, 190, 300, 1030, &err), VARVE_OK);
    CHECK_INT(vv_trail_refused(trail, 220, &err), VARVE_OK);
    return trail;
}

/* What the sequences that a spool may have kept say of the place. */
static const struct place {
    uint64_t sequence, from, rows;
} places[] = {
    {900, 0, 0}, /* a power cut took all that was not synced */
    {1000, 0, 0},
    {1003, 0, 3},
    {1009, 0, 9},
    {1010, 100, 0}, /* the first chunk is whole, nothing of the second */
    {1015, 100, 0}, /* others have put rows between them */
    {1020, 100, 5},
    {1024, 190, 0},
    {1030, 190, 0},
    {1037, 190, 7},
};

static void check_places(const struct vv_trail *trail)
{
    for (size_t i = 0; i < VV_COUNT(places); i++) {
        struct vv_chunk chunk;
        uint64_t rows = 0;
        REQUIRE(vv_trail_place(trail, places[i].sequence, &chunk, &rows));
        CHECK_INT(chunk.from, places[i].from);
        CHECK_INT(rows, places[i].rows);
        if (chunk.from != 190)
            continue;
        CHECK_INT(chunk.refused_len, 1);
        CHECK_INT(chunk.refused[0], 220);
        CHECK_INT(chunk.mark.before_hash, 12);
        CHECK_INT(chunk.to, 300);
    }
}

TEST(trail, tells_the_place_from_the_newest_sequence)
{
    struct vv_trail *trail = filled("trail");
    check_places(trail);
    vv_trail_close(&trail);
    trail = open_at("trail");
    check_places(trail);
    vv_trail_close(&trail);
}

TEST(trail, a_new_one_has_no_place)
{
    struct vv_chunk chunk;
    uint64_t rows = 0;
    varve_error err;
    struct vv_trail *trail = open_at("trail");
    CHECK(!vv_trail_place(trail, 5, &chunk, &rows));
    CHECK_INT(vv_trail_begin(trail, &start, 5, &err), VARVE_OK);
    CHECK(vv_trail_place(trail, 5, &chunk, &rows));
    CHECK(rows == UINT64_MAX);
    CHECK_INT(chunk.at, 0);
    vv_trail_close(&trail);
}

/* Whatever a crash leaves of the file: what is read of it is true as far as it goes. */
TEST(trail, cut_at_any_byte_it_tells_an_earlier_place)
{
    struct vv_trail *trail = filled("whole");
    vv_trail_close(&trail);
    struct vv_str whole = test_file_read(test_path("whole"));
    size_t header = vv_str_find(whole, '\n') + 1;
    uint64_t newest = 0;
    for (size_t len = header; len <= whole.len; len++) {
        struct vv_chunk chunk;
        uint64_t rows = 0;
        REQUIRE(test_file_write(test_path("cut"), vv_str_first(whole, len)));
        trail = open_at("cut");
        if (vv_trail_place(trail, 1037, &chunk, &rows)) {
            CHECK(chunk.from >= newest && chunk.from <= 190);
            newest = chunk.from;
        }
        vv_trail_close(&trail);
    }
    CHECK_INT(newest, 190);
}

TEST(trail, a_record_that_was_altered_ends_it)
{
    struct vv_trail *trail = filled("whole");
    vv_trail_close(&trail);
    struct vv_str whole = test_file_read(test_path("whole"));
    struct vv_buf text = VV_BUF_INIT(10000);
    vv_buf_add(&text, whole);
    char *third = strstr(strstr(vv_buf_str(&text).ptr, "done 1010") + 1, "chunk 1015");
    REQUIRE(third != NULL);
    third[6] = '2';
    REQUIRE(test_file_write(test_path("whole"), vv_buf_str(&text)));
    vv_buf_done(&text);
    trail = open_at("whole");
    struct vv_chunk chunk;
    uint64_t rows = 0;
    CHECK(vv_trail_place(trail, 1037, &chunk, &rows));
    CHECK_INT(chunk.at, 100);
    CHECK(rows == UINT64_MAX);
    vv_trail_close(&trail);
}

TEST(trail, another_file_is_refused)
{
    struct vv_trail *trail = NULL;
    varve_error err;
    REQUIRE(test_file_write(test_path("trail"), VV_STR("feed = 1\n")));
    CHECK_INT(vv_trail_open(test_path("trail"), &trail, &err), VARVE_ECORRUPT);
    CHECK(trail == NULL);
}

TEST(trail, stays_small_as_rows_become_durable)
{
    varve_error err;
    struct vv_trail *trail = open_at("trail");
    size_t bytes_max = 0;
    uint64_t rows = 0;
    struct vv_chunk chunk;
    CHECK_INT(vv_trail_begin(trail, &start, 0, &err), VARVE_OK);
    for (uint64_t i = 0; i < 3000; i++) {
        CHECK_INT(vv_trail_chunk(trail, &start, i * 100, i * 100 + 100, i * 10, &err),
            VARVE_OK);
        CHECK_INT(vv_trail_done(trail, i * 100 + 100, i * 10 + 10, &err), VARVE_OK);
        CHECK_INT(vv_trail_trim(trail, i * 10, &err), VARVE_OK);
        size_t bytes = i % 100 == 0 ? test_file_read(test_path("trail")).len : 0;
        bytes_max = bytes > bytes_max ? bytes : bytes_max;
    }
    CHECK(bytes_max > 10000 && bytes_max < 100000);
    vv_trail_close(&trail);
    trail = open_at("trail");
    CHECK(vv_trail_place(trail, 30000, &chunk, &rows));
    CHECK_INT(chunk.at, 300000);
    CHECK(vv_trail_place(trail, 29995, &chunk, &rows));
    CHECK_INT(chunk.from, 299900);
    CHECK_INT(rows, 5);
    vv_trail_close(&trail);
}
