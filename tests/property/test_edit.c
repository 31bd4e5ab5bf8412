/*
 * Random deletes, updates, overwrites and upserts against tables of several layouts, copy-on-write and
 * merge-on-read, compared with a model: the rows of every version, and the counts of every result.
 * Other writers plant files without statistics; a rival commits right before we do, and what we do
 * must come out as if it had been done after the rival's.
 */
#include <stdlib.h>

#include "../unit/table/table_fixture.h"
#include "base/time.h"
#include "edit_model.h"
#include "harness/prop.h"
#include "table/edit/dml.h"

#ifdef VV_ARENA_DEBUG
#define SEEDS 40 /* AddressSanitizer takes four times as long */
#else
#define SEEDS 96
#endif
#define STEPS 8
#define VERSIONS_MAX 64

struct layout {
    const char *schema, *partition_by, *key, *order_by;
    bool by_vectors;
};

static const struct layout layouts[] = {
    {"k bigint not null, g string, v bigint, o bigint", NULL, "k", "o", false},
    {"k bigint not null, g string, v bigint, o bigint", "g", "k", "o", false},
    {"k bigint not null, g string, v bigint, o timestamp", "g", "k", "o", false},
    {"k bigint not null, g string, v bigint, o bigint", NULL, NULL, NULL, false},
    {"k bigint not null, g string, v bigint, o bigint", NULL, "k", "o", true},
    {"k bigint not null, g string, v bigint, o bigint", "g", "k", "o", true},
    {"k bigint not null, g string, v bigint, o timestamp", "g", "k", "o", true},
    {"k bigint not null, g string, v bigint, o bigint", "g", NULL, NULL, true},
};
#define CHECK_TEXT "v IS NULL OR v < 12"
#define V_BOUND 12

/* What is done: by us or by the rival. */
enum what {
    DELETE,
    UPDATE,
    UPSERT,
    OVERWRITE,
    WHATS
};
struct deed {
    enum what what;
    struct condition where;
    int set;
    int64_t value;
    int value_g;
    struct rows rows; /* of an upsert: distinct keys; o NONE: has none of its own */
    struct vv_edit_result edited;
    struct vv_upsert_result upserted;
    varve_status status;
    int64_t now_us; /* when it began: waiting for others moves the clock on */
};

struct story {
    struct table_fixture fixture;
    struct prop *prop;
    const struct layout *layout;
    struct rows versions[VERSIONS_MAX];
    int64_t version;
    int64_t planted;
    struct vv_session *session;
    struct deed rival;
    bool rival_came;
};

static bool has_key(const struct story *story)
{
    return story->layout->key != NULL;
}

static bool order_is_time(const struct story *story)
{
    return strstr(story->layout->schema, "timestamp") != NULL;
}

/* --- The model. --- */

static int64_t stamp(const struct story *story, int64_t now_us, int64_t stored)
{
    if (stored == NONE)
        return now_us;
    if (!order_is_time(story))
        return stored + 1;
    return stored + 1 > now_us ? stored + 1 : now_us;
}

/* The columns that an update sets, as SQL and in the model. */
static size_t assignments_of(const struct deed *deed, struct vv_op *op,
    struct vv_assignment out[2])
{
    struct vv_str number = vv_arena_format(&op->arena, "%" PRId64, deed->value);
    struct vv_str letter = deed->value_g == 0
                               ? VV_STR("NULL")
                               : vv_arena_format(&op->arena, "'%c'", 'a' + deed->value_g - 1);
    switch (deed->set) {
    case 0:
        out[0] = (struct vv_assignment){VV_STR("V"), VV_STR("v + 1")};
        return 1;
    case 1:
        out[0] = (struct vv_assignment){VV_STR("v"), VV_STR(" null ")};
        return 1;
    case 2:
        out[0] = (struct vv_assignment){VV_STR("g"), letter};
        return 1;
    case 3:
        out[0] = (struct vv_assignment){VV_STR("k"), VV_STR("k + 5")};
        return 1;
    case 4:
        out[0] = (struct vv_assignment){VV_STR("v"), number};
        out[1] = (struct vv_assignment){VV_STR("g"), letter};
        return 2;
    default: /* each sees the row as it was */
        out[0] = (struct vv_assignment){VV_STR("v"), VV_STR("k")};
        out[1] = (struct vv_assignment){VV_STR("k"), VV_STR("coalesce(v, k)")};
        return 2;
    }
}

