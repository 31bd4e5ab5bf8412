/* Actions written and read again. */
#include "delta/action.h"

#include "harness/prop.h"
#include "harness/test.h"

static const struct vv_deletion_vector dv = {.storage = 'u',
    .path_or_inline = {"ab^-aqEH.-t@S}K{vb[*k^", 22},
    .has_offset = true,
    .offset = 4,
    .size_bytes = 40,
    .cardinality = 6};

TEST(action, lines_are_what_other_writers_write)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf out = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_str features[] = {VV_STR("appendOnly"), VV_STR("timestampNtz")};
    struct vv_pair values[] = {
        {VV_STR("d"), VV_STR("1")}, {VV_STR("e"), VV_STR("")}, {VV_STR("f"), VV_STR_NONE}};
    struct vv_pair tags[] = {{VV_STR("k"), VV_STR("v")}};
    struct vv_protocol protocol = {.min_reader = 1, .min_writer = 2};
    struct vv_metadata metadata = {.id = VV_STR("u-1"),
        .schema_json = VV_STR("{\"type\":\"struct\",\"fields\":[]}"),
        .partition_columns = features,
        .partition_columns_len = 1,
        .configuration = {values, 1},
        .created_ms = 5};
    struct vv_txn txn = {VV_STR("app"), 3, 4};
    struct vv_domain domain = {VV_STR("d"), VV_STR("{}"), false};
    struct vv_cdc cdc = {
        .path = VV_STR("_change_data/c"), .partition_values = {values, 1}, .bytes = 9};
    struct vv_file file = {.path = VV_STR("d=1/a%20b"),
        .partition_values = {values, 3},
        .bytes = 10,
        .modified_ms = 11,
        .data_change = true,
        .stats = VV_STR("{\"numRecords\":1}"),
        .tags = {tags, 1},
        .dv = &dv,
        .base_row_id = 0,
        .row_commit_version = -1};

    vv_action_write_protocol(&protocol, &out);
    protocol = (struct vv_protocol){.min_reader = 3,
        .min_writer = 7,
        .has_reader_features = true,
        .has_writer_features = true,
        .writer_features = features,
        .writer_features_len = 2};
    vv_action_write_protocol(&protocol, &out);
    vv_action_write_metadata(&metadata, &out);
    vv_action_write_txn(&txn, &out);
    vv_action_write_domain(&domain, &out);
    vv_action_write_add(&file, &out);
    vv_action_write_cdc(&cdc, &out);
    CHECK_STR(vv_buf_str(&out),
        "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n"
        "{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":[],"
        "\"writerFeatures\":[\"appendOnly\",\"timestampNtz\"]}}\n"
        "{\"metaData\":{\"id\":\"u-1\",\"format\":{\"provider\":\"parquet\",\"options\":{}},"
        "\"schemaString\":\"{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[]}\","
        "\"partitionColumns\":[\"appendOnly\"],\"configuration\":{\"d\":\"1\"},"
        "\"createdTime\":5}}\n"
        "{\"txn\":{\"appId\":\"app\",\"version\":3,\"lastUpdated\":4}}\n"
        "{\"domainMetadata\":{\"domain\":\"d\",\"configuration\":\"{}\",\"removed\":false}}\n"
        "{\"add\":{\"path\":\"d=1/"
        "a%20b\",\"partitionValues\":{\"d\":\"1\",\"e\":null,\"f\":null},"
        "\"size\":10,\"modificationTime\":11,\"dataChange\":true,"
        "\"stats\":\"{\\\"numRecords\\\":1}\",\"tags\":{\"k\":\"v\"},"
        "\"deletionVector\":{\"storageType\":\"u\","
        "\"pathOrInlineDv\":\"ab^-aqEH.-t@S}K{vb[*k^\",\"offset\":4,\"sizeInBytes\":40,"
        "\"cardinality\":6},\"baseRowId\":0}}\n"
        "{\"cdc\":{\"path\":\"_change_data/c\",\"partitionValues\":{\"d\":\"1\"},\"size\":9,"
        "\"dataChange\":false}}\n");
}

