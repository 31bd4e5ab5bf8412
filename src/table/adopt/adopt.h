/*
 * Adopt: a table that other software made gets what Varve goes by, a key, an order column, and is
 * freed of what stands against it: keys that several rows have, dates that are not the UTC date of
 * their timestamp, times that say no zone. One commit has all of it; a table that is like that
 * already gets none.
 *
 * Of several rows with one key the one stays that an upsert would have left: of the greatest order
 * value, of these the one that was committed last.
 */
#ifndef VV_TABLE_ADOPT_ADOPT_H
#define VV_TABLE_ADOPT_ADOPT_H

#include "table/edit/edit.h"

struct vv_adopt_request {
    struct vv_str key, order_by, zorder; /* names parted by commas; order_by, zorder: or none */
    bool dedupe;                         /* repair keys and dates; else they are told */
    struct vv_str assume_tz;             /* zone of naive times; none: they stay as they are */
    struct vv_edit_options edit;
};

struct vv_adopt_result {
    int64_t version; /* after */
    bool is_changed; /* committed, in a dry run it would be */
    int64_t rows;    /* that were looked at */
    int64_t keys_doubled, rows_removed;
    int64_t rows_misdated; /* under another date than the UTC date of their timestamp */
    int64_t rows_redated;  /* of those: moved */
    int64_t times_ambiguous;
    char *report; /* lines for people, by vv_malloc */
};
void vv_adopt_result_done(struct vv_adopt_result *result);

/*
 * EUSAGE: no such column or zone; EINVALID: keys that are NULL or doubled (without `dedupe`), times
 * that the zone does not have or that have digits below a microsecond, some of the rows in the
 * detail; the table is as it was.
 */
varve_status vv_adopt(struct vv_op *op, struct vv_table *table,
    const struct vv_adopt_request *request, struct vv_adopt_result *out);

#endif
