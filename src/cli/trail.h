/*
 * Which part of a followed file is in the spool: so much of it that after a crash, of the process
 * or of the machine, reading goes on at the very line behind the last one that the spool has.
 *
 * The trail is a text file beside the spool. Before lines of the file are put, one record says
 * where they begin and end and which sequence was the newest then, and is made durable; lines are
 * put by one thread, one after the other, so that the n-th row of them has the n-th sequence
 * after that one. A line that was refused is recorded, since no row was made of it; behind the
 * last line, a record says how far it went. So whatever the newest sequence of the spool is after
 * a crash, it tells the place. (A power cut may take a record of a refused line and leave rows
 * behind it: then as many lines are read again, which an upsert makes nothing of.)
 */
#ifndef VV_CLI_TRAIL_H
#define VV_CLI_TRAIL_H

#include "cli/tail.h"

/* Lines of a file that were put in one go. */
struct vv_chunk {
    struct vv_mark mark; /* which file: of the place `to`, or one before it */
    uint64_t from, to;   /* offsets of the first line, and behind the last one */
    uint64_t before;     /* newest sequence before the first of them */
    bool is_done;        /* then: */
    uint64_t after;      /* newest sequence after the last that was taken */
    uint64_t at;         /* offset behind it; where it was not at `to`: the spool was full */
    uint64_t *refused;   /* offsets of lines that are no rows, ascending */
    size_t refused_len, refused_capacity;
};

struct vv_trail;

/* Opens the trail of a file or makes it. ECORRUPT: it is none. */
varve_status vv_trail_open(const char *path, struct vv_trail **out, varve_error *err);
void vv_trail_close(struct vv_trail **trail);

/*
 * Where to go on if `sequence` is the newest of the spool: the chunk that it ends in, and how many
 * rows of the chunk are in the spool. False: nothing was taken yet. *out_rows UINT64_MAX: all
 * that was taken of it. The chunk's list is borrowed until the trail changes.
 */
bool vv_trail_place(const struct vv_trail *trail, uint64_t sequence, struct vv_chunk *out,
    uint64_t *out_rows);
/* Forgets all of it; from here on, the mark's place is where reading went on at `sequence`. */
varve_status vv_trail_begin(struct vv_trail *trail, const struct vv_mark *mark,
    uint64_t sequence, varve_error *err);

/* Durable when it returns VARVE_OK; otherwise the lines must not be put. */
varve_status vv_trail_chunk(struct vv_trail *trail, const struct vv_mark *mark, uint64_t from,
    uint64_t to, uint64_t before, varve_error *err);
/*
 * These survive the death of the process. A failure (the disk is full) does no harm but that after
 * a crash right now some lines would be read twice; the next chunk tries again.
 */
varve_status vv_trail_refused(struct vv_trail *trail, uint64_t offset, varve_error *err);
varve_status vv_trail_done(struct vv_trail *trail, uint64_t at, uint64_t after,
    varve_error *err);
/* What is up to `sequence` is durable: chunks before it need not be kept. */
varve_status vv_trail_trim(struct vv_trail *trail, uint64_t sequence, varve_error *err);

#endif
