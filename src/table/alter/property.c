#include "table/alter/property.h"

#include <inttypes.h>

#include "base/number.h"
#include "base/time.h"
#include "table/rules.h"

#define NAME_BYTES_MAX 120
#define NEAR_MAX 5 /* bytes between names that are alike */

enum kind {
    ANY,
    BOOLEAN,
    OFF, /* true needs a feature that Varve gives to no table */
    SPAN,
    COUNT,
    NATURAL,
    INDEXED,
    FILES,
    SIZE,
    COLUMNS, /* judged with the table: table/rules.h */
    WORD,    /* one of `words` */
    FORMAT,
    PROTECTION,
    WRITTEN, /* by who writes the table, never by hand */
    VERSION,
    COORDINATED
};

/*
 * All of Delta and Varve. What those of maintenance mean: docs/maintenance.md and
 * table/maintain/policy.h.
 */
static const struct property {
    const char *name;
    enum kind kind;
    const char *feature; /* needed where the value is true; NULL: none */
    const char *words;   /* by blanks, as they are stored */
} properties[] = {
    {"delta.appendOnly", BOOLEAN, "appendOnly", NULL},
    {"delta.autoOptimize.autoCompact", BOOLEAN, NULL, NULL},
    {"delta.autoOptimize.optimizeWrite", BOOLEAN, NULL, NULL},
    {"delta.checkpoint.writeStatsAsJson", BOOLEAN, NULL, NULL},
    {"delta.checkpoint.writeStatsAsStruct", BOOLEAN, NULL, NULL},
    {"delta.checkpointInterval", COUNT, NULL, NULL},
    {"delta.checkpointPolicy", WORD, "v2Checkpoint", "classic"},
    {"delta.checkpointRetentionDuration", SPAN, NULL, NULL},
    {"delta.columnMapping.maxColumnId", WRITTEN, NULL, NULL},
    {"delta.columnMapping.mode", WRITTEN, NULL, NULL},
    {"delta.compatibility.symlinkFormatManifest.enabled", BOOLEAN, NULL, NULL},
    {"delta.coordinatedCommits.commitCoordinator-preview", COORDINATED, NULL, NULL},
    {"delta.coordinatedCommits.commitCoordinatorConf-preview", COORDINATED, NULL, NULL},
    {"delta.coordinatedCommits.tableConf-preview", COORDINATED, NULL, NULL},
    {"delta.dataSkippingNumIndexedCols", INDEXED, NULL, NULL},
    {"delta.dataSkippingStatsColumns", ANY, NULL, NULL},
    {"delta.dataSkippingStringPrefixLength", NATURAL, NULL, NULL},
    {"delta.deletedFileRetentionDuration", SPAN, NULL, NULL},
    {"delta.enableChangeDataFeed", BOOLEAN, "changeDataFeed", NULL},
    {"delta.enableDeletionVectors", BOOLEAN, "deletionVectors", NULL},
    {"delta.enableExpiredLogCleanup", BOOLEAN, NULL, NULL},
    {"delta.enableFullRetentionRollback", BOOLEAN, NULL, NULL},
    {"delta.enableIcebergCompatV1", OFF, "icebergCompatV1", NULL},
    {"delta.enableIcebergCompatV2", OFF, "icebergCompatV2", NULL},
    {"delta.enableIcebergCompatV3", OFF, "icebergCompatV3", NULL},
    {"delta.enableInCommitTimestamps", BOOLEAN, "inCommitTimestamp", NULL},
    {"delta.enableMaterializePartitionColumnsFeature", OFF, "materializePartitionColumns",
        NULL},
    {"delta.enableRowTracking", BOOLEAN, "rowTracking", NULL},
    {"delta.enableTypeWidening", BOOLEAN, "typeWidening", NULL},
    {"delta.enableVariantShredding", BOOLEAN, "variantShredding", NULL},
    {"delta.identity.allowExplicitInsert", BOOLEAN, NULL, NULL},
    {"delta.inCommitTimestampEnablementTimestamp", WRITTEN, NULL, NULL},
    {"delta.inCommitTimestampEnablementVersion", WRITTEN, NULL, NULL},
    {"delta.isolationLevel", WORD, NULL, "Serializable WriteSerializable"},
    {"delta.logRetentionDuration", SPAN, NULL, NULL},
    {"delta.minReaderVersion", VERSION, NULL, NULL},
    {"delta.minWriterVersion", VERSION, NULL, NULL},
    {"delta.parquet.compression.codec", WORD, NULL,
        "zstd snappy gzip lz4 lz4_raw none uncompressed"},
    {"delta.parquet.format.version", FORMAT, NULL, NULL},
    {"delta.randomPrefixLength", COUNT, NULL, NULL},
    {"delta.randomizeFilePrefixes", BOOLEAN, NULL, NULL},
    {"delta.requireCheckpointProtectionBeforeVersion", PROTECTION, "checkpointProtection",
        NULL},
    {"delta.rowTracking.materializedRowCommitVersionColumnName", WRITTEN, NULL, NULL},
    {"delta.rowTracking.materializedRowIdColumnName", WRITTEN, NULL, NULL},
    {"delta.sampleRetentionDuration", SPAN, NULL, NULL},
    {"delta.setTransactionRetentionDuration", SPAN, NULL, NULL},
    {"delta.targetFileSize", SIZE, NULL, NULL},
    {"delta.tuneFileSizesForRewrites", BOOLEAN, NULL, NULL},
    {"delta.universalFormat.enabledFormats", WORD, "icebergCompatV2", "hudi"},
    {"delta.writePartitionColumnsToParquet", OFF, "materializePartitionColumns", NULL},
    {VV_PROPERTY_KEY, COLUMNS, NULL, NULL},
    {"varve.maintain", BOOLEAN, NULL, NULL},
    {"varve.maintain.reclusterAfter", SPAN, NULL, NULL},
    {"varve.maintain.sealAfter", SPAN, NULL, NULL},
    {"varve.maintain.tierFiles", FILES, NULL, NULL},
    {"varve.maintain.vacuumEvery", SPAN, NULL, NULL},
    {VV_PROPERTY_ORDER_BY, COLUMNS, NULL, NULL},
    {VV_PROPERTY_PARTITION_FROM, COLUMNS, NULL, NULL},
    {VV_PROPERTY_ZORDER, COLUMNS, NULL, NULL},
};

