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

bool vv_clustering_each_name(const struct vv_json *path, const struct vv_json **iterator,
    struct vv_str *out_name)
{
    const struct vv_json *part = NULL;
    struct vv_str unused;
    if (vv_json_is(path, VV_JSON_ARRAY)) {
        bool has_part = vv_json_each(path, iterator, &unused, &part);
        *out_name = has_part ? vv_json_text(part) : VV_STR_NONE;
        return has_part;
    }
    bool is_first = *iterator == NULL && vv_json_is(path, VV_JSON_STRING);
    *iterator = path;
    *out_name = is_first ? vv_json_text(path) : VV_STR_NONE;
    return is_first;
}

/* ["a"], or ["b","c"]: a field of a struct. */
static varve_status read_path(struct vv_op *op, struct vv_arena *arena,
    const struct vv_schema *schema, const struct vv_json *path, int32_t *out_column,
    struct vv_str *out_name)
{
    const struct vv_json *each = NULL;
    const struct vv_field *fields = schema->fields, *field = NULL;
    size_t len = schema->fields_len;
    struct vv_str name;
    *out_name = VV_STR("");
    while (vv_clustering_each_name(path, &each, &name)) {
        bool is_first = field == NULL;
        field = vv_fields_find_physical(fields, len, name);
        if (field == NULL)
            return vv_fail(op, VARVE_ECORRUPT, "it names \"%.*s\", which no column is called",
                VV_ARG(name));
        if (is_first)
            *out_column = (int32_t)(field - schema->fields);
        *out_name = is_first ? field->name
                             : vv_arena_format(arena, "%.*s.%.*s", VV_ARG(*out_name),
                                   VV_ARG(field->name));
        if (out_name->ptr == NULL)
            return vv_fail_memory(op);
        fields = field->type.fields;
        len = field->type.fields_len;
    }
    return field != NULL ? VARVE_OK : vv_fail(op, VARVE_ECORRUPT, "an empty name in it");
}

/* [["a"],["b","c"]] */
static varve_status read_paths(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *snapshot, const struct vv_json *paths, struct vv_clustering *out)
{
    const struct vv_json *each = NULL, *path = NULL;
    struct vv_str unused;
    int32_t *columns = vv_new(arena, int32_t, vv_json_len(paths) + 1);
    out->names = vv_new(arena, struct vv_str, vv_json_len(paths) + 1);
    if (columns == NULL || out->names == NULL)
        return vv_fail_memory(op);
    out->columns = columns;
    for (; vv_json_each(paths, &each, &unused, &path); out->len++) {
        VV_TRY(read_path(op, arena, &snapshot->schema, path, &columns[out->len],
            &out->names[out->len]));
        out->is_nested = out->is_nested || vv_json_len(path) > 1;
    }
    return VARVE_OK;
}

varve_status vv_clustering_declared(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *snapshot, struct vv_clustering *out)
{
    const struct vv_json *json = NULL;
    const struct vv_domain *domain = vv_snapshot_domain(snapshot, VV_STR(VV_CLUSTERING_DOMAIN));
    *out = (struct vv_clustering){.len = 0};
    if (domain == NULL)
        return VARVE_OK;
    if (vv_json_parse(op, arena, domain->configuration, &json) != VARVE_OK)
        return vv_note(op, "metadata domain " VV_CLUSTERING_DOMAIN);
    const struct vv_json *paths = vv_json_get_kind(json, "clusteringColumns", VV_JSON_ARRAY);
    if (paths != NULL && read_paths(op, arena, snapshot, paths, out) != VARVE_OK)
        return vv_note(op, "metadata domain " VV_CLUSTERING_DOMAIN);
    return VARVE_OK;
}

varve_status vv_clustering_read(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *snapshot, const int32_t **out, size_t *out_len)
{
    struct vv_clustering declared;
    VV_TRY(vv_clustering_declared(op, arena, snapshot, &declared));
    *out = declared.columns;
    *out_len = declared.is_nested ? 0 : declared.len;
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
