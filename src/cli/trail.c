#include "cli/trail.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/durable.h"

#define HEADER "varve-follow 1\n"
#define BYTES_MAX (64 << 20)
#define REWRITE_BYTES (64 << 10)
#define NUMBERS_MAX 10

struct vv_trail {
    struct vv_text path;
    int fd;       /* for appending; -1 until vv_trail_begin */
    size_t bytes; /* of the file */
    bool is_torn; /* a record was not written whole: those behind it would not be read */
    struct vv_chunk *chunks;
    size_t chunks_len, chunks_capacity;
};

static varve_status fail(const struct vv_trail *trail, const char *what, varve_error *err)
{
    int number = errno;
    (void)vv_error_set(err, VARVE_EIO, "%s: cannot %s: %s", trail->path.ptr, what,
        vv_errno_text(number));
    err->os_errno = number;
    return VARVE_EIO;
}

/* ---- In memory ------------------------------------------------------------------------------- */

static struct vv_chunk *last_chunk(const struct vv_trail *trail)
{
    return trail->chunks_len ? &trail->chunks[trail->chunks_len - 1] : NULL;
}

static struct vv_chunk *add_chunk(struct vv_trail *trail)
{
    if (trail->chunks_len == trail->chunks_capacity) {
        size_t capacity = trail->chunks_capacity ? trail->chunks_capacity * 2 : 16;
        trail->chunks = vv_cli_realloc(trail->chunks, capacity * sizeof(*trail->chunks));
        trail->chunks_capacity = capacity;
    }
    struct vv_chunk *chunk = &trail->chunks[trail->chunks_len++];
    *chunk = (struct vv_chunk){0};
    return chunk;
}

static void add_refused(struct vv_chunk *chunk, uint64_t offset)
{
    if (chunk->refused_len == chunk->refused_capacity) {
        size_t capacity = chunk->refused_capacity ? chunk->refused_capacity * 2 : 8;
        chunk->refused = vv_cli_realloc(chunk->refused, capacity * sizeof(*chunk->refused));
        chunk->refused_capacity = capacity;
    }
    chunk->refused[chunk->refused_len++] = offset;
}

static void drop_chunks(struct vv_trail *trail, size_t len)
{
    for (size_t i = 0; i < len; i++)
        free(trail->chunks[i].refused);
    trail->chunks_len -= len;
    if (len > 0)
        memmove(trail->chunks, trail->chunks + len, trail->chunks_len * sizeof(*trail->chunks));
}

/* ---- As text: a word, numbers, a checksum of what is before it --------------------------------- */

static void add_record(struct vv_text *text, const char *word, const uint64_t *numbers,
    size_t len)
{
    size_t start = text->len;
    vv_text_adds(text, word);
    for (size_t i = 0; i < len; i++)
        vv_text_addf(text, " %" PRIu64, numbers[i]);
    uint32_t sum = (uint32_t)vv_hash_bytes(text->ptr + start, text->len - start);
    vv_text_addf(text, " ~%08" PRIx32 "\n", sum);
}

static void add_chunk_record(struct vv_text *text, const struct vv_chunk *chunk)
{
    const struct vv_mark *mark = &chunk->mark;
    const uint64_t numbers[] = {chunk->before, chunk->from, chunk->to, mark->inode,
        mark->offset, mark->head_len, mark->head_hash, mark->before_len, mark->before_hash};
    add_record(text, "chunk", numbers, VV_COUNT(numbers));
}

static void add_done_record(struct vv_text *text, const struct vv_chunk *chunk)
{
    const uint64_t numbers[] = {chunk->after, chunk->at};
    add_record(text, "done", numbers, VV_COUNT(numbers));
}

/* The numbers of a record; SIZE_MAX: it is broken. */
static size_t read_record(const char *line, size_t len, const char *word, uint64_t *numbers)
{
    size_t word_len = strlen(word), count = 0;
    char *end = NULL;
    if (len < word_len + 10 || strncmp(line, word, word_len) != 0)
        return SIZE_MAX;
    size_t sum_at = len - 10; /* " ~" and eight digits */
    unsigned long long sum = strtoull(line + sum_at + 2, &end, 16);
    if (strncmp(line + sum_at, " ~", 2) != 0 || end != line + len ||
        (uint32_t)vv_hash_bytes(line, sum_at) != (uint32_t)sum)
        return SIZE_MAX;
    for (const char *at = line + word_len; at < line + sum_at; at = end) {
        errno = 0;
        numbers[count++] = strtoull(at, &end, 10);
        if (end == at || errno != 0 || count == NUMBERS_MAX)
            return SIZE_MAX;
    }
    return count;
}

