/*
 * Random batches against tables of every layout, compared with a model of the rules: each result
 * record, and each version of the table. Other writers plant files, some with rows under wrong
 * dates or with keys that are there already; a rival commits right before we do.
 */
#include <stdlib.h>

#include "../unit/table/table_fixture.h"
#include "base/time.h"
#include "harness/prop.h"
#include "upsert_model.h"

#ifdef VV_ARENA_DEBUG
#define SEEDS 60 /* AddressSanitizer takes four times as long */
#else
#define SEEDS 200
#endif
#define STEPS 5

/* How a table is laid out. */
struct layout {
    const char *schema, *partition_by, *order_by;
    bool has_date, by_s, by_x, order_is_time;
};

#define COLUMNS "ts timestamp not null, x double, v double, s string"
static const struct layout layouts[] = {
    {COLUMNS ", o bigint", NULL, "o", false, false, false, false},
    {COLUMNS ", o timestamp", NULL, "o", false, false, false, true},
    {COLUMNS, NULL, NULL, false, false, false, false},
    {COLUMNS ", o timestamp, date date not null", "date", "o", true, false, false, true},
    {COLUMNS ", o bigint, date date not null", "date", "o", true, false, false, false},
    {COLUMNS ", date date not null", "date", NULL, true, false, false, false},
    {COLUMNS ", o bigint", "s", "o", false, true, false, false},
    {COLUMNS ", o bigint, date date not null", "date,s", "o", true, true, false, false},
    {COLUMNS ", o timestamp", "x", "o", false, false, true, true},
    {COLUMNS ", o bigint, date date not null", "date,x", "o", true, false, true, false},
};

static const int64_t times[] = {NOW_US, NOW_US + 1, NOW_US - VV_US_PER_DAY,
    INT64_C(1738281599999999), INT64_C(1738281600000000)};
static const double keys[] = {0.0, -0.0, (double)NAN, 1.5};
static const double values[] = {0.0, -0.0, (double)NAN, 7.25, (double)INFINITY};
static const char *const texts[] = {"a", "b'c", "d=e/f"};

struct story {
    struct table_fixture fixture;
    struct prop *prop;
    const struct layout *layout;
    bool by_vectors; /* merge-on-read */
    struct model *model;
    int64_t planted; /* files of other writers */
    struct vv_session *session;
    /* The rival that comes right before our commit. */
    struct model_batch rival;
    struct vv_upsert_result rival_result;
    varve_status rival_status;
    bool rival_came;
};

static struct model_row any_row(struct story *story)
{
    struct prop *prop = story->prop;
    struct model_row row = {.ts = times[prop_choose(prop, VV_COUNT(times))],
        .x = keys[prop_choose(prop, VV_COUNT(keys))],
        .has_v = prop_chance(prop, 75),
        .s = (int)prop_choose(prop, VV_COUNT(texts) + 1) - 1,
        .has_o = story->layout->order_by != NULL && prop_chance(prop, 60)};
    /* The values that are written anew are few, so that rows are often equal to stored ones. */
    if (row.has_v)
        row.v = values[prop_choose(prop, prop_chance(prop, 50) ? 2 : VV_COUNT(values))];
    if (prop_chance(prop, 50))
        row.s = 0;
    if (row.has_o)
        row.o = story->fixture.clock.now_us + prop_int(prop, -4, 4);
    if (story->layout->has_date)
        row.date = vv_time_date_of(row.ts);
    return row;
}

