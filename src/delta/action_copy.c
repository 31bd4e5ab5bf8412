#include "delta/action_copy.h"

/* Copies into one arena; remembers a failure, so that it is asked for once an action. */
struct copier {
    struct vv_arena *arena;
    bool failed;
};

static struct vv_str copy_str(struct copier *copier, struct vv_str text)
{
    if (text.ptr == NULL)
        return VV_STR_NONE;
    struct vv_str copy = vv_arena_str(copier->arena, text);
    if (copy.ptr == NULL)
        copier->failed = true;
    return copy;
}

/* `text` is often the same as one that was copied already. */
static struct vv_str copy_str_like(struct copier *copier, struct vv_str text,
    struct vv_str original, struct vv_str copied)
{
    return vv_str_eq(text, original) ? copied : copy_str(copier, text);
}

static const struct vv_str *copy_strs(struct copier *copier, const struct vv_str *texts,
    size_t len)
{
    if (len == 0)
        return NULL;
    struct vv_str *copy = vv_new(copier->arena, struct vv_str, len);
    if (copy == NULL) {
        copier->failed = true;
        return NULL;
    }
    for (size_t i = 0; i < len; i++)
        copy[i] = copy_str(copier, texts[i]);
    return copy;
}

static struct vv_pairs copy_pairs(struct copier *copier, const struct vv_pairs *pairs)
{
    struct vv_pairs none = {0};
    if (pairs->len == 0)
        return none;
    struct vv_pair *copy = vv_new(copier->arena, struct vv_pair, pairs->len);
    if (copy == NULL) {
        copier->failed = true;
        return none;
    }
    for (size_t i = 0; i < pairs->len; i++) {
        copy[i].name = copy_str(copier, pairs->items[i].name);
        copy[i].value = copy_str(copier, pairs->items[i].value);
    }
    return (struct vv_pairs){copy, pairs->len};
}

static const struct vv_deletion_vector *copy_dv(struct copier *copier,
    const struct vv_deletion_vector *dv)
{
    if (dv == NULL)
        return NULL;
    struct vv_deletion_vector *copy = vv_new(copier->arena, struct vv_deletion_vector, 1);
    if (copy == NULL) {
        copier->failed = true;
        return NULL;
    }
    *copy = *dv;
    copy->path_or_inline = copy_str(copier, dv->path_or_inline);
    return copy;
}

const struct vv_file *vv_file_copy(struct vv_arena *arena, const struct vv_file *file)
{
    struct copier copier = {.arena = arena};
    struct vv_file *copy = vv_new(arena, struct vv_file, 1);
    if (copy == NULL)
        return NULL;
    *copy = *file;
    copy->path = copy_str(&copier, file->path);
    copy->key = copy_str_like(&copier, file->key, file->path, copy->path);
    copy->dv_id = file->dv_id.len == 0 ? VV_STR("") : copy_str(&copier, file->dv_id);
    copy->partition_values = copy_pairs(&copier, &file->partition_values);
    copy->stats = copy_str(&copier, file->stats);
    copy->tags = copy_pairs(&copier, &file->tags);
    copy->dv = copy_dv(&copier, file->dv);
    copy->clustering_provider = copy_str(&copier, file->clustering_provider);
    return copier.failed ? NULL : copy;
}

const struct vv_remove *vv_remove_copy(struct vv_arena *arena, const struct vv_remove *remove)
{
    struct copier copier = {.arena = arena};
    struct vv_remove *copy = vv_new(arena, struct vv_remove, 1);
    if (copy == NULL)
        return NULL;
    *copy = *remove;
    copy->path = copy_str(&copier, remove->path);
    copy->key = copy_str_like(&copier, remove->key, remove->path, copy->path);
    copy->dv_id = remove->dv_id.len == 0 ? VV_STR("") : copy_str(&copier, remove->dv_id);
    copy->partition_values = copy_pairs(&copier, &remove->partition_values);
    copy->tags = copy_pairs(&copier, &remove->tags);
    copy->dv = copy_dv(&copier, remove->dv);
    return copier.failed ? NULL : copy;
}

const struct vv_protocol *vv_protocol_copy(struct vv_arena *arena,
    const struct vv_protocol *protocol)
{
    struct copier copier = {.arena = arena};
    struct vv_protocol *copy = vv_new(arena, struct vv_protocol, 1);
    if (copy == NULL)
        return NULL;
    *copy = *protocol;
    copy->reader_features =
        copy_strs(&copier, protocol->reader_features, protocol->reader_features_len);
    copy->writer_features =
        copy_strs(&copier, protocol->writer_features, protocol->writer_features_len);
    return copier.failed ? NULL : copy;
}

const struct vv_metadata *vv_metadata_copy(struct vv_arena *arena,
    const struct vv_metadata *metadata)
{
    struct copier copier = {.arena = arena};
    struct vv_metadata *copy = vv_new(arena, struct vv_metadata, 1);
    if (copy == NULL)
        return NULL;
    *copy = *metadata;
    copy->id = copy_str(&copier, metadata->id);
    copy->name = copy_str(&copier, metadata->name);
    copy->description = copy_str(&copier, metadata->description);
    copy->format_provider = copy_str(&copier, metadata->format_provider);
    copy->format_options = copy_pairs(&copier, &metadata->format_options);
    copy->schema_json = copy_str(&copier, metadata->schema_json);
    copy->partition_columns =
        copy_strs(&copier, metadata->partition_columns, metadata->partition_columns_len);
    copy->configuration = copy_pairs(&copier, &metadata->configuration);
    return copier.failed ? NULL : copy;
}

const struct vv_txn *vv_txn_copy(struct vv_arena *arena, const struct vv_txn *txn)
{
    struct copier copier = {.arena = arena};
    struct vv_txn *copy = vv_new(arena, struct vv_txn, 1);
    if (copy == NULL)
        return NULL;
    *copy = *txn;
    copy->app_id = copy_str(&copier, txn->app_id);
    return copier.failed ? NULL : copy;
}

const struct vv_domain *vv_domain_copy(struct vv_arena *arena, const struct vv_domain *domain)
{
    struct copier copier = {.arena = arena};
    struct vv_domain *copy = vv_new(arena, struct vv_domain, 1);
    if (copy == NULL)
        return NULL;
    *copy = *domain;
    copy->domain = copy_str(&copier, domain->domain);
    copy->configuration = copy_str(&copier, domain->configuration);
    return copier.failed ? NULL : copy;
}
