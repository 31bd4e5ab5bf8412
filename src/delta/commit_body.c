#include "delta/commit_body.h"

#include "base/json_write.h"
#include "delta/commit_time.h"
#include "delta/features.h"
#include "delta/log_name.h"
#include "varve/version.h"

#define ICT_ENABLED "delta.enableInCommitTimestamps"
#define ICT_SINCE_VERSION "delta.inCommitTimestampEnablementVersion"
#define ICT_SINCE_TIMESTAMP "delta.inCommitTimestampEnablementTimestamp"

/* The property says nothing of a table that does not have the feature. */
static bool is_enabled(const struct vv_protocol *protocol, const struct vv_metadata *metadata)
{
    return protocol != NULL && metadata != NULL &&
           vv_features_has(protocol, VV_STR("inCommitTimestamp")) &&
           vv_property_bool(metadata, ICT_ENABLED, false);
}

/* Whether this commit, with what holds from it on, has an in-commit timestamp. */
static bool has_in_commit_timestamp(const struct vv_commit_request *request)
{
    const struct vv_metadata *metadata = request->actions->metadata;
    const struct vv_protocol *protocol = request->actions->protocol;
    if (metadata == NULL && request->read != NULL)
        metadata = request->read->metadata;
    if (protocol == NULL && request->read != NULL)
        protocol = request->read->protocol;
    return is_enabled(protocol, metadata);
}

/* This commit switches them on in a table that has had commits without. */
static bool enables_in_commit_timestamps(const struct vv_commit_request *request)
{
    return request->read != NULL && has_in_commit_timestamp(request) &&
           !is_enabled(request->read->protocol, request->read->metadata);
}

static bool is_enablement(struct vv_str name)
{
    return vv_str_eq(name, VV_STR(ICT_SINCE_VERSION)) ||
           vv_str_eq(name, VV_STR(ICT_SINCE_TIMESTAMP));
}

/*
 * Readers must know from which version on in-commit timestamps count, and only the attempt that
 * wins knows its version and time: the two properties are set here.
 */
static varve_status note_enablement(struct vv_op *op, const struct vv_commit_body *body,
    struct vv_actions *actions)
{
    const struct vv_pairs *old = &actions->metadata->configuration;
    struct vv_metadata *metadata = NULL;
    struct vv_pair *pairs = NULL;
    VV_NEW(op, &metadata, struct vv_metadata, 1);
    VV_NEW(op, &pairs, struct vv_pair, old->len + 2);
    size_t len = 0;
    for (size_t i = 0; i < old->len; i++)
        if (!is_enablement(old->items[i].name))
            pairs[len++] = old->items[i];
    pairs[len++] = (struct vv_pair){
        VV_STR(ICT_SINCE_VERSION), vv_arena_format(&op->arena, "%" PRId64, body->version)};
    pairs[len++] = (struct vv_pair){VV_STR(ICT_SINCE_TIMESTAMP),
        vv_arena_format(&op->arena, "%" PRId64, body->timestamp_ms)};
    if (pairs[len - 1].value.ptr == NULL || pairs[len - 2].value.ptr == NULL)
        return vv_fail_memory(op);
    *metadata = *actions->metadata;
    metadata->configuration = (struct vv_pairs){pairs, len};
    actions->metadata = metadata;
    return VARVE_OK;
}

static void write_raw_object(struct vv_json_writer *writer, const char *name,
    struct vv_str json)
{
    vv_jw_key(writer, name);
    vv_jw_raw(writer, json.len > 0 ? json : VV_STR("{}"));
}

static void write_commit_info(const struct vv_commit_body *body, struct vv_buf *out)
{
    const struct vv_commit_request *request = body->request;
    struct vv_json_writer w = VV_JSON_WRITER_INIT(out);
    vv_jw_object(&w);
    vv_jw_key(&w, "commitInfo");
    vv_jw_object(&w);
    if (has_in_commit_timestamp(request))
        vv_jw_key_int(&w, "inCommitTimestamp", body->timestamp_ms);
    vv_jw_key_int(&w, "timestamp", body->timestamp_ms);
    vv_jw_key_string(&w, "userName", body->user_name);
    vv_jw_key_string(&w, "operation", request->operation);
    write_raw_object(&w, "operationParameters", request->parameters_json);
    if (request->read != NULL)
        vv_jw_key_int(&w, "readVersion", request->read->version);
    vv_jw_key_string(&w, "isolationLevel", VV_STR("Serializable"));
    vv_jw_key_bool(&w, "isBlindAppend", request->is_blind_append);
    write_raw_object(&w, "operationMetrics", request->metrics_json);
    if (request->user_metadata.ptr != NULL)
        vv_jw_key_string(&w, "userMetadata", request->user_metadata);
    vv_jw_key_string(&w, "engineInfo", VV_STR("Varve/" VARVE_VERSION));
    vv_jw_key_string(&w, "txnId", vv_str_of(body->txn_id));
    vv_chain_write(&body->previous, &w);
    vv_jw_end(&w);
    vv_jw_end(&w);
    vv_buf_addc(out, '\n');
}

/* Each time is after that of the version below: where none can be, nothing can be committed. */
static varve_status check_time(struct vv_op *op, const struct vv_commit_body *body)
{
    bool is_above_no_time = body->is_above_no_time && has_in_commit_timestamp(body->request);
    if (body->timestamp_ms <= VV_COMMIT_TIME_LAST_MS && !is_above_no_time)
        return VARVE_OK;
    op->error.version = body->version - 1;
    return vv_fail(op, VARVE_ECORRUPT,
        "commit " VV_LOG_FOLDER "/%020" PRId64 ".json says that it was made %s, so that no "
        "commit can come after it: restore the table from a copy that was made before",
        body->version - 1,
        is_above_no_time ? "at a time outside the years 1 to 9999"
                         : "at the end of the year 9999");
}

varve_status vv_commit_body_write(struct vv_op *op, const struct vv_commit_body *body,
    struct vv_buf *out)
{
    VV_TRY(check_time(op, body));
    struct vv_actions actions = *body->request->actions;
    if (enables_in_commit_timestamps(body->request)) {
        /* The property was there before the feature. */
        if (actions.metadata == NULL)
            actions.metadata = body->request->read->metadata;
        VV_TRY(note_enablement(op, body, &actions));
    }
    vv_buf_clear(out);
    write_commit_info(body, out);
    vv_actions_write(&actions, out);
    if (!vv_buf_ok(out))
        return vv_fail(op, VARVE_ELIMIT,
            "the commit of version %" PRId64
            " does not fit in memory: split the operation into smaller ones",
            body->version);
    return VARVE_OK;
}
