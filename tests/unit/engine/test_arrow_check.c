#include "engine/arrow_type.h"

#include "arrow_build.h"
#include "harness/prop.h"

enum {
    INTS,
    TEXTS,
    VIEWS,
    LISTS,
    STRUCTS,
    DICTIONARY,
    MAPS,
    FIXED,
    BYTES,
    COLUMNS
};

/*
 * A good record batch of two rows, made anew for each case, since cases damage it. The buffers are
 * longer than they need be, so that a wrong length or offset alone reads nothing else.
 */
struct batch {
    struct ArrowSchema *schema;
    struct ArrowArray *array;
    struct ArrowArray **columns;
    uint8_t validity[8];
    int32_t ints[32];
    int32_t text_offsets[32];
    char texts[64];
    struct vv_arrow_view views[32];
    int64_t view_sizes[1];
    char view_bytes[64];
    int32_t list_offsets[32];
    int8_t indexes[32];
    uint8_t keys_valid[8];
};

static struct ArrowArray *ints_new(struct vv_arena *arena, struct batch *batch, int64_t length)
{
    return array_new(arena, length, 2, (const void *[]){NULL, batch->ints}, 0, NULL);
}

static struct ArrowArray *texts_new(struct vv_arena *arena, struct batch *batch)
{
    return array_new(arena, 2, 3, (const void *[]){NULL, batch->text_offsets, batch->texts}, 0,
        NULL);
}

static void buffers_fill(struct batch *batch)
{
    static const struct batch good = {
        .validity = {0x03},
        .ints = {1, 2, 3, 4},
        .text_offsets = {0, 3, 5},
        .texts = "a\xc3\xa9"
                 "bc",
        .views = {{.len = 2, .value.inlined = "hi"},
            {.len = 20, .value.away = {.prefix = "0123", .buffer = 0, .offset = 1}}},
        .view_sizes = {30},
        .view_bytes = "x0123456789012345678901234567",
        .list_offsets = {0, 1, 2},
        .indexes = {1, 0},
        .keys_valid = {0x03},
    };
    *batch = good;
    for (size_t index = 3; index < VV_COUNT(batch->text_offsets); index++) {
        batch->text_offsets[index] = 5;
        batch->list_offsets[index] = 2;
    }
}

static void columns_make(struct vv_arena *arena, struct batch *batch)
{
    struct ArrowArray **columns = batch->columns;
    struct ArrowArray *child = ints_new(arena, batch, 2);
    columns[INTS] =
        array_new(arena, 2, 2, (const void *[]){batch->validity, batch->ints}, 0, NULL);
    columns[TEXTS] = texts_new(arena, batch);
    columns[VIEWS] = array_new(arena, 2, 4,
        (const void *[]){NULL, batch->views, batch->view_bytes, batch->view_sizes}, 0, NULL);
    columns[LISTS] =
        array_new(arena, 2, 2, (const void *[]){NULL, batch->list_offsets}, 1, &child);
    child = ints_new(arena, batch, 2);
    columns[STRUCTS] = array_new(arena, 2, 1, (const void *[]){NULL}, 1, &child);
    columns[DICTIONARY] =
        array_new(arena, 2, 2, (const void *[]){NULL, batch->indexes}, 0, NULL);
    columns[DICTIONARY]->dictionary = texts_new(arena, batch);
    struct ArrowArray *pair[] = {texts_new(arena, batch), ints_new(arena, batch, 2)};
    pair[0]->buffers[0] = batch->keys_valid;
    child = array_new(arena, 2, 1, (const void *[]){NULL}, 2, pair);
    columns[MAPS] =
        array_new(arena, 2, 2, (const void *[]){NULL, batch->list_offsets}, 1, &child);
    child = ints_new(arena, batch, 4);
    columns[FIXED] = array_new(arena, 2, 1, (const void *[]){NULL}, 1, &child);
    columns[BYTES] = array_new(arena, 2, 2, (const void *[]){NULL, batch->ints}, 0, NULL);
}

static struct batch *batch_new(struct vv_arena *arena)
{
    struct batch *batch = vv_new(arena, struct batch, 1);
    buffers_fill(batch);
    batch->columns = vv_new(arena, struct ArrowArray *, COLUMNS);
    columns_make(arena, batch);
    batch->array = array_new(arena, 2, 1, (const void *[]){NULL}, COLUMNS, batch->columns);
    batch->columns = batch->array->children;

