#include "delta/action.h"

#include "harness/test.h"

static varve_status parse(struct vv_op *op, const char *text, struct vv_actions *out)
{
    return vv_actions_parse(op, &op->arena, 7, vv_str_of(text), out);
}

TEST(action_read, an_add_has_all_its_members)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_actions actions;

    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE_OK(&op,
        parse(&op,
            "{\"add\":{\"path\":\"d=1/a%20b\",\"partitionValues\":{\"d\":\"1\",\"e\":null},"
            "\"size\":12,\"modificationTime\":34,\"dataChange\":false,"
            "\"stats\":\"{\\\"numRecords\\\":1}\",\"tags\":{\"k\":\"v\",\"odd\":3},"
            "\"deletionVector\":{\"storageType\":\"u\",\"pathOrInlineDv\":\"ab\",\"offset\":1,"
            "\"sizeInBytes\":36,\"cardinality\":2},\"baseRowId\":5,"
            "\"defaultRowCommitVersion\":6,\"clusteringProvider\":\"liquid\",\"later\":[1]}}\n",
            &actions));
    CHECK_INT(actions.version, 7);
    REQUIRE(actions.adds.len == 1);
    const struct vv_file *file = &actions.adds.items[0];
    CHECK_STR(file->path, "d=1/a%20b");
    CHECK_STR(file->key, "d=1/a b");
    CHECK(!file->absolute);
    CHECK_INT(file->partition_values.len, 2);
    CHECK_STR(vv_pairs_get(&file->partition_values, VV_STR("d")), "1");
    CHECK(vv_pairs_has(&file->partition_values, VV_STR("e")));
    CHECK(vv_pairs_get(&file->partition_values, VV_STR("e")).ptr == NULL);
    CHECK(!vv_pairs_has(&file->partition_values, VV_STR("f")));
    CHECK_INT(file->bytes, 12);
    CHECK_INT(file->modified_ms, 34);
    CHECK(!file->data_change);
    CHECK_STR(file->stats, "{\"numRecords\":1}");
    CHECK_INT(file->tags.len, 1);
    CHECK_STR(vv_pairs_get(&file->tags, VV_STR("k")), "v");
    CHECK_STR(file->dv_id, "uab@1");
    REQUIRE(file->dv != NULL);
    CHECK_INT(file->dv->size_bytes, 36);
    CHECK_INT(file->dv->cardinality, 2);
    CHECK_INT(file->base_row_id, 5);
    CHECK_INT(file->row_commit_version, 6);
    CHECK_STR(file->clustering_provider, "liquid");
    CHECK_INT(file->added_version, 7);
    CHECK(!file->by_varve);
    CHECK(file->hash == vv_file_hash(VV_STR("d=1/a b"), VV_STR("uab@1")));
    CHECK(file->hash != vv_file_hash(VV_STR("d=1/a b"), VV_STR("")));
}

TEST(action_read, nulls_and_absent_members_are_one)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_actions actions;

    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE_OK(&op,
        parse(&op,
            "{\"add\":{\"path\":\"a\",\"partitionValues\":{},\"size\":1,\"modificationTime\":2,"
            "\"dataChange\":true,\"stats\":null,\"tags\":null,\"deletionVector\":null,"
            "\"baseRowId\":null,\"defaultRowCommitVersion\":null,\"clusteringProvider\":null}}"
            "\n"
            "{\"remove\":{\"path\":\"b\"}}\n"
            "{\"add\":null,\"protocol\":null}",
            &actions));
    REQUIRE(actions.adds.len == 1 && actions.removes.len == 1);
    const struct vv_file *file = &actions.adds.items[0];
    CHECK(file->stats.ptr == NULL);
    CHECK_INT(file->tags.len, 0);
    CHECK(file->dv == NULL);
    CHECK_STR(file->dv_id, "");
    CHECK_INT(file->base_row_id, -1);
    CHECK_INT(file->row_commit_version, -1);
    const struct vv_remove *remove = &actions.removes.items[0];
    CHECK_INT(remove->deleted_ms, 0);
    CHECK(remove->data_change);
    CHECK(!remove->extended);
    CHECK_INT(remove->bytes, -1);
    CHECK(actions.protocol == NULL);
}

