/*
 * Followed files. A turn looks at the file of that name: what was added is read, and when the name
 * stands for another file, the old one is read to its end first; so no line of it is lost when it
 * is renamed, or copied and cut. The trail says after a crash where to go on.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/ingest.h"

#define LOOK_EVERY_MS 100
#define QUIET_MS 1000 /* after which nobody writes to a file that lost its name */

struct vv_follow {
    const char *path;
    struct vv_stream *stream; /* its in_fd is the file; -1: there is none yet */
    struct vv_trail *trail;
    uint64_t read;          /* offset behind what was read */
    uint64_t position;      /* behind the last line that was dealt with */
    struct vv_mark mark;    /* of `read`, or before it */
    int64_t look_ms;        /* when to look again */
    int64_t quiet_since_ms; /* of a file that lost its name; 0: it has it */
    bool is_trouble_said;
};

/* From here on the stream is that of another file, or of another place in it. */
static void go_to(struct vv_ingest *ingest, struct vv_follow *follow, int fd, uint64_t offset)
{
    struct vv_stream *stream = follow->stream;
    if (stream->in_fd >= 0)
        (void)close(stream->in_fd);
    stream->in_fd = fd;
    stream->has_lines = false;
    vv_lines_restart(&stream->lines, &ingest->desk, offset);
    vv_csv_names_done(&stream->names);
    follow->read = follow->position = offset;
    follow->quiet_since_ms = 0;
    if (fd < 0 || !vv_mark_make(fd, offset, &follow->mark))
        follow->mark = (struct vv_mark){.offset = offset};
}

static void say_once(struct vv_ingest *ingest, struct vv_follow *follow, const char *text,
    const char *why)
{
    if (!follow->is_trouble_said)
        vv_say(ingest->cli, "varve: %s: %s%s%s", follow->path, text, why ? ": " : "",
            why ? why : "");
    follow->is_trouble_said = true;
}

/* ---- After a crash ---------------------------------------------------------------------------- */

static bool is_row(const struct vv_chunk *chunk, bool is_csv, const struct vv_line *line)
{
    bool is_none = line->fault == VV_LINE_FINE && vv_line_is_blank(line);
    if (is_none || (is_csv && line->offset == 0))
        return false;
    for (size_t i = 0; i < chunk->refused_len; i++)
        if (chunk->refused[i] == line->offset)
            return false;
    return true;
}

/* The offset behind the row number `rows` of a chunk. */
static uint64_t offset_after(struct vv_ingest *ingest, int fd, const struct vv_chunk *chunk,
    uint64_t rows)
{
    struct vv_desk *desk = &ingest->desk;
    bool is_csv = ingest->options->is_csv, has_more = true;
    struct vv_lines lines = {.is_csv = is_csv, .offset = chunk->from};
    struct vv_line line;
    uint64_t read = chunk->from;
    if (rows == UINT64_MAX)
        return chunk->at;
    while (rows > 0 && has_more) {
        size_t room = 0;
        char *bytes = vv_lines_begin(&lines, desk, &room);
        size_t left = (size_t)(chunk->to - read);
        ssize_t len = pread(fd, bytes, left < room ? left : room, (off_t)read);
        has_more = len > 0;
        read += has_more ? (uint64_t)len : 0;
        vv_lines_add(&lines, desk, has_more ? (size_t)len : 0);
        while (rows > 0 && vv_lines_next(&lines, desk, &line))
            rows -= is_row(chunk, is_csv, &line) ? 1 : 0;
        /* The last line of a file that was rotated may have no end, or have a quote that has none. */
        while (rows > 0 && read == chunk->to && vv_lines_last(&lines, desk, &line))
            rows -= is_row(chunk, is_csv, &line) ? 1 : 0;
        vv_lines_end(&lines, desk);
    }
    vv_lines_done(&lines, desk);
    return lines.offset;
}

