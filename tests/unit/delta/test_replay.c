/*
 * Replay against a model: an array that says for each logical file which commit mentioned it
 * last, and how.
 */
#include "delta/replay.h"
#include "harness/prop.h"
#include "log_fixture.h"

#define FILES 12
#define COMMITS 40

enum mention {
    MENTION_NONE,
    MENTION_ADD,
    MENTION_REMOVE
};

struct model {
    enum mention files[FILES];
    int64_t versions[FILES];
};

static const char *const keys[FILES] = {
    "a", "b", "c", "d", "e", "f", "a", "b", "c", "d", "e", "f"};
/* The second half is the first with a deletion vector: other logical files. */
static struct vv_str dv_of(size_t file)
{
    return file < FILES / 2 ? VV_STR("") : VV_STR("uxxxxxxxxxxxxxxxxxxxx@1");
}

/* The other logical file of the path. */
static size_t sibling_of(size_t file)
{
    return (file + FILES / 2) % FILES;
}

/* `collide`: all with a deletion vector have one hash, that of a path, as two may by chance. */
static void add_mention(struct vv_actions *actions, struct vv_arena *arena, size_t file,
    enum mention mention, bool collide)
{
    struct vv_str key = vv_str_of(keys[file]);
    bool has_vector = dv_of(file).len > 0;
    uint64_t hash = collide && has_vector ? vv_str_hash(vv_str_of(keys[0]))
                                          : vv_file_hash(key, dv_of(file));
    if (mention == MENTION_ADD) {
        struct vv_file *add = vv_actions_new_add(actions, arena);
        *add = (struct vv_file){.path = key,
            .key = key,
            .dv_id = dv_of(file),
            .hash = hash,
            .added_version = actions->version};
    } else {
        struct vv_remove *remove = vv_actions_new_remove(actions, arena);
        *remove = (struct vv_remove){.path = key,
            .key = key,
            .dv_id = dv_of(file),
            .hash = hash,
            .deleted_ms = actions->version};
    }
}

/* Of a path with two deletion vectors the last one is in the table, removed or not the other. */
static void note_mention(struct model *model, size_t file, enum mention mention,
    int64_t version)
{
    enum mention *sibling = &model->files[sibling_of(file)];
    model->files[file] = mention;
    model->versions[file] = version;
    if (mention == MENTION_ADD && *sibling == MENTION_ADD)
        *sibling = MENTION_NONE;
}

/* A commit that mentions each logical file at most once, and adds each path at most once. */
static struct vv_actions random_commit(struct prop *prop, struct vv_arena *arena,
    int64_t version, bool collide, struct model *model)
{
    struct vv_actions actions = {.version = version};
    for (size_t file = 0; file < FILES; file++) {
        if (!prop_chance(prop, 15))
            continue;
        size_t sibling = sibling_of(file);
        bool is_path_added =
            model->files[sibling] == MENTION_ADD && model->versions[sibling] == version;
        enum mention mention =
            !is_path_added && prop_chance(prop, 50) ? MENTION_ADD : MENTION_REMOVE;
        add_mention(&actions, arena, file, mention, collide);
        note_mention(model, file, mention, version);
    }
    return actions;
}

static const struct vv_file *find_file(const struct vv_state *state, size_t file)
{
    const struct vv_file *found = NULL;
    for (size_t i = 0; i < state->files.len; i++) {
        const struct vv_file *live = state->files.items[i];
        if (vv_str_eq(live->key, vv_str_of(keys[file])) &&
            vv_str_eq(live->dv_id, dv_of(file))) {
            CHECK(found == NULL);
            found = live;
        }
    }
    return found;
}

static const struct vv_remove *find_tombstone(const struct vv_state *state, size_t file)
{
    const struct vv_remove *found = NULL;
    for (size_t i = 0; i < state->tombstones.len; i++) {
        const struct vv_remove *dead = state->tombstones.items[i];
        if (vv_str_eq(dead->key, vv_str_of(keys[file])) &&
            vv_str_eq(dead->dv_id, dv_of(file))) {
            CHECK(found == NULL);
            found = dead;
        }
    }
    return found;
}

