#include "delta/ledger.h"

#include "base/gzip.h"
#include "base/json.h"
#include "base/json_write.h"
#include "base/seam.h"
#include "delta/list.h"
#include "delta/log_name.h"

#define FORMAT 1
#define COMMITS_MAX 512 /* of one file: a read of one commit reads the file it is in */
#define DIGITS 20
#define NAME_LEN (DIGITS + 1 + DIGITS + 3) /* "<first>-<last>.vl" */

static bool digits_int64(struct vv_str digits, int64_t *out)
{
    for (size_t i = 0; i < digits.len; i++)
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9')
            return false;
    return vv_str_int64(digits, out);
}

bool vv_ledger_name(struct vv_str key, int64_t *first, int64_t *last)
{
    struct vv_str name = vv_log_name_of_key(key);
    return name.len == NAME_LEN && name.ptr[DIGITS] == '-' &&
           vv_str_ends(name, VV_STR(".vl")) &&
           digits_int64(vv_str_first(name, DIGITS), first) &&
           digits_int64(vv_str_first(vv_str_skip(name, DIGITS + 1), DIGITS), last) &&
           *first <= *last;
}

static varve_status fail_damaged(struct vv_op *op, struct vv_str key, const char *why)
{
    return vv_fail(op, VARVE_ECORRUPT, "%.*s is no whole file of the ledger: %s", VV_ARG(key),
        why);
}

static bool read_size(const struct vv_json *object, const char *name, size_t *out)
{
    int64_t value = 0;
    if (!vv_json_int64(vv_json_get(object, name), &value) || value < 0)
        return false;
    *out = (size_t)value;
    return true;
}

/* The entries of a head, with the places of their members behind it. */
static varve_status read_entries(struct vv_op *op, struct vv_arena *arena,
    const struct vv_json *commits, size_t offset, struct vv_ledger_file *file)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *item = NULL;
    struct vv_str name;
    struct vv_ledger_entry *entries =
        vv_new(arena, struct vv_ledger_entry, vv_json_len(commits) + 1);
    if (entries == NULL)
        return vv_fail_memory(op);
    while (vv_json_each(commits, &iterator, &name, &item)) {
        struct vv_ledger_entry *entry = &entries[file->len];
        if (!vv_json_int64(vv_json_get(item, "version"), &entry->version) ||
            !vv_json_int64(vv_json_get(item, "modified"), &entry->modified_us) ||
            !read_size(item, "bytes", &entry->bytes) ||
            !read_size(item, "stored", &entry->stored) || entry->version < 0 ||
            (file->len > 0 && entry->version != entry[-1].version + 1))
            return fail_damaged(op, file->key, "an entry of its head makes no sense");
        entry->sha256 = vv_json_text(vv_json_get(item, "sha256"));
        entry->offset = offset;
        if (entry->stored > file->bytes.len - offset)
            return fail_damaged(op, file->key, "it is cut off");
        offset += entry->stored;
        file->len++;
    }
    file->entries = entries;
    if (offset != file->bytes.len)
        return fail_damaged(op, file->key, "it is longer than its head says");
    return VARVE_OK;
}

/* `missing`: two versions, or not there. */
static void read_missing(const struct vv_json *head, struct vv_ledger_file *file)
{
    const struct vv_json *missing = vv_json_get_kind(head, "missing", VV_JSON_ARRAY);
    const struct vv_json *iterator = NULL;
    const struct vv_json *item = NULL;
    int64_t *const ends[] = {&file->missing_from, &file->missing_to};
    struct vv_str name;
    size_t len = 0;
    file->missing_from = VV_NO_VERSION;
    file->missing_to = VV_NO_VERSION;
    while (len < VV_COUNT(ends) && vv_json_each(missing, &iterator, &name, &item))
        (void)vv_json_int64(item, ends[len++]);
}

