#include "table/rules.h"

#include "base/buf.h"
#include "harness/prop.h"
#include "harness/test.h"

/* ---- Lists of names -------------------------------------------------------------------------- */

static const struct {
    const char *text;
    const char *names; /* parted by '|'; NULL: refused */
} lists[] = {
    {"", ""},
    {"  ", ""},
    {"a", "a"},
    {"a,b", "a|b"},
    {" a , b ", "a|b"},
    {"`a`", "a"},
    {"`a,b`,c", "a,b|c"},
    {"` a `", " a "},
    {"`a``b`", "a`b"},
    {"````", "`"},
    {"a b", "a b"},
    {"a`b", "a`b"},
    {"a,", NULL},
    {",a", NULL},
    {"a,,b", NULL},
    {",", NULL},
    {"``", NULL},
    {"`a", NULL},
    {"`a`b", NULL},
    {"`a` `b`", NULL},
};

TEST(rules, names_are_split)
{
    for (size_t index = 0; index < VV_COUNT(lists); index++) {
        struct vv_op op;
        struct vv_str *names = NULL;
        size_t len = 0;
        VV_CLEANUP(vv_buf_done) struct vv_buf joined = VV_BUF_INIT(1 << 16);
        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        varve_status status =
            vv_rules_split_names(&op, &op.arena, vv_str_of(lists[index].text), &names, &len);
        if (!CHECK_INT(status, lists[index].names ? VARVE_OK : VARVE_EUSAGE))
            CHECK_STR(lists[index].text, lists[index].names);
        for (size_t name = 0; name < len; name++) {
            vv_buf_adds(&joined, name > 0 ? "|" : "");
            vv_buf_add(&joined, names[name]);
        }
        if (lists[index].names)
            CHECK_STR(vv_buf_str(&joined), lists[index].names);
        vv_op_done(&op);
    }
}

TEST(rules, names_come_back_as_they_were_written)
{
    struct prop prop = prop_start();
    for (int i = 0; i < 2000; i++) {
        struct vv_op op;
        char texts[4][12];
        struct vv_str names[4];
        size_t len = 1 + prop_choose(&prop, VV_COUNT(names));
        VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(1 << 16);
        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        for (size_t index = 0; index < len; index++) {
            names[index] = prop_str(&prop, texts[index], sizeof(texts[index]), "ab,` =\n.");
            if (names[index].len == 0)
                names[index] = VV_STR("x");
        }
        vv_rules_write_names(names, len, &text);
        struct vv_str *back = NULL;
        size_t back_len = 0;
        if (CHECK_OK(&op,
                vv_rules_split_names(&op, &op.arena, vv_buf_str(&text), &back, &back_len)) &&
            CHECK_INT(back_len, len))
            for (size_t index = 0; index < len; index++)
                CHECK_STR(back[index], names[index]);
        vv_op_done(&op);
    }
}

/* ---- Properties ------------------------------------------------------------------------------ */

#define SCHEMA                                                                  \
    "timestamp timestamp not null, symbol string not null, confidence double, " \
    "date date not null, ingested_at timestamp, parts array<int>, seq long"

struct fixture {
    struct vv_op op;
    struct vv_pair pairs[3];
    struct vv_str partitions[2];
    struct vv_metadata metadata;
    struct vv_snapshot snapshot;
    struct vv_rules rules;
};

static void fixture_open(struct fixture *fixture)
{
    *fixture = (struct fixture){.partitions = {VV_STR("date")}};
    vv_op_init(&fixture->op, NULL, VV_OP_BYTES_DEFAULT);
    fixture->metadata = (struct vv_metadata){.partition_columns = fixture->partitions,
        .partition_columns_len = 1,
        .configuration = {.items = fixture->pairs}};
    fixture->snapshot.metadata = &fixture->metadata;
    CHECK_OK(&fixture->op, vv_schema_parse_ddl(&fixture->op, &fixture->op.arena,
                               vv_str_of(SCHEMA), &fixture->snapshot.schema));
}

