/*
 * The batch writer among random puts, flushes, deaths and clocks: what a scan sees is what is there
 * after the flush, and each row is there once.
 */
#include "../unit/ingest/writer_fixture.h"
#include "harness/prop.h"

#define SCHEMA "k bigint not null, o bigint, v string"
#define KOV "concat(k, '/', o, '/', v)"
#define STEPS 40
#define CASES 12

static const char *const tables[] = {"ordered", "arriving"};

static bool put_random(struct prop *prop, struct writer_fixture *fixture)
{
    static const char *const values[] = {"a", "b", "c", "bad"};
    char json[256];
    char order[64] = "";
    const char *table = tables[prop_choose(prop, VV_COUNT(tables))];
    const char *value = values[prop_choose(prop, VV_COUNT(values))];
    int64_t k = prop_int(prop, 0, 6);
    if (prop_chance(prop, 30))
        return put_typed(fixture, table, k, value);
    if (prop_chance(prop, 20))
        snprintf(order, sizeof(order), ",\"o\":null");
    else if (prop_chance(prop, 60))
        snprintf(order, sizeof(order), ",\"o\":%lld", (long long)prop_int(prop, 0, 4));
    else if (prop_chance(prop, 30))
        snprintf(order, sizeof(order), ",\"o\":%lld",
            (long long)(NOW_US + prop_int(prop, 0, 4) * 1000000));
    snprintf(json, sizeof(json), "{\"k\":%d,\"v\":\"%s\"%s}", (int)k, value, order);
    return put(fixture, table, json);
}

static bool scan_then_flush(struct writer_fixture *fixture)
{
    struct vv_str seen[VV_COUNT(tables)];
    bool is_same = true;
    for (size_t i = 0; i < VV_COUNT(tables); i++)
        seen[i] = scan_text(fixture, tables[i], KOV);
    uint64_t quarantined = fixture->quarantined;
    if (!flush(fixture))
        return false;
    for (size_t i = 0; i < VV_COUNT(tables); i++)
        is_same = CHECK_STR(seen[i], table_text(fixture, tables[i], KOV)) && is_same;
    return is_same && CHECK(fixture->quarantined >= quarantined);
}

static bool step(struct prop *prop, struct writer_fixture *fixture)
{
    switch (prop_choose(prop, 12)) {
    case 0:
        return flush(fixture);
    case 1:
        return scan_then_flush(fixture);
    case 2:
        return writer_restart(fixture);
    case 3:
        test_clock_add(&fixture->clock, prop_int(prop, -2000000, 2000000));
        return true;
    default:
        return put_random(prop, fixture);
    }
}

TEST_SECONDS(writer_property, what_a_scan_sees_is_what_a_flush_makes, 120)
{
    struct prop prop = prop_start();
    VV_CLEANUP(vv_engine_close) struct vv_engine *engine = test_engine();
    REQUIRE(CHECK(engine != NULL));
    for (int i = 0; i < CASES; i++) {
        VV_CLEANUP(writer_fixture_done) struct writer_fixture fixture;
        char spool[32];
        REQUIRE(writer_fixture_open(&fixture, engine));
        snprintf(spool, sizeof(spool), "spool%d", i);
        fixture.options.spool = vv_str_of(test_path(spool));
        REQUIRE(make_table(&fixture, "ordered", SCHEMA, "o", "v <> 'bad'") &&
                make_table(&fixture, "arriving", SCHEMA, NULL, "v <> 'bad'") &&
                writer_open(&fixture));
        for (int s = 0; s < STEPS; s++)
            REQUIRE(step(&prop, &fixture));
        REQUIRE(scan_then_flush(&fixture));
        struct vv_writer_stats stats;
        vv_writer_stats(fixture.writer, &stats);
        CHECK_INT(stats.rows_waiting, 0);
        CHECK_INT(stats.sequence_committed, stats.sequence_accepted);
    }
}
