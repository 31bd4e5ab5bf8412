#include "base/hash.h"
#include "table/read/scan_sql.h"
#include "table/upsert/compare.h"

#define BYTES_MIN (INT64_C(4) << 20)
#define COLUMNS_MIN 4   /* fewer are read at once */
#define SAMPLE_PART 4   /* a file of no more than that part of the bytes */
#define SAMPLE_PAIRS 16 /* fewer say nothing */
#define PROBE_COLUMNS_MAX 3
#define MASKS_MAX 256

/* By which columns the pairs of a sample differ, and how many pairs by those. */
struct differences {
    uint64_t masks[MASKS_MAX];
    int64_t pairs[MASKS_MAX];
    size_t len;
    int64_t total;
};

static uint64_t schema_of(const struct vv_upsert_attempt *attempt)
{
    return vv_xxh3(attempt->snapshot->metadata->schema_json);
}

static bool has_many_columns(const struct vv_compare *compare)
{
    size_t len = 0;
    for (size_t i = 0; i < compare->attempt->snapshot->schema.fields_len; i++)
        len += vv_compare_has(compare, i);
    return len >= COLUMNS_MIN;
}

/* The longest file, unless it is a large part of all: it is read once more. -1: there is none. */
static int64_t find_sample(const struct vv_candidates *candidates, int64_t bytes)
{
    int64_t longest = 0;
    for (size_t i = 1; i < candidates->files_len; i++)
        if (candidates->files[i]->bytes > candidates->files[longest]->bytes)
            longest = (int64_t)i;
    return candidates->files[longest]->bytes <= bytes / SAMPLE_PART ? longest : -1;
}

static varve_status read_sample(struct vv_op *op, const struct vv_compare *sample,
    struct differences *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    bool has_row = false;
    vv_buf_adds(&sql, "SELECT _differs, count(*) FROM (");
    VV_TRY(vv_compare_pairs_sql(op, sample, &sql));
    vv_buf_addf(&sql, ") GROUP BY _differs ORDER BY count(*) DESC LIMIT %d", MASKS_MAX);
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_query(op, sample->call->work->session, vv_buf_str(&sql), &rows));
    for (;;) {
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row)
            return VARVE_OK;
        out->masks[out->len] = (uint64_t)vv_rows_int64(rows, 0);
        out->pairs[out->len] = vv_rows_int64(rows, 1);
        out->total += out->pairs[out->len++];
    }
}

/* The column by which most pairs differ that differ by none of `chosen`; out_left: those pairs. */
static size_t find_best(const struct differences *differences, uint64_t chosen,
    int64_t *out_left)
{
    int64_t by_column[VV_COMPARE_BITS] = {0};
    size_t best = 0;
    *out_left = 0;
    for (size_t m = 0; m < differences->len; m++) {
        if ((differences->masks[m] & chosen) != 0)
            continue;
        *out_left += differences->pairs[m];
        for (size_t i = 0; i < VV_COMPARE_BITS; i++)
            if ((differences->masks[m] >> i & 1) != 0)
                by_column[i] += differences->pairs[m];
    }
    for (size_t i = 1; i < VV_COMPARE_BITS; i++)
        if (by_column[i] > by_column[best])
            best = i;
    return best;
}

/* Columns by one of which each pair differs; 0: there are no few such. */
static uint64_t choose(const struct differences *differences)
{
    uint64_t chosen = 0;
    int64_t left = 0;
    if (differences->total < SAMPLE_PAIRS)
        return 0;
    for (size_t count = 0; count <= PROBE_COLUMNS_MAX; count++) {
        size_t best = find_best(differences, chosen, &left);
        if (left == 0)
            return chosen;
        chosen |= UINT64_C(1) << best;
    }
    return 0;
}

varve_status vv_compare_probe(struct vv_op *op, const struct vv_upsert_call *call,
    const struct vv_upsert_attempt *attempt, const bool **out)
{
    const struct vv_probe *last = &call->table->probe;
    size_t fields_len = attempt->snapshot->schema.fields_len;
    struct vv_compare sample = {.call = call, .attempt = attempt, .tells_columns = true};
    int64_t bytes = vv_files_bytes(attempt->candidates.files, attempt->candidates.files_len);
    uint64_t chosen = last->schema == schema_of(attempt) ? last->columns : 0;
    struct differences differences = {.len = 0};
    bool *columns = NULL;
    *out = NULL;
    if (bytes < BYTES_MIN || !has_many_columns(&sample))
        return VARVE_OK;
    int64_t file = find_sample(&attempt->candidates, bytes);
    if (chosen == 0 && file >= 0) {
        sample.files = &file;
        sample.files_len = 1;
        VV_TRY(read_sample(op, &sample, &differences));
        chosen = choose(&differences);
    }
    if (chosen == 0)
        return VARVE_OK;
    VV_NEW(op, &columns, bool, fields_len + 1);
    for (size_t i = 0; i < fields_len && i < VV_COMPARE_BITS; i++)
        columns[i] = (chosen >> i & 1) != 0;
    *out = columns;
    return VARVE_OK;
}

void vv_compare_remember(const struct vv_upsert_call *call,
    const struct vv_upsert_attempt *attempt, const bool *probe)
{
    struct vv_probe *last = &call->table->probe;
    *last = (struct vv_probe){.schema = schema_of(attempt)};
    for (size_t i = 0; probe != NULL && i < VV_COMPARE_BITS; i++)
        if (i < attempt->snapshot->schema.fields_len && probe[i])
            last->columns |= UINT64_C(1) << i;
}
