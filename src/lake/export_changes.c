/*
 * What the versions of a table did to the rows of an export: every row that was inserted, replaced or
 * deleted, as `varve changes` tells it, with the columns of the version that is exported.
 *
 * It is told in parts of a limited number of versions, so that no statement has the files of a long
 * history at once. What can't be told is never left out in silence: it is a gap, with its reason.
 */
#include "base/time.h"
#include "delta/log_list.h"
#include "delta/pins.h"
#include "engine/parquet.h"
#include "engine/sql.h"
#include "lake/export_run.h"
#include "table/audit/changes_pick.h"

#define PART_VERSIONS_MAX 500
#define FILE_RETENTION_US (7 * VV_US_PER_DAY) /* of a table that says none */
/* Gaps that are explained to the end: to find who took a file the history is walked back. */
#define GAPS_EXPLAINED_MAX 8

struct told {
    struct vv_export_run *run;
    struct vv_export_table *table;
    struct vv_changes_pick pick;
    struct vv_range range;
    enum vv_changes_feed feed;
    const struct vv_snapshot *wide; /* of all versions that are told */
    bool is_by_pair; /* a row counts where its other half lies in the span, too */
    struct vv_str where;
    struct vv_hash_set seen; /* files that were looked at, by key */
    struct vv_buf csv;       /* changes-files.csv */
};

static void told_done(struct told *told)
{
    vv_buf_done(&told->csv);
}

/* ---- Gaps ----------------------------------------------------------------------------------------- */

static varve_status add_gap(struct vv_op *op, struct vv_export_table *table, int64_t from,
    int64_t to, struct vv_str why)
{
    struct vv_export_gap *gap = VV_LIST_NEW(&op->arena, &table->changes.gaps);
    struct vv_str copy = vv_arena_str(&op->arena, why);
    if (gap == NULL || copy.ptr == NULL)
        return vv_fail_memory(op);
    *gap = (struct vv_export_gap){from, to, copy};
    table->changes.untold += to - from + 1;
    return VARVE_OK;
}

/* Versions below those of entry `at`, from `from` on: nobody has their commits. */
static varve_status add_gone(struct vv_op *op, struct vv_export_table *table, int64_t from,
    size_t at)
{
    const struct vv_log_commit *commit = &table->entries[at].commit;
    bool is_hole = at + 1 < table->entries_len &&
                   vv_log_list_hole(&table->entries[at + 1].commit, commit) != VV_NO_VERSION;
    struct vv_str why = is_hole ? VV_STR("the commits are missing from the log and the ledger, "
                                         "though older ones are there: restore them from a "
                                         "backup")
                                : VV_STR("the commits are gone: they left the log before the "
                                         "ledger had them");
    return from < commit->version ? add_gap(op, table, from, commit->version - 1, why)
                                  : VARVE_OK;
}

static varve_status add_lost(struct vv_op *op, struct vv_export_table *table,
    const struct vv_changes_lost *lost, bool is_explained)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf why = VV_BUF_INIT(1 << 16);
    if (is_explained || lost->unclear != NULL)
        VV_TRY(vv_changes_lost_why(op, table->source.table, lost, &why));
    else
        vv_buf_addf(&why, "data files that are needed are gone, such as %.*s",
            VV_ARG(lost->key));
    if (!vv_buf_ok(&why))
        return vv_fail_memory(op);
    return add_gap(op, table, lost->from, lost->to, vv_buf_str(&why));
}

/*
 * Whether a file that says what a version changed may be gone: a vacuum came later, or the retention
 * has ended. Of an older version that is exported nobody has looked at what came later.
 */
