#include "lake/leak.h"

#include "engine/engine.h"

/* Runs the query at a state of knowledge into a table of the session. */
static varve_status load(struct vv_op *op, struct vv_lake *lake, struct vv_session *session,
    const struct vv_query_request *request, struct vv_str table)
{
    struct ArrowArrayStream rows = {0};
    const struct vv_load_target target = {.table = table, .row_column = VV_STR("_leak_row")};
    VV_TRY(vv_lake_query(op, lake, request, &rows));
    varve_status status = vv_session_load_arrow(op, session, &rows, &target, NULL);
    return status == VARVE_EINVALID ? vv_recode(op, VARVE_EUSAGE) : status;
}

static varve_status load_both(struct vv_op *op, struct vv_lake *lake,
    struct vv_session *session, const struct vv_leak_request *request,
    struct vv_str *out_tables)
{
    struct vv_query_request query = {
        .sql = request->sql, .is_known_fixed = true, .out_tables = out_tables};
    lake->known.is_set = false;
    VV_TRY(load(op, lake, session, &query, VV_STR("leak_now")));
    query.is_known_by_row = request->knowledge != VV_KNOWN_COMMIT;
    query.knowledge = request->knowledge;
    query.known_us = request->known_us;
    lake->known = (struct vv_known){request->knowledge == VV_KNOWN_COMMIT, request->known_us};
    return load(op, lake, session, &query, VV_STR("leak_then"));
}

varve_status vv_lake_leak_check(struct vv_op *op, struct vv_lake *lake,
    const struct vv_leak_request *request, struct ArrowArrayStream *out)
{
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    struct vv_engine *engine = NULL;
    /* What EXCEPT ALL both ways would say, by groups: these are spilled, its windows are not. */
    struct vv_query query = {
        .sql = VV_STR("SELECT if(_leak_n > 0, 'then', 'now') AS _known, "
                      "* EXCLUDE (_leak_n, _leak_i) FROM (SELECT *, "
                      "unnest(range(abs(_leak_n))) AS _leak_i FROM ("
                      "SELECT * EXCLUDE (_leak_n), sum(_leak_n)::BIGINT AS _leak_n FROM ("
                      "SELECT * EXCLUDE (_leak_row), 1 AS _leak_n FROM leak_then UNION ALL "
                      "SELECT * EXCLUDE (_leak_row), -1 FROM leak_now) "
                      "GROUP BY ALL HAVING sum(_leak_n) <> 0)) ORDER BY ALL")};
    const struct vv_known was = lake->known;
    VV_TRY(vv_lake_engine(op, lake, &engine));
    VV_TRY(vv_session_open(op, engine, &session));
    varve_status status = load_both(op, lake, session, request, &query.about);
    lake->known = was;
    VV_TRY(status);
    return vv_session_stream_query(op, &session, &query, NULL, 0, out);
}
