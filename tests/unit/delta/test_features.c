#include "delta/features.h"

#include "harness/test.h"

/* A table for the checks: a protocol, one property, the metadata of one column. */
struct table {
    int32_t reader, writer;
    const char *reader_features; /* by blanks; NULL: no list */
    const char *writer_features;
    const char *property, *value; /* NULL: none */
    const char *field_metadata;   /* NULL: none */
};

struct built {
    struct vv_protocol protocol;
    struct vv_metadata metadata;
    struct vv_schema schema;
    struct vv_pair property;
    struct vv_field field;
    struct vv_str reader[8], writer[8];
};

static size_t split(const char *text, struct vv_str out[8])
{
    struct vv_str rest = vv_str_of(text);
    size_t len = 0;

    while (len < 8 && rest.len > 0 && vv_str_split(&rest, ' ', &out[len]))
        len++;
    return len;
}

static void build(struct vv_op *op, const struct table *table, struct built *out)
{
    *out = (struct built){0};
    out->protocol = (struct vv_protocol){
        .min_reader = table->reader,
        .min_writer = table->writer,
        .has_reader_features = table->reader_features != NULL,
        .has_writer_features = table->writer_features != NULL,
        .reader_features = out->reader,
        .reader_features_len = split(table->reader_features, out->reader),
        .writer_features = out->writer,
        .writer_features_len = split(table->writer_features, out->writer),
    };
    out->property = (struct vv_pair){vv_str_of(table->property), vv_str_of(table->value)};
    out->metadata.configuration = (struct vv_pairs){&out->property, table->property ? 1 : 0};
    out->field = (struct vv_field){.name = VV_STR("c"), .type = {.kind = VV_TYPE_LONG}};
    if (table->field_metadata)
        CHECK_OK(op, vv_json_parse(op, &op->arena, vv_str_of(table->field_metadata),
                         &out->field.metadata));
    out->schema = (struct vv_schema){&out->field, 1};
}

TEST(features, are_read_or_refused_by_name)
{
    static const struct {
        struct table table;
        varve_status status;
        const char *says;
    } cases[] = {
        {{.reader = 1, .writer = 2}, VARVE_OK, ""},
        {{.reader = 2, .writer = 6}, VARVE_OK, ""},
        {{.reader = 1, .writer = 99}, VARVE_OK, ""},
        {{.reader = 4, .writer = 7}, VARVE_EUNSUPPORTED, "version 4"},
        {{.reader = 0, .writer = 1}, VARVE_ECORRUPT, "version 0"},
        {{.reader = 3, .writer = 7}, VARVE_ECORRUPT, "readerFeatures"},
        {{.reader = 3, .writer = 7, .reader_features = ""}, VARVE_OK, ""},
        {{.reader = 3,
             .writer = 7,
             .reader_features = "columnMapping timestampNtz vacuumProtocolCheck v2Checkpoint "
                                "typeWidening typeWidening-preview deletionVectors"},
            VARVE_OK, ""},
        {{.reader = 3, .writer = 7, .reader_features = "timestampNtz variantType"}, VARVE_OK,
            ""},
        {{.reader = 3, .writer = 7, .reader_features = "timestampNtz variantShredding"},
            VARVE_OK, ""},
        {{.reader = 3, .writer = 7, .reader_features = "timestampNtz geospatial"},
            VARVE_EUNSUPPORTED, "geospatial"},
        {{.reader = 3, .writer = 7, .reader_features = "catalogManaged"}, VARVE_EUNSUPPORTED,
            "catalogManaged"},
        /* A writer feature in the wrong list is nothing that can be known how to read. */
        {{.reader = 3, .writer = 7, .reader_features = "appendOnly"}, VARVE_EUNSUPPORTED,
            "appendOnly"},
        {{.reader = 1, .writer = 7, .writer_features = "rowTracking fromTheFuture"}, VARVE_OK,
            ""},
    };

    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        VV_CLEANUP(vv_op_done) struct vv_op op;
        struct built built;

        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        build(&op, &cases[i].table, &built);
        CHECK_INT(vv_features_check_read(&op, &built.protocol), cases[i].status);
        if (!CHECK(strstr(op.error.message, cases[i].says) != NULL))
            CHECK_STR(op.error.message, cases[i].says);
        vv_forgive(&op);
    }
}

