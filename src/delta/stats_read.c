/*
 * What a file's statistics say, read with distrust. A bound that may be too narrow is worse than
 * none: it hides rows. So each bound here either holds for every row that the file can have, or
 * is unknown.
 */
#include "delta/stats.h"

#include <math.h>

#include "base/time.h"
#include "delta/decimal.h"

#define STATS_BYTES_MAX ((size_t)1 << 30)
#define SPARK_PREFIX_LEN 32 /* characters of a text that Spark keeps */
#define WIDEN_MAX_US 999
#define WIDEN_MIN_US VV_US_PER_S
#define WIDEN_OLD_US (60 * VV_US_PER_S)

struct stats_reader {
    struct vv_op *op;
    struct vv_arena *arena; /* of the result */
    const struct vv_file *file;
    const struct vv_json *json;   /* all of the statistics; NULL: none */
    const struct vv_json *no_nan; /* array of physical names; NULL: none */
};

static int64_t count_of(const struct vv_json *json)
{
    int64_t count = -1;

    if (!vv_json_is(json, VV_JSON_NUMBER) || !vv_json_int64(json, &count) || count < 0)
        return -1;
    return count;
}

/* Characters of the text; *out_last is its last one, as bytes. */
static size_t count_characters(struct vv_str text, struct vv_str *out_last)
{
    size_t count = 0;

    *out_last = VV_STR("");
    while (text.len > 0) {
        size_t len = vv_utf8_first(text);

        if (len == 0)
            break;
        *out_last = vv_str_first(text, len);
        text = vv_str_skip(text, len);
        count++;
    }
    return count;
}

/*
 * Some writers cut a long maximum without making it greater. Where one may have been cut, only
 * the mark that Spark puts behind the cut (or Varve's own hand) makes it a bound.
 */
static bool is_text_bound(const struct stats_reader *reader, struct vv_str text, bool is_max)
{
    struct vv_str last;
    size_t count;

    if (!is_max || reader->file->by_varve)
        return true;
    count = count_characters(text, &last);
    if (count < SPARK_PREFIX_LEN)
        return true;
    return count > SPARK_PREFIX_LEN &&
           (vv_str_eq(last, VV_STR("\x7f")) || vv_str_eq(last, VV_STR("\xf4\x8f\xbf\xbf")));
}

static bool read_int(const struct vv_json *json, struct vv_value *out)
{
    int64_t number;

    if (!vv_json_is(json, VV_JSON_NUMBER) || !vv_json_int64(json, &number))
        return false;
    *out = (struct vv_value){.kind = VV_VALUE_INT, .integer = number};
    return true;
}

/* The zeros are equal, but not to every reader of bounds: each bound takes both in. */
static bool read_double(const struct vv_json *json, const struct vv_field *field, bool is_max,
    struct vv_value *out)
{
    double number;

    if (!vv_json_double(json, &number) || !isfinite(number))
        return false;
    if (field->type.kind == VV_TYPE_FLOAT) {
        if (!vv_double_to_float(number, &number))
            return false;
    } else if (vv_json_get(field->metadata, "delta.typeChanges")) {
        return false; /* "0.1" of a column that was float then is not the bound as a double */
    }
    if (fabs(number) == 0.0)
        number = is_max ? 0.0 : -0.0;
    *out = (struct vv_value){.kind = VV_VALUE_DOUBLE, .number = number};
    return true;
}

static bool read_date(const struct vv_json *json, struct vv_value *out)
{
    int32_t days;

    if (!vv_json_is(json, VV_JSON_STRING) || !vv_time_parse_date(vv_json_text(json), &days))
        return false;
    *out = (struct vv_value){.kind = VV_VALUE_INT, .integer = days};
    return true;
}

/*
 * Writers cut to milliseconds, some round minima up and are milliseconds too late even so
 * (deltalake 0.11), and before 1970 some lose the seconds of a zone's offset. A text without a zone
 * is in its writer's, which nobody knows.
 */