static void go_on(struct vv_ingest *ingest, struct vv_follow *follow)
{
    struct vv_chunk chunk = {0};
    uint64_t rows = 0;
    struct stat status;
    if (!vv_trail_place(follow->trail, ingest->sequence, &chunk, &rows)) {
        go_to(ingest, follow, vv_tail_open(follow->path, &status), 0);
        return;
    }
    int fd = vv_tail_find(follow->path, &chunk.mark);
    if (fd >= 0) {
        go_to(ingest, follow, fd, offset_after(ingest, fd, &chunk, rows));
        return;
    }
    if (chunk.to > 0)
        vv_say(ingest->cli,
            "varve: warning: %s: the file that was read up to byte %" PRIu64
            " is not there any more, nor a copy of it; what it had behind that is not read. "
            "Begins at the head of the file that is there",
            follow->path, rows == UINT64_MAX ? chunk.at : chunk.from);
    go_to(ingest, follow, vv_tail_open(follow->path, &status), 0);
}

/* ---- A turn ------------------------------------------------------------------------------------ */

/*
 * The header is in the first line, wherever reading goes on. False: not now; or it can't be used, and
 * the run ends. A file that gives no whole line now may be changed under us, or its disk may be away.
 */
static bool read_header(struct vv_ingest *ingest, struct vv_follow *follow)
{
    struct vv_stream *stream = follow->stream;
    struct vv_lines lines = {.is_csv = true};
    struct vv_line line;
    varve_error error;
    size_t room = 0;
    if (!ingest->options->is_csv || stream->names.len > 0 || follow->position == 0)
        return true;
    char *bytes = vv_lines_begin(&lines, &ingest->desk, &room);
    ssize_t len = pread(stream->in_fd, bytes, room, 0);
    const char *why = len < 0 ? vv_errno_text(errno) : "it is not there";
    vv_lines_add(&lines, &ingest->desk, len > 0 ? (size_t)len : 0);
    bool is_there = vv_lines_next(&lines, &ingest->desk, &line);
    bool is_good = is_there && vv_header_read(ingest, stream, &line, &error) == VARVE_OK;
    ingest->desk.from = ingest->desk.to = 0;
    if (!is_there)
        say_once(ingest, follow, "waits for its first line, the header", why);
    else if (!is_good)
        ingest->failure = error;
    return is_good;
}

/* Takes the lines that lie on the desk. False: not now, the disk or the spool is full. */
static bool take(struct vv_ingest *ingest, struct vv_follow *follow, bool is_last)
{
    struct vv_stream *stream = follow->stream;
    varve_error error;
    if (vv_trail_chunk(follow->trail, &follow->mark, follow->position, follow->read,
            ingest->sequence, &error) != VARVE_OK) {
        say_once(ingest, follow, "waits", error.message);
        vv_lines_end(&stream->lines, &ingest->desk);
        stream->has_lines = true;
        return false;
    }
    follow->is_trouble_said = false;
    vv_take_lines(ingest, stream);
    if (is_last && !stream->has_lines)
        vv_take_last(ingest, stream);
    if (!stream->lines.is_skipping)
        follow->position = stream->lines.offset;
    (void)vv_trail_done(follow->trail, follow->position, ingest->sequence, &error);
    return !stream->has_lines;
}

/* The file was cut, or written anew in its place: a copy of what it was may be beside it. */
static void replaced(struct vv_ingest *ingest, struct vv_follow *follow)
{
    struct stat status;
    int fd = vv_tail_find(follow->path, &follow->mark);
    if (fd >= 0 && fstat(fd, &status) == 0 && (uint64_t)status.st_size >= follow->position) {
        go_to(ingest, follow, fd, follow->position);
        return;
    }
    if (fd >= 0)
        (void)close(fd);
    vv_say(ingest->cli,
        "varve: %s: it was cut or written anew; it had been read up to byte %" PRIu64
        ", and begins again",
        follow->path, follow->position);
    go_to(ingest, follow, vv_tail_open(follow->path, &status), 0);
}

