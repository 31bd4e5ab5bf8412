/*
 * The commit loop.
 *
 * What is true. A version of a table is the file `_delta_log/<version>.json`: its slot. A slot is
 * filled once, whole, and never changes. Filling the slot of version N makes the change true for
 * everybody at once; there is nothing before it and nothing after it. The store gives the one
 * primitive this rests on: put-if-absent, durable when it returns.
 *
 * What a crash leaves.
 *   before the put      nothing but data files that no commit names; vacuum removes them.
 *   during the put      the slot is empty or holds the whole commit; never a part of it.
 *   after the put       the commit stands, whether or not anybody was told.
 *
 * What the reader must believe. A put has three ends. "Created": the slot is ours. "Exists": it
 * is somebody's. No answer: it is in doubt. Doubt is neither failure, for then data files would
 * be deleted that a commit names, nor success, for then rows would be lost. It ends by reading
 * the slot: every commit carries the id of its transaction, one for all attempts of this loop.
 *   the slot holds our id      the lost reply was a "created": done, once it is synced.
 *   it holds another id        ours never got in, and never can: a lost race like any other.
 *   it is empty                put again; should the first put still arrive, it meets our own
 *                              commit, or we meet its, and both bear the same id.
 *   it can't be read           the doubt stays, and is what the caller is told: EUNKNOWN.
 * So while in doubt nothing but an answer from the slot may end the attempt: no cancel, no other
 * failure comes before the words "it may have been written".
 *
 * A lost race. The winner's commit is shown to the caller, who judges whether the two can stand
 * one after the other. All commits up to the newest are judged, oldest first, before the next
 * slot is tried: a slot is only ever filled by somebody who has accepted every commit below it.
 * That makes the history serializable. The text is rendered anew for each slot, since it holds
 * the hash of the commit right below (delta/chain.h) and a timestamp greater than that commit's.
 *
 * Turns. Many writers that race for each slot lose most races, and one of them may lose them all.
 * On one machine they therefore queue (vv_store_take_turn). Nothing of the above rests on that:
 * a writer without a turn, of another machine or of other software, is met in the slot as ever.
 */
#include "delta/commit.h"

#include "base/os.h"
#include "base/seam.h"
#include "base/time.h"
#include "delta/commit_body.h"
#include "delta/commit_time.h"
#include "delta/ledger.h"
#include "delta/log_name.h"
#include "delta/log_probe.h"
#include "delta/timeline.h"

#define PUTS_MAX 5               /* of one slot, as long as the store gives no answer */
#define READS_MAX 5              /* of one slot, as long as the store fails */
#define TURN_WAIT_MAX_US 1000000 /* for a turn whose holder may be stopped */
#define BACK_OFF_FIRST_US 10000
#define BACK_OFF_MAX_US 2000000
#define BACK_OFF_SLICE_US 50000 /* how long a cancel may go unheard */

enum slot {
    SLOT_EMPTY,
    SLOT_OURS,
    SLOT_RIVAL
};

struct committer {
    const struct vv_log_handle *log;
    const struct vv_commit_request *request;
    struct vv_commit_body body; /* `version` is the slot that is tried */
    int64_t previous_ms;        /* time of the version below, VV_NO_TIME where unknown */
    int64_t counts_from;        /* vv_commit_time_counts_from of the version below */
    bool in_doubt;              /* a put of this slot was not answered */
    uint32_t attempts;
    struct vv_buf text;
    struct vv_actions rival; /* SLOT_RIVAL: what the slot holds */
    struct vv_str rival_bytes;
};

static void committer_done(struct committer *committer)
{
    vv_buf_done(&committer->text);
}

/* 10 ms, 20, 40 ..., each cut by a random part: those who collided must not do so again. */
static int64_t pause_us(uint32_t failures)
{
    int64_t us = BACK_OFF_FIRST_US;
    for (uint32_t i = 1; i < failures && us < BACK_OFF_MAX_US; i++)
        us *= 2;
    if (us > BACK_OFF_MAX_US)
        us = BACK_OFF_MAX_US;
    return us / 2 + (int64_t)(vv_random64() % (uint64_t)(us / 2));
}

/* Before the next attempt, where nothing is in doubt. */
static varve_status back_off(struct vv_op *op, uint32_t failures)
{
    for (int64_t left_us = pause_us(failures); left_us > 0; left_us -= BACK_OFF_SLICE_US) {
        VV_TRY(vv_check_cancel(op));
        vv_sleep_us(op, left_us < BACK_OFF_SLICE_US ? left_us : BACK_OFF_SLICE_US);
    }
    return VARVE_OK;
}