static void any_batch(struct story *story, struct model_batch *out)
{
    struct prop *prop = story->prop;
    *out = (struct model_batch){.now_us = story->fixture.clock.now_us,
        .app = prop_chance(prop, 30) ? (int)prop_choose(prop, MODEL_APPS) : -1,
        .keep_good_rows = prop_chance(prop, 30)};
    out->rows.len = 1 + prop_choose(prop, prop_chance(prop, 80) ? 5 : 14);
    for (size_t i = 0; i < out->rows.len; i++) {
        out->rows.items[i] = any_row(story);
        /* A stored row again, the same or with one value changed. */
        const struct model_rows *stored = &story->model->versions[story->model->version];
        if (stored->len > 0 && prop_chance(prop, 40)) {
            struct model_row again = stored->items[prop_choose(prop, stored->len)];
            again.has_o = out->rows.items[i].has_o;
            again.o = out->rows.items[i].o;
            again.date = story->layout->has_date ? vv_time_date_of(again.ts) : 0;
            out->rows.items[i] = again;
        }
        out->rows.items[i].bad = prop_chance(prop, 2);
    }
    if (out->app >= 0)
        out->app_version = story->model->txns[out->app] + (int64_t)prop_choose(prop, 3) - 1;
    if (out->app_version < 0)
        out->app_version = 0;
}

static void add_time(struct vv_buf *buf, const char *name, int64_t us)
{
    char text[32];
    (void)vv_time_format_us(us, text);
    vv_buf_addf(buf, "%s\"%s\"", name, text);
}

static void add_double(struct vv_buf *buf, const char *name, bool is_there, double value)
{
    if (!is_there)
        vv_buf_addf(buf, "%snull", name);
    else if (isfinite(value))
        vv_buf_addf(buf, "%s%.17g", name, value);
    else
        vv_buf_addf(buf, "%s\"%s\"", name, isnan(value) ? "NaN" : "Infinity");
}

static void add_ndjson(struct story *story, const struct model_row *row, struct vv_buf *buf)
{
    if (row->bad)
        vv_buf_adds(buf, "{\"ts\":null");
    else
        add_time(buf, "{\"ts\":", row->ts);
    add_double(buf, ",\"x\":", true, row->x);
    if (row->has_v || prop_chance(story->prop, 50))
        add_double(buf, ",\"v\":", row->has_v, row->v);
    if (row->s >= 0)
        vv_buf_addf(buf, ",\"s\":\"%s\"", texts[row->s]);
    if (row->has_o && story->layout->order_is_time)
        add_time(buf, ",\"o\":", row->o);
    else if (row->has_o)
        vv_buf_addf(buf, ",\"O\":%" PRId64, row->o);
    vv_buf_adds(buf, "}\n");
}

static varve_status run_upsert(struct story *story, struct vv_table *table, struct vv_op *op,
    const struct model_batch *batch, struct vv_upsert_result *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_upsert_options options = {
        .batch = {.dedupe = true, .reject_rows = batch->keep_good_rows}};
    struct vv_input inputs[2];
    /* Several inputs go through tables of the engine, one small one stays in memory. */
    size_t inputs_len = 1 + prop_chance(story->prop, 40);
    for (size_t i = 0; i < batch->rows.len; i++)
        add_ndjson(story, &batch->rows.items[i], &text);
    if (batch->app >= 0) {
        options.app_id = batch->app == 0 ? VV_STR("app 0") : VV_STR("app 1");
        options.app_version = batch->app_version;
    }
    (void)table_input(VV_INPUT_NDJSON, table == story->fixture.table ? "ours" : "rivals",
        vv_buf_str(&text), &inputs[0]);
    (void)table_input(VV_INPUT_NDJSON, "nothing", VV_STR(""), &inputs[1]);
    varve_status status = vv_upsert(op, table, inputs, inputs_len, &options, out);
    if (status != VARVE_OK && status != VARVE_EINVALID)
        CHECK_OK(op, status);
    else if (status != VARVE_OK)
        vv_forgive(op);
    return status;
}

static void run_rival(struct story *story)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_table *table = NULL;
    story->rival_came = true;
    story->fixture.plan.before = NULL;
    vv_op_init(&op, &story->fixture.clock.env, VV_OP_BYTES_DEFAULT);
    if (table_handle(&op, &story->fixture, story->fixture.plain, &table))
        story->rival_status =
            run_upsert(story, table, &op, &story->rival, &story->rival_result);
    vv_table_close(&table);
}

