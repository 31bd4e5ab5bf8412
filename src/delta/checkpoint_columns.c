#include "delta/checkpoint_columns.h"

#include "delta/checkpoint_stats.h"
#include "delta/features.h"
#include "engine/sql.h"

#define MAP "\"MAP(VARCHAR, VARCHAR)\""
#define DELETION_VECTOR                                                                   \
    "{\"storageType\":\"VARCHAR\",\"pathOrInlineDv\":\"VARCHAR\",\"offset\":\"INTEGER\"," \
    "\"sizeInBytes\":\"INTEGER\",\"cardinality\":\"BIGINT\"}"

/* The types of all actions, in Spark's order, in the language of from_json. */
static const char shape[] =
    "{\"txn\":{\"appId\":\"VARCHAR\",\"version\":\"BIGINT\",\"lastUpdated\":\"BIGINT\"},"
    "\"add\":{\"path\":\"VARCHAR\",\"partitionValues\":" MAP ",\"size\":\"BIGINT\","
    "\"modificationTime\":\"BIGINT\",\"dataChange\":\"BOOLEAN\",\"tags\":" MAP ","
    "\"deletionVector\":" DELETION_VECTOR ",\"baseRowId\":\"BIGINT\","
    "\"defaultRowCommitVersion\":\"BIGINT\",\"clusteringProvider\":\"VARCHAR\"},"
    "\"remove\":{\"path\":\"VARCHAR\",\"deletionTimestamp\":\"BIGINT\","
    "\"dataChange\":\"BOOLEAN\",\"extendedFileMetadata\":\"BOOLEAN\",\"partitionValues\":" MAP
    ","
    "\"size\":\"BIGINT\",\"deletionVector\":" DELETION_VECTOR ",\"baseRowId\":\"BIGINT\","
    "\"defaultRowCommitVersion\":\"BIGINT\"},"
    "\"metaData\":{\"id\":\"VARCHAR\",\"name\":\"VARCHAR\",\"description\":\"VARCHAR\","
    "\"format\":{\"provider\":\"VARCHAR\",\"options\":" MAP "},\"schemaString\":\"VARCHAR\","
    "\"partitionColumns\":[\"VARCHAR\"],\"configuration\":" MAP ",\"createdTime\":\"BIGINT\"},"
    "\"protocol\":{\"minReaderVersion\":\"INTEGER\",\"minWriterVersion\":\"INTEGER\","
    "\"readerFeatures\":[\"VARCHAR\"],\"writerFeatures\":[\"VARCHAR\"]},"
    "\"domainMetadata\":{\"domain\":\"VARCHAR\",\"configuration\":\"VARCHAR\","
    "\"removed\":\"BOOLEAN\"}}";

static void add_partition_values(const struct vv_snapshot *snapshot, struct vv_buf *sql)
{
    const struct vv_metadata *metadata = snapshot->metadata;
    if (metadata->partition_columns_len == 0)
        return;
    vv_buf_adds(sql, ", partitionValues_parsed := struct_pack(");
    for (size_t i = 0; i < metadata->partition_columns_len; i++) {
        int32_t column = vv_schema_find(&snapshot->schema, metadata->partition_columns[i]);
        const struct vv_field *field = &snapshot->schema.fields[column];
        vv_buf_adds(sql, i == 0 ? "" : ", ");
        vv_sql_name(sql, field->physical_name);
        /* A cast to BLOB would go by escapes like \\x41; the value is the text's bytes. */
        bool is_binary = field->type.kind == VV_TYPE_BINARY;
        vv_buf_addf(sql, " := %s(nullif(a.\"add\".partitionValues[",
            is_binary ? "encode" : "TRY_CAST");
        vv_sql_literal(sql, field->physical_name);
        vv_buf_adds(sql, "], '')");
        if (!is_binary) {
            vv_buf_adds(sql, " AS ");
            vv_type_sql(&field->type, sql);
        }
        vv_buf_addc(sql, ')');
    }
    vv_buf_addc(sql, ')');
}

bool vv_checkpoint_has_parsed(const struct vv_snapshot *snapshot)
{
    return vv_property_bool(snapshot->metadata, "delta.checkpoint.writeStatsAsStruct", false);
}

/* `add` with what the table asks for; NULL stays NULL. */
static varve_status add_column(struct vv_op *op, const struct vv_snapshot *snapshot,
    struct vv_buf *sql)
{
    bool as_json =
        vv_property_bool(snapshot->metadata, "delta.checkpoint.writeStatsAsJson", true);
    bool as_struct = vv_checkpoint_has_parsed(snapshot);
    if (!as_json && !as_struct) {
        vv_buf_adds(sql, "a.\"add\" AS \"add\"");
        return VARVE_OK;
    }
    vv_buf_adds(sql, "CASE WHEN a.\"add\" IS NOT NULL THEN struct_insert(a.\"add\"");
    if (as_json)
        vv_buf_adds(sql, ", stats := a.stats");
    if (as_struct) {
        add_partition_values(snapshot, sql);
        vv_buf_adds(sql, ", stats_parsed := ");
        VV_TRY(vv_checkpoint_stats_sql(op, snapshot, "a.parsed", sql));
    }
    vv_buf_adds(sql, ") END AS \"add\"");
    return VARVE_OK;
}

varve_status vv_checkpoint_select(struct vv_op *op, const struct vv_snapshot *snapshot,
    const struct vv_checkpoint_lines *lines, struct vv_buf *out_sql)
{
    vv_buf_adds(out_sql, "SELECT a.txn AS txn, ");
    VV_TRY(add_column(op, snapshot, out_sql));
    vv_buf_adds(out_sql, ", a.\"remove\" AS \"remove\", a.metaData AS metaData, "
                         "a.protocol AS protocol, a.domainMetadata AS domainMetadata FROM "
                         "(SELECT unnest(from_json(");
    vv_sql_name(out_sql, lines->line);
    vv_buf_adds(out_sql, ", ");
    vv_sql_literal(out_sql, vv_str_of(shape));
    vv_buf_adds(out_sql, ")), json_extract_string(");
    vv_sql_name(out_sql, lines->line);
    vv_buf_adds(out_sql, ", '$.add.stats') AS stats, ");
    vv_sql_name(out_sql, lines->parsed);
    vv_buf_adds(out_sql, " AS parsed FROM ");
    vv_sql_name(out_sql, lines->table);
    vv_buf_adds(out_sql, ") AS a");
    return vv_buf_ok(out_sql) ? VARVE_OK : vv_fail_memory(op);
}