/* At the end of what is there: the file grows, or has been rotated. */
static int64_t at_end(struct vv_ingest *ingest, struct vv_follow *follow, int64_t now_ms)
{
    struct stat named, ours;
    struct vv_stream *stream = follow->stream;
    bool is_packed = false;
    size_t room = 0;
    if (fstat(stream->in_fd, &ours) != 0)
        return LOOK_EVERY_MS;
    if (stat(follow->path, &named) == 0 && named.st_ino == ours.st_ino &&
        named.st_dev == ours.st_dev) {
        follow->quiet_since_ms = 0;
        return LOOK_EVERY_MS;
    }
    if (follow->quiet_since_ms == 0)
        follow->quiet_since_ms = now_ms;
    if (now_ms - follow->quiet_since_ms < QUIET_MS)
        return LOOK_EVERY_MS;
    int next = vv_tail_next(follow->path, stream->in_fd, &is_packed);
    if (next < 0)
        return LOOK_EVERY_MS;
    if (is_packed)
        say_once(ingest, follow,
            "warning: it was rotated more than once meanwhile, and compressed; what is "
            "compressed is not read",
            NULL);
    if (stream->lines.kept_len > 0) {
        (void)vv_lines_begin(&stream->lines, &ingest->desk, &room);
        if (!take(ingest, follow, true)) {
            (void)close(next);
            return LOOK_EVERY_MS;
        }
    }
    go_to(ingest, follow, next, 0);
    return 0;
}

/* A mark of what took the file's place just now would be no mark of this file. */
static void note_read(struct vv_follow *follow, size_t len)
{
    struct vv_mark mark = {0};
    int fd = follow->stream->in_fd;
    follow->read += len;
    follow->quiet_since_ms = 0;
    if (vv_mark_make(fd, follow->read, &mark) && vv_mark_fits(&follow->mark, fd))
        follow->mark = mark;
}

static int64_t turn(struct vv_ingest *ingest, struct vv_follow *follow, int64_t now_ms)
{
    struct vv_stream *stream = follow->stream;
    struct stat status;
    size_t room = 0;
    if (stream->in_fd < 0) {
        int fd = vv_tail_open(follow->path, &status);
        if (fd < 0) {
            say_once(ingest, follow, "waits for it", vv_errno_text(errno));
            return LOOK_EVERY_MS;
        }
        follow->is_trouble_said = false;
        go_to(ingest, follow, fd, 0);
    }
    if (!stream->has_lines &&
        (fstat(stream->in_fd, &status) != 0 || (uint64_t)status.st_size < follow->read ||
            !vv_mark_fits(&follow->mark, stream->in_fd)))
        replaced(ingest, follow);
    if (stream->in_fd < 0 || !read_header(ingest, follow))
        return LOOK_EVERY_MS;
    char *bytes = vv_lines_begin(&stream->lines, &ingest->desk, &room);
    if (stream->has_lines)
        return take(ingest, follow, false) ? 0 : LOOK_EVERY_MS;
    ssize_t len = pread(stream->in_fd, bytes, room, (off_t)follow->read);
    if (len <= 0) {
        vv_lines_end(&stream->lines, &ingest->desk);
        return at_end(ingest, follow, now_ms);
    }
    note_read(follow, (size_t)len);
    vv_lines_add(&stream->lines, &ingest->desk, (size_t)len);
    bool is_more_likely = (size_t)len == room;
    if (memchr(bytes, '\n', (size_t)len) == NULL &&
        ingest->desk.to - ingest->desk.from <= ingest->desk.line_bytes_max) {
        vv_lines_end(&stream->lines, &ingest->desk); /* a part of a line, no more */
        return is_more_likely ? 0 : LOOK_EVERY_MS;
    }
    bool is_taken = take(ingest, follow, false);
    return is_taken && is_more_likely ? 0 : LOOK_EVERY_MS;
}