/* False: the record is broken, or makes no sense here; nothing behind it counts. */
static bool take_record(struct vv_trail *trail, const char *line, size_t len)
{
    uint64_t numbers[NUMBERS_MAX] = {0};
    struct vv_chunk *chunk = last_chunk(trail);
    if (read_record(line, len, "chunk", numbers) == 9) {
        chunk = add_chunk(trail);
        chunk->before = numbers[0];
        chunk->from = numbers[1];
        chunk->to = numbers[2];
        chunk->mark = (struct vv_mark){
            numbers[3], numbers[4], numbers[5], numbers[6], numbers[7], numbers[8]};
        return true;
    }
    if (chunk == NULL || chunk->is_done)
        return false;
    if (read_record(line, len, "refused", numbers) == 1) {
        add_refused(chunk, numbers[0]);
        return true;
    }
    chunk->is_done = read_record(line, len, "done", numbers) == 2;
    chunk->after = numbers[0];
    chunk->at = numbers[1];
    return chunk->is_done;
}

static varve_status read_records(struct vv_trail *trail, struct vv_text *text, varve_error *err)
{
    size_t at = strlen(HEADER);
    if (text->len < at || memcmp(text->ptr, HEADER, at) != 0)
        return vv_error_set(err, VARVE_ECORRUPT,
            "%s: this is not where a followed file was read to; move it away to begin the file "
            "anew",
            trail->path.ptr);
    for (;;) {
        const char *line = text->ptr + at;
        const char *end = memchr(line, '\n', text->len - at);
        if (end == NULL || !take_record(trail, line, (size_t)(end - line)))
            return VARVE_OK;
        at += (size_t)(end - line) + 1;
    }
}

/* ---- On disk --------------------------------------------------------------------------------- */

static varve_status append(struct vv_trail *trail, const struct vv_text *text, varve_error *err)
{
    for (size_t done = 0; done < text->len;) {
        ssize_t len = write(trail->fd, text->ptr + done, text->len - done);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0) {
            trail->is_torn = true;
            return fail(trail, "write", err);
        }
        done += (size_t)len;
    }
    trail->bytes += text->len;
    return VARVE_OK;
}

/* Of the folder that the file is in; `up` "..": of the one that that is in. */
static varve_status sync_names(const struct vv_trail *trail, const char *up, varve_error *err)
{
    errno = vv_durable_names(trail->path.ptr, up, trail->fd);
    return errno == 0 ? VARVE_OK : fail(trail, "sync the folder of", err);
}

/* The whole of it, in the place of what is there. */
static varve_status rewrite(struct vv_trail *trail, varve_error *err)
{
    struct vv_text text VV_CLEANUP(vv_text_done) = {0};
    struct vv_text path VV_CLEANUP(vv_text_done) = {0};
    vv_text_adds(&text, HEADER);
    for (size_t i = 0; i < trail->chunks_len; i++) {
        const struct vv_chunk *chunk = &trail->chunks[i];
        add_chunk_record(&text, chunk);
        for (size_t j = 0; j < chunk->refused_len; j++)
            add_record(&text, "refused", &chunk->refused[j], 1);
        if (chunk->is_done)
            add_done_record(&text, chunk);
    }
    vv_text_addf(&path, "%s.new", trail->path.ptr);
    int fd = open(path.ptr, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0)
        return fail(trail, "make", err);
    if (trail->fd >= 0)
        (void)close(trail->fd);
    trail->fd = fd;
    trail->bytes = 0;
    trail->is_torn = true; /* until the new one is in its place */
    VV_TRY(append(trail, &text, err));
    if (fdatasync(fd) != 0 || rename(path.ptr, trail->path.ptr) != 0)
        return fail(trail, "replace", err);
    VV_TRY(sync_names(trail, "", err));
    trail->is_torn = false;
    return VARVE_OK;
}

varve_status vv_trail_open(const char *path, struct vv_trail **out, varve_error *err)
{
    struct vv_text text VV_CLEANUP(vv_text_done) = {0};
    char piece[65536];
    ssize_t len = 1;
    struct vv_trail *trail = vv_cli_alloc(1, sizeof(*trail));
    trail->fd = -1;
    vv_text_adds(&trail->path, path);
    (void)vv_text_chars(&trail->path);
    *out = trail;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return VARVE_OK;
    while (fd >= 0 && text.len < BYTES_MAX && (len = read(fd, piece, sizeof(piece))) > 0)
        vv_text_add(&text, piece, (size_t)len);
    varve_status status = fd < 0 || len < 0 ? fail(trail, "read", err) : VARVE_OK;
    if (fd >= 0)
        (void)close(fd);
    if (status == VARVE_OK)
        status = read_records(trail, &text, err);
    if (status != VARVE_OK)
        vv_trail_close(out);
    return status;
}

