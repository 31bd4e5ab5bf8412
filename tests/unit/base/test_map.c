#include "base/map.h"

#include <stdio.h>

#include "base/seam.h"

#include "harness/test.h"

TEST(map, an_empty_one_has_nothing)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(1 << 20);
    struct vv_map map = VV_MAP_INIT(&arena);
    CHECK(vv_map_get(&map, VV_STR("a")) == NULL);
    CHECK(!vv_map_has(&map, VV_STR("")));
    CHECK_INT(arena.bytes, 0);
}

TEST(map, keeps_many_keys_apart)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT((size_t)64 << 20);
    struct vv_map map = VV_MAP_INIT(&arena);
    static int values[20000];
    for (int i = 0; i < 20000; i++) {
        struct vv_str key = vv_arena_format(&arena, "part-%d.parquet", i);
        bool was_there = true;
        CHECK(vv_map_put(&map, key, &values[i], &was_there));
        CHECK(!was_there);
        CHECK_INT(map.len, i + 1);
    }
    for (int i = 0; i < 20000; i++) {
        char key[64];
        snprintf(key, sizeof(key), "part-%d.parquet", i);
        CHECK(vv_map_get(&map, vv_str_of(key)) == &values[i]);
        snprintf(key, sizeof(key), "part-%d.csv", i);
        CHECK(!vv_map_has(&map, vv_str_of(key)));
    }
}

TEST(map, replaces_and_takes_empty_keys_and_null_values)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(1 << 20);
    struct vv_map map = VV_MAP_INIT(&arena);
    int one = 1;
    int two = 2;
    bool was_there = true;
    CHECK(vv_map_put(&map, VV_STR("k"), &one, &was_there));
    CHECK(!was_there);
    CHECK(vv_map_put(&map, VV_STR("k"), &two, &was_there));
    CHECK(was_there);
    CHECK(vv_map_get(&map, VV_STR("k")) == &two);
    CHECK(vv_map_put(&map, VV_STR_NONE, NULL, NULL));
    CHECK(vv_map_has(&map, VV_STR("")));
    CHECK(vv_map_get(&map, VV_STR("")) == NULL);
    CHECK(vv_map_put(&map, VV_STR(""), &one, &was_there));
    CHECK(was_there);
    CHECK_INT(map.len, 2);
}

/* Puts 200 keys; the number of those that went in. */
static size_t fill(struct vv_map *map, char keys[200][8])
{
    size_t done = 0;
    for (size_t i = 0; i < 200; i++) {
        snprintf(keys[i], sizeof(keys[i]), "k%zu", i);
        if (!vv_map_put(map, vv_str_of(keys[i]), keys[i], NULL))
            break;
        done++;
    }
    return done;
}

TEST(map, want_of_memory_loses_no_key)
{
    static char keys[200][8];
    size_t done = 0;
    uint64_t nth = 0;
    while (done < 200) {
        VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(1 << 20);
        struct vv_map map = VV_MAP_INIT(&arena);
        vv_seam_fail_allocation(++nth);
        done = fill(&map, keys);
        vv_seam_fail_allocation(0);
        CHECK_INT(map.len, done);
        for (size_t i = 0; i < done; i++)
            CHECK(vv_map_get(&map, vv_str_of(keys[i])) == keys[i]);
        /* And goes on once there is memory. */
        CHECK_INT(fill(&map, keys), 200);
    }
    CHECK(nth > 1);
}
