/*
 * The head: what is noted elsewhere, so that a rewritten or shortened history shows.
 */
#include "base/json_write.h"
#include "delta/chain.h"
#include "delta/ledger.h"
#include "delta/list.h"
#include "delta/log_name.h"
#include "delta/timeline.h"
#include "store/key_file.h"
#include "table/audit/verify.h"

struct hash {
    char hex[VV_SHA256_HEX_BYTES];
};

struct hashes {
    VV_ACTION_LIST(struct hash) list; /* newest first */
};

/* The hash of one more commit; *out_ends: it has a link, so that nothing before it matters. */
static varve_status add_hash(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_log_commit *commit, struct hashes *hashes, bool *out_ends)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
    const struct vv_commit_info *info = NULL;
    struct vv_str bytes = VV_STR_NONE;
    struct hash *hash = VV_LIST_NEW(&op->arena, &hashes->list);
    if (hash == NULL)
        return vv_fail_memory(op);
    VV_TRY(vv_check_cancel(op));
    VV_TRY(vv_log_read_listed(op, log, NULL, commit, &arena, &bytes));
    if (vv_timeline_find_info(op, &arena, commit->version, bytes, &info) != VARVE_OK) {
        op->error.version = commit->version;
        return vv_note(op, VV_LOG_FOLDER "/%020" PRId64 ".json (%zu bytes)", commit->version,
            bytes.len);
    }
    *out_ends = info != NULL && info->by_varve;
    return vv_sha256(op, bytes, hash->hex);
}

varve_status vv_seal(struct vv_op *op, const struct vv_log_handle *log, struct vv_seal *out)
{
    struct vv_log_list list = {0};
    struct hashes hashes = {0};
    bool ends = false;
    VV_TRY(vv_log_list_read(op, log, 0, &op->arena, &list));
    if (!vv_log_list_has_all_from(&list, 0))
        VV_TRY(vv_ledger_extend(op, log, &op->arena, &list));
    if (list.commits.len == 0)
        return vv_log_fail_no_commit(op, log, &list);
    const struct vv_log_commit *items = list.commits.items;
    for (size_t i = list.commits.len; i > 0 && !ends; i--) {
        if (i < list.commits.len && items[i - 1].version + 1 != items[i].version)
            break;
        VV_TRY(add_hash(op, log, &items[i - 1], &hashes, &ends));
    }
    size_t len = hashes.list.len;
    VV_PRE(hashes.list.items != NULL); /* the newest commit has one */
    *out = (struct vv_seal){.version = items[list.commits.len - 1].version};
    memcpy(out->head, hashes.list.items[len - 1].hex, VV_SHA256_HEX_BYTES);
    for (size_t i = len - 1; i > 0; i--)
        VV_TRY(vv_chain_fold(op, out->head, hashes.list.items[i - 1].hex));
    return VARVE_OK;
}

varve_status vv_seal_sign(struct vv_op *op, const char *key_file, const char *prefix,
    const char *hash, char out[VV_SIGNATURE_BYTES])
{
    char pem[VV_KEY_FILE_BYTES_MAX];
    size_t pem_len = 0;
    struct vv_str text = vv_arena_format(&op->arena, "%s%s", prefix, hash);
    if (text.ptr == NULL)
        return vv_fail_memory(op);
    varve_status status = vv_key_file_read(op, key_file, true, pem, &pem_len);
    if (status == VARVE_OK)
        status = vv_sign(op, (struct vv_str){pem, pem_len}, text, out);
    explicit_bzero(pem, sizeof(pem));
    return status == VARVE_OK ? VARVE_OK
                              : vv_note(op, "sign with %s", vv_key_file_name(key_file));
}

varve_status vv_seal_write(struct vv_op *op, struct vv_str table, const struct vv_seal *seal,
    const char *key_file, struct vv_buf *out)
{
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(out);
    char signature[VV_SIGNATURE_BYTES];
    vv_jw_object(&writer);
    vv_jw_key_string(&writer, "table", table);
    vv_jw_key_int(&writer, "version", seal->version);
    vv_jw_key_string(&writer, "head", vv_str_of(seal->head));
    if (key_file != NULL) {
        VV_TRY(vv_seal_sign(op, key_file, VV_SEAL_PREFIX, seal->head, signature));
        vv_jw_key_string(&writer, "signature", vv_str_of(signature));
    }
    vv_jw_end(&writer);
    vv_buf_addc(out, '\n');
    return vv_buf_ok(out) ? VARVE_OK : vv_fail_memory(op);
}
