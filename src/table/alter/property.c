#include "table/alter/property.h"

#include "base/number.h"
#include "base/time.h"

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
        return VARVE_OK;
    VV_TRY(check_value(op, property, value));
    out->name = vv_str_of(property->name);
    if (property->feature != NULL && vv_str_eq_nocase(value, VV_STR("true")))
        out->feature = property->feature;
    return VARVE_OK;
}
