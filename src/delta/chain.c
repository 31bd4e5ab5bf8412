#include "delta/chain.h"

#include "delta/timeline.h"

#define RUN_MAX 10000 /* commits of others in a row that one commit covers */

varve_status vv_chain_link_of(struct vv_op *op, int64_t version, struct vv_str bytes,
    struct vv_chain_link *out)
{
    struct vv_chain_link link = {.version = version};
    VV_TRY(vv_sha256(op, bytes, link.sha256));
    *out = link;
    return VARVE_OK;
}

varve_status vv_chain_fold(struct vv_op *op, char chain[VV_SHA256_HEX_BYTES],
    const char *sha256)
{
    char both[2 * VV_SHA256_HEX_BYTES];
    const struct vv_str first = vv_str_of(chain);
    const struct vv_str second = vv_str_of(sha256);
    VV_PRE(first.len + second.len < sizeof(both));
    memcpy(both, first.ptr, first.len);
    memcpy(both + first.len, second.ptr, second.len);
    return vv_sha256(op, (struct vv_str){both, first.len + second.len}, chain);
}

varve_status vv_chain_link_next(struct vv_op *op, const struct vv_chain_link *before,
    int64_t version, struct vv_str bytes, bool has_link, struct vv_chain_link *out)
{
    struct vv_chain_link link = {0};
    VV_TRY(vv_chain_link_of(op, version, bytes, &link));
    if (!has_link && before->sha256[0] != '\0') {
        bool goes_on = before->chain[0] != '\0';
        memcpy(link.chain, goes_on ? before->chain : before->sha256, VV_SHA256_HEX_BYTES);
        link.chain_from = goes_on ? before->chain_from : before->version;
        VV_TRY(vv_chain_fold(op, link.chain, link.sha256));
    }
    *out = link;
    return VARVE_OK;
}

struct hash {
    char hex[VV_SHA256_HEX_BYTES];
};

/* The hash of a commit before a run, and whether it has a link. "": it is not there. */
static varve_status look_at(struct vv_op *op, const struct vv_log_handle *log, int64_t version,
    char out_sha256[VV_SHA256_HEX_BYTES], bool *out_has_link)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
    const struct vv_commit_info *info = NULL;
    struct vv_str bytes = VV_STR_NONE;
    varve_status status = vv_log_read(op, log, version, &arena, &bytes);
    out_sha256[0] = '\0';
    if (status == VARVE_ENOTFOUND) {
        vv_forgive(op);
        return VARVE_OK;
    }
    VV_TRY(status);
    /* One that can't be read is one without a link: its bytes are covered all the same. */
    if (vv_timeline_find_info(op, &arena, version, bytes, &info) != VARVE_OK)
        vv_forgive(op);
    *out_has_link = info != NULL && info->by_varve;
    return vv_sha256(op, bytes, out_sha256);
}

varve_status vv_chain_run(struct vv_op *op, const struct vv_log_handle *log,
    struct vv_chain_link *link)
{
    struct hash *hashes = NULL; /* newest first */
    size_t most = link->version < RUN_MAX ? (size_t)link->version : RUN_MAX;
    size_t len = 0;
    bool has_link = false;
    link->chain[0] = '\0';
    if (link->sha256[0] == '\0' || most == 0)
        return VARVE_OK;
    VV_NEW(op, &hashes, struct hash, most);
    while (len < most && !has_link) {
        VV_TRY(vv_check_cancel(op));
        VV_TRY(look_at(op, log, link->version - 1 - (int64_t)len, hashes[len].hex, &has_link));
        if (hashes[len].hex[0] == '\0')
            break;
        len++;
    }
    if (len == 0)
        return VARVE_OK;
    memcpy(link->chain, hashes[len - 1].hex, VV_SHA256_HEX_BYTES);
    link->chain_from = link->version - (int64_t)len;
    for (size_t i = len - 1; i > 0; i--)
        VV_TRY(vv_chain_fold(op, link->chain, hashes[i - 1].hex));
    return vv_chain_fold(op, link->chain, link->sha256);
}

void vv_chain_write(const struct vv_chain_link *link, struct vv_json_writer *writer)
{
    bool is_first = link->version == VV_NO_VERSION;
    bool is_gone = !is_first && link->sha256[0] == '\0';
    vv_jw_key(writer, "varve");
    vv_jw_object(writer);
    vv_jw_key_string(writer, "prevHash",
        link->sha256[0] != '\0' ? vv_str_of(link->sha256) : VV_STR_NONE);
    if (is_first) {
        vv_jw_key(writer, "prevVersion");
        vv_jw_null(writer);
    } else {
        vv_jw_key_int(writer, "prevVersion", link->version);
    }
    if (is_gone)
        vv_jw_key_string(writer, "prevFrom", VV_STR("missing"));
    else if (link->from_ledger)
        vv_jw_key_string(writer, "prevFrom", VV_STR("ledger"));
    if (!is_first && !is_gone && link->chain[0] != '\0') {
        vv_jw_key_string(writer, "prevChain", vv_str_of(link->chain));
        vv_jw_key_int(writer, "chainFrom", link->chain_from);
    }
    vv_jw_end(writer);
}

enum vv_chain_verdict vv_chain_check(int64_t version, const struct vv_commit_info *info,
    struct vv_str previous_sha256)
{
    if (info == NULL || !info->by_varve)
        return VV_CHAIN_FOREIGN;
    if (version == 0)
        return info->prev_hash.ptr == NULL ? VV_CHAIN_HOLDS : VV_CHAIN_BROKEN;
    /* A commit of Varve always has a link; only the hash in it may be missing, and says so. */
    if (info->prev_hash.ptr == NULL)
        return vv_str_eq(info->prev_from, VV_STR("missing")) ? VV_CHAIN_UNPROVEN
                                                             : VV_CHAIN_BROKEN;
    if (info->prev_version != version - 1)
        return VV_CHAIN_BROKEN;
    if (previous_sha256.ptr == NULL)
        return VV_CHAIN_UNPROVEN;
    return vv_str_eq(info->prev_hash, previous_sha256) ? VV_CHAIN_HOLDS : VV_CHAIN_BROKEN;
}