TEST(action_read, a_remove_has_all_its_members)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_actions actions;

    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE_OK(&op,
        parse(&op,
            "{\"remove\":{\"path\":\"file:/x/a%2520b\",\"deletionTimestamp\":99,"
            "\"dataChange\":false,\"extendedFileMetadata\":true,\"partitionValues\":{\"d\":"
            "\"\"},"
            "\"size\":3,\"tags\":{\"k\":\"v\"},\"deletionVector\":{\"storageType\":\"i\","
            "\"pathOrInlineDv\":\"wi5b\",\"sizeInBytes\":40,\"cardinality\":6},"
            "\"baseRowId\":1,\"defaultRowCommitVersion\":2}}",
            &actions));
    REQUIRE(actions.removes.len == 1);
    const struct vv_remove *remove = &actions.removes.items[0];
    CHECK_STR(remove->key, "/x/a%20b");
    CHECK(remove->absolute);
    CHECK_INT(remove->deleted_ms, 99);
    CHECK(!remove->data_change);
    CHECK(remove->extended);
    CHECK_INT(remove->bytes, 3);
    CHECK_STR(vv_pairs_get(&remove->partition_values, VV_STR("d")), "");
    CHECK_STR(vv_pairs_get(&remove->tags, VV_STR("k")), "v");
    CHECK_STR(remove->dv_id, "iwi5b");
    CHECK(!remove->dv->has_offset);
    CHECK_INT(remove->base_row_id, 1);
    CHECK_INT(remove->row_commit_version, 2);
}

TEST(action_read, protocol_metadata_txn_domain_and_cdc)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_actions actions;

    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE_OK(&op,
        parse(&op,
            "{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,"
            "\"readerFeatures\":[],\"writerFeatures\":[\"appendOnly\",\"x\"]}}\r\n"
            "\n"
            "{\"metaData\":{\"id\":\"u\",\"name\":\"n\",\"format\":{\"provider\":\"parquet\","
            "\"options\":{\"o\":\"p\"}},\"schemaString\":\"{}\",\"partitionColumns\":[\"d\"],"
            "\"configuration\":{\"delta.appendOnly\":\"true\"},\"createdTime\":5}}\n"
            "{\"txn\":{\"appId\":\"a\",\"version\":3,\"lastUpdated\":4}}\n"
            "{\"txn\":{\"appId\":\"b\",\"version\":9}}\n"
            "{\"domainMetadata\":{\"domain\":\"d\",\"configuration\":\"{}\",\"removed\":true}}"
            "\n"
            "{\"cdc\":{\"path\":\"_change_data/"
            "c\",\"partitionValues\":{\"d\":\"1\"},\"size\":8,"
            "\"dataChange\":false}}\n"
            "{\"checkpointMetadata\":{\"version\":1}}\n"
            "   \n\n",
            &actions));
    REQUIRE(actions.protocol && actions.metadata);
    CHECK_INT(actions.protocol->min_reader, 3);
    CHECK_INT(actions.protocol->min_writer, 7);
    CHECK(actions.protocol->has_reader_features);
    CHECK_INT(actions.protocol->reader_features_len, 0);
    REQUIRE(actions.protocol->writer_features_len == 2);
    CHECK_STR(actions.protocol->writer_features[1], "x");
    CHECK_STR(actions.metadata->name, "n");
    CHECK(actions.metadata->description.ptr == NULL);
    CHECK_STR(actions.metadata->schema_json, "{}");
    CHECK_STR(vv_pairs_get(&actions.metadata->format_options, VV_STR("o")), "p");
    CHECK(vv_metadata_is_partition(actions.metadata, VV_STR("D")));
    CHECK(!vv_metadata_is_partition(actions.metadata, VV_STR("e")));
    CHECK_INT(actions.metadata->created_ms, 5);
    REQUIRE(actions.txns.len == 2 && actions.domains.len == 1 && actions.cdcs.len == 1);
    CHECK_INT(actions.txns.items[0].last_updated_ms, 4);
    CHECK_INT(actions.txns.items[1].version, 9);
    CHECK_INT(actions.txns.items[1].last_updated_ms, VV_NO_TIME);
    CHECK(actions.domains.items[0].removed);
    CHECK_STR(actions.cdcs.items[0].key, "_change_data/c");
}

