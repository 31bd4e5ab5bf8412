#include "delta/checksum.h"

#include "base/json_write.h"
#include "base/number.h"
#include "delta/features.h"
#include "delta/log_name.h"

struct figures {
    int64_t bytes, deleted_rows, vectors;
};

static struct figures measure(const struct vv_snapshot *snapshot)
{
    struct figures figures = {0};
    for (size_t i = 0; i < snapshot->files_len; i++) {
        const struct vv_file *file = snapshot->files[i];
        figures.bytes = vv_add_sizes(figures.bytes, file->bytes);
        figures.vectors += file->dv != NULL;
        figures.deleted_rows += file->dv != NULL ? file->dv->cardinality : 0;
    }
    return figures;
}

struct vv_str vv_checksum_key(struct vv_op *op, int64_t version)
{
    return vv_str_or_lost(vv_arena_format(&op->arena, VV_LOG_FOLDER "/%020" PRId64 ".crc",
        version));
}

/* What an action's line holds: {"protocol":...} without the name. */
static struct vv_str inner_of(struct vv_str line)
{
    line = vv_str_trim(line);
    size_t colon = vv_str_find(line, ':');
    return colon + 1 < line.len
               ? vv_str_first(vv_str_skip(line, colon + 1), line.len - colon - 2)
               : VV_STR_LOST;
}

static bool has_in_commit_time(const struct vv_snapshot *snapshot)
{
    return snapshot->timestamp_ms != VV_NO_TIME && !snapshot->commit_is_out_of_time &&
           vv_features_has(snapshot->protocol, VV_STR("inCommitTimestamp")) &&
           vv_property_bool(snapshot->metadata, "delta.enableInCommitTimestamps", false);
}

varve_status vv_checksum_write(struct vv_op *op, struct vv_store *store,
    const struct vv_snapshot *snapshot)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf metadata = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf protocol = VV_BUF_INIT(VV_BUF_MAX);
    enum vv_put_outcome outcome;
    const struct figures figures = measure(snapshot);
    vv_action_write_metadata(snapshot->metadata, &metadata);
    vv_action_write_protocol(snapshot->protocol, &protocol);
    if (!vv_buf_ok(&metadata) || !vv_buf_ok(&protocol))
        return vv_fail_memory(op);
    vv_buf_addf(&text,
        "{\"tableSizeBytes\":%" PRId64 ",\"numFiles\":%zu,\"numMetadata\":1,\"numProtocol\":1",
        figures.bytes, snapshot->files_len);
    if (has_in_commit_time(snapshot))
        vv_buf_addf(&text, ",\"inCommitTimestampOpt\":%" PRId64, snapshot->timestamp_ms);
    vv_buf_adds(&text, ",\"metadata\":");
    vv_buf_add(&text, inner_of(vv_buf_str(&metadata)));
    vv_buf_adds(&text, ",\"protocol\":");
    vv_buf_add(&text, inner_of(vv_buf_str(&protocol)));
    vv_buf_adds(&text, "}\n");
    if (!vv_buf_ok(&text))
        return vv_fail_memory(op);
    return vv_store_put_if_absent(op, store, vv_checksum_key(op, snapshot->version),
        vv_buf_str(&text), 0, &outcome);
}

/* ---- Checking ------------------------------------------------------------------------------- */

/* "it says 12 files, the log has 13"; nothing where it does not say, or says the same. */
static struct vv_str compare_figure(struct vv_op *op, const struct vv_json *json,
    const char *name, int64_t figure, const char *what)
{
    int64_t said = 0;
    const struct vv_json *value = json != NULL ? vv_json_get(json, name) : NULL;
    if (value == NULL || vv_json_kind(value) == VV_JSON_NULL)
        return VV_STR("");
    if (!vv_json_int64(value, &said))
        return vv_str_or_lost(vv_arena_format(&op->arena, "its %s is no number", name));
    if (said == figure)
        return VV_STR("");
    return vv_str_or_lost(vv_arena_format(&op->arena,
        "it says %" PRId64 " %s, the log comes to %" PRId64, said, what, figure));
}

static struct vv_str compare_text(struct vv_op *op, const struct vv_json *json,
    const char *name, struct vv_str text)
{
    if (json == NULL)
        return VV_STR("");
    const struct vv_json *value = vv_json_get_kind(json, name, VV_JSON_STRING);
    bool is_same = text.ptr == NULL ? value == NULL
                                    : value != NULL && vv_str_eq(vv_json_text(value), text);
    if (is_same)
        return VV_STR("");
    return vv_str_or_lost(vv_arena_format(&op->arena, "it has another %s than the log", name));
}

static struct vv_str compare(struct vv_op *op, const struct vv_json *json,
    const struct vv_snapshot *snapshot)
{
    const struct figures figures = measure(snapshot);
    /* Older ones of Spark have neither. */
    const struct vv_json *metadata = vv_json_get_kind(json, "metadata", VV_JSON_OBJECT);
    const struct vv_json *protocol = vv_json_get_kind(json, "protocol", VV_JSON_OBJECT);
    const struct vv_str found[] = {
        compare_figure(op, json, "numFiles", (int64_t)snapshot->files_len, "files"),
        compare_figure(op, json, "tableSizeBytes", figures.bytes, "bytes"),
        compare_figure(op, json, "numDeletedRecordsOpt", figures.deleted_rows, "deleted rows"),
        compare_figure(op, json, "numDeletionVectorsOpt", figures.vectors, "deletion vectors"),
        compare_figure(op, json, "numMetadata", 1, "actions metaData"),
        compare_figure(op, json, "numProtocol", 1, "actions protocol"),
        compare_figure(op, protocol, "minReaderVersion", snapshot->protocol->min_reader,
            "as reader version"),
        compare_figure(op, protocol, "minWriterVersion", snapshot->protocol->min_writer,
            "as writer version"),
        compare_text(op, metadata, "id", snapshot->metadata->id),
        compare_text(op, metadata, "schemaString", snapshot->metadata->schema_json)};
    if (vv_json_get(json, "numFiles") == NULL)
        return VV_STR("it does not say the number of files");
    for (size_t i = 0; i < VV_COUNT(found); i++)
        if (found[i].len > 0)
            return found[i];
    return VV_STR("");
}

varve_status vv_checksum_check(struct vv_op *op, struct vv_store *store,
    const struct vv_snapshot *snapshot, struct vv_str *out_wrong)
{
    const struct vv_json *json = NULL;
    struct vv_str bytes;
    VV_TRY(vv_store_get(op, store, &op->arena, vv_checksum_key(op, snapshot->version), &bytes));
    varve_status status = vv_json_parse(op, &op->arena, vv_str_trim(bytes), &json);
    if (status == VARVE_ECORRUPT) {
        vv_forgive(op);
        *out_wrong = VV_STR("it is no JSON");
        return VARVE_OK;
    }
    VV_TRY(status);
    *out_wrong = compare(op, json, snapshot);
    return vv_str_is_lost(*out_wrong) ? vv_fail_memory(op) : VARVE_OK;
}
