/*
 * Statistics of a file just written. The columns they are about are first gathered into a tree
 * that mirrors the schema, since each of minValues, maxValues and nullCount walks it and must
 * not name a struct in which it has nothing to say.
 */
#include "delta/stats.h"

#include <math.h>

#include "base/json_write.h"
#include "base/time.h"
#include "delta/clustering.h"
#include "delta/decimal.h"
#include "delta/stats_names.h"

#define INDEXED_LEAVES_DEFAULT 32
#define PREFIX_LEN 32 /* characters of a text that are kept */

enum section {
    SECTION_MIN,
    SECTION_MAX,
    SECTION_NULLS,
    SECTION_COUNT
};

struct stats_node {
    struct vv_str name; /* physical */
    bool is_struct;
    bool has[SECTION_COUNT];
    struct vv_str json[SECTION_COUNT]; /* leaves: the value, rendered */
    struct stats_node *children;
    size_t children_len;
};

/* The way to a column: from the root to it, by physical and by logical names. */
struct column_path {
    struct vv_str physical[VV_SCHEMA_DEPTH_MAX + 1];
    struct vv_str logical[VV_SCHEMA_DEPTH_MAX + 1];
    size_t len;
};

struct stats_writer {
    struct vv_op *op;
    const struct vv_metadata *metadata;
    const struct vv_parquet_written *written;
    int64_t leaves_left;              /* that are still to be indexed; < 0: all */
    const struct vv_name_path *named; /* or: these alone, by logical names */
    size_t named_len;
    const struct vv_name_path *clustered; /* and these always, by physical names */
    size_t clustered_len;
    bool by_name;
    struct column_path path;
};

/* --- which columns --- */

/* A column that the table is clustered by has statistics whatever the properties say. */
static varve_status read_clustering(struct stats_writer *writer,
    const struct vv_snapshot *snapshot)
{
    const struct vv_domain *domain = vv_snapshot_domain(snapshot, VV_STR(VV_CLUSTERING_DOMAIN));
    const struct vv_json *json = NULL;
    const struct vv_json *iterator = NULL;
    const struct vv_json *path;
    struct vv_name_path *paths;
    struct vv_str unused;

    if (!domain)
        return VARVE_OK;
    /* Where it is no JSON who goes by it says so; rows are written all the same. */
    VV_TRY(vv_json_parse_hint(writer->op, &writer->op->arena, domain->configuration, &json));
    json = vv_json_get_kind(json, "clusteringColumns", VV_JSON_ARRAY);
    if (!json)
        return VARVE_OK;
    VV_NEW(writer->op, &paths, struct vv_name_path, vv_json_len(json) + 1);
    writer->clustered = paths;
    while (vv_json_each(json, &iterator, &unused, &path)) {
        struct vv_name_path *out = &paths[writer->clustered_len++];
        const struct vv_json *each = NULL;
        struct vv_str name;

        VV_NEW(writer->op, &out->names, struct vv_str, vv_json_len(path) + 1);
        while (vv_clustering_each_name(path, &each, &name))
            out->names[out->len++] = name;
    }
    return VARVE_OK;
}

static varve_status read_selection(struct stats_writer *writer)
{
    const struct vv_pairs *properties = &writer->metadata->configuration;
    struct vv_str names = vv_pairs_get(properties, VV_STR("delta.dataSkippingStatsColumns"));
    struct vv_str count = vv_pairs_get(properties, VV_STR("delta.dataSkippingNumIndexedCols"));

    writer->leaves_left = INDEXED_LEAVES_DEFAULT;
    writer->by_name = names.ptr != NULL;
    if (writer->by_name)
        return vv_stats_names_read(writer->op, names, &writer->named, &writer->named_len);
    if (!vv_str_int64(vv_str_trim(count), &writer->leaves_left) || writer->leaves_left < -1)
        writer->leaves_left = INDEXED_LEAVES_DEFAULT;
    return VARVE_OK;
}

/* How many names from the root on are those of the column. */
static size_t shared_names(const struct vv_name_path *path, const struct vv_str *column,
    size_t column_len, bool (*is_same)(struct vv_str a, struct vv_str b))
{
    size_t same = 0;

    while (same < path->len && same < column_len && is_same(path->names[same], column[same]))
        same++;
    return same;
}

