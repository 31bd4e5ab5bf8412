/*
 * What an export says of itself to programs: manifest.json.
 */
#include "base/json_write.h"
#include "base/os.h"
#include "base/time.h"
#include "lake/export_run.h"
#include "table/describe.h"
#include "varve/version.h"

static void key_time(struct vv_json_writer *writer, const char *name, int64_t us)
{
    char time[32];
    size_t len = vv_time_format_us(us, time);
    vv_jw_key_string(writer, name,
        us == INT64_MIN || us == INT64_MAX ? VV_STR_NONE : (struct vv_str){time, len});
}

static void add_columns(struct vv_json_writer *writer, const struct vv_schema *schema)
{
    vv_jw_key(writer, "columns");
    vv_jw_array(writer);
    for (size_t i = 0; i < schema->fields_len; i++) {
        vv_describe_column(writer, &schema->fields[i]);
        vv_jw_end(writer);
    }
    vv_jw_end(writer);
}

static void add_users(struct vv_json_writer *writer, const struct vv_export_table *table)
{
    vv_jw_key(writer, "writers");
    vv_jw_array(writer);
    for (size_t i = 0; i < table->users.len; i++) {
        const struct vv_export_user *user = table->users.items[i];
        vv_jw_object(writer);
        vv_jw_key_string(writer, "userName", user->name);
        vv_jw_key_int(writer, "commits", user->commits);
        key_time(writer, "first", user->first_ms * VV_US_PER_MS);
        key_time(writer, "last", user->last_ms * VV_US_PER_MS);
        vv_jw_end(writer);
    }
    vv_jw_end(writer);
}

/* Members of a table; there are none where its changes are left out. */
static void add_changes(struct vv_json_writer *writer, const struct vv_export_table *table)
{
    const struct vv_export_changes *changes = &table->changes;
    vv_jw_key_int(writer, "changes", changes->rows);
    vv_jw_key_int(writer, "changesParts", changes->parts);
    vv_jw_key_int(writer, "changesFiles", changes->files);
    vv_jw_key(writer, "changesMissing");
    vv_jw_array(writer);
    for (size_t i = 0; i < changes->gaps.len; i++) {
        const struct vv_export_gap *gap = &changes->gaps.items[i];
        vv_jw_object(writer);
        vv_jw_key_int(writer, "from", gap->from);
        vv_jw_key_int(writer, "to", gap->to);
        vv_jw_key_string(writer, "reason", gap->why);
        vv_jw_end(writer);
    }
    vv_jw_end(writer);
}

static void add_table(struct vv_json_writer *writer, const struct vv_export_run *run,
    const struct vv_export_table *table)
{
    const struct vv_export_sources *sources = &table->sources;
    const struct vv_snapshot *snapshot = table->source.snapshot;
    vv_jw_object(writer);
    vv_jw_key_string(writer, "table", table->name);
    vv_jw_key_string(writer, "folder", table->folder);
    vv_jw_key_int(writer, "version", snapshot->version);
    key_time(writer, "timestamp",
        snapshot->timestamp_ms == VV_NO_TIME ? INT64_MIN
                                             : snapshot->timestamp_ms * VV_US_PER_MS);
    vv_jw_key_string(writer, "timeColumn",
        table->has_time ? snapshot->schema.fields[table->source.time].name : VV_STR_NONE);
    key_time(writer, "from", table->span.from_us);
    key_time(writer, "to", table->span.to_us);
    vv_jw_key_int(writer, "rows", table->rows);
    vv_jw_key_string(writer, "head", vv_str_of(table->seal.head));
    vv_jw_key_int(writer, "firstVersion", table->first_version);
    vv_jw_key_int(writer, "commits", table->commits);
    vv_jw_key_int(writer, "commitsForeign", table->foreign);
    vv_jw_key_int(writer, "commitsMissing", table->missing);
    vv_jw_key_int(writer, "earlierSeals", table->seals);
    vv_jw_key_bool(writer, "hasSources", !run->request->without_sources);
    vv_jw_key_int(writer, "sources", sources->files);
    vv_jw_key_int(writer, "sourcesProven", sources->proven);
    vv_jw_key_int(writer, "sourcesWithoutHash", sources->unhashed);
    vv_jw_key_int(writer, "sourcesOfGoneCommits", sources->gone);
    vv_jw_key_int(writer, "vectors", sources->vectors);
    vv_jw_key_bool(writer, "hasChanges", !run->request->without_changes);
    if (!run->request->without_changes)
        add_changes(writer, table);
    add_users(writer, table);
    add_columns(writer, &snapshot->schema);
    vv_jw_end(writer);
}

varve_status vv_export_manifest(struct vv_op *op, struct vv_export_run *run)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&json);
    vv_jw_object(&writer);
    vv_jw_key_string(&writer, "format", VV_STR(VV_EXPORT_FORMAT));
    key_time(&writer, "made", run->made_us);
    vv_jw_key_string(&writer, "by",
        run->lake->user.ptr != NULL ? run->lake->user : vv_os_user(&op->arena));
    vv_jw_key_string(&writer, "message", run->lake->message);
    vv_jw_key_string(&writer, "engine", VV_STR("Varve/" VARVE_VERSION));
    vv_jw_key_string(&writer, "lake", run->lake->store->location);
    vv_jw_key_bool(&writer, "signed", run->request->key_file != NULL);
    vv_jw_key(&writer, "tables");
    vv_jw_array(&writer);
    for (size_t i = 0; i < run->tables.len; i++)
        add_table(&writer, run, run->tables.items[i]);
    vv_jw_end(&writer);
    vv_jw_key(&writer, "files");
    vv_jw_array(&writer);
    for (size_t i = 0; i < run->files.len; i++) {
        vv_jw_object(&writer);
        vv_jw_key_string(&writer, "path", run->files.items[i].key);
        vv_jw_key_int(&writer, "bytes", run->files.items[i].bytes);
        vv_jw_key_string(&writer, "sha256", vv_str_of(run->files.items[i].sha256));
        vv_jw_end(&writer);
    }
    vv_jw_end(&writer);
    vv_jw_end(&writer);
    vv_buf_addc(&json, '\n');
    if (!vv_buf_ok(&json))
        return vv_fail_memory(op);
    return vv_export_write(op, run, VV_STR(VV_EXPORT_MANIFEST), vv_buf_str(&json), NULL);
}
