#include "table/audit/verify.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/number.h"
#include "base/time.h"
#include "delta/chain.h"
#include "delta/last_checkpoint.h"
#include "delta/timeline.h"
#include "table/audit/verify_run.h"

#define MESSAGE_BYTES 1024

/* ---- Findings ------------------------------------------------------------------------------------ */

varve_status vv_verify_tell(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_finding *finding, const char *format, ...)
{
    char message[MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    run->unread += finding->judged == VV_UNREAD ? 1 : 0;
    run->wrong += finding->judged == VV_WRONG ? 1 : 0;
    run->told += finding->judged == VV_TOLD ? 1 : 0;
    if (run->findings.len >= VV_FINDINGS_MAX)
        return VARVE_OK;
    struct vv_finding *added = VV_LIST_NEW(&run->arena, &run->findings);
    if (added == NULL)
        return vv_fail_memory(op);
    *added = *finding;
    added->message = vv_arena_str(&run->arena, vv_str_of(message));
    added->file = vv_arena_str(&run->arena, finding->file);
    return added->message.ptr != NULL && added->file.ptr != NULL ? VARVE_OK
                                                                 : vv_fail_memory(op);
}

/* Without the file's name in front, which stands there with its folder: "commit NAME: ". */
static const char *unnamed(const char *message, struct vv_str file)
{
    static const struct vv_str word = {"commit ", sizeof("commit ") - 1};
    const char *slash = file.len > 0 ? memrchr(file.ptr, '/', file.len) : NULL;
    struct vv_str rest = vv_str_of(message);
    if (slash == NULL || !vv_str_starts(rest, word))
        return message;
    struct vv_str name = vv_str_skip(file, (size_t)(slash + 1 - file.ptr));
    rest = vv_str_skip(rest, word.len);
    if (!vv_str_starts(rest, name) || !vv_str_starts(vv_str_skip(rest, name.len), VV_STR(": ")))
        return message;
    return rest.ptr + name.len + strlen(": ");
}

varve_status vv_verify_tell_error(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_finding *finding)
{
    const varve_error error = op->error;
    if (error.code == VARVE_EINTERRUPTED || error.code == VARVE_ELIMIT)
        return error.code;
    const char *message = unnamed(error.message, finding->file);
    vv_forgive(op);
    bool names_file = finding->file.len == 0 || strstr(message, finding->file.ptr) != NULL;
    struct vv_finding judged = *finding;
    if (error.code == VARVE_EIO)
        judged.judged = VV_UNREAD;
    return vv_verify_tell(op, run, &judged, "%.*s%s%s",
        VV_ARG(names_file ? VV_STR("") : finding->file), names_file ? "" : ": ", message);
}

/* ---- One commit ---------------------------------------------------------------------------------- */

struct step {
    const struct vv_log_commit *commit;   /* NULL: not in the log */
    const struct vv_verify_ledger *entry; /* NULL: not in the ledger */
    struct vv_str bytes;
    struct vv_actions actions;
    char sha256[VV_SHA256_HEX_BYTES];
    int64_t version;
    int64_t time_ms; /* VV_NO_TIME: its bytes can't be read */
    bool is_parsed;
};

static struct vv_finding of_commit(const char *kind, int64_t version, struct vv_str key)
{
    return (struct vv_finding){kind, true, version, key, VV_STR_NONE};
}

/* *out_there: its bytes are at hand. */
static varve_status read_bytes(struct vv_op *op, struct vv_verify_run *run,
    struct vv_arena *arena, struct step *step, bool *out_there)
{
    *out_there = false;
    struct vv_str key = vv_log_commit_key(&op->arena, step->version);
    varve_status status =
        step->commit != NULL
            ? vv_verify_read_commit(op, run, step->version, arena, &step->bytes)
            : vv_verify_ledger_bytes(op, run, step->entry, arena, &step->bytes);
    if (key.ptr == NULL)
        return vv_fail_memory(op);
    if (status != VARVE_OK) {
        const struct vv_finding finding = of_commit("commit.unreadable", step->version,
            step->commit != NULL ? key : step->entry->key);
        run->is_blind = run->is_blind || status == VARVE_EIO;
        return vv_verify_tell_error(op, run, &finding);
    }
    *out_there = true;
    VV_TRY(vv_sha256(op, step->bytes, step->sha256));
    if (step->commit != NULL && step->entry != NULL &&
        strcmp(step->sha256, step->entry->sha256) != 0) {
        const struct vv_finding finding = of_commit("commit.differs", step->version, key);
        VV_TRY(vv_verify_tell(op, run, &finding,
            "%.*s and %.*s hold different bytes for version %" PRId64 ": one was altered",
            VV_ARG(key), VV_ARG(step->entry->key), step->version));
    }
    step->is_parsed =
        vv_actions_parse(op, arena, step->version, step->bytes, &step->actions) == VARVE_OK;
    if (step->is_parsed)
        return VARVE_OK;
    const struct vv_finding finding = of_commit("commit.unreadable", step->version, key);
    return vv_verify_tell_error(op, run, &finding);
}

static varve_status judge_link(struct vv_op *op, struct vv_verify_run *run,
    const struct step *step, const struct vv_chain_finding *found)
{
    int64_t version = step->version;
    if (found->link != VV_CHAIN_BROKEN && !found->is_run_broken)
        return VARVE_OK;
    struct vv_str key = vv_log_commit_key(&op->arena, version > 0 ? version - 1 : 0);
    if (key.ptr == NULL)
        return vv_fail_memory(op);
    if (found->link == VV_CHAIN_BROKEN) {
        const struct vv_finding finding = of_commit("commit.altered", version - 1, key);
        VV_TRY(vv_verify_tell(op, run, &finding,
            "%.*s was altered: version %" PRId64 " was written after other bytes (or version "
            "%" PRId64 " itself was altered)",
            VV_ARG(key), version, version));
    }
    if (found->is_run_broken) {
        struct vv_str first = vv_log_commit_key(&op->arena, found->run_from);
        const struct vv_finding finding = of_commit("commit.altered", found->run_from, first);
        if (first.ptr == NULL)
            return vv_fail_memory(op);
        VV_TRY(vv_verify_tell(op, run, &finding,
            "one of the commits from %.*s to %.*s was altered: version %" PRId64
            " was written after others",
            VV_ARG(first), VV_ARG(key), version));
    }
    return VARVE_OK;
}

static int64_t time_of(const struct step *step)
{
    const struct vv_commit_info *info = step->is_parsed ? step->actions.commit_info : NULL;
    if (info != NULL && info->in_commit_timestamp_ms != VV_NO_TIME)
        return info->in_commit_timestamp_ms;
    if (info != NULL && info->timestamp_ms != VV_NO_TIME)
        return info->timestamp_ms;
    return (step->commit != NULL ? step->commit->modified_us : step->entry->modified_us) /
           VV_US_PER_MS;
}

/* A head that was noted is a chain hash. */
static void look_for_head(struct vv_verify_run *run, int64_t version)
{
    if (vv_str_eq_nocase(run->request->head, vv_str_of(run->chain.chain)))
        run->result.head_version = version;
    memcpy(run->result.head, run->chain.chain, VV_SHA256_HEX_BYTES);
}

static varve_status take_step(struct vv_op *op, struct vv_verify_run *run, struct step *step)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
    struct vv_chain_finding found;
    bool is_there = false;
    VV_TRY(read_bytes(op, run, &arena, step, &is_there));
    if (!step->is_parsed) /* as little is known of what it did as of one that is missing */
        VV_TRY(vv_verify_forget(op, run, step->version));
    if (!is_there && !run->is_blind)
        return VARVE_OK;
    if (!is_there)
        return vv_chain_walk_step(op, &run->chain,
            &(struct vv_chain_step){.version = step->version}, &found);
    const struct vv_chain_step link = {.version = step->version,
        .info = step->is_parsed ? step->actions.commit_info : NULL,
        .sha256 = step->sha256,
        .from_ledger = step->commit == NULL,
        .is_unreadable = !step->is_parsed};
    VV_TRY(vv_chain_walk_step(op, &run->chain, &link, &found));
    VV_TRY(judge_link(op, run, step, &found));
    look_for_head(run, step->version);
    step->time_ms = time_of(step);
    run->last_ms = step->time_ms;
    if (run->first_ms == VV_NO_TIME)
        run->first_ms = run->last_ms;
    if (run->log_first_ms == VV_NO_TIME && step->commit != NULL)
        run->log_first_ms = run->last_ms;
    return step->is_parsed ? vv_verify_apply(op, run, &step->actions, run->last_ms) : VARVE_OK;
}

