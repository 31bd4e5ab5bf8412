#include "delta/action.h"

#include "base/json_write.h"

static void write_pairs(struct vv_json_writer *writer, const char *name,
    const struct vv_pairs *pairs)
{
    vv_jw_key(writer, name);
    vv_jw_object(writer);
    for (size_t index = 0; index < pairs->len; index++) {
        vv_jw_key_str(writer, pairs->items[index].name);
        if (pairs->items[index].value.ptr)
            vv_jw_string(writer, pairs->items[index].value);
        else
            vv_jw_null(writer);
    }
    vv_jw_end(writer);
}

/* "" stands for null in partitionValues, whatever the type of the column. */
static void write_partition_values(struct vv_json_writer *writer, const struct vv_pairs *values)
{
    vv_jw_key(writer, "partitionValues");
    vv_jw_object(writer);
    for (size_t index = 0; index < values->len; index++) {
        vv_jw_key_str(writer, values->items[index].name);
        if (values->items[index].value.len > 0)
            vv_jw_string(writer, values->items[index].value);
        else
            vv_jw_null(writer);
    }
    vv_jw_end(writer);
}

static void write_texts(struct vv_json_writer *writer, const char *name,
    const struct vv_str *texts, size_t len)
{
    vv_jw_key(writer, name);
    vv_jw_array(writer);
    for (size_t index = 0; index < len; index++)
        vv_jw_string(writer, texts[index]);
    vv_jw_end(writer);
}

static void write_text_if(struct vv_json_writer *writer, const char *name, struct vv_str text)
{
    if (text.ptr)
        vv_jw_key_string(writer, name, text);
}

static void write_id_if(struct vv_json_writer *writer, const char *name, int64_t id)
{
    if (id >= 0)
        vv_jw_key_int(writer, name, id);
}

static void write_dv_if(struct vv_json_writer *writer, const struct vv_deletion_vector *dv)
{
    if (!dv)
        return;
    vv_jw_key(writer, "deletionVector");
    vv_jw_object(writer);
    vv_jw_key_string(writer, "storageType", (struct vv_str){&dv->storage, 1});
    vv_jw_key_string(writer, "pathOrInlineDv", dv->path_or_inline);
    if (dv->has_offset)
        vv_jw_key_int(writer, "offset", dv->offset);
    vv_jw_key_int(writer, "sizeInBytes", dv->size_bytes);
    vv_jw_key_int(writer, "cardinality", dv->cardinality);
    vv_jw_end(writer);
}

static struct vv_json_writer begin_line(const char *action, struct vv_buf *out)
{
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(out);

    vv_jw_object(&writer);
    vv_jw_key(&writer, action);
    vv_jw_object(&writer);
    return writer;
}

static void end_line(struct vv_json_writer *writer)
{
    vv_jw_end(writer);
    vv_jw_end(writer);
    vv_buf_addc(writer->buf, '\n');
}

void vv_action_write_protocol(const struct vv_protocol *protocol, struct vv_buf *out)
{
    struct vv_json_writer writer = begin_line("protocol", out);

    vv_jw_key_int(&writer, "minReaderVersion", protocol->min_reader);
    vv_jw_key_int(&writer, "minWriterVersion", protocol->min_writer);
    /* An empty list below versions 3 and 7 makes a table unreadable for others: absent it is. */
    if (protocol->has_reader_features)
        write_texts(&writer, "readerFeatures", protocol->reader_features,
            protocol->reader_features_len);
    if (protocol->has_writer_features)
        write_texts(&writer, "writerFeatures", protocol->writer_features,
            protocol->writer_features_len);
    end_line(&writer);
}

void vv_action_write_metadata(const struct vv_metadata *metadata, struct vv_buf *out)
{
    struct vv_json_writer writer = begin_line("metaData", out);

    vv_jw_key_string(&writer, "id", metadata->id);
    write_text_if(&writer, "name", metadata->name);
    write_text_if(&writer, "description", metadata->description);
    vv_jw_key(&writer, "format");
    vv_jw_object(&writer);
    vv_jw_key_string(&writer, "provider",
        metadata->format_provider.ptr ? metadata->format_provider : VV_STR("parquet"));
    write_pairs(&writer, "options", &metadata->format_options);
    vv_jw_end(&writer);
    vv_jw_key_string(&writer, "schemaString", metadata->schema_json);
    write_texts(&writer, "partitionColumns", metadata->partition_columns,
        metadata->partition_columns_len);
    write_pairs(&writer, "configuration", &metadata->configuration);
    if (metadata->created_ms != VV_NO_TIME)
        vv_jw_key_int(&writer, "createdTime", metadata->created_ms);
    end_line(&writer);
}