static bool may_be_gone(const struct vv_op *op, const struct vv_export_table *table,
    const struct vv_changes_lost *lost)
{
    const struct vv_snapshot *snapshot = table->source.snapshot;
    struct vv_str promised = vv_pairs_get(&snapshot->metadata->configuration,
        VV_STR("delta.deletedFileRetentionDuration"));
    int64_t retention_us = FILE_RETENTION_US;
    int64_t now_us = vv_now_us(op);
    if (table->source.table->snapshot != snapshot)
        return true;
    if (promised.ptr != NULL && !vv_time_parse_duration(promised, &retention_us))
        retention_us = FILE_RETENTION_US;
    for (size_t i = 0; i < table->entries_len; i++) { /* newest first */
        const struct vv_history_entry *entry = &table->entries[i];
        if (entry->version > lost->from && entry->info != NULL &&
            vv_str_starts(entry->info->operation, VV_STR("VACUUM")))
            return true;
        if (entry->version == lost->from)
            return retention_us < now_us &&
                   entry->timestamp_ms <= (now_us - retention_us) / VV_US_PER_MS;
    }
    return true;
}

/* A hold keeps all versions from its own on, whoever else may have taken their files. */
static const struct vv_pin *hold_of(const struct vv_pins *pins,
    const struct vv_changes_lost *lost)
{
    for (size_t i = 0; i < pins->len; i++)
        if (pins->items[i].kind == VV_PIN_HOLD && pins->items[i].version < lost->from)
            return &pins->items[i];
    return NULL;
}

/* What nothing that is allowed took was removed by somebody: that is no gap, but damage. */
static varve_status check_lost(struct vv_op *op, const struct told *told)
{
    const struct vv_export_table *table = told->table;
    struct vv_pins pins = {0};
    if (told->pick.lost.len > 0)
        VV_TRY(vv_pins_read(op, &table->source.table->log, &op->arena, &pins));
    for (size_t i = 0; i < told->pick.lost.len; i++) {
        const struct vv_changes_lost *lost = &told->pick.lost.items[i];
        const struct vv_pin *hold = hold_of(&pins, lost);
        if (lost->unclear != NULL || (hold == NULL && may_be_gone(op, table, lost)))
            continue;
        return vv_fail(op, VARVE_EVERIFY,
            "%.*s is missing: it says what version %" PRId64 " changed, and %s%.*s keeps it; "
            "nothing is exported, varve verify says more (--no-changes exports the rows alone)",
            VV_ARG(lost->key), lost->from, hold != NULL ? "the hold " : "the retention",
            VV_ARG(hold != NULL ? hold->name : VV_STR("")));
    }
    return VARVE_OK;
}

static varve_status add_all_lost(struct vv_op *op, struct told *told)
{
    struct vv_export_table *table = told->table;
    VV_TRY(check_lost(op, told));
    for (size_t i = 0; i < told->pick.lost.len; i++)
        VV_TRY(add_lost(op, table, &told->pick.lost.items[i], i < GAPS_EXPLAINED_MAX));
    if (table->changes.untold > 0)
        vv_log(op, VV_LOG_WARN, "export.changes_untold",
            "what %" PRId64 " of %" PRId64 " versions of table %.*s did to the rows is not "
            "told in the export: index.html and manifest.json say which and why; the first "
            "is version %" PRId64 ": %.*s",
            table->changes.untold, table->source.snapshot->version + 1, VV_ARG(table->name),
            table->changes.gaps.items[0].from, VV_ARG(table->changes.gaps.items[0].why));
    return VARVE_OK;
}

/* ---- Files ---------------------------------------------------------------------------------------- */

/* No row is read from a file that is not what its commit says. */
static varve_status look_at(struct vv_op *op, struct told *told,
    const struct vv_change_file *changed)
{
    const struct vv_file *file = changed->file;
    char sha256[VV_SHA256_HEX_BYTES];
    bool is_seen = false;
    if (!vv_hash_set_put(&told->seen, vv_xxh3(file->key), &is_seen))
        return vv_fail_memory(op);
    if (is_seen)
        return VARVE_OK;
    VV_TRY(vv_check_cancel(op));
    VV_TRY(vv_export_look(op, told->table, file, sha256));
    vv_buf_addf(&told->csv, "%" PRId64 ",", changed->version);
    vv_export_csv(&told->csv, file->path);
    vv_buf_addf(&told->csv, ",%" PRId64 ",%s,%s\n", file->bytes, sha256,
        vv_export_proof(told->table, file));
    told->table->changes.files++;
    return VARVE_OK;
}

