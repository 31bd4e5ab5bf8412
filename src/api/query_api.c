#include "api/api.h"
#include "base/time.h"
#include "engine/param.h"
#include "lake/leak.h"
#include "varve/explain.h"

static varve_status read_request(struct vv_op *op, const char *sql,
    const varve_query_options *given, struct vv_query_request *out)
{
    varve_query_options options = VARVE_QUERY_OPTIONS_INIT;
    VV_TRY(vv_api_options(op, given, &options, sizeof(options)));
    if (sql == NULL)
        return vv_fail(op, VARVE_EUSAGE, "no SQL given");
    struct vv_str at = VV_STR_NONE;
    VV_TRY(vv_api_given(op, "at", options.at, &at));
    struct vv_sql_param *params = NULL;
    VV_NEW(op, &params, struct vv_sql_param, options.params_len + 1);
    for (size_t i = 0; i < options.params_len; i++) {
        if (options.param_names == NULL || options.param_names[i] == NULL)
            return vv_fail(op, VARVE_EUSAGE, "parameter %zu has no name", i + 1);
        for (size_t j = 0; j < i; j++)
            if (vv_str_eq_nocase(params[j].name, vv_str_of(options.param_names[i])))
                return vv_fail(op, VARVE_EUSAGE,
                    "parameter %s is there twice, and has one value", options.param_names[i]);
        const char *value = options.param_values != NULL ? options.param_values[i] : NULL;
        const char *type = options.param_types != NULL ? options.param_types[i] : NULL;
        VV_TRY(vv_sql_param_read(op, vv_str_of(options.param_names[i]), vv_api_text(type),
            value != NULL ? vv_str_of(value) : VV_STR_NONE, &params[i]));
    }
    *out = (struct vv_query_request){.sql = vv_str_of(sql),
        .at = at,
        .params = {params, options.params_len},
        .has_own_names = options.own_names != 0};
    return VARVE_OK;
}

static varve_status query(struct vv_op *op, varve_lake *lake, const char *sql,
    const varve_query_options *given, struct ArrowArrayStream *out)
{
    struct vv_query_request request;
    VV_TRY(read_request(op, sql, given, &request));
    return vv_lake_query(op, lake->lake, &request, out);
}

varve_status varve_lake_query(varve_lake *lake, const char *sql,
    const varve_query_options *options, struct ArrowArrayStream *out, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_api_begin(&op, lake);
    return vv_op_report(&op, query(&op, lake, sql, options, out), err);
}

/* Gives both out, or none. */
static varve_status give(struct vv_op *op, varve_status status, struct vv_str plan,
    struct ArrowArrayStream *rows, struct ArrowArrayStream *out, char **out_plan)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    VV_TRY(status);
    vv_buf_add(&text, plan);
    if (out_plan != NULL)
        status = vv_api_give_text(op, &text, out_plan);
    if (status == VARVE_OK)
        *out = *rows;
    else
        rows->release(rows);
    return status;
}

static varve_status explain(struct vv_op *op, varve_lake *lake, const char *sql,
    const varve_query_options *given, struct ArrowArrayStream *out, char **out_plan)
{
    struct vv_query_request request;
    struct ArrowArrayStream rows = {0};
    struct vv_str plan = VV_STR_NONE;
    VV_TRY(read_request(op, sql, given, &request));
    return give(op, vv_lake_explain(op, lake->lake, &request, &rows, &plan), plan, &rows, out,
        out_plan);
}

varve_status varve_lake_explain(varve_lake *lake, const char *sql,
    const varve_query_options *options, struct ArrowArrayStream *out, char **out_plan,
    varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_api_begin(&op, lake);
    return vv_op_report(&op, explain(&op, lake, sql, options, out, out_plan), err);
}

static varve_status explain_scan(struct vv_op *op, varve_table *table,
    const varve_scan_options *given, struct ArrowArrayStream *out, char **out_plan)
{
    varve_scan_options options = VARVE_SCAN_OPTIONS_INIT;
    struct vv_scan_request request;
    struct vv_table_plan plan;
    struct ArrowArrayStream rows = {0};
    struct vv_str text = VV_STR_NONE;
    VV_TRY(vv_api_options(op, given, &options, sizeof(options)));
    VV_TRY(vv_api_scan_request(op, &options, &request));
    VV_TRY(vv_table_scan_plan(op, table->table, &request, &plan, &text));
    return give(op, vv_table_plan_stream(op, table->table->engine, &plan, 1, &rows), text,
        &rows, out, out_plan);
}

varve_status varve_table_explain_scan(varve_table *table, const varve_scan_options *options,
    struct ArrowArrayStream *out, char **out_plan, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_api_begin(&op, table->lake);
    return vv_api_report(&op, table, explain_scan(&op, table, options, out, out_plan), err);
}

static varve_status leak_check(struct vv_op *op, varve_lake *lake, const char *sql,
    const char *known_at, const varve_leak_check_options *options, struct ArrowArrayStream *out)
{
    struct vv_leak_request request = {.sql = vv_str_of(sql)};
    VV_TRY(vv_api_knowledge(op, options->knowledge, &request.knowledge));
    if (sql == NULL)
        return vv_fail(op, VARVE_EUSAGE, "no SQL given");
    VV_TRY(vv_known_at_read(op, vv_api_text(known_at), &request.known_us));
    return vv_lake_leak_check(op, lake->lake, &request, out);
}

varve_status varve_lake_leak_check(varve_lake *lake, const char *sql, const char *known_at,
    const varve_leak_check_options *options, struct ArrowArrayStream *out, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    varve_leak_check_options known = VARVE_LEAK_CHECK_OPTIONS_INIT;
    vv_api_begin(&op, lake);
    varve_status status = vv_api_options(&op, options, &known, sizeof(known));
    if (status == VARVE_OK)
        status = leak_check(&op, lake, sql, known_at, &known, out);
    return vv_op_report(&op, status, err);
}