static bool read_timestamp(const struct stats_reader *reader, const struct vv_json *json,
    bool is_ntz, bool is_max, struct vv_value *out)
{
    struct vv_str text = vv_json_text(json);
    bool has_zone = false;
    int64_t us;

    if (!vv_json_is(json, VV_JSON_STRING) || !vv_time_parse(text, &us, &has_zone, NULL))
        return false;
    if (is_ntz ? has_zone && !vv_str_ends(text, VV_STR("Z")) : !has_zone)
        return false;
    if (us < 0 && !reader->file->by_varve)
        us += is_max ? WIDEN_OLD_US : -WIDEN_OLD_US;
    us += is_max ? WIDEN_MAX_US : 0;
    us -= is_max || reader->file->by_varve ? 0 : WIDEN_MIN_US;
    *out = (struct vv_value){.kind = VV_VALUE_INT, .integer = us};
    return true;
}

/* Some writers send decimals through a double: with more digits than it holds, nothing is sure. */
static bool read_decimal(const struct stats_reader *reader, const struct vv_json *json,
    const struct vv_type *type, struct vv_value *out)
{
    struct vv_decimal decimal;

    if (!vv_json_is(json, VV_JSON_NUMBER) || !vv_decimal_parse(vv_json_text(json), &decimal))
        return false;
    if (!reader->file->by_varve && type->precision > VV_DOUBLE_DIGITS)
        return false;
    *out = (struct vv_value){.kind = VV_VALUE_DECIMAL, .text = vv_json_text(json)};
    return true;
}

static bool read_text(const struct stats_reader *reader, const struct vv_json *json,
    bool is_max, struct vv_value *out)
{
    if (!vv_json_is(json, VV_JSON_STRING) || !is_text_bound(reader, vv_json_text(json), is_max))
        return false;
    *out = (struct vv_value){.kind = VV_VALUE_TEXT, .text = vv_json_text(json)};
    return true;
}

/* False: unknown. Booleans and binaries have no bounds, whatever old writers put there. */
static bool read_any(const struct stats_reader *reader, const struct vv_json *json,
    const struct vv_field *field, bool is_max, struct vv_value *out)
{
    switch ((int)field->type.kind) {
    case VV_TYPE_STRING:
        return read_text(reader, json, is_max, out);
    case VV_TYPE_LONG:
    case VV_TYPE_INTEGER:
    case VV_TYPE_SHORT:
    case VV_TYPE_BYTE:
        return read_int(json, out);
    case VV_TYPE_FLOAT:
    case VV_TYPE_DOUBLE:
        return read_double(json, field, is_max, out);
    case VV_TYPE_DATE:
        return read_date(json, out);
    case VV_TYPE_TIMESTAMP:
        return read_timestamp(reader, json, false, is_max, out);
    case VV_TYPE_TIMESTAMP_NTZ:
        return read_timestamp(reader, json, true, is_max, out);
    case VV_TYPE_DECIMAL:
        return read_decimal(reader, json, &field->type, out);
    default:
        return false;
    }
}

static varve_status read_bound(const struct stats_reader *reader, const char *side,
    const struct vv_field *field, bool is_max, struct vv_value *out)
{
    const struct vv_json *json =
        vv_json_get_str(vv_json_get(reader->json, side), field->physical_name);
    struct vv_value value = {.kind = VV_VALUE_NONE};

    if (!json || !read_any(reader, json, field, is_max, &value))
        value = (struct vv_value){.kind = VV_VALUE_NONE};
    if (value.text.ptr) {
        value.text = vv_arena_str(reader->arena, value.text);
        if (!value.text.ptr)
            return vv_fail_memory(reader->op);
    }
    *out = value;
    return VARVE_OK;
}

static bool is_free_of_nan(const struct stats_reader *reader, const struct vv_field *field)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *value;
    struct vv_str none;

    if (!vv_type_is_float(&field->type))
        return true;
    if (!vv_json_is(reader->no_nan, VV_JSON_ARRAY))
        return false;
    while (vv_json_each(reader->no_nan, &iterator, &none, &value)) {
        if (vv_json_is(value, VV_JSON_STRING) &&
            vv_str_eq(vv_json_text(value), field->physical_name))
            return true;
    }
    return false;
}

