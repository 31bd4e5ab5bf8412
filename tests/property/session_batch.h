/*
 * Conditions and batches of session_model.h by chance, and a batch as what an upsert or a merge
 * reads: a file of each format, or a stream.
 */
#ifndef TESTS_PROPERTY_SESSION_BATCH_H
#define TESTS_PROPERTY_SESSION_BATCH_H

#include "base/buf.h"
#include "engine/engine.h"
#include "engine/sql.h"
#include "session_model.h"
#include "varve/varve.h"

static inline void any_where(struct prop *prop, struct where *out)
{
    *out = (struct where){.kind = (enum where_kind)prop_choose(prop, WHERE_KINDS)};
    out->a = (int64_t)prop_choose(prop, PARTS);
    out->b = (int64_t)prop_choose(prop, 3);
    if (out->kind == WHERE_REST) {
        out->a = 3 + (int64_t)prop_choose(prop, 40);
        (void)snprintf(out->sql, sizeof(out->sql), "k %% %" PRId64 " = %" PRId64, out->a,
            out->b);
    } else if (out->kind == WHERE_BETWEEN) {
        out->a = (int64_t)prop_choose(prop, KEYS);
        out->b = out->a + (int64_t)prop_choose(prop, prop_chance(prop, 50) ? 20 : 20000);
        (void)snprintf(out->sql, sizeof(out->sql), "k BETWEEN %" PRId64 " AND %" PRId64, out->a,
            out->b);
    } else if (out->kind == WHERE_PART) {
        (void)snprintf(out->sql, sizeof(out->sql), "p = %" PRId64, out->a);
    } else if (out->kind == WHERE_V) {
        (void)snprintf(out->sql, sizeof(out->sql), "v < %" PRId64 ".25", out->a);
        out->a = out->a * 4 + 1;
    } else if (out->kind == WHERE_S) {
        (void)snprintf(out->sql, sizeof(out->sql), "s = 'a'");
    } else {
        (void)snprintf(out->sql, sizeof(out->sql), "p = %" PRId64 " AND k %% 3 = %" PRId64,
            out->a, out->b);
    }
}

/* Of 1, 300 or 25,000 rows, in one partition or in all. */
static inline void any_batch(struct prop *prop, int32_t seed, struct batch *out)
{
    size_t size = prop_choose(prop, 8); /* many small ones between the large ones */
    *out =
        (struct batch){.span = KEYS, .seed = seed, .bad = -1, .has_s = prop_chance(prop, 80)};
    out->count = size < 3 ? 1 : size < 6 ? 300 : 25000;
    out->has_v = !out->has_s || prop_chance(prop, 80);
    out->stride = out->count == 300 ? 171 : 2;
    if (prop_chance(prop, 50)) {
        int64_t part = out->count == 25000 ? 0 : (int64_t)prop_choose(prop, PARTS);
        out->low = part == 0 ? 0 : PART_0_KEYS + (part - 1) * PART_KEYS;
        out->span = part == 0 ? PART_0_KEYS : PART_KEYS;
        out->stride = 1;
    }
    out->start = (int64_t)prop_choose(prop, (size_t)out->span);
    out->order = (prop_chance(prop, 80) ? seed : seed / 2) * 3;
    if (prop_chance(prop, 30))
        out->repeated = 1 + (int64_t)prop_choose(prop, (size_t)(out->count < 9 ? 1 : 9));
}

/* Makes the rows, by an engine of its own. */
struct source {
    struct vv_op op;
    struct vv_engine *engine;
    struct vv_session *session;
    int64_t files;
    char paths[4][256];
    struct ArrowArrayStream stream;
};

static inline bool source_open(struct source *source)
{
    const struct vv_engine_options options = {.threads = 1};
    *source = (struct source){0};
    vv_op_init(&source->op, NULL, VV_OP_BYTES_DEFAULT);
    return CHECK_OK(&source->op, vv_engine_open(&source->op, &options, &source->engine)) &&
           CHECK_OK(&source->op,
               vv_session_open(&source->op, source->engine, &source->session));
}

static inline void source_close(struct source *source)
{
    vv_session_close(&source->session);
    vv_engine_close(&source->engine);
    vv_op_done(&source->op);
}