TEST(action_read, commit_info_says_who_and_files_of_varve_are_marked)
{
    static const char *const texts[] = {
        "{\"commitInfo\":{\"timestamp\":1,\"engineInfo\":\"Varve/0.1.0\",\"txnId\":\"t\","
        "\"readVersion\":6,\"isBlindAppend\":true,\"inCommitTimestamp\":2,"
        "\"operationParameters\":{\"mode\":[1,{}]},\"varve\":{\"prevHash\":\"ab\","
        "\"prevVersion\":6}}}\n{\"add\":{\"path\":\"a\",\"size\":1,\"tags\":"
        "{\"varve.sha256\":\"ff\"}}}\n{\"add\":{\"path\":\"b\",\"size\":1}}\n",
        /* After the files, and spelled with blanks. */
        "{\"add\":{\"path\":\"a\",\"size\":1,\"tags\":{\"varve.sha256\":\"ff\"}}}\n"
        "{\"add\":{\"path\":\"b\",\"size\":1}}\n"
        "{ \"commitInfo\": {\"timestamp\":\"1\",\"engineInfo\":\"Varve/0.1.0\",\"txnId\":\"t\","
        "\"readVersion\":6,\"isBlindAppend\":true,\"inCommitTimestamp\":2,"
        "\"operationParameters\":{\"mode\":[1,{}]},\"varve\":{\"prevHash\":\"ab\","
        "\"prevVersion\":6}}}",
    };

    for (size_t i = 0; i < VV_COUNT(texts); i++) {
        VV_CLEANUP(vv_op_done) struct vv_op op;
        struct vv_actions actions;

        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        REQUIRE_OK(&op, parse(&op, texts[i], &actions));
        const struct vv_commit_info *info = actions.commit_info;
        REQUIRE(info && actions.adds.len == 2);
        CHECK_INT(info->timestamp_ms, 1);
        CHECK_INT(info->in_commit_timestamp_ms, 2);
        CHECK_STR(info->txn_id, "t");
        CHECK_INT(info->read_version, 6);
        CHECK(info->is_blind_append);
        CHECK(info->by_varve);
        CHECK_STR(info->prev_hash, "ab");
        CHECK_INT(info->prev_version, 6);
        CHECK_INT(vv_json_len(vv_json_get(info->parameters, "mode")), 2);
        CHECK(vv_json_get(info->json, "txnId") != NULL);
        CHECK(actions.adds.items[0].by_varve);
        CHECK(!actions.adds.items[1].by_varve); /* it commits the files of others too */
    }
}

TEST(action_read, nothing_in_commit_info_makes_a_table_unreadable)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_actions actions;

    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE_OK(&op,
        parse(&op,
            "{\"commitInfo\":{\"timestamp\":\"soon\",\"engineInfo\":7,\"txnId\":null,"
            "\"readVersion\":{},\"isBlindAppend\":\"yes\",\"varve\":3}}",
            &actions));
    REQUIRE(actions.commit_info != NULL);
    CHECK_INT(actions.commit_info->timestamp_ms, VV_NO_TIME);
    CHECK_INT(actions.commit_info->read_version, VV_NO_VERSION);
    CHECK(actions.commit_info->txn_id.ptr == NULL);
    CHECK(!actions.commit_info->is_blind_append);
    CHECK(!actions.commit_info->by_varve);
}

TEST(action_read, a_time_outside_the_years_1_to_9999_is_none)
{
    static const struct {
        const char *ms;
        int64_t expected_ms;
    } cases[] = {{"-62135596800000", INT64_C(-62135596800000)}, {"-62135596800001", VV_NO_TIME},
        {"253402300799999", INT64_C(253402300799999)}, {"253402300800000", VV_NO_TIME},
        {"9223372036854775807", VV_NO_TIME}, {"92233720368547758070", VV_NO_TIME}};
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        struct vv_actions actions = {0};
        struct vv_op op;
        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        struct vv_str text = vv_arena_format(&op.arena,
            "{\"commitInfo\":{\"timestamp\":%s,\"inCommitTimestamp\":%s}}\n", cases[i].ms,
            cases[i].ms);
        REQUIRE_OK(&op, vv_actions_parse(&op, &op.arena, 1, text, &actions));
        const struct vv_commit_info *info = actions.commit_info;
        CHECK_INT(info->timestamp_ms, cases[i].expected_ms);
        CHECK_INT(info->in_commit_timestamp_ms, cases[i].expected_ms);
        CHECK_INT(info->is_out_of_time, cases[i].expected_ms == VV_NO_TIME);
        vv_op_done(&op);
    }
}

