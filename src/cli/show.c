/* Where results go and in which form. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

#define BOX_ROWS_MAX 50

/* stdout, or a temporary file that becomes `path` when all is written. */
struct target {
    FILE *file;
    const char *path; /* NULL: stdout */
    char *temporary;
};

static varve_status target_open(struct vv_cli *cli, struct target *out)
{
    const char *path = cli->globals.output;
    struct target target = {.file = stdout};
    if (path && strcmp(path, "-") != 0) {
        struct vv_text name = {0};
        vv_text_addf(&name, "%s.XXXXXX", path);
        (void)vv_text_chars(&name);
        int fd = mkstemp(name.ptr);
        target = (struct target){NULL, path, name.ptr};
        if (fd >= 0) {
            mode_t mask = umask(0);
            (void)umask(mask);
            (void)fchmod(fd, 0666 & ~mask); /* mkstemp lets nobody else read */
            target.file = fdopen(fd, "w");
        }
        if (target.file == NULL) {
            int number = errno;
            free(target.temporary);
            return vv_error_set(&cli->error, VARVE_EIO, "cannot write %s: %s", path,
                vv_errno_text(number));
        }
    }
    *out = target;
    return VARVE_OK;
}

/* A reader that went away (`| head`) has seen enough: no failure. */
static bool reader_is_gone(FILE *file)
{
    struct pollfd poll_fd = {.fd = fileno(file), .events = POLLOUT};
    return poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLERR) != 0;
}

static varve_status target_close(struct vv_cli *cli, struct target *target, bool keep)
{
    bool failed = fflush(target->file) != 0 || ferror(target->file);
    int number = errno;
    if (target->path == NULL) {
        if (failed && !reader_is_gone(stdout))
            return vv_error_set(&cli->error, VARVE_EIO, "cannot write to stdout: %s",
                vv_errno_text(number));
        return VARVE_OK;
    }
    failed = fclose(target->file) != 0 || failed;
    if (!failed && keep && rename(target->temporary, target->path) != 0) {
        failed = true;
        number = errno;
    }
    if (failed || !keep)
        (void)unlink(target->temporary);
    free(target->temporary);
    if (failed && keep)
        return vv_error_set(&cli->error, VARVE_EIO, "cannot write %s: %s", target->path,
            vv_errno_text(number ? number : EIO));
    return VARVE_OK;
}

/* By the name of the output file; AUTO where that says nothing. */
static varve_status format_of_file(struct vv_cli *cli, const char *path, enum vv_format *out)
{
    const char *dot = strrchr(path, '.');
    enum vv_format format = VV_FORMAT_CSV;
    if (dot && strcmp(dot, ".json") == 0)
        format = VV_FORMAT_JSON;
    else if (dot && (strcmp(dot, ".ndjson") == 0 || strcmp(dot, ".jsonl") == 0))
        format = VV_FORMAT_NDJSON;
    else if (dot && strcmp(dot, ".parquet") == 0)
        format = VV_FORMAT_PARQUET;
    else if (dot && strcmp(dot, ".md") == 0)
        format = VV_FORMAT_MARKDOWN;
    else if (dot && strcmp(dot, ".arrow") == 0)
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "option --output: %s files are not available in Varve %s; say --format for what "
            "to write to %s",
            dot + 1, varve_version(), path);
    *out = format;
    return VARVE_OK;
}

varve_status vv_show_format(struct vv_cli *cli, enum vv_format *out)
{
    const struct vv_globals *globals = &cli->globals;
    if (globals->format != 0)
        *out = (enum vv_format)globals->format;
    else if (globals->json)
        *out = VV_FORMAT_JSON;
    else if (globals->output && strcmp(globals->output, "-") != 0)
        return format_of_file(cli, globals->output, out);
    else
        *out = isatty(STDOUT_FILENO) ? VV_FORMAT_BOX : VV_FORMAT_CSV;
    return VARVE_OK;
}

size_t vv_terminal_columns(void)
{
    struct winsize size = {0};
    if (!isatty(STDOUT_FILENO))
        return 0;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 80;
}

bool vv_terminal_is_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < VV_COUNT(names); i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
    }
    return false;
}

static bool wants_color(const struct vv_cli *cli)
{
    const char *no_color = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    if (cli->globals.color > 1)
        return cli->globals.color == 2;
    return isatty(STDOUT_FILENO) && !cli->globals.output && !(no_color && *no_color) &&
           !(terminal && strcmp(terminal, "dumb") == 0);
}