static void fixture_property(struct fixture *fixture, const char *name, const char *value)
{
    fixture->pairs[fixture->metadata.configuration.len++] =
        (struct vv_pair){vv_str_of(name), vv_str_of(value)};
}

static varve_status fixture_read(struct fixture *fixture)
{
    return vv_rules_read(&fixture->op, &fixture->op.arena, &fixture->snapshot, true,
        &fixture->rules);
}

TEST(rules, tell_what_the_properties_say)
{
    struct fixture fixture;
    fixture_open(&fixture);
    fixture_property(&fixture, "varve.key", "TIMESTAMP,`symbol`");
    fixture_property(&fixture, "varve.orderBy", "ingested_at");
    fixture_property(&fixture, "varve.partitionFrom", "date=timestamp");
    REQUIRE_OK(&fixture.op, fixture_read(&fixture));
    REQUIRE(fixture.rules.key_len == 2);
    CHECK_INT(fixture.rules.key[0], 0);
    CHECK_INT(fixture.rules.key[1], 1);
    CHECK_INT(fixture.rules.order, 4);
    CHECK_INT(fixture.rules.zorder_len, 0);
    REQUIRE(fixture.rules.partitions_len == 1);
    CHECK_INT(fixture.rules.partitions[0], 3);
    REQUIRE(fixture.rules.partition_from_len == 1);
    CHECK_INT(fixture.rules.partition_from[0].partition, 3);
    CHECK_INT(fixture.rules.partition_from[0].source, 0);
    CHECK_INT(fixture.rules.checks_len, 0);
    vv_op_done(&fixture.op);
}

TEST(rules, table_that_says_nothing_has_none)
{
    struct fixture fixture;
    fixture_open(&fixture);
    fixture.metadata.partition_columns_len = 0;
    REQUIRE_OK(&fixture.op, fixture_read(&fixture));
    CHECK_INT(fixture.rules.key_len, 0);
    CHECK_INT(fixture.rules.order, -1);
    CHECK_INT(fixture.rules.partitions_len, 0);
    CHECK_INT(fixture.rules.partition_from_len, 0);
    vv_op_done(&fixture.op);
}

static const struct {
    const char *name;
    const char *value;
    varve_status status;
    const char *message;
} broken[] = {
    {"varve.key", "timestamp,nothing", VARVE_ECORRUPT,
        "varve.key names column \"nothing\", which the table does not have"},
    {"varve.key", "symbol,symbol", VARVE_ECORRUPT, "varve.key names column \"symbol\" twice"},
    {"varve.key", "symbol,parts", VARVE_ECORRUPT, "\"parts\", whose type has no order"},
    {"varve.key", "symbol,,date", VARVE_ECORRUPT,
        "table property varve.key: a name is missing"},
    {"varve.orderBy", "gone", VARVE_ECORRUPT, "varve.orderBy names column \"gone\""},
    {"varve.orderBy", "symbol", VARVE_ECORRUPT, "a timestamp or an integer"},
    {"varve.orderBy", "ingested_at,seq", VARVE_ECORRUPT, "has to name one column"},
    {"varve.zorder", "nope", VARVE_ECORRUPT, "varve.zorder names column \"nope\""},
    {"varve.partitionFrom", "date", VARVE_ECORRUPT, "has to read \"date=timestamp\""},
    {"varve.partitionFrom", "date=symbol", VARVE_ECORRUPT, "of type date and a timestamp"},
    {"varve.partitionFrom", "symbol=timestamp", VARVE_ECORRUPT,
        "a partition column of type date"},
    {"varve.partitionFrom", "date=gone", VARVE_ECORRUPT,
        "varve.partitionFrom names column \"gone\""},
    {"delta.constraints.odd", "frobnicate(symbol) > 1", VARVE_EUNSUPPORTED, "constraint odd"},
    {"delta.constraints.lost", "gone > 1", VARVE_EINVALID, "constraint lost"},
};

