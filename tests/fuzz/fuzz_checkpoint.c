/*
 * A checkpoint of version 1. 'p': the rest of the input is a Parquet file. 'v': a V2 checkpoint in
 * JSON. A digit: the rest are lines of JSON, made a Parquet file whose columns have one of several
 * shapes. What can be read is a state that a checkpoint of ours holds unchanged.
 */
#include "fuzz.h"

#include "delta/snapshot.h"
#include "engine/sql.h"
#include "fuzz_engine.h"
#include "harness/state_check.h"

#define CLASSIC_KEY "_delta_log/00000000000000000001.checkpoint.parquet"
#define V2_KEY \
    "_delta_log/00000000000000000001.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json"

#define MAP "\"MAP(VARCHAR, VARCHAR)\""
#define VECTOR                                                                            \
    "{\"storageType\":\"VARCHAR\",\"pathOrInlineDv\":\"VARCHAR\",\"offset\":\"INTEGER\"," \
    "\"sizeInBytes\":\"INTEGER\",\"cardinality\":\"BIGINT\"}"
#define PROTOCOL                                                                       \
    "\"protocol\":{\"minReaderVersion\":\"INTEGER\",\"minWriterVersion\":\"INTEGER\"," \
    "\"readerFeatures\":[\"VARCHAR\"],\"writerFeatures\":[\"VARCHAR\"]}"
#define METADATA                                                                         \
    "\"metaData\":{\"id\":\"VARCHAR\",\"name\":\"VARCHAR\",\"description\":\"VARCHAR\"," \
    "\"format\":"                                                                        \
    "{\"provider\":\"VARCHAR\",\"options\":" MAP "},\"schemaString\":\"VARCHAR\","       \
    "\"partitionColumns\":[\"VARCHAR\"],\"configuration\":" MAP ",\"createdTime\":\"BIGINT\"}"
#define ADD(size, values, more)                                                            \
    "\"add\":{\"path\":\"VARCHAR\",\"partitionValues\":" values ",\"size\":\"" size        \
    "\",\"modificationTime\":\"BIGINT\",\"dataChange\":\"BOOLEAN\",\"stats\":\"VARCHAR\"," \
    "\"tags\":" MAP more "}"
#define REST                                                                                \
    ",\"remove\":{\"path\":\"VARCHAR\",\"deletionTimestamp\":\"BIGINT\","                   \
    "\"partitionValues\":" MAP                                                              \
    ",\"extendedFileMetadata\":\"BOOLEAN\",\"size\":\"BIGINT\",\"deletionVector\":" VECTOR  \
    "},\"txn\":{\"appId\":\"VARCHAR\",\"version\":\"BIGINT\",\"lastUpdated\":\"BIGINT\"},"  \
    "\"domainMetadata\":{\"domain\":\"VARCHAR\",\"configuration\":\"VARCHAR\",\"removed\":" \
    "\"BOOLEAN\"},\"sidecar\":{\"path\":\"VARCHAR\",\"sizeInBytes\":\"BIGINT\"}"

static const char *const shapes[] = {
    "{" PROTOCOL "," METADATA "," ADD("BIGINT", MAP, "") REST "}",
    "{" PROTOCOL "," METADATA "," ADD("BIGINT", MAP, ",\"deletionVector\":" VECTOR) REST "}",
    "{" PROTOCOL "," METADATA "," ADD("BIGINT", MAP,
        ",\"stats_parsed\":{\"numRecords\":\"BIGINT\",\"minValues\":{\"x\":\"BIGINT\"}},"
        "\"partitionValues_parsed\":{\"p\":\"DATE\"}") "}",
    "{" PROTOCOL "," METADATA "," ADD("VARCHAR", "{\"p\":\"VARCHAR\"}", "") "}",
    "{" PROTOCOL "," METADATA "," ADD("DOUBLE", "\"VARCHAR\"",
        ",\"deletionVector\":{\"storageType\":\"INTEGER\"}") ",\"remove\":\"VARCHAR\"}",
    "{\"protocol\":{\"minReaderVersion\":\"VARCHAR\"},\"metaData\":{\"id\":\"BIGINT\","
    "\"format\":"
    "\"VARCHAR\",\"schemaString\":\"VARCHAR\"},\"add\":\"VARCHAR\"}",
};

