#include "delta/checkpoint_shape.h"

#include "base/buf.h"
#include "delta/checkpoint_stats.h"
#include "delta/decimal.h"
#include "engine/sql.h"

/* What the footer says of a column, all row groups together. */
struct column {
    bool is_there, is_known; /* the writer has counted its NULLs */
    int64_t nulls, values;
};

struct footer {
    struct column path, stats, vector;
};

/* Up to the next ", ", which goes too. */
static struct vv_str take_name(struct vv_str *path)
{
    static const struct vv_str separator = {", ", 2};
    const char *end = memmem(path->ptr, path->len, separator.ptr, separator.len);
    struct vv_str name = end != NULL ? vv_str_first(*path, (size_t)(end - path->ptr)) : *path;
    *path = vv_str_skip(*path, end != NULL ? name.len + separator.len : path->len);
    return name;
}

/* "add, partitionValues, key_value, key": that there is an add, and that it has partitionValues. */
static varve_status add_members(struct vv_op *op, struct vv_str path,
    struct vv_checkpoint_shape *shape)
{
    struct vv_str action = take_name(&path);
    struct vv_str name = take_name(&path);
    struct vv_str own = vv_arena_str(&op->arena, action);
    struct vv_str member =
        vv_arena_format(&op->arena, "%.*s.%.*s", VV_ARG(action), VV_ARG(name));
    return own.ptr != NULL && member.ptr != NULL &&
                   vv_map_put(&shape->members, own, shape, NULL) &&
                   (name.len == 0 || vv_map_put(&shape->members, member, shape, NULL))
               ? VARVE_OK
               : vv_fail_memory(op);
}

static void note_column(const struct vv_rows *rows, struct vv_str path, struct footer *footer)
{
    const struct {
        const char *path;
        struct column *column;
    } wanted[] = {{"add, path", &footer->path}, {"add, stats", &footer->stats},
        {"add, deletionVector, storageType", &footer->vector}};
    for (size_t i = 0; i < VV_COUNT(wanted); i++)
        if (vv_str_eq(path, vv_str_of(wanted[i].path)))
            *wanted[i].column = (struct column){.is_there = true,
                .is_known = !vv_rows_bool(rows, 1),
                .nulls = vv_rows_int64(rows, 2),
                .values = vv_rows_int64(rows, 3)};
}

static varve_status read_footer(struct vv_op *op, struct vv_session *session,
    struct vv_str path, struct vv_checkpoint_shape *shape, struct footer *footer)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    bool has_row = false;
    vv_buf_adds(&sql, "SELECT path_in_schema::VARCHAR, bool_or(stats_null_count IS NULL), "
                      "coalesce(sum(stats_null_count), 0)::BIGINT, sum(num_values)::BIGINT "
                      "FROM parquet_metadata(");
    vv_sql_file(&sql, path);
    vv_buf_adds(&sql, ") GROUP BY ALL");
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_query(op, session, vv_buf_str(&sql), &rows));
    for (;;) {
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row)
            return VARVE_OK;
        struct vv_str column = vv_rows_text(rows, 0);
        VV_TRY(add_members(op, column, shape));
        note_column(rows, column, footer);
    }
}

/* Of a DECIMAL(P,S) at the beginning of a type in SQL: its length where a double does not hold it, else 0. */
static size_t rounded_len(struct vv_str sql)
{
    static const struct vv_str begin = {"DECIMAL(", 8};
    int64_t precision = 0;
    struct vv_str rest = vv_str_skip(sql, vv_str_starts(sql, begin) ? begin.len : sql.len);
    size_t digits = vv_str_find(rest, ',');
    if (!vv_str_int64(vv_str_first(rest, digits), &precision) || precision <= VV_DOUBLE_DIGITS)
        return 0;
    size_t end = vv_str_find(sql, ')');
    return end < sql.len ? end + 1 : 0;
}

/*
 * A cast that there is none of: every value becomes NULL. Names that are no words stand between
 * quotes, a quote within one is doubled.
 */
static varve_status doubt_decimals(struct vv_op *op, struct vv_str type, struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    bool is_quoted = false;
    bool has_any = false;
    while (type.len > 0) {
        size_t len = is_quoted ? 0 : rounded_len(type);
        is_quoted = is_quoted != (type.ptr[0] == '"');
        has_any = has_any || len > 0;
        if (len > 0)
            vv_buf_adds(&sql, "DATE");
        else
            vv_buf_addc(&sql, type.ptr[0]);
        type = vv_str_skip(type, len > 0 ? len : 1);
    }
    *out =
        has_any && vv_buf_ok(&sql) ? vv_arena_str(&op->arena, vv_buf_str(&sql)) : VV_STR_NONE;
    return vv_buf_ok(&sql) && (!has_any || out->ptr != NULL) ? VARVE_OK : vv_fail_memory(op);
}

/*
 * Decimals of more digits than a double holds are believed where we have written them exactly: our
 * earlier builds, and who knows who else, had them rounded. They are left out, so that they are in
 * no checkpoint that is made of this one either.
 */
static varve_status read_stats_type(struct vv_op *op, struct vv_session *session,
    struct vv_str path, struct vv_checkpoint_shape *shape)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    bool has_row = false;
    if (!vv_checkpoint_shape_reads_parsed(shape))
        return VARVE_OK;
    vv_buf_adds(&sql, "SELECT typeof(add.stats_parsed), (SELECT count(*) > 0 FROM "
                      "parquet_kv_metadata(");
    vv_sql_file(&sql, path);
    vv_buf_adds(&sql,
        ") WHERE key = encode('" VV_CHECKPOINT_STATS
        "') AND value = encode('" VV_CHECKPOINT_STATS_EXACT "')) FROM read_parquet(");
    vv_sql_file(&sql, path);
    vv_buf_adds(&sql, ", hive_partitioning = false) LIMIT 1");
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_query(op, session, vv_buf_str(&sql), &rows));
    VV_TRY(vv_rows_next(op, rows, &has_row));
    if (!has_row || vv_rows_bool(rows, 1))
        return VARVE_OK;
    return doubt_decimals(op, vv_rows_text(rows, 0), &shape->stats_type);
}

varve_status vv_checkpoint_shape_read(struct vv_op *op, struct vv_session *session,
    struct vv_str path, struct vv_checkpoint_shape *out)
{
    struct vv_checkpoint_shape shape = {.members = VV_MAP_INIT(&op->arena)};
    struct footer footer = {0};
    VV_TRY(read_footer(op, session, path, &shape, &footer));
    shape.has_null_stats = !footer.stats.is_known || !footer.path.is_known ||
                           footer.stats.nulls != footer.path.nulls;
    shape.has_vectors =
        footer.vector.is_there &&
        (!footer.vector.is_known || footer.vector.values != footer.vector.nulls);
    VV_TRY(read_stats_type(op, session, path, &shape));
    *out = shape;
    return VARVE_OK;
}

bool vv_checkpoint_shape_has(const struct vv_checkpoint_shape *shape, const char *member)
{
    return vv_map_has(&shape->members, vv_str_of(member));
}

bool vv_checkpoint_shape_reads_parsed(const struct vv_checkpoint_shape *shape)
{
    return vv_checkpoint_shape_has(shape, "add.stats_parsed") &&
           (shape->has_null_stats || !vv_checkpoint_shape_has(shape, "add.stats"));
}