int64_t vv_follow_turn(struct vv_ingest *ingest, int64_t now_ms)
{
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < ingest->follows_len; i++) {
        struct vv_follow *follow = &ingest->follows[i];
        if (follow->look_ms <= now_ms && !ingest->is_full)
            follow->look_ms = now_ms + turn(ingest, follow, now_ms);
        if (follow->look_ms - now_ms < least)
            least = follow->look_ms - now_ms;
    }
    return least;
}

void vv_follow_durable(struct vv_ingest *ingest, uint64_t sequence)
{
    varve_error error;
    for (size_t i = 0; i < ingest->follows_len; i++)
        if (vv_trail_trim(ingest->follows[i].trail, sequence, &error) != VARVE_OK)
            say_once(ingest, &ingest->follows[i], "waits", error.message);
}

/* ---- Begin and end ------------------------------------------------------------------------------ */

/* <spool>.follow/<name>-<hash of the path>: where the file was read to. */
static varve_status trail_path(const char *spool, const char *path, struct vv_text *out,
    varve_error *err)
{
    const char *slash = strrchr(path, '/');
    char *folder = NULL, *whole = NULL;
    struct vv_text parent VV_CLEANUP(vv_text_done) = {0};
    vv_text_add(&parent, path, slash ? (size_t)(slash - path) + 1 : 0);
    whole = realpath(slash ? vv_text_chars(&parent) : ".", NULL);
    if (whole == NULL)
        return vv_error_set(err, VARVE_ENOTFOUND, "--follow %s: its folder: %s", path,
            vv_errno_text(errno));
    const char *name = slash ? slash + 1 : path;
    folder = whole;
    vv_text_clear(&parent);
    vv_text_addf(&parent, "%s/%s", folder, name);
    free(whole);
    vv_text_addf(out, "%s.follow", spool);
    if (mkdir(vv_text_chars(out), 0777) != 0 && errno != EEXIST)
        return vv_error_set(err, VARVE_EIO, "cannot make the folder %s: %s", out->ptr,
            vv_errno_text(errno));
    vv_text_addf(out, "/%s-%016" PRIx64, name, vv_hash_bytes(parent.ptr, parent.len));
    (void)vv_text_chars(out);
    return VARVE_OK;
}

static varve_status check_path(const struct vv_ingest *ingest, const char *path,
    varve_error *err)
{
    struct stat status;
    for (size_t i = 0; i < ingest->follows_len; i++)
        if (strcmp(ingest->follows[i].path, path) == 0)
            return vv_error_set(err, VARVE_EUSAGE, "--follow %s is there twice", path);
    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode))
        return vv_error_set(err, VARVE_EUSAGE,
            "--follow %s: it is no plain file; pipe it to stdin instead", path);
    return VARVE_OK;
}

varve_status vv_follow_open(struct vv_ingest *ingest, varve_error *err)
{
    const struct vv_list *paths = &ingest->options->follow;
    ingest->follows = vv_cli_alloc(paths->len, sizeof(*ingest->follows));
    for (size_t i = 0; i < paths->len; i++) {
        struct vv_text place VV_CLEANUP(vv_text_done) = {0};
        const char *path = paths->items[i];
        VV_TRY(check_path(ingest, path, err));
        VV_TRY(trail_path(ingest->options->spool, path, &place, err));
        struct vv_follow *follow = &ingest->follows[ingest->follows_len++];
        *follow = (struct vv_follow){.path = path};
        follow->stream = vv_stream_add(ingest, VV_STREAM_FILE, -1, -1);
        vv_text_adds(&follow->stream->name, path);
        VV_TRY(vv_trail_open(place.ptr, &follow->trail, err));
        go_on(ingest, follow);
        VV_TRY(vv_trail_begin(follow->trail, &follow->mark, ingest->sequence, err));
        follow->stream->trail = follow->trail;
    }
    return VARVE_OK;
}

void vv_follow_close(struct vv_ingest *ingest)
{
    for (size_t i = 0; i < ingest->follows_len; i++)
        vv_trail_close(&ingest->follows[i].trail);
    free(ingest->follows);
    ingest->follows = NULL;
    ingest->follows_len = 0;
}
