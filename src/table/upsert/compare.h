/*
 * How stored rows are compared with the batch: as SQL, and by which columns first.
 *
 * To decode all columns of all files that may hold a key is most of what a large compare takes,
 * though a row that was corrected differs in a column or two. So the files are compared by columns
 * that tell such rows apart at once (the probe), and only those files by all of them in which a row
 * is still equal then.
 */
#ifndef VV_TABLE_UPSERT_COMPARE_H
#define VV_TABLE_UPSERT_COMPARE_H

#include "table/upsert/upsert_plan.h"

struct vv_compare {
    const struct vv_upsert_call *call;
    const struct vv_upsert_attempt *attempt;
    /* Files to compare, by their index among the candidates, ascending; NULL: all. */
    const int64_t *files;
    size_t files_len;
    const bool *columns; /* to compare, by index in the schema; NULL: all that are compared */
    /* In the place of _same _differs BIGINT, a bit for each of the first columns that differs. */
    bool tells_columns;
};

#define VV_COMPARE_BITS 62

/* Whether a column is compared: vv_upsert_is_compared, and one of `columns`. */
bool vv_compare_has(const struct vv_compare *compare, size_t column);
/*
 * Appends a SELECT of a row for each pair of a stored row and a batch row with its key: the columns
 * _file to _same of `stored` (upsert_plan.h), where _same goes by `columns` alone.
 */
varve_status vv_compare_pairs_sql(struct vv_op *op, const struct vv_compare *compare,
    struct vv_buf *sql);
/* Appends the SELECT of `stored` from one of such pairs. */
void vv_compare_ranked_sql(struct vv_str pairs, struct vv_buf *sql);

/*
 * The probe, by index in the schema: what the table's last upsert went by, else what a sample says:
 * the pairs of one file, compared by all columns. NULL: there is none that is worth it.
 */
varve_status vv_compare_probe(struct vv_op *op, const struct vv_upsert_call *call,
    const struct vv_upsert_attempt *attempt, const bool **out);
/* What the next upsert of the table begins with. */
void vv_compare_remember(const struct vv_upsert_call *call,
    const struct vv_upsert_attempt *attempt, const bool *probe);

#endif