TEST(action_read, what_is_kept_does_not_depend_on_the_bytes)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_actions actions;
    char text[] = "{\"add\":{\"path\":\"abc\",\"size\":1,\"stats\":\"{}\"}}\n"
                  "{\"commitInfo\":{\"operation\":\"WRITE\"}}";

    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE_OK(&op, parse(&op, text, &actions));
    memset(text, 'x', sizeof(text) - 1);
    CHECK_STR(actions.adds.items[0].key, "abc");
    CHECK_STR(actions.adds.items[0].stats, "{}");
    CHECK_STR(actions.commit_info->operation, "WRITE");
}

TEST(action_read, broken_commits_are_corrupt_and_say_where)
{
    static const struct {
        const char *text;
        const char *says;
    } cases[] = {
        {"", "empty"},
        {"\n  \n", "blanks"},
        {"{\"add\":{\"path\":\"a\",\"si", "line 1"},
        {"{\"txn\":{\"appId\":\"a\",\"version\":1}}\n{\"add\":", "line 2"},
        {"[1]", "not a JSON object"},
        {"{\"add\":3}", "add is not an object"},
        {"{\"add\":{\"size\":1}}", "add.path is missing"},
        {"{\"add\":{\"path\":3,\"size\":1}}", "add.path is not a string"},
        {"{\"add\":{\"path\":\"a\"}}", "add.size is missing"},
        {"{\"add\":{\"path\":\"a\",\"size\":1.5}}", "add.size"},
        {"{\"add\":{\"path\":\"a\",\"size\":-1}}", "negative"},
        {"{\"add\":{\"path\":\"a%2\",\"size\":1}}", "a%2"},
        {"{\"add\":{\"path\":\"../a\",\"size\":1}}", ".."},
        {"{\"add\":{\"path\":\"a\",\"size\":1,\"partitionValues\":[]}}", "partitionValues"},
        {"{\"add\":{\"path\":\"a\",\"size\":1,\"partitionValues\":{\"d\":1}}}", "\"d\""},
        {"{\"add\":{\"path\":\"a\",\"size\":1,\"dataChange\":1}}", "dataChange"},
        {"{\"add\":{\"path\":\"a\",\"size\":1,\"deletionVector\":{}}}", "storageType"},
        {"{\"remove\":{}}", "remove.path"},
        {"{\"protocol\":{\"minReaderVersion\":1}}", "minWriterVersion"},
        {"{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":99999999999}}", "32 bits"},
        {"{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,"
         "\"readerFeatures\":[1]}}",
            "readerFeatures"},
        {"{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n"
         "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}",
            "second protocol"},
        {"{\"metaData\":{\"schemaString\":\"{}\"}}", "metaData.id"},
        {"{\"metaData\":{\"id\":\"a\",\"schemaString\":{}}}", "schemaString"},
        {"{\"metaData\":{\"id\":\"a\",\"schemaString\":\"\"}}\n"
         "{\"metaData\":{\"id\":\"a\",\"schemaString\":\"\"}}",
            "second metaData"},
        {"{\"txn\":{\"appId\":\"a\"}}", "txn.version"},
        {"{\"domainMetadata\":{\"configuration\":\"\"}}", "domainMetadata.domain"},
        {"{\"cdc\":{\"size\":1}}", "cdc.path"},
    };

    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        VV_CLEANUP(vv_op_done) struct vv_op op;
        struct vv_actions actions = {.version = -5};

        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        CHECK_INT(parse(&op, cases[i].text, &actions), VARVE_ECORRUPT);
        CHECK_STATUS(&op, VARVE_ECORRUPT);
        if (!CHECK(strstr(op.error.message, "00000000000000000007.json") != NULL) ||
            !CHECK(strstr(op.error.message, cases[i].says) != NULL))
            CHECK_STR(op.error.message, cases[i].says);
        CHECK_INT(actions.version, -5);
        vv_forgive(&op);
    }
}

