#include "table/audit/peers.h"

#define READER_MAX 3
#define WRITER_MAX 7
#define SPARK_LISTS 203   /* Delta 2.3 read and wrote lists of features first */
#define SPARK_MAPPING 102 /* reader version 2 */

static const struct vv_peer_facts peers[VV_PEERS] = {
    [VV_PEER_SPARK] = {"Spark", "4.2, Delta 4.4", NULL, NULL,
        "needs Varve's LogStore (spark/README.md): its own checks and then renames", false},
    [VV_PEER_DELTA_RS] = {"delta-rs", "deltalake 1.6",
        "by QueryBuilder, not to_pyarrow or to_pandas", NULL,
        "put-if-absent by a hard link, as Varve", true},
    [VV_PEER_POLARS] = {"polars", "2.1", NULL, NULL, "writes by deltalake: put-if-absent",
        true},
    [VV_PEER_KERNEL] = {"delta-kernel-rs", "0.27", NULL, "appends only",
        "put-if-absent by a hard link, as Varve", true},
    [VV_PEER_DUCKDB] = {"DuckDB", "delta extension of 1.5", NULL, "INSERT only",
        "writes by delta-kernel-rs: put-if-absent", true},
};

const struct vv_peer_facts *vv_peer_facts(enum vv_peer peer)
{
    return &peers[peer];
}

/*
 * `spark`: the release of Delta Lake that had the feature first; 0: every one. Of the others
 * two letters, reading and writing: y, p (partly) or n. Reading counts for reader features alone.
 */
static const struct fact {
    const char *feature;
    int16_t spark;
    const char *delta_rs, *polars, *kernel, *duckdb;
} facts[] = {
    {"appendOnly", 0, "yy", "yy", "yy", "yy"},
    {"invariants", 0, "yy", "yy", "yp", "yp"},
    {"checkConstraints", 8, "yy", "yy", "yn", "yn"},
    {"changeDataFeed", 200, "yy", "yy", "yy", "yy"},
    {"generatedColumns", 100, "yy", "yy", "yn", "yn"},
    {"columnMapping", 102, "py", "ny", "yy", "yy"},
    {"identityColumns", 303, "yn", "yn", "yn", "yn"},
    {"deletionVectors", 203, "py", "yy", "yy", "yy"},
    {"timestampNtz", 204, "yy", "yy", "yy", "yy"},
    {"v2Checkpoint", 300, "py", "ny", "yy", "yy"},
    {"domainMetadata", 300, "yn", "yn", "yy", "yy"},
    {"icebergCompatV1", 300, "yn", "yn", "yn", "yn"},
    {"icebergCompatV2", 301, "yn", "yn", "yn", "yn"},
    {"allowColumnDefaults", 301, "yn", "yn", "yp", "yp"},
    {"clustering", 301, "yn", "yn", "yy", "yy"},
    {"rowTracking", 302, "yn", "yn", "yp", "yp"},
    {"typeWidening-preview", 302, "nn", "nn", "yn", "yn"},
    {"typeWidening", 400, "nn", "nn", "yn", "yn"},
    {"inCommitTimestamp", 303, "yn", "yn", "yy", "yy"},
    {"vacuumProtocolCheck", 303, "nn", "nn", "yy", "yy"},
    {"variantType-preview", 400, "yy", "yy", "yy", "yy"},
    {"variantType", 401, "yy", "yy", "yy", "yy"},
    {"variantShredding-preview", 401, "nn", "nn", "yy", "yy"},
    {"variantShredding", 404, "nn", "nn", "yy", "yy"},
    {"checkpointProtection", 400, "yn", "yn", "yn", "yn"},
    {"icebergCompatV3", 404, "yn", "yn", "yy", "yy"},
    {"materializePartitionColumns", 404, "yn", "yn", "yy", "yy"},
};

static const char *letters_of(const struct fact *fact, enum vv_peer peer)
{
    if (peer == VV_PEER_DELTA_RS)
        return fact->delta_rs;
    if (peer == VV_PEER_POLARS)
        return fact->polars;
    return peer == VV_PEER_KERNEL ? fact->kernel : fact->duckdb;
}

