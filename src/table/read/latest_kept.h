/*
 * Answers of `latest` that an open table keeps, so that the next one reads only what came since.
 *
 * Data files never change: an answer stays right for the files that it was made of. Of a later
 * version it matters which files came and which went. Rows of files that came compete with those
 * of the answer. A row whose file went still says what its group can have at most in the files
 * that are left: where a row that came ranks as high, that one is the newest; where none does, the
 * answer is of no more use, and the files are read anew.
 *
 * Only of the newest version, few rows, and columns without nested values.
 */
#ifndef VV_TABLE_READ_LATEST_KEPT_H
#define VV_TABLE_READ_LATEST_KEPT_H

#include "engine/rowset.h"
#include "table/read/read_run.h"

#define VV_LATEST_ROWS_MAX 8192
#define VV_LATEST_BYTES_MAX ((int64_t)16 << 20)

struct vv_latest_kept;
void vv_latest_kept_free(struct vv_latest_kept **kept); /* accepts a pointer to NULL */

/*
 * Rows in memory, shared by count: by what is kept and whoever gives them out. Columns are c0..cN by
 * their index in the schema, and behind them `source` BIGINT, the number of the file of a row, and
 * `gone` BOOLEAN: that file went. Rows are in the order in which they are given out.
 */
struct vv_latest_answer;
varve_status vv_latest_answer_fill(struct vv_op *op, struct vv_engine *engine,
    const struct vv_query *query, struct vv_latest_answer **out);
void vv_latest_answer_release(struct vv_latest_answer **answer);
const struct vv_rowset *vv_latest_answer_rows(const struct vv_latest_answer *answer);

/* What is asked: by it answers are told apart. */
struct vv_latest_question {
    const struct vv_read *read; /* its snapshot, rules and time column */
    const int32_t *by;
    size_t by_len;
};
/* Whether an answer of the read's version may be kept at all. */
bool vv_latest_may_keep(const struct vv_read *read);

/* A file that rows of an answer lie in. */
struct vv_latest_source {
    int64_t number;
    const struct vv_file *file; /* of the snapshot; NULL: it went */
};

/* What is there to begin with. */
struct vv_latest_base {
    struct vv_latest_answer *answer; /* owned; NULL: nothing is */
    const struct vv_file **came;     /* files of the snapshot that the answer does not know */
    size_t came_len;
    const struct vv_latest_source *sources; /* of its rows, by number */
    size_t sources_len;
    size_t gone_len;     /* of them that went */
    int64_t next_number; /* for the first file that came */
};
/* What it points at is in the operation's arena. */
varve_status vv_latest_kept_find(struct vv_op *op, const struct vv_latest_question *question,
    struct vv_latest_base *out);
void vv_latest_base_done(struct vv_latest_base *base);

/*
 * Keeps an answer in place of what was kept for that question, unless it has too many rows or takes
 * too much memory;
 * the files that were read for it, of the snapshot, have the numbers from base->next_number on.
 * *out_is_whole false: a row of it is of a file that went; nothing is kept, and it is of no use.
 */
varve_status vv_latest_kept_put(struct vv_op *op, const struct vv_latest_question *question,
    const struct vv_latest_base *base, const struct vv_file *const *files, size_t files_len,
    struct vv_latest_answer *answer, bool *out_is_whole);

#endif
