/*
 * What is covered by what. A link reaches the commit right before it, and by its chain hash those
 * of other software before that. Whether a commit of other software is covered is known only when
 * the next link comes; until then it waits in the run.
 */
#include "delta/chain.h"
#include "table/audit/verify_run.h"

static varve_status tell(struct vv_op *op, struct vv_chain_walk *walk,
    const struct vv_cover_range *told)
{
    struct vv_cover_range *last =
        walk->ranges.len > 0 ? &walk->ranges.items[walk->ranges.len - 1] : NULL;
    walk->counts[told->cover] += told->to - told->from + 1;
    if (last != NULL && last->cover == told->cover && last->by == told->by &&
        last->to + 1 == told->from) {
        last->to = told->to;
        return VARVE_OK;
    }
    last = VV_LIST_NEW(walk->arena, &walk->ranges);
    if (last == NULL)
        return vv_fail_memory(op);
    *last = *told;
    return VARVE_OK;
}

/* The last one that was told is not what the next link says. */
static varve_status tell_altered(struct vv_op *op, struct vv_chain_walk *walk)
{
    VV_PRE(walk->ranges.len > 0);
    struct vv_cover_range *last = &walk->ranges.items[walk->ranges.len - 1];
    const struct vv_cover_range told = {last->to, last->to, VV_COVER_BROKEN, VV_NO_VERSION};
    walk->counts[last->cover]--;
    if (last->from == last->to)
        walk->ranges.len--;
    else
        last->to--;
    return tell(op, walk, &told);
}

static int64_t run_first(const struct vv_chain_walk *walk)
{
    return walk->version - (int64_t)walk->run.len + 1;
}

/*
 * Those that wait are covered by the link of commit `by` from `covered_from` on; VV_NO_VERSION: by
 * none.
 */
static varve_status tell_waiting(struct vv_op *op, struct vv_chain_walk *walk, int64_t by,
    int64_t covered_from, enum vv_cover otherwise)
{
    for (size_t i = 0; i < walk->run.len; i++) {
        struct vv_chain_item *item = &walk->run.items[i];
        int64_t version = run_first(walk) + (int64_t)i;
        bool is_covered = by != VV_NO_VERSION && version >= covered_from;
        if (item->is_told)
            continue;
        struct vv_cover_range told = {version, version,
            is_covered ? VV_COVER_FOREIGN : otherwise, is_covered ? by : VV_NO_VERSION};
        if (item->from_ledger)
            told = (struct vv_cover_range){version, version,
                is_covered ? VV_COVER_LEDGER : VV_COVER_UNPROVEN, VV_NO_VERSION};
        VV_TRY(tell(op, walk, &told));
        item->is_told = true;
    }
    return VARVE_OK;
}

static varve_status chain_from(struct vv_op *op, const struct vv_chain_walk *walk, size_t from,
    char out[VV_SHA256_HEX_BYTES])
{
    VV_PRE(walk->run.items != NULL && from < walk->run.len);
    memcpy(out, walk->run.items[from].sha256, VV_SHA256_HEX_BYTES);
    for (size_t i = from + 1; i < walk->run.len; i++)
        VV_TRY(vv_chain_fold(op, out, walk->run.items[i].sha256));
    return VARVE_OK;
}

/* How far back the link of a commit reaches, given that it holds for the one right before it. */
static varve_status reach(struct vv_op *op, const struct vv_chain_walk *walk,
    const struct vv_commit_info *info, struct vv_chain_finding *finding, int64_t *out_from)
{
    char chain[VV_SHA256_HEX_BYTES];
    *out_from = walk->version;
    if (info->prev_chain.ptr == NULL || info->chain_from < run_first(walk) ||
        info->chain_from >= walk->version)
        return VARVE_OK;
    VV_TRY(chain_from(op, walk, (size_t)(info->chain_from - run_first(walk)), chain));
    if (vv_str_eq(info->prev_chain, vv_str_of(chain))) {
        *out_from = info->chain_from;
        return VARVE_OK;
    }
    finding->is_run_broken = true;
    finding->run_from = info->chain_from;
    return VARVE_OK;
}

