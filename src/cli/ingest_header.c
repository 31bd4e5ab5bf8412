/*
 * The first line of CSV: the names of the columns. It is held against the table at once, by the rules
 * of an upsert, since under a wrong one every row would be set aside, one after the other. A row whose
 * table it names itself is judged when it comes.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/ingest.h"

/* What an upsert of a file with this line and no rows would say. */
static varve_status upsert_none(varve_table *table, const char *name,
    const struct vv_text *header, varve_error *err)
{
    varve_upsert_options options = VARVE_UPSERT_OPTIONS_INIT;
    varve_upsert_result result = {0};
    int fd = memfd_create("varve header", MFD_CLOEXEC);
    if (fd < 0)
        return vv_error_set(err, VARVE_EIO, "memfd_create: %s", vv_errno_text(errno));
    varve_input input = {.format = VARVE_FORMAT_CSV, .use_fd = 1, .fd = fd, .path = name};
    options.dry_run = 1;
    varve_status status = VARVE_OK;
    if (write(fd, header->ptr, header->len) != (ssize_t)header->len ||
        lseek(fd, 0, SEEK_SET) != 0)
        status = vv_error_set(err, VARVE_EIO, "%s: %s", name, vv_errno_text(errno));
    else
        status = varve_table_upsert(table, &input, 1, &options, &result, err);
    (void)close(fd);
    return status;
}

static varve_status check(const struct vv_ingest *ingest, const char *name, const char *record,
    size_t len, varve_error *err)
{
    struct vv_text header VV_CLEANUP(vv_text_done) = {0};
    const struct vv_ingest_options *options = ingest->options;
    vv_csv_header_write(record, len, options->has_table_column ? NULL : "table", &header);
    vv_text_addc(&header, '\n');
    varve_status status = upsert_none(options->csv_table, name, &header, err);
    /* A table that can't be read now says nothing of the header: rows wait for it in the spool. */
    return status == VARVE_EINVALID ? status : VARVE_OK;
}

/* Of a followed file that was rotated meanwhile, what it is called now: the other is not to blame. */
static const char *name_of(struct vv_stream *stream, char file[PATH_MAX])
{
    char link[64];
    if (stream->kind == VV_STREAM_CLIENT)
        return "the header";
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", stream->in_fd);
    ssize_t len =
        stream->kind == VV_STREAM_FILE ? readlink(link, file, (size_t)PATH_MAX - 1) : -1;
    if (len <= 0)
        return vv_text_chars(&stream->name);
    file[len] = '\0';
    return file;
}

varve_status vv_header_read(const struct vv_ingest *ingest, struct vv_stream *stream,
    const struct vv_line *line, varve_error *err)
{
    varve_error error;
    char file[PATH_MAX];
    const char *name = name_of(stream, file);
    if (line->fault == VV_LINE_TOO_LONG)
        return vv_error_set(err, VARVE_ELIMIT,
            "%s: the header is longer than %zu bytes (--max-line)", name,
            ingest->desk.line_bytes_max);
    if (vv_csv_names_read(&stream->names, line->bytes, line->len, &error) != VARVE_OK)
        return vv_error_set(err, error.code, "%s: %s", name, error.message);
    varve_status status = VARVE_OK;
    if (ingest->options->table)
        status = check(ingest, name, line->bytes, line->len, err);
    else if (!vv_csv_names_has(&stream->names, "table"))
        status = vv_error_set(err, VARVE_EINVALID,
            "%s: no column \"table\" says whose rows these are: add it, or name the table "
            "(varve ingest TABLE)",
            name);
    if (status != VARVE_OK)
        vv_csv_names_done(&stream->names);
    return status;
}
