/*
 * Who can do what with the table, as it is and as it would be with one feature more.
 */
#include "delta/features.h"
#include "delta/list.h"
#include "table/audit/doctor_run.h"
#include "varve/version.h"

static struct vv_str join(struct vv_op *op, const struct vv_str *names, size_t len)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    for (size_t i = 0; i < len; i++) {
        vv_buf_adds(&text, i > 0 ? ", " : "");
        vv_buf_add(&text, names[i]);
    }
    return vv_arena_str(&op->arena, vv_buf_str(&text));
}

static struct vv_doctor_engine *add_engine(struct vv_op *op, struct vv_doctor_run *run)
{
    struct vv_doctor_engine *engine = VV_LIST_NEW(&op->arena, &run->engines);
    if (engine != NULL)
        *engine = (struct vv_doctor_engine){.together = ""};
    return engine;
}

/* Why not, in the words of whoever is asked; forgiven. */
static varve_status take_refusal(struct vv_op *op, varve_status status,
    enum vv_support *support, struct vv_str *note)
{
    *support = status == VARVE_OK ? VV_SUPPORT_YES : VV_SUPPORT_NO;
    if (status == VARVE_OK)
        return VARVE_OK;
    if (status != VARVE_EUNSUPPORTED && status != VARVE_ECORRUPT)
        return status;
    *note = vv_arena_str(&op->arena, vv_str_of(op->error.message));
    vv_forgive(op);
    return note->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

static varve_status judge_varve(struct vv_op *op, struct vv_doctor_run *run)
{
    const struct vv_snapshot *snapshot = run->snapshot;
    struct vv_doctor_engine *engine = add_engine(op, run);
    if (engine == NULL)
        return vv_fail_memory(op);
    engine->name = "Varve";
    engine->version = VARVE_VERSION;
    VV_TRY(take_refusal(op, vv_features_check_read(op, snapshot->protocol), &engine->read,
        &engine->read_note));
    VV_TRY(take_refusal(op,
        vv_features_check_write(op, snapshot->protocol, snapshot->metadata, &snapshot->schema),
        &engine->write, &engine->write_note));
    engine->is_safe_together = engine->write == VV_SUPPORT_YES;
    engine->together = engine->write == VV_SUPPORT_YES ? "put-if-absent by a hard link" : "";
    if (engine->read == VV_SUPPORT_YES && run->is_unread) {
        engine->read = VV_SUPPORT_NO;
        engine->read_note = VV_STR("a type or a deletion vector that Varve does not know");
    }
    return VARVE_OK;
}

/* What stands beside yes, no or partly. */
static varve_status take_note(struct vv_op *op, enum vv_support support, const char *partly,
    int32_t since, const struct vv_str limits[], size_t limits_len, struct vv_str *note)
{
    struct vv_str names =
        limits_len > 0 ? join(op, limits, limits_len) : VV_STR("a version that nobody has");
    if (names.ptr == NULL)
        return vv_fail_memory(op);
    *note = VV_STR("");
    if (support == VV_SUPPORT_NO)
        *note = names;
    else if (since > 0)
        *note = vv_arena_format(&op->arena, "from Delta %d.%d on", since / 100, since % 100);
    else if (support == VV_SUPPORT_PARTLY && partly != NULL && limits_len > 0)
        *note = vv_arena_format(&op->arena, "%s: %.*s", partly, VV_ARG(names));
    else if (support == VV_SUPPORT_PARTLY && partly != NULL)
        *note = vv_str_of(partly);
    return note->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

static varve_status judge_peer(struct vv_op *op, struct vv_doctor_run *run, enum vv_peer peer)
{
    const struct vv_peer_facts *facts = vv_peer_facts(peer);
    struct vv_doctor_engine *engine = add_engine(op, run);
    struct vv_peer_verdict verdict;
    if (engine == NULL)
        return vv_fail_memory(op);
    VV_TRY(vv_peer_judge(op, &op->arena, peer, run->snapshot->protocol, run->features,
        run->features_len, &verdict));
    engine->name = facts->name;
    engine->version = facts->version;
    engine->read = verdict.read;
    engine->write = verdict.write;
    engine->is_safe_together = verdict.write != VV_SUPPORT_NO && facts->is_safe_together;
    engine->together = verdict.write != VV_SUPPORT_NO ? facts->together : "";
    VV_TRY(take_note(op, verdict.read, facts->read_partly, verdict.read_since,
        verdict.read_limits, verdict.read_limits_len, &engine->read_note));
    return take_note(op, verdict.write, facts->write_partly, verdict.write_since,
        verdict.write_limits, verdict.write_limits_len, &engine->write_note);
}

varve_status vv_doctor_engines(struct vv_op *op, struct vv_doctor_run *run)
{
    VV_TRY(judge_varve(op, run));
    for (enum vv_peer peer = 0; peer < VV_PEERS; peer++)
        VV_TRY(judge_peer(op, run, peer));
    return VARVE_OK;
}

/* ---- Upgrades ------------------------------------------------------------------------------------ */

/* Those that `alter upgrade` and `alter set` give a table. */
static const char *const upgrades[] = {"checkConstraints", "changeDataFeed", "columnMapping",
    "deletionVectors", "timestampNtz", "typeWidening", "inCommitTimestamp"};

static varve_status add_name(struct vv_op *op, struct vv_str *names, const char *name)
{
    *names = names->len == 0 ? vv_arena_str(&op->arena, vv_str_of(name))
                             : vv_arena_format(&op->arena, "%.*s, %s", VV_ARG(*names), name);
    return names->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

static varve_status compare(struct vv_op *op, const struct vv_doctor_run *run,
    const struct vv_snapshot *then, struct vv_doctor_upgrade *out)
{
    struct vv_feature_state *features = NULL;
    size_t len = 0;
    VV_TRY(vv_feature_states(op, &op->arena, then, &features, &len));
    for (enum vv_peer peer = 0; peer < VV_PEERS; peer++) {
        const char *name = vv_peer_facts(peer)->name;
        struct vv_peer_verdict before;
        struct vv_peer_verdict after;
        VV_TRY(vv_peer_judge(op, &op->arena, peer, run->snapshot->protocol, run->features,
            run->features_len, &before));
        VV_TRY(vv_peer_judge(op, &op->arena, peer, then->protocol, features, len, &after));
        if (after.read < before.read)
            VV_TRY(add_name(op, &out->lost_readers, name));
        if (after.write < before.write)
            VV_TRY(add_name(op, &out->lost_writers, name));
        if (after.read_since > before.read_since)
            out->spark_read_since = after.read_since;
        if (after.write_since > before.write_since)
            out->spark_write_since = after.write_since;
    }
    return VARVE_OK;
}

varve_status vv_doctor_upgrades(struct vv_op *op, struct vv_doctor_run *run)
{
    for (size_t i = 0; i < VV_COUNT(upgrades) && !run->is_unread; i++) {
        const struct vv_protocol *protocol = NULL;
        struct vv_snapshot then = *run->snapshot;
        VV_TRY(vv_features_require(op, &op->arena, run->snapshot->protocol,
            vv_str_of(upgrades[i]), &protocol));
        if (protocol == run->snapshot->protocol)
            continue;
        struct vv_doctor_upgrade *upgrade = VV_LIST_NEW(&op->arena, &run->upgrades);
        if (upgrade == NULL)
            return vv_fail_memory(op);
        *upgrade = (struct vv_doctor_upgrade){.feature = upgrades[i]};
        then.protocol = protocol;
        VV_TRY(compare(op, run, &then, upgrade));
    }
    return VARVE_OK;
}
