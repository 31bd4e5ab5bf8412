#include "cli/input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Copies what waits in a pipe into one of our own: the original stays as it is. */
static ssize_t peek_pipe(int fd, char *bytes, size_t bytes_max)
{
    int copy[2];
    ssize_t len = -1;
    if (pipe2(copy, O_CLOEXEC) != 0)
        return -1;
    do {
        len = tee(fd, copy[1], bytes_max, 0);
    } while (len < 0 && errno == EINTR && vv_interrupt_signal() == 0);
    if (len > 0)
        len = read(copy[0], bytes, (size_t)len);
    (void)close(copy[0]);
    (void)close(copy[1]);
    return len;
}

bool vv_input_peek(int fd, char *bytes, size_t bytes_max, size_t *out_len)
{
    struct stat status;
    ssize_t len = -1;
    if (fstat(fd, &status) != 0)
        return false;
    if (S_ISREG(status.st_mode))
        len = pread(fd, bytes, bytes_max, lseek(fd, 0, SEEK_CUR));
    else if (S_ISFIFO(status.st_mode))
        len = peek_pipe(fd, bytes, bytes_max);
    else if (S_ISSOCK(status.st_mode))
        len = recv(fd, bytes, bytes_max, MSG_PEEK);
    if (len < 0)
        return false;
    *out_len = (size_t)len;
    return true;
}

static bool ends_with(const char *text, const char *suffix)
{
    size_t len = strlen(text), suffix_len = strlen(suffix);
    return len > suffix_len && strcasecmp(text + len - suffix_len, suffix) == 0;
}

static const struct suffix {
    const char *suffix;
    int32_t format;
} suffixes[] = {
    {".csv", VARVE_FORMAT_CSV},
    {".ndjson", VARVE_FORMAT_NDJSON},
    {".jsonl", VARVE_FORMAT_NDJSON},
    {".parquet", VARVE_FORMAT_PARQUET},
    {".arrow", VARVE_FORMAT_ARROW_IPC},
    {".arrows", VARVE_FORMAT_ARROW_IPC},
    {".ipc", VARVE_FORMAT_ARROW_IPC},
    {".feather", VARVE_FORMAT_ARROW_IPC},
};

/* Binary formats say what they are; 0: none of them. A stream begins with a message's length. */
static int32_t format_of_magic(const char *head, size_t len)
{
    static const char message[] = {'\xff', '\xff', '\xff', '\xff'};
    if (len >= 4 && memcmp(head, "PAR1", 4) == 0)
        return VARVE_FORMAT_PARQUET;
    bool is_arrow = (len >= 6 && memcmp(head, "ARROW1", 6) == 0) ||
                    (len >= 4 && memcmp(head, message, sizeof(message)) == 0);
    return is_arrow ? VARVE_FORMAT_ARROW_IPC : 0;
}

#define HEAD_BYTES 512

/* A row of NDJSON starts with '{'; a header of CSV hardly ever does. */
static varve_status format_of_text(const char *head, size_t len, const char *name, int32_t *out,
    varve_error *err)
{
    static const char mark[] = "\xef\xbb\xbf";
    size_t at = len >= 3 && memcmp(head, mark, 3) == 0 ? 3 : 0;
    while (at < len && strchr(" \t\r\n", head[at]) && head[at] != '\0')
        at++;
    if (at < len && head[at] == '[')
        return vv_error_set(err, VARVE_EUSAGE,
            "%s begins with '[', as a JSON array does: rows of JSON are one object a line; "
            "jq -c '.[]' makes lines of an array (or say --input-format csv, if it is that)",
            name);
    *out = at < len && head[at] == '{' ? VARVE_FORMAT_NDJSON : VARVE_FORMAT_CSV;
    return VARVE_OK;
}

/* A control character that no text has: what it begins is something packed, or of another program. */
static bool is_text(const char *head, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)head[i] < ' ' && (head[i] == '\0' || !strchr("\t\r\n\f", head[i])))
            return false;
    return len > 0;
}

static varve_status fail_open(const char *path, varve_error *err)
{
    return vv_error_set(err, errno == ENOENT ? VARVE_ENOTFOUND : VARVE_EIO,
        "cannot open %s: %s", path, vv_errno_text(errno));
}