static const struct write_case {
    struct table table;
    const char *refused; /* NULL: may be written */
} write_cases[] = {
    {{.reader = 1, .writer = 2}, NULL},
    {{.reader = 1, .writer = 3}, NULL},
    {{.reader = 1, .writer = 4}, NULL},
    {{.reader = 1, .writer = 4, .property = "delta.enableChangeDataFeed", .value = "true"},
        NULL},
    /* Version 2 does not have the feature yet: the property is nobody's. */
    {{.reader = 1, .writer = 2, .property = "delta.enableChangeDataFeed", .value = "true"},
        NULL},
    {{.reader = 1, .writer = 4, .field_metadata = "{\"delta.generationExpression\":\"a\"}"},
        NULL},
    {{.reader = 1, .writer = 2, .field_metadata = "{\"delta.invariants\":\"x\"}"}, NULL},
    {{.reader = 2, .writer = 5}, NULL},
    {{.reader = 2, .writer = 5, .property = "delta.columnMapping.mode", .value = "none"}, NULL},
    {{.reader = 2, .writer = 5, .property = "delta.columnMapping.mode", .value = "name"}, NULL},
    {{.reader = 1, .writer = 6}, NULL},
    {{.reader = 1, .writer = 6, .field_metadata = "{\"delta.identity.start\":1}"},
        "identityColumns"},
    {{.reader = 1, .writer = 8}, "version 8"},
    {{.reader = 1, .writer = 7}, "writerFeatures"},
    {{.reader = 1,
         .writer = 7,
         .writer_features = "appendOnly invariants checkConstraints domainMetadata "
                            "inCommitTimestamp allowColumnDefaults"},
        NULL},
    {{.reader = 1,
         .writer = 7,
         .writer_features = "allowColumnDefaults",
         .field_metadata = "{\"CURRENT_DEFAULT\":\"1\"}"},
        NULL},
    {{.reader = 3,
         .writer = 7,
         .reader_features = "timestampNtz deletionVectors "
                            "v2Checkpoint vacuumProtocolCheck",
         .writer_features = "timestampNtz deletionVectors v2Checkpoint vacuumProtocolCheck"},
        NULL},
    {{.reader = 3,
         .writer = 7,
         .reader_features = "deletionVectors",
         .writer_features = "deletionVectors",
         .property = "delta.enableDeletionVectors",
         .value = "true"},
        NULL},
    {{.reader = 3,
         .writer = 7,
         .reader_features = "typeWidening",
         .writer_features = "typeWidening"},
        NULL},
    {{.reader = 3,
         .writer = 7,
         .reader_features = "typeWidening",
         .writer_features = "typeWidening",
         .field_metadata = "{\"delta.typeChanges\":[]}"},
        NULL},
    {{.reader = 1, .writer = 7, .writer_features = "rowTracking domainMetadata"},
        "rowTracking"},
    {{.reader = 1, .writer = 7, .writer_features = "clustering domainMetadata"}, NULL},
    {{.reader = 1, .writer = 7, .writer_features = "appendOnly fromTheFuture"},
        "fromTheFuture"},
    {{.reader = 3,
         .writer = 7,
         .reader_features = "variantType",
         .writer_features = "variantType"},
        NULL},
};

TEST(features, stand_in_the_way_of_writing_only_where_they_are_used)
{
    for (size_t i = 0; i < VV_COUNT(write_cases); i++) {
        VV_CLEANUP(vv_op_done) struct vv_op op;
        struct built built;
        varve_status status;

        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        build(&op, &write_cases[i].table, &built);
        status = vv_features_check_write(&op, &built.protocol, &built.metadata, &built.schema);
        CHECK_INT(status == VARVE_OK, write_cases[i].refused == NULL);
        if (!CHECK(strstr(op.error.message,
                write_cases[i].refused ? write_cases[i].refused : "")))
            CHECK_STR(op.error.message, write_cases[i].refused);
        vv_forgive(&op);
    }
}

TEST(features, of_nested_columns_count)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct built built;
    struct table table = {.reader = 1,
        .writer = 7,
        .writer_features = "identityColumns",
        .field_metadata = "{\"delta.identity.start\":1}"};

    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    build(&op, &table, &built);
    struct vv_type inner = {.kind = VV_TYPE_STRUCT, .fields = &built.field, .fields_len = 1};
    struct vv_field outer = {
        .name = VV_STR("o"), .type = {.kind = VV_TYPE_ARRAY, .element = &inner}};
    struct vv_schema schema = {&outer, 1};
    CHECK_FAILS(&op, vv_features_check_write(&op, &built.protocol, &built.metadata, &schema),
        VARVE_EUNSUPPORTED);
}

TEST(features, mapped_tables_are_written_where_no_column_is_nested)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct built built;
    struct table table = {
        .reader = 2, .writer = 5, .property = "delta.columnMapping.mode", .value = "name"};

    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    build(&op, &table, &built);
    struct vv_field outer = {
        .name = VV_STR("o"), .type = {.kind = VV_TYPE_ARRAY, .element = &built.field.type}};
    struct vv_schema schema = {&outer, 1};
    CHECK_FAILS(&op, vv_features_check_write(&op, &built.protocol, &built.metadata, &schema),
        VARVE_EUNSUPPORTED);
}

