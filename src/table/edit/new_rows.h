/*
 * Rows that a statement makes out of others, on their way into the table: converted, filled in
 * and validated by the same rules as rows that come from outside.
 */
#ifndef VV_TABLE_EDIT_NEW_ROWS_H
#define VV_TABLE_EDIT_NEW_ROWS_H

#include "table/edit/edit.h"

/* A column of the rows, and the column of the table that it is for. */
struct vv_new_column {
    int32_t column;    /* of the schema */
    struct vv_str sql; /* its name in `table` */
    bool is_later;     /* it is the order column, and has what follows the stored value */
};

struct vv_new_rows {
    const char *name; /* for messages: "update" */
    struct vv_str
        table; /* "temp.x", a temporary table; its first column is VV_INPUT_ROW_COLUMN */
    const struct vv_new_column *columns;
    size_t columns_len;
    bool keeps_order; /* an order value of NULL stays: the row is none that came now */
    bool adds;        /* to those of an earlier call; numbers of rows are other ones */
};

/*
 * Makes edit->news of them, and counts edit->news_len and edit->warned. EINVALID where a row breaks a rule: the
 * rows are named by their keys, or by their first columns where the table has no key.
 */
varve_status vv_new_rows_take(struct vv_op *op, struct vv_edit *edit,
    const struct vv_new_rows *from);

/*
 * EINVALID where one row, the only one of the table, has a value that its column does not take,
 * whatever the others are; only the columns of the schema that `is_judged` says are looked at.
 */
varve_status vv_new_rows_check_values(struct vv_op *op, struct vv_edit *edit,
    const struct vv_new_rows *from, const bool *is_judged);

/*
 * EINVALID where two of the news have one key, or where a row has it that is there and stays;
 * names the key. Reads the files that can hold one of the keys, and fills edit->key_groups.
 */
varve_status vv_new_rows_check_keys(struct vv_op *op, struct vv_edit *edit, const char *name);
/* Whether a file that is new by now may hold a key of the news. */
varve_status vv_new_rows_can_meet(struct vv_op *op, const struct vv_edit *edit,
    const struct vv_file *added, bool *out);

/* For messages: "symbol = SPY, timestamp = 2025-01-30 10:00:00+00" of columns c0 .. cN. */
void vv_new_rows_name_sql(const struct vv_edit *edit, struct vv_buf *sql);

#endif
