#include "base/uuid.h"

#include <ctype.h>
#include <pthread.h>

#include "base/map.h"
#include "base/seam.h"

#include "harness/test.h"

TEST(uuid, is_of_version_4_and_never_the_same)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    struct vv_map seen = VV_MAP_INIT(&op.arena);
    for (int i = 0; i < 2000; i++) {
        char text[VV_UUID_BYTES];
        CHECK_INT(vv_uuid(&op, text), VARVE_OK);
        CHECK_INT(strlen(text), 36);
        for (int at = 0; at < 36; at++) {
            if (at == 8 || at == 13 || at == 18 || at == 23)
                CHECK(text[at] == '-');
            else
                CHECK(isxdigit((unsigned char)text[at]) && !isupper((unsigned char)text[at]));
        }
        CHECK(text[14] == '4');
        CHECK(strchr("89ab", text[19]) != NULL);
        bool was_there = false;
        struct vv_str key = vv_arena_str(&op.arena, vv_str_of(text));
        CHECK(vv_map_put(&seen, key, NULL, &was_there));
        CHECK(!was_there);
    }
}

TEST(uuid, no_randomness_is_an_error)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, 0);
    char text[VV_UUID_BYTES] = "untouched";
    vv_seam_set("fail=uuid.random");
    CHECK_INT(vv_uuid(&op, text), VARVE_EIO);
    CHECK_STR(text, "untouched");
}

#define DRAWS 1000
#define THREADS 4

static void *draw(void *data)
{
    uint64_t *values = data;
    for (size_t i = 0; i < DRAWS; i++)
        values[i] = vv_random64();
    return NULL;
}

TEST(uuid, random_bits_differ_between_threads)
{
    static uint64_t values[THREADS][DRAWS];
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, draw, values[i]), 0);
    for (size_t i = 0; i < THREADS; i++)
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(1 << 24);
    struct vv_map seen = VV_MAP_INIT(&arena);
    for (size_t i = 0; i < THREADS * DRAWS; i++) {
        bool was_there = false;
        struct vv_str key = {
            (const char *)&values[0][0] + i * sizeof(uint64_t), sizeof(uint64_t)};
        CHECK(vv_map_put(&seen, key, NULL, &was_there));
        CHECK(!was_there);
    }
}

TEST(uuid, random_bits_come_without_the_system_too)
{
    uint64_t seen[64];
    for (size_t i = 0; i < VV_COUNT(seen); i++) {
        vv_seam_set("fail=uuid.random");
        seen[i] = vv_random64();
        for (size_t before = 0; before < i; before++)
            CHECK(seen[i] != seen[before]);
    }
}
