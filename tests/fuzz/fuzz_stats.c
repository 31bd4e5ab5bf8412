/*
 * The statistics of a file, as anyone may have written them. They are hints: reading them never
 * fails, and what is believed has a smaller end and a greater one.
 */
#include "fuzz.h"

#include "delta/stats.h"

#define COLUMNS                                                                               \
    "i int, l bigint, s string, d double, f float, b boolean, t timestamp, n timestamp_ntz, " \
    "e date, x decimal(38,10), y binary, z smallint, r struct<u: int>, a array<int>"

static void check_column(const struct vv_bounds *bounds, int64_t rows)
{
    const struct vv_value *min = &bounds->min;
    const struct vv_value *max = &bounds->max;
    VV_PRE(bounds->null_count >= -1 && rows >= -1);
    if (min->kind == VV_VALUE_NONE || max->kind == VV_VALUE_NONE)
        return;
    VV_PRE(min->kind == max->kind);
    VV_PRE(min->kind == VV_VALUE_NULL || vv_value_cmp(min, max) <= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_schema schema;
    struct vv_file_stats stats;
    int32_t indexes[32];
    const struct vv_metadata metadata = {.id = VV_STR("id")};
    struct vv_str text = vv_str_skip((struct vv_str){(const char *)data, size}, 1);
    const struct vv_pair tags[] = {{VV_STR(VV_TAG_NO_NAN), VV_STR("[\"d\"]")}};
    struct vv_file file = {.path = VV_STR("p"),
        .key = VV_STR("p"),
        .dv_id = VV_STR(""),
        .stats = text,
        .by_varve = size > 0 && data[0] % 2 == 1,
        .tags = {tags, size > 0 && data[0] % 3 == 0}};

    vv_op_init(&op, NULL, (size_t)1 << 30);
    varve_status status = vv_schema_parse_ddl(&op, &op.arena, VV_STR(COLUMNS), &schema);
    VV_PRE(status == VARVE_OK && schema.fields_len <= VV_COUNT(indexes));
    for (size_t i = 0; i < schema.fields_len; i++)
        indexes[i] = (int32_t)i;
    const struct vv_stats_columns columns = {&schema, &metadata, indexes, schema.fields_len};
    status = vv_stats_read(&op, &op.arena, &file, &columns, &stats);
    VV_PRE(status == VARVE_OK);
    for (size_t i = 0; i < schema.fields_len; i++)
        check_column(&stats.columns[i], stats.rows);
    int64_t rows = 0;
    status = vv_stats_rows(&op, &file, &rows);
    VV_PRE(status == VARVE_OK && rows == stats.rows);
    return 0;
}