static void before_call(void *data, const char *call, struct vv_str key)
{
    (void)key;
    if (strcmp(call, "put_if_absent") == 0)
        run_rival(data);
}

static int by_row(const void *left, const void *right)
{
    const struct model_row *a = left;
    const struct model_row *b = right;
    if (a->ts != b->ts)
        return a->ts < b->ts ? -1 : 1;
    if (!same_double(a->x, b->x))
        return isnan(b->x) || a->x < b->x ? -1 : 1;
    if (a->has_o != b->has_o)
        return a->has_o ? 1 : -1;
    if (a->o != b->o)
        return a->o < b->o ? -1 : 1;
    if (a->s != b->s)
        return a->s - b->s;
    return a->date != b->date ? (a->date < b->date ? -1 : 1) : 0;
}

static void read_row(const struct story *story, const struct vv_rows *rows,
    struct model_row *out)
{
    *out = (struct model_row){.ts = vv_rows_int64(rows, 0),
        .x = vv_rows_double(rows, 1),
        .has_v = !vv_rows_is_null(rows, 2),
        .s = -1};
    if (out->has_v)
        out->v = vv_rows_double(rows, 2);
    for (size_t i = 0; i < VV_COUNT(texts); i++)
        if (vv_str_eq(vv_rows_text(rows, 3), vv_str_of(texts[i])))
            out->s = (int)i;
    out->has_o = story->layout->order_by != NULL && !vv_rows_is_null(rows, 4);
    if (out->has_o)
        out->o = vv_rows_int64(rows, 4);
    if (story->layout->has_date)
        out->date = vv_rows_int64(rows, story->layout->order_by != NULL ? 5 : 4);
}

static bool same_row(const struct model_row *a, const struct model_row *b)
{
    return same_content(a, b) && a->has_o == b->has_o && (!a->has_o || a->o == b->o);
}

static void show(const char *who, const struct model_row *row)
{
    printf("# %s ts %" PRId64 " x %g v %d %g s %d o %d %" PRId64 " date %" PRId64 "\n", who,
        row->ts - NOW_US, row->x, (int)row->has_v, row->v, row->s, (int)row->has_o,
        row->o - NOW_US, row->date);
}

static bool check_version(struct story *story, int64_t version)
{
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    struct vv_op *op = &story->fixture.op;
    struct model_rows expected = story->model->versions[version];
    struct model_rows actual = {0};
    bool has_row = true;
    if (!CHECK_OK(op, vv_table_refresh(op, story->fixture.table)) ||
        !CHECK_OK(op, vv_table_snapshot(op, story->fixture.table, version, &snapshot)) ||
        !table_query(&story->fixture, snapshot, "FROM ", "", story->session, &rows))
        return false;
    while (CHECK_OK(op, vv_rows_next(op, rows, &has_row)) && has_row)
        if (CHECK(actual.len < MODEL_ROWS_MAX))
            read_row(story, rows, &actual.items[actual.len++]);
    qsort(expected.items, expected.len, sizeof(expected.items[0]), by_row);
    qsort(actual.items, actual.len, sizeof(actual.items[0]), by_row);
    bool same = expected.len == actual.len;
    for (size_t i = 0; same && i < actual.len; i++)
        same = same_row(&expected.items[i], &actual.items[i]);
    if (same)
        return true;
    for (size_t i = 0; i < expected.len; i++)
        show("expected", &expected.items[i]);
    for (size_t i = 0; i < actual.len; i++)
        show("actual", &actual.items[i]);
    printf("# version %" PRId64 "\n", version);
    return CHECK(same);
}

