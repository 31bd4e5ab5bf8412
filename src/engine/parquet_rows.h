/*
 * The rows of a row group of a Parquet file, one after the other: columns that were asked for, and
 * nested values as JSON. The file is in memory, no engine is open.
 */
#ifndef VV_ENGINE_PARQUET_ROWS_H
#define VV_ENGINE_PARQUET_ROWS_H

#include "base/buf.h"
#include "engine/parquet_column.h"

/* A column, and where in it the current row is. */
struct vv_pq_cursor {
    struct vv_pq_column column;
    size_t entry, value;
};

struct vv_pq_rows {
    const struct vv_pq_file *file;
    const struct vv_pq_group *group;
    struct vv_arena *arena;        /* of what the group holds */
    struct vv_pq_cursor **cursors; /* one a leaf; NULL: not read */
    struct vv_pq_cursor **scratch; /* of the row that is made JSON */
    struct vv_pq_cursor **read;    /* those that were read */
    uint32_t read_len;
};

/* Before the first row; `file`, `group` and `arena` are set. */
varve_status vv_pq_rows_begin(struct vv_op *op, struct vv_pq_rows *rows);
/*
 * Reads the columns at and below a node, where they were not read yet; those of members whose
 * names end in `without` are left out (ptr NULL: none are).
 */
varve_status vv_pq_rows_read(struct vv_op *op, struct vv_pq_rows *rows,
    const struct vv_pq_node *node, struct vv_str without);
/* On to the next row. */
void vv_pq_rows_next(struct vv_pq_rows *rows);

/* Of an entry, which in a row of a column outside of lists and maps is the only one: */
bool vv_pq_cursor_is_null(const struct vv_pq_cursor *cursor);
int64_t vv_pq_cursor_int(const struct vv_pq_cursor *cursor);        /* 0 for a NULL */
struct vv_str vv_pq_cursor_text(const struct vv_pq_cursor *cursor); /* ptr NULL for a NULL */
/* On to the next entry of a copy, and whether it belongs to the same row. */
bool vv_pq_cursor_step(struct vv_pq_cursor *cursor);

/* A group whose only child is a repeated pair of texts. */
bool vv_pq_is_text_map(const struct vv_pq_file *file, const struct vv_pq_node *node);

/*
 * The value of a node in the current row: structs and maps are objects, lists arrays; members
 * that were not read are not there. EUNSUPPORTED: of a form that this does not know.
 */
varve_status vv_pq_rows_json(struct vv_op *op, struct vv_pq_rows *rows,
    const struct vv_pq_node *node, struct vv_buf *json);

#endif
