/*
 * The quarantine of a table: rows that a batch brought and the table's rules refuse, kept beside
 * the table until a person releases or drops them (2-semantics "Quarantine").
 *
 * One object a batch: `_varve/quarantine/<id>.ndjson` below the table. Its name comes from the
 * batch's txn, or without one from its rejected rows, so that a replay finds it there already. It
 * is durable before the batch is committed. docs/format-quarantine.md says what is in it.
 */
#ifndef VV_TABLE_BATCH_QUARANTINE_H
#define VV_TABLE_BATCH_QUARANTINE_H

#include "table/upsert/upsert.h"

#define VV_QUARANTINE_FOLDER "_varve/quarantine"

/* A batch whose rows were rejected. */
struct vv_quarantine_batch {
    struct vv_str app_id; /* none: no txn */
    int64_t app_version;
    struct vv_str input_tz;
    bool truncate_time; /* vv_batch_options */
    struct vv_str user_name;
    int64_t arrival_us;
    struct vv_str rejects; /* lines: vv_batch.rejects */
};

/*
 * Stores it, durably. An object that is there already stays, since its arrival is the true one: an
 * earlier attempt at the batch has stored it, whose rules may have been others, so that rows which it
 * lacks are stored beside it. *stored: the id of what this call has stored before, ptr NULL: nothing;
 * that is replaced, since its rows were judged anew.
 */
varve_status vv_quarantine_store(struct vv_op *op, struct vv_table *table,
    const struct vv_quarantine_batch *batch, struct vv_str *stored);
/*
 * After the commit of a batch with a txn: rows that earlier attempts at it have set aside, and this one
 * has not, are in the table, and in quarantine no more. `stored`: what this one has set aside, as above.
 */
varve_status vv_quarantine_settle(struct vv_op *op, struct vv_table *table,
    const struct vv_quarantine_batch *batch, struct vv_str stored);

/*
 * The batches, oldest first: id, arrival (timestamp), rows, source, app_id, app_version,
 * user_name, reason (of the first row). Of one that can't be read, id and reason alone (why);
 * *out_damaged counts those.
 */
varve_status vv_quarantine_list(struct vv_op *op, struct vv_table *table,
    struct ArrowArrayStream *out, int64_t *out_damaged);
/* The same of many tables, one after the other: with a column "table" before the others. */
struct vv_quarantine_listing {
    struct vv_session *session;
    struct vv_text_appender *appender;
    int64_t len;
    int64_t damaged;
};
void vv_quarantine_listing_done(struct vv_quarantine_listing *listing);
varve_status vv_quarantine_listing_open(struct vv_op *op, struct vv_engine *engine,
    struct vv_quarantine_listing *out);
varve_status vv_quarantine_listing_add(struct vv_op *op, struct vv_quarantine_listing *listing,
    struct vv_table *table);
/* A table of which nothing is known but that name, since it can't be opened; counts as damaged. */
varve_status vv_quarantine_listing_add_lost(struct vv_op *op,
    struct vv_quarantine_listing *listing, struct vv_str table, struct vv_str reason);
varve_status vv_quarantine_listing_stream(struct vv_op *op,
    struct vv_quarantine_listing *listing, struct ArrowArrayStream *out);
/*
 * The rows of one batch (`id` none: of all): id, row, line, source, column, value, rule (of the
 * first rule it breaks), rules (how many it breaks), values (JSON). ENOTFOUND: no such batch.
 */
varve_status vv_quarantine_show(struct vv_op *op, struct vv_table *table, struct vv_str id,
    struct ArrowArrayStream *out);

struct vv_quarantine_release_result {
    int64_t batches;                /* that were released whole and are gone */
    int64_t damaged;                /* that can't be read, and stay */
    struct vv_upsert_result upsert; /* of all of them, added up; `rejected` rows stay */
};
/*
 * Upserts the rows of these batches (none: of all), one commit each; a row without an order value
 * of its own gets the time of its arrival. Rows that still break a rule stay, in their batch. With
 * options->dry_run nothing changes. ECORRUPT: a batch that is named is damaged; of all, such ones are
 * passed over, and logged.
 */
varve_status vv_quarantine_release(struct vv_op *op, struct vv_table *table,
    const struct vv_str *ids, size_t ids_len, const struct vv_upsert_options *options,
    struct vv_quarantine_release_result *out);

/*
 * Removes these batches (none: all), damaged ones too. *out_rows: how many rows are gone with them, but
 * for the damaged, of which nobody knows.
 */
varve_status vv_quarantine_drop(struct vv_op *op, struct vv_table *table,
    const struct vv_str *ids, size_t ids_len, int64_t *out_rows);

#endif