static void check_state(const struct vv_state *state, const struct model *model)
{
    for (size_t file = 0; file < FILES; file++) {
        const struct vv_file *live = find_file(state, file);
        const struct vv_remove *dead = find_tombstone(state, file);
        CHECK_INT(live != NULL, model->files[file] == MENTION_ADD);
        CHECK_INT(dead != NULL, model->files[file] == MENTION_REMOVE);
        if (live != NULL)
            CHECK_INT(live->added_version, model->versions[file]);
        if (dead != NULL)
            CHECK_INT(dead->deleted_ms, model->versions[file]);
    }
}

/* The state of the commits [0, base) by one replay, and of all by another on top of it. */
static void check_in_two_steps(struct vv_op *op, const struct vv_actions *commits, size_t base,
    bool copy, const struct model *model)
{
    static const struct vv_protocol protocol;
    static const struct vv_metadata metadata;
    VV_CLEANUP(vv_arena_done) struct vv_arena keep = VV_ARENA_INIT(1 << 20);
    VV_CLEANUP(vv_arena_done) struct vv_arena keep_base = VV_ARENA_INIT(1 << 20);
    VV_CLEANUP(vv_replay_done) struct vv_replay first;
    VV_CLEANUP(vv_replay_done) struct vv_replay second;
    vv_replay_init(&first, &keep_base);
    vv_replay_init(&second, &keep);
    for (size_t i = base; i > 0; i--)
        REQUIRE_OK(op, vv_replay_commit(op, &first, &commits[i - 1]));
    for (size_t i = COMMITS; i > base; i--)
        REQUIRE_OK(op, vv_replay_commit(op, &second, &commits[i - 1]));
    const struct vv_base_state state = {.protocol = &protocol,
        .metadata = &metadata,
        .files = first.state.files.items,
        .files_len = first.state.files.len,
        .tombstones = first.state.tombstones.items,
        .tombstones_len = first.state.tombstones.len};
    REQUIRE_OK(op, vv_replay_base_state(op, &second, &state, copy));
    if (copy) {
        CHECK(second.state.metadata != &metadata);
        vv_replay_done(&first);
        vv_arena_done(&keep_base); /* what is left must not point in there */
    } else {
        CHECK(second.state.metadata == &metadata);
    }
    check_state(&second.state, model);
}

/* The same with the base as the rows of a checkpoint. */
static void check_over_checkpoint(struct vv_op *op, const struct vv_actions *commits,
    size_t base, const struct model *model)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena keep = VV_ARENA_INIT(1 << 20);
    VV_CLEANUP(vv_arena_done) struct vv_arena keep_base = VV_ARENA_INIT(1 << 20);
    VV_CLEANUP(vv_replay_done) struct vv_replay first;
    VV_CLEANUP(vv_replay_done) struct vv_replay second;
    struct vv_actions rest = {0};
    vv_replay_init(&first, &keep_base);
    vv_replay_init(&second, &keep);
    for (size_t i = base; i > 0; i--)
        REQUIRE_OK(op, vv_replay_commit(op, &first, &commits[i - 1]));
    for (size_t i = COMMITS; i > base; i--)
        REQUIRE_OK(op, vv_replay_commit(op, &second, &commits[i - 1]));
    for (size_t i = 0; i < first.state.tombstones.len; i++)
        *vv_actions_new_remove(&rest, &keep_base) = *first.state.tombstones.items[i];
    REQUIRE_OK(op, vv_replay_base(op, &second, &rest));
    for (size_t i = 0; i < first.state.files.len; i++)
        REQUIRE_OK(op, vv_replay_base_file(op, &second, first.state.files.items[i]));
    REQUIRE_OK(op, vv_replay_base_end(op, &second));
    check_state(&second.state, model);
}

TEST(replay, agrees_with_the_model_from_any_base)
{
    struct prop prop = prop_start();
    for (int round = 0; round < 50; round++) {
        struct vv_op op;
        struct model model = {0};
        struct vv_actions commits[COMMITS];
        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        for (size_t i = 0; i < COMMITS; i++)
            commits[i] =
                random_commit(&prop, &op.arena, (int64_t)i + 1, round % 2 == 1, &model);
        for (size_t base = 0; base <= COMMITS; base += 10) {
            check_in_two_steps(&op, commits, base, false, &model);
            check_in_two_steps(&op, commits, base, true, &model);
            check_over_checkpoint(&op, commits, base, &model);
        }
        vv_op_done(&op);
    }
}