    struct ArrowSchema *schemas[COLUMNS];
    struct ArrowSchema *item = schema_new(arena, "i", "item", 0, NULL);
    struct ArrowSchema *pair[] = {
        schema_new(arena, "u", "key", 0, NULL), schema_new(arena, "i", "value", 0, NULL)};
    struct ArrowSchema *entry = schema_new(arena, "+s", "entries", 2, pair);
    schemas[INTS] = schema_new(arena, "i", "ints", 0, NULL);
    schemas[TEXTS] = schema_new(arena, "u", "texts", 0, NULL);
    schemas[VIEWS] = schema_new(arena, "vu", "views", 0, NULL);
    schemas[LISTS] = schema_new(arena, "+l", "lists", 1, &item);
    schemas[STRUCTS] = schema_new(arena, "+s", "structs", 1, &item);
    schemas[DICTIONARY] = schema_new(arena, "c", "dictionary", 0, NULL);
    schemas[DICTIONARY]->dictionary = schema_new(arena, "u", "", 0, NULL);
    schemas[MAPS] = schema_new(arena, "+m", "maps", 1, &entry);
    schemas[FIXED] = schema_new(arena, "+w:2", "fixed", 1, &item);
    schemas[BYTES] = schema_new(arena, "w:4", "bytes", 0, NULL);
    batch->schema = schema_new(arena, "+s", "", COLUMNS, schemas);
    return batch;
}

static varve_status batch_load(struct fixture *fixture, struct batch *batch, const char *table)
{
    struct feed feed;
    feed_init(&feed, batch->schema, &batch->array, 1);
    varve_status status = feed_load(fixture, &feed, table);
    CHECK_INT(feed.array_releases, 1);
    CHECK_INT(feed.schema_releases, 1);
    CHECK_INT(feed.stream_releases, 1);
    return status;
}

/* Each damage is one statement over the batch `b` with its columns `c`. */
#define DAMAGE(name, statement)                \
    static void damage_##name(struct batch *b) \
    {                                          \
        struct ArrowArray **c = b->columns;    \
        (void)c;                               \
        statement;                             \
    }
