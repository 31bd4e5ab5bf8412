#include "delta/checkpoint_columns.h"

#include "base/json_write.h"
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

/* Whether `type` holds a leaf that the statistics of this kind can speak of. */
static bool has_leaf(const struct vv_type *type, bool ordered_only)
{
    if (type->kind != VV_TYPE_STRUCT)
        return type->kind != VV_TYPE_VOID && (!ordered_only || vv_type_is_ordered(type)) &&
               !(ordered_only && type->kind == VV_TYPE_BOOLEAN);
    for (size_t i = 0; i < type->fields_len; i++)
        if (has_leaf(&type->fields[i].type, ordered_only))
            return true;
    return false;
}

static void add_leaf(const struct vv_type *type, bool ordered_only,
    struct vv_json_writer *json);

static void add_members(const struct vv_field *fields, size_t len, bool ordered_only,
    const struct vv_snapshot *top, struct vv_json_writer *json)
{
    vv_jw_object(json);
    for (size_t i = 0; i < len; i++) {
        bool is_partition = top != NULL && vv_snapshot_is_partition(top, (int32_t)i);
        if (is_partition || !has_leaf(&fields[i].type, ordered_only))
            continue;
        vv_jw_key_str(json, fields[i].physical_name);
        add_leaf(&fields[i].type, ordered_only, json);
    }
    vv_jw_end(json);
}

static void add_leaf(const struct vv_type *type, bool ordered_only, struct vv_json_writer *json)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf name = VV_BUF_INIT(VV_BUF_MAX);
    if (type->kind == VV_TYPE_STRUCT) {
        add_members(type->fields, type->fields_len, ordered_only, NULL, json);
        return;
    }
    if (ordered_only)
        vv_type_sql(type, &name);
    else
        vv_buf_adds(&name, "BIGINT");
    vv_jw_string(json, vv_buf_str(&name));
}

/* The type of stats_parsed: minValues, maxValues and nullCount of the columns that have them. */
static void stats_shape(const struct vv_snapshot *snapshot, struct vv_buf *out)
{
    static const char *const kinds[] = {"minValues", "maxValues", "nullCount"};
    struct vv_json_writer json = VV_JSON_WRITER_INIT(out);
    const struct vv_schema *schema = &snapshot->schema;
    vv_jw_object(&json);
    vv_jw_key_string(&json, "numRecords", VV_STR("BIGINT"));
    for (size_t kind = 0; kind < VV_COUNT(kinds); kind++) {
        bool ordered_only = kind < 2;
        bool any = false;
        for (size_t i = 0; i < schema->fields_len; i++)
            any = any || (!vv_snapshot_is_partition(snapshot, (int32_t)i) &&
                             has_leaf(&schema->fields[i].type, ordered_only));
        if (!any)
            continue;
        vv_jw_key(&json, kinds[kind]);
        add_members(schema->fields, schema->fields_len, ordered_only, snapshot, &json);
    }
    vv_jw_key_string(&json, "tightBounds", VV_STR("BOOLEAN"));
    vv_jw_end(&json);
}

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
        vv_buf_adds(sql, " := TRY_CAST(nullif(a.\"add\".partitionValues[");
        vv_sql_literal(sql, field->physical_name);
        vv_buf_adds(sql, "], '') AS ");
        vv_type_sql(&field->type, sql);
        vv_buf_addc(sql, ')');
    }
    vv_buf_addc(sql, ')');
}

/* `add` with what the table asks for; NULL stays NULL. */
static void add_column(const struct vv_snapshot *snapshot, struct vv_buf *sql)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf stats = VV_BUF_INIT(VV_BUF_MAX);
    bool as_json =
        vv_property_bool(snapshot->metadata, "delta.checkpoint.writeStatsAsJson", true);
    bool as_struct =
        vv_property_bool(snapshot->metadata, "delta.checkpoint.writeStatsAsStruct", false);
    if (!as_json && !as_struct) {
        vv_buf_adds(sql, "a.\"add\" AS \"add\"");
        return;
    }
    vv_buf_adds(sql, "CASE WHEN a.\"add\" IS NOT NULL THEN struct_insert(a.\"add\"");
    if (as_json)
        vv_buf_adds(sql, ", stats := a.stats");
    if (as_struct) {
        stats_shape(snapshot, &stats);
        add_partition_values(snapshot, sql);
        /* Statistics are hints: those that are no JSON are none here. */
        vv_buf_adds(sql,
            ", stats_parsed := CASE WHEN json_valid(a.stats) THEN from_json(a.stats, ");
        vv_sql_literal(sql, vv_buf_str(&stats));
        vv_buf_adds(sql, ") END");
    }
    vv_buf_adds(sql, ") END AS \"add\"");
}

varve_status vv_checkpoint_select(struct vv_op *op, const struct vv_snapshot *snapshot,
    struct vv_str table, struct vv_str column, struct vv_buf *out_sql)
{
    vv_buf_adds(out_sql, "SELECT a.txn AS txn, ");
    add_column(snapshot, out_sql);
    vv_buf_adds(out_sql, ", a.\"remove\" AS \"remove\", a.metaData AS metaData, "
                         "a.protocol AS protocol, a.domainMetadata AS domainMetadata FROM "
                         "(SELECT unnest(from_json(");
    vv_sql_name(out_sql, column);
    vv_buf_adds(out_sql, ", ");
    vv_sql_literal(out_sql, vv_str_of(shape));
    vv_buf_adds(out_sql, ")), json_extract_string(");
    vv_sql_name(out_sql, column);
    vv_buf_adds(out_sql, ", '$.add.stats') AS stats FROM ");
    vv_sql_name(out_sql, table);
    vv_buf_adds(out_sql, ") AS a");
    return vv_buf_ok(out_sql) ? VARVE_OK : vv_fail_memory(op);
}
