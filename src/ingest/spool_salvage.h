/*
 * What can be read of a damaged spool, as a spool that opens again.
 *
 * Each segment that recovery refuses is written anew from the whole records that lie anywhere in
 * its files, under its own number: so the txn that commits it is the one it had, and a table that
 * has its rows already takes none twice. Rows that are lost are named by their sequences, and stand
 * in the new segment as a gap. The damaged files stay in the folder, as <name>.damaged, which no
 * recovery looks at. What was done is kept beside them, in salvage-<time>.json.
 *
 * A crash at any moment leaves a spool that is refused as before, or opens; salvaging again finds
 * the same rows. The new file is durable before an old one gets its other name, and gets its slot,
 * without which it counts for nothing, after that.
 */
#ifndef VV_INGEST_SPOOL_SALVAGE_H
#define VV_INGEST_SPOOL_SALVAGE_H

#include "ingest/spool.h"
#include "store/journal.h"

struct vv_spool_salvage_options {
    struct vv_str
        table;    /* of rows whose table was declared in a record that is lost; or none */
    bool aside;   /* such rows go to salvage-<time>.ndjson instead */
    bool dry_run; /* says what it would do, and does nothing */
    bool adopt;   /* as of vv_spool_open */
    bool no_sync;
};

/*
 * *out_json says what was found and done. ECONFLICT: another process owns the spool. ENOTFOUND: no
 * spool. EUSAGE: a copy, or rows without a table and neither `table` nor `aside`; nothing was
 * changed. EUNSUPPORTED: a later version of Varve wrote in it.
 */
varve_status vv_spool_salvage(struct vv_op *op, struct vv_str folder,
    const struct vv_spool_salvage_options *options, struct vv_arena *arena,
    struct vv_str *out_json);
/* The same on a journal, which is taken over, also on failure. For tests. */
varve_status vv_spool_salvage_on(struct vv_op *op, struct vv_journal *journal,
    const struct vv_spool_salvage_options *options, struct vv_arena *arena,
    struct vv_str *out_json);

#endif
