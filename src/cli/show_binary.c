#include "cli/show_binary.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_for_people(const struct vv_target *target)
{
    return isatty(target->fd) != 0;
}

static varve_status refuse(struct vv_cli *cli, struct ArrowArrayStream *stream,
    const char *name, const char *suffix)
{
    stream->release(stream);
    return vv_error_set(&cli->error, VARVE_EUSAGE,
        "%s is nothing for a terminal: write it to a file with -o FILE.%s", name, suffix);
}

/*
 * What the library wrote to `path`, to where the result goes. The file has no name any more while its
 * bytes go out, which may take as long as their reader likes: who is killed meanwhile leaves nothing.
 */
static varve_status copy_file(const char *path, FILE *to, varve_error *err)
{
    char piece[1 << 16];
    FILE *from = fopen(path, "re");
    int failure = from ? 0 : errno;
    size_t len = 1;
    (void)unlink(path);
    while (from && len > 0 && !ferror(to)) {
        len = fread(piece, 1, sizeof(piece), from);
        (void)fwrite(piece, 1, len, to);
    }
    if (from && ferror(from))
        failure = EIO;
    if (from)
        (void)fclose(from);
    return failure == 0 ? VARVE_OK
                        : vv_error_set(err, VARVE_EIO, "cannot read %s: %s", path,
                              vv_errno_text(failure));
}

/*
 * The library writes it to a path: a temporary file beside the output, or in the temporary folder
 * where there is none, since it must be whole before its first byte can go out.
 */
varve_status vv_show_parquet(struct vv_cli *cli, struct ArrowArrayStream *stream,
    const struct vv_target *target, int64_t *out_rows)
{
    struct vv_text name VV_CLEANUP(vv_text_done) = {0};
    const char *folder = getenv("TMPDIR");
    if (is_for_people(target))
        return refuse(cli, stream, "Parquet", "parquet");
    if (target->temporary)
        return varve_lake_export_parquet(cli->lake, stream, target->temporary, out_rows,
            &cli->error);
    vv_text_addf(&name, "%s/varve-output.XXXXXX", folder && *folder ? folder : "/tmp");
    (void)vv_text_chars(&name);
    int fd = mkstemp(name.ptr);
    if (fd < 0) {
        int number = errno;
        stream->release(stream);
        return vv_error_set(&cli->error, VARVE_EIO, "cannot write %s: %s", name.ptr,
            vv_errno_text(number));
    }
    (void)close(fd);
    varve_status status =
        varve_lake_export_parquet(cli->lake, stream, name.ptr, out_rows, &cli->error);
    if (status == VARVE_OK)
        return copy_file(name.ptr, target->file, &cli->error);
    (void)unlink(name.ptr);
    return status;
}

static int write_bytes(void *data, const void *bytes, size_t len)
{
    FILE *file = data;
    return fwrite(bytes, 1, len, file) == len ? 0 : errno;
}

static bool is_file_by_name(const char *path)
{
    static const char *const suffixes[] = {".arrow", ".feather", ".ipc"};
    const char *dot = path ? strrchr(path, '.') : NULL;
    for (size_t i = 0; dot && i < VV_COUNT(suffixes); i++)
        if (strcasecmp(dot, suffixes[i]) == 0)
            return true;
    return false;
}

varve_status vv_show_arrow(struct vv_cli *cli, struct ArrowArrayStream *stream,
    const struct vv_target *target, int64_t *out_rows)
{
    if (is_for_people(target))
        return refuse(cli, stream, "Arrow", "arrow");
    varve_status status = varve_lake_export_arrow(cli->lake, stream,
        is_file_by_name(target->path), write_bytes, target->file, out_rows, &cli->error);
    /* Closing the target says so, and knows readers that have seen enough. */
    return status == VARVE_EIO && ferror(target->file) ? VARVE_OK : status;
}
