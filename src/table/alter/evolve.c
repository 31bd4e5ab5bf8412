#include "table/alter/evolve.h"

#include "base/number.h"
#include "delta/commit.h"
#include "delta/features.h"
#include "table/alter/alter_change.h"
#include "table/maintain/checkpoint.h"
#include "table/record.h"

#define ATTEMPTS_MAX_DEFAULT 10

/* The table's metaData with the columns in it. */
static varve_status metadata_make(struct vv_op *op, const struct vv_snapshot *snapshot,
    const struct vv_additions *additions, const struct vv_metadata **out)
{
    VV_CLEANUP(vv_draft_done) struct vv_draft draft = {.arena = &op->arena};
    struct vv_metadata *metadata = NULL;
    struct vv_snapshot after;
    VV_TRY(vv_draft_begin(op, &op->arena, snapshot, &draft));
    for (size_t i = 0; i < additions->len; i++) {
        struct vv_field *fields = vv_draft_copy_fields(op, &draft);
        if (fields == NULL)
            return op->error.code;
        struct vv_field *added = &fields[draft.schema.fields_len];
        *added = additions->items[i].field;
        VV_TRY(vv_alter_map_new(op, &draft, added));
        if (vv_draft_fields(op, &draft, fields, draft.schema.fields_len + 1) != VARVE_OK)
            return vv_note(op, "column %.*s can't be added", VV_ARG(added->name));
    }
    vv_draft_snapshot(&draft, &after);
    VV_TRY(vv_features_check_write(op, after.protocol, after.metadata, &after.schema));
    VV_NEW(op, &metadata, struct vv_metadata, 1);
    *metadata = *after.metadata;
    *out = metadata;
    return VARVE_OK;
}

static void additions_log(struct vv_op *op, const struct vv_evolution *evolution,
    const char *verb)
{
    const struct vv_additions *additions = &evolution->added;
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(1 << 20);
    for (size_t i = 0; i < additions->len; i++) {
        vv_buf_addf(&text, "%s%.*s ", i > 0 ? ", " : "",
            VV_ARG(additions->items[i].field.name));
        vv_type_name(&additions->items[i].field.type, &text);
    }
    vv_log(op, VV_LOG_INFO, "evolve.add", "%.*s: %s column%s %.*s",
        VV_ARG(evolution->table->name), verb, vv_plural((int64_t)additions->len),
        VV_ARG(vv_buf_str(&text)));
}

varve_status vv_evolution_suppose(struct vv_op *op, struct vv_evolution *evolution,
    const struct vv_addition_search *search)
{
    if (evolution->real != NULL)
        return VARVE_OK;
    evolution->is_searched = true;
    VV_TRY(vv_additions_find(op, search, &evolution->added));
    return vv_evolution_suppose_added(op, evolution);
}

varve_status vv_evolution_suppose_added(struct vv_op *op, struct vv_evolution *evolution)
{
    struct vv_table *table = evolution->table;
    struct vv_snapshot *supposed = NULL;
    const struct vv_metadata *metadata = NULL;
    if (evolution->added.len == 0)
        return VARVE_OK;
    VV_TRY(metadata_make(op, table->snapshot, &evolution->added, &metadata));
    VV_TRY(vv_snapshot_suppose(op, table->snapshot, metadata, &supposed));
    evolution->real = table->snapshot;
    table->snapshot = supposed;
    evolution->columns += (int64_t)evolution->added.len;
    return VARVE_OK;
}

void vv_evolution_tell(struct vv_op *op, const struct vv_evolution *evolution)
{
    if (evolution->real != NULL)
        additions_log(op, evolution, "would add");
}

void vv_evolution_done(struct vv_evolution *evolution)
{
    if (evolution->real == NULL)
        return;
    vv_snapshot_release(&evolution->table->snapshot);
    evolution->table->snapshot = VV_MOVE(evolution->real);
}

/* Spark's operationParameters of ADD COLUMNS: a text that holds JSON. */
static varve_status parameters(struct vv_op *op, const struct vv_additions *additions,
    struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf columns = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    vv_buf_addc(&columns, '[');
    for (size_t i = 0; i < additions->len; i++) {
        /* Of the schema with this one field alone, the field. */
        VV_CLEANUP(vv_buf_done) struct vv_buf schema = VV_BUF_INIT(VV_BUF_MAX);
        const struct vv_str before = VV_STR("{\"type\":\"struct\",\"fields\":[");
        vv_schema_write(&(struct vv_schema){&additions->items[i].field, 1}, &schema);
        struct vv_str field = vv_str_skip(vv_buf_str(&schema), before.len);
        vv_buf_addf(&columns, "%s{\"column\":%.*s}", i > 0 ? "," : "",
            VV_ARG(vv_str_first(field, field.len - 2)));
        if (!vv_buf_ok(&schema))
            return vv_fail_memory(op);
    }
    vv_buf_addc(&columns, ']');
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&json);
    vv_jw_object(&writer);
    vv_jw_key_string(&writer, "columns", vv_buf_str(&columns));
    vv_jw_end(&writer);
    if (!vv_buf_ok(&columns))
        return vv_fail_memory(op);
    return vv_record_keep(op, &op->arena, &json, out);
}

/* Rows come and go as they like; another schema is another question. */
static varve_status judge(struct vv_op *op, void *data, const struct vv_actions *winner,
    enum vv_verdict *out)
{
    (void)op;
    (void)data;
    bool matters = winner->protocol != NULL || winner->metadata != NULL;
    *out = matters ? VV_VERDICT_REPLAN : VV_VERDICT_REBASE;
    return VARVE_OK;
}

varve_status vv_evolution_commit(struct vv_op *op, struct vv_evolution *evolution,
    const struct vv_upsert_options *options)
{
    struct vv_table *table = evolution->table;
    struct vv_metadata metadata = *table->snapshot->metadata;
    struct vv_actions actions = {.metadata = &metadata};
    struct vv_commit_result committed;
    struct vv_commit_request request = {.read = evolution->real,
        .actions = &actions,
        .operation = VV_STR("ADD COLUMNS"),
        .metrics_json = VV_STR("{}"),
        .user_name = options->user_name,
        .user_metadata = options->user_metadata,
        .attempts_max =
            options->attempts_max > 0 ? options->attempts_max : ATTEMPTS_MAX_DEFAULT,
        .judge = judge};
    VV_TRY(parameters(op, &evolution->added, &request.parameters_json));
    VV_TRY(vv_commit(op, &table->log, &request, &committed));
    vv_evolution_done(evolution);
    if (committed.outcome == VV_COMMIT_DONE)
        additions_log(op, evolution, "added");
    else
        evolution->columns -= (int64_t)evolution->added.len;
    VV_TRY(vv_table_refresh(op, table));
    if (committed.outcome == VV_COMMIT_DONE)
        vv_table_checkpoint_if_due(op, table, committed.version);
    return VARVE_OK;
}