TEST(replay, add_wins_over_a_remove_of_the_same_file_in_one_commit)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(1 << 20);
    VV_CLEANUP(vv_replay_done) struct vv_replay replay;
    struct vv_actions actions = {.version = 1};
    struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    vv_replay_init(&replay, &arena);
    add_mention(&actions, &op.arena, 0, MENTION_REMOVE, false);
    add_mention(&actions, &op.arena, 0, MENTION_ADD, false);
    CHECK_OK(&op, vv_replay_commit(&op, &replay, &actions));
    CHECK_INT(replay.state.files.len, 1);
    CHECK_INT(replay.state.tombstones.len, 0);
    vv_op_done(&op);
}

TEST(replay, of_a_checkpoint_with_a_path_twice_is_corrupt)
{
    for (size_t other = 0; other < FILES; other++) {
        VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(1 << 20);
        VV_CLEANUP(vv_replay_done) struct vv_replay replay;
        struct vv_actions actions = {.version = 1};
        struct vv_op op;
        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        vv_replay_init(&replay, &arena);
        for (size_t file = 0; file < FILES / 2; file++)
            add_mention(&actions, &op.arena, file, MENTION_ADD, false);
        CHECK_OK(&op, vv_replay_base(&op, &replay, &actions));
        CHECK_OK(&op, vv_replay_base_end(&op, &replay));
        actions.adds.len = 0;
        add_mention(&actions, &op.arena, other, MENTION_ADD, false);
        CHECK_OK(&op, vv_replay_base(&op, &replay, &actions));
        CHECK_FAILS(&op, vv_replay_base_end(&op, &replay), VARVE_ECORRUPT);
        CHECK(strstr(op.error.message, keys[other]) != NULL);
        vv_op_done(&op);
    }
}

TEST(replay, keeps_nothing_of_the_commit_it_was_given)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(1 << 20);
    VV_CLEANUP(vv_replay_done) struct vv_replay replay;
    struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    vv_replay_init(&replay, &arena);
    for (int turn = 0; turn < 2; turn++) {
        struct vv_arena commit = VV_ARENA_INIT(1 << 20);
        struct vv_actions actions = {0};
        struct vv_str text = vv_arena_str(&commit,
            VV_STR("{\"add\":{\"path\":\"p%20q\",\"partitionValues\":{\"d\":\"1\",\"e\":null},"
                   "\"size\":10,\"modificationTime\":5,\"dataChange\":true,\"tags\":{\"t\":"
                   "\"u\",\"empty\":\"\"},"
                   "\"stats\":\"{}\",\"clusteringProvider\":\"liquid\",\"baseRowId\":4,"
                   "\"defaultRowCommitVersion\":2,\"deletionVector\":{\"storageType\":\"u\","
                   "\"pathOrInlineDv\":\"aaaaaaaaaaaaaaaaaaaa\",\"offset\":1,\"sizeInBytes\":"
                   "36,"
                   "\"cardinality\":2}}}\n" PROTOCOL_LINE METADATA_LINE_WITH("\"k\":\"v\"")));
        REQUIRE_OK(&op, vv_actions_parse(&op, &commit, 3, text, &actions));
        REQUIRE_OK(&op, vv_replay_commit(&op, &replay, &actions));
        vv_arena_done(&commit); /* AddressSanitizer sees any use of it from here on */
    }
    REQUIRE(replay.state.files.len == 1);
    const struct vv_file *file = replay.state.files.items[0];
    CHECK_STR(file->path, "p%20q");
    CHECK_STR(file->key, "p q");
    CHECK_STR(file->dv_id, "uaaaaaaaaaaaaaaaaaaaa@1");
    CHECK_STR(vv_pairs_get(&file->partition_values, VV_STR("d")), "1");
    CHECK(vv_pairs_has(&file->partition_values, VV_STR("e")));
    CHECK_STR(vv_pairs_get(&file->tags, VV_STR("t")), "u");
    CHECK(vv_pairs_get(&file->tags, VV_STR("empty")).ptr != NULL);
    CHECK_STR(file->stats, "{}");
    CHECK_STR(file->clustering_provider, "liquid");
    CHECK_INT(file->base_row_id, 4);
    CHECK_INT(file->row_commit_version, 2);
    CHECK_INT(file->dv->cardinality, 2);
    CHECK_STR(file->dv->path_or_inline, "aaaaaaaaaaaaaaaaaaaa");
    CHECK_STR(vv_pairs_get(&replay.state.metadata->configuration, VV_STR("k")), "v");
    CHECK_STR(replay.state.metadata->format_provider, "parquet");
    vv_op_done(&op);
}
