/*
 * Small Parquet files as rows, without the engine's Parquet reader: to open a file costs that one
 * more than to read what is in a small one. A file is read whole into memory, by several threads
 * at once, each with one file at a time:
 *
 *     ... FROM vv_small_files(<id>) AS r
 *
 * has the columns file_index UBIGINT and file_row_number BIGINT, as read_parquet has them, and
 * behind them those that were asked for. A column that a file lacks is NULL. With one thread the
 * rows come in the order of the files.
 *
 * Only files of a plain form; the others are for the engine's reader. Both give the same rows.
 */
#ifndef VV_ENGINE_SMALL_FILES_H
#define VV_ENGINE_SMALL_FILES_H

#include "engine/engine.h"

#define VV_SMALL_FILES_FUNCTION "vv_small_files"
/*
 * A file of more bytes is not taken, for the sake of memory. Which files it pays to give at all is
 * for the caller to know: for a scan it is fewer bytes (VV_SMALL_SCAN_BYTES_MAX).
 */
#define VV_SMALL_FILE_BYTES_MAX ((int64_t)1 << 20)

enum vv_small_type {
    VV_SMALL_BOOLEAN,
    VV_SMALL_TINYINT,
    VV_SMALL_SMALLINT,
    VV_SMALL_INTEGER,
    VV_SMALL_BIGINT,
    VV_SMALL_FLOAT,
    VV_SMALL_DOUBLE,
    VV_SMALL_VARCHAR,
    VV_SMALL_DATE,
    VV_SMALL_TIMESTAMP,
    VV_SMALL_TIMESTAMPTZ,
    VV_SMALL_DECIMAL
};

struct vv_small_column {
    struct vv_str name; /* in the rows */
    struct vv_str physical_name;
    int32_t field_id; /* not 0: it is found by this, not by name */
    enum vv_small_type type;
    uint8_t precision, scale; /* of a DECIMAL */
};

/* Where their bytes come from; outlives the statements that read them. */
struct vv_small_source {
    struct vv_str folder; /* for people: where the keys lie */
    const void *object;
    /* All bytes of a file, in `arena`. Several threads at once, each with an operation of its own. */
    varve_status (*read)(struct vv_op *op, const void *object, struct vv_str key,
        struct vv_arena *arena, struct vv_str *out);
};

struct vv_small_files;

/* None so far. `columns` are copied, and what they point at. */
varve_status vv_small_files_new(struct vv_op *op, const struct vv_small_source *source,
    const struct vv_small_column *columns, size_t columns_len, struct vv_small_files **out);
void vv_small_files_free(struct vv_small_files **files); /* accepts a pointer to NULL */
/*
 * Looks into a file and takes it, if it has the columns in a plain form and needs little memory.
 * Otherwise, also where it can't be read or is damaged, *out_is_taken is false, and it is the
 * engine's, which says what is wrong with it. What is damaged in its pages may still be found
 * when it is read: the statement then fails with ECORRUPT and names it by its path. `index` is its
 * file_index.
 *
 * This reader is laxer than the engine's with what no sound file has, and what is made of a damaged
 * file would hide the damage. So `sha256`, the hash that is on record of it, is held against its
 * bytes each time before they are decoded: where it is another, ECORRUPT names the file at once.
 * Len 0: none is on record (other software writes none), and its damage may stay unseen.
 */
varve_status vv_small_files_add(struct vv_op *op, struct vv_small_files *files,
    struct vv_str key, struct vv_str sha256, uint64_t index, bool *out_is_taken);
struct vv_small_wanted {
    struct vv_str key, sha256;
    uint64_t index;
    bool is_taken; /* what became of it */
};
/*
 * Many files in their order, looked into by up to so many threads; for a statement that reads all
 * columns of all of them they are decoded at once, too, as long as that takes little memory. What
 * is found damaged in their pages is told when they are read, as ever.
 */
varve_status vv_small_files_add_ahead(struct vv_op *op, struct vv_small_files *files,
    struct vv_small_wanted *wanted, size_t len, size_t threads);
size_t vv_small_files_len(const struct vv_small_files *files);
/*
 * Takes the files over, on failure too. They are in the engine until the operation ends, and as
 * long as a statement that was bound before. *files stays good for _forget until the operation
 * ends.
 */
varve_status vv_small_files_lend(struct vv_op *op, struct vv_engine *engine,
    struct vv_small_files *files, uint64_t *out_id);
/*
 * What is kept of the files in memory, as long as that is not much, is given back. No statement
 * that reads them may be running; one that comes reads them again.
 */
void vv_small_files_forget(struct vv_small_files *files);

#endif