/* ---- All of them --------------------------------------------------------------------------------- */

/* Those that matter: one that the walk begins with, also anew, the newest, and all with is_deep. */
static bool is_looked_at(const struct vv_verify_run *run, size_t index)
{
    return run->request->is_deep || index == 0 || !run->state.is_complete ||
           run->state.version < run->list.checkpoints.items[index].version ||
           index + 1 == run->list.checkpoints.len;
}

/* What came between the state and `version` is gone: it can't become that of `version`. */
static varve_status leave_gap(struct vv_op *op, struct vv_verify_run *run, int64_t version)
{
    if (!run->state.is_complete || run->state.version >= version)
        return VARVE_OK;
    return vv_verify_forget(op, run, run->state.version + 1);
}

/* The checkpoints of versions below `version`, from *next on. */
static varve_status pass_checkpoints(struct vv_op *op, struct vv_verify_run *run, size_t *next,
    int64_t version)
{
    for (; *next < run->list.checkpoints.len; ++*next) {
        const struct vv_checkpoint_ref *checkpoint = &run->list.checkpoints.items[*next];
        if (checkpoint->version >= version)
            break;
        bool has_left = false;
        if (!is_looked_at(run, *next) || run->is_blind)
            continue;
        VV_TRY(vv_verify_checkpoint_left(op, run, *next, &has_left));
        if (has_left)
            continue;
        VV_TRY(leave_gap(op, run, checkpoint->version));
        VV_TRY(vv_verify_checkpoint(op, run, checkpoint));
    }
    return VARVE_OK;
}

