#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/commands.h"
#include "varve/inspect.h"

static const char *const box_columns[] = {"depth", "file", "version", "timestamp", "userName",
    "operation", "userMetadata", "is_compaction", NULL};

struct no_values {
    char nothing;
};

static bool is_table(const char *folder)
{
    struct stat seen;
    struct vv_text log VV_CLEANUP(vv_text_done) = {0};
    vv_text_addf(&log, "%s/_delta_log", folder);
    return stat(vv_text_chars(&log), &seen) == 0 && S_ISDIR(seen.st_mode);
}

/* The folder above a file that is a table: `path` is cut behind it. NULL: there is none. */
static const char *cut_table(char *path)
{
    for (size_t len = strlen(path); len > 1; len--) {
        if (path[len - 1] != '/')
            continue;
        path[len - 1] = '\0';
        if (is_table(path))
            return path + len;
        path[len - 1] = '/';
    }
    return NULL;
}

static varve_status run(struct vv_cli *cli, const void *given)
{
    varve_table *table VV_CLEANUP(vv_table_cleanup) = NULL;
    struct ArrowArrayStream rows = {0};
    struct vv_text path VV_CLEANUP(vv_text_done) = {0};
    struct vv_text folder VV_CLEANUP(vv_text_done) = {0};
    const struct vv_show show = {.box_columns = box_columns};
    const char *name = cli->line.arguments[0]; /* one at least */
    const char *file = vv_cli_argument(cli, 1);
    (void)given;
    if (file == NULL) {
        vv_text_addf(&path, "%s%s", name[0] == '/' ? "" : "./", name);
        file = cut_table(path.ptr);
        if (file == NULL)
            return vv_error_set(&cli->error, VARVE_EUSAGE,
                "%s lies in no table's folder: say varve why TABLE FILE", name);
        vv_text_adds(&folder, path.ptr);
        name = vv_text_chars(&folder);
    }
    VV_TRY(vv_cli_open_table(cli, name, &table));
    VV_TRY(varve_table_why(table, file, &rows, &cli->error));
    return vv_show_rows(cli, &rows, &show, NULL);
}

const struct vv_command vv_cmd_why = {
    .name = "why",
    .summary = "which commit brought a data file, and whence its rows came",
    .arguments = "[TABLE] FILE",
    .examples =
        "varve why signals $(varve files signals --format csv | tail -n1 | cut -d, -f1)",
    .text = "FILE is a path as varve files shows it, the end of one, or (without TABLE) a\n"
            "path on disk. The first row is the file itself: version, time, user,\n"
            "operation, message. Those with depth 1 are the files that its rows were\n"
            "taken from, and so on: what a compaction read is followed further, what a\n"
            "change rewrote is not.",
    .options_bytes = sizeof(struct no_values),
    .arguments_least = 1,
    .arguments_most = 2,
    .run = run,
};