void vv_trail_close(struct vv_trail **trail)
{
    if (*trail == NULL)
        return;
    drop_chunks(*trail, (*trail)->chunks_len);
    free((*trail)->chunks);
    if ((*trail)->fd >= 0)
        (void)close((*trail)->fd);
    vv_text_done(&(*trail)->path);
    free(*trail);
    *trail = NULL;
}

/* ---- What it is for --------------------------------------------------------------------------- */

bool vv_trail_place(const struct vv_trail *trail, uint64_t sequence, struct vv_chunk *out,
    uint64_t *out_rows)
{
    const struct vv_chunk *chunk = NULL;
    for (size_t i = 0; i < trail->chunks_len; i++) {
        chunk = &trail->chunks[i];
        if (!chunk->is_done || chunk->after > sequence)
            break;
    }
    if (chunk == NULL)
        return false;
    *out = *chunk;
    *out_rows = sequence > chunk->before ? sequence - chunk->before : 0;
    if (chunk->is_done && chunk->after <= sequence)
        *out_rows = UINT64_MAX;
    return true;
}

varve_status vv_trail_begin(struct vv_trail *trail, const struct vv_mark *mark,
    uint64_t sequence, varve_error *err)
{
    drop_chunks(trail, trail->chunks_len);
    *add_chunk(trail) = (struct vv_chunk){.mark = *mark,
        .from = mark->offset,
        .before = sequence,
        .to = mark->offset,
        .is_done = true,
        .after = sequence,
        .at = mark->offset};
    VV_TRY(rewrite(trail, err));
    return sync_names(trail, "..", err); /* who made the folder may have died before this */
}

static varve_status write_chunk(struct vv_trail *trail, const struct vv_chunk *chunk,
    varve_error *err)
{
    struct vv_text text VV_CLEANUP(vv_text_done) = {0};
    if (trail->is_torn)
        return rewrite(trail, err);
    add_chunk_record(&text, chunk);
    VV_TRY(append(trail, &text, err));
    if (fdatasync(trail->fd) == 0)
        return VARVE_OK;
    trail->is_torn = true; /* what a failed sync has left is not known */
    return fail(trail, "sync", err);
}

varve_status vv_trail_chunk(struct vv_trail *trail, const struct vv_mark *mark, uint64_t from,
    uint64_t to, uint64_t before, varve_error *err)
{
    struct vv_chunk *chunk = add_chunk(trail);
    *chunk = (struct vv_chunk){.mark = *mark, .from = from, .to = to, .before = before};
    varve_status status = write_chunk(trail, chunk, err);
    if (status != VARVE_OK)
        trail->chunks_len--;
    return status;
}

varve_status vv_trail_refused(struct vv_trail *trail, uint64_t offset, varve_error *err)
{
    struct vv_text text VV_CLEANUP(vv_text_done) = {0};
    struct vv_chunk *chunk = last_chunk(trail);
    if (chunk)
        add_refused(chunk, offset);
    if (trail->is_torn)
        return VARVE_OK;
    add_record(&text, "refused", &offset, 1);
    return append(trail, &text, err);
}

varve_status vv_trail_done(struct vv_trail *trail, uint64_t at, uint64_t after,
    varve_error *err)
{
    struct vv_text text VV_CLEANUP(vv_text_done) = {0};
    struct vv_chunk *chunk = last_chunk(trail);
    if (chunk == NULL)
        return VARVE_OK;
    chunk->is_done = true;
    chunk->at = at;
    chunk->after = after;
    if (trail->is_torn)
        return VARVE_OK;
    add_done_record(&text, chunk);
    return append(trail, &text, err);
}

varve_status vv_trail_trim(struct vv_trail *trail, uint64_t sequence, varve_error *err)
{
    size_t len = 0;
    while (len + 1 < trail->chunks_len && trail->chunks[len].is_done &&
           trail->chunks[len].after <= sequence)
        len++;
    drop_chunks(trail, len);
    return trail->bytes > REWRITE_BYTES && len > 0 ? rewrite(trail, err) : VARVE_OK;
}
