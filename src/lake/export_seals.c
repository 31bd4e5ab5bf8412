/*
 * Heads that were noted earlier, for an export: each line belongs to a table by where the table
 * lies, not by how its name was typed. What is not looked at is told; none at all is an error.
 */
#include "base/json.h"
#include "lake/export_run.h"

/* Where the table lies that a line names; ptr NULL: this lake knows none of that name. */
static varve_status find_location(struct vv_op *op, struct vv_export_run *run,
    struct vv_map *known, struct vv_str name, struct vv_str *out)
{
    struct vv_log_handle log = {0};
    struct vv_str *found = vv_map_get(known, name);
    if (found != NULL) {
        *out = *found;
        return VARVE_OK;
    }
    varve_status status = vv_lake_log(op, run->lake, name, &log);
    if (status != VARVE_OK && status != VARVE_ENOTFOUND && status != VARVE_EUSAGE &&
        status != VARVE_EUNSUPPORTED)
        return status;
    if (status != VARVE_OK)
        vv_forgive(op);
    VV_NEW(op, &found, struct vv_str, 1);
    if (status == VARVE_OK)
        *found = vv_arena_str(&op->arena, log.store->location);
    vv_store_close(&log.store);
    if ((status == VARVE_OK && found->ptr == NULL) || !vv_map_put(known, name, found, NULL))
        return vv_fail_memory(op);
    *out = *found;
    return VARVE_OK;
}

static varve_status take_line(struct vv_op *op, struct vv_export_run *run, struct vv_map *known,
    struct vv_str line)
{
    const struct vv_json *json = NULL;
    struct vv_export_seal seal = {.version = VV_NO_VERSION, .line = line};
    varve_status status = vv_json_parse(op, &op->arena, line, &json);
    if (status != VARVE_OK)
        return status == VARVE_ECORRUPT ? vv_recode(op, VARVE_EUSAGE) : status;
    seal.table = vv_json_text(vv_json_get_kind(json, "table", VV_JSON_STRING));
    seal.head = vv_json_text(vv_json_get_kind(json, "head", VV_JSON_STRING));
    if (!vv_json_int64(vv_json_get(json, "version"), &seal.version) || seal.version < 0 ||
        seal.table.len == 0 || seal.head.len != VV_SHA256_HEX_BYTES - 1)
        return vv_fail(op, VARVE_EUSAGE,
            "\"%.*s\" is no seal: varve seal prints {\"table\",\"version\",\"head\"}",
            VV_ARG(vv_str_first(line, 80)));
    VV_TRY(find_location(op, run, known, seal.table, &seal.location));
    struct vv_export_seal *item = VV_LIST_NEW(&op->arena, &run->seals);
    if (item == NULL)
        return vv_fail_memory(op);
    *item = seal;
    return VARVE_OK;
}

static bool is_exported(const struct vv_export_run *run, const struct vv_export_seal *seal)
{
    for (size_t i = 0; i < run->tables.len; i++)
        if (vv_export_seal_is_of(seal, run->tables.items[i]))
            return true;
    return false;
}

/* Whether it may be there, seen from another folder. varve seal writes no such path. */
static bool is_relative(struct vv_str name)
{
    return vv_lake_is_path(name) && name.ptr[0] != '/' && vv_str_find(name, ':') == name.len;
}

static varve_status fail_missing(struct vv_op *op, const struct vv_export_seal *seal)
{
    if (is_relative(seal->table))
        return vv_fail(op, VARVE_EUSAGE,
            "version %" PRId64
            " of table %.*s was sealed, and from this folder that path leads to no table: "
            "write the whole path into the line",
            seal->version, VV_ARG(seal->table));
    return vv_fail(op, VARVE_EVERIFY,
        "version %" PRId64
        " of table %.*s was sealed, and there is no such table in the lake: it was deleted, "
        "renamed or moved; nothing is exported (to leave it out, name the tables to export)",
        seal->version, VV_ARG(seal->table));
}

/* Of a lake that is exported whole: a table that was sealed and is not there any more. */
static varve_status check_there(struct vv_op *op, const struct vv_export_run *run)
{
    for (size_t i = 0; i < run->seals.len && run->request->tables_len == 0; i++)
        if (run->seals.items[i].location.ptr == NULL)
            return fail_missing(op, &run->seals.items[i]);
    return VARVE_OK;
}

/* A range of tables is exported from a file that may have the heads of all of them. */
static varve_status check_used(struct vv_op *op, const struct vv_export_run *run)
{
    size_t used = 0;
    struct vv_str other = VV_STR_NONE;
    for (size_t i = 0; i < run->seals.len; i++) {
        bool is_used = is_exported(run, &run->seals.items[i]);
        used += is_used ? 1 : 0;
        if (!is_used && other.ptr == NULL)
            other = run->seals.items[i].table;
    }
    if (run->seals.len == 0)
        return vv_fail(op, VARVE_EUSAGE,
            "there is none in it: give what varve seal printed, or leave the option away");
    VV_TRY(check_there(op, run));
    if (used == 0)
        return vv_fail(op, VARVE_EUSAGE,
            "none is of a table that is exported, so none would be checked; the first is of "
            "table %.*s",
            VV_ARG(other));
    if (used < run->seals.len)
        vv_log(op, VV_LOG_WARN, "export.seals_unused",
            "%zu of %zu earlier seals are not looked at: they are of tables that are not "
            "exported, such as %.*s",
            run->seals.len - used, run->seals.len, VV_ARG(other));
    return VARVE_OK;
}

static varve_status read_lines(struct vv_op *op, struct vv_export_run *run)
{
    struct vv_map known = VV_MAP_INIT(&op->arena);
    struct vv_str text = run->request->seals;
    struct vv_str line;
    while (text.len > 0 && vv_str_split(&text, '\n', &line)) {
        line = vv_str_trim(line);
        if (line.len > 0)
            VV_TRY(take_line(op, run, &known, line));
    }
    return check_used(op, run);
}

varve_status vv_export_seals(struct vv_op *op, struct vv_export_run *run)
{
    if (run->request->seals.ptr == NULL || read_lines(op, run) == VARVE_OK)
        return VARVE_OK;
    return vv_note(op, "earlier seals");
}

bool vv_export_seal_is_of(const struct vv_export_seal *seal,
    const struct vv_export_table *table)
{
    return seal->location.ptr != NULL &&
           vv_store_is_at(table->source.table->store, seal->location);
}
