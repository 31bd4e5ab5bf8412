/*
 * A stream of bytes, cut into lines, or into records of CSV, which may hold line ends in quotes.
 *
 *     at = vv_lines_begin(&lines, &desk, &room);
 *     len = read(fd, at, room);
 *     vv_lines_add(&lines, &desk, len);
 *     while (vv_lines_next(&lines, &desk, &line))
 *         ...
 *     vv_lines_end(&lines, &desk);
 *
 * Many streams share one desk, where one of them at a time has its bytes; between its turns a
 * stream keeps nothing but what it has begun of a line. A line longer than the limit is given out
 * once, by its beginning, and passed over: memory stays bounded whatever comes.
 *
 * Of a record of several lines whose quote turns out to be a stray one (text stands behind it where
 * it is closed, or it is not closed within the limit, or never) the first line alone is given out,
 * with that fault. Those behind it are read as if it were not there.
 */
#ifndef VV_CLI_LINES_H
#define VV_CLI_LINES_H

#include "cli/common.h"

struct vv_desk {
    char *bytes;
    size_t capacity;
    size_t from, to;       /* of the stream whose turn it is */
    size_t line_bytes_max; /* a longer line is cut */
    size_t kept_bytes;     /* what all streams keep together */
    size_t kept_bytes_max; /* what exceeds it is passed over like a line too long */
};

/* How far the bytes that are there were searched for the end of a record, from a place on. */
struct vv_search {
    size_t to;
    int place;          /* CSV: where in a field that is */
    uint64_t line_ends; /* CSV: up to there, all of them within quotes */
};

struct vv_lines {
    bool is_csv;
    bool is_skipping; /* the rest of a line that was too long */
    char *kept;
    size_t kept_len;
    struct vv_search search; /* from the first byte that is there */
    struct vv_search ahead; /* for a record whose quote was a stray one, that began before it */
    uint64_t number;        /* of the last line given out; lines within a record count */
    uint64_t offset;        /* in the stream, of the first byte not given out */
};

enum vv_line_fault {
    VV_LINE_FINE,
    VV_LINE_TOO_LONG,   /* cut */
    VV_LINE_STRAY,      /* its quote is closed in another line, with text behind it */
    VV_LINE_LONG_QUOTE, /* not within the limit */
    VV_LINE_OPEN_QUOTE  /* never */
};

struct vv_line {
    const char *bytes; /* without its line end; until the desk is used again */
    size_t len;
    uint64_t number; /* the first is 1; of a record: of its first line */
    uint64_t offset; /* of its first byte */
    bool is_half;    /* the stream ended within it */
    enum vv_line_fault fault;
};

/* `room_least` bytes can be added at each turn. */
void vv_desk_init(struct vv_desk *desk, size_t line_bytes_max, size_t room_least,
    size_t kept_bytes_max);
void vv_desk_done(struct vv_desk *desk);
void vv_lines_done(struct vv_lines *lines, struct vv_desk *desk);

char *vv_lines_begin(struct vv_lines *lines, struct vv_desk *desk, size_t *out_room);
void vv_lines_add(struct vv_lines *lines, struct vv_desk *desk, size_t len);
/* False: no whole line is left. */
bool vv_lines_next(struct vv_lines *lines, struct vv_desk *desk, struct vv_line *out);
/* Takes the last line back: the next call gives it again. Not one that was too long. */
void vv_lines_again(struct vv_lines *lines, struct vv_desk *desk, const struct vv_line *line);
/* The same at the end of the stream, where what it has begun of a line is one. False: nothing is left. */
bool vv_lines_last(struct vv_lines *lines, struct vv_desk *desk, struct vv_line *out);
/*
 * The same of one that may have been cut: lines behind an open quote may be within a field whose end did
 * not come, and are a part of what it has begun.
 */
bool vv_lines_last_cut(struct vv_lines *lines, struct vv_desk *desk, struct vv_line *out);
void vv_lines_end(struct vv_lines *lines, struct vv_desk *desk);
/* Between turns: whole lines that wait, since they may be within a quoted field of CSV. */
uint64_t vv_lines_held(const struct vv_lines *lines);
/* Nothing but blanks. */
bool vv_line_is_blank(const struct vv_line *line);
/* Another stream begins: what was kept is dropped; numbers go on. */
void vv_lines_restart(struct vv_lines *lines, struct vv_desk *desk, uint64_t offset);

#endif
