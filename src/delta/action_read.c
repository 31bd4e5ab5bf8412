/*
 * Reading a commit. Every line is parsed into memory that dies with the line; what an action
 * keeps is copied out, so that a snapshot of many files holds their texts and nothing else. Only
 * commitInfo, whose shape is anybody's, stays as JSON.
 */
#include "delta/action.h"

#include "base/map.h"
#include "delta/action_member.h"
#include "delta/commit_time.h"
#include "delta/stats.h"

#define LINE_BYTES_MAX ((size_t)1 << 30)
#define FEATURES_MAX 1000 /* of which the protocol knows some thirty */

struct commit_reader {
    struct vv_op *op;
    struct vv_arena *arena;
    struct vv_actions *actions;
};

static varve_status read_add(struct commit_reader *reader,
    const struct vv_member_reader *members)
{
    struct vv_file *file = vv_actions_new_add(reader->actions, reader->arena);

    if (!file)
        return vv_fail_memory(reader->op);
    VV_TRY(vv_member_path(members, &file->path, &file->key, &file->absolute));
    VV_TRY(vv_member_pairs(members, "partitionValues", &file->partition_values));
    VV_TRY(vv_member_int(members, "size", &file->bytes));
    if (file->bytes < 0)
        return vv_fail(reader->op, VARVE_ECORRUPT, "add.size is negative");
    VV_TRY(vv_member_int_or(members, "modificationTime", 0, &file->modified_ms));
    VV_TRY(vv_member_bool_or(members, "dataChange", true, &file->data_change));
    /* Statistics and tags are hints: of a wrong kind they are just not there. */
    if (vv_json_get_kind(members->object, "stats", VV_JSON_STRING))
        VV_TRY(vv_member_text(members, "stats", &file->stats));
    VV_TRY(vv_member_tags(members, "tags", &file->tags));
    VV_TRY(vv_member_dv(members, &file->dv));
    VV_TRY(vv_member_int_or(members, "baseRowId", -1, &file->base_row_id));
    VV_TRY(vv_member_int_or(members, "defaultRowCommitVersion", -1, &file->row_commit_version));
    VV_TRY(vv_member_text_or_none(members, "clusteringProvider", &file->clustering_provider));
    file->dv_id = vv_dv_id(file->dv, reader->arena);
    if (!file->dv_id.ptr)
        return vv_fail_memory(reader->op);
    file->hash = vv_file_hash(file->key, file->dv_id);
    return VARVE_OK;
}

static varve_status read_remove(struct commit_reader *reader,
    const struct vv_member_reader *members)
{
    struct vv_remove *remove = vv_actions_new_remove(reader->actions, reader->arena);
    bool says_extended = false;

    if (!remove)
        return vv_fail_memory(reader->op);
    VV_TRY(vv_member_path(members, &remove->path, &remove->key, &remove->absolute));
    VV_TRY(vv_member_int_or(members, "deletionTimestamp", 0, &remove->deleted_ms));
    VV_TRY(vv_member_bool_or(members, "dataChange", true, &remove->data_change));
    VV_TRY(vv_member_bool_or(members, "extendedFileMetadata", false, &says_extended));
    VV_TRY(vv_member_pairs(members, "partitionValues", &remove->partition_values));
    VV_TRY(vv_member_int_or(members, "size", -1, &remove->bytes));
    remove->extended = says_extended && remove->bytes >= 0;
    VV_TRY(vv_member_tags(members, "tags", &remove->tags));
    VV_TRY(vv_member_dv(members, &remove->dv));
    VV_TRY(vv_member_int_or(members, "baseRowId", -1, &remove->base_row_id));
    VV_TRY(vv_member_int_or(members, "defaultRowCommitVersion", -1,
        &remove->row_commit_version));
    remove->dv_id = vv_dv_id(remove->dv, reader->arena);
    if (!remove->dv_id.ptr)
        return vv_fail_memory(reader->op);
    remove->hash = vv_file_hash(remove->key, remove->dv_id);
    return VARVE_OK;
}