static const struct property *find_property(struct vv_str name)
{
    for (size_t i = 0; i < VV_COUNT(properties); i++)
        if (vv_str_eq_nocase(name, vv_str_of(properties[i].name)))
            return &properties[i];
    return NULL;
}

/* Of two names how many bytes of the one have to be put in, taken out or changed; at most `most`. */
static size_t distance(struct vv_str a, struct vv_str b, size_t most)
{
    size_t row[NAME_BYTES_MAX + 1];
    if (a.len > NAME_BYTES_MAX || b.len > NAME_BYTES_MAX)
        return most;
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            bool is_same = (a.ptr[i - 1] | 0x20) == (b.ptr[j - 1] | 0x20);
            size_t changed = corner + (is_same ? 0 : 1);
            size_t least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
            corner = row[j];
            row[j] = changed < least ? changed : least;
        }
    }
    return row[b.len] < most ? row[b.len] : most;
}

static void find_nearest(struct vv_str name, const char *candidate, size_t *least,
    const char **out)
{
    size_t edits = distance(name, vv_str_of(candidate), *least);
    if (edits < *least)
        *out = candidate;
    *least = edits;
}

static bool begins(struct vv_str name, struct vv_str prefix)
{
    return vv_str_eq_nocase(vv_str_first(name, prefix.len), prefix);
}

/* As Spark has it: delta.* is a list that is closed, and varve.* is one; all else is the user's own. */
static varve_status check_unknown(struct vv_op *op, struct vv_str name)
{
    const char *nearest = NULL;
    size_t least = NEAR_MAX + 1;
    bool is_delta = begins(name, VV_STR("delta."));
    if (begins(name, VV_STR(VV_PROPERTY_WARN)) || !(is_delta || begins(name, VV_STR("varve."))))
        return VARVE_OK;
    for (size_t i = 0; i < VV_COUNT(properties); i++)
        find_nearest(name, properties[i].name, &least, &nearest);
    for (size_t i = sizeof(VV_PROPERTY_WARN) - 1; i < name.len && nearest == NULL; i++)
        if (name.ptr[i - 1] == '.' &&
            distance(vv_str_first(name, i), VV_STR(VV_PROPERTY_WARN), 4) < 4)
            nearest = VV_PROPERTY_WARN "NAME";
    return vv_fail(op, VARVE_EUSAGE,
        "there is no property %.*s%s%s%s: names that begin with %s", VV_ARG(name),
        nearest != NULL ? " (is it " : "", nearest != NULL ? nearest : "",
        nearest != NULL ? "?)" : "",
        is_delta ? "delta. are Delta's own" : "varve. are Varve's own");
}

static bool is_boolean(struct vv_str value)
{
    return vv_str_eq_nocase(value, VV_STR("true")) || vv_str_eq_nocase(value, VV_STR("false"));
}

/* The word as it is stored; ptr NULL where it is none of them. */
static struct vv_str find_word(const char *words, struct vv_str value)
{
    struct vv_str rest = vv_str_of(words);
    struct vv_str word;
    while (rest.len > 0 && vv_str_split(&rest, ' ', &word))
        if (vv_str_eq_nocase(word, value))
            return word;
    return VV_STR_NONE;
}

/* 1.0.0, or 2 and any other two numbers. */
static bool is_format(struct vv_str value)
{
    struct vv_str rest = value;
    struct vv_str part;
    size_t parts = 0;
    if (vv_str_eq(value, VV_STR("1.0.0")))
        return true;
    for (; rest.len > 0 && vv_str_split(&rest, '.', &part); parts++)
        if (!vv_str_is_digits(part) || (parts == 0 && !vv_str_eq(part, VV_STR("2"))))
            return false;
    return parts == 3 && value.ptr[value.len - 1] != '.';
}