static varve_status look_at_files(struct vv_op *op, struct told *told,
    const struct vv_changes_run *changes, size_t *out_len)
{
    *out_len = 0;
    for (int kind = 0; kind < VV_CHANGE_KINDS; kind++)
        for (int net = 0; net < 2; net++) {
            const struct vv_change_files *files = &changes->files[kind][net];
            *out_len += files->list.len;
            for (size_t i = 0; i < files->list.len; i++)
                VV_TRY(look_at(op, told, &files->list.items[i]));
        }
    return VARVE_OK;
}

/* ---- Rows ----------------------------------------------------------------------------------------- */

/* A row that left the span, or came into it, by an update: both halves are told. */
static void add_pair(const struct told *told, struct vv_buf *sql)
{
    const struct vv_report_source *source = &told->table->source;
    vv_buf_adds(sql, " WHERE (");
    vv_report_add_span(source, told->table->span, "r.", sql);
    vv_buf_adds(sql,
        ") OR (starts_with(r._what, 'update') AND EXISTS (SELECT 1 FROM told AS o WHERE "
        "o._version = r._version AND starts_with(o._what, 'update') AND ");
    vv_report_add_span(source, told->table->span, "o.", sql);
    for (size_t i = 0; i < source->rules.key_len; i++)
        vv_buf_addf(sql, " AND o.c%d IS NOT DISTINCT FROM r.c%d", source->rules.key[i],
            source->rules.key[i]);
    vv_buf_adds(sql, "))");
}

/* By version, then key, what was before what came. */
static varve_status rows_sql(struct vv_op *op, const struct told *told,
    const struct vv_changes_run *changes, struct vv_buf *sql)
{
    vv_buf_addf(sql, "WITH told AS %s(", told->is_by_pair ? "MATERIALIZED " : "");
    VV_TRY(vv_changes_rows_sql(op, changes, sql));
    vv_buf_adds(sql, ") SELECT ");
    vv_changes_columns_sql(&vv_changes_view(changes)->schema, sql);
    vv_buf_adds(sql, " FROM told AS r");
    if (told->is_by_pair)
        add_pair(told, sql);
    vv_buf_adds(sql, " ORDER BY _version");
    for (size_t i = 0; i < changes->rules.key_len; i++)
        vv_buf_addf(sql, ", r.c%d", changes->rules.key[i]);
    vv_buf_adds(sql, ", _what = 'insert' OR _what = 'update_postimage'");
    return vv_buf_ok(sql) ? VARVE_OK : vv_fail_memory(op);
}

/* The columns of the table and those that say what became of the row. */
static varve_status told_schema(struct vv_op *op, const struct vv_schema *from,
    struct vv_schema *out)
{
    const struct vv_field more[] = {
        {.name = VV_STR("_change_type"), .type = {.kind = VV_TYPE_STRING}},
        {.name = VV_STR("_commit_version"), .type = {.kind = VV_TYPE_LONG}},
        {.name = VV_STR("_commit_timestamp"), .type = {.kind = VV_TYPE_TIMESTAMP}}};
    struct vv_field *fields = NULL;
    VV_NEW(op, &fields, struct vv_field, from->fields_len + VV_COUNT(more));
    memcpy(fields, from->fields, from->fields_len * sizeof(*fields));
    memcpy(fields + from->fields_len, more, sizeof(more));
    *out = (struct vv_schema){fields, from->fields_len + VV_COUNT(more)};
    return VARVE_OK;
}

/* A pair of files: their names in the export, and where they are written. */
struct part {
    struct vv_str parquet_key, csv_key, parquet, csv;
    int64_t rows;
    bool is_there; /* false: no version of it has a file that can hold a row of the range */
};