static varve_status read_protocol(struct commit_reader *reader,
    const struct vv_member_reader *members)
{
    struct vv_protocol *protocol = vv_new(reader->arena, struct vv_protocol, 1);

    if (!protocol)
        return vv_fail_memory(reader->op);
    if (reader->actions->protocol)
        return vv_fail(reader->op, VARVE_ECORRUPT, "a second protocol in one commit");
    VV_TRY(vv_member_int32(members, "minReaderVersion", &protocol->min_reader));
    VV_TRY(vv_member_int32(members, "minWriterVersion", &protocol->min_writer));
    VV_TRY(vv_member_texts(members, "readerFeatures", &protocol->has_reader_features,
        &protocol->reader_features, &protocol->reader_features_len));
    VV_TRY(vv_member_texts(members, "writerFeatures", &protocol->has_writer_features,
        &protocol->writer_features, &protocol->writer_features_len));
    if (protocol->reader_features_len > FEATURES_MAX ||
        protocol->writer_features_len > FEATURES_MAX)
        return vv_fail(members->op, VARVE_ELIMIT,
            "a protocol of %zu reader and %zu writer features; Varve has room for %d",
            protocol->reader_features_len, protocol->writer_features_len, FEATURES_MAX);
    reader->actions->protocol = protocol;
    return VARVE_OK;
}

static varve_status read_format(struct commit_reader *reader,
    const struct vv_member_reader *members, struct vv_metadata *metadata)
{
    const struct vv_json *format = vv_json_get_kind(members->object, "format", VV_JSON_OBJECT);
    struct vv_member_reader inner = *members;

    metadata->format_provider = VV_STR("parquet");
    if (!format)
        return VARVE_OK;
    inner.action = "metaData.format";
    inner.object = format;
    VV_TRY(vv_member_text(&inner, "provider", &metadata->format_provider));
    if (!vv_str_eq_nocase(metadata->format_provider, VV_STR("parquet")))
        return vv_fail(reader->op, VARVE_EUNSUPPORTED,
            "the data files are in the format \"%.*s\"; Varve reads parquet",
            VV_ARG(metadata->format_provider));
    return vv_member_pairs(&inner, "options", &metadata->format_options);
}

static varve_status read_metadata(struct commit_reader *reader,
    const struct vv_member_reader *members)
{
    struct vv_metadata *metadata = vv_new(reader->arena, struct vv_metadata, 1);
    bool is_partitioned;

    if (!metadata)
        return vv_fail_memory(reader->op);
    if (reader->actions->metadata)
        return vv_fail(reader->op, VARVE_ECORRUPT, "a second metaData in one commit");
    VV_TRY(vv_member_text(members, "id", &metadata->id));
    VV_TRY(vv_member_text_or_none(members, "name", &metadata->name));
    VV_TRY(vv_member_text_or_none(members, "description", &metadata->description));
    VV_TRY(read_format(reader, members, metadata));
    /* Without it there are a history and files, but nothing to scan: table/read/scan_sql.c says so. */
    VV_TRY(vv_member_text_or_none(members, "schemaString", &metadata->schema_json));
    VV_TRY(vv_member_texts(members, "partitionColumns", &is_partitioned,
        &metadata->partition_columns, &metadata->partition_columns_len));
    VV_TRY(vv_member_pairs(members, "configuration", &metadata->configuration));
    VV_TRY(vv_member_int_or(members, "createdTime", VV_NO_TIME, &metadata->created_ms));
    reader->actions->metadata = metadata;
    return VARVE_OK;
}

static varve_status read_txn(struct commit_reader *reader,
    const struct vv_member_reader *members)
{
    struct vv_txn *txn = vv_actions_new_txn(reader->actions, reader->arena);

    if (!txn)
        return vv_fail_memory(reader->op);
    VV_TRY(vv_member_text(members, "appId", &txn->app_id));
    VV_TRY(vv_member_int(members, "version", &txn->version));
    return vv_member_int_or(members, "lastUpdated", VV_NO_TIME, &txn->last_updated_ms);
}

