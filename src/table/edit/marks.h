/*
 * Rows that are taken out of files which stay: merge-on-read. Each file gets a deletion vector
 * that holds what it had lost before and what it loses now; those of one attempt lie in one file.
 *
 * Of each file the rows that this attempt takes are kept apart. A commit that came first and took
 * other rows of the same file is then no reason to plan anew: the vectors are made again on top
 * of its own (vv_marks_rebuild).
 */
#ifndef VV_TABLE_EDIT_MARKS_H
#define VV_TABLE_EDIT_MARKS_H

#include "base/map.h"
#include "delta/commit.h"
#include "delta/deletion_vector.h"
#include "table/table.h"

struct vv_mark {
    struct vv_file file;      /* as it is in the table, with its vector of before */
    struct vv_row_set *taken; /* owned */
    int64_t rows;             /* in the file, as far as is known */
    bool is_counted;          /* by its footer */
};

struct vv_marks {
    struct vv_table *table;
    struct vv_session *session;
    struct vv_arena *arena; /* of the attempt */
    struct vv_mark *items;
    size_t len;
    struct vv_map by_path; /* struct vv_mark */
    struct vv_str key;     /* of the file of vectors that is stored; ptr NULL: none is */
    /* Of the last vv_marks_apply or vv_marks_rebuild: */
    int64_t added, updated; /* files that got their first vector, or another one */
    int64_t emptied;        /* files that nothing is left of; removed as a whole */
    int64_t emptied_with_vector, emptied_bytes;
};

/* Whether changes of this table are to be made by deletion vectors. */
bool vv_marks_wanted(const struct vv_snapshot *snapshot);
void vv_marks_done(struct vv_marks *marks);

/*
 * Reads which rows go from a statement that yields (index into `files` BIGINT, row BIGINT).
 */
varve_status vv_marks_read(struct vv_op *op, struct vv_marks *marks, struct vv_str sql,
    const struct vv_file *const *files, size_t files_len);

/* Stores the vectors, durably, and puts their file actions to the others. */
varve_status vv_marks_apply(struct vv_op *op, struct vv_marks *marks, int64_t now_ms,
    struct vv_actions *actions);

/*
 * Asked of a commit that came first: REPLAN where it removed a marked file, took a row that we
 * take, or brought one back. Where it only took other rows, the vectors are stored anew on top of
 * its own and our actions are replaced; the verdict is REBASE then, as where it touched none.
 */
varve_status vv_marks_rebuild(struct vv_op *op, struct vv_marks *marks,
    const struct vv_actions *winner, int64_t now_ms, struct vv_actions *actions,
    enum vv_verdict *out);
/* Removes the file of vectors, which is known not to be referenced. */
void vv_marks_discard(struct vv_op *op, struct vv_marks *marks);
/* Whether a logical file is one of the marked ones. */
bool vv_marks_has(const struct vv_marks *marks, const struct vv_remove *remove);
/* Whether a data file is, whatever vector it has. */
bool vv_marks_has_path(const struct vv_marks *marks, struct vv_str key);

#endif