/* The rows of a batch, from `first` on, `len` of them. */
static inline void batch_sql(const struct batch *batch, int64_t first, int64_t len,
    struct vv_buf *out)
{
    vv_buf_addf(out,
        "SELECT CASE WHEN i %% 50 = %d THEN NULL ELSE k END AS k, p, "
        "make_timestamp(%" PRId64 " + p * %" PRId64 " + k * 1000000) AS ts",
        batch->bad, FIRST_US, DAY_US);
    if (batch->has_v)
        vv_buf_addf(out,
            ", CASE WHEN m %% 7 = 0 THEN NULL ELSE ((k * 31 + %d + i // %" PRId64
            ") %% 1000) / 4.0 END AS v",
            batch->seed * 17, batch->count);
    vv_buf_addf(out, ", %d + m %% 3 AS o", batch->order);
    if (batch->has_s)
        vv_buf_adds(out, ", [NULL, 'a', 'b,c', 'd\"e', '\xc3\xa7'][1 + m % 5] AS s");
    if (batch->has_e)
        vv_buf_addf(out, ", k %% 100 + %d AS E", batch->seed);
    vv_buf_addf(out,
        " FROM (SELECT *, k + %d AS m, CASE WHEN k < %d THEN 0 ELSE 1 + (k - %d) // %d END AS "
        "p "
        "FROM (SELECT i, %" PRId64 " + (%" PRId64 " + i %% %" PRId64 " * %" PRId64
        ") %% %" PRId64 " AS k FROM range(%" PRId64 ", %" PRId64 ") n(i))) ORDER BY i",
        batch->seed, PART_0_KEYS, PART_0_KEYS, PART_KEYS, batch->low, batch->start,
        batch->count, batch->stride, batch->span, first, first + len);
}

static inline bool source_file(struct source *source, const char *select,
    enum varve_format format, varve_input *out)
{
    static const char *const words[] = {[VARVE_FORMAT_CSV] = "csv, header",
        [VARVE_FORMAT_NDJSON] = "json",
        [VARVE_FORMAT_PARQUET] = "parquet"};
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    char *path = source->paths[source->files++ % (int64_t)VV_COUNT(source->paths)];
    (void)snprintf(path, sizeof(source->paths[0]), "%s/batch-%" PRId64, test_dir(),
        source->files % (int64_t)VV_COUNT(source->paths));
    vv_buf_addf(&sql, "COPY (%s) TO ", select);
    vv_sql_literal(&sql, vv_str_of(path));
    vv_buf_addf(&sql, " (FORMAT %s)", words[format]);
    *out = (varve_input){.format = (int32_t)format, .path = path};
    return CHECK_OK(&source->op,
        vv_session_exec(&source->op, source->session, vv_buf_str(&sql)));
}

static inline bool source_part(struct source *source, const struct batch *batch, int64_t first,
    int64_t len, enum varve_format format, varve_input *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    batch_sql(batch, first, len, &sql);
    if (format != VARVE_FORMAT_ARROW)
        return source_file(source, vv_buf_str(&sql).ptr, format, out);
    *out = (varve_input){.format = (int32_t)format, .stream = &source->stream};
    return CHECK_OK(&source->op, vv_session_open(&source->op, source->engine, &session)) &&
           CHECK_OK(&source->op, vv_session_stream(&source->op, &session, vv_buf_str(&sql),
                                     false, NULL, 0, &source->stream));
}

/*
 * A batch as one input or as two, which are of any format; in *out_len how many. They live until the
 * next are made; a stream is for whoever takes it over.
 */
static inline bool source_inputs(struct source *source, struct prop *prop,
    const struct batch *batch, varve_input out[2], size_t *out_len)
{
    static const enum varve_format formats[] = {
        VARVE_FORMAT_CSV, VARVE_FORMAT_NDJSON, VARVE_FORMAT_PARQUET, VARVE_FORMAT_ARROW};
    int64_t rows = batch->count + batch->repeated;
    int64_t first = prop_chance(prop, 25) ? 1 + (int64_t)prop_choose(prop, (size_t)rows) : 0;
    size_t last = prop_choose(prop, VV_COUNT(formats));
    *out_len = 0;
    if (first > 0 && !source_part(source, batch, 0, first, formats[prop_choose(prop, 3)],
                         &out[(*out_len)++]))
        return false;
    return source_part(source, batch, first, rows - first, formats[last], &out[(*out_len)++]);
}

#endif
