/*
 * Rows that the upsert as a whole fails with, found by trial.
 *
 * What is wrong with a row is nearly always found row by row, and the row is set aside. But the engine
 * may fail on a value, or the table refuse what a row would change (delta.appendOnly), and then the
 * rows of the segment, and all of the table behind them, would wait for it for ever. So halves of them are
 * upserted in dry runs, until those rows are found that fail alone.
 *
 * A row is blamed for nothing but a failure that rows can be the cause of: not for a disk, a store,
 * memory, an interrupt; and for none that the table has without any row.
 */
#include "ingest/writer_state.h"
#include "table/input/batch_input.h"

/* With more of them in one segment it is the table that people should look at. */
#define BLAMED_MAX 1000

struct search {
    struct vv_table *table;
    const struct vv_input *input;
    struct vv_str *faults; /* by row */
    size_t blamed;
    bool is_vain;    /* there are more of them */
    varve_error why; /* of the last trial that failed */
};

bool vv_writer_is_of_rows(varve_status status)
{
    return status == VARVE_EINVALID || status == VARVE_EFAILED || status == VARVE_EUSAGE;
}

static varve_status try_rows(const struct vv_op *op, struct search *search, size_t from,
    size_t len)
{
    VV_CLEANUP(vv_op_done) struct vv_op trial;
    const struct vv_upsert_options options = {
        .batch = {.dedupe = true, .reject_rows = true}, .dry_run = true};
    struct vv_upsert_result result;
    struct vv_input input = *search->input;
    input.lines += from;
    input.lines_len = len;
    input.arrivals += from;
    input.arrivals_len = len;
    vv_op_init(&trial, op->env, VV_OP_BYTES_DEFAULT);
    varve_status status = vv_upsert(&trial, search->table, &input, 1, &options, &result);
    if (status != VARVE_OK) {
        search->why = trial.error;
        vv_forgive(&trial);
    }
    return status;
}

static varve_status fail_in_vain(struct vv_op *op, const varve_error *why)
{
    return vv_fail(op, why->code, "it fails with each of more than %d rows: %s", BLAMED_MAX,
        why->message);
}

static varve_status blame(struct vv_op *op, struct search *search, size_t row)
{
    search->is_vain = search->blamed == BLAMED_MAX;
    if (search->is_vain)
        return fail_in_vain(op, &search->why);
    search->faults[row] =
        vv_arena_format(&op->arena, "fails the upsert: %s", search->why.message);
    search->blamed++;
    return search->faults[row].ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

/* Those of a range that has failed. */
static varve_status search_rows(struct vv_op *op, struct search *search, size_t from,
    size_t len)
{
    const size_t ends[] = {from, from + len / 2, from + len};
    if (len == 1)
        return blame(op, search, from);
    for (size_t i = 0; i < 2; i++) {
        varve_status status = try_rows(op, search, ends[i], ends[i + 1] - ends[i]);
        if (status == VARVE_OK)
            continue;
        if (!vv_writer_is_of_rows(status))
            return vv_fail(op, status, "%s", search->why.message);
        VV_TRY(search_rows(op, search, ends[i], ends[i + 1] - ends[i]));
    }
    return VARVE_OK;
}

varve_status vv_writer_blame(struct vv_op *op, struct vv_table *table, uint64_t segment,
    struct vv_writer_vain *vain, struct vv_writer_batch *batch)
{
    const varve_error failure = op->error;
    const struct vv_writer_vain this = {segment, table->snapshot->version};
    struct search search = {.table = table, .input = &batch->inputs[0]};
    vv_forgive(op);
    if (vain->segment == this.segment && vain->version == this.version)
        return fail_in_vain(op, &failure);
    vv_log(op, VV_LOG_INFO, "writer.search",
        "table %.*s: looks for the rows of segment %" PRIu64 " that the upsert fails with",
        VV_ARG(table->name), segment);
    VV_NEW(op, &search.faults, struct vv_str, batch->rows_len + 1);
    if (try_rows(op, &search, 0, 0) == VARVE_OK) {
        search.why = failure;
        varve_status status = search_rows(op, &search, 0, batch->rows_len);
        if (search.is_vain)
            *vain = this;
        VV_TRY(status);
    }
    if (search.blamed == 0)
        return vv_fail(op, failure.code, "%s", failure.message);
    vv_log(op, VV_LOG_WARN, "writer.blamed",
        "table %.*s: %zu row%s set aside, since the upsert fails with %s: %s",
        VV_ARG(table->name), search.blamed, search.blamed == 1 ? " is" : "s are",
        search.blamed == 1 ? "it" : "each of them", search.why.message);
    batch->inputs[0].faults = search.faults;
    return VARVE_OK;
}