/* "<table>/changes/<first version>-<last version>.<ending>" */
static varve_status stage(struct vv_op *op, struct told *told,
    const struct vv_changes_run *changes, const char *ending, struct vv_str *out_key,
    struct vv_str *out_path)
{
    *out_key = vv_arena_format(&op->arena, "%.*s/changes/%020" PRId64 "-%020" PRId64 ".%s",
        VV_ARG(told->table->folder), changes->from, changes->to, ending);
    if (out_key->ptr == NULL)
        return vv_fail_memory(op);
    return vv_new_folder_stage(op, &told->run->folder, *out_key, out_path);
}

static varve_status write_part(struct vv_op *op, struct told *told,
    const struct vv_changes_run *changes, struct part *part)
{
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_parquet_written written;
    struct vv_schema schema;
    VV_TRY(told_schema(op, &changes->snapshot->schema, &schema));
    VV_TRY(stage(op, told, changes, "parquet", &part->parquet_key, &part->parquet));
    VV_TRY(stage(op, told, changes, "csv", &part->csv_key, &part->csv));
    VV_TRY(rows_sql(op, told, changes, &sql));
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_open(op, changes->engine, &session));
    const struct vv_parquet_write write = {
        .select_sql = vv_buf_str(&sql), .path = part->parquet};
    VV_TRY(vv_parquet_write(op, session, &write, &op->arena, &written));
    part->rows = written.rows;
    part->is_there = true;
    return vv_export_write_csv(op, session, &schema, part->parquet, part->csv);
}

/* ---- Parts ---------------------------------------------------------------------------------------- */

/* Versions of `entries`, newest first, one after the other without a hole. */
static varve_status tell_part(struct vv_op *op, struct told *told,
    const struct vv_history_entry *entries, size_t len, struct part *part)
{
    const struct vv_report_source *source = &told->table->source;
    const struct vv_changes_filter filter = {.look = vv_changes_pick_look,
        .keeps = vv_changes_pick_keeps,
        .data = &told->pick,
        .where = told->where};
    struct vv_changes_run changes = {.table = source->table,
        .engine = source->table->engine,
        .snapshot = source->snapshot,
        .wide = told->wide,
        .rules = source->rules,
        .from = entries[len - 1].version,
        .to = entries[0].version,
        .filter = &filter,
        .entries = entries,
        .entries_len = len,
        .feed = told->feed};
    size_t files_len = 0;
    VV_TRY(vv_changes_read(op, &changes));
    told->feed = changes.feed;
    VV_TRY(look_at_files(op, told, &changes, &files_len));
    return files_len > 0 ? write_part(op, told, &changes, part) : VARVE_OK;
}

/* Memory goes with each part. */
static varve_status add_part(struct vv_op *op, struct told *told,
    const struct vv_history_entry *entries, size_t len)
{
    VV_CLEANUP(vv_op_done) struct vv_op own;
    struct part part = {.rows = 0};
    vv_op_init(&own, op->env, VV_OP_BYTES_DEFAULT);
    if (tell_part(&own, told, entries, len, &part) != VARVE_OK)
        return vv_op_pass(op, &own);
    if (!part.is_there)
        return VARVE_OK;
    told->table->changes.rows += part.rows;
    told->table->changes.parts++;
    VV_TRY(vv_export_note(op, told->run, part.parquet_key, part.parquet, NULL));
    return vv_export_note(op, told->run, part.csv_key, part.csv, NULL);
}

/* How many entries before the first `left`, oldest first, make a part. */
static size_t part_len(const struct vv_history_entry *entries, size_t left)
{
    size_t len = 1;
    while (len < left && len < PART_VERSIONS_MAX &&
           entries[left - len - 1].version == entries[left - len].version + 1)
        len++;
    return len;
}

static varve_status tell_all(struct vv_op *op, struct told *told)
{
    const struct vv_history_entry *entries = told->table->entries;
    int64_t next = 0;
    for (size_t left = told->table->entries_len; left > 0;) {
        size_t len = part_len(entries, left);
        VV_TRY(vv_progress(op, "export changes", told->table->entries_len - left,
            told->table->entries_len));
        if (entries[left - 1].version > next)
            told->feed = VV_CHANGES_FEED_UNKNOWN;
        VV_TRY(add_gone(op, told->table, next, left - 1));
        VV_TRY(add_part(op, told, entries + left - len, len));
        next = entries[left - len].version + 1;
        left -= len;
    }
    return add_all_lost(op, told);
}

