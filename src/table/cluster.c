#include "table/cluster.h"

#include "table/rules.h"

#define INDEXED_LEAVES_DEFAULT 32

static int64_t leaves_of(const struct vv_type *type)
{
    int64_t leaves = 0;
    for (size_t i = 0; i < type->fields_len; i++)
        leaves += leaves_of(&type->fields[i].type);
    return leaves > 0 ? leaves : 1;
}

/* Whether the table's properties let the files have statistics of the column. */
static varve_status has_statistics(struct vv_op *op, const struct vv_schema *schema,
    const struct vv_metadata *metadata, int32_t column, bool *out)
{
    struct vv_str list =
        vv_pairs_get(&metadata->configuration, VV_STR("delta.dataSkippingStatsColumns"));
    int64_t indexed = INDEXED_LEAVES_DEFAULT;
    int64_t before = 0;
    struct vv_str *names = NULL;
    size_t len = 0;
    *out = false;
    if (list.ptr != NULL) {
        VV_TRY(vv_rules_split_names(op, &op->arena, list, &names, &len));
        for (size_t i = 0; i < len; i++)
            *out = *out || vv_str_eq_nocase(names[i], schema->fields[column].name);
        return VARVE_OK;
    }
    (void)vv_str_int64(vv_pairs_get(&metadata->configuration,
                           VV_STR("delta.dataSkippingNumIndexedCols")),
        &indexed);
    for (int32_t i = 0; i < column; i++)
        before += vv_metadata_is_partition(metadata, schema->fields[i].name)
                      ? 0
                      : leaves_of(&schema->fields[i].type);
    *out = indexed < 0 || before < indexed;
    return VARVE_OK;
}

static varve_status check_column(struct vv_op *op, const struct vv_schema *schema,
    const struct vv_metadata *metadata, struct vv_str name, int32_t column)
{
    bool is_known = false;
    if (column < 0)
        return vv_fail(op, VARVE_EUSAGE, "the table has no column %.*s to be clustered by",
            VV_ARG(name));
    const struct vv_type *type = &schema->fields[column].type;
    if (!vv_type_is_ordered(type) || type->kind == VV_TYPE_BOOLEAN)
        return vv_fail(op, VARVE_EUSAGE,
            "column %.*s is of a type that files have no bounds of: nothing is clustered by it",
            VV_ARG(name));
    VV_TRY(has_statistics(op, schema, metadata, column, &is_known));
    if (!is_known)
        return vv_fail(op, VARVE_EUSAGE,
            "files have no statistics of column %.*s: move it to the front, or set "
            "delta.dataSkippingNumIndexedCols or delta.dataSkippingStatsColumns",
            VV_ARG(name));
    return VARVE_OK;
}

varve_status vv_cluster_check_partitions(struct vv_op *op, const struct vv_metadata *metadata)
{
    if (metadata->partition_columns_len == 0)
        return VARVE_OK;
    return vv_fail(op, VARVE_EUSAGE,
        "the table is partitioned, and such a table can't be clustered too: optimize "
        "by zorder orders the files of each partition");
}

varve_status vv_cluster_columns(struct vv_op *op, const struct vv_schema *schema,
    const struct vv_metadata *metadata, const struct vv_str *names, size_t len,
    int32_t out[VV_CLUSTERING_COLUMNS_MAX])
{
    VV_TRY(vv_cluster_check_partitions(op, metadata));
    if (len == 0 || len > VV_CLUSTERING_COLUMNS_MAX)
        return vv_fail(op, VARVE_EUSAGE, "cluster by one to %d columns, or by none",
            VV_CLUSTERING_COLUMNS_MAX);
    for (size_t i = 0; i < len; i++) {
        out[i] = vv_schema_find(schema, names[i]);
        VV_TRY(check_column(op, schema, metadata, names[i], out[i]));
        for (size_t j = 0; j < i; j++)
            if (out[j] == out[i])
                return vv_fail(op, VARVE_EUSAGE, "column %.*s is named twice",
                    VV_ARG(names[i]));
    }
    return VARVE_OK;
}