TEST(rules, broken_properties_are_told_by_name)
{
    for (size_t index = 0; index < VV_COUNT(broken); index++) {
        struct fixture fixture;
        fixture_open(&fixture);
        fixture_property(&fixture, broken[index].name, broken[index].value);
        fixture_read(&fixture);
        if (!CHECK_STATUS(&fixture.op, broken[index].status) ||
            !CHECK(strstr(fixture.op.error.message, broken[index].message) != NULL))
            CHECK_STR(fixture.op.error.message, broken[index].message);
        vv_op_done(&fixture.op);
    }
}

TEST(rules, constraints_and_invariants_are_checks)
{
    struct fixture fixture;
    fixture_open(&fixture);
    struct vv_op *op = &fixture.op;
    const struct vv_str schema =
        VV_STR("{\"type\":\"struct\",\"fields\":[{\"name\":\"x\",\"type\":\"long\","
               "\"nullable\":true,"
               "\"metadata\":{\"delta.invariants\":\"{\\\"expression\\\":{\\\"expression\\\":"
               "\\\"x > 3\\\"}}\"}}]}");
    REQUIRE_OK(op,
        vv_schema_parse(op, &op->arena, schema, VV_MAPPING_NONE, &fixture.snapshot.schema));
    fixture.metadata.partition_columns_len = 0;
    fixture_property(&fixture, "delta.constraints.small", "x < 10");
    fixture_property(&fixture, "delta.appendOnly", "false");
    REQUIRE_OK(op, fixture_read(&fixture));
    REQUIRE(fixture.rules.checks_len == 2);
    CHECK_STR(fixture.rules.checks[0].name, "small");
    CHECK_STR(fixture.rules.checks[0].expression, "x < 10");
    CHECK(strstr(fixture.rules.checks[0].sql.ptr, "\"x\"") != NULL);
    CHECK_STR(fixture.rules.checks[1].name, "x");
    CHECK_STR(fixture.rules.checks[1].expression, "x > 3");
    REQUIRE_OK(op, vv_rules_read(op, &op->arena, &fixture.snapshot, false, &fixture.rules));
    CHECK_INT(fixture.rules.checks_len, 0);
    vv_op_done(op);
}

static const struct {
    const char *field;
    varve_status status;
} invariants[] = {
    {"{\"name\":\"x\",\"type\":\"long\",\"nullable\":true,"
     "\"metadata\":{\"delta.invariants\":\"not json\"}}",
        VARVE_ECORRUPT},
    {"{\"name\":\"x\",\"type\":\"long\",\"nullable\":true,"
     "\"metadata\":{\"delta.invariants\":\"{}\"}}",
        VARVE_ECORRUPT},
    {"{\"name\":\"x\",\"nullable\":true,\"metadata\":{},\"type\":{\"type\":\"struct\","
     "\"fields\":["
     "{\"name\":\"y\",\"type\":\"long\",\"nullable\":true,\"metadata\":{\"delta.invariants\":"
     "\"{\\\"expression\\\":{\\\"expression\\\":\\\"x.y > 3\\\"}}\"}}]}}",
        VARVE_EUNSUPPORTED},
};

TEST(rules, invariants_that_cannot_be_kept_are_refused)
{
    for (size_t index = 0; index < VV_COUNT(invariants); index++) {
        struct fixture fixture;
        fixture_open(&fixture);
        struct vv_op *op = &fixture.op;
        struct vv_str schema = vv_arena_format(&op->arena,
            "{\"type\":\"struct\",\"fields\":[%s]}", invariants[index].field);
        REQUIRE_OK(op,
            vv_schema_parse(op, &op->arena, schema, VV_MAPPING_NONE, &fixture.snapshot.schema));
        fixture.metadata.partition_columns_len = 0;
        fixture_read(&fixture);
        CHECK_STATUS(op, invariants[index].status);
        CHECK(strstr(op->error.message, "\"x\"") != NULL);
        vv_op_done(op);
    }
}