#define DAMAGES                                                                           \
    X(batch_length_negative, b->array->length = -1)                                       \
    X(batch_length_huge, b->array->length = INT64_MAX)                                    \
    X(batch_length_too_long, b->array->length = 3)                                        \
    X(batch_offset_negative, b->array->offset = -1)                                       \
    X(batch_offset_too_far, b->array->offset = 1)                                         \
    X(batch_offset_huge, b->array->offset = INT64_MAX)                                    \
    X(batch_no_children, b->array->n_children = 0)                                        \
    X(batch_too_many_children, b->array->n_children = COLUMNS + 1)                        \
    X(batch_children_null, b->array->children = NULL)                                     \
    X(batch_child_null, c[INTS] = NULL)                                                   \
    X(batch_buffers_null, b->array->buffers = NULL)                                       \
    X(batch_no_buffers, b->array->n_buffers = 0)                                          \
    X(batch_row_null, b->validity[0] = 1; b->array->buffers[0] = b->validity)             \
    X(batch_dictionary, b->array->dictionary = c[INTS])                                   \
    X(int_too_short, c[INTS]->length = 1)                                                 \
    X(int_offset_negative, c[INTS]->offset = INT64_MIN)                                   \
    X(int_null_count, c[INTS]->null_count = 3)                                            \
    X(int_null_count_negative, c[INTS]->null_count = -2)                                  \
    X(int_nulls_unsaid, c[INTS]->null_count = 1; c[INTS]->buffers[0] = NULL)              \
    X(int_values_null, c[INTS]->buffers[1] = NULL)                                        \
    X(int_one_buffer, c[INTS]->n_buffers = 1)                                             \
    X(int_three_buffers, c[INTS]->n_buffers = 3)                                          \
    X(int_children, c[INTS]->n_children = 1)                                              \
    X(int_dictionary, c[INTS]->dictionary = c[TEXTS])                                     \
    X(text_offsets_null, c[TEXTS]->buffers[1] = NULL)                                     \
    X(text_bytes_null, c[TEXTS]->buffers[2] = NULL)                                       \
    X(text_offset_negative, b->text_offsets[0] = -1)                                      \
    X(text_offset_falls, b->text_offsets[1] = 6)                                          \
    X(text_offset_negative_later, b->text_offsets[2] = INT32_MIN)                         \
    X(text_cut_in_character, b->text_offsets[1] = 2)                                      \
    X(text_not_utf8, b->texts[4] = (char)0xff)                                            \
    X(text_surrogate, memcpy(b->texts, "\xed\xa0\x80", 3))                                \
    X(text_overlong, memcpy(b->texts, "\xe0\x80\x80", 3))                                 \
    X(view_length_negative, b->views[0].len = -1)                                         \
    X(view_buffer_negative, b->views[1].value.away.buffer = -1)                           \
    X(view_buffer_too_far, b->views[1].value.away.buffer = 1)                             \
    X(view_offset_negative, b->views[1].value.away.offset = -1)                           \
    X(view_offset_too_far, b->views[1].value.away.offset = 11)                            \
    X(view_offset_overflow, b->views[1].value.away.offset = INT32_MAX)                    \
    X(view_too_long, b->views[1].len = INT32_MAX)                                         \
    X(view_size_negative, b->view_sizes[0] = -1)                                          \
    X(view_views_null, c[VIEWS]->buffers[1] = NULL)                                       \
    X(view_bytes_null, c[VIEWS]->buffers[2] = NULL)                                       \
    X(view_sizes_null, c[VIEWS]->buffers[3] = NULL)                                       \
    X(view_two_buffers, c[VIEWS]->n_buffers = 2)                                          \
    X(view_no_away_buffer, c[VIEWS]->n_buffers = 3)                                       \
    X(view_not_utf8, b->view_bytes[5] = (char)0x80)                                       \
    X(view_inline_not_utf8, b->views[0].value.inlined[1] = (char)0xc3)                    \
    X(list_offset_too_far, b->list_offsets[2] = 3)                                        \
    X(list_offset_negative, b->list_offsets[0] = -1)                                      \
    X(list_offset_falls, b->list_offsets[1] = 3)                                          \
    X(list_child_null, c[LISTS]->children[0] = NULL)                                      \
    X(list_child_length, c[LISTS]->children[0]->length = 1)                               \
    X(list_child_negative, c[LISTS]->children[0]->length = -5)                            \
    X(list_child_values, c[LISTS]->children[0]->buffers[1] = NULL)                        \
    X(list_no_child, c[LISTS]->n_children = 0)                                            \
    X(struct_child_short, c[STRUCTS]->children[0]->length = 1)                            \
    X(struct_child_null, c[STRUCTS]->children[0] = NULL)                                  \
    X(struct_two_children, c[STRUCTS]->n_children = 2)                                    \
    X(struct_offset, c[STRUCTS]->offset = 1)                                              \
    X(dictionary_missing, c[DICTIONARY]->dictionary = NULL)                               \
    X(dictionary_index, b->indexes[0] = 2)                                                \
    X(dictionary_index_negative, b->indexes[1] = -1)                                      \
    X(dictionary_empty, c[DICTIONARY]->dictionary->length = 0)                            \
    X(dictionary_length_negative, c[DICTIONARY]->dictionary->length = -1)                 \
    X(dictionary_values, c[DICTIONARY]->dictionary->buffers[1] = NULL)                    \
    X(dictionary_indexes_null, c[DICTIONARY]->buffers[1] = NULL)                          \
    X(map_key_null, b->keys_valid[0] = 1)                                                 \
    X(map_entry_null, b->validity[0] = 1; c[MAPS]->children[0]->buffers[0] = b->validity) \
    X(map_key_missing, c[MAPS]->children[0]->children[0] = NULL)                          \
    X(map_entries_short, c[MAPS]->children[0]->length = 1)                                \
    X(fixed_child_short, c[FIXED]->children[0]->length = 3)                               \
    X(fixed_child_null, c[FIXED]->children[0] = NULL)                                     \
    X(fixed_offset_far, c[FIXED]->offset = INT64_MAX / 1024)                              \
    X(bytes_null, c[BYTES]->buffers[1] = NULL)

#define X(name, statement) DAMAGE(name, statement)
DAMAGES
#undef X

static const struct {
    const char *name;
    void (*damage)(struct batch *batch);
} damages[] = {
#define X(name, statement) {#name, damage_##name},
    DAMAGES
#undef X
};

TEST(arrow_check, a_good_batch_is_good)
{
    FIXTURE(fixture);
    struct batch *batch = batch_new(&fixture.op.arena);
    REQUIRE_OK(&fixture.op, batch_load(&fixture, batch, "t"));
    CHECK_STR(text(&fixture, "SELECT t::VARCHAR FROM t WHERE _row = 2"),
        "{'_row': 2, 'ints': 2, 'texts': bc, 'views': 01234567890123456789, 'lists': [2], "
        "'structs': {'item': 2}, 'dictionary': aé, 'maps': {bc=2}, 'fixed': [3, 4], 'bytes': "
        "\\x02\\x00\\x00\\x00}");
}