static varve_status read_domain(struct commit_reader *reader,
    const struct vv_member_reader *members)
{
    struct vv_domain *domain = vv_actions_new_domain(reader->actions, reader->arena);

    if (!domain)
        return vv_fail_memory(reader->op);
    VV_TRY(vv_member_text(members, "domain", &domain->domain));
    VV_TRY(vv_member_text_or_none(members, "configuration", &domain->configuration));
    return vv_member_bool_or(members, "removed", false, &domain->removed);
}

static varve_status read_cdc(struct commit_reader *reader,
    const struct vv_member_reader *members)
{
    struct vv_cdc *cdc = vv_actions_new_cdc(reader->actions, reader->arena);
    bool is_absolute;

    if (!cdc)
        return vv_fail_memory(reader->op);
    VV_TRY(vv_member_path(members, &cdc->path, &cdc->key, &is_absolute));
    VV_TRY(vv_member_pairs(members, "partitionValues", &cdc->partition_values));
    VV_TRY(vv_member_int_or(members, "size", 0, &cdc->bytes));
    return vv_member_tags(members, "tags", &cdc->tags);
}

/*
 * VV_NO_TIME where there is none. One that is none of the years 1 to 9999 is none either, since
 * nothing could follow it: true.
 */
static bool read_time(const struct vv_json *object, const char *name, int64_t *out)
{
    const struct vv_json *value = vv_json_get(object, name);
    int64_t ms = 0;
    bool is_time = vv_json_int64(value, &ms) && ms >= VV_COMMIT_TIME_FIRST_MS &&
                   ms <= VV_COMMIT_TIME_LAST_MS;

    *out = is_time ? ms : VV_NO_TIME;
    return !is_time && vv_json_is(value, VV_JSON_NUMBER);
}

/* The commit's say about itself is evidence for people: nothing in it can make a table unreadable. */
static varve_status read_commit_info(struct commit_reader *reader,
    const struct vv_member_reader *members)
{
    const struct vv_json *object = members->object;
    const struct vv_json *chain = vv_json_get_kind(object, "varve", VV_JSON_OBJECT);
    struct vv_commit_info *info = vv_new(reader->arena, struct vv_commit_info, 1);

    if (!info)
        return vv_fail_memory(reader->op);
    *info = (struct vv_commit_info){
        .operation = vv_json_text(vv_json_get_kind(object, "operation", VV_JSON_STRING)),
        .user_name = vv_json_text(vv_json_get_kind(object, "userName", VV_JSON_STRING)),
        .user_metadata = vv_json_text(vv_json_get_kind(object, "userMetadata", VV_JSON_STRING)),
        .engine_info = vv_json_text(vv_json_get_kind(object, "engineInfo", VV_JSON_STRING)),
        .txn_id = vv_json_text(vv_json_get_kind(object, "txnId", VV_JSON_STRING)),
        .isolation_level =
            vv_json_text(vv_json_get_kind(object, "isolationLevel", VV_JSON_STRING)),
        .read_version = VV_NO_VERSION,
        .is_blind_append = vv_json_bool(vv_json_get(object, "isBlindAppend"), false),
        .parameters = vv_json_get(object, "operationParameters"),
        .metrics = vv_json_get(object, "operationMetrics"),
        .prev_hash = vv_json_text(vv_json_get_kind(chain, "prevHash", VV_JSON_STRING)),
        .prev_version = VV_NO_VERSION,
        .prev_from = vv_json_text(vv_json_get_kind(chain, "prevFrom", VV_JSON_STRING)),
        .prev_chain = vv_json_text(vv_json_get_kind(chain, "prevChain", VV_JSON_STRING)),
        .chain_from = VV_NO_VERSION,
        .json = object,
    };
    info->by_varve = vv_str_starts(info->engine_info, VV_STR("Varve/"));
    /* A getter that fails leaves the value for "absent". */
    (void)read_time(object, "timestamp", &info->timestamp_ms);
    info->is_out_of_time =
        read_time(object, "inCommitTimestamp", &info->in_commit_timestamp_ms);
    vv_json_int64(vv_json_get(object, "readVersion"), &info->read_version);
    vv_json_int64(vv_json_get(chain, "prevVersion"), &info->prev_version);
    vv_json_int64(vv_json_get(chain, "chainFrom"), &info->chain_from);
    if (!reader->actions->commit_info)
        reader->actions->commit_info = info;
    return VARVE_OK;
}