static bool check_result(const struct vv_upsert_result *actual,
    const struct vv_upsert_result *expected)
{
    bool same = CHECK_INT(actual->rows_in, expected->rows_in);
    same = CHECK_INT(actual->inserted, expected->inserted) && same;
    same = CHECK_INT(actual->updated, expected->updated) && same;
    same = CHECK_INT(actual->unchanged, expected->unchanged) && same;
    same = CHECK_INT(actual->stale, expected->stale) && same;
    same = CHECK_INT(actual->duplicates_in_batch, expected->duplicates_in_batch) && same;
    same = CHECK_INT(actual->rejected, expected->rejected) && same;
    same = CHECK_INT(actual->repaired, expected->repaired) && same;
    same = CHECK_INT(actual->rows_written, expected->rows_written) && same;
    same = CHECK_INT(actual->already_applied, expected->already_applied) && same;
    return CHECK_INT(actual->version, expected->version) && same;
}

/* What the model says of a batch, against what became of it. */
static bool check_batch(struct story *story, const struct model_batch *batch,
    varve_status status, const struct vv_upsert_result *actual)
{
    struct vv_upsert_result expected;
    int64_t before = story->model->version;
    bool accepted = model_upsert(story->model, batch, &expected);
    if (!CHECK_INT(status, accepted ? VARVE_OK : VARVE_EINVALID))
        return false;
    if (!accepted)
        return true;
    /* Only what was committed, or met a rival, took an attempt. */
    return check_result(actual, &expected) &&
           CHECK(actual->attempts > 0 || expected.version == before);
}

static bool step_upsert(struct story *story)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct model_batch batch;
    struct vv_upsert_result result = {0};
    bool has_rival = prop_chance(story->prop, 30);
    any_batch(story, &batch);
    any_batch(story, &story->rival);
    story->rival_came = false;
    if (has_rival) {
        story->fixture.plan.before = before_call;
        story->fixture.plan.before_data = story;
    }
    vv_op_init(&op, &story->fixture.clock.env, VV_OP_BYTES_DEFAULT);
    varve_status status = run_upsert(story, story->fixture.table, &op, &batch, &result);
    bool rival_first = story->rival_came;
    if (has_rival && !rival_first)
        run_rival(story);
    struct vv_upsert_result *theirs = &story->rival_result;
    bool good = !rival_first || check_batch(story, &story->rival, story->rival_status, theirs);
    good = good && check_batch(story, &batch, status, &result);
    if (good && has_rival && !rival_first)
        good = check_batch(story, &story->rival, story->rival_status, theirs);
    return good && check_version(story, story->model->version);
}

/* Rows with their own keys each, in one partition, some of them stored already. */
static size_t foreign_rows(struct story *story, struct model_row out[3])
{
    const struct model_rows *stored = &story->model->versions[story->model->version];
    size_t len = 1 + prop_choose(story->prop, 3);
    for (size_t i = 0; i < len; i++) {
        out[i] = any_row(story);
        out[i].x = story->layout->by_x ? out[0].x : out[i].x;
        out[i].s = story->layout->by_s ? out[0].s : out[i].s;
        out[i].date = out[0].date;
        /* The greatest order value of a key is one row's alone, else any of them might count. */
        out[i].has_o = story->layout->order_by != NULL;
        out[i].o = out[i].has_o ? NOW_US + 100 * (story->planted + 1) + (int64_t)i : 0;
        bool is_new = true;
        for (size_t k = 0; k < stored->len; k++)
            is_new = is_new && !same_key(&stored->items[k], &out[i]);
        if (is_new && prop_chance(story->prop, 20)) {
            out[i].has_o = false;
            out[i].o = 0;
        }
        for (size_t k = 0; k < i; k++)
            if (same_key(&out[k], &out[i]))
                return i;
        if (story->layout->order_by == NULL && !is_new)
            return i;
    }
    return len;
}