TEST(action, a_tombstone_keeps_everything_of_the_file)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    VV_CLEANUP(vv_buf_done) struct vv_buf out = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_pair values[] = {{VV_STR("d"), VV_STR("1")}};
    struct vv_pair tags[] = {{VV_STR("varve.sha256"), VV_STR("ff")}};
    struct vv_actions actions = {0};
    struct vv_actions back;

    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    struct vv_file file = {.path = VV_STR("a%20b"),
        .key = VV_STR("a b"),
        .dv_id = vv_dv_id(&dv, &op.arena),
        .partition_values = {values, 1},
        .bytes = 10,
        .tags = {tags, 1},
        .dv = &dv,
        .base_row_id = 7,
        .row_commit_version = 8};
    file.hash = vv_file_hash(file.key, file.dv_id);
    struct vv_remove *remove = vv_actions_new_remove(&actions, &op.arena);
    REQUIRE(remove != NULL);
    *remove = vv_remove_of(&file, 1234, false);
    vv_actions_write(&actions, &out);
    CHECK_STR(vv_buf_str(&out),
        "{\"remove\":{\"path\":\"a%20b\",\"deletionTimestamp\":1234,\"dataChange\":false,"
        "\"extendedFileMetadata\":true,\"partitionValues\":{\"d\":\"1\"},\"size\":10,"
        "\"tags\":{\"varve.sha256\":\"ff\"},\"deletionVector\":{\"storageType\":\"u\","
        "\"pathOrInlineDv\":\"ab^-aqEH.-t@S}K{vb[*k^\",\"offset\":4,\"sizeInBytes\":40,"
        "\"cardinality\":6},\"baseRowId\":7,\"defaultRowCommitVersion\":8}}\n");
    REQUIRE_OK(&op, vv_actions_parse(&op, &op.arena, 1, vv_buf_str(&out), &back));
    REQUIRE(back.removes.len == 1);
    CHECK(back.removes.items[0].extended);
    CHECK(back.removes.items[0].hash == file.hash);
    CHECK_STR(back.removes.items[0].dv_id, "uab^-aqEH.-t@S}K{vb[*k^@4");
}

TEST(action, the_file_actions_come_last)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    VV_CLEANUP(vv_buf_done) struct vv_buf out = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_protocol protocol = {.min_reader = 1, .min_writer = 2};
    struct vv_metadata metadata = {
        .id = VV_STR("u"), .schema_json = VV_STR(""), .created_ms = VV_NO_TIME};
    struct vv_actions actions = {.protocol = &protocol, .metadata = &metadata};
    static const char *const order[] = {"{\"protocol\"", "{\"metaData\"", "{\"txn\"",
        "{\"domainMetadata\"", "{\"remove\"", "{\"add\"", "{\"cdc\""};
    struct vv_str rest;
    struct vv_str line;

    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE(vv_actions_new_cdc(&actions, &op.arena) &&
            vv_actions_new_add(&actions, &op.arena) &&
            vv_actions_new_remove(&actions, &op.arena) &&
            vv_actions_new_domain(&actions, &op.arena) &&
            vv_actions_new_txn(&actions, &op.arena));
    vv_actions_write(&actions, &out);
    rest = vv_buf_str(&out);
    for (size_t i = 0; i < VV_COUNT(order); i++) {
        REQUIRE(vv_str_split(&rest, '\n', &line));
        CHECK_STR(vv_str_first(line, strlen(order[i])), order[i]);
    }
    CHECK_STR(rest, "");
}

static struct vv_str any_text(struct prop *prop, struct vv_arena *arena)
{
    char text[40];

    return vv_arena_str(arena, prop_utf8(prop, text, sizeof(text)));
}