static struct row changed(const struct story *story, const struct deed *deed, struct row row)
{
    int64_t k = row.k;
    if (deed->set == 0)
        row.v = row.v == NONE ? NONE : row.v + 1;
    else if (deed->set == 1)
        row.v = NONE;
    else if (deed->set == 2)
        row.g = deed->value_g;
    else if (deed->set == 3)
        row.k += 5;
    else if (deed->set == 4) {
        row.v = deed->value;
        row.g = deed->value_g;
    } else {
        row.k = row.v == NONE ? k : row.v;
        row.v = k;
    }
    if (story->layout->order_by != NULL)
        row.o = stamp(story, deed->now_us, row.o);
    return row;
}

/* False: the update breaks a rule. */
static bool model_update(const struct story *story, const struct deed *deed, struct rows *rows,
    int64_t *out_changed)
{
    bool sets_key = deed->set == 3 || deed->set == 5;
    bool is_new[ROWS_MAX] = {false};
    *out_changed = 0;
    for (size_t i = 0; i < rows->len; i++) {
        if (truth_of(&deed->where, &rows->items[i]) != 1)
            continue;
        rows->items[i] = changed(story, deed, rows->items[i]);
        is_new[i] = true;
        (*out_changed)++;
        if (rows->items[i].v != NONE && rows->items[i].v >= V_BOUND)
            return false;
    }
    for (size_t i = 0; i < rows->len && sets_key && has_key(story); i++)
        for (size_t j = 0; j < rows->len; j++)
            if (i != j && is_new[i] && rows->items[i].k == rows->items[j].k)
                return false;
    return true;
}

static int64_t model_delete(const struct deed *deed, struct rows *rows)
{
    size_t kept = 0;
    int64_t gone = 0;
    for (size_t i = 0; i < rows->len; i++) {
        if (truth_of(&deed->where, &rows->items[i]) == 1)
            gone++;
        else
            rows->items[kept++] = rows->items[i];
    }
    rows->len = kept;
    return gone;
}

/* False: a row does not obey the condition, or has the key of one that stays. */
static bool model_overwrite(const struct story *story, const struct deed *deed,
    struct rows *rows, int64_t *out_gone)
{
    *out_gone = model_delete(deed, rows);
    size_t stay = rows->len;
    for (size_t i = 0; i < deed->rows.len; i++) {
        const struct row *row = &deed->rows.items[i];
        if (truth_of(&deed->where, row) != 1)
            return false;
        for (size_t j = 0; j < stay && has_key(story); j++)
            if (rows->items[j].k == row->k)
                return false;
        rows->items[rows->len++] = *row;
    }
    return true;
}

/* Rows with their own order value, or none in a table without; keys are there once. */
static int64_t model_upsert(const struct story *story, const struct deed *deed,
    struct rows *rows)
{
    int64_t written = 0;
    for (size_t i = 0; i < deed->rows.len; i++) {
        const struct row *row = &deed->rows.items[i];
        size_t at = 0;
        while (at < rows->len && (!has_key(story) || rows->items[at].k != row->k))
            at++;
        if (at == rows->len) {
            rows->items[rows->len++] = *row;
            written++;
            continue;
        }
        struct row *stored = &rows->items[at];
        bool is_same = stored->v == row->v && stored->g == row->g;
        if (is_same || (stored->o != NONE && row->o < stored->o))
            continue;
        *stored = *row;
        written++;
    }
    return written;
}

/* --- The table. --- */

/* The rows of a deed as an input. */
static void add_rows(const struct story *story, const struct deed *deed, struct vv_buf *text)
{
    for (size_t i = 0; i < deed->rows.len; i++) {
        const struct row *row = &deed->rows.items[i];
        vv_buf_addf(text, "{\"k\":%" PRId64, row->k);
        if (row->v != NONE)
            vv_buf_addf(text, ",\"v\":%" PRId64, row->v);
        if (row->g != 0)
            vv_buf_addf(text, ",\"g\":\"%c\"", 'a' + row->g - 1);
        if (order_is_time(story)) {
            char time[40];
            (void)vv_time_format_us(row->o, time);
            vv_buf_addf(text, ",\"o\":\"%s\"", time);
        } else {
            vv_buf_addf(text, ",\"o\":%" PRId64, row->o);
        }
        vv_buf_adds(text, "}\n");
    }
}