static const struct fact *find_fact(struct vv_str feature)
{
    for (size_t i = 0; i < VV_COUNT(facts); i++)
        if (vv_str_eq(feature, vv_str_of(facts[i].feature)))
            return &facts[i];
    return NULL;
}

static enum vv_support support_of(char letter)
{
    if (letter == 'n')
        return VV_SUPPORT_NO;
    return letter == 'p' ? VV_SUPPORT_PARTLY : VV_SUPPORT_YES;
}

static void lower(enum vv_support *support, enum vv_support to)
{
    if (to < *support)
        *support = to;
}

static void raise(int32_t *since, int32_t to)
{
    if (to > *since)
        *since = to;
}

/* What one feature means for Spark, whose releases have more and more of them. */
static void judge_spark(const struct fact *fact, const struct vv_feature_state *feature,
    struct vv_peer_verdict *verdict)
{
    if (fact != NULL) {
        raise(&verdict->write_since, fact->spark);
        if (feature->is_reader)
            raise(&verdict->read_since, fact->spark);
        return;
    }
    verdict->write_limits[verdict->write_limits_len++] = feature->name;
    lower(&verdict->write, VV_SUPPORT_NO);
    if (!feature->is_reader)
        return;
    verdict->read_limits[verdict->read_limits_len++] = feature->name;
    lower(&verdict->read, VV_SUPPORT_NO);
}

/* A feature that supports less than those before it takes the place of their limits. */
static void limit(enum vv_support *support, enum vv_support to, struct vv_str feature,
    struct vv_str *limits, size_t *limits_len)
{
    if (to == VV_SUPPORT_YES || to > *support)
        return;
    if (to < *support)
        *limits_len = 0;
    *support = to;
    limits[(*limits_len)++] = feature;
}

static void judge_other(enum vv_peer peer, const struct fact *fact,
    const struct vv_feature_state *feature, struct vv_peer_verdict *verdict)
{
    const char *letters = fact != NULL ? letters_of(fact, peer) : "nn";
    if (feature->is_reader)
        limit(&verdict->read, support_of(letters[0]), feature->name, verdict->read_limits,
            &verdict->read_limits_len);
    limit(&verdict->write, support_of(letters[1]), feature->name, verdict->write_limits,
        &verdict->write_limits_len);
}

varve_status vv_peer_judge(struct vv_op *op, struct vv_arena *arena, enum vv_peer peer,
    const struct vv_protocol *protocol, const struct vv_feature_state *features,
    size_t features_len, struct vv_peer_verdict *out)
{
    struct vv_peer_verdict verdict = {.read = VV_SUPPORT_YES, .write = VV_SUPPORT_YES};
    verdict.read_limits = vv_new(arena, struct vv_str, features_len + 1);
    verdict.write_limits = vv_new(arena, struct vv_str, features_len + 1);
    if (verdict.read_limits == NULL || verdict.write_limits == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < features_len; i++) {
        const struct fact *fact = find_fact(features[i].name);
        if (peer == VV_PEER_SPARK)
            judge_spark(fact, &features[i], &verdict);
        else
            judge_other(peer, fact, &features[i], &verdict);
    }
    if (protocol->min_reader > READER_MAX)
        verdict.read = VV_SUPPORT_NO;
    if (protocol->min_writer > WRITER_MAX)
        verdict.write = VV_SUPPORT_NO;
    if (peer == VV_PEER_SPARK && protocol->min_writer >= WRITER_MAX)
        raise(&verdict.write_since, SPARK_LISTS);
    if (peer == VV_PEER_SPARK && protocol->min_reader >= 2)
        raise(&verdict.read_since,
            protocol->min_reader >= READER_MAX ? SPARK_LISTS : SPARK_MAPPING);
    /* polars writes by deltalake, which reads more than polars. */
    if (verdict.read == VV_SUPPORT_NO && peer != VV_PEER_POLARS)
        verdict.write = VV_SUPPORT_NO;
    if (peer == VV_PEER_KERNEL || peer == VV_PEER_DUCKDB)
        lower(&verdict.write, VV_SUPPORT_PARTLY);
    *out = verdict;
    return VARVE_OK;
}
