#include "table/alter/property.h"

#include <inttypes.h>

#include "base/number.h"
#include "base/time.h"
#include "table/rules.h"

#define NAME_BYTES_MAX 120
#define NEAR_MAX 5 /* bytes between names that are alike */

/* What those of maintenance mean: docs/maintenance.md and table/maintain/policy.h. */
static const struct property {
    const char *name;
    enum {
        BOOLEAN,
        SPAN,
        COUNT,
        FILES,
        SIZE,
        COLUMNS /* judged with the table: table/rules.h */
    } kind;
    const char *feature; /* needed where the value is true; NULL: none */
} properties[] = {
    {"delta.appendOnly", BOOLEAN, "appendOnly"},
    {"delta.autoOptimize.autoCompact", BOOLEAN, NULL},
    {"delta.autoOptimize.optimizeWrite", BOOLEAN, NULL},
    {"delta.checkpoint.writeStatsAsJson", BOOLEAN, NULL},
    {"delta.checkpoint.writeStatsAsStruct", BOOLEAN, NULL},
    {"delta.checkpointInterval", COUNT, NULL},
    {"delta.checkpointRetentionDuration", SPAN, NULL},
    {"delta.deletedFileRetentionDuration", SPAN, NULL},
    {"delta.enableChangeDataFeed", BOOLEAN, "changeDataFeed"},
    {"delta.enableDeletionVectors", BOOLEAN, "deletionVectors"},
    {"delta.enableExpiredLogCleanup", BOOLEAN, NULL},
    {"delta.enableInCommitTimestamps", BOOLEAN, "inCommitTimestamp"},
    {"delta.enableRowTracking", BOOLEAN, "rowTracking"},
    {"delta.enableTypeWidening", BOOLEAN, "typeWidening"},
    {"delta.logRetentionDuration", SPAN, NULL},
    {"delta.sampleRetentionDuration", SPAN, NULL},
    {"delta.setTransactionRetentionDuration", SPAN, NULL},
    {"delta.targetFileSize", SIZE, NULL},
    {VV_PROPERTY_KEY, COLUMNS, NULL},
    {"varve.maintain", BOOLEAN, NULL},
    {"varve.maintain.reclusterAfter", SPAN, NULL},
    {"varve.maintain.sealAfter", SPAN, NULL},
    {"varve.maintain.tierFiles", FILES, NULL},
    {"varve.maintain.vacuumEvery", SPAN, NULL},
    {VV_PROPERTY_ORDER_BY, COLUMNS, NULL},
    {VV_PROPERTY_PARTITION_FROM, COLUMNS, NULL},
    {VV_PROPERTY_ZORDER, COLUMNS, NULL},
};

static const struct property *find_property(struct vv_str name)
{
    for (size_t i = 0; i < VV_COUNT(properties); i++)
        if (vv_str_eq_nocase(name, vv_str_of(properties[i].name)))
            return &properties[i];
    return NULL;
}

/* Others that engines know: their values are theirs to judge. */
static const char *const foreign[] = {"delta.checkpointPolicy",
    "delta.columnMapping.maxColumnId", "delta.columnMapping.mode",
    "delta.compatibility.symlinkFormatManifest.enabled",
    "delta.coordinatedCommits.commitCoordinator-preview",
    "delta.coordinatedCommits.commitCoordinatorConf-preview",
    "delta.dataSkippingNumIndexedCols", "delta.dataSkippingStatsColumns",
    "delta.dataSkippingStringPrefixLength", "delta.enableFullRetentionRollback",
    "delta.enableIcebergCompatV1", "delta.enableIcebergCompatV2", "delta.enableIcebergCompatV3",
    "delta.enableVariantShredding", "delta.identity.allowExplicitInsert",
    "delta.inCommitTimestampEnablementTimestamp", "delta.inCommitTimestampEnablementVersion",
    "delta.isolationLevel", "delta.minReaderVersion", "delta.minWriterVersion",
    "delta.parquet.compression.codec", "delta.parquet.format.version",
    "delta.randomPrefixLength", "delta.randomizeFilePrefixes",
    "delta.requireCheckpointProtectionBeforeVersion",
    "delta.rowTracking.materializedRowCommitVersionColumnName",
    "delta.rowTracking.materializedRowIdColumnName", "delta.tuneFileSizesForRewrites",
    "delta.universalFormat.enabledFormats", "delta.writePartitionColumnsToParquet"};

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
static varve_status check_unknown(struct vv_op *op, struct vv_str name, struct vv_property *out)
{
    const char *nearest = NULL;
    size_t least = NEAR_MAX + 1;
    bool is_delta = begins(name, VV_STR("delta."));
    if (begins(name, VV_STR(VV_PROPERTY_WARN)) || !(is_delta || begins(name, VV_STR("varve."))))
        return VARVE_OK;
    for (size_t i = 0; i < VV_COUNT(foreign); i++) {
        if (vv_str_eq_nocase(name, vv_str_of(foreign[i]))) {
            out->name = vv_str_of(foreign[i]);
            return VARVE_OK;
        }
        find_nearest(name, foreign[i], &least, &nearest);
    }
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

static varve_status check_value(struct vv_op *op, const struct property *property,
    struct vv_str value)
{
    int64_t number = 0;
    const char *wanted = NULL;
    switch (property->kind) {
    case BOOLEAN:
        wanted = is_boolean(value) ? NULL : "true or false";
        break;
    case SPAN:
        wanted = vv_time_parse_duration(value, &number) && number >= 0
                     ? NULL
                     : "a time span such as \"interval 30 days\"";
        break;
    case COUNT:
        wanted = vv_str_int64(value, &number) && number > 0 ? NULL : "a number above 0";
        break;
    case FILES:
        wanted = vv_str_int64(value, &number) && number >= 2 && number <= 1000
                     ? NULL
                     : "a number from 2 to 1000";
        break;
    case COLUMNS:
        break;
    case SIZE:
        wanted = vv_bytes_parse(value, &number) && number > 0 ? NULL : "a size such as 100mb";
        break;
    }
    if (wanted == NULL)
        return VARVE_OK;
    return vv_fail(op, VARVE_EUSAGE, "%s has to be %s, not \"%.*s\"", property->name, wanted,
        VV_ARG(value));
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
        return check_unknown(op, name, out);
    VV_TRY(check_value(op, property, value));
    out->name = vv_str_of(property->name);
    if (property->feature != NULL && vv_str_eq_nocase(value, VV_STR("true")))
        out->feature = property->feature;
    bool is_read_by_others = property->kind == SPAN && begins(out->name, VV_STR("delta."));
    return is_read_by_others && vv_time_parse_duration(value, &us)
               ? vv_property_span(op, us, &out->value)
               : VARVE_OK;
}