static varve_status begin_run(struct vv_op *op, struct vv_chain_walk *walk,
    const struct vv_chain_step *step, bool anew, bool is_told)
{
    if (anew)
        walk->run.len = 0;
    struct vv_chain_item *item = VV_LIST_NEW(walk->arena, &walk->run);
    if (item == NULL)
        return vv_fail_memory(op);
    *item = (struct vv_chain_item){.is_told = is_told, .from_ledger = step->from_ledger};
    memcpy(item->sha256, step->sha256, VV_SHA256_HEX_BYTES);
    walk->version = step->version;
    if (walk->run.len > 1)
        return vv_chain_fold(op, walk->chain, step->sha256);
    memcpy(walk->chain, step->sha256, VV_SHA256_HEX_BYTES);
    return VARVE_OK;
}

static varve_status step_link(struct vv_op *op, struct vv_chain_walk *walk,
    const struct vv_chain_step *step, struct vv_str previous, struct vv_chain_finding *finding)
{
    int64_t covered_from = VV_NO_VERSION;
    finding->link = vv_chain_check(step->version, step->info, previous);
    bool holds = finding->link == VV_CHAIN_HOLDS;
    if (holds && step->version > 0)
        VV_TRY(reach(op, walk, step->info, finding, &covered_from));
    VV_TRY(tell_waiting(op, walk, covered_from != VV_NO_VERSION ? step->version : VV_NO_VERSION,
        covered_from, VV_COVER_UNCOVERED));
    if (finding->link == VV_CHAIN_BROKEN && walk->ranges.len > 0)
        VV_TRY(tell_altered(op, walk));
    const struct vv_cover_range told = {step->version, step->version,
        step->from_ledger ? VV_COVER_LEDGER : VV_COVER_CHAINED, VV_NO_VERSION};
    VV_TRY(tell(op, walk, &told));
    return begin_run(op, walk, step, true, true);
}

varve_status vv_chain_walk_step(struct vv_op *op, struct vv_chain_walk *walk,
    const struct vv_chain_step *step, struct vv_chain_finding *out)
{
    struct vv_chain_finding finding = {.link = VV_CHAIN_FOREIGN};
    bool has_gap = step->version > walk->version + 1;
    struct vv_str previous = VV_STR_NONE;
    VV_PRE(step->version > walk->version);
    if (walk->run.len > 0 && !has_gap)
        previous = vv_str_of(walk->run.items[walk->run.len - 1].sha256);
    if (has_gap) {
        VV_TRY(tell_waiting(op, walk, VV_NO_VERSION, 0, VV_COVER_UNCOVERED));
        const struct vv_cover_range gone = {
            walk->version + 1, step->version - 1, VV_COVER_GONE, VV_NO_VERSION};
        VV_TRY(tell(op, walk, &gone));
    }
    if (step->sha256 == NULL) {
        const struct vv_cover_range told = {
            step->version, step->version, VV_COVER_BROKEN, VV_NO_VERSION};
        VV_TRY(tell_waiting(op, walk, VV_NO_VERSION, 0, VV_COVER_UNCOVERED));
        VV_TRY(tell(op, walk, &told));
        walk->run.len = 0; /* the next link finds nothing to be held against */
        walk->chain[0] = '\0';
        walk->version = step->version;
    } else if (step->info != NULL && step->info->by_varve) {
        VV_TRY(step_link(op, walk, step, previous, &finding));
    } else if (step->is_unreadable) {
        const struct vv_cover_range told = {
            step->version, step->version, VV_COVER_BROKEN, VV_NO_VERSION};
        VV_TRY(tell_waiting(op, walk, VV_NO_VERSION, 0, VV_COVER_UNCOVERED));
        VV_TRY(tell(op, walk, &told));
        VV_TRY(begin_run(op, walk, step, has_gap, true));
    } else {
        VV_TRY(begin_run(op, walk, step, has_gap, false));
    }
    *out = finding;
    return VARVE_OK;
}

int64_t vv_chain_walk_open(const struct vv_chain_walk *walk)
{
    return walk->run.len > 0 ? run_first(walk) : walk->version;
}

varve_status vv_chain_walk_end(struct vv_op *op, struct vv_chain_walk *walk)
{
    return tell_waiting(op, walk, VV_NO_VERSION, 0, VV_COVER_TAIL);
}
