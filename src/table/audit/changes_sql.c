/*
 * One statement over all files of the range. A file's rows bear the version and time of its commit,
 * found by the file's index.
 */
#include "base/buf.h"
#include "engine/sql.h"
#include "table/audit/changes_run.h"
#include "table/read/lost.h"
#include "table/read/scan_sql.h"

static varve_status list_files(struct vv_op *op, const struct vv_change_files *files,
    const struct vv_file ***out)
{
    VV_NEW(op, out, const struct vv_file *, files->list.len + 1);
    for (size_t i = 0; i < files->list.len; i++)
        (*out)[i] = files->list.items[i].file;
    return VARVE_OK;
}

/* Change files have one column more than the table. */
static varve_status feed_snapshot(struct vv_op *op, const struct vv_snapshot *from,
    struct vv_snapshot *out)
{
    size_t len = from->schema.fields_len;
    struct vv_field *fields = NULL;
    VV_NEW(op, &fields, struct vv_field, len + 1);
    if (len > 0)
        memcpy(fields, from->schema.fields, len * sizeof(*fields));
    fields[len] = (struct vv_field){.name = VV_STR("_change_type"),
        .type = {.kind = VV_TYPE_STRING},
        .nullable = true,
        .physical_name = VV_STR("_change_type")};
    *out = *from;
    out->schema = (struct vv_schema){fields, len + 1};
    /* It has no field id, but all columns have names. */
    if (out->mapping == VV_MAPPING_ID)
        out->mapping = VV_MAPPING_NAME;
    return VARVE_OK;
}

static void add_columns(const struct vv_changes_run *run, const char *table, struct vv_buf *sql)
{
    for (size_t i = 0; i < vv_changes_view(run)->schema.fields_len; i++)
        vv_buf_addf(sql, "%s.c%zu, ", table, i);
}

/*
 * Of a row's commit, by the index of its file: not joined, since the engine may take the rows, not
 * the commits, for the side that it holds in memory.
 */
static void add_commit(const struct vv_change_files *files, struct vv_buf *sql)
{
    vv_buf_adds(sql, ", list_extract(");
    for (size_t i = 0; i < files->list.len; i++)
        vv_buf_addf(sql, "%s%" PRId64 "::BIGINT", i == 0 ? "[" : ", ",
            files->list.items[i].version);
    vv_buf_adds(sql, "], s._file + 1) AS _version, list_extract(");
    for (size_t i = 0; i < files->list.len; i++) {
        vv_buf_adds(sql, i == 0 ? "[" : ", ");
        vv_sql_timestamptz(sql, files->list.items[i].timestamp_us);
    }
    vv_buf_adds(sql, "], s._file + 1) AS _time");
}

/* "(scan) AS s", of the table's files or of change files. */
static varve_status add_scan(struct vv_op *op, const struct vv_changes_run *run,
    const struct vv_change_files *files, bool is_feed, const char *alias, struct vv_buf *sql)
{
    const struct vv_file **list = NULL;
    struct vv_snapshot *snapshot = NULL;
    VV_NEW(op, &snapshot, struct vv_snapshot, 1);
    *snapshot = *vv_changes_view(run);
    if (is_feed)
        VV_TRY(feed_snapshot(op, vv_changes_view(run), snapshot));
    VV_TRY(list_files(op, files, &list));
    const struct vv_scan_source source = {.store = run->table->store,
        .engine = run->engine,
        .snapshot = snapshot,
        .files = list,
        .files_len = files->list.len,
        .names = VV_SCAN_INDEXED};
    vv_buf_addc(sql, '(');
    if (vv_scan_sql(op, &source, sql) != VARVE_OK)
        return vv_lost_changes(op, run->table, run->from, list, files->list.len);
    vv_buf_addf(sql, ") AS %s", alias);
    return VARVE_OK;
}

/*
 * SELECT c0.., _what, _version, _time of one kind. Rows of pairs are those that the other half of
 * the pair does not show.
 */