/* What Varve does not do for a table is refused, not noted down: others would count on it. */
static varve_status check_allowed(struct vv_op *op, const struct property *property,
    struct vv_str value)
{
    int64_t number = 0;
    bool is_true = vv_str_eq_nocase(value, VV_STR("true"));
    bool is_iceberg = vv_str_eq_nocase(value, VV_STR("iceberg"));
    bool is_v2 = vv_str_eq_nocase(value, VV_STR("v2"));
    bool asks = (property->kind == OFF && is_true) ||
                (property->kind == PROTECTION && vv_str_int64(value, &number) && number > 0) ||
                (property->kind == WORD && property->feature != NULL && (is_iceberg || is_v2));
    if (property->kind == WRITTEN)
        return vv_fail(op, VARVE_EUSAGE, "%s is not set by hand: who writes the table sets it",
            property->name);
    if (property->kind == VERSION)
        return vv_fail(op, VARVE_EUSAGE,
            "%s is no property: a table has the protocol that its features need (alter TABLE "
            "upgrade FEATURE adds one)",
            property->name);
    if (property->kind == COORDINATED)
        return vv_fail(op, VARVE_EUNSUPPORTED,
            "%s needs the table feature coordinatedCommits-preview, which Varve does not write",
            property->name);
    if (asks)
        return vv_fail(op, VARVE_EUNSUPPORTED,
            "%s=%.*s needs the table feature %s%s, which Varve does not write", property->name,
            VV_ARG(value), property->feature, is_v2 ? "'s checkpoints" : "");
    return VARVE_OK;
}

/* NULL: it is a value that the property can have. */
static const char *wanted_value(const struct property *property, struct vv_str value)
{
    int64_t number = 0;
    bool is_number = vv_str_int64(value, &number);
    switch ((int)property->kind) {
    case BOOLEAN:
    case OFF:
        return is_boolean(value) ? NULL : "true or false";
    case SPAN:
        return vv_time_parse_duration(value, &number) && number >= 0
                   ? NULL
                   : "a time span such as \"interval 30 days\"";
    case COUNT:
        return is_number && number > 0 ? NULL : "a number above 0";
    case NATURAL:
    case PROTECTION:
        return is_number && number >= 0 ? NULL : "a number, 0 or above";
    case INDEXED:
        return is_number && number >= -1 ? NULL : "a number of columns, or -1 for all of them";
    case FILES:
        return is_number && number >= 2 && number <= 1000 ? NULL : "a number from 2 to 1000";
    case SIZE:
        return vv_bytes_parse(value, &number) && number > 0 ? NULL : "a size such as 100mb";
    case WORD:
        return find_word(property->words, value).ptr != NULL ? NULL : property->words;
    case FORMAT:
        return is_format(value) ? NULL : "1.0.0 or 2.12.0 (or another 2.x.x)";
    default:
        return NULL;
    }
}

static varve_status check_value(struct vv_op *op, const struct property *property,
    struct vv_str value)
{
    VV_TRY(check_allowed(op, property, value));
    const char *wanted = wanted_value(property, value);
    if (wanted == NULL)
        return VARVE_OK;
    bool is_choice = property->kind == WORD && strchr(wanted, ' ') != NULL;
    return vv_fail(op, VARVE_EUSAGE, "%s has to be %s%s, not \"%.*s\"", property->name,
        is_choice ? "one of " : "", wanted, VV_ARG(value));
}

varve_status vv_property_span(struct vv_op *op, int64_t us, struct vv_str *out)
{
    static const struct {
        int64_t us;
        const char *name;
    } units[] = {{VV_US_PER_DAY, "days"}, {3600 * VV_US_PER_S, "hours"},
        {60 * VV_US_PER_S, "minutes"}, {VV_US_PER_S, "seconds"}, {1, "microseconds"}};
    size_t i = 0;
    while (us % units[i].us != 0)
        i++;
    *out =
        vv_arena_format(&op->arena, "interval %" PRId64 " %s", us / units[i].us, units[i].name);
    return out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

varve_status vv_property_check(struct vv_op *op, struct vv_str name, struct vv_str value,
    struct vv_property *out)
{
    const struct property *property = find_property(name);
    int64_t us = 0;
    *out = (struct vv_property){.name = name, .value = value};
    if (property == NULL)
        return check_unknown(op, name);
    VV_TRY(check_value(op, property, value));
    out->name = vv_str_of(property->name);
    if (property->kind == WORD)
        out->value = find_word(property->words, value);
    if (property->feature != NULL && vv_str_eq_nocase(value, VV_STR("true")))
        out->feature = property->feature;
    bool is_read_by_others = property->kind == SPAN && begins(out->name, VV_STR("delta."));
    return is_read_by_others && vv_time_parse_duration(value, &us)
               ? vv_property_span(op, us, &out->value)
               : VARVE_OK;
}