static varve_status put_rows(struct story *story, struct vv_table *table, struct vv_op *op,
    struct deed *deed)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_upsert_options upsert = {
        .batch = {.dedupe = has_key(story)}, .append = !has_key(story)};
    const struct vv_edit_options edit = {0};
    struct vv_input input;
    add_rows(story, deed, &text);
    (void)table_input(VV_INPUT_NDJSON, table == story->fixture.table ? "ours" : "rivals",
        vv_buf_str(&text), &input);
    if (deed->what == UPSERT)
        return vv_upsert(op, table, &input, 1, &upsert, &deed->upserted);
    const struct vv_overwrite_request request = {
        .where = vv_str_of(deed->where.sql), .inputs = &input, .inputs_len = 1};
    return vv_table_overwrite(op, table, &request, &edit, &deed->edited);
}

static void carry_out(struct story *story, struct vv_table *table, struct deed *deed)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    const struct vv_edit_options options = {0};
    struct vv_assignment assignments[2];
    vv_op_init(&op, &story->fixture.clock.env, VV_OP_BYTES_DEFAULT);
    deed->now_us = story->fixture.clock.now_us;
    struct vv_update_request request = {
        .where = vv_str_of(deed->where.sql), .assignments = assignments};
    if (deed->what == DELETE)
        deed->status =
            vv_table_delete(&op, table, vv_str_of(deed->where.sql), &options, &deed->edited);
    else if (deed->what != UPDATE)
        deed->status = put_rows(story, table, &op, deed);
    else {
        request.assignments_len = assignments_of(deed, &op, assignments);
        deed->status = vv_table_update(&op, table, &request, &options, &deed->edited);
    }
    if (deed->status != VARVE_OK && deed->status != VARVE_EINVALID)
        CHECK_OK(&op, deed->status);
    else if (deed->status != VARVE_OK)
        vv_forgive(&op);
}

static void run_rival(struct story *story)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_table *table = NULL;
    story->rival_came = true;
    story->fixture.plan.before = NULL;
    vv_op_init(&op, &story->fixture.clock.env, VV_OP_BYTES_DEFAULT);
    if (table_handle(&op, &story->fixture, story->fixture.plain, &table))
        carry_out(story, table, &story->rival);
    vv_table_close(&table);
}

static void before_call(void *data, const char *call, struct vv_str key)
{
    if (strcmp(call, "put_if_absent") == 0 && vv_str_ends(key, VV_STR(".json")))
        run_rival(data);
}

static void show(const char *who, const struct rows *rows)
{
    printf("# %s", who);
    for (size_t i = 0; i < rows->len; i++)
        printf(" %" PRId64 "/%d/%" PRId64 "/%" PRId64, rows->items[i].k, rows->items[i].g,
            rows->items[i].v == NONE ? -99 : rows->items[i].v,
            rows->items[i].o > NOW_US / 2 ? rows->items[i].o - NOW_US : rows->items[i].o);
    printf("\n");
}

static int64_t or_none(const struct vv_rows *rows, uint32_t column)
{
    return vv_rows_is_null(rows, column) ? NONE : vv_rows_int64(rows, column);
}

static bool check_version(struct story *story, int64_t version)
{
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    struct vv_op *op = &story->fixture.op;
    struct rows *expected = &story->versions[version];
    struct rows actual = {0};
    bool has_row = true;
    if (!CHECK_OK(op, vv_table_refresh(op, story->fixture.table)) ||
        !CHECK_OK(op, vv_table_snapshot(op, story->fixture.table, version, &snapshot)) ||
        !table_query(&story->fixture, snapshot, "SELECT k, g, v, o FROM ", "", story->session,
            &rows))
        return false;
    while (CHECK_OK(op, vv_rows_next(op, rows, &has_row)) && has_row && actual.len < ROWS_MAX) {
        struct vv_str g = vv_rows_text(rows, 1);
        actual.items[actual.len++] = (struct row){.k = vv_rows_int64(rows, 0),
            .g = g.len > 0 ? g.ptr[0] - 'a' + 1 : 0,
            .v = or_none(rows, 2),
            .o = or_none(rows, 3)};
    }
    qsort(expected->items, expected->len, sizeof(struct row), by_row);
    qsort(actual.items, actual.len, sizeof(struct row), by_row);
    bool is_same = expected->len == actual.len;
    for (size_t i = 0; is_same && i < actual.len; i++)
        is_same = by_row(&expected->items[i], &actual.items[i]) == 0;
    if (!CHECK(is_same)) {
        printf("# version %" PRId64 "\n", version);
        show("expected", expected);
        show("actual  ", &actual);
    }
    return is_same;
}