/* With bounds that are not tight only "none" and "all" are sure: rows went since it was counted. */
static int64_t null_count_of(const struct stats_reader *reader, const struct vv_field *field,
    const struct vv_file_stats *stats)
{
    int64_t count =
        count_of(vv_json_get_str(vv_json_get(reader->json, "nullCount"), field->physical_name));

    if (stats->rows >= 0 && count > stats->rows)
        return -1;
    if (!stats->tight && count != 0 && count != stats->rows)
        return -1;
    return count;
}

static varve_status read_column(const struct stats_reader *reader, const struct vv_field *field,
    const struct vv_file_stats *stats, struct vv_bounds *out)
{
    VV_TRY(read_bound(reader, "minValues", field, false, &out->min));
    VV_TRY(read_bound(reader, "maxValues", field, true, &out->max));
    out->null_count = null_count_of(reader, field, stats);
    out->max_holds_nan = is_free_of_nan(reader, field);
    if (out->min.kind != VV_VALUE_NONE && out->max.kind != VV_VALUE_NONE &&
        vv_value_cmp(&out->min, &out->max) > 0) {
        out->min = (struct vv_value){.kind = VV_VALUE_NONE};
        out->max = (struct vv_value){.kind = VV_VALUE_NONE};
    }
    return VARVE_OK;
}

static void read_partition(const struct vv_file *file, const struct vv_field *field,
    const struct vv_file_stats *stats, struct vv_bounds *out)
{
    struct vv_value value;

    *out = (struct vv_bounds){.null_count = -1};
    if (!vv_pairs_has(&file->partition_values, field->physical_name) ||
        !vv_partition_parse(vv_pairs_get(&file->partition_values, field->physical_name),
            &field->type, &value))
        return;
    out->min = value;
    out->max = value;
    out->null_count = value.kind == VV_VALUE_NULL ? stats->rows : 0;
    out->max_holds_nan = true;
}

varve_status vv_stats_read(struct vv_op *op, struct vv_arena *arena, const struct vv_file *file,
    const struct vv_stats_columns *columns, struct vv_file_stats *out)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena scratch = VV_ARENA_INIT(STATS_BYTES_MAX);
    struct stats_reader reader = {.op = op, .arena = arena, .file = file};
    struct vv_file_stats stats = {0};

    VV_TRY(vv_json_parse_hint(op, &scratch, file->stats, &reader.json));
    VV_TRY(vv_json_parse_hint(op, &scratch, vv_pairs_get(&file->tags, VV_STR(VV_TAG_NO_NAN)),
        &reader.no_nan));
    stats.rows = count_of(vv_json_get(reader.json, "numRecords"));
    stats.tight = vv_json_bool(vv_json_get(reader.json, "tightBounds"), true);
    stats.columns = vv_new(arena, struct vv_bounds, columns->len + 1);
    if (!stats.columns)
        return vv_fail_memory(op);
    for (size_t i = 0; i < columns->len; i++) {
        int32_t index = columns->indexes[i];
        const struct vv_field *field;

        VV_PRE(index >= 0 && (size_t)index < columns->schema->fields_len);
        field = &columns->schema->fields[index];
        if (vv_metadata_is_partition(columns->metadata, field->name))
            read_partition(file, field, &stats, &stats.columns[i]);
        else
            VV_TRY(read_column(&reader, field, &stats, &stats.columns[i]));
    }
    *out = stats;
    return VARVE_OK;
}

varve_status vv_stats_rows(struct vv_op *op, const struct vv_file *file, int64_t *out)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena scratch = VV_ARENA_INIT(STATS_BYTES_MAX);
    const struct vv_json *json;

    VV_TRY(vv_json_parse_hint(op, &scratch, file->stats, &json));
    *out = count_of(vv_json_get(json, "numRecords"));
    return VARVE_OK;
}

varve_status vv_file_live_rows(struct vv_op *op, const struct vv_file *file, int64_t *out)
{
    int64_t rows = -1;
    int64_t gone = file->dv != NULL ? file->dv->cardinality : 0;

    VV_TRY(vv_stats_rows(op, file, &rows));
    *out = rows < gone ? -1 : rows - gone;
    return VARVE_OK;
}