/* Of a table of others: a file can't have two columns of one name. */
static varve_status tell_none(struct vv_op *op, const struct told *told)
{
    const struct vv_export_table *table = told->table;
    VV_CLEANUP(vv_buf_done) struct vv_buf why = VV_BUF_INIT(1 << 16);
    struct vv_str name = vv_changes_taken_name(&table->source.snapshot->schema);
    vv_buf_addf(&why,
        "the table has a column %.*s, and changes have one of their own of that name",
        VV_ARG(name));
    if (!vv_buf_ok(&why))
        return vv_fail_memory(op);
    return add_gap(op, told->table, 0, table->source.snapshot->version, vv_buf_str(&why));
}

/* One type for all parts. */
static varve_status find_types(struct vv_op *op, struct told *told)
{
    const struct vv_export_table *table = told->table;
    struct vv_changes_run changes = {.table = table->source.table,
        .snapshot = table->source.snapshot,
        .entries = table->entries,
        .entries_len = table->entries_len};
    if (table->entries_len == 0)
        return VARVE_OK;
    changes.from = table->entries[table->entries_len - 1].version;
    changes.to = table->entries[0].version;
    VV_TRY(vv_changes_widen(op, &changes));
    told->wide = changes.wide;
    return VARVE_OK;
}

/* Whether the span is one of values that the column is read with. */
static bool is_of_span(const struct told *told)
{
    const struct vv_report_source *source = &told->table->source;
    return told->wide == NULL || vv_type_eq(&told->wide->schema.fields[source->time].type,
                                     &source->snapshot->schema.fields[source->time].type);
}

static varve_status start(struct vv_op *op, struct told *told)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf where = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_export_table *table = told->table;
    const struct vv_report_source *source = &table->source;
    bool is_of_key = source->rules.key_len == 0 ||
                     (table->has_time && vv_rules_is_key(&source->rules, source->time));
    told->is_by_pair = table->has_time && !is_of_key;
    VV_TRY(find_types(op, told));
    bool is_pruned = table->has_time && !told->is_by_pair && is_of_span(told);
    told->range = vv_report_range(source, table->span);
    told->pick = (struct vv_changes_pick){.arena = &op->arena,
        .store = source->table->store,
        .snapshot = told->wide != NULL ? told->wide : source->snapshot,
        .rules = &source->rules,
        .ranges = {&told->range, is_pruned ? 1 : 0},
        .cannot = VV_HASH_SET_INIT(&op->arena)};
    if (table->has_time && !told->is_by_pair)
        vv_report_add_span(source, table->span, "s.", &where);
    else
        vv_buf_adds(&where, "true");
    vv_buf_adds(&told->csv, "version,path,bytes,sha256,proof\n");
    told->where = vv_arena_str(&op->arena, vv_buf_str(&where));
    return vv_buf_ok(&where) && told->where.ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

varve_status vv_export_changes(struct vv_op *op, struct vv_export_run *run,
    struct vv_export_table *table)
{
    VV_CLEANUP(told_done)
    struct told told = {.run = run,
        .table = table,
        .seen = VV_HASH_SET_INIT(&op->arena),
        .csv = VV_BUF_INIT(VV_BUF_MAX)};
    struct vv_str key;
    VV_TRY(start(op, &told));
    VV_TRY(vv_changes_taken_name(&table->source.snapshot->schema).ptr != NULL
               ? tell_none(op, &told)
               : tell_all(op, &told));
    if (!vv_buf_ok(&told.csv))
        return vv_fail_memory(op);
    VV_TRY(vv_export_key(op, table, "changes-files.csv", &key));
    return vv_export_write(op, run, key, vv_buf_str(&told.csv), NULL);
}