static void add_foreign_select(const struct story *story, const struct model_row *rows,
    size_t len, struct vv_buf *sql)
{
    vv_buf_adds(sql, "SELECT * EXCLUDE (none) FROM (");
    for (size_t i = 0; i < len; i++) {
        vv_buf_adds(sql, i == 0 ? "SELECT 1 AS none, " : " UNION ALL SELECT 1, ");
        vv_sql_timestamptz(sql, rows[i].ts);
        vv_buf_adds(sql, " AS ts");
        if (!story->layout->by_x)
            vv_buf_addf(sql, ", CAST('%.17g' AS DOUBLE) AS x", rows[i].x);
        if (rows[i].has_v)
            vv_buf_addf(sql, ", CAST('%.17g' AS DOUBLE) AS v", rows[i].v);
        else
            vv_buf_adds(sql, ", CAST(NULL AS DOUBLE) AS v");
        if (!story->layout->by_s) {
            vv_buf_adds(sql, ", CAST(");
            vv_sql_literal(sql, vv_str_of(rows[i].s < 0 ? NULL : texts[rows[i].s]));
            vv_buf_adds(sql, " AS VARCHAR) AS s");
        }
        if (story->layout->order_by == NULL)
            continue;
        vv_buf_adds(sql, ", ");
        if (!rows[i].has_o)
            vv_buf_addf(sql, "CAST(NULL AS %s)",
                story->layout->order_is_time ? "TIMESTAMPTZ" : "BIGINT");
        else if (story->layout->order_is_time)
            vv_sql_timestamptz(sql, rows[i].o);
        else
            vv_buf_addf(sql, "CAST(%" PRId64 " AS BIGINT)", rows[i].o);
        vv_buf_adds(sql, " AS o");
    }
    vv_buf_addc(sql, ')');
}

/* True bounds as other writers give them: in milliseconds, and without NaN. */
static void add_stats(const struct model_row *rows, size_t len, struct vv_buf *out)
{
    int64_t low = rows[0].ts;
    int64_t high = rows[0].ts;
    double least = (double)INFINITY;
    double most = -(double)INFINITY;
    char min[32];
    char max[32];
    for (size_t i = 0; i < len; i++) {
        low = rows[i].ts < low ? rows[i].ts : low;
        high = rows[i].ts > high ? rows[i].ts : high;
        least = rows[i].x < least ? rows[i].x : least;
        most = rows[i].x > most ? rows[i].x : most;
    }
    (void)vv_time_format_ms(low / VV_US_PER_MS, min);
    (void)vv_time_format_ms(high / VV_US_PER_MS, max);
    vv_buf_addf(out,
        ",\"stats\":\"{\\\"numRecords\\\":%zu,\\\"nullCount\\\":{\\\"ts\\\":0,\\\"x\\\":0},"
        "\\\"minValues\\\":{\\\"ts\\\":\\\"%s\\\"",
        len, min);
    if (isfinite(least))
        vv_buf_addf(out, ",\\\"x\\\":%.17g", least);
    vv_buf_addf(out, "},\\\"maxValues\\\":{\\\"ts\\\":\\\"%s\\\"", max);
    if (isfinite(most))
        vv_buf_addf(out, ",\\\"x\\\":%.17g", most);
    vv_buf_adds(out, "}}\"");
}

static void add_partition(struct story *story, const struct model_row *row, struct vv_buf *out)
{
    static const char *const x_texts[] = {"0.0", "-0", "NaN", "1.50"};
    const char *separator = "";
    char date[16];
    vv_buf_adds(out, ",\"partitionValues\":{");
    if (story->layout->has_date) {
        (void)vv_time_format_date((int32_t)row->date, date);
        vv_buf_addf(out, "\"date\":\"%s\"", date);
        separator = ",";
    }
    if (story->layout->by_s && row->s < 0)
        vv_buf_addf(out, "%s\"s\":null", separator);
    else if (story->layout->by_s)
        vv_buf_addf(out, "%s\"s\":\"%s\"", separator, texts[row->s]);
    for (size_t i = 0; story->layout->by_x && i < VV_COUNT(keys); i++)
        if (same_double(keys[i], row->x) && signbit(keys[i]) == signbit(row->x))
            vv_buf_addf(out, "%s\"x\":\"%s\"", separator, x_texts[i]);
    vv_buf_addc(out, '}');
}

