/*
 * What small_files.c has for small_ahead.c: files that were looked into, and how they become rows.
 */
#ifndef VV_ENGINE_SMALL_INNER_H
#define VV_ENGINE_SMALL_INNER_H

#include "engine/duck.h"
#include "engine/parquet_plain.h"

/* Of a file as it is in memory, unpacked. */
#define VV_SMALL_UNPACKED_BYTES_MAX ((size_t)16 << 20)
/* For one thread: the above, what is written of it once more, and what arenas take for themselves. */
#define VV_SMALL_THREAD_BYTES_MAX ((size_t)64 << 20)
/* With so much of them in memory, further files are read anew by each statement. */
#define VV_SMALL_KEPT_BYTES_MAX ((size_t)32 << 20)

/* The rows of some files that follow each other, decoded: file_index, file_row_number, columns. */
struct vv_small_ahead {
    struct vv_arena arena; /* of the list */
    duckdb_data_chunk *chunks;
    size_t len, capacity;
};
void vv_small_ahead_done(struct vv_small_ahead *ahead);

struct vv_small_file {
    struct vv_str key;
    struct vv_str sha256; /* on record; len 0: none is */
    uint64_t index;
    const struct vv_plain_file *kept; /* NULL: to be read again */
    /* The first of some that are decoded has their rows; the others are passed over. */
    const struct vv_small_ahead *ahead;
    bool is_passed;
};

struct vv_small_files {
    struct vv_arena arena; /* of keys, columns and the pieces of vv_small_files_add_ahead */
    struct vv_arena kept;
    struct vv_small_source source;
    const struct vv_small_column *columns;
    size_t columns_len;
    struct vv_small_file *items;
    size_t len, capacity;
    struct vv_small_ahead **aheads; /* all that there are */
    size_t aheads_len;
};

/*
 * Looks into a file. *out: as it is opened, in `arena`; NULL: it is the engine's. ECORRUPT where
 * its bytes are not those on record.
 */
varve_status vv_small_look(struct vv_op *op, const struct vv_small_files *files,
    const struct vv_small_file *file, struct vv_arena *arena, const struct vv_plain_file **out);
/* Takes a file behind those that are there, whose texts are copied. */
varve_status vv_small_take(struct vv_op *op, struct vv_small_files *files,
    const struct vv_small_file *file);

/* Which file of a run comes next. */
struct vv_small_turn {
    atomic_size_t next;
    const struct vv_small_files *files;
};

/* One that reads files, with others or alone; for one thread. */
struct vv_small_reader {
    struct vv_op op; /* records why one can't be read */
    struct vv_arena file_arena, group_arena;
    idx_t columns_len;
    idx_t *columns;                     /* of the function, that are wanted; in op.arena */
    struct vv_pq_cursor *cursors;       /* one a wanted column */
    const struct vv_small_file *file;   /* NULL: before the first, or at the end */
    const struct vv_small_ahead *ahead; /* NULL: the file is read by itself */
    size_t chunk;                       /* of those, the next one */
    const struct vv_plain_file *opened;
    size_t group; /* the next one */
    int64_t row;  /* in the file */
    size_t left;  /* rows of the current group */
};

/* The caller says which columns are wanted; NULL: no memory. */
struct vv_small_reader *vv_small_reader_new(void);
void vv_small_reader_free(void *object);
/* Once reader->columns are there. False: no memory. */
bool vv_small_reader_begin(struct vv_small_reader *reader);
/* More rows behind the *out_len that there are. Of a turn without rows decoded ahead, no full vector
   of them: these were the last. */
varve_status vv_small_reader_fill(struct vv_small_reader *reader, struct vv_small_turn *turn,
    duckdb_data_chunk out, idx_t *out_len);

#endif
