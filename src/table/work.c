#include "table/work.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/seam.h"
#include "base/uuid.h"

#define ARENA_BYTES_MAX ((size_t)64 << 20)

static varve_status relation_open(struct vv_op *op, struct vv_work *work,
    struct vv_relation *relation, struct vv_str table)
{
    relation->table = table;
    return vv_rowset_open(op, work->session, &relation->rowset);
}

/* Other sessions see its table, which has a name of its own for that. */
static varve_status relation_open_shared(struct vv_op *op, struct vv_work *work,
    struct vv_relation *relation, char name[VV_WORK_NAME_BYTES], const char *what)
{
    relation->is_shared = true;
    (void)snprintf(name, VV_WORK_NAME_BYTES, "memory.main.varve_%s_%016" PRIx64, what,
        vv_random64());
    return relation_open(op, work, relation, vv_str_of(name));
}

static varve_status work_open(struct vv_op *op, struct vv_engine *engine, struct vv_work *work)
{
    VV_TRY(vv_session_open(op, engine, &work->session));
    VV_TRY(vv_rowset_open(op, work->session, &work->input));
    VV_TRY(relation_open_shared(op, work, &work->batch, work->batch_table, "batch"));
    VV_TRY(relation_open(op, work, &work->batch_kept, VV_STR("temp.batch_kept")));
    VV_TRY(vv_rowset_open(op, work->session, &work->part));
    VV_TRY(vv_rowset_open(op, work->session, &work->near));
    VV_TRY(relation_open(op, work, &work->stored, VV_STR("temp.stored")));
    VV_TRY(relation_open(op, work, &work->pairs, VV_STR("temp.pairs")));
    return relation_open_shared(op, work, &work->news, work->news_table, "news");
}

varve_status vv_work_open(struct vv_op *op, struct vv_engine *engine, struct vv_work **out)
{
    struct vv_work *work = vv_malloc(sizeof(*work));
    if (work == NULL)
        return vv_fail_memory(op);
    *work = (struct vv_work){.engine = engine, .arena = VV_ARENA_INIT(ARENA_BYTES_MAX)};
    vv_known_bounds_init(&work->known);
    varve_status status = work_open(op, engine, work);
    if (status != VARVE_OK) {
        vv_work_close(&work);
        return status;
    }
    *out = work;
    return VARVE_OK;
}

/* What does not go with the session. Without the environment of an operation: nobody's failure. */
static void drop_shared(struct vv_work *work)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    vv_op_init(&op, NULL, (size_t)1 << 20);
    vv_buf_addf(&sql, "DROP TABLE IF EXISTS %.*s; DROP TABLE IF EXISTS %.*s",
        VV_ARG(work->batch.table), VV_ARG(work->news.table));
    if (vv_buf_ok(&sql) && vv_session_exec(&op, work->session, vv_buf_str(&sql)) != VARVE_OK)
        vv_forgive(&op);
}

void vv_work_close(struct vv_work **work)
{
    struct vv_work *closed = VV_MOVE(*work);
    if (closed == NULL)
        return;
    if (closed->has_shared)
        drop_shared(closed);
    vv_rowset_close(&closed->input);
    vv_rowset_close(&closed->batch.rowset);
    vv_rowset_close(&closed->batch_kept.rowset);
    vv_rowset_close(&closed->part);
    vv_rowset_close(&closed->near);
    vv_rowset_close(&closed->stored.rowset);
    vv_rowset_close(&closed->pairs.rowset);
    vv_rowset_close(&closed->news.rowset);
    vv_session_close(&closed->session);
    vv_known_bounds_done(&closed->known);
    vv_arena_done(&closed->arena);
    vv_free(closed);
}

static void relation_clear(struct vv_relation *relation)
{
    vv_rowset_clear(relation->rowset);
    relation->sql = VV_STR_NONE;
}

bool vv_work_clear(struct vv_work *work)
{
    vv_rowset_clear(work->input);
    relation_clear(&work->batch);
    relation_clear(&work->batch_kept);
    vv_rowset_clear(work->part);
    vv_rowset_clear(work->near);
    relation_clear(&work->stored);
    relation_clear(&work->pairs);
    relation_clear(&work->news);
    return !work->has_tables;
}

static varve_status make_table(struct vv_op *op, struct vv_work *work,
    struct vv_relation *relation, struct vv_str select, int64_t *out_rows)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    vv_buf_addf(&sql, "CREATE OR REPLACE %sTABLE %.*s AS ", relation->is_shared ? "" : "TEMP ",
        VV_ARG(relation->table));
    vv_buf_add(&sql, select);
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    work->has_tables = true;
    work->has_shared = work->has_shared || relation->is_shared;
    VV_TRY(vv_session_int64(op, work->session, vv_buf_str(&sql), out_rows));
    relation->sql = relation->table;
    relation->in_memory = relation->is_view = false;
    return VARVE_OK;
}

/* The relation is its rowset, which has been filled; gives its rows. */
static int64_t stay_in_memory(struct vv_relation *relation)
{
    relation->sql = vv_rowset_sql(relation->rowset);
    relation->in_memory = true;
    relation->is_view = false;
    return vv_rowset_rows(relation->rowset);
}

varve_status vv_work_make(struct vv_op *op, struct vv_work *work, struct vv_relation *relation,
    const struct vv_query *query, int64_t *out_rows)
{
    if (!work->is_small)
        return make_table(op, work, relation, query->sql, out_rows);
    VV_TRY(vv_rowset_fill(op, relation->rowset, query));
    *out_rows = stay_in_memory(relation);
    return VARVE_OK;
}

varve_status vv_work_make_many(struct vv_op *op, struct vv_work *work,
    struct vv_relation *relation, const struct vv_query *query, const struct vv_query *parts,
    size_t parts_len, int64_t *out_rows)
{
    struct vv_rowset *rowset = relation->rowset;
    int64_t bytes_max = work->many_bytes_max;
    bool fits = false;
    vv_engine_expect_many(work->engine);
    varve_status status =
        parts_len > 1 ? vv_rowset_fill_parts(op, rowset, parts, parts_len, bytes_max, &fits)
                      : vv_rowset_fill_many(op, rowset, query, bytes_max, &fits);
    vv_engine_expect(work->engine, fits ? vv_rowset_bytes(rowset) : bytes_max);
    VV_TRY(status);
    if (!fits)
        return make_table(op, work, relation, query->sql, out_rows);
    *out_rows = stay_in_memory(relation);
    return VARVE_OK;
}

varve_status vv_work_spill(struct vv_op *op, struct vv_work *work, struct vv_relation *relation)
{
    int64_t rows = 0;
    struct vv_str select =
        vv_arena_format(&op->arena, "FROM %.*s", VV_ARG(vv_rowset_sql(relation->rowset)));
    if (select.ptr == NULL)
        return vv_fail_memory(op);
    VV_TRY(make_table(op, work, relation, select, &rows));
    vv_rowset_clear(relation->rowset);
    return VARVE_OK;
}