/* What the model says of a deed, against what became of it. */
static bool check_deed(struct story *story, const struct deed *deed)
{
    struct rows rows = story->versions[story->version];
    int64_t gone = 0;
    int64_t come = 0;
    bool is_fine = true;
    if (deed->what == DELETE)
        gone = model_delete(deed, &rows);
    else if (deed->what == UPSERT)
        come = model_upsert(story, deed, &rows);
    else if (deed->what == OVERWRITE)
        is_fine = model_overwrite(story, deed, &rows, &gone);
    else
        is_fine = model_update(story, deed, &rows, &gone);
    if (deed->what == OVERWRITE)
        come = (int64_t)deed->rows.len;
    else if (deed->what == UPDATE)
        come = gone;
    if (!CHECK_INT(deed->status, is_fine ? VARVE_OK : VARVE_EINVALID))
        return false;
    if (!is_fine)
        return true;
    if (gone + come > 0)
        story->versions[++story->version] = rows;
    if (deed->what == UPSERT)
        return CHECK_INT(deed->upserted.rows_written, come) &&
               CHECK_INT(deed->upserted.version, story->version);
    is_fine = CHECK_INT(deed->edited.rows_gone, gone);
    is_fine = CHECK_INT(deed->edited.rows_come, come) && is_fine;
    if (story->layout->by_vectors)
        is_fine = CHECK_INT(deed->edited.rows_copied, 0) && is_fine;
    else
        is_fine = CHECK_INT(deed->edited.vectors_added, 0) && is_fine;
    return CHECK_INT(deed->edited.version, story->version) && is_fine;
}

static struct row any_row(struct story *story)
{
    struct prop *prop = story->prop;
    struct row row = {.k = prop_int(prop, 0, 14),
        .v = prop_chance(prop, 20) ? NONE : prop_int(prop, 0, 9),
        .g = (int)prop_choose(prop, 4),
        .o = order_is_time(story) ? story->fixture.clock.now_us + prop_int(prop, -9, 9)
                                  : prop_int(prop, 0, 30)};
    return row;
}

/* In a table without an order the last arrival wins; rows with keys of their own. */
static void any_rows(struct story *story, size_t len_max, struct rows *out)
{
    out->len = 0;
    for (size_t tries = 1 + prop_choose(story->prop, len_max); tries > 0; tries--) {
        struct row row = any_row(story);
        bool is_there = false;
        for (size_t i = 0; i < out->len; i++)
            is_there = is_there || out->items[i].k == row.k;
        if (!is_there)
            out->items[out->len++] = row;
    }
}

static void any_deed(struct story *story, struct deed *out)
{
    struct prop *prop = story->prop;
    *out = (struct deed){.what = (enum what)prop_choose(prop, WHATS),
        .set = (int)prop_choose(prop, 6),
        .value = prop_int(prop, 0, V_BOUND),
        .value_g = (int)prop_choose(prop, 4)};
    any_condition(prop, &out->where);
    any_rows(story, 10, &out->rows);
    /* Most of what overwrites obeys its condition. */
    size_t kept = 0;
    for (size_t i = 0; i < out->rows.len; i++)
        if (out->what != OVERWRITE || truth_of(&out->where, &out->rows.items[i]) == 1 ||
            prop_chance(prop, 5))
            out->rows.items[kept++] = out->rows.items[i];
    out->rows.len = kept;
}

static bool step(struct story *story)
{
    struct deed ours;
    bool has_rival = prop_chance(story->prop, 35);
    any_deed(story, &ours);
    any_deed(story, &story->rival);
    story->rival_came = false;
    if (has_rival) {
        story->fixture.plan.before = before_call;
        story->fixture.plan.before_data = story;
    }
    carry_out(story, story->fixture.table, &ours);
    story->fixture.plan.before = NULL;
    bool is_fine = !story->rival_came || check_deed(story, &story->rival);
    is_fine = is_fine && check_deed(story, &ours) && check_version(story, story->version);
    if (!is_fine)
        printf("# ours %d set %d where %s, rival %d %d set %d where %s\n", (int)ours.what,
            ours.set, ours.where.sql, (int)story->rival_came, (int)story->rival.what,
            story->rival.set, story->rival.where.sql);
    return is_fine;
}