static void put(struct vv_op *op, struct vv_store *store, const char *key, struct vv_str bytes)
{
    varve_status status = vv_store_put(op, store, vv_str_of(key), bytes);
    VV_PRE(status == VARVE_OK);
}

static bool is_done(struct vv_op *op, varve_status status)
{
    if (status != VARVE_OK)
        vv_forgive(op);
    return status == VARVE_OK;
}

/* False: the engine makes no file of these lines. */
static bool put_lines(struct vv_op *op, struct vv_store *store, struct vv_str lines,
    const char *shape)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_str key = VV_STR(CLASSIC_KEY);
    struct vv_str path;
    struct vv_str line;
    varve_status status = vv_store_stage(op, store, &op->arena, key, &path);
    VV_PRE(status == VARVE_OK);
    vv_buf_adds(&sql, "COPY (SELECT unnest(from_json(line, ");
    vv_sql_literal(&sql, vv_str_of(shape));
    vv_buf_adds(&sql, ")) FROM (VALUES (NULL::VARCHAR)");
    while (vv_str_split(&lines, '\n', &line)) {
        if (!vv_utf8_valid(line) || memchr(line.ptr, '\0', line.len) != NULL)
            return false;
        vv_buf_adds(&sql, ", (");
        vv_sql_literal(&sql, line);
        vv_buf_addc(&sql, ')');
    }
    vv_buf_adds(&sql, ") AS v(line) WHERE line IS NOT NULL) TO ");
    vv_sql_literal(&sql, path);
    vv_buf_adds(&sql, " (FORMAT parquet)");
    return is_done(op, vv_session_exec(op, fuzz_engine()->session, vv_buf_str(&sql))) &&
           is_done(op, vv_store_publish(op, store, &key, 1));
}

static bool put_checkpoint(struct vv_op *op, struct vv_store *store, struct vv_str input)
{
    struct vv_str rest = vv_str_skip(input, 1);
    if (input.len == 0)
        return false;
    if (input.ptr[0] == 'p')
        put(op, store, CLASSIC_KEY, rest);
    else if (input.ptr[0] == 'v')
        put(op, store, V2_KEY, rest);
    else if (input.ptr[0] >= '0' && (size_t)(input.ptr[0] - '0') < VV_COUNT(shapes))
        return put_lines(op, store, rest, shapes[input.ptr[0] - '0']);
    else
        return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    VV_CLEANUP(vv_store_close) struct vv_store *store = NULL;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    VV_CLEANUP(vv_buf_done) struct vv_buf report = VV_BUF_INIT(VV_BUF_MAX);
    struct test_state_ways ways;

    vv_op_init(&op, NULL, (size_t)1 << 30);
    varve_status status = vv_store_open_memory(&op, &store);
    VV_PRE(status == VARVE_OK);
    if (!put_checkpoint(&op, store, (struct vv_str){(const char *)data, size}))
        return 0;
    const struct vv_log_handle log = {store, fuzz_engine()->engine};
    status = vv_snapshot_load(&op, &log, VV_NO_VERSION, &snapshot);
    if (status != VARVE_OK) {
        VV_PRE(status == VARVE_ECORRUPT || status == VARVE_EUNSUPPORTED ||
               status == VARVE_ELIMIT);
        VV_PRE(op.error.message[0] != '\0');
        return 0;
    }
    bool is_same = test_state_check(NULL, &log, &ways, &report);
    /* Statistics that make no sense have no place in typed columns: they may get lost there. */
    struct vv_str as_json = vv_pairs_get(&snapshot->metadata->configuration,
        VV_STR("delta.checkpoint.writeStatsAsJson"));
    is_same = is_same || as_json.ptr != NULL;
    if (!is_same)
        (void)fprintf(stderr, "%s\n", vv_buf_str(&report).ptr);
    VV_PRE(is_same && ways.by_log);
    return 0;
}