/* As a whole array and, where nothing but the second row is damaged, within a longer one. */
TEST(arrow_check, every_damage_is_refused)
{
    FIXTURE(fixture);
    for (size_t index = 0; index < VV_COUNT(damages); index++) {
        struct batch *batch = batch_new(&fixture.op.arena);
        damages[index].damage(batch);
        varve_status status = batch_load(&fixture, batch, "t");
        if (!CHECK_INT(status, VARVE_EINVALID))
            printf("# %s: %s\n", damages[index].name, fixture.op.error.message);
        vv_forgive(&fixture.op);
        REQUIRE(run(&fixture, "DROP TABLE t"));
    }
}

/* What lies below a NULL is nobody's business. */
TEST(arrow_check, rubbish_below_null_is_fine)
{
    FIXTURE(fixture);
    struct batch *batch = batch_new(&fixture.op.arena);
    static const uint8_t first_only[] = {0x01};
    batch->columns[TEXTS]->buffers[0] = first_only;
    batch->texts[4] = (char)0xff;
    batch->columns[DICTIONARY]->buffers[0] = first_only;
    batch->indexes[1] = 99;
    batch->columns[VIEWS]->buffers[0] = first_only;
    batch->views[1].value.away.buffer = 77;
    /* the keys and the dictionary share the texts */
    static char good_texts[] = "abcde";
    batch->columns[DICTIONARY]->dictionary->buffers[2] = good_texts;
    batch->columns[MAPS]->children[0]->children[0]->buffers[2] = good_texts;
    REQUIRE_OK(&fixture.op, batch_load(&fixture, batch, "t"));
    CHECK_INT(number(&fixture,
                  "SELECT count(*) FROM t WHERE _row = 2 AND texts IS NULL AND views "
                  "IS NULL AND dictionary IS NULL"),
        1);
}

/* A character that reaches from one text into the next one, which is NULL. */
TEST(arrow_check, a_text_that_ends_inside_a_character_is_refused)
{
    FIXTURE(fixture);
    struct batch *batch = batch_new(&fixture.op.arena);
    static const uint8_t first_only[] = {0x01};
    static char good_texts[] = "abcde";
    batch->columns[TEXTS]->buffers[0] = first_only;
    batch->text_offsets[1] = 2;
    batch->columns[DICTIONARY]->dictionary->buffers[2] = good_texts;
    batch->columns[MAPS]->children[0]->children[0]->buffers[2] = good_texts;
    CHECK_FAILS(&fixture.op, batch_load(&fixture, batch, "t"), VARVE_EINVALID);
}

/* Numbers of every array changed at random: refused, or taken, but never read out of bounds. */
static void numbers_damage(struct prop *prop, struct ArrowArray *array)
{
    int64_t *numbers[] = {&array->length, &array->offset, &array->null_count};
    int64_t *number = numbers[prop_int(prop, 0, 2)];
    *number = prop_int(prop, -2, 4);
}

TEST(arrow_check, random_numbers_are_survived)
{
    FIXTURE(fixture);
    struct prop prop = prop_start();
    uint32_t taken = 0;
    for (int turn = 0; turn < 3000; turn++) {
        VV_CLEANUP(vv_op_done) struct vv_op op;
        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        struct batch *batch = batch_new(&op.arena);
        struct vv_arrow_type type;
        REQUIRE_OK(&op, vv_arrow_type_read(&op, batch->schema, &type));
        for (int64_t left = prop_int(&prop, 1, 2); left > 0; left--) {
            struct ArrowArray *array = batch->columns[prop_int(&prop, 0, COLUMNS - 1)];
            bool below = array->n_children > 0 && prop_int(&prop, 0, 1);
            numbers_damage(&prop, below ? array->children[0] : array);
        }
        /* Offsets that stay within the buffers, since nobody can know how long those are. */
        batch->text_offsets[prop_int(&prop, 0, 2)] = (int32_t)prop_int(&prop, -1, 7);
        batch->list_offsets[prop_int(&prop, 0, 2)] = (int32_t)prop_int(&prop, -1, 4);
        batch->views[1].value.away.offset = (int32_t)prop_int(&prop, -1, 40);
        batch->indexes[0] = (int8_t)prop_int(&prop, -1, 3);
        varve_status status = vv_arrow_check(&op, &type, batch->array);
        taken += status == VARVE_OK;
        CHECK(status == VARVE_OK || status == VARVE_EINVALID);
    }
    CHECK(taken > 10);
}