/* A version that neither log nor ledger has, between others that are there. */
static varve_status tell_hole(struct vv_op *op, struct vv_verify_run *run, int64_t from,
    int64_t to)
{
    for (int64_t version = from; version <= to && version < from + VV_FINDINGS_MAX; version++) {
        struct vv_str key = vv_log_commit_key(&op->arena, version);
        const struct vv_finding finding = of_commit("commit.missing", version, key);
        if (key.ptr == NULL)
            return vv_fail_memory(op);
        VV_TRY(vv_verify_tell(op, run, &finding,
            "%.*s is missing, though commits before and after it are there", VV_ARG(key)));
    }
    return VARVE_OK;
}

/*
 * Commits leave a log at its old end. A hole below the log's first commit may be one that another
 * engine's clean-up left before the ledger had it; a hole above is none.
 */
static varve_status check_order(struct vv_op *op, struct vv_verify_run *run,
    const struct step *step, int64_t before)
{
    const struct vv_log_list *list = &run->list;
    int64_t log_first = list->commits.len > 0 ? list->commits.items[0].version : INT64_MAX;
    if (before != VV_NO_VERSION && before >= log_first && step->version > before + 1)
        VV_TRY(tell_hole(op, run, before + 1, step->version - 1));
    return VARVE_OK;
}

static varve_status note_taken(struct vv_op *op, struct vv_verify_run *run,
    const struct step *step)
{
    const struct vv_log_list *list = &run->list;
    if (step->commit != NULL || list->commits.len == 0 ||
        step->version < list->commits.items[0].version)
        return VARVE_OK;
    struct vv_verify_taken *taken = VV_LIST_NEW(&run->arena, &run->taken);
    if (taken == NULL)
        return vv_fail_memory(op);
    *taken = (struct vv_verify_taken){step->version, step->time_ms};
    return VARVE_OK;
}

static varve_status walk(struct vv_op *op, struct vv_verify_run *run)
{
    const struct vv_log_list *list = &run->list;
    size_t c = 0;
    size_t l = 0;
    size_t next = 0;
    int64_t before = VV_NO_VERSION;
    while (c < list->commits.len || l < run->ledger.len) {
        struct step step = {.time_ms = VV_NO_TIME};
        const struct vv_log_commit *commit =
            c < list->commits.len ? &list->commits.items[c] : NULL;
        const struct vv_verify_ledger *entry =
            l < run->ledger.len ? &run->ledger.items[l] : NULL;
        bool has_both = commit != NULL && entry != NULL && commit->version == entry->version;
        bool is_logs = commit != NULL && (entry == NULL || commit->version <= entry->version);
        step.commit = is_logs ? commit : NULL;
        step.entry = has_both || !is_logs ? entry : NULL;
        step.version = is_logs ? commit->version : entry->version;
        c += is_logs ? 1 : 0;
        l += has_both || !is_logs ? 1 : 0;
        VV_TRY(vv_progress(op, "verify", c + l, list->commits.len + run->ledger.len));
        VV_TRY(pass_checkpoints(op, run, &next, before + 1));
        if (step.version > before + 1)
            VV_TRY(vv_verify_forget(op, run, before + 1));
        VV_TRY(pass_checkpoints(op, run, &next, step.version));
        VV_TRY(check_order(op, run, &step, before));
        VV_TRY(leave_gap(op, run, step.version - 1));
        VV_TRY(take_step(op, run, &step));
        run->state.version = step.version;
        VV_TRY(note_taken(op, run, &step));
        before = step.version;
    }
    VV_TRY(pass_checkpoints(op, run, &next, INT64_MAX));
    VV_TRY(vv_chain_walk_end(op, &run->chain));
    return vv_verify_hash(op, run, true);
}