/* A file as another writer would leave it: no statistics, keys that are not there yet. */
static bool plant(struct story *story)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf select = VV_BUF_INIT(1 << 16);
    struct vv_op *op = &story->fixture.op;
    struct rows rows = story->versions[story->version];
    struct row row = any_row(story);
    bool by_g = story->layout->partition_by != NULL;
    size_t len = 1 + prop_choose(story->prop, 3);
    for (size_t i = 0; i < len; i++) {
        row.k = 100 + story->planted * 10 + (int64_t)i;
        vv_buf_addf(&select, "%sSELECT %" PRId64 "::BIGINT AS k, ", i == 0 ? "" : " UNION ALL ",
            row.k);
        if (!by_g)
            vv_buf_addf(&select, row.g == 0 ? "NULL::VARCHAR AS g, " : "'%c' AS g, ",
                'a' + row.g - 1);
        vv_buf_addf(&select,
            row.v == NONE ? "NULL::BIGINT AS v, " : "%" PRId64 "::BIGINT AS v, ", row.v);
        vv_buf_addf(&select,
            order_is_time(story) ? "make_timestamptz(%" PRId64 ") AS o"
                                 : "%" PRId64 "::BIGINT AS o",
            row.o);
        rows.items[rows.len++] = row;
    }
    struct vv_str key =
        vv_arena_format(&op->arena, "planted-%" PRId64 ".parquet", story->planted++);
    int64_t bytes = table_foreign_file(&story->fixture, key.ptr, vv_buf_str(&select).ptr);
    struct vv_str partition = VV_STR("");
    if (by_g && row.g == 0)
        partition = VV_STR("\"g\":null");
    else if (by_g)
        partition = vv_arena_format(&op->arena, "\"g\":\"%c\"", 'a' + row.g - 1);
    struct vv_str line = vv_arena_format(&op->arena,
        "{\"add\":{\"path\":\"%s\",\"partitionValues\":{%.*s},\"size\":%" PRId64
        ",\"modificationTime\":5,\"dataChange\":true}}\n",
        key.ptr, VV_ARG(partition), bytes);
    story->versions[++story->version] = rows;
    return bytes >= 0 && table_foreign_commit(&story->fixture, line.ptr) &&
           check_version(story, story->version);
}

static bool tell(struct story *story, struct vv_engine *engine)
{
    const struct vv_pair vectors = {VV_STR("delta.enableDeletionVectors"), VV_STR("true")};
    const struct table_words words = {.schema = story->layout->schema,
        .partition_by = story->layout->partition_by,
        .key = story->layout->key,
        .order_by = story->layout->order_by,
        .check = CHECK_TEXT,
        .properties = &vectors,
        .properties_len = story->layout->by_vectors ? 1 : 0};
    bool is_fine = table_fixture_open(&story->fixture, engine, &words) &&
                   CHECK_OK(&story->fixture.op,
                       vv_session_open(&story->fixture.op, engine, &story->session));
    struct deed first = {.what = UPSERT};
    any_rows(story, 14, &first.rows);
    if (is_fine)
        carry_out(story, story->fixture.table, &first);
    is_fine = is_fine && check_deed(story, &first);
    for (int i = 0; is_fine && i < STEPS; i++) {
        test_clock_add(&story->fixture.clock, 1000);
        is_fine = prop_chance(story->prop, 12) ? plant(story) : step(story);
    }
    for (int64_t version = 0; is_fine && version <= story->version; version++)
        is_fine = check_version(story, version);
    vv_session_close(&story->session);
    table_fixture_close(&story->fixture);
    return is_fine;
}

TEST_SECONDS(edit, leaves_the_rows_that_the_model_says_at_every_version, 900)
{
    struct vv_engine_options options = {.threads = 1};
    struct vv_engine *engine = NULL;
    struct prop prop = prop_start();
    struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE_OK(&op, vv_engine_open(&op, &options, &engine));
    for (size_t seed = 0; seed < SEEDS; seed++) {
        struct story *story = calloc(1, sizeof(*story));
        REQUIRE(story != NULL);
        story->prop = &prop;
        story->layout = &layouts[seed % VV_COUNT(layouts)];
        bool is_fine = tell(story, engine);
        free(story);
        if (!is_fine) {
            printf("# seed %zu\n", seed);
            break;
        }
    }
    vv_engine_close(&engine);
    vv_op_done(&op);
}