static varve_status add_kind(struct vv_op *op, const struct vv_changes_run *run,
    enum vv_change_kind kind, bool net, struct vv_buf *sql)
{
    static const char *const words[] = {"'insert'", "'delete'", NULL, "'delete'", "'insert'"};
    const struct vv_change_files *files = &run->files[kind][net];
    vv_buf_adds(sql, "SELECT ");
    add_columns(run, "s", sql);
    if (kind == VV_CHANGE_FEED)
        vv_buf_addf(sql, "s.c%zu AS _what", vv_changes_view(run)->schema.fields_len);
    else
        vv_buf_addf(sql, "%s AS _what", words[kind]);
    add_commit(files, sql);
    vv_buf_adds(sql, " FROM ");
    VV_TRY(add_scan(op, run, files, kind == VV_CHANGE_FEED, "s", sql));
    if (kind == VV_CHANGE_PAIR_OLD || kind == VV_CHANGE_PAIR_NEW) {
        enum vv_change_kind other =
            kind == VV_CHANGE_PAIR_OLD ? VV_CHANGE_PAIR_NEW : VV_CHANGE_PAIR_OLD;
        vv_buf_adds(sql, " ANTI JOIN ");
        VV_TRY(add_scan(op, run, &run->files[other][net], false, "o", sql));
        vv_buf_adds(sql, " ON o._file = s._file AND o._pos = s._pos");
    }
    if (run->filter != NULL) {
        vv_buf_adds(sql, " WHERE ");
        vv_buf_add(sql, run->filter->where);
    }
    return VARVE_OK;
}

/* All rows of some kinds, one after the other; *out_any false: there is no file. */
static varve_status add_kinds(struct vv_op *op, const struct vv_changes_run *run,
    const enum vv_change_kind *kinds, size_t kinds_len, bool net, struct vv_buf *sql)
{
    const char *between = "";
    for (size_t i = 0; i < kinds_len; i++) {
        if (run->files[kinds[i]][net].list.len == 0)
            continue;
        vv_buf_adds(sql, between);
        VV_TRY(add_kind(op, run, kinds[i], net, sql));
        between = " UNION ALL ";
    }
    if (*between != '\0')
        return VARVE_OK;
    /* Nothing: the same columns and no row. */
    const struct vv_change_files none = {0};
    vv_buf_adds(sql, "SELECT ");
    add_columns(run, "s", sql);
    vv_buf_adds(sql, "'' AS _what, 0::BIGINT AS _version, NULL::TIMESTAMPTZ AS _time FROM ");
    VV_TRY(add_scan(op, run, &none, false, "s", sql));
    return VARVE_OK;
}

/* Removed and added rows of one version with the same key: an update. */
static void add_updates(const struct vv_changes_run *run, struct vv_buf *sql)
{
    vv_buf_adds(sql, " LEFT JOIN (SELECT _version, ");
    for (size_t i = 0; i < run->rules.key_len; i++)
        vv_buf_addf(sql, "c%d, ", run->rules.key[i]);
    vv_buf_adds(sql,
        "true AS is_there FROM net GROUP BY ALL HAVING min(_n) < 0 AND max(_n) > 0)"
        " AS o ON o._version = r._version");
    for (size_t i = 0; i < run->rules.key_len; i++)
        vv_buf_addf(sql, " AND o.c%d IS NOT DISTINCT FROM r.c%d", run->rules.key[i],
            run->rules.key[i]);
}

static varve_status add_half(struct vv_op *op, const struct vv_changes_run *run,
    const enum vv_change_kind *kinds, int sign, struct vv_buf *sql)
{
    vv_buf_addf(sql, "SELECT * EXCLUDE (_what), %d AS _n FROM (", sign);
    VV_TRY(add_kinds(op, run, kinds, 2, true, sql));
    vv_buf_addc(sql, ')');
    return VARVE_OK;
}

/*
 * The two sides of the commits without a feed, what is the same on both left out. EXCEPT ALL would
 * say it too, by windows over whole rows that have to be in memory; groups are spilled.
 */