varve_status vv_ledger_open(struct vv_op *op, const struct vv_log_handle *log,
    struct vv_arena *arena, struct vv_str key, struct vv_ledger_file *out)
{
    const struct vv_json *head = NULL;
    int64_t format = 0;
    struct vv_ledger_file file = {.key = key};
    VV_TRY(vv_store_get(op, log->store, arena, key, &file.bytes));
    size_t head_len = vv_str_find(file.bytes, '\n');
    if (head_len >= file.bytes.len)
        return fail_damaged(op, key, "its head has no end");
    if (vv_json_parse(op, arena, vv_str_first(file.bytes, head_len), &head) != VARVE_OK)
        return vv_note(op, "%.*s", VV_ARG(key));
    if (!vv_json_int64(vv_json_get(head, "varveLedger"), &format))
        return fail_damaged(op, key, "its head names no format");
    if (format != FORMAT)
        return vv_fail(op, VARVE_EUNSUPPORTED,
            "%.*s has format %" PRId64 " of the ledger, which a newer Varve reads", VV_ARG(key),
            format);
    read_missing(head, &file);
    VV_TRY(read_entries(op, arena, vv_json_get_kind(head, "commits", VV_JSON_ARRAY),
        head_len + 1, &file));
    *out = file;
    return VARVE_OK;
}

static varve_status list_files(struct vv_op *op, const struct vv_log_handle *log,
    struct vv_objects *out)
{
    return vv_store_list(op, log->store, &op->arena, VV_STR(VV_LEDGER_FOLDER), VV_STR_NONE, 0,
        out);
}

/* ---- Reading -------------------------------------------------------------------------------- */

/* Adds a file's commits behind those that are there already. */
static varve_status add_file(struct vv_op *op, const struct vv_log_handle *log,
    struct vv_arena *arena, struct vv_str key, struct vv_log_list *ledger)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena scratch = VV_ARENA_INIT(op->arena.bytes_max);
    struct vv_ledger_file file = {0};
    VV_TRY(vv_ledger_open(op, log, &scratch, key, &file));
    struct vv_str kept_key = vv_arena_str(arena, key);
    for (size_t i = 0; i < file.len; i++) {
        const struct vv_ledger_entry *entry = &file.entries[i];
        if (entry->version <= vv_log_list_last(ledger))
            continue;
        struct vv_log_commit *commit = VV_LIST_NEW(arena, &ledger->commits);
        if (commit == NULL || kept_key.ptr == NULL)
            return vv_fail_memory(op);
        *commit = (struct vv_log_commit){entry->version, entry->modified_us, kept_key};
    }
    return VARVE_OK;
}

/* The commits of both, by version; a version of both is the log's. */
static varve_status merge(struct vv_op *op, struct vv_arena *arena,
    const struct vv_log_list *ledger, struct vv_log_list *list)
{
    struct vv_log_list merged = {0};
    size_t l = 0;
    size_t i = 0;
    while (l < ledger->commits.len || i < list->commits.len) {
        const struct vv_log_commit *old =
            l < ledger->commits.len ? &ledger->commits.items[l] : NULL;
        const struct vv_log_commit *kept =
            i < list->commits.len ? &list->commits.items[i] : NULL;
        bool is_old = old != NULL && (kept == NULL || old->version < kept->version);
        if (old != NULL && (is_old || old->version == kept->version))
            l++;
        if (!is_old)
            i++;
        struct vv_log_commit *commit = VV_LIST_NEW(arena, &merged.commits);
        if (commit == NULL)
            return vv_fail_memory(op);
        *commit = is_old ? *old : *kept;
    }
    list->commits = merged.commits;
    return VARVE_OK;
}

varve_status vv_ledger_extend(struct vv_op *op, const struct vv_log_handle *log,
    struct vv_arena *arena, struct vv_log_list *list)
{
    struct vv_objects objects = {0};
    struct vv_log_list ledger = {0};
    VV_TRY(list_files(op, log, &objects));
    for (size_t i = 0; i < objects.len; i++) {
        int64_t first;
        int64_t last;
        if (!vv_ledger_name(objects.items[i].key, &first, &last))
            continue;
        varve_status status = add_file(op, log, arena, objects.items[i].key, &ledger);
        if (status != VARVE_ECORRUPT && status != VARVE_OK)
            return status;
        if (status == VARVE_ECORRUPT) {
            vv_log(op, VV_LOG_WARN, "ledger.damaged", "%s", op->error.message);
            vv_forgive(op);
        }
    }
    return ledger.commits.len > 0 ? merge(op, arena, &ledger, list) : VARVE_OK;
}

