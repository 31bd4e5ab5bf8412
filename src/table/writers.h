/*
 * Data files written by several threads at once, each with a session of its own.
 *
 * What a thread writes is described in memory of that thread. When all have ended the keys of the
 * files, also of those that a failed thread has left, go to where the operation keeps what it has
 * written; the descriptions of files are copied by vv_writers_take.
 */
#ifndef VV_TABLE_WRITERS_H
#define VV_TABLE_WRITERS_H

#include "base/crew.h"
#include "table/write.h"

/* What one thread writes with. */
struct vv_writer {
    struct vv_session *session;
    struct vv_written *written;
    struct vv_rowset *part;       /* of the session, for rows of another rowset; or NULL */
    struct vv_write_draft *draft; /* likewise; write.h */
};

/* The work, in pieces. */
struct vv_writers_work {
    struct vv_table *table;
    struct vv_session *session; /* of the caller: one thread works in it */
    struct vv_rowset *part;     /* with the next: of that session; NULL: nobody wants one */
    struct vv_write_draft *draft;
    size_t len;
    int64_t bytes;     /* of the longest piece, about */
    const char *phase; /* for the progress, and the others as in vv_crew_work */
    size_t before, total;
    /* Writes the files of one piece. */
    varve_status (*run)(struct vv_op *op, void *data, const struct vv_writer *writer,
        size_t piece);
    void *data;
};

struct vv_writers {
    struct vv_writer items[VV_CREW_MAX];
    struct vv_written written[VV_CREW_MAX];
    struct vv_write_draft drafts[VV_CREW_MAX];
    struct vv_arena arenas[VV_CREW_MAX];
    size_t len;
};

/* Pieces that are written together, and by how many threads: with 1 in the caller's. */
struct vv_writers_share {
    size_t *pieces;
    size_t len;
    int64_t bytes; /* of the longest */
    size_t threads;
};

/*
 * Parts pieces of so many bytes each. In `out[0]` are the long ones: of them the engine may have
 * but one at a time, with all its threads, as vv_engine_writers says of each; one that is much
 * longer than the others must not be written beside them. `out[1]`: the others, in their order too.
 */
varve_status vv_writers_part(struct vv_op *op, const struct vv_engine *engine,
    const int64_t *bytes, size_t len, struct vv_writers_share out[2]);
/* How many threads the work is worth; with 1 it is done in the caller's. */
size_t vv_writers_count(const struct vv_writers_work *work);
/*
 * Runs it by so many threads (vv_crew_run): on failure the first error is recorded. Statements of
 * the pieces may name nothing that belongs to the caller's session where there are several.
 * `written` has all that was written, on failure too. vv_writers_done in any case.
 */
varve_status vv_writers_run(struct vv_op *op, struct vv_writers *writers, size_t threads,
    const struct vv_writers_work *work, struct vv_written *written);
void vv_writers_done(struct vv_writers *writers);

#endif