/*
 * The first bytes; none of what is no file, since a pipe that was opened here would lose what it
 * gives. A file is opened again by the library. Fails as it does where there is nothing to look at.
 */
static varve_status head_of_file(const char *path, char *head, size_t bytes_max,
    size_t *out_len, varve_error *err)
{
    struct stat status;
    *out_len = 0;
    if (stat(path, &status) != 0)
        return fail_open(path, err);
    if (S_ISDIR(status.st_mode))
        return vv_error_set(err, VARVE_EINVALID, "%s is a folder, not a file with rows", path);
    if (!S_ISREG(status.st_mode))
        return VARVE_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_open(path, err);
    ssize_t len = pread(fd, head, bytes_max, 0);
    (void)close(fd);
    if (len == 0)
        return vv_error_set(err, VARVE_EINVALID, "%s is empty", path);
    *out_len = len > 0 ? (size_t)len : 0;
    return VARVE_OK;
}

/* A text may begin with its three letters, too: what is there of the rest has to fit. */
static bool is_bzip2(const char *head, size_t len)
{
    static const char block[] = {'1', 'A', 'Y', '&', 'S', 'Y'};
    size_t len_there = len < 10 ? len : 10;
    return len_there > 4 && memcmp(head, "BZh", 3) == 0 && head[3] >= '1' && head[3] <= '9' &&
           memcmp(head + 4, block, len_there - 4) == 0;
}

/* The program that unpacks what begins so; NULL: it is not packed. */
static const char *unpacker(const char *head, size_t len)
{
    static const struct packing {
        const char *begin;
        size_t len;
        const char *program;
    } packings[] = {{"\x1f\x8b", 2, "zcat"}, {"\x28\xb5\x2f\xfd", 4, "zstdcat"},
        {"\xfd"
         "7zXZ",
            5, "xzcat"}};
    if (is_bzip2(head, len))
        return "bzcat";
    for (size_t i = 0; i < VV_COUNT(packings); i++)
        if (len >= packings[i].len && memcmp(head, packings[i].begin, packings[i].len) == 0)
            return packings[i].program;
    return NULL;
}

/* `name` is the file's; NULL: stdin's. */
static varve_status check_packed(const char *name, const char *head, size_t len,
    varve_error *err)
{
    const char *program = unpacker(head, len);
    if (program == NULL)
        return VARVE_OK;
    return vv_error_set(err, VARVE_EUSAGE,
        "%s is compressed, and such %s not read: unpack it into a pipe, as in %s %s | varve "
        "... -",
        name == NULL ? "stdin" : name, name == NULL ? "input is" : "files are", program,
        name == NULL ? "FILE" : name);
}

void vv_input_add_guess(const char *head, size_t len, struct vv_text *out)
{
    const char *program = unpacker(head, len);
    int32_t format = format_of_magic(head, len);
    size_t at = 0;
    while (at < len && (head[at] == ' ' || head[at] == '\t'))
        at++;
    bool is_word = at < len && is_text(head, len) && head[at] != '{' && head[at] != '[';
    if (program != NULL)
        vv_text_addf(out,
            "; the input is compressed: unpack it into a pipe, as in %s FILE | "
            "varve ...",
            program);
    else if (format == VARVE_FORMAT_PARQUET)
        vv_text_adds(out, "; the input is Parquet: varve upsert reads that");
    else if (format == VARVE_FORMAT_ARROW_IPC)
        vv_text_adds(out, "; the input is Arrow IPC: say --input-format arrow");
    else if (at < len && head[at] == '[')
        vv_text_adds(out, "; rows are one object a line: jq -c '.[]' makes lines of an array");
    else if (is_word && memchr(head, ',', len) != NULL)
        vv_text_adds(out, "; of CSV say --input-format csv");
}

/*
 * What is taken for text by its name, or by what was said, and is none. What can't be looked at
 * here passes.
 */
static varve_status check_text(const char *path, int32_t format, varve_error *err)
{
    char head[HEAD_BYTES];
    varve_error unused = {0};
    size_t len = 0;
    bool is_stdin = strcmp(path, "-") == 0;
    if (format != VARVE_FORMAT_CSV && format != VARVE_FORMAT_NDJSON)
        return VARVE_OK;
    bool has_head = is_stdin
                        ? vv_input_peek(STDIN_FILENO, head, sizeof(head), &len)
                        : head_of_file(path, head, sizeof(head), &len, &unused) == VARVE_OK;
    return has_head ? check_packed(is_stdin ? NULL : path, head, len, err) : VARVE_OK;
}

