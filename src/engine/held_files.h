/*
 * Data files as rows, from memory where their columns are held (engine/held.h), and held from then
 * on where they are not:
 *
 *     ... FROM vv_held_files(<id>) AS r
 *
 * has the columns of vv_small_files (engine/small_files.h): file_index, file_row_number, and behind
 * them those that were asked for. Of these it decodes what the statement needs, and nothing else.
 * Behind those are columns that have one value in all rows of a file, which whoever gives it knows.
 * Files are read whole, of a plain form, and one thread has one at a time. With one thread the rows
 * come in the order of the files.
 */
#ifndef VV_ENGINE_HELD_FILES_H
#define VV_ENGINE_HELD_FILES_H

#include "engine/small_files.h"

#define VV_HELD_FILES_FUNCTION "vv_held_files"
/* A longer file is not taken: it is read whole, by each thread one. */
#define VV_HELD_FILE_BYTES_MAX ((int64_t)8 << 20)

/* Of a column of type BOOLEAN, VARCHAR, an integer or a time. */
struct vv_held_constant {
    bool is_null;
    int64_t number;     /* days, microseconds */
    struct vv_str text; /* of a VARCHAR: UTF-8 */
};

struct vv_held_file {
    struct vv_str id; /* which file it is, in all that share what is held */
    struct vv_str path;
    struct vv_str sha256; /* on record; len 0: none is */
    int64_t bytes;        /* its length in the log */
    uint64_t index;       /* its file_index */
    bool at_once;         /* held from its first read on, not from the second */
    const struct vv_held_constant *constants; /* one a column that has them; copied */
};

/* All bytes of a file, in `arena`. By several threads at once, and when the operation is over. */
typedef varve_status (*vv_held_read)(struct vv_op *op, struct vv_str path,
    struct vv_arena *arena, struct vv_str *out);

struct vv_held_files;

/* Whether an engine holds files at all. */
bool vv_held_is_on(const struct vv_engine *engine);
/*
 * None so far. `columns` are copied, and what they point at; the last `constants_len` of them are
 * those that have one value a file. vv_held_is_on is true.
 */
varve_status vv_held_files_new(struct vv_op *op, struct vv_engine *engine, vv_held_read read,
    const struct vv_small_column *columns, size_t columns_len, size_t constants_len,
    struct vv_held_files **out);
void vv_held_files_free(struct vv_held_files **files); /* accepts a pointer to NULL */
/*
 * Says that a file is read, and takes it where it is held, or is to be. Otherwise *out_is_taken is
 * false and it is the engine's: read for the first time, of another form, damaged, not to be read at
 * all, or one more to be looked into where those of the statement have no room together. As with vv_small_files_add, ECORRUPT where its bytes are not those that are on record, and
 * what is damaged in its pages may be found by the statement.
 */
varve_status vv_held_files_add(struct vv_op *op, struct vv_held_files *files,
    const struct vv_held_file *file, bool *out_is_taken);
size_t vv_held_files_len(const struct vv_held_files *files);
/* Takes the files over, on failure too. They are there as long as vv_small_files_lend says. */
varve_status vv_held_files_lend(struct vv_op *op, struct vv_engine *engine,
    struct vv_held_files *files, uint64_t *out_id);

#endif