/* What the library wrote to `path`, to where the result goes. */
static void copy_file(const char *path, FILE *to)
{
    char piece[1 << 16];
    FILE *from = fopen(path, "r");
    size_t len = 1;
    while (from && len > 0 && !ferror(to)) {
        len = fread(piece, 1, sizeof(piece), from);
        (void)fwrite(piece, 1, len, to);
    }
    if (from)
        (void)fclose(from);
}

/*
 * Parquet is written by the library, to a path: a temporary file beside the output, or in the
 * temporary folder for stdout, where it must be whole before its first byte can go out.
 */
static varve_status write_parquet(struct vv_cli *cli, struct ArrowArrayStream *stream,
    struct target *target, int64_t *out_rows)
{
    struct vv_text name = {0};
    const char *folder = getenv("TMPDIR");
    if (target->path)
        return varve_lake_export_parquet(cli->lake, stream, target->temporary, out_rows,
            &cli->error);
    vv_text_addf(&name, "%s/varve-output.XXXXXX", folder && *folder ? folder : "/tmp");
    (void)vv_text_chars(&name);
    int fd = mkstemp(name.ptr);
    varve_status status = VARVE_OK;
    if (fd < 0) {
        stream->release(stream);
        status = vv_error_set(&cli->error, VARVE_EIO, "cannot write %s: %s", name.ptr,
            vv_errno_text(errno));
    } else {
        (void)close(fd);
        status = varve_lake_export_parquet(cli->lake, stream, name.ptr, out_rows, &cli->error);
        if (status == VARVE_OK)
            copy_file(name.ptr, target->file);
        (void)unlink(name.ptr);
    }
    vv_text_done(&name);
    return status;
}

static bool is_parquet_for_people(enum vv_format format, const struct target *target)
{
    return format == VV_FORMAT_PARQUET && target->path == NULL && isatty(STDOUT_FILENO);
}

varve_status vv_show_rows(struct vv_cli *cli, struct ArrowArrayStream *stream,
    const struct vv_show *show, int64_t *out_rows)
{
    enum vv_format format = VV_FORMAT_AUTO;
    struct target target = {0};
    varve_status status = vv_show_format(cli, &format);
    /* The library forgets an interrupt that came between two calls. */
    if (status == VARVE_OK && vv_interrupt_signal() != 0)
        status = vv_error_set(&cli->error, VARVE_EINTERRUPTED, "interrupted");
    if (status == VARVE_OK)
        status = target_open(cli, &target);
    if (status != VARVE_OK) {
        stream->release(stream);
        return status;
    }
    bool is_terminal = target.path == NULL && isatty(STDOUT_FILENO);
    struct vv_render_options options = {.format = format,
        .json = {.nan_as_text = cli->globals.nan == 2},
        .json_columns = show ? show->json_columns : NULL,
        .box_columns = show ? show->box_columns : NULL,
        .width = is_terminal ? vv_terminal_columns() : 0,
        .rows_max = is_terminal ? BOX_ROWS_MAX : 0,
        .utf8 = vv_terminal_is_utf8(),
        .color = wants_color(cli)};
    int64_t rows = 0;
    if (is_parquet_for_people(format, &target)) {
        stream->release(stream);
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "Parquet is nothing for a terminal: write it to a file with -o FILE.parquet");
    }
    if (format == VV_FORMAT_PARQUET)
        status = write_parquet(cli, stream, &target, &rows);
    else
        status = vv_render(stream, &options, target.file, &rows, &cli->error);
    if (status != VARVE_OK && vv_interrupt_signal() != 0)
        status = vv_error_set(&cli->error, VARVE_EINTERRUPTED, "interrupted");
    vv_progress_clear(cli);
    varve_status closed = VARVE_OK;
    varve_error cause = cli->error;
    closed = target_close(cli, &target, status == VARVE_OK);
    if (status != VARVE_OK)
        cli->error = cause; /* what failed first */
    else if (closed == VARVE_OK && out_rows)
        *out_rows = rows;
    return status != VARVE_OK ? status : closed;
}

varve_status vv_show_text(struct vv_cli *cli, const char *bytes, size_t len)
{
    struct target target = {0};
    VV_TRY(target_open(cli, &target));
    (void)fwrite(bytes, 1, len, target.file);
    return target_close(cli, &target, true);
}
