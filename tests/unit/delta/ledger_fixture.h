/*
 * Short ways to fill a ledger and to take commits out of the log.
 */
#ifndef VARVE_TEST_LEDGER_FIXTURE_H
#define VARVE_TEST_LEDGER_FIXTURE_H

#include "delta/ledger.h"
#include "log_fixture.h"

#define LEDGER_FILE(first, last) \
    VV_LEDGER_FOLDER "/00000000000000000" first "-00000000000000000" last ".vl"

/* A commit that adds one file, "f<version>", told apart from the others by its bytes. */
static inline bool put_numbered(struct fixture *f, int64_t version, int64_t modified_ms)
{
    char text[1024];
    (void)snprintf(text, sizeof(text),
        "%s{\"add\":{\"path\":\"f%" PRId64
        "\",\"partitionValues\":{},\"size\":10,\"modificationTime\":5,"
        "\"dataChange\":true}}\n",
        version == 0 ? PROTOCOL_LINE METADATA_LINE FOREIGN_LINE : FOREIGN_LINE, version);
    return put_commit_at(f, version, text, modified_ms);
}

static inline bool put_many(struct fixture *f, int64_t from, int64_t to)
{
    for (int64_t version = from; version <= to; version++)
        if (!put_numbered(f, version, NOW_MS - (100 - version) * 1000))
            return false;
    return true;
}

static inline bool remove_commits(struct fixture *f, int64_t from, int64_t to)
{
    struct vv_op *op = &f->op;
    for (int64_t version = from; version <= to; version++)
        if (!CHECK_OK(op,
                vv_store_remove(op, f->store, vv_log_commit_key(&op->arena, version))))
            return false;
    return true;
}

static inline bool keep(struct fixture *f, int64_t end, size_t expected)
{
    struct vv_log_list list = {0};
    size_t kept = 0;
    struct vv_op *op = &f->op;
    return CHECK_OK(op, vv_log_list_read(op, &f->log, 0, &op->arena, &list)) &&
           CHECK_OK(op, vv_ledger_keep(op, &f->log, &list, end, &kept)) &&
           CHECK_INT(kept, expected);
}

/* All that log and ledger have. */
static inline bool list_all(struct fixture *f, struct vv_log_list *out)
{
    struct vv_op *op = &f->op;
    *out = (struct vv_log_list){0};
    return CHECK_OK(op, vv_log_list_read(op, &f->log, 0, &op->arena, out)) &&
           CHECK_OK(op, vv_ledger_extend(op, &f->log, &op->arena, out));
}

#endif