static const struct {
    struct table table;
    const char *feature;
    int32_t reader, writer;
    const char *readers, *writers; /* joined by blanks; NULL: no list */
} require_cases[] = {
    {{.reader = 1, .writer = 2}, "checkConstraints", 1, 3, NULL, NULL},
    {{.reader = 1, .writer = 3}, "columnMapping", 2, 5, NULL, NULL},
    {{.reader = 1, .writer = 3}, "invariants", 1, 3, NULL, NULL},
    {{.reader = 1, .writer = 3}, "inCommitTimestamp", 1, 7, NULL,
        "appendOnly invariants checkConstraints inCommitTimestamp"},
    {{.reader = 2, .writer = 5}, "deletionVectors", 3, 7, "columnMapping deletionVectors",
        "appendOnly invariants checkConstraints changeDataFeed generatedColumns columnMapping "
        "deletionVectors"},
    {{.reader = 1, .writer = 7, .writer_features = "domainMetadata aNewOne"}, "typeWidening", 3,
        7, "typeWidening", "domainMetadata aNewOne typeWidening"},
    /* What needs another brings it along, where it is not there. */
    {{.reader = 1, .writer = 2}, "clustering", 1, 7, NULL,
        "appendOnly invariants domainMetadata clustering"},
    {{.reader = 1, .writer = 7, .writer_features = "domainMetadata"}, "clustering", 1, 7, NULL,
        "domainMetadata clustering"},
    {{.reader = 1, .writer = 7, .writer_features = ""}, "rowTracking", 1, 7, NULL,
        "domainMetadata rowTracking"},
    {{.reader = 1, .writer = 7, .writer_features = ""}, "variantShredding", 3, 7,
        "variantType variantShredding", "variantType variantShredding"},
    {{.reader = 1, .writer = 7, .writer_features = ""}, "variantShredding-preview", 3, 7,
        "variantType variantShredding-preview", "variantType variantShredding-preview"},
    /* One that other software has listed alone stays so. */
    {{.reader = 1, .writer = 7, .writer_features = "clustering"}, "clustering", 1, 7, NULL,
        "clustering"},
};

static struct vv_str joined(struct vv_op *op, const struct vv_str *names, size_t len)
{
    struct vv_str text = VV_STR("");
    for (size_t i = 0; i < len; i++)
        text = vv_arena_format(&op->arena, "%.*s%s%.*s", VV_ARG(text), i == 0 ? "" : " ",
            VV_ARG(names[i]));
    return text;
}

TEST(features, a_new_one_takes_along_what_the_old_versions_imply)
{
    for (size_t i = 0; i < VV_COUNT(require_cases); i++) {
        VV_CLEANUP(vv_op_done) struct vv_op op;
        struct built built;
        const struct vv_protocol *made = NULL;

        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        build(&op, &require_cases[i].table, &built);
        REQUIRE(CHECK_OK(&op, vv_features_require(&op, &op.arena, &built.protocol,
                                  vv_str_of(require_cases[i].feature), &made)));
        CHECK_INT(made->min_reader, require_cases[i].reader);
        CHECK_INT(made->min_writer, require_cases[i].writer);
        CHECK_INT(made->has_reader_features, require_cases[i].readers != NULL);
        CHECK_INT(made->has_writer_features, require_cases[i].writers != NULL);
        CHECK_STR(joined(&op, made->reader_features, made->reader_features_len),
            vv_str_of(require_cases[i].readers ? require_cases[i].readers : ""));
        CHECK_STR(joined(&op, made->writer_features, made->writer_features_len),
            vv_str_of(require_cases[i].writers ? require_cases[i].writers : ""));
        /* Once there, it is there. */
        const struct vv_protocol *again = NULL;
        CHECK_OK(&op, vv_features_require(&op, &op.arena, made,
                          vv_str_of(require_cases[i].feature), &again));
        CHECK(again == made);
    }
}