static struct vv_pairs any_pairs(struct prop *prop, struct vv_arena *arena)
{
    struct vv_pair *items = vv_new(arena, struct vv_pair, 4);
    size_t len = prop_choose(prop, 4);

    for (size_t i = 0; i < len; i++) {
        struct vv_str name = any_text(prop, arena);

        items[i].name = vv_arena_format(arena, "%zu%.*s", i, VV_ARG(name));
        items[i].value = prop_chance(prop, 20) ? VV_STR_NONE : any_text(prop, arena);
    }
    return (struct vv_pairs){items, len};
}

static void check_same_pairs(const struct vv_pairs *a, const struct vv_pairs *b,
    bool empty_is_null)
{
    CHECK_INT(a->len, b->len);
    for (size_t i = 0; i < a->len && i < b->len; i++) {
        struct vv_str value = a->items[i].value;

        CHECK_STR(a->items[i].name, b->items[i].name);
        CHECK_STR(empty_is_null && value.len == 0 ? VV_STR_NONE : value, b->items[i].value);
    }
}

TEST(action, any_add_and_its_tombstone_read_back)
{
    struct prop prop = prop_start();

    for (int i = 0; i < 3000; i++) {
        VV_CLEANUP(vv_op_done) struct vv_op op;
        VV_CLEANUP(vv_buf_done) struct vv_buf path = VV_BUF_INIT(VV_BUF_MAX);
        VV_CLEANUP(vv_buf_done) struct vv_buf out = VV_BUF_INIT(VV_BUF_MAX);
        struct vv_actions back;

        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        vv_buf_addf(&path, "f%d", i);
        struct vv_file file = {.path = vv_buf_str(&path),
            .partition_values = any_pairs(&prop, &op.arena),
            .bytes = prop_int(&prop, 0, INT64_MAX),
            .modified_ms = prop_int(&prop, INT64_MIN, INT64_MAX),
            .data_change = prop_chance(&prop, 50),
            .stats = prop_chance(&prop, 30) ? VV_STR_NONE : any_text(&prop, &op.arena),
            .tags = any_pairs(&prop, &op.arena),
            .dv = prop_chance(&prop, 30) ? &dv : NULL,
            .base_row_id = prop_int(&prop, -1, INT64_MAX),
            .row_commit_version = prop_int(&prop, -1, INT64_MAX)};
        int64_t deleted_ms = prop_int(&prop, 1, INT64_MAX);
        struct vv_remove remove = vv_remove_of(&file, deleted_ms, true);
        bool is_add = prop_chance(&prop, 50);

        if (is_add)
            vv_action_write_add(&file, &out);
        else
            vv_action_write_remove(&remove, &out);
        if (!CHECK_OK(&op, vv_actions_parse(&op, &op.arena, 1, vv_buf_str(&out), &back)))
            continue;
        REQUIRE(back.adds.len == (is_add ? 1 : 0) && back.removes.len == (is_add ? 0 : 1));
        if (is_add) {
            const struct vv_file *read = &back.adds.items[0];
            check_same_pairs(&file.partition_values, &read->partition_values, true);
            check_same_pairs(&file.tags, &read->tags, false);
            CHECK_INT(read->bytes, file.bytes);
            CHECK_INT(read->modified_ms, file.modified_ms);
            CHECK_INT(read->data_change, file.data_change);
            CHECK_STR(read->stats, file.stats);
            CHECK_INT(read->base_row_id, file.base_row_id);
            CHECK_INT(read->row_commit_version, file.row_commit_version);
            CHECK_INT(read->dv != NULL, file.dv != NULL);
        } else {
            const struct vv_remove *read = &back.removes.items[0];
            check_same_pairs(&file.partition_values, &read->partition_values, true);
            check_same_pairs(&file.tags, &read->tags, false);
            CHECK_INT(read->deleted_ms, deleted_ms);
            CHECK_INT(read->bytes, file.bytes);
            CHECK(read->extended);
        }
    }
}