varve_status vv_ledger_unpack(struct vv_op *op, const struct vv_ledger_file *file,
    const struct vv_ledger_entry *entry, struct vv_arena *arena, struct vv_str *out)
{
    char sha256[VV_SHA256_HEX_BYTES];
    struct vv_str bytes = VV_STR_NONE;
    struct vv_str member = vv_str_first(vv_str_skip(file->bytes, entry->offset), entry->stored);
    if (vv_gunzip(op, arena, member, entry->bytes, &bytes) != VARVE_OK)
        return vv_note(op, "%.*s, version %" PRId64, VV_ARG(file->key), entry->version);
    VV_TRY(vv_sha256(op, bytes, sha256));
    if (!vv_str_eq(entry->sha256, vv_str_of(sha256)))
        return vv_fail(op, VARVE_ECORRUPT,
            "%.*s, version %" PRId64 ": its SHA-256 is not the one that was noted",
            VV_ARG(file->key), entry->version);
    *out = bytes;
    return VARVE_OK;
}

void vv_ledger_reader_done(struct vv_ledger_reader *reader)
{
    vv_arena_done(&reader->arena);
}

/* From one file alone. */
static varve_status read_in_file(struct vv_op *op, const struct vv_log_handle *log,
    struct vv_ledger_reader *reader, int64_t version, struct vv_str key, struct vv_arena *arena,
    struct vv_str *out_bytes)
{
    struct vv_ledger_file *file = &reader->file;
    if (!vv_str_eq(file->key, key)) {
        *file = (struct vv_ledger_file){0};
        vv_arena_done(&reader->arena);
        VV_TRY(vv_ledger_open(op, log, &reader->arena, key, file));
    }
    int64_t index = file->len > 0 ? version - file->entries[0].version : -1;
    if (index < 0 || (size_t)index >= file->len)
        return fail_damaged(op, key, "a commit that it had is gone");
    return vv_ledger_unpack(op, file, &file->entries[index], arena, out_bytes);
}

/*
 * From the first file that gives it, which is the reader's afterwards: two writers may have kept it at
 * once, and one of their files be damaged since. `out_bytes->ptr` is NULL where no file has it by its
 * name; ECORRUPT, of the first that has: none gives it.
 */
static varve_status read_in_any(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_objects *objects, struct vv_ledger_reader *reader, int64_t version,
    struct vv_arena *arena, struct vv_str *out_bytes)
{
    varve_error first_error = {0};
    for (size_t i = 0; i < objects->len; i++) {
        int64_t first = 0;
        int64_t last = 0;
        struct vv_str bytes = VV_STR("");
        struct vv_str key = objects->items[i].key;
        if (!vv_ledger_name(key, &first, &last) || version < first || version > last)
            continue;
        varve_status status = read_in_file(op, log, reader, version, key, arena, &bytes);
        if (status == VARVE_OK)
            *out_bytes = bytes.len > 0 ? bytes : VV_STR("");
        if (status != VARVE_ECORRUPT)
            return status;
        if (first_error.code == VARVE_OK)
            first_error = op->error;
        vv_forgive(op);
    }
    if (first_error.code != VARVE_OK)
        return vv_fail(op, VARVE_ECORRUPT, "%s", first_error.message);
    *out_bytes = VV_STR_NONE;
    return VARVE_OK;
}

varve_status vv_ledger_reader_read(struct vv_op *op, const struct vv_log_handle *log,
    struct vv_ledger_reader *reader, const struct vv_log_commit *commit, struct vv_arena *arena,
    struct vv_str *out_bytes)
{
    struct vv_objects objects = {0};
    struct vv_str bytes = VV_STR_NONE;
    VV_PRE(commit->ledger_key.ptr != NULL);
    varve_status status =
        read_in_file(op, log, reader, commit->version, commit->ledger_key, arena, out_bytes);
    if (status != VARVE_ECORRUPT)
        return status;
    const varve_error damage = op->error;
    vv_forgive(op);
    VV_TRY(list_files(op, log, &objects));
    VV_TRY(read_in_any(op, log, &objects, reader, commit->version, arena, &bytes));
    if (bytes.ptr == NULL)
        return vv_fail(op, VARVE_ECORRUPT, "%s", damage.message);
    vv_log(op, VV_LOG_WARN, "ledger.damaged", "%s; %.*s is read instead", damage.message,
        VV_ARG(reader->file.key));
    *out_bytes = bytes;
    return VARVE_OK;
}

varve_status vv_ledger_read(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_log_commit *commit, struct vv_arena *arena, struct vv_str *out_bytes)
{
    VV_CLEANUP(vv_ledger_reader_done)
    struct vv_ledger_reader reader = {.arena = VV_ARENA_INIT(op->arena.bytes_max)};
    return vv_ledger_reader_read(op, log, &reader, commit, arena, out_bytes);
}

