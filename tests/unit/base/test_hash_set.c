#include "base/hash_set.h"
#include "harness/test.h"

TEST(hash_set, knows_what_was_put_into_it_and_nothing_else)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(1 << 24);
    struct vv_hash_set set = VV_HASH_SET_INIT(&arena);
    bool was_there = true;
    CHECK(!vv_hash_set_has(&set, 7));
    /* Multiples of a large power of two all want the same slot; zero and one share a place. */
    for (uint64_t i = 2; i < 5000; i++) {
        REQUIRE(vv_hash_set_put(&set, i << 32, &was_there));
        CHECK(!was_there);
    }
    CHECK_INT(set.len, 4998);
    for (uint64_t i = 2; i < 5000; i++) {
        CHECK(vv_hash_set_has(&set, i << 32));
        CHECK(!vv_hash_set_has(&set, (i << 32) + 1));
        REQUIRE(vv_hash_set_put(&set, i << 32, &was_there));
        CHECK(was_there);
    }
    CHECK_INT(set.len, 4998);
    CHECK(!vv_hash_set_has(&set, 0));
    REQUIRE(vv_hash_set_put(&set, 0, NULL));
    CHECK(vv_hash_set_has(&set, 0));
}

TEST(hash_set, says_when_memory_is_out)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(4096);
    struct vv_hash_set set = VV_HASH_SET_INIT(&arena);
    uint64_t i = 1;
    while (i < 100000 && vv_hash_set_put(&set, i, NULL))
        i++;
    CHECK(i > 64 && i < 1000);
    CHECK(vv_hash_set_has(&set, i - 1));
    CHECK(!vv_hash_set_has(&set, i));
}