static bool step_plant(struct story *story)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf line = VV_BUF_INIT(VV_BUF_MAX);
    struct model_row rows[3];
    char key[64];
    size_t len = foreign_rows(story, rows);
    if (len == 0)
        return true;
    /* Writers that store local dates put rows under the day before or after. */
    int64_t days = story->layout->has_date && prop_chance(story->prop, 40)
                       ? (int64_t)prop_choose(story->prop, 3) - 1
                       : 0;
    for (size_t i = 0; i < len; i++)
        rows[i].date += story->layout->has_date ? days : 0;
    (void)snprintf(key, sizeof(key), "foreign-%" PRId64 ".parquet", ++story->planted);
    add_foreign_select(story, rows, len, &sql);
    int64_t bytes = table_foreign_file(&story->fixture, key, vv_buf_str(&sql).ptr);
    vv_buf_addf(&line,
        "{\"add\":{\"path\":\"%s\",\"size\":%" PRId64
        ",\"modificationTime\":5,\"dataChange\":true",
        key, bytes);
    add_partition(story, &rows[0], &line);
    if (prop_chance(story->prop, 60))
        add_stats(rows, len, &line);
    vv_buf_adds(&line, "}}\n");
    if (bytes < 0 || !table_foreign_commit(&story->fixture, vv_buf_str(&line).ptr))
        return false;
    struct model *model = story->model;
    model->versions[model->version + 1] = model->versions[model->version];
    struct model_rows *now = &model->versions[++model->version];
    for (size_t i = 0; i < len; i++)
        now->items[now->len++] = rows[i];
    return check_version(story, model->version);
}

static bool run_story(struct story *story, struct vv_engine *engine)
{
    struct vv_op *op = &story->fixture.op;
    const struct vv_pair vectors = {VV_STR("delta.enableDeletionVectors"), VV_STR("true")};
    const struct table_words words = {.schema = story->layout->schema,
        .properties = &vectors,
        .properties_len = story->by_vectors ? 1 : 0,
        .partition_by = story->layout->partition_by,
        .key = "ts,x",
        .order_by = story->layout->order_by,
        .partition_from_date = story->layout->has_date ? "ts" : NULL};
    bool good = table_fixture_open(&story->fixture, engine, &words) &&
                CHECK_OK(op, vv_session_open(op, engine, &story->session));
    for (size_t i = 0; good && i < STEPS; i++) {
        if (prop_chance(story->prop, 25))
            test_clock_add(&story->fixture.clock, prop_int(story->prop, 0, 3));
        good = prop_chance(story->prop, 25) ? step_plant(story) : step_upsert(story);
        if (good && prop_chance(story->prop, 20)) {
            vv_table_close(&story->fixture.table);
            good =
                table_handle(op, &story->fixture, story->fixture.root, &story->fixture.table);
        }
    }
    for (int64_t version = 0; good && version <= story->model->version; version++)
        good = check_version(story, version);
    vv_session_close(&story->session);
    table_fixture_close(&story->fixture);
    return good;
}

TEST_SECONDS(upsert, does_what_the_rules_say, 300)
{
    static struct model model;
    struct vv_engine_options options = {.threads = 1};
    struct vv_engine *engine = NULL;
    struct vv_op op;
    struct prop seeds = prop_start();
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE_OK(&op, vv_engine_open(&op, &options, &engine));
    bool good = true;
    for (size_t i = 0; good && i < SEEDS; i++) {
        struct prop prop = {prop_u64(&seeds)};
        uint64_t seed = prop.state;
        struct story story = {
            .prop = &prop, .model = &model, .layout = &layouts[i % VV_COUNT(layouts)]};
        story.by_vectors = i / VV_COUNT(layouts) % 2 == 1;
        model = (struct model){.has_order = story.layout->order_by != NULL, .txns = {-1, -1}};
        good = run_story(&story, engine);
        if (!good)
            printf("# story %zu, seed %" PRIu64 ", %s, partitioned by %s\n", i, seed,
                story.by_vectors ? "by vectors" : "copied",
                story.layout->partition_by != NULL ? story.layout->partition_by : "nothing");
    }
    vv_engine_close(&engine);
    vv_op_done(&op);
}