static const struct action_kind {
    const char *name;
    varve_status (*read)(struct commit_reader *reader, const struct vv_member_reader *members);
} action_kinds[] = {
    {"add", read_add},
    {"remove", read_remove},
    {"commitInfo", read_commit_info},
    {"txn", read_txn},
    {"metaData", read_metadata},
    {"protocol", read_protocol},
    {"domainMetadata", read_domain},
    {"cdc", read_cdc},
};

static const struct action_kind *find_kind(struct vv_str name)
{
    for (size_t index = 0; index < VV_COUNT(action_kinds); index++) {
        if (vv_str_eq(name, vv_str_of(action_kinds[index].name)))
            return &action_kinds[index];
    }
    return NULL; /* an action of a later protocol */
}

static varve_status read_members(struct commit_reader *reader, const struct vv_json *line)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *value;
    struct vv_str name;

    while (vv_json_each(line, &iterator, &name, &value)) {
        const struct action_kind *kind = find_kind(name);
        struct vv_member_reader members = {reader->op, reader->arena, NULL, value};

        if (!kind || vv_json_is(value, VV_JSON_NULL))
            continue;
        members.action = kind->name;
        if (!vv_json_is(value, VV_JSON_OBJECT))
            return vv_fail(reader->op, VARVE_ECORRUPT, "%s is not an object", kind->name);
        VV_TRY(kind->read(reader, &members));
    }
    return VARVE_OK;
}

static varve_status parse_line(struct vv_op *op, struct vv_arena *arena, struct vv_str line,
    const struct vv_json **out)
{
    const struct vv_json *json;

    if (vv_json_parse(op, arena, line, &json) != VARVE_OK)
        return vv_note(op, "the line is torn or was edited");
    if (!vv_json_is(json, VV_JSON_OBJECT))
        return vv_fail(op, VARVE_ECORRUPT, "the line is not a JSON object");
    *out = json;
    return VARVE_OK;
}

static varve_status read_line(struct commit_reader *reader, struct vv_str line)
{
    bool is_kept = vv_str_starts(line, VV_STR("{\"commitInfo\":"));
    VV_CLEANUP(vv_arena_done) struct vv_arena scratch = VV_ARENA_INIT(LINE_BYTES_MAX);
    const struct vv_json *json;

    VV_TRY(parse_line(reader->op, is_kept ? reader->arena : &scratch, line, &json));
    /* Spelled unusually: once more into the arena that keeps it. */
    if (!is_kept && vv_json_get(json, "commitInfo"))
        VV_TRY(parse_line(reader->op, reader->arena, line, &json));
    return read_members(reader, json);
}

/* Room for all adds and removes at once: growing by doubling would leave half of it unused. */
static varve_status reserve(struct commit_reader *reader, struct vv_str bytes)
{
    struct vv_actions *actions = reader->actions;
    struct vv_str rest = bytes;
    struct vv_str line;
    size_t adds = 0;
    size_t removes = 0;

    while (vv_str_split(&rest, '\n', &line)) {
        adds += vv_str_starts(line, VV_STR("{\"add\":")) ? 1 : 0;
        removes += vv_str_starts(line, VV_STR("{\"remove\":")) ? 1 : 0;
    }
    if (adds > 0)
        actions->adds.items = vv_new(reader->arena, struct vv_file, adds);
    if (removes > 0)
        actions->removes.items = vv_new(reader->arena, struct vv_remove, removes);
    if ((adds > 0 && !actions->adds.items) || (removes > 0 && !actions->removes.items))
        return vv_fail_memory(reader->op);
    actions->adds.capacity = adds;
    actions->removes.capacity = removes;
    return VARVE_OK;
}

