/*
 * The merge: rows of a table change, go and come by what a source says of them.
 *
 * The source is read once. Each pair of rows for which ON is true, each row of the source without
 * a partner and, where a clause asks, each row of the table without one comes to the first clause
 * of its kind whose condition is true, and to no other. A row of the table that several pairs would
 * change stops the merge, unless all of them delete it. What clauses make of rows goes the way of
 * all rows into the table.
 */
#include "base/time.h"
#include "table/edit/merge_run.h"
#include "table/edit/new_rows.h"
#include "table/read/predicate.h"
#include "table/record.h"

static varve_status judge_rows(struct vv_op *op, struct vv_edit *edit, struct vv_merge *merge)
{
    VV_TRY(vv_merge_check(op, edit, merge));
    VV_TRY(vv_merge_choose(op, edit, merge));
    VV_TRY(vv_merge_match(op, edit, merge));
    return vv_merge_make_news(op, edit, merge);
}

static varve_status find(struct vv_op *op, struct vv_edit *edit, void *data)
{
    struct vv_merge *merge = data;
    bool evolves = false;
    VV_TRY(vv_merge_load(op, edit, merge));
    if (merge->options->evolve)
        VV_TRY(vv_merge_suppose(op, edit, merge, &evolves));
    VV_TRY(judge_rows(op, edit, merge));
    if (evolves && !merge->options->dry_run)
        return vv_merge_evolve(op, edit, merge);
    vv_evolution_tell(op, &merge->evolution);
    return VARVE_OK;
}

static varve_status matters(struct vv_op *op, const struct vv_edit *edit, const void *data,
    const struct vv_file *added, bool *out)
{
    const struct vv_merge *merge = data;
    enum vv_match match = VV_MATCH_SOME;
    VV_TRY(vv_predicate_match(op, merge->predicate, added, &match));
    *out = match != VV_MATCH_NONE;
    return *out ? VARVE_OK : vv_new_rows_can_meet(op, edit, added, out);
}

varve_status vv_table_merge(struct vv_op *op, struct vv_table *table,
    const struct vv_merge_request *request, const struct vv_edit_options *options,
    struct vv_edit_result *out)
{
    static const struct vv_edit_kind kind = {.name = "merge",
        .operation = {"MERGE", 5},
        .gone_type = "CASE WHEN g._updated THEN 'update_preimage' ELSE 'delete' END",
        .news_type = "CASE WHEN n._row % 2 = 1 THEN 'insert' ELSE 'update_postimage' END",
        .load = vv_merge_load_inputs,
        .find = find,
        .matters = matters,
        .record = vv_merge_record};
    struct vv_merge merge = {
        .request = request, .options = options, .evolution = {.table = table}};
    varve_status status = vv_merge_read(op, request, &merge.steps);
    if (status == VARVE_OK) {
        merge.counts = vv_new(&op->arena, int64_t, request->clauses_len + 1);
        status = merge.counts != NULL ? VARVE_OK : vv_fail_memory(op);
    }
    if (status == VARVE_OK && request->clauses_len == 0)
        status = vv_fail(op, VARVE_EUSAGE, "a merge without a clause does nothing");
    if (status == VARVE_OK)
        status = vv_edit_run(op, table, &kind, &merge, options, out);
    vv_evolution_done(&merge.evolution);
    if (merge.source.loaded == NULL) /* nobody came to read it */
        vv_inputs_release(request->inputs, request->inputs_len);
    vv_batch_source_close(&merge.source.loaded);
    if (status != VARVE_OK)
        return status;
    out->rows_in = merge.source.batch.rows_in;
    out->times_ambiguous = merge.source.batch.times_ambiguous;
    out->columns_added = merge.evolution.columns;
    out->inserted = vv_merge_count(&merge, VV_MERGE_NOT_MATCHED, VV_MERGE_INSERT);
    out->updated = vv_merge_count(&merge, VV_MERGE_MATCHED, VV_MERGE_UPDATE) +
                   vv_merge_count(&merge, VV_MERGE_NOT_MATCHED_BY_SOURCE, VV_MERGE_UPDATE);
    out->deleted = vv_merge_count(&merge, VV_MERGE_MATCHED, VV_MERGE_DELETE) +
                   vv_merge_count(&merge, VV_MERGE_NOT_MATCHED_BY_SOURCE, VV_MERGE_DELETE);
    return VARVE_OK;
}