varve_status vv_ledger_sha256(struct vv_op *op, const struct vv_log_handle *log,
    int64_t version, char out_hex[VV_SHA256_HEX_BYTES])
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
    VV_CLEANUP(vv_ledger_reader_done)
    struct vv_ledger_reader reader = {.arena = VV_ARENA_INIT(op->arena.bytes_max)};
    struct vv_objects objects = {0};
    struct vv_str bytes = VV_STR_NONE;
    VV_TRY(list_files(op, log, &objects));
    VV_TRY(read_in_any(op, log, &objects, &reader, version, &arena, &bytes));
    if (bytes.ptr != NULL)
        return vv_sha256(op, bytes, out_hex);
    out_hex[0] = '\0';
    return VARVE_OK;
}

/* ---- Writing -------------------------------------------------------------------------------- */

/* Head and members of a file to be. */
struct draft {
    struct vv_buf head;
    struct vv_buf members;
    struct vv_json_writer json;
};

static void draft_done(struct draft *draft)
{
    vv_buf_done(&draft->head);
    vv_buf_done(&draft->members);
}

static varve_status add_commit(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_log_commit *commit, struct draft *draft)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena scratch = VV_ARENA_INIT(op->arena.bytes_max);
    struct vv_str bytes = VV_STR_NONE;
    char sha256[VV_SHA256_HEX_BYTES];
    size_t before = draft->members.len;
    varve_status status = vv_log_read(op, log, commit->version, &scratch, &bytes);
    if (status == VARVE_ENOTFOUND)
        op->error.version = commit->version;
    VV_TRY(status);
    VV_TRY(vv_sha256(op, bytes, sha256));
    VV_TRY(vv_gzip(op, bytes, &draft->members));
    vv_jw_object(&draft->json);
    vv_jw_key_int(&draft->json, "version", commit->version);
    vv_jw_key_int(&draft->json, "modified", commit->modified_us);
    vv_jw_key_int(&draft->json, "bytes", (int64_t)bytes.len);
    vv_jw_key_int(&draft->json, "stored", (int64_t)(draft->members.len - before));
    vv_jw_key_string(&draft->json, "sha256", vv_str_of(sha256));
    vv_jw_end(&draft->json);
    return VARVE_OK;
}

static void write_missing(struct draft *draft, int64_t from, int64_t to)
{
    vv_jw_key(&draft->json, "missing");
    vv_jw_array(&draft->json);
    vv_jw_int(&draft->json, from);
    vv_jw_int(&draft->json, to);
    vv_jw_end(&draft->json);
}

/* One file of contiguous commits; `after`: the last version that the ledger has. */
static varve_status write_file(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_log_commit *commits, size_t len, int64_t after)
{
    VV_CLEANUP(draft_done)
    struct draft draft = {.head = VV_BUF_INIT(VV_BUF_MAX), .members = VV_BUF_INIT(VV_BUF_MAX)};
    enum vv_put_outcome outcome;
    draft.json = VV_JSON_WRITER_INIT(&draft.head);
    vv_jw_object(&draft.json);
    vv_jw_key_int(&draft.json, "varveLedger", FORMAT);
    if (commits[0].version > after + 1)
        write_missing(&draft, after + 1, commits[0].version - 1);
    vv_jw_key(&draft.json, "commits");
    vv_jw_array(&draft.json);
    for (size_t i = 0; i < len; i++)
        VV_TRY(add_commit(op, log, &commits[i], &draft));
    vv_jw_end(&draft.json);
    vv_jw_end(&draft.json);
    vv_buf_addc(&draft.head, '\n');
    vv_buf_add(&draft.head, vv_buf_str(&draft.members));
    struct vv_str key =
        vv_arena_format(&op->arena, VV_LEDGER_FOLDER "/%020" PRId64 "-%020" PRId64 ".vl",
            commits[0].version, commits[len - 1].version);
    if (key.ptr == NULL || !vv_buf_ok(&draft.head))
        return vv_fail_memory(op);
    vv_crash_point("ledger.before_put");
    VV_TRY(vv_store_put_if_absent(op, log->store, key, vv_buf_str(&draft.head), 0, &outcome));
    vv_crash_point("ledger.put");
    return VARVE_OK;
}

/* Which versions the names of the ledger's files speak of, asked for in order. */
struct spoken {
    struct vv_objects objects;
    size_t next;
    int64_t
        reach; /* the newest of the files that begin at or below what was asked for; -1: none */
};