/* One text for a logical file: no key holds a zero byte. */
static struct vv_str logical_name(struct vv_arena *arena, struct vv_str key,
    struct vv_str dv_id)
{
    char *text;

    if (dv_id.len == 0)
        return key;
    text = vv_new(arena, char, key.len + 1 + dv_id.len);
    if (!text)
        return VV_STR_NONE;
    memcpy(text, key.ptr, key.len);
    memcpy(text + key.len + 1, dv_id.ptr, dv_id.len);
    return (struct vv_str){text, key.len + 1 + dv_id.len};
}

static varve_status fail_twice(struct vv_op *op, const char *what, struct vv_str path)
{
    return vv_fail(op, VARVE_ECORRUPT, "the file \"%.*s\" is %s in one commit", VV_ARG(path),
        what);
}

/*
 * A path is added at most once in a commit, a logical file removed at most once, and no logical
 * file is both: the order of the lines would have to decide, and it means nothing.
 */
varve_status vv_actions_check_once(struct vv_op *op, const struct vv_actions *actions)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena scratch = VV_ARENA_INIT(LINE_BYTES_MAX);
    struct vv_map added = VV_MAP_INIT(&scratch);
    struct vv_map removed = VV_MAP_INIT(&scratch);
    bool was_there = false;

    if (actions->adds.len + actions->removes.len < 2)
        return VARVE_OK;
    for (size_t index = 0; index < actions->adds.len; index++) {
        struct vv_file *file = &actions->adds.items[index];

        if (!vv_map_put(&added, file->key, file, &was_there))
            return vv_fail_memory(op);
        if (was_there)
            return fail_twice(op, "added twice", file->path);
    }
    for (size_t index = 0; index < actions->removes.len; index++) {
        struct vv_remove *remove = &actions->removes.items[index];
        const struct vv_file *file = vv_map_get(&added, remove->key);
        struct vv_str name = logical_name(&scratch, remove->key, remove->dv_id);

        if (!name.ptr || !vv_map_put(&removed, name, remove, &was_there))
            return vv_fail_memory(op);
        if (was_there)
            return fail_twice(op, "removed twice", remove->path);
        if (file && vv_str_eq(file->dv_id, remove->dv_id))
            return fail_twice(op, "both added and removed", remove->path);
    }
    return VARVE_OK;
}

static varve_status read_lines(struct commit_reader *reader, struct vv_str bytes)
{
    struct vv_str rest = bytes;
    struct vv_str line;
    size_t number = 0;
    size_t read = 0;

    while (vv_str_split(&rest, '\n', &line)) {
        number++;
        line = vv_str_trim(line);
        if (line.len == 0)
            continue;
        if (read_line(reader, line) != VARVE_OK)
            return vv_note(reader->op, "line %zu", number);
        read++;
    }
    if (read == 0)
        return vv_fail(reader->op, VARVE_ECORRUPT,
            bytes.len == 0 ? "the file is empty: its writer was cut off; restore it from a copy"
                           : "the file holds blanks only; restore it from a copy");
    return vv_actions_check_once(reader->op, reader->actions);
}

varve_status vv_actions_parse(struct vv_op *op, struct vv_arena *arena, int64_t version,
    struct vv_str bytes, struct vv_actions *out)
{
    struct vv_actions actions = {.version = version};
    struct commit_reader reader = {op, arena, &actions};

    VV_TRY(reserve(&reader, bytes));
    if (read_lines(&reader, bytes) != VARVE_OK)
        return vv_note(op, "commit %020" PRId64 ".json", version);
    for (size_t index = 0; index < actions.adds.len; index++) {
        actions.adds.items[index].by_varve =
            actions.commit_info && actions.commit_info->by_varve &&
            vv_pairs_has(&actions.adds.items[index].tags, VV_STR(VV_TAG_SHA256));
    }
    *out = actions;
    return VARVE_OK;
}
