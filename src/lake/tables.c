/*
 * The tables of a lake as rows. A table that can't be opened is told as one, with its error:
 * one bad table must not hide the others.
 */
#include "base/time.h"
#include "lake/lake.h"
#include "table/describe.h"

enum {
    TABLE,
    VERSION,
    FILES,
    ROWS,
    BYTES,
    LAST_COMMIT,
    KEY,
    LOCATION,
    ERROR,
    COLUMNS
};

static varve_status number(struct vv_op *op, int64_t value, struct vv_str *out)
{
    *out = vv_arena_format(&op->arena, "%" PRId64, value);
    return out->ptr == NULL ? vv_fail_memory(op) : VARVE_OK;
}

static varve_status inspect(struct vv_op *op, const struct vv_table *table,
    struct vv_str *values)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf key = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_snapshot *snapshot = table->snapshot;
    struct vv_table_size size;
    struct vv_rules rules;
    char time[32];
    VV_TRY(vv_table_measure(op, snapshot, &size));
    VV_TRY(vv_rules_read_lenient(op, &op->arena, snapshot, &rules));
    VV_TRY(number(op, snapshot->version, &values[VERSION]));
    VV_TRY(number(op, size.files, &values[FILES]));
    VV_TRY(number(op, size.bytes, &values[BYTES]));
    if (size.rows >= 0)
        VV_TRY(number(op, size.rows, &values[ROWS]));
    if (snapshot->timestamp_ms != VV_NO_TIME) {
        size_t len = vv_time_format_ms(snapshot->timestamp_ms, time);
        values[LAST_COMMIT] = vv_arena_str(&op->arena, (struct vv_str){time, len});
    }
    for (size_t i = 0; i < rules.key_len; i++)
        vv_buf_addf(&key, "%s%.*s", i == 0 ? "" : ",",
            VV_ARG(snapshot->schema.fields[rules.key[i]].name));
    if (rules.key_len > 0)
        values[KEY] = vv_arena_str(&op->arena, vv_buf_str(&key));
    values[LOCATION] = vv_arena_str(&op->arena, table->store->location);
    return values[LOCATION].ptr == NULL ? vv_fail_memory(op) : VARVE_OK;
}

static varve_status add_table(struct vv_op *op, struct vv_lake *lake,
    struct vv_text_appender *appender, struct vv_str name, int64_t row)
{
    VV_CLEANUP(vv_table_close) struct vv_table *table = NULL;
    struct vv_str values[COLUMNS] = {0};
    values[TABLE] = name;
    varve_status status = vv_lake_table(op, lake, name, &table);
    if (status == VARVE_OK)
        status = inspect(op, table, values);
    if (status == VARVE_EINTERRUPTED || status == VARVE_ELIMIT)
        return status;
    if (status != VARVE_OK) {
        values[ERROR] = vv_arena_str(&op->arena, vv_str_of(op->error.message));
        vv_forgive(op);
    }
    return vv_text_appender_row(op, appender, row, values);
}

varve_status vv_lake_tables(struct vv_op *op, struct vv_lake *lake,
    struct ArrowArrayStream *out)
{
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    VV_CLEANUP(vv_text_appender_close) struct vv_text_appender *appender = NULL;
    const struct vv_str columns[COLUMNS] = {VV_STR("table"), VV_STR("version"), VV_STR("files"),
        VV_STR("rows"), VV_STR("bytes"), VV_STR("last_commit"), VV_STR("key"),
        VV_STR("location"), VV_STR("error")};
    struct vv_engine *engine = NULL;
    struct vv_str *names = NULL;
    size_t len = 0;
    VV_TRY(vv_lake_list(op, lake, &op->arena, &names, &len));
    VV_TRY(vv_lake_engine(op, lake, &engine));
    VV_TRY(vv_session_open(op, engine, &session));
    VV_TRY(vv_text_appender_open(op, session, VV_STR("tables"), VV_STR("_row"), columns,
        COLUMNS, &appender));
    for (size_t i = 0; i < len; i++)
        VV_TRY(add_table(op, lake, appender, names[i], (int64_t)i));
    VV_TRY(vv_text_appender_finish(op, appender));
    vv_text_appender_close(&appender);
    return vv_session_stream(op, &session,
        VV_STR("SELECT \"table\", version::BIGINT AS version, files::BIGINT AS files, "
               "\"rows\"::BIGINT AS \"rows\", bytes::BIGINT AS bytes, "
               "last_commit::TIMESTAMPTZ AS last_commit, \"key\", location, error "
               "FROM tables ORDER BY _row"),
        false, NULL, 0, out);
}
