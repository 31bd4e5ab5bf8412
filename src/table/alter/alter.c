#include "table/alter/alter.h"

#include "base/seam.h"
#include "delta/clustering.h"
#include "delta/commit.h"
#include "delta/features.h"
#include "table/alter/alter_change.h"
#include "table/maintain/checkpoint.h"

#define ATTEMPTS_MAX 10

/*
 * What others commit matters where it changes the rules, or brings rows that we have not checked.
 * What a table is clustered by names columns as rules do, though it is no part of the metaData.
 */
static varve_status judge(struct vv_op *op, void *data, const struct vv_actions *winner,
    enum vv_verdict *out)
{
    const struct vv_alter_change *change = data;
    bool matters = winner->protocol != NULL || winner->metadata != NULL ||
                   (change->depends_on_rows && winner->adds.len > 0);
    for (size_t i = 0; i < winner->domains.len; i++)
        matters =
            matters || vv_str_eq(winner->domains.items[i].domain, VV_STR(VV_CLUSTERING_DOMAIN));
    (void)op;
    *out = matters ? VV_VERDICT_REPLAN : VV_VERDICT_REBASE;
    return VARVE_OK;
}

static void change_done(struct vv_alter_change *change)
{
    vv_buf_done(&change->parameters);
    vv_draft_done(&change->draft);
}

/* Whether others than the engines that could write the table before are shut out. */
static varve_status check_upgrade(struct vv_op *op, const struct vv_alter_change *change)
{
    const struct vv_protocol *before = change->draft.from->protocol;
    const struct vv_protocol *after = change->draft.protocol;
    bool is_free =
        after == before || (after->min_reader == before->min_reader && after->min_writer <= 3);
    if (is_free || change->request->upgrade || change->request->kind == VV_ALTER_UPGRADE)
        return VARVE_OK;
    (void)vv_fail(op, VARVE_EUNSUPPORTED,
        "this needs a table feature that table %.*s does not have yet: --upgrade does both",
        VV_ARG(change->table->name));
    vv_detail(op,
        "%.*sengines that lack the feature then can't %s the table; it can't be taken "
        "back\n",
        VV_ARG(vv_buf_str(&change->draft.diff)),
        after->min_reader > before->min_reader ||
                after->reader_features_len > before->reader_features_len
            ? "read or write"
            : "write");
    return VARVE_EUNSUPPORTED;
}

static varve_status make_change(struct vv_op *op, struct vv_alter_change *change)
{
    if (change->request->kind == VV_ALTER_CLUSTER)
        return vv_alter_cluster(op, change);
    return change->request->kind <= VV_ALTER_DROP_DEFAULT ? vv_alter_column(op, change)
                                                          : vv_alter_property(op, change);
}

static varve_status commit(struct vv_op *op, struct vv_alter_change *change,
    uint32_t attempts_used, struct vv_commit_result *out)
{
    /* A domain is no part of the metaData, which then stays as it is. */
    bool has_domain = change->domain.domain.ptr != NULL;
    struct vv_actions actions = {
        .protocol = change->draft.protocol != change->draft.from->protocol
                        ? change->draft.protocol
                        : NULL,
        .metadata = has_domain ? NULL : &change->draft.metadata};
    if (has_domain) {
        struct vv_domain *domain = vv_actions_new_domain(&actions, &op->arena);
        if (domain == NULL)
            return vv_fail_memory(op);
        *domain = change->domain;
    }
    const struct vv_commit_request request = {.read = change->table->snapshot,
        .actions = &actions,
        .operation = change->operation,
        .parameters_json = vv_buf_str(&change->parameters),
        .metrics_json = VV_STR("{}"),
        .user_name = change->request->user_name,
        .user_metadata = change->request->user_metadata,
        .attempts_max = ATTEMPTS_MAX,
        .attempts_used = attempts_used,
        .judge = judge,
        .judge_data = change};
    return vv_buf_ok(&change->parameters) ? vv_commit(op, &change->table->log, &request, out)
                                          : vv_fail_memory(op);
}

void vv_alter_result_done(struct vv_alter_result *result)
{
    vv_free(result->diff);
    result->diff = NULL;
}

static varve_status keep_diff(struct vv_op *op, const struct vv_buf *diff,
    struct vv_alter_result *result)
{
    vv_alter_result_done(result);
    result->diff = vv_malloc(diff->len + 1);
    if (result->diff == NULL || !vv_buf_ok(diff))
        return vv_fail_memory(op);
    memcpy(result->diff, vv_buf_str(diff).ptr, diff->len + 1);
    return VARVE_OK;
}

/* One try at the table's current snapshot. */
static varve_status attempt(struct vv_op *op, struct vv_alter_change *change,
    uint32_t attempts_used, struct vv_alter_result *result, struct vv_commit_result *out)
{
    const struct vv_snapshot *now = change->table->snapshot;
    struct vv_snapshot after;
    VV_TRY(vv_features_check_write(op, now->protocol, now->metadata, &now->schema));
    VV_TRY(vv_draft_begin(op, &op->arena, now, &change->draft));
    VV_TRY(make_change(op, change));
    VV_TRY(check_upgrade(op, change));
    vv_draft_snapshot(&change->draft, &after);
    VV_TRY(vv_features_check_write(op, after.protocol, after.metadata, &after.schema));
    result->is_changed = change->draft.is_changed;
    result->version = now->version;
    VV_TRY(keep_diff(op, &change->draft.diff, result));
    *out = (struct vv_commit_result){.outcome = VV_COMMIT_DONE, .version = now->version};
    if (change->request->dry_run)
        return VARVE_OK;
    if (!change->draft.is_changed)
        return vv_log_settle(op, &change->table->log);
    return commit(op, change, attempts_used, out);
}

varve_status vv_alter(struct vv_op *op, struct vv_table *table,
    const struct vv_alter_request *request, struct vv_alter_result *out)
{
    VV_CLEANUP(vv_alter_result_done) struct vv_alter_result result = {0};
    uint32_t attempts = 0;
    for (;;) {
        VV_CLEANUP(change_done)
        struct vv_alter_change change = {
            .table = table, .request = request, .parameters = VV_BUF_INIT(VV_BUF_MAX)};
        struct vv_commit_result committed;
        VV_TRY(vv_table_refresh(op, table));
        VV_TRY(attempt(op, &change, attempts, &result, &committed));
        attempts += committed.attempts;
        if (committed.outcome == VV_COMMIT_REPLAN)
            continue;
        result.version = committed.version;
        if (committed.attempts > 0)
            vv_table_checkpoint_if_due(op, table, committed.version);
        *out = result;
        result.diff = NULL;
        return VARVE_OK;
    }
}
