/*
 * The head: what is noted elsewhere, so that a rewritten or shortened history shows.
 */
#include "delta/chain.h"
#include "delta/ledger.h"
#include "delta/list.h"
#include "delta/timeline.h"
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
    VV_TRY(vv_log_read_listed(op, log, commit, &arena, &bytes));
    VV_TRY(vv_timeline_find_info(op, &arena, commit->version, bytes, &info));
    *out_ends = info != NULL && info->by_varve;
    return vv_sha256(op, bytes, hash->hex);
}

varve_status vv_seal(struct vv_op *op, const struct vv_log_handle *log, struct vv_seal *out)
{
    struct vv_log_list list = {0};
    struct hashes hashes = {0};
    bool ends = false;
    VV_TRY(vv_log_list_read(op, log, 0, &op->arena, &list));
    if (list.commits.len > 0 && list.commits.items[0].version > 0)
        VV_TRY(vv_ledger_extend(op, log, &op->arena, &list));
    if (list.commits.len == 0)
        return vv_log_fail_no_table(op, log);
    const struct vv_log_commit *items = list.commits.items;
    for (size_t i = list.commits.len; i > 0 && !ends; i--) {
        if (i < list.commits.len && items[i - 1].version + 1 != items[i].version)
            break;
        VV_TRY(add_hash(op, log, &items[i - 1], &hashes, &ends));
    }
    size_t len = hashes.list.len;
    *out = (struct vv_seal){.version = items[list.commits.len - 1].version};
    memcpy(out->head, hashes.list.items[len - 1].hex, VV_SHA256_HEX_BYTES);
    for (size_t i = len - 1; i > 0; i--)
        VV_TRY(vv_chain_fold(op, out->head, hashes.list.items[i - 1].hex));
    return VARVE_OK;
}
