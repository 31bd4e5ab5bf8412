#include "delta/checkpoint_shape.h"

#include "base/buf.h"
#include "engine/sql.h"

/* Actions and their members: what lies deeper, the engine finds by itself. */
#define DEPTH_MAX 2

/* A walk over the schema, which comes as a list in depth-first order. */
struct walk {
    struct vv_checkpoint_shape *shape;
    int64_t pending[64]; /* children to come, by depth */
    size_t depth;        /* of the next element; 0 = the root */
    struct vv_str action;
};

static varve_status visit(struct vv_op *op, struct walk *walk, struct vv_str name,
    int64_t children)
{
    if (walk->depth == 1)
        walk->action = vv_arena_str(&op->arena, name);
    if (walk->depth > 0 && walk->depth <= DEPTH_MAX) {
        struct vv_str member = walk->depth == 1 ? walk->action
                                                : vv_arena_format(&op->arena, "%.*s.%.*s",
                                                      VV_ARG(walk->action), VV_ARG(name));
        if (member.ptr == NULL || !vv_map_put(&walk->shape->members, member, walk->shape, NULL))
            return vv_fail_memory(op);
    }
    if (children > 0) {
        if (walk->depth + 1 == VV_COUNT(walk->pending))
            return vv_fail(op, VARVE_ECORRUPT, "its columns are nested too deep");
        walk->pending[++walk->depth] = children;
        return VARVE_OK;
    }
    while (walk->depth > 0 && --walk->pending[walk->depth] == 0)
        walk->depth--;
    return VARVE_OK;
}

static varve_status read_members(struct vv_op *op, struct vv_session *session,
    struct vv_str path, struct vv_checkpoint_shape *shape)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    struct walk walk = {.shape = shape};
    bool has_row = false;
    vv_buf_adds(&sql, "SELECT name::VARCHAR, coalesce(num_children, 0)::BIGINT"
                      " FROM parquet_schema(");
    vv_sql_file(&sql, path);
    vv_buf_addc(&sql, ')');
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_query(op, session, vv_buf_str(&sql), &rows));
    for (;;) {
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row)
            return VARVE_OK;
        VV_TRY(visit(op, &walk, vv_rows_text(rows, 0), vv_rows_int64(rows, 1)));
    }
}

/*
 * Asks the footer's null counts of some columns whether `sum_sql` is not zero. Where a writer left
 * the counts out, the answer is yes.
 */
static varve_status ask_footer(struct vv_op *op, struct vv_session *session, struct vv_str path,
    const char *sum_sql, const char *columns_sql, bool *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    int64_t differ = 1;
    vv_buf_addf(&sql,
        "SELECT CASE WHEN bool_or(stats_null_count IS NULL) THEN 1 ELSE (sum(%s) <> 0)::BIGINT "
        "END FROM parquet_metadata(",
        sum_sql);
    vv_sql_literal(&sql, path);
    vv_buf_addf(&sql, ") WHERE path_in_schema IN (%s)", columns_sql);
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_int64(op, session, vv_buf_str(&sql), &differ));
    *out = differ != 0;
    return VARVE_OK;
}

varve_status vv_checkpoint_shape_read(struct vv_op *op, struct vv_session *session,
    struct vv_str path, struct vv_checkpoint_shape *out)
{
    struct vv_checkpoint_shape shape = {
        .members = VV_MAP_INIT(&op->arena), .has_null_stats = true};
    VV_TRY(read_members(op, session, path, &shape));
    if (vv_checkpoint_shape_has(&shape, "add.stats") &&
        vv_checkpoint_shape_has(&shape, "add.stats_parsed"))
        VV_TRY(ask_footer(op, session, path,
            "CASE WHEN path_in_schema = 'add, stats' THEN stats_null_count "
            "ELSE -stats_null_count END",
            "'add, stats', 'add, path'", &shape.has_null_stats));
    if (vv_checkpoint_shape_has(&shape, "add.deletionVector"))
        VV_TRY(ask_footer(op, session, path, "num_values - stats_null_count",
            "'add, deletionVector, storageType'", &shape.has_vectors));
    *out = shape;
    return VARVE_OK;
}

bool vv_checkpoint_shape_has(const struct vv_checkpoint_shape *shape, const char *member)
{
    return vv_map_has(&shape->members, vv_str_of(member));
}