/* ---- The ends of the log ------------------------------------------------------------------------- */

/*
 * What is gone at the old end: a clean-up may have taken it, if it was old enough. It was where the
 * first commit that is left is. Where that one is young, as right after a clean-up, only what the first
 * checkpoint has of those that are gone tells that one of them was young, too.
 */
static varve_status check_begin(struct vv_op *op, struct vv_verify_run *run)
{
    int64_t gone = run->chain.counts[VV_COVER_GONE];
    int64_t now_us = vv_now_us(op);
    int64_t retention_us = run->state.log_retention_us;
    int64_t first = run->list.commits.len > 0 ? run->list.commits.items[0].version : 0;
    bool has_base = run->list.checkpoints.len > 0 &&
                    run->list.checkpoints.items[0].version <= run->last_version;
    struct vv_str key = vv_log_commit_key(&op->arena, first > 0 ? first - 1 : 0);
    const struct vv_finding finding = of_commit("log.shortened", VV_NO_VERSION, key);
    if (key.ptr == NULL)
        return vv_fail_memory(op);
    if (first > 0 && !has_base)
        return vv_verify_tell(op, run, &finding,
            "%.*s and what is before it are missing, and no checkpoint stands for them",
            VV_ARG(key));
    int64_t until_ms =
        retention_us < now_us ? (now_us - retention_us) / VV_US_PER_MS : INT64_MAX;
    bool is_young = run->log_first_ms > until_ms && run->gone_ms > until_ms;
    if (gone > 0 && first > 0 && is_young)
        return vv_verify_tell(op, run, &finding,
            "%.*s and older commits are gone, which delta.logRetentionDuration does not allow "
            "yet",
            VV_ARG(key));
    if (gone > 0)
        return vv_verify_tell(op, run,
            &(struct vv_finding){"log.unproven", run->request->is_strict, VV_NO_VERSION,
                VV_STR(""), VV_STR_NONE},
            "%" PRId64 " commit%s left the log and %s not in the ledger: nothing proves them",
            gone, vv_plural(gone), gone == 1 ? "is" : "are");
    return VARVE_OK;
}

/*
 * A clean-up takes the oldest commits first; one that the power went off in may have lost later
 * removals less than earlier ones. The next clean-up removes what is left.
 */
static varve_status check_taken(struct vv_op *op, struct vv_verify_run *run)
{
    int64_t now_us = vv_now_us(op);
    int64_t retention_us = run->state.log_retention_us;
    int64_t until_ms =
        retention_us < now_us ? (now_us - retention_us) / VV_US_PER_MS : INT64_MIN;
    const struct vv_checkpoint_ref *newest =
        run->list.checkpoints.len > 0
            ? &run->list.checkpoints.items[run->list.checkpoints.len - 1]
            : NULL;
    for (size_t i = 0; i < run->taken.len; i++) {
        const struct vv_verify_taken *taken = &run->taken.items[i];
        bool is_due = taken->time_ms != VV_NO_TIME && taken->time_ms <= until_ms &&
                      newest != NULL && newest->version > taken->version;
        struct vv_str key = vv_log_commit_key(&op->arena, taken->version);
        struct vv_finding finding =
            of_commit(is_due ? "log.cut_short" : "commit.missing", taken->version, key);
        finding.judged = !is_due;
        if (key.ptr == NULL)
            return vv_fail_memory(op);
        VV_TRY(vv_verify_tell(op, run, &finding,
            is_due
                ? "%.*s left the log before older commits did: a clean-up was cut short, and "
                  "the ledger has it"
                : "%.*s is missing from the log; the ledger has its bytes: "
                  "docs/format-ledger.md "
                  "says how to take them out",
            VV_ARG(key)));
    }
    return VARVE_OK;
}