/* A name that leads to the column, or to a struct around it. */
static bool is_named(const struct stats_writer *writer)
{
    for (size_t index = 0; index < writer->named_len; index++) {
        const struct vv_name_path *path = &writer->named[index];

        if (shared_names(path, writer->path.logical, writer->path.len, vv_str_eq_nocase) ==
            path->len)
            return true;
    }
    return false;
}

static bool is_clustered(const struct stats_writer *writer)
{
    for (size_t index = 0; index < writer->clustered_len; index++) {
        const struct vv_name_path *path = &writer->clustered[index];

        if (path->len == writer->path.len &&
            shared_names(path, writer->path.physical, writer->path.len, vv_str_eq) == path->len)
            return true;
    }
    return false;
}

/* Asked once for each leaf in the order of the schema. */
static bool select_leaf(struct stats_writer *writer)
{
    bool is_indexed = writer->leaves_left != 0;

    if (writer->by_name)
        return is_named(writer) || is_clustered(writer);
    writer->leaves_left -= writer->leaves_left > 0 ? 1 : 0;
    return is_indexed || is_clustered(writer);
}

static const struct vv_column_stats *find_stats(const struct stats_writer *writer)
{
    for (size_t index = 0; index < writer->written->columns_len; index++) {
        const struct vv_column_stats *stats = &writer->written->columns[index];
        size_t same = 0;

        while (same < stats->path_len && same < writer->path.len &&
               vv_str_eq(stats->path[same], writer->path.physical[same]))
            same++;
        if (same == stats->path_len && same == writer->path.len)
            return stats;
    }
    return NULL;
}

/* --- bounds --- */

/* Bytes of the first `count` characters; all of them where there are fewer. */
static size_t characters_bytes(struct vv_str text, size_t count)
{
    size_t bytes = 0;

    for (size_t index = 0; index < count && bytes < text.len; index++)
        bytes += vv_utf8_first(vv_str_skip(text, bytes));
    return bytes;
}

/*
 * A cut maximum must be greater than what it stands for: behind the prefix comes a character
 * greater than the one that was cut. Nothing is greater than U+10FFFF, so those stay in.
 */
static bool write_text_max(struct vv_str text, struct vv_json_writer *json)
{
    static const struct vv_str last_character = {"\xf4\x8f\xbf\xbf", 4};
    VV_CLEANUP(vv_buf_done) struct vv_buf cut = VV_BUF_INIT(VV_BUF_MAX);
    size_t keep = characters_bytes(text, PREFIX_LEN);
    size_t limit = characters_bytes(text, (size_t)2 * PREFIX_LEN);

    while (keep < text.len && vv_str_starts(vv_str_skip(text, keep), last_character))
        keep += last_character.len;
    if (keep == text.len) {
        vv_jw_string(json, text);
        return true;
    }
    if (keep >= limit)
        return false;
    vv_buf_add(&cut, vv_str_first(text, keep));
    if ((unsigned char)text.ptr[keep] < 0x7f)
        vv_buf_addc(&cut, '\x7f');
    else
        vv_buf_add(&cut, last_character);
    vv_jw_string(json, vv_buf_str(&cut));
    return vv_buf_ok(&cut);
}

static bool write_text(struct vv_str text, bool is_max, struct vv_json_writer *json)
{
    if (!vv_utf8_valid(text))
        return false;
    if (is_max)
        return write_text_max(text, json);
    vv_jw_string(json, vv_str_first(text, characters_bytes(text, PREFIX_LEN)));
    return true;
}

/* A float as the double that it is: "0.1" would read as a double below it. */
static bool write_double(const struct vv_column_stats *stats, struct vv_str text, bool is_float,
    struct vv_json_writer *json)
{
    double number;

    if (!stats->nan_known || stats->has_nan || !vv_str_double(text, &number) ||
        !isfinite(number))
        return false;
    if (is_float && !vv_double_to_float(number, &number))
        return false;
    vv_jw_double(json, number);
    return true;
}

/* Milliseconds where they say all, as everyone writes them, else microseconds. */
static bool write_timestamp(struct vv_str text, bool is_ntz, struct vv_json_writer *json)
{
    char out[32];
    size_t len;
    int64_t us;

    if (!vv_time_parse(text, &us, NULL, NULL))
        return false;
    len = us % VV_US_PER_MS == 0 ? vv_time_format_ms(us / VV_US_PER_MS, out)
                                 : vv_time_format_us(us, out);
    vv_jw_string(json, (struct vv_str){out, is_ntz ? len - strlen("Z") : len});
    return true;
}