/* The log has the version below no more: the ledger's hash, or the link says that it is missing. */
static varve_status look_into_ledger(struct vv_op *op, struct committer *c)
{
    struct vv_chain_link *link = &c->body.previous;
    varve_status status = vv_ledger_sha256(op, c->log, link->version, link->sha256);
    if (status == VARVE_ECORRUPT) {
        vv_log(op, VV_LOG_WARN, "ledger.damaged", "%s", op->error.message);
        vv_forgive(op);
        link->sha256[0] = '\0';
        return VARVE_OK;
    }
    link->from_ledger = link->sha256[0] != '\0';
    return status;
}

/* The version below the first slot: its hash for the chain, its time for ours. */
static varve_status look_below(struct vv_op *op, struct committer *c)
{
    const struct vv_snapshot *read = c->request->read;
    c->body.previous = (struct vv_chain_link){.version = VV_NO_VERSION};
    c->previous_ms = VV_NO_TIME;
    if (read == NULL)
        return VARVE_OK;
    c->body.previous.version = read->version;
    c->previous_ms = read->timestamp_ms;
    c->counts_from = vv_commit_time_counts_from(read->metadata);
    c->body.is_above_no_time = read->commit_is_out_of_time;
    if (c->request->below != NULL) {
        VV_PRE(c->request->below->version == read->version);
        c->body.previous = *c->request->below;
        return VARVE_OK;
    }
    if (read->commit_sha256[0] != '\0') {
        memcpy(c->body.previous.sha256, read->commit_sha256, VV_SHA256_HEX_BYTES);
        return read->commit_has_link ? VARVE_OK : vv_chain_run(op, c->log, &c->body.previous);
    }
    struct vv_str bytes = VV_STR_NONE;
    varve_status status = vv_log_read(op, c->log, read->version, &op->arena, &bytes);
    if (status == VARVE_ENOTFOUND) {
        vv_forgive(op);
        return look_into_ledger(op, c);
    }
    if (status != VARVE_OK)
        return vv_note(op, "read the commit of version %" PRId64 " for the chain",
            read->version);
    const struct vv_commit_info *info = NULL;
    VV_TRY(vv_timeline_find_info(op, &op->arena, read->version, bytes, &info));
    VV_TRY(vv_chain_link_of(op, read->version, bytes, &c->body.previous));
    bool has_link = info != NULL && info->by_varve;
    return has_link ? VARVE_OK : vv_chain_run(op, c->log, &c->body.previous);
}

static varve_status prepare(struct vv_op *op, struct committer *c)
{
    const struct vv_commit_request *request = c->request;
    VV_PRE(request->attempts_max > 0);
    VV_PRE(request->actions != NULL && request->actions->commit_info == NULL);
    c->body.request = request;
    c->body.version = request->read != NULL ? request->read->version + 1 : 0;
    c->body.user_name =
        request->user_name.ptr != NULL ? request->user_name : vv_os_user(&op->arena);
    if (vv_str_is_lost(c->body.user_name))
        return vv_fail_memory(op);
    /* What no reader takes is not to be written, whatever the table was like. */
    if (vv_actions_check_once(op, request->actions) != VARVE_OK)
        return vv_note(op, "commit version %" PRId64 ", nothing was written", c->body.version);
    VV_TRY(vv_uuid(op, c->body.txn_id));
    return look_below(op, c);
}

static varve_status render(struct vv_op *op, struct committer *c)
{
    int64_t now_ms = vv_now_us(op) / VV_US_PER_MS;
    bool is_ahead = c->previous_ms == VV_NO_TIME || now_ms > c->previous_ms;
    c->body.timestamp_ms = is_ahead ? now_ms : c->previous_ms + 1;
    return vv_commit_body_write(op, &c->body, &c->text);
}

/*
 * Reads the slot, again while the store fails. A rival's commit is left in `rival`. A commit that
 * can't be parsed is nobody's: ECORRUPT.
 */
static varve_status read_slot(struct vv_op *op, struct committer *c, enum slot *out)
{
    varve_status status = VARVE_OK;
    for (uint32_t tries = 1;; tries++) {
        c->rival = (struct vv_actions){0};
        status = vv_log_read_actions(op, c->log, c->body.version, &op->arena, &c->rival,
            &c->rival_bytes);
        if (status != VARVE_EIO || tries == READS_MAX)
            break;
        vv_forgive(op);
        vv_sleep_us(op, pause_us(tries));
    }
    if (status == VARVE_ENOTFOUND) {
        vv_forgive(op);
        *out = SLOT_EMPTY;
        return VARVE_OK;
    }
    if (status != VARVE_OK)
        return vv_note(op, "read what took version %" PRId64, c->body.version);
    const struct vv_commit_info *info = c->rival.commit_info;
    bool is_ours = info != NULL && vv_str_eq(info->txn_id, vv_str_of(c->body.txn_id));
    *out = is_ours ? SLOT_OURS : SLOT_RIVAL;
    return VARVE_OK;
}

