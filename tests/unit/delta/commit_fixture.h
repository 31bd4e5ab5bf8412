/*
 * Writers for the tests of the commit loop: one that commits as told, one that comes first.
 */
#ifndef VARVE_TEST_COMMIT_FIXTURE_H
#define VARVE_TEST_COMMIT_FIXTURE_H

#include "delta/chain.h"
#include "log_fixture.h"

/* A writer that adds files and judges as told. */
struct writer {
    struct fixture *fixture;
    struct vv_actions actions;
    struct vv_commit_request request;
    enum vv_verdict verdict;
    int64_t judged[16]; /* versions it was shown */
    size_t judged_len;
    size_t adds_seen;
};

static inline varve_status judge(struct vv_op *op, void *data, const struct vv_actions *winner,
    enum vv_verdict *out)
{
    struct writer *writer = data;
    (void)op;
    if (writer->judged_len < VV_COUNT(writer->judged))
        writer->judged[writer->judged_len++] = winner->version;
    writer->adds_seen += winner->adds.len;
    *out = writer->verdict;
    return VARVE_OK;
}

static inline bool add_file(struct writer *writer, const char *path)
{
    struct vv_file *file = vv_actions_new_add(&writer->actions, &writer->fixture->op.arena);
    if (!CHECK(file != NULL))
        return false;
    *file = (struct vv_file){.path = vv_str_of(path),
        .key = vv_str_of(path),
        .dv_id = VV_STR(""),
        .bytes = 7,
        .modified_ms = NOW_MS,
        .data_change = true,
        .base_row_id = -1,
        .row_commit_version = -1};
    return true;
}

static inline bool writer_init(struct writer *writer, struct fixture *fixture,
    const struct vv_snapshot *read, const char *path)
{
    *writer = (struct writer){.fixture = fixture, .verdict = VV_VERDICT_REBASE};
    writer->request = (struct vv_commit_request){.read = read,
        .actions = &writer->actions,
        .operation = VV_STR("WRITE"),
        .parameters_json = VV_STR("{\"mode\":\"Append\"}"),
        .metrics_json = VV_STR("{\"numFiles\":\"1\"}"),
        .user_name = VV_STR("alice"),
        .is_blind_append = true,
        .attempts_max = 10,
        .judge = judge,
        .judge_data = writer};
    return add_file(writer, path);
}

/* A table with version 0 and its snapshot. */
static inline bool table_init(struct fixture *fixture, struct vv_snapshot **out)
{
    return fixture_init(fixture) && put_first_commit(fixture) &&
           CHECK_OK(&fixture->op,
               vv_snapshot_load(&fixture->op, &fixture->log, VV_NO_VERSION, out));
}

static inline bool commit(struct writer *writer, struct vv_commit_result *out)
{
    struct vv_op *op = &writer->fixture->op;
    return CHECK_OK(op, vv_commit(op, &writer->fixture->log, &writer->request, out));
}

static inline struct vv_str text_of(struct fixture *fixture, int64_t version)
{
    struct vv_str bytes = VV_STR_NONE;
    CHECK_OK(&fixture->op,
        vv_log_read(&fixture->op, &fixture->log, version, &fixture->op.arena, &bytes));
    return bytes;
}

static inline const struct vv_commit_info *info_of(struct fixture *fixture, int64_t version)
{
    static const struct vv_commit_info none;
    struct vv_actions actions = {0};
    struct vv_op *op = &fixture->op;
    CHECK_OK(op, vv_log_read_actions(op, &fixture->log, version, &op->arena, &actions, NULL));
    return CHECK(actions.commit_info != NULL) ? actions.commit_info : &none;
}

static inline bool has_version(struct fixture *fixture, int64_t version)
{
    struct vv_object object;
    struct vv_op *op = &fixture->op;
    varve_status status =
        vv_store_head(op, fixture->store, vv_log_commit_key(&op->arena, version), &object);
    if (status != VARVE_OK)
        vv_forgive(op);
    return status == VARVE_OK;
}

/* Checks that the link in `version` holds against the stored bytes below it. */
static inline void check_chain(struct fixture *fixture, int64_t version)
{
    char hex[VV_SHA256_HEX_BYTES];
    REQUIRE_OK(&fixture->op, vv_sha256(&fixture->op, text_of(fixture, version - 1), hex));
    const struct vv_commit_info *info = info_of(fixture, version);
    CHECK_INT(vv_chain_check(version, info, vv_str_of(hex)), VV_CHAIN_HOLDS);
    CHECK_INT(info->prev_version, version - 1);
    CHECK_INT(vv_chain_check(version + 1, info, vv_str_of(hex)), VV_CHAIN_BROKEN);
    CHECK_INT(vv_chain_check(version, info, VV_STR_NONE), VV_CHAIN_UNPROVEN);
    hex[0] = hex[0] == '0' ? '1' : '0';
    CHECK_INT(vv_chain_check(version, info, vv_str_of(hex)), VV_CHAIN_BROKEN);
}

/* A rival that takes each slot right before the writer does. */
struct rival {
    struct fixture *fixture;
    int64_t next;
    int64_t last;
    bool busy; /* its own calls must not start another */
};

#endif