static bool write_decimal(struct vv_str text, const struct vv_type *type,
    struct vv_json_writer *json)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf plain = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_decimal decimal;

    if (!vv_decimal_parse(text, &decimal))
        return false;
    vv_decimal_write_plain(&decimal, type->scale, &plain);
    vv_jw_raw(json, vv_buf_str(&plain));
    return vv_buf_ok(&plain);
}

/* False: no bound can be given. */
static bool write_bound(const struct vv_column_stats *stats, const struct vv_type *type,
    bool is_max, struct vv_json_writer *json)
{
    struct vv_str text = is_max ? stats->max : stats->min;
    int32_t days;
    int64_t number;
    char date[16];

    switch ((int)type->kind) {
    case VV_TYPE_STRING:
        return write_text(text, is_max, json);
    case VV_TYPE_LONG:
    case VV_TYPE_INTEGER:
    case VV_TYPE_SHORT:
    case VV_TYPE_BYTE:
        if (!vv_str_int64(text, &number))
            return false;
        vv_jw_int(json, number);
        return true;
    case VV_TYPE_FLOAT:
    case VV_TYPE_DOUBLE:
        return write_double(stats, text, type->kind == VV_TYPE_FLOAT, json);
    case VV_TYPE_DATE:
        if (!vv_time_parse_date(text, &days))
            return false;
        vv_jw_string(json, (struct vv_str){date, vv_time_format_date(days, date)});
        return true;
    case VV_TYPE_TIMESTAMP:
    case VV_TYPE_TIMESTAMP_NTZ:
        return write_timestamp(text, type->kind == VV_TYPE_TIMESTAMP_NTZ, json);
    case VV_TYPE_DECIMAL:
        return write_decimal(text, type, json);
    default:
        return false; /* booleans, binaries and nested types have none */
    }
}

/* --- the tree --- */

static varve_status render_bound(struct stats_writer *writer,
    const struct vv_column_stats *stats, const struct vv_type *type, enum section section,
    struct stats_node *node)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer json = VV_JSON_WRITER_INIT(&text);

    if (!stats->has_bounds || !write_bound(stats, type, section == SECTION_MAX, &json))
        return VARVE_OK;
    node->json[section] = vv_arena_str(&writer->op->arena, vv_buf_str(&text));
    if (!vv_buf_ok(&text) || !node->json[section].ptr)
        return vv_fail_memory(writer->op);
    node->has[section] = true;
    return VARVE_OK;
}

static varve_status build_leaf(struct stats_writer *writer, const struct vv_type *type,
    struct stats_node *node)
{
    const struct vv_column_stats *stats = find_stats(writer);

    if (!select_leaf(writer) || !stats)
        return VARVE_OK;
    VV_TRY(render_bound(writer, stats, type, SECTION_MIN, node));
    VV_TRY(render_bound(writer, stats, type, SECTION_MAX, node));
    if (stats->null_count < 0)
        return VARVE_OK;
    node->json[SECTION_NULLS] =
        vv_arena_format(&writer->op->arena, "%" PRId64, stats->null_count);
    node->has[SECTION_NULLS] = true;
    return node->json[SECTION_NULLS].ptr ? VARVE_OK : vv_fail_memory(writer->op);
}

static varve_status build_fields(struct stats_writer *writer, const struct vv_field *fields,
    size_t len, struct stats_node *parent)
{
    parent->is_struct = true;
    VV_NEW(writer->op, &parent->children, struct stats_node, len + 1);
    VV_PRE(writer->path.len <= VV_SCHEMA_DEPTH_MAX);
    for (size_t index = 0; index < len; index++) {
        const struct vv_field *field = &fields[index];
        struct stats_node *node = &parent->children[parent->children_len];

        if (writer->path.len == 0 && vv_metadata_is_partition(writer->metadata, field->name))
            continue;
        node->name = field->physical_name;
        writer->path.physical[writer->path.len] = field->physical_name;
        writer->path.logical[writer->path.len] = field->name;
        writer->path.len++;
        if (field->type.kind == VV_TYPE_STRUCT)
            VV_TRY(build_fields(writer, field->type.fields, field->type.fields_len, node));
        else
            VV_TRY(build_leaf(writer, &field->type, node));
        writer->path.len--;
        parent->children_len++;
        for (int section = 0; section < SECTION_COUNT; section++)
            parent->has[section] = parent->has[section] || node->has[section];
    }
    return VARVE_OK;
}