TEST(action_read, a_file_stands_once_in_a_commit)
{
    static const struct {
        const char *text;
        varve_status status;
    } cases[] = {
        {"{\"add\":{\"path\":\"a\",\"size\":1}}\n{\"add\":{\"path\":\"./a\",\"size\":1}}",
            VARVE_ECORRUPT},
        {"{\"add\":{\"path\":\"a b\",\"size\":1}}\n{\"add\":{\"path\":\"a%20b\",\"size\":1}}",
            VARVE_ECORRUPT},
        {"{\"remove\":{\"path\":\"a\"}}\n{\"remove\":{\"path\":\"a\"}}", VARVE_ECORRUPT},
        {"{\"add\":{\"path\":\"a\",\"size\":1}}\n{\"remove\":{\"path\":\"a\"}}",
            VARVE_ECORRUPT},
        {"{\"add\":{\"path\":\"a\",\"size\":1}}\n{\"add\":{\"path\":\"a\",\"size\":1,"
         "\"deletionVector\":{\"storageType\":\"i\",\"pathOrInlineDv\":\"x\",\"sizeInBytes\":1,"
         "\"cardinality\":1}}}",
            VARVE_ECORRUPT},
        /* A deletion vector changes: the old logical file goes, the new one comes. */
        {"{\"remove\":{\"path\":\"a\"}}\n{\"add\":{\"path\":\"a\",\"size\":1,"
         "\"deletionVector\":{\"storageType\":\"i\",\"pathOrInlineDv\":\"x\",\"sizeInBytes\":1,"
         "\"cardinality\":1}}}",
            VARVE_OK},
        {"{\"remove\":{\"path\":\"a\"}}\n{\"remove\":{\"path\":\"b\"}}\n"
         "{\"add\":{\"path\":\"c\",\"size\":1}}",
            VARVE_OK},
    };

    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        VV_CLEANUP(vv_op_done) struct vv_op op;
        struct vv_actions actions;

        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        CHECK_INT(parse(&op, cases[i].text, &actions), cases[i].status);
        vv_forgive(&op);
    }
}

TEST(action_read, metadata_without_a_schema_leaves_the_history_readable)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_actions actions;

    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE_OK(&op, parse(&op, "{\"metaData\":{\"id\":\"a\"}}", &actions));
    CHECK(actions.metadata->schema_json.ptr == NULL);
    CHECK_STR(actions.metadata->format_provider, "parquet");
}

TEST(action_read, unknown_storage_and_formats_are_refused_by_name)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_actions actions;

    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    CHECK_FAILS(&op,
        parse(&op,
            "{\"add\":{\"path\":\"a\",\"size\":1,\"deletionVector\":{\"storageType\":\"r\","
            "\"pathOrInlineDv\":\"x\",\"sizeInBytes\":1,\"cardinality\":1}}}",
            &actions),
        VARVE_EUNSUPPORTED);
    CHECK_FAILS(&op,
        parse(&op,
            "{\"metaData\":{\"id\":\"a\",\"schemaString\":\"{}\",\"format\":{"
            "\"provider\":\"orc\"}}}",
            &actions),
        VARVE_EUNSUPPORTED);
}

TEST(action_read, many_files_of_one_commit_are_all_there)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_actions actions;

    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    for (int i = 0; i < 1000; i++) {
        /* Every third spelled so that it is not counted beforehand. */
        vv_buf_addf(&text, "{%s\"add\":{\"path\":\"f%d\",\"size\":%d}}\n", i % 3 ? "" : " ", i,
            i);
        vv_buf_addf(&text, "{\"remove\":{\"path\":\"g%d\"}}\n", i);
    }
    REQUIRE_OK(&op, vv_actions_parse(&op, &op.arena, 0, vv_buf_str(&text), &actions));
    REQUIRE(actions.adds.len == 1000 && actions.removes.len == 1000);
    for (int i = 0; i < 1000; i++)
        CHECK_INT(actions.adds.items[i].bytes, i);
}