/* What its name says; where that says nothing, what its content says. */
static varve_status format_of_file(const char *path, int32_t *out, varve_error *err)
{
    char head[HEAD_BYTES];
    for (size_t i = 0; i < VV_COUNT(suffixes); i++) {
        if (ends_with(path, suffixes[i].suffix)) {
            *out = suffixes[i].format;
            return check_text(path, *out, err);
        }
    }
    size_t len = 0;
    VV_TRY(head_of_file(path, head, sizeof(head), &len, err));
    *out = format_of_magic(head, len);
    if (*out != 0)
        return VARVE_OK;
    VV_TRY(check_packed(path, head, len, err));
    if (is_text(head, len))
        return format_of_text(head, len, path, out, err);
    return vv_error_set(err, VARVE_EUSAGE,
        "%s: its name does not say what it holds; add --input-format csv, ndjson, parquet or "
        "arrow",
        path);
}

static varve_status format_of_stdin(int32_t *out, varve_error *err)
{
    char head[HEAD_BYTES];
    size_t len = 0;
    bool is_seen = vv_input_peek(STDIN_FILENO, head, sizeof(head), &len);
    if (vv_interrupt_signal() != 0)
        return vv_interrupt_fail(err);
    if (!is_seen)
        return vv_error_set(err, VARVE_EUSAGE,
            "what stdin holds cannot be told from here; add --input-format csv, ndjson, "
            "parquet or arrow");
    *out = format_of_magic(head, len);
    if (*out != 0)
        return VARVE_OK;
    VV_TRY(check_packed(NULL, head, len, err));
    return format_of_text(head, len, "stdin", out, err);
}

varve_status vv_input_read(const char *path, enum vv_input_choice choice, varve_input *out,
    varve_error *err)
{
    static const int32_t chosen[] = {[VV_INPUT_AS_CSV] = VARVE_FORMAT_CSV,
        [VV_INPUT_AS_NDJSON] = VARVE_FORMAT_NDJSON,
        [VV_INPUT_AS_PARQUET] = VARVE_FORMAT_PARQUET,
        [VV_INPUT_AS_ARROW] = VARVE_FORMAT_ARROW_IPC};
    varve_input input = {0};
    bool is_stdin = strcmp(path, "-") == 0;
    input.path = is_stdin ? "<stdin>" : path;
    input.use_fd = is_stdin ? 1 : 0;
    input.fd = is_stdin ? STDIN_FILENO : -1;
    if (choice != VV_INPUT_BY_NAME) {
        input.format = chosen[choice];
        VV_TRY(check_text(path, input.format, err));
    } else if (is_stdin) {
        VV_TRY(format_of_stdin(&input.format, err));
    } else {
        VV_TRY(format_of_file(path, &input.format, err));
    }
    *out = input;
    return VARVE_OK;
}

varve_status vv_input_read_all(struct vv_cli *cli, size_t first, enum vv_input_choice choice,
    varve_input *inputs, size_t *out_len)
{
    size_t len = cli->line.arguments_len - first, stdin_len = 0;
    for (size_t i = 0; i < len; i++) {
        const char *path = vv_cli_argument(cli, i + first);
        stdin_len += strcmp(path, "-") == 0 ? 1 : 0;
        if (stdin_len > 1)
            return vv_error_set(&cli->error, VARVE_EUSAGE, "'-' is there twice");
        VV_TRY(vv_input_read(path, choice, &inputs[i], &cli->error));
    }
    if (len == 0 && isatty(STDIN_FILENO))
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "no rows: give files, or pipe rows to stdin");
    if (len == 0)
        VV_TRY(vv_input_read("-", choice, &inputs[len++], &cli->error));
    *out_len = len;
    return VARVE_OK;
}

varve_status vv_input_check_app(struct vv_cli *cli, const char *app_id,
    const struct vv_integer *app_version)
{
    if ((app_id != NULL) == app_version->given)
        return VARVE_OK;
    return vv_error_set(&cli->error, VARVE_EUSAGE,
        "--app-id and --app-version belong together");
}
