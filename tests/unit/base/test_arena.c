#include "base/arena.h"

#include "base/seam.h"

#include "harness/test.h"

TEST(arena, a_fresh_one_owns_nothing)
{
    struct vv_arena arena = VV_ARENA_INIT(100);
    CHECK(arena.blocks == NULL);
    CHECK_INT(arena.bytes, 0);
    vv_arena_done(&arena);
}

TEST(arena, memory_is_zeroed_aligned_and_apart)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT((size_t)64 << 20);
    unsigned char *pieces[400];
    size_t sizes[400];
    for (size_t i = 0; i < VV_COUNT(pieces); i++) {
        sizes[i] = i % 50 == 49 ? 300000 : i % 97 + 1;
        size_t align = (size_t)1 << (i % 5);
        pieces[i] = vv_arena_alloc(&arena, sizes[i], 1, align);
        CHECK(pieces[i] != NULL);
        CHECK_INT((uintptr_t)pieces[i] % align, 0);
        for (size_t at = 0; at < sizes[i]; at++)
            CHECK(pieces[i][at] == 0);
        memset(pieces[i], (int)(i % 255 + 1), sizes[i]);
    }
    for (size_t i = 0; i < VV_COUNT(pieces); i++) {
        CHECK_INT(pieces[i][0], i % 255 + 1);
        CHECK_INT(pieces[i][sizes[i] - 1], i % 255 + 1);
    }
}

TEST(arena, counts_what_it_hands_out_and_stops_at_the_limit)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(100);
    CHECK(vv_new(&arena, char, 60) != NULL);
    CHECK(vv_new(&arena, char, 41) == NULL);
    CHECK(vv_new(&arena, char, 40) != NULL);
    CHECK_INT(arena.bytes, 100);
    CHECK(vv_new(&arena, char, 1) == NULL);
    CHECK(vv_new(&arena, char, 0) != NULL);
}

TEST(arena, a_product_that_overflows_is_refused)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(SIZE_MAX);
    CHECK(vv_arena_alloc(&arena, SIZE_MAX / 4 + 2, 4, 1) == NULL);
    CHECK(vv_arena_alloc(&arena, SIZE_MAX, 1, 1) == NULL);
    CHECK_INT(arena.bytes, 0);
}

TEST(arena, may_be_used_again_when_done)
{
    struct vv_arena arena = VV_ARENA_INIT(1000);
    for (int turn = 0; turn < 100; turn++) {
        CHECK(vv_new(&arena, int64_t, 100) != NULL);
        vv_arena_done(&arena);
        CHECK_INT(arena.bytes, 0);
    }
}

TEST(arena, a_failed_allocation_counts_nothing)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(1000);
    vv_seam_fail_allocation(1);
    CHECK(vv_new(&arena, char, 10) == NULL);
    CHECK_INT(arena.bytes, 0);
    CHECK(vv_new(&arena, char, 10) != NULL);
}

TEST(arena, copies_and_formats_text)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(1 << 20);
    struct vv_str copy = vv_arena_str(&arena, vv_str_first(VV_STR("snapshot"), 4));
    CHECK_STR(copy, "snap");
    CHECK_INT(copy.ptr[4], 0);
    struct vv_str empty = vv_arena_str(&arena, VV_STR_NONE);
    CHECK(empty.ptr != NULL);
    CHECK_INT(empty.len, 0);
    CHECK_STR(vv_arena_format(&arena, "%020d.json", 7), "00000000000000000007.json");

    arena.bytes_max = arena.bytes;
    CHECK(vv_arena_str(&arena, VV_STR("x")).ptr == NULL);
    CHECK(vv_arena_format(&arena, "%d", 1).ptr == NULL);
}

TEST(arena, grows_an_array_and_keeps_its_elements)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(1 << 20);
    int64_t *items = NULL;
    size_t capacity = 0;
    for (size_t len = 0; len < 1000; len++) {
        CHECK(vv_arena_grow(&arena, (void **)&items, len, &capacity, sizeof(*items),
            _Alignof(int64_t)));
        CHECK(capacity > len);
        items[len] = (int64_t)len * 3 + 1;
    }
    for (size_t i = 0; i < 1000; i++)
        CHECK_INT(items[i], i * 3 + 1);

    arena.bytes_max = arena.bytes;
    int64_t *before = items;
    size_t full = capacity;
    CHECK(!vv_arena_grow(&arena, (void **)&items, full, &capacity, sizeof(*items),
        _Alignof(int64_t)));
    CHECK(items == before);
    CHECK_INT(capacity, full);
}