void vv_action_write_txn(const struct vv_txn *txn, struct vv_buf *out)
{
    struct vv_json_writer writer = begin_line("txn", out);

    vv_jw_key_string(&writer, "appId", txn->app_id);
    vv_jw_key_int(&writer, "version", txn->version);
    if (txn->last_updated_ms != VV_NO_TIME)
        vv_jw_key_int(&writer, "lastUpdated", txn->last_updated_ms);
    end_line(&writer);
}

void vv_action_write_domain(const struct vv_domain *domain, struct vv_buf *out)
{
    struct vv_json_writer writer = begin_line("domainMetadata", out);

    vv_jw_key_string(&writer, "domain", domain->domain);
    vv_jw_key_string(&writer, "configuration",
        domain->configuration.ptr ? domain->configuration : VV_STR(""));
    vv_jw_key_bool(&writer, "removed", domain->removed);
    end_line(&writer);
}

void vv_action_write_add(const struct vv_file *file, struct vv_buf *out)
{
    struct vv_json_writer writer = begin_line("add", out);

    vv_jw_key_string(&writer, "path", file->path);
    write_partition_values(&writer, &file->partition_values);
    vv_jw_key_int(&writer, "size", file->bytes);
    vv_jw_key_int(&writer, "modificationTime", file->modified_ms);
    vv_jw_key_bool(&writer, "dataChange", file->data_change);
    write_text_if(&writer, "stats", file->stats);
    if (file->tags.len > 0)
        write_pairs(&writer, "tags", &file->tags);
    write_dv_if(&writer, file->dv);
    write_id_if(&writer, "baseRowId", file->base_row_id);
    write_id_if(&writer, "defaultRowCommitVersion", file->row_commit_version);
    write_text_if(&writer, "clusteringProvider", file->clustering_provider);
    end_line(&writer);
}

void vv_action_write_remove(const struct vv_remove *remove, struct vv_buf *out)
{
    struct vv_json_writer writer = begin_line("remove", out);

    vv_jw_key_string(&writer, "path", remove->path);
    if (remove->deleted_ms > 0)
        vv_jw_key_int(&writer, "deletionTimestamp", remove->deleted_ms);
    vv_jw_key_bool(&writer, "dataChange", remove->data_change);
    if (remove->extended && remove->bytes >= 0) {
        vv_jw_key_bool(&writer, "extendedFileMetadata", true);
        write_partition_values(&writer, &remove->partition_values);
        vv_jw_key_int(&writer, "size", remove->bytes);
    }
    if (remove->tags.len > 0)
        write_pairs(&writer, "tags", &remove->tags);
    write_dv_if(&writer, remove->dv);
    write_id_if(&writer, "baseRowId", remove->base_row_id);
    write_id_if(&writer, "defaultRowCommitVersion", remove->row_commit_version);
    end_line(&writer);
}

void vv_action_write_cdc(const struct vv_cdc *cdc, struct vv_buf *out)
{
    struct vv_json_writer writer = begin_line("cdc", out);

    vv_jw_key_string(&writer, "path", cdc->path);
    write_partition_values(&writer, &cdc->partition_values);
    vv_jw_key_int(&writer, "size", cdc->bytes);
    vv_jw_key_bool(&writer, "dataChange", false); /* the rows are in the adds and removes */
    if (cdc->tags.len > 0)
        write_pairs(&writer, "tags", &cdc->tags);
    end_line(&writer);
}

void vv_actions_write(const struct vv_actions *actions, struct vv_buf *out)
{
    if (actions->protocol)
        vv_action_write_protocol(actions->protocol, out);
    if (actions->metadata)
        vv_action_write_metadata(actions->metadata, out);
    for (size_t index = 0; index < actions->txns.len; index++)
        vv_action_write_txn(&actions->txns.items[index], out);
    for (size_t index = 0; index < actions->domains.len; index++)
        vv_action_write_domain(&actions->domains.items[index], out);
    for (size_t index = 0; index < actions->removes.len; index++)
        vv_action_write_remove(&actions->removes.items[index], out);
    for (size_t index = 0; index < actions->adds.len; index++)
        vv_action_write_add(&actions->adds.items[index], out);
    for (size_t index = 0; index < actions->cdcs.len; index++)
        vv_action_write_cdc(&actions->cdcs.items[index], out);
}