static void write_node(const struct stats_node *node, enum section section,
    struct vv_json_writer *json)
{
    if (!node->is_struct) {
        vv_jw_raw(json, node->json[section]);
        return;
    }
    vv_jw_object(json);
    for (size_t index = 0; index < node->children_len; index++) {
        const struct stats_node *child = &node->children[index];

        if (!child->has[section])
            continue;
        vv_jw_key_str(json, child->name);
        write_node(child, section, json);
    }
    vv_jw_end(json);
}

/* The top-level floats without a NaN; "" where the table has no floats. */
static void write_no_nan(struct stats_writer *writer, const struct vv_schema *schema,
    struct vv_buf *out)
{
    struct vv_json_writer json = VV_JSON_WRITER_INIT(out);
    bool any = false;

    vv_jw_array(&json);
    for (size_t index = 0; index < schema->fields_len; index++) {
        const struct vv_field *field = &schema->fields[index];
        const struct vv_column_stats *stats;

        if (!vv_type_is_float(&field->type) ||
            vv_metadata_is_partition(writer->metadata, field->name))
            continue;
        any = true;
        writer->path.physical[0] = field->physical_name;
        writer->path.len = 1;
        stats = find_stats(writer);
        if (stats && stats->nan_known && !stats->has_nan)
            vv_jw_string(&json, field->physical_name);
    }
    vv_jw_end(&json);
    if (!any)
        vv_buf_clear(out);
}

static varve_status keep(struct vv_op *op, struct vv_arena *arena, const struct vv_buf *buf,
    struct vv_str *out)
{
    struct vv_str text = vv_arena_str(arena, vv_buf_str(buf));

    if (!vv_buf_ok(buf) || !text.ptr)
        return vv_fail_memory(op);
    *out = text;
    return VARVE_OK;
}

varve_status vv_stats_write(struct vv_op *op, const struct vv_snapshot *snapshot,
    const struct vv_parquet_written *written, struct vv_arena *arena, struct vv_str *out_json,
    struct vv_str *out_no_nan)
{
    const struct vv_schema *schema = &snapshot->schema;
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf no_nan = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer json = VV_JSON_WRITER_INIT(&text);
    struct stats_writer writer = {.op = op, .metadata = snapshot->metadata, .written = written};
    struct stats_node root = {0};
    struct vv_str kept;

    VV_TRY(read_selection(&writer));
    VV_TRY(read_clustering(&writer, snapshot));
    VV_TRY(build_fields(&writer, schema->fields, schema->fields_len, &root));
    vv_jw_object(&json);
    vv_jw_key_int(&json, "numRecords", written->rows);
    vv_jw_key(&json, "minValues");
    write_node(&root, SECTION_MIN, &json);
    vv_jw_key(&json, "maxValues");
    write_node(&root, SECTION_MAX, &json);
    vv_jw_key(&json, "nullCount");
    write_node(&root, SECTION_NULLS, &json);
    vv_jw_end(&json);
    write_no_nan(&writer, schema, &no_nan);
    VV_TRY(keep(op, arena, &text, &kept));
    VV_TRY(keep(op, arena, &no_nan, out_no_nan));
    *out_json = kept;
    return VARVE_OK;
}

varve_status vv_stats_loosen(struct vv_op *op, struct vv_arena *arena, struct vv_str stats,
    int64_t rows, struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer json = VV_JSON_WRITER_INIT(&text);
    const struct vv_json *object = NULL;
    const struct vv_json *iterator = NULL;
    const struct vv_json *value;
    struct vv_str name;

    VV_TRY(vv_json_parse_hint(op, &op->arena, stats, &object));
    vv_jw_object(&json);
    vv_jw_key_int(&json, "numRecords", rows);
    while (vv_json_is(object, VV_JSON_OBJECT) &&
           vv_json_each(object, &iterator, &name, &value)) {
        struct vv_str written;

        if (vv_str_eq(name, VV_STR("numRecords")) || vv_str_eq(name, VV_STR("tightBounds")))
            continue;
        VV_TRY(vv_json_write_value(op, value, &op->arena, &written));
        vv_jw_key_str(&json, name);
        vv_jw_raw(&json, written);
    }
    vv_jw_key_bool(&json, "tightBounds", false);
    vv_jw_end(&json);
    return keep(op, arena, &text, out);
}