/*
 * Found stored is not yet durable: what did not answer may have failed to sync. Where it can't be made so,
 * what the storage said first tells why.
 */
static varve_status make_durable(struct vv_op *op, struct committer *c, struct vv_str key,
    const varve_error *first)
{
    c->in_doubt = true;
    varve_status status = vv_store_publish(op, c->log->store, &key, 1);
    if (status == VARVE_OK || first->code == VARVE_OK)
        return status;
    vv_forgive(op);
    return vv_fail(op, VARVE_EIO, "%s", first->message);
}

/* One put of the slot, and whose the slot is then. */
static varve_status put_slot(struct vv_op *op, struct committer *c, struct vv_str key,
    enum slot *out)
{
    varve_error doubt = {0};
    enum vv_put_outcome outcome = VV_PUT_EXISTS;
    vv_crash_point("commit.before_put");
    varve_status status = vv_store_put_if_absent(op, c->log->store, key, vv_buf_str(&c->text),
        c->body.timestamp_ms * VV_US_PER_MS, &outcome);
    vv_crash_point("commit.after_put");
    if (status == VARVE_OK && outcome == VV_PUT_CREATED) {
        *out = SLOT_OURS;
        return VARVE_OK;
    }
    if (status == VARVE_EUNKNOWN)
        c->in_doubt = true;
    if (status == VARVE_EUNKNOWN || (status == VARVE_EIO && c->in_doubt)) {
        vv_log(op, VV_LOG_INFO, "commit.in_doubt", "version %" PRId64 ": %s", c->body.version,
            op->error.message);
        doubt = op->error;
        vv_forgive(op);
        status = VARVE_OK;
    }
    VV_TRY(status);
    VV_TRY(read_slot(op, c, out));
    return *out == SLOT_OURS ? make_durable(op, c, key, &doubt) : VARVE_OK;
}

/* Puts until the slot is somebody's. */
static varve_status take_slot(struct vv_op *op, struct committer *c, enum slot *out)
{
    struct vv_str key = vv_log_commit_key(&op->arena, c->body.version);
    if (key.ptr == NULL)
        return vv_fail_memory(op);
    for (uint32_t puts = 1; puts <= PUTS_MAX; puts++) {
        enum slot slot = SLOT_EMPTY;
        VV_TRY(put_slot(op, c, key, &slot));
        if (slot != SLOT_EMPTY) {
            *out = slot;
            return VARVE_OK;
        }
        if (puts < PUTS_MAX)
            vv_sleep_us(op, pause_us(puts));
    }
    return vv_fail(op, VARVE_EIO,
        "%u times the storage neither stored %.*s nor showed what is in its place", PUTS_MAX,
        VV_ARG(key));
}

/* The same, with the doubt in the code: from here on a failure is a fact about the slot. */
static varve_status settle_slot(struct vv_op *op, struct committer *c, enum slot *out)
{
    c->in_doubt = false;
    varve_status status = take_slot(op, c, out);
    if (status == VARVE_OK)
        return VARVE_OK;
    if (!c->in_doubt)
        return vv_note(op, "commit version %" PRId64 ", nothing was written", c->body.version);
    (void)vv_note(op,
        "version %" PRId64 " may have been written, the storage did not answer; retry with the"
        " same txn and delete nothing",
        c->body.version);
    return vv_recode(op, VARVE_EUNKNOWN);
}

static varve_status judge(struct vv_op *op, const struct committer *c, enum vv_verdict *out)
{
    *out = VV_VERDICT_REPLAN;
    if (c->request->judge == NULL)
        return VARVE_OK;
    return c->request->judge(op, c->request->judge_data, &c->rival, out);
}

/*
 * An empty slot is the end of the log only where none behind it is filled: a commit that is missing
 * is not made up for by another. What is behind may have come since the slot was looked into, and
 * the slot's own with it.
 */
static varve_status look_behind(struct vv_op *op, struct committer *c, enum slot *slot,
    bool *out_is_missing)
{
    bool has_gap = false;
    VV_TRY(vv_log_has_gap(op, c->log, c->body.version - 1, &has_gap));
    if (has_gap)
        VV_TRY(read_slot(op, c, slot));
    *out_is_missing = has_gap && *slot == SLOT_EMPTY;
    if (*out_is_missing)
        vv_log(op, VV_LOG_WARN, "commit.gap",
            "version %" PRId64 " is missing, though younger ones are there", c->body.version);
    return VARVE_OK;
}

