/*
 * The columns that files are clustered by. Nothing is rewritten: optimize goes by them from then
 * on.
 */
#include "table/alter/alter_change.h"

#include "table/cluster.h"

/* "a, b" or "(a, b)"; "none" is no column. */
static varve_status read_columns(struct vv_op *op, struct vv_alter_change *change,
    int32_t *columns, size_t *out_len)
{
    struct vv_str text = vv_str_trim(change->request->name);
    struct vv_str *names = NULL;
    size_t len = 0;
    *out_len = 0;
    if (vv_str_eq_nocase(text, VV_STR("none")) &&
        vv_schema_find(&change->draft.schema, text) < 0)
        return VARVE_OK;
    if (text.len > 1 && text.ptr[0] == '(' && text.ptr[text.len - 1] == ')')
        text = vv_str_first(vv_str_skip(text, 1), text.len - 2);
    VV_TRY(vv_rules_split_names(op, &op->arena, text, &names, &len));
    VV_TRY(vv_cluster_columns(op, &change->draft.schema, &change->draft.metadata, names, len,
        columns));
    *out_len = len;
    return VARVE_OK;
}

/* "a,b", as Spark's history has it. */
static varve_status join_names(struct vv_op *op, const struct vv_str *names, size_t len,
    struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(1 << 20);
    for (size_t i = 0; i < len; i++)
        vv_buf_addf(&text, "%s%.*s", i > 0 ? "," : "", VV_ARG(names[i]));
    *out = vv_arena_str(&op->arena, vv_buf_str(&text));
    return vv_buf_ok(&text) && out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

static varve_status name_columns(struct vv_op *op, const struct vv_schema *schema,
    const int32_t *columns, size_t len, struct vv_str *out)
{
    struct vv_str names[VV_CLUSTERING_COLUMNS_MAX];
    for (size_t i = 0; i < len; i++)
        names[i] = schema->fields[columns[i]].name;
    return join_names(op, names, len, out);
}

/* A declaration that can't be understood is mended by this very change, so it is in no one's way. */
static varve_status name_old(struct vv_op *op, const struct vv_snapshot *snapshot,
    struct vv_str *out)
{
    struct vv_clustering old;
    varve_status status = vv_clustering_declared(op, &op->arena, snapshot, &old);
    if (status == VARVE_ECORRUPT) {
        vv_forgive(op);
        *out = VV_STR("?");
        return VARVE_OK;
    }
    VV_TRY(status);
    return join_names(op, old.names, old.len, out);
}

varve_status vv_alter_cluster(struct vv_op *op, struct vv_alter_change *change)
{
    struct vv_draft *draft = &change->draft;
    int32_t columns[VV_CLUSTERING_COLUMNS_MAX];
    struct vv_str before, after;
    size_t len = 0;
    VV_TRY(read_columns(op, change, columns, &len));
    VV_TRY(name_old(op, draft->from, &before));
    VV_TRY(name_columns(op, &draft->schema, columns, len, &after));
    if (vv_str_eq(before, after))
        return VARVE_OK;
    VV_TRY(vv_draft_need(op, draft, "domainMetadata"));
    VV_TRY(vv_draft_need(op, draft, "clustering"));
    VV_TRY(vv_clustering_domain(op, draft->arena, &draft->schema, columns, len,
        &change->domain));
    vv_buf_addf(&draft->diff, "~ clustered by: %.*s -> %.*s\n",
        VV_ARG(before.len > 0 ? before : VV_STR("none")),
        VV_ARG(after.len > 0 ? after : VV_STR("none")));
    draft->is_changed = true;
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&change->parameters);
    change->operation = VV_STR("CLUSTER BY");
    vv_jw_object(&writer);
    vv_jw_key_string(&writer, "oldClusteringColumns", before);
    vv_jw_key_string(&writer, "newClusteringColumns", after);
    vv_jw_end(&writer);
    return VARVE_OK;
}

varve_status vv_alter_check_clustering(struct vv_op *op, const struct vv_alter_change *change,
    int32_t column)
{
    struct vv_clustering declared;
    VV_TRY(vv_clustering_declared(op, &op->arena, change->draft.from, &declared));
    for (size_t i = 0; i < declared.len; i++)
        if (declared.columns[i] == column)
            return vv_fail(op, VARVE_EUSAGE,
                "the table is clustered by column %.*s: cluster-by others first",
                VV_ARG(declared.names[i]));
    return VARVE_OK;
}
