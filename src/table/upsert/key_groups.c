#include "table/upsert/key_groups.h"

#include "table/upsert/upsert_plan.h"

static void groups_sql(const struct vv_schema *schema, const struct vv_rules *rules,
    const struct vv_keyed_rows *keyed, struct vv_buf *sql)
{
    vv_buf_adds(sql, "SELECT count(*)");
    if (keyed->is_numbered)
        vv_buf_adds(sql, ", min(_row), max(_row)");
    for (size_t i = 0; i < rules->partitions_len; i++) {
        int32_t column = rules->partitions[i];
        vv_buf_adds(sql, ", ");
        vv_upsert_add_value_sql(sql, "", column, "", &schema->fields[column].type);
    }
    for (size_t i = 0; i < rules->key_len; i++) {
        int32_t column = rules->key[i];
        vv_buf_adds(sql, ", ");
        vv_upsert_add_value_sql(sql, "min(", column, ")", &schema->fields[column].type);
        vv_buf_adds(sql, ", ");
        vv_upsert_add_value_sql(sql, "max(", column, ")", &schema->fields[column].type);
        vv_buf_addf(sql, ", bool_or(c%d IS NULL)", column);
    }
    vv_buf_addf(sql, " FROM %.*s", VV_ARG(keyed->sql));
    for (size_t i = 0; i < rules->partitions_len; i++)
        vv_buf_addf(sql, "%sc%d", i == 0 ? " GROUP BY " : ", ", rules->partitions[i]);
    vv_buf_adds(sql, " HAVING count(*) > 0");
    for (size_t i = 0; i < rules->partitions_len; i++)
        vv_buf_addf(sql, "%sc%d", i == 0 ? " ORDER BY " : ", ", rules->partitions[i]);
}

/* Its rows are so many as there are from the first of them to the last. */
static void read_run(const struct vv_rows *rows, struct vv_key_group *out)
{
    out->first = vv_rows_int64(rows, 1) - 1;
    out->is_run = vv_rows_int64(rows, 2) - out->first == out->rows;
}

static varve_status read_group(struct vv_op *op, struct vv_arena *arena,
    const struct vv_schema *schema, const struct vv_rules *rules, const struct vv_rows *rows,
    bool is_numbered, struct vv_key_group *out)
{
    uint32_t column = is_numbered ? 3 : 1;
    out->rows = vv_rows_int64(rows, 0);
    if (is_numbered)
        read_run(rows, out);
    out->partition = vv_new(arena, struct vv_value, rules->partitions_len + 1);
    out->min = vv_new(arena, struct vv_value, rules->key_len + 1);
    out->max = vv_new(arena, struct vv_value, rules->key_len + 1);
    out->has_null = vv_new(arena, bool, rules->key_len + 1);
    if (out->partition == NULL || out->min == NULL || out->max == NULL || out->has_null == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < rules->partitions_len; i++)
        VV_TRY(vv_upsert_value(op, arena, rows, column++,
            &schema->fields[rules->partitions[i]].type, &out->partition[i]));
    for (size_t i = 0; i < rules->key_len; i++) {
        const struct vv_type *type = &schema->fields[rules->key[i]].type;
        VV_TRY(vv_upsert_value(op, arena, rows, column++, type, &out->min[i]));
        VV_TRY(vv_upsert_value(op, arena, rows, column++, type, &out->max[i]));
        out->has_null[i] = vv_rows_bool(rows, column++);
    }
    return VARVE_OK;
}

varve_status vv_key_groups_read(struct vv_op *op, struct vv_session *session,
    struct vv_arena *arena, const struct vv_schema *schema, const struct vv_rules *rules,
    const struct vv_keyed_rows *keyed, struct vv_key_groups *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    void *groups = NULL;
    size_t len = 0;
    size_t capacity = 0;
    groups_sql(schema, rules, keyed, &sql);
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_query(op, session, vv_buf_str(&sql), &rows));
    for (;;) {
        bool has_row = false;
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row)
            break;
        if (!vv_arena_grow(arena, &groups, len, &capacity, sizeof(struct vv_key_group),
                _Alignof(struct vv_key_group)))
            return vv_fail_memory(op);
        VV_TRY(read_group(op, arena, schema, rules, rows, keyed->is_numbered,
            &((struct vv_key_group *)groups)[len++]));
    }
    *out = (struct vv_key_groups){groups, len};
    return VARVE_OK;
}
