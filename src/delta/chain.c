#include "delta/chain.h"

varve_status vv_chain_link_of(struct vv_op *op, int64_t version, struct vv_str bytes,
    struct vv_chain_link *out)
{
    struct vv_chain_link link = {.version = version};
    VV_TRY(vv_sha256(op, bytes, link.sha256));
    *out = link;
    return VARVE_OK;
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
