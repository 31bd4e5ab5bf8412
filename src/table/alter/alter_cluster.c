/*
 * The columns that files are clustered by. Nothing is rewritten: optimize goes by them from then
 * on. Files keep statistics of them, so only columns that have some will do.
 */
#include "table/alter/alter_change.h"

#include "delta/clustering.h"

#define INDEXED_LEAVES_DEFAULT 32

static int64_t leaves_of(const struct vv_type *type)
{
    int64_t leaves = 0;
    for (size_t i = 0; i < type->fields_len; i++)
        leaves += leaves_of(&type->fields[i].type);
    return leaves > 0 ? leaves : 1;
}

/* Whether the table's properties let the files have statistics of the column. */
static varve_status has_statistics(struct vv_op *op, const struct vv_draft *draft,
    int32_t column, bool *out)
{
    struct vv_str list = vv_draft_property(draft, VV_STR("delta.dataSkippingStatsColumns"));
    int64_t indexed = INDEXED_LEAVES_DEFAULT;
    int64_t before = 0;
    struct vv_str *names = NULL;
    size_t len = 0;
    *out = false;
    if (list.ptr != NULL) {
        VV_TRY(vv_rules_split_names(op, &op->arena, list, &names, &len));
        for (size_t i = 0; i < len; i++)
            *out = *out || vv_str_eq_nocase(names[i], draft->schema.fields[column].name);
        return VARVE_OK;
    }
    (void)vv_str_int64(vv_draft_property(draft, VV_STR("delta.dataSkippingNumIndexedCols")),
        &indexed);
    for (int32_t i = 0; i < column; i++)
        before += vv_metadata_is_partition(&draft->metadata, draft->schema.fields[i].name)
                      ? 0
                      : leaves_of(&draft->schema.fields[i].type);
    *out = indexed < 0 || before < indexed;
    return VARVE_OK;
}

static varve_status check_column(struct vv_op *op, struct vv_alter_change *change,
    struct vv_str name, int32_t column)
{
    const struct vv_draft *draft = &change->draft;
    bool is_known = false;
    if (column < 0)
        return vv_fail(op, VARVE_EUSAGE, "table %.*s has no column %.*s",
            VV_ARG(change->table->name), VV_ARG(name));
    const struct vv_type *type = &draft->schema.fields[column].type;
    if (!vv_type_is_ordered(type) || type->kind == VV_TYPE_BOOLEAN)
        return vv_fail(op, VARVE_EUSAGE,
            "column %.*s is of a type that files have no bounds of: nothing is clustered by it",
            VV_ARG(name));
    VV_TRY(has_statistics(op, draft, column, &is_known));
    if (!is_known)
        return vv_fail(op, VARVE_EUSAGE,
            "files have no statistics of column %.*s: move it to the front, or set "
            "delta.dataSkippingNumIndexedCols or delta.dataSkippingStatsColumns",
            VV_ARG(name));
    return VARVE_OK;
}

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
    if (len == 0 || len > VV_CLUSTERING_COLUMNS_MAX)
        return vv_fail(op, VARVE_EUSAGE, "cluster by one to %d columns, or by none",
            VV_CLUSTERING_COLUMNS_MAX);
    for (size_t i = 0; i < len; i++) {
        int32_t column = vv_schema_find(&change->draft.schema, names[i]);
        VV_TRY(check_column(op, change, names[i], column));
        for (size_t j = 0; j < i; j++)
            if (columns[j] == column)
                return vv_fail(op, VARVE_EUSAGE, "column %.*s is named twice",
                    VV_ARG(names[i]));
        columns[(*out_len)++] = column;
    }
    return VARVE_OK;
}

/* "a,b", as Spark's history has it. */
static varve_status name_columns(struct vv_op *op, const struct vv_schema *schema,
    const int32_t *columns, size_t len, struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(1 << 20);
    for (size_t i = 0; i < len; i++)
        vv_buf_addf(&text, "%s%.*s", i > 0 ? "," : "", VV_ARG(schema->fields[columns[i]].name));
    *out = vv_arena_str(&op->arena, vv_buf_str(&text));
    return vv_buf_ok(&text) && out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

/* Fields of structs too, which are in no list of ours. */
static bool has_columns(const struct vv_snapshot *snapshot)
{
    const struct vv_domain *domain = vv_snapshot_domain(snapshot, VV_STR(VV_CLUSTERING_DOMAIN));
    return domain != NULL &&
           memmem(domain->configuration.ptr, domain->configuration.len, "[[", 2) != NULL;
}

varve_status vv_alter_cluster(struct vv_op *op, struct vv_alter_change *change)
{
    struct vv_draft *draft = &change->draft;
    int32_t columns[VV_CLUSTERING_COLUMNS_MAX];
    const int32_t *old = NULL;
    struct vv_str before, after;
    size_t len = 0;
    size_t old_len = 0;
    if (draft->metadata.partition_columns_len > 0)
        return vv_fail(op, VARVE_EUSAGE,
            "table %.*s is partitioned, and such a table can't be clustered too: optimize "
            "--zorder orders the files of each partition",
            VV_ARG(change->table->name));
    VV_TRY(read_columns(op, change, columns, &len));
    VV_TRY(vv_clustering_read(op, &op->arena, draft->from, &old, &old_len));
    VV_TRY(name_columns(op, &draft->schema, old, old_len, &before));
    VV_TRY(name_columns(op, &draft->schema, columns, len, &after));
    if (vv_str_eq(before, after) && (len > 0 || !has_columns(draft->from)))
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
    const int32_t *columns = NULL;
    size_t len = 0;
    VV_TRY(vv_clustering_read(op, &op->arena, change->draft.from, &columns, &len));
    for (size_t i = 0; i < len; i++)
        if (columns[i] == column)
            return vv_fail(op, VARVE_EUSAGE,
                "the table is clustered by column %.*s: cluster-by others first",
                VV_ARG(change->draft.schema.fields[column].name));
    return VARVE_OK;
}