static bool is_spoken_of(struct spoken *spoken, int64_t version)
{
    for (; spoken->next < spoken->objects.len; spoken->next++) {
        int64_t first = 0;
        int64_t last = 0;
        if (!vv_ledger_name(spoken->objects.items[spoken->next].key, &first, &last))
            continue;
        if (first > version)
            break;
        if (last > spoken->reach)
            spoken->reach = last;
    }
    return version <= spoken->reach;
}

/*
 * A commit left the log since it was listed: another clean-up took it, which has kept it before. What
 * nobody kept is no such commit, and stays the failure that it is.
 */
static varve_status look_again(struct vv_op *op, const struct vv_log_handle *log,
    struct spoken *spoken)
{
    const varve_error gone = op->error;
    struct spoken anew = {.reach = -1};
    vv_forgive(op);
    VV_TRY(list_files(op, log, &anew.objects));
    *spoken = anew;
    if (is_spoken_of(&anew, gone.version))
        return VARVE_OK;
    (void)vv_fail(op, gone.code, "%s", gone.message);
    op->error.version = gone.version;
    return gone.code;
}

varve_status vv_ledger_keep(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_log_list *list, int64_t end, size_t *out_kept)
{
    struct spoken spoken = {.reach = -1};
    size_t kept = 0;
    VV_TRY(list_files(op, log, &spoken.objects));
    size_t stop = vv_log_list_lower(list, end);
    for (size_t i = 0; i < stop;) {
        const struct vv_log_commit *commits = &list->commits.items[i];
        size_t len = 1;
        if (is_spoken_of(&spoken, commits[0].version)) {
            i++;
            continue;
        }
        int64_t after = spoken.reach;
        while (i + len < stop && len < COMMITS_MAX &&
               commits[len].version == commits[len - 1].version + 1 &&
               !is_spoken_of(&spoken, commits[len].version))
            len++;
        VV_TRY(vv_check_cancel(op));
        varve_status status = write_file(op, log, commits, len, after);
        if (status == VARVE_ENOTFOUND && op->error.version != VV_NO_VERSION) {
            VV_TRY(look_again(op, log, &spoken));
            continue;
        }
        VV_TRY(status);
        if (spoken.reach < commits[len - 1].version)
            spoken.reach = commits[len - 1].version;
        kept += len;
        i += len;
    }
    if (out_kept != NULL)
        *out_kept = kept;
    return VARVE_OK;
}

/* ---- Checking what was kept --------------------------------------------------------------------- */

/* What readers of the ledger are given, which is not what any of its files has: the first that is whole. */
static varve_status check_kept(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_objects *objects, struct vv_ledger_reader *reader, int64_t version)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena scratch = VV_ARENA_INIT(op->arena.bytes_max);
    struct vv_str bytes = VV_STR_NONE;
    struct vv_str kept = VV_STR_NONE;
    varve_status read = vv_log_read(op, log, version, &scratch, &bytes);
    if (read ==
        VARVE_ENOTFOUND) { /* another clean-up was faster: this one removes nothing of it */
        vv_forgive(op);
        return VARVE_OK;
    }
    VV_TRY(read);
    read = read_in_any(op, log, objects, reader, version, &scratch, &kept);
    if (read == VARVE_OK && kept.ptr == NULL)
        return vv_fail(op, VARVE_ECORRUPT, "the ledger lacks version %" PRId64, version);
    if (read == VARVE_OK && !vv_str_eq(kept, bytes))
        read = vv_fail(op, VARVE_ECORRUPT,
            "%.*s, version %" PRId64 ": the log has other bytes (varve verify tells more)",
            VV_ARG(reader->file.key), version);
    if (read != VARVE_ECORRUPT)
        return read;
    const varve_error damage = op->error;
    vv_forgive(op);
    return vv_fail(op, VARVE_ECORRUPT,
        "%s: its commits stay in the log; restore that file of the ledger, or else move it "
        "away, "
        "and what the log has of it is written anew",
        damage.message);
}

varve_status vv_ledger_check(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_log_list *list, int64_t end)
{
    VV_CLEANUP(vv_ledger_reader_done)
    struct vv_ledger_reader reader = {.arena = VV_ARENA_INIT(op->arena.bytes_max)};
    struct vv_objects objects = {0};
    size_t stop = vv_log_list_lower(list, end);
    VV_TRY(list_files(op, log, &objects));
    for (size_t i = 0; i < stop; i++) {
        VV_TRY(vv_check_cancel(op));
        VV_TRY(check_kept(op, log, &objects, &reader, list->commits.items[i].version));
    }
    return VARVE_OK;
}