/* The time of the rival that is below from now on. */
static varve_status note_time(struct vv_op *op, struct committer *c)
{
    const struct vv_commit_info *info = c->rival.commit_info;
    if (c->rival.metadata != NULL)
        c->counts_from = vv_commit_time_counts_from(c->rival.metadata);
    c->body.is_above_no_time =
        info != NULL && info->is_out_of_time && c->body.version >= c->counts_from;
    return vv_commit_time_ms(op, c->log, &(struct vv_log_commit){.version = c->body.version},
        info, c->counts_from, &c->previous_ms);
}

/*
 * Shows every commit from the lost slot up to the newest to the caller. With REBASE the committer
 * stands before the first empty slot, knowing the commit right below it. REPLAN too where a commit
 * is missing: who reads the table anew is told of it.
 */
static varve_status meet_rivals(struct vv_op *op, struct committer *c, enum vv_verdict *out)
{
    enum slot slot = SLOT_RIVAL;
    while (slot != SLOT_EMPTY) {
        VV_TRY(vv_check_cancel(op));
        int64_t version = c->body.version;
        vv_log(op, VV_LOG_INFO, "commit.lost", "version %" PRId64 " was taken by %.*s", version,
            VV_ARG(c->rival.commit_info != NULL ? c->rival.commit_info->engine_info
                                                : VV_STR("an unknown writer")));
        VV_TRY(judge(op, c, out));
        bool goes_by = *out == VV_VERDICT_REBASE;
        vv_log(op, VV_LOG_INFO, goes_by ? "commit.rebase" : "commit.replan",
            "version %" PRId64 " %s", version,
            goes_by ? "goes by: the change stands behind it as it is"
                    : "matters: the change is planned anew");
        if (!goes_by)
            return VARVE_OK;
        const struct vv_chain_link before = c->body.previous;
        bool has_link = c->rival.commit_info != NULL && c->rival.commit_info->by_varve;
        VV_TRY(vv_chain_link_next(op, &before, version, c->rival_bytes, has_link,
            &c->body.previous));
        VV_TRY(note_time(op, c));
        c->body.version++;
        VV_TRY(read_slot(op, c, &slot));
        bool is_missing = false;
        if (slot == SLOT_EMPTY)
            VV_TRY(look_behind(op, c, &slot, &is_missing));
        if (is_missing) {
            *out = VV_VERDICT_REPLAN;
            return VARVE_OK;
        }
    }
    return VARVE_OK;
}

static varve_status fail_conflict(struct vv_op *op, const struct committer *c)
{
    if (c->request->read == NULL)
        return vv_fail(op, VARVE_ECONFLICT,
            "another writer created the table at %.*s first; nothing was written",
            VV_ARG(c->log->store->location));
    return vv_fail(op, VARVE_ECONFLICT,
        "other writers won version %" PRId64 " and %u attempts are used up; nothing was"
        " written, try again later or allow more attempts",
        c->body.version, c->request->attempts_used + c->attempts);
}

varve_status vv_commit(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_commit_request *request, struct vv_commit_result *out)
{
    VV_CLEANUP(committer_done)
    struct committer c = {.log = log, .request = request, .text = VV_BUF_INIT(VV_BUF_MAX)};
    struct vv_commit_result result = {.outcome = VV_COMMIT_DONE};
    VV_CLEANUP(vv_turn_give) struct vv_turn own_turn = {0};
    struct vv_turn *turn = request->turn != NULL ? request->turn : &own_turn;
    VV_TRY(prepare(op, &c));
    if (turn->give == NULL)
        vv_store_take_turn(op, log->store, VV_STR(VV_LOG_FOLDER), TURN_WAIT_MAX_US, turn);
    for (;;) {
        enum slot slot = SLOT_EMPTY;
        enum vv_verdict verdict = VV_VERDICT_REPLAN;
        VV_TRY(vv_check_cancel(op));
        VV_TRY(render(op, &c));
        result.attempts = ++c.attempts;
        VV_TRY(settle_slot(op, &c, &slot));
        if (slot == SLOT_OURS)
            break;
        if (request->read == NULL ||
            request->attempts_used + c.attempts >= request->attempts_max)
            return fail_conflict(op, &c);
        VV_TRY(meet_rivals(op, &c, &verdict));
        if (verdict == VV_VERDICT_REPLAN) {
            result.outcome = VV_COMMIT_REPLAN;
            break;
        }
        /* With the turn the first race was lost to those who had it before: nobody is left. */
        if (turn->give == NULL || c.attempts > 1)
            VV_TRY(back_off(op, request->attempts_used + c.attempts));
    }
    if (result.outcome == VV_COMMIT_DONE) {
        result.version = c.body.version;
        result.timestamp_ms = c.body.timestamp_ms;
    }
    *out = result;
    return VARVE_OK;
}
