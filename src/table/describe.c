#include "table/describe.h"

#include "base/json_write.h"
#include "base/number.h"
#include "base/time.h"
#include "delta/clustering.h"
#include "delta/stats.h"
#include "table/values.h"

varve_status vv_table_measure(struct vv_op *op, const struct vv_snapshot *snapshot,
    struct vv_table_size *out)
{
    struct vv_table_size size = {.files = (int64_t)snapshot->files_len};
    for (size_t i = 0; i < snapshot->files_len; i++) {
        const struct vv_file *file = snapshot->files[i];
        int64_t rows = -1;
        VV_TRY(vv_file_live_rows(op, file, &rows));
        size.bytes = vv_add_sizes(size.bytes, file->bytes);
        size.rows = rows < 0 || size.rows < 0 ? -1 : vv_add_sizes(size.rows, rows);
    }
    *out = size;
    return VARVE_OK;
}

static void write_texts(struct vv_json_writer *writer, const char *key,
    const struct vv_str *texts, size_t len)
{
    vv_jw_key(writer, key);
    vv_jw_array(writer);
    for (size_t i = 0; i < len; i++)
        vv_jw_string(writer, texts[i]);
    vv_jw_end(writer);
}

static void write_columns(struct vv_json_writer *writer, const char *key,
    const struct vv_schema *schema, const int32_t *columns, size_t len)
{
    vv_jw_key(writer, key);
    vv_jw_array(writer);
    for (size_t i = 0; i < len; i++)
        vv_jw_string(writer, schema->fields[columns[i]].name);
    vv_jw_end(writer);
}

static void write_protocol(struct vv_json_writer *writer, const struct vv_protocol *protocol)
{
    vv_jw_key(writer, "protocol");
    vv_jw_object(writer);
    vv_jw_key_int(writer, "minReaderVersion", protocol->min_reader);
    vv_jw_key_int(writer, "minWriterVersion", protocol->min_writer);
    write_texts(writer, "readerFeatures", protocol->reader_features,
        protocol->reader_features_len);
    write_texts(writer, "writerFeatures", protocol->writer_features,
        protocol->writer_features_len);
    vv_jw_end(writer);
}

void vv_describe_column(struct vv_json_writer *writer, const struct vv_field *field)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf type = VV_BUF_INIT(VV_BUF_MAX);
    vv_type_name(&field->type, &type);
    vv_jw_object(writer);
    vv_jw_key_string(writer, "name", field->name);
    vv_jw_key_string(writer, "type", vv_buf_str(&type));
}

static void write_schema(struct vv_json_writer *writer, const struct vv_schema *schema)
{
    vv_jw_key(writer, "schema");
    vv_jw_array(writer);
    for (size_t i = 0; i < schema->fields_len; i++) {
        vv_describe_column(writer, &schema->fields[i]);
        vv_jw_key_bool(writer, "nullable", schema->fields[i].nullable);
        if (vv_field_default(&schema->fields[i]).ptr != NULL)
            vv_jw_key_string(writer, "default", vv_field_default(&schema->fields[i]));
        if (vv_field_generated(&schema->fields[i]).ptr != NULL)
            vv_jw_key_string(writer, "generated", vv_field_generated(&schema->fields[i]));
        vv_jw_end(writer);
    }
    vv_jw_end(writer);
}

static void write_properties(struct vv_json_writer *writer, const struct vv_metadata *metadata)
{
    vv_jw_key(writer, "properties");
    vv_jw_object(writer);
    for (size_t i = 0; i < metadata->configuration.len; i++) {
        vv_jw_key_str(writer, metadata->configuration.items[i].name);
        if (metadata->configuration.items[i].value.ptr == NULL)
            vv_jw_null(writer);
        else
            vv_jw_string(writer, metadata->configuration.items[i].value);
    }
    vv_jw_end(writer);
}

static void write_time(struct vv_json_writer *writer, const char *key, int64_t ms)
{
    char text[32];
    if (ms == VV_NO_TIME) {
        vv_jw_key_string(writer, key, VV_STR_NONE);
        return;
    }
    size_t len = vv_time_format_ms(ms, text);
    vv_jw_key_string(writer, key, (struct vv_str){text, len});
}

varve_status vv_table_describe(struct vv_op *op, const struct vv_table *table,
    const struct vv_snapshot *snapshot, struct vv_buf *out_json)
{
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(out_json);
    const struct vv_metadata *metadata = snapshot->metadata;
    const struct vv_schema *schema = &snapshot->schema;
    struct vv_table_size size;
    struct vv_rules rules;
    VV_TRY(vv_table_measure(op, snapshot, &size));
    struct vv_clustering clustering;
    VV_TRY(vv_rules_read_lenient(op, &op->arena, snapshot, &rules));
    VV_TRY(vv_clustering_declared(op, &op->arena, snapshot, &clustering));
    vv_jw_object(&writer);
    vv_jw_key_string(&writer, "name", table->name);
    vv_jw_key_string(&writer, "location", table->store->location);
    vv_jw_key_string(&writer, "id", metadata->id);
    vv_jw_key_string(&writer, "description", metadata->description);
    vv_jw_key_int(&writer, "version", snapshot->version);
    write_time(&writer, "timestamp", snapshot->timestamp_ms);
    write_time(&writer, "createdAt", metadata->created_ms);
    write_protocol(&writer, snapshot->protocol);
    write_schema(&writer, schema);
    write_texts(&writer, "partitionColumns", metadata->partition_columns,
        metadata->partition_columns_len);
    write_columns(&writer, "key", schema, rules.key, rules.key_len);
    vv_jw_key_string(&writer, "orderBy",
        rules.order >= 0 ? schema->fields[rules.order].name : VV_STR_NONE);
    write_columns(&writer, "zorder", schema, rules.zorder, rules.zorder_len);
    write_texts(&writer, "clusteringColumns", clustering.names, clustering.len);
    write_properties(&writer, metadata);
    vv_jw_key_int(&writer, "files", size.files);
    vv_jw_key_int(&writer, "bytes", size.bytes);
    vv_jw_key(&writer, "rows");
    if (size.rows < 0)
        vv_jw_null(&writer);
    else
        vv_jw_int(&writer, size.rows);
    vv_jw_end(&writer);
    return vv_buf_ok(out_json) ? VARVE_OK : vv_fail_memory(op);
}
