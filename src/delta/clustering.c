#include "delta/clustering.h"

#include "base/json_write.h"

const struct vv_domain *vv_snapshot_domain(const struct vv_snapshot *snapshot,
    struct vv_str name)
{
    for (size_t i = 0; i < snapshot->domains_len; i++)
        if (vv_str_eq(snapshot->domains[i]->domain, name))
            return snapshot->domains[i];
    return NULL;
}

static int32_t find_physical(const struct vv_schema *schema, struct vv_str name)
{
    for (size_t i = 0; i < schema->fields_len; i++)
        if (vv_str_eq(schema->fields[i].physical_name, name))
            return (int32_t)i;
    return -1;
}

/* [["a"],["b","c"]]: the second is a field of a struct. */
static varve_status read_paths(struct vv_op *op, const struct vv_snapshot *snapshot,
    const struct vv_json *paths, int32_t *columns, size_t *out_len)
{
    const struct vv_json *each = NULL, *path = NULL, *part = NULL;
    struct vv_str unused;
    bool is_nested = false;
    *out_len = 0;
    while (vv_json_each(paths, &each, &unused, &path)) {
        const struct vv_json *within = NULL;
        is_nested = is_nested || vv_json_len(path) > 1;
        if (!vv_json_each(path, &within, &unused, &part))
            return vv_fail(op, VARVE_ECORRUPT, "an empty name in it");
        int32_t column = find_physical(&snapshot->schema, vv_json_text(part));
        if (column < 0)
            return vv_fail(op, VARVE_ECORRUPT, "it names \"%.*s\", which no column is called",
                VV_ARG(vv_json_text(part)));
        columns[(*out_len)++] = column;
    }
    if (is_nested)
        *out_len = 0;
    return VARVE_OK;
}

varve_status vv_clustering_read(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *snapshot, const int32_t **out, size_t *out_len)
{
    const struct vv_json *json = NULL;
    const struct vv_domain *domain = vv_snapshot_domain(snapshot, VV_STR(VV_CLUSTERING_DOMAIN));
    *out = NULL;
    *out_len = 0;
    if (domain == NULL)
        return VARVE_OK;
    if (vv_json_parse(op, arena, domain->configuration, &json) != VARVE_OK)
        return vv_note(op, "metadata domain " VV_CLUSTERING_DOMAIN);
    const struct vv_json *paths = vv_json_get_kind(json, "clusteringColumns", VV_JSON_ARRAY);
    int32_t *columns = vv_new(arena, int32_t, vv_json_len(paths) + 1);
    if (columns == NULL)
        return vv_fail_memory(op);
    *out = columns;
    if (paths != NULL && read_paths(op, snapshot, paths, columns, out_len) != VARVE_OK)
        return vv_note(op, "metadata domain " VV_CLUSTERING_DOMAIN);
    return VARVE_OK;
}

varve_status vv_clustering_domain(struct vv_op *op, struct vv_arena *arena,
    const struct vv_schema *schema, const int32_t *columns, size_t len, struct vv_domain *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(1 << 20);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&json);
    vv_jw_object(&writer);
    vv_jw_key(&writer, "clusteringColumns");
    vv_jw_array(&writer);
    for (size_t i = 0; i < len; i++) {
        vv_jw_array(&writer);
        vv_jw_string(&writer, schema->fields[columns[i]].physical_name);
        vv_jw_end(&writer);
    }
    vv_jw_end(&writer);
    vv_jw_key_string(&writer, "domainName", VV_STR(VV_CLUSTERING_DOMAIN));
    vv_jw_end(&writer);
    *out = (struct vv_domain){.domain = VV_STR(VV_CLUSTERING_DOMAIN),
        .configuration = vv_arena_str(arena, vv_buf_str(&json))};
    return vv_buf_ok(&json) && out->configuration.ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

bool vv_clustering_is_foreign(const struct vv_file *file)
{
    return file->clustering_provider.len > 0 &&
           !vv_str_eq(file->clustering_provider, VV_STR(VV_CLUSTERING_PROVIDER));
}
