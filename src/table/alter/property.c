#include "table/alter/property.h"

#include "base/number.h"
#include "base/time.h"

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
        SIZE
    } kind;
    const char *feature; /* needed where the value is true; NULL: none */
} properties[] = {
    {"delta.appendOnly", BOOLEAN, "appendOnly"},
    {"delta.autoOptimize.autoCompact", BOOLEAN, NULL},
    {"delta.autoOptimize.optimizeWrite", BOOLEAN, NULL},
    {"delta.checkpoint.writeStatsAsJson", BOOLEAN, NULL},
    {"delta.checkpoint.writeStatsAsStruct", BOOLEAN, NULL},
    {"delta.checkpointInterval", COUNT, NULL},
    {"delta.deletedFileRetentionDuration", SPAN, NULL},
    {"delta.enableChangeDataFeed", BOOLEAN, "changeDataFeed"},
    {"delta.enableDeletionVectors", BOOLEAN, "deletionVectors"},
    {"delta.enableExpiredLogCleanup", BOOLEAN, NULL},
    {"delta.enableInCommitTimestamps", BOOLEAN, "inCommitTimestamp"},
    {"delta.enableRowTracking", BOOLEAN, "rowTracking"},
    {"delta.enableTypeWidening", BOOLEAN, "typeWidening"},
    {"delta.logRetentionDuration", SPAN, NULL},
    {"delta.targetFileSize", SIZE, NULL},
    {"varve.maintain", BOOLEAN, NULL},
    {"varve.maintain.reclusterAfter", SPAN, NULL},
    {"varve.maintain.sealAfter", SPAN, NULL},
    {"varve.maintain.tierFiles", FILES, NULL},
    {"varve.maintain.vacuumEvery", SPAN, NULL},
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
    "delta.checkpointRetentionDuration", "delta.columnMapping.maxColumnId",
    "delta.columnMapping.mode", "delta.compatibility.symlinkFormatManifest.enabled",
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
    "delta.rowTracking.materializedRowIdColumnName", "delta.sampleRetentionDuration",
    "delta.setTransactionRetentionDuration", "delta.tuneFileSizesForRewrites",
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

/* As Spark has it: delta.* is a list that is closed, all else is the user's own. */
static varve_status check_unknown(struct vv_op *op, struct vv_str name, struct vv_property *out)
{
    const char *nearest = NULL;
    size_t least = NEAR_MAX + 1;
    if (!vv_str_eq_nocase(vv_str_first(name, 6), VV_STR("delta.")))
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
    return vv_fail(op, VARVE_EUSAGE,
        "there is no property %.*s%s%s%s: names that begin with delta. are Delta's own",
        VV_ARG(name), nearest != NULL ? " (is it " : "", nearest != NULL ? nearest : "",
        nearest != NULL ? "?)" : "");
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
    case SIZE:
        wanted = vv_bytes_parse(value, &number) && number > 0 ? NULL : "a size such as 100mb";
        break;
    }
    if (wanted == NULL)
        return VARVE_OK;
    return vv_fail(op, VARVE_EUSAGE, "%s has to be %s, not \"%.*s\"", property->name, wanted,
        VV_ARG(value));
}

varve_status vv_property_check(struct vv_op *op, struct vv_str name, struct vv_str value,
    struct vv_property *out)
{
    const struct property *property = find_property(name);
    *out = (struct vv_property){.name = name};
    if (property == NULL)
        return check_unknown(op, name, out);
    VV_TRY(check_value(op, property, value));
    out->name = vv_str_of(property->name);
    if (property->feature != NULL && vv_str_eq_nocase(value, VV_STR("true")))
        out->feature = property->feature;
    return VARVE_OK;
}