static varve_status check_end(struct vv_op *op, struct vv_verify_run *run)
{
    int64_t hint = run->hint;
    int64_t last = run->list.commits.len > 0
                       ? run->list.commits.items[run->list.commits.len - 1].version
                       : VV_NO_VERSION;
    int64_t checkpoint =
        run->list.checkpoints.len > 0
            ? run->list.checkpoints.items[run->list.checkpoints.len - 1].version
            : VV_NO_VERSION;
    int64_t newest = hint > checkpoint ? hint : checkpoint;
    if (newest <= last)
        return VARVE_OK;
    if (last == VV_NO_VERSION)
        return vv_verify_tell(op, run,
            &(struct vv_finding){
                "log.unproven", run->request->is_strict, newest, VV_STR(""), VV_STR_NONE},
            "the log has no commit, only a checkpoint of version %" PRId64
            ": nothing proves it",
            checkpoint);
    struct vv_str key = vv_log_commit_key(&op->arena, newest);
    const struct vv_finding finding = of_commit("commit.missing", newest, key);
    if (key.ptr == NULL)
        return vv_fail_memory(op);
    return vv_verify_tell(op, run, &finding,
        "the log ends with version %" PRId64 ", but there was a version %" PRId64
        ": %s is of it",
        last, newest, hint > checkpoint ? "_last_checkpoint" : "a checkpoint");
}

/* The hint can't change an answer, but is bytes that somebody wrote. */
static varve_status check_hint(struct vv_op *op, struct vv_verify_run *run)
{
    struct vv_str key = VV_STR(VV_LAST_CHECKPOINT_KEY);
    const struct vv_finding finding = {"hint.damaged", true, VV_NO_VERSION, key, VV_STR_NONE};
    if (!run->has_hint)
        return VARVE_OK;
    if (run->hint == VV_NO_VERSION)
        return vv_verify_tell(op, run, &finding,
            "%.*s is damaged: readers pass it over, the next checkpoint replaces it",
            VV_ARG(key));
    for (size_t i = 0; i < run->list.checkpoints.len; i++)
        if (run->list.checkpoints.items[i].version == run->hint)
            return VARVE_OK;
    return vv_verify_tell(op, run, &finding,
        "%.*s names the checkpoint of version %" PRId64 ", which is not there", VV_ARG(key),
        run->hint);
}

static varve_status judge_head(struct vv_op *op, struct vv_verify_run *run)
{
    if (run->is_blind) /* it may be that of what could not be read */
        return VARVE_OK;
    if (run->request->head.len == 0 || run->result.head_version != VV_NO_VERSION)
        return VARVE_OK;
    return vv_verify_tell(op, run,
        &(struct vv_finding){"head.unknown", true, VV_NO_VERSION, VV_STR(""), VV_STR_NONE},
        "no version has the noted head %.*s: the table was rolled back or rewritten, or the "
        "head is another table's",
        VV_ARG(run->request->head));
}

/* ---- The whole ----------------------------------------------------------------------------------- */

static void run_done(struct vv_verify_run *run)
{
    vv_arena_done(&run->arena);
    vv_arena_done(&run->ledger_arena);
    vv_arena_done(&run->jobs_arena);
}

static void run_init(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_log_handle *log, const struct vv_verify_request *request)
{
    size_t most = op->arena.bytes_max;
    *run = (struct vv_verify_run){.arena = VV_ARENA_INIT(most),
        .ledger_arena = VV_ARENA_INIT(most),
        .jobs_arena = VV_ARENA_INIT(most),
        .log = log,
        .places = {.store = log->store, .real = VV_MAP_INIT(&run->arena)},
        .request = request,
        .first_ms = VV_NO_TIME,
        .last_ms = VV_NO_TIME,
        .log_first_ms = VV_NO_TIME,
        .gone_ms = VV_NO_TIME};
    run->chain = (struct vv_chain_walk){.arena = &run->arena, .version = VV_NO_VERSION};
    run->state = (struct vv_verify_state){.files = VV_MAP_INIT(&run->arena),
        .txns = VV_MAP_INIT(&run->arena),
        .domains = VV_MAP_INIT(&run->arena),
        .named = VV_HASH_SET_INIT(&run->arena),
        .sound = VV_HASH_SET_INIT(&run->arena),
        .removed = VV_HASH_SET_INIT(&run->arena),
        .version = VV_NO_VERSION,
        .in_commit_ms = VV_NO_TIME,
        .varve_ms = VV_NO_TIME,
        .log_retention_us = INT64_MAX,
        .file_retention_us = INT64_MAX};
    run->result.head_version = VV_NO_VERSION;
}