static varve_status add_net(struct vv_op *op, const struct vv_changes_run *run,
    struct vv_buf *sql)
{
    static const enum vv_change_kind came[] = {VV_CHANGE_INSERTS, VV_CHANGE_PAIR_NEW};
    static const enum vv_change_kind went[] = {VV_CHANGE_DELETES, VV_CHANGE_PAIR_OLD};
    bool has_key = run->rules.key_len > 0;
    vv_buf_adds(sql, "WITH net AS MATERIALIZED (SELECT * EXCLUDE (_i) FROM (SELECT *, "
                     "unnest(range(abs(_n))) AS _i FROM (SELECT ");
    add_columns(run, "b", sql);
    vv_buf_adds(sql, "_version, _time, sum(_n)::BIGINT AS _n FROM (");
    VV_TRY(add_half(op, run, came, 1, sql));
    vv_buf_adds(sql, " UNION ALL ");
    VV_TRY(add_half(op, run, went, -1, sql));
    vv_buf_adds(sql, ") AS b GROUP BY ALL HAVING sum(_n) <> 0))) SELECT ");
    add_columns(run, "r", sql);
    vv_buf_addf(sql,
        "CASE WHEN %s THEN if(r._n < 0, 'update_preimage', 'update_postimage') "
        "ELSE if(r._n < 0, 'delete', 'insert') END AS _what, r._version, r._time FROM net AS r",
        has_key ? "o.is_there" : "false");
    if (has_key)
        add_updates(run, sql);
    return VARVE_OK;
}

static bool has_removals(const struct vv_changes_run *run)
{
    return run->files[VV_CHANGE_DELETES][1].list.len > 0 ||
           run->files[VV_CHANGE_PAIR_OLD][1].list.len > 0;
}

varve_status vv_changes_rows_sql(struct vv_op *op, const struct vv_changes_run *run,
    struct vv_buf *sql)
{
    static const enum vv_change_kind all[] = {VV_CHANGE_INSERTS, VV_CHANGE_DELETES,
        VV_CHANGE_FEED, VV_CHANGE_PAIR_OLD, VV_CHANGE_PAIR_NEW};
    static const enum vv_change_kind inserts[] = {VV_CHANGE_INSERTS};
    vv_buf_addc(sql, '(');
    VV_TRY(add_kinds(op, run, all, VV_COUNT(all), false, sql));
    vv_buf_adds(sql, ") UNION ALL (");
    if (has_removals(run))
        VV_TRY(add_net(op, run, sql));
    else
        VV_TRY(add_kinds(op, run, inserts, VV_COUNT(inserts), true, sql));
    vv_buf_addc(sql, ')');
    return vv_buf_ok(sql) ? VARVE_OK : vv_fail_memory(op);
}

struct vv_str vv_changes_taken_name(const struct vv_schema *schema)
{
    static const char *const names[] = {"_change_type", "_commit_version", "_commit_timestamp"};
    for (size_t i = 0; i < VV_COUNT(names); i++) {
        int32_t column = vv_schema_find(schema, vv_str_of(names[i]));
        if (column >= 0)
            return schema->fields[column].name;
    }
    return VV_STR_NONE;
}

varve_status vv_changes_check_names(struct vv_op *op, const struct vv_schema *schema)
{
    struct vv_str name = vv_changes_taken_name(schema);
    if (name.ptr == NULL)
        return VARVE_OK;
    return vv_fail(op, VARVE_EINVALID,
        "no column can be called %.*s: changes (varve changes) have one of that name beside "
        "those of the table",
        VV_ARG(name));
}

void vv_changes_columns_sql(const struct vv_schema *schema, struct vv_buf *sql)
{
    for (size_t i = 0; i < schema->fields_len; i++) {
        vv_buf_addf(sql, "r.c%zu AS ", i);
        vv_sql_name(sql, schema->fields[i].name);
        vv_buf_adds(sql, ", ");
    }
    vv_buf_adds(sql, "_what AS _change_type, _version AS _commit_version, "
                     "_time AS _commit_timestamp");
}

varve_status vv_changes_sql(struct vv_op *op, const struct vv_changes_run *run,
    struct vv_buf *sql)
{
    vv_buf_adds(sql, "SELECT ");
    vv_changes_columns_sql(&vv_changes_view(run)->schema, sql);
    vv_buf_adds(sql, " FROM (");
    VV_TRY(vv_changes_rows_sql(op, run, sql));
    vv_buf_adds(sql,
        ") AS r ORDER BY _version, _what = 'insert' OR _what = 'update_postimage'");
    return vv_buf_ok(sql) ? VARVE_OK : vv_fail_memory(op);
}