TEST(features, of_two_protocols_are_all_in_one)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct built now;
    struct built then;
    const struct vv_protocol *made = NULL;
    struct table dropped = {.reader = 1, .writer = 7, .writer_features = "appendOnly"};
    struct table had = {.reader = 3,
        .writer = 7,
        .reader_features = "deletionVectors",
        .writer_features = "deletionVectors appendOnly checkConstraints"};
    struct table legacy = {.reader = 1, .writer = 3};
    struct table odd = {.reader = 1, .writer = 7, .writer_features = "aNewOne"};

    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    build(&op, &dropped, &now);
    build(&op, &had, &then);
    CHECK_OK(&op, vv_features_merge(&op, &op.arena, &now.protocol, &then.protocol, &made));
    CHECK_INT(made->min_reader, 3);
    CHECK_STR(joined(&op, made->reader_features, made->reader_features_len),
        VV_STR("deletionVectors"));
    CHECK_STR(joined(&op, made->writer_features, made->writer_features_len),
        VV_STR("appendOnly deletionVectors checkConstraints"));
    CHECK_OK(&op, vv_features_merge(&op, &op.arena, &then.protocol, &now.protocol, &made));
    CHECK(made == &then.protocol);
    build(&op, &legacy, &then);
    CHECK_OK(&op, vv_features_merge(&op, &op.arena, &now.protocol, &then.protocol, &made));
    CHECK_INT(made->min_reader, 1);
    CHECK_STR(joined(&op, made->writer_features, made->writer_features_len),
        VV_STR("appendOnly invariants checkConstraints"));
    build(&op, &odd, &then);
    CHECK_FAILS(&op, vv_features_merge(&op, &op.arena, &now.protocol, &then.protocol, &made),
        VARVE_EUNSUPPORTED);
}

TEST(features, are_there_when_listed_or_implied)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct built built;
    struct table legacy = {.reader = 1, .writer = 4};
    struct table listed = {.reader = 3,
        .writer = 7,
        .reader_features = "deletionVectors",
        .writer_features = "deletionVectors appendOnly"};

    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    build(&op, &legacy, &built);
    CHECK(vv_features_has(&built.protocol, VV_STR("appendOnly")));
    CHECK(vv_features_has(&built.protocol, VV_STR("changeDataFeed")));
    CHECK(!vv_features_has(&built.protocol, VV_STR("columnMapping")));
    CHECK(!vv_features_has(&built.protocol, VV_STR("deletionVectors")));
    build(&op, &listed, &built);
    CHECK(vv_features_has(&built.protocol, VV_STR("appendOnly")));
    CHECK(vv_features_has(&built.protocol, VV_STR("deletionVectors")));
    CHECK(!vv_features_has(&built.protocol, VV_STR("invariants")));
}

TEST(features, column_mapping_needs_property_and_protocol)
{
    static const struct {
        struct table table;
        enum vv_column_mapping mapping;
    } cases[] = {
        {{.reader = 2, .writer = 5}, VV_MAPPING_NONE},
        {{.reader = 2, .writer = 5, .property = "delta.columnMapping.mode", .value = "NAME"},
            VV_MAPPING_NAME},
        {{.reader = 2, .writer = 5, .property = "delta.columnMapping.mode", .value = "id"},
            VV_MAPPING_ID},
        {{.reader = 1, .writer = 2, .property = "delta.columnMapping.mode", .value = "name"},
            VV_MAPPING_NONE},
        {{.reader = 3,
             .writer = 7,
             .reader_features = "columnMapping",
             .writer_features = "columnMapping",
             .property = "delta.columnMapping.mode",
             .value = "name"},
            VV_MAPPING_NAME},
    };

    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        VV_CLEANUP(vv_op_done) struct vv_op op;
        struct built built;

        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        build(&op, &cases[i].table, &built);
        CHECK_INT(vv_features_mapping(&built.protocol, &built.metadata), cases[i].mapping);
    }
}

TEST(features, boolean_properties_are_true_in_any_case)
{
    struct vv_pair pairs[] = {{VV_STR("a"), VV_STR("TRUE")}, {VV_STR("b"), VV_STR("no")}};
    struct vv_metadata metadata = {.configuration = {pairs, 2}};

    CHECK(vv_property_bool(&metadata, "a", false));
    CHECK(!vv_property_bool(&metadata, "b", true));
    CHECK(vv_property_bool(&metadata, "c", true));
    CHECK(!vv_property_bool(&metadata, "c", false));
}

/* A feature that is listed is none; a column of the type is, however deep it lies. */
TEST(features, find_a_variant_wherever_it_lies)
{
    const struct vv_type variant = {.kind = VV_TYPE_VARIANT};
    const struct vv_type text = {.kind = VV_TYPE_STRING};
    const struct vv_type list = {.kind = VV_TYPE_ARRAY, .element = &variant};
    const struct vv_field fields[] = {{.name = VV_STR("a"), .type = {.kind = VV_TYPE_STRING}},
        {.name = VV_STR("b"), .type = {.kind = VV_TYPE_MAP, .key = &text, .element = &list}}};
    const struct vv_type nested = {.kind = VV_TYPE_STRUCT, .fields = fields, .fields_len = 2};
    CHECK(vv_features_is_variant(&variant));
    CHECK(vv_features_is_variant(&nested));
    CHECK(!vv_features_is_variant(&text));
    CHECK(!vv_features_is_variant(&fields[0].type));
}