static varve_status check_head_text(struct vv_op *op, struct vv_str head)
{
    bool ok = head.len == 0 || head.len == VV_SHA256_HEX_BYTES - 1;
    for (size_t i = 0; i < head.len && ok; i++)
        ok = (head.ptr[i] >= '0' && head.ptr[i] <= '9') ||
             (head.ptr[i] >= 'a' && head.ptr[i] <= 'f') ||
             (head.ptr[i] >= 'A' && head.ptr[i] <= 'F');
    return ok ? VARVE_OK
              : vv_fail(op, VARVE_EUSAGE,
                    "\"%.*s\" is no head: varve seal prints one, 64 hexadecimal digits",
                    VV_ARG(head));
}

/* Others go on writing: what is read before the log is listed can't be ahead of it. */
static varve_status read_hint(struct vv_op *op, struct vv_verify_run *run)
{
    const struct vv_finding unread = {
        "hint.unreadable", true, VV_NO_VERSION, VV_STR(VV_LAST_CHECKPOINT_KEY), VV_STR_NONE};
    varve_status status = vv_last_checkpoint_look(op, run->log->store, &run->hint);
    run->has_hint = status == VARVE_OK || status == VARVE_ECORRUPT;
    if (status == VARVE_OK)
        return VARVE_OK;
    run->hint = VV_NO_VERSION;
    if (status != VARVE_ECORRUPT && status != VARVE_ENOTFOUND)
        return vv_verify_tell_error(op, run, &unread);
    vv_forgive(op);
    return VARVE_OK;
}

static varve_status read_names(struct vv_op *op, struct vv_verify_run *run)
{
    VV_TRY(read_hint(op, run));
    VV_TRY(vv_log_list_read(op, run->log, 0, &run->arena, &run->list));
    VV_TRY(vv_verify_ledger(op, run));
    VV_TRY(vv_verify_ledger_since(op, run));
    const struct vv_log_list *list = &run->list;
    if (list->commits.len == 0 && list->checkpoints.len == 0)
        return vv_log_fail_no_table(op, run->log);
    run->last_version = vv_log_list_last(list);
    run->first_version =
        list->commits.len > 0 ? list->commits.items[0].version : run->last_version;
    if (run->ledger.len > 0) {
        if (run->ledger.items[0].version < run->first_version)
            run->first_version = run->ledger.items[0].version;
        if (run->ledger.items[run->ledger.len - 1].version > run->last_version)
            run->last_version = run->ledger.items[run->ledger.len - 1].version;
    }
    return VARVE_OK;
}

varve_status vv_verify(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_verify_request *request, struct vv_verify_result *out,
    struct vv_buf *out_report)
{
    VV_CLEANUP(run_done) struct vv_verify_run run;
    run_init(op, &run, log, request);
    VV_TRY(check_head_text(op, request->head));
    VV_TRY(read_names(op, &run));
    VV_TRY(walk(op, &run));
    if (!run.is_blind)
        VV_TRY(check_begin(op, &run));
    VV_TRY(check_taken(op, &run));
    VV_TRY(check_end(op, &run));
    VV_TRY(check_hint(op, &run));
    if (!run.is_blind)
        VV_TRY(vv_verify_missing(op, &run));
    VV_TRY(judge_head(op, &run));
    VV_TRY(vv_verify_unproven(op, &run));
    VV_TRY(vv_verify_rest_of(op, &run));
    if (request->is_strict && !run.is_blind)
        run.wrong += run.unreferenced_len;
    run.result.first_version = run.first_version;
    run.result.version = run.last_version;
    run.result.wrong = run.wrong;
    run.result.unreferenced = run.unreferenced_len;
    run.result.is_whole = run.wrong == 0 && run.unread == 0;
    VV_TRY(vv_verify_report(op, &run, out_report));
    *out = run.result;
    return VARVE_OK;
}
