#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"

#define SQL_BYTES_MAX ((size_t)16 << 20)

struct query_values {
    const char *file;
};

static const struct vv_option options[] = {
    {.name = "file",
        .letter = 'f',
        .kind = VV_OPTION_TEXT,
        .value = "FILE",
        .help = "read the SQL from FILE (-: stdin)",
        .offset = offsetof(struct query_values, file)},
};

static varve_status read_file(struct vv_cli *cli, const char *path, struct vv_text *out)
{
    char piece[4096];
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(path, "re");
    if (file == NULL)
        return vv_error_set(&cli->error, errno == ENOENT ? VARVE_ENOTFOUND : VARVE_EIO,
            "option --file: cannot open %s: %s", path, vv_errno_text(errno));
    for (size_t len; (len = fread(piece, 1, sizeof(piece), file)) > 0;)
        if (out->len <= SQL_BYTES_MAX)
            vv_text_add(out, piece, len);
    bool failed = ferror(file) != 0;
    if (!is_stdin)
        (void)fclose(file);
    if (failed)
        return vv_error_set(&cli->error, VARVE_EIO, "option --file: cannot read %s", path);
    if (out->len > SQL_BYTES_MAX)
        return vv_error_set(&cli->error, VARVE_ELIMIT, "option --file: %s is too long", path);
    return VARVE_OK;
}

static varve_status run(struct vv_cli *cli, const void *given)
{
    const struct query_values *values = given;
    const char *sql = vv_cli_argument(cli, 0);
    struct vv_text text VV_CLEANUP(vv_text_done) = {0};
    struct ArrowArrayStream rows = {0};
    varve_query_options query = VARVE_QUERY_OPTIONS_INIT;
    if ((sql == NULL) == (values->file == NULL))
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "query: give the SQL in quotes, or a file with it (-f FILE)");
    if (sql == NULL)
        VV_TRY(read_file(cli, values->file, &text));
    query.at = cli->globals.at;
    VV_TRY(vv_cli_open_lake(cli, false));
    VV_TRY(varve_lake_query(cli->lake, sql ? sql : vv_text_chars(&text), &query, &rows,
        &cli->error));
    return vv_show_rows(cli, &rows, NULL, NULL);
}

const struct vv_command vv_cmd_query = {
    .name = "query",
    .summary = "SQL over the tables by name, with time travel",
    .arguments = "'SQL'",
    .examples = "varve query 'SELECT regime, count(*) FROM market_regimes GROUP BY 1'\n"
                "varve query 'SELECT count(*) FROM signals' --at -7d\n"
                "varve query -f report.sql --format json",
    .text =
        "One statement of DuckDB's SQL; the lake's tables are there by name. Each table is\n"
        "read at one version, fixed before the first row: the latest, or that of --at. SQL\n"
        "reads the lake alone: no files, no network.",
    VV_OPTIONS(options, struct query_values),
    .arguments_most = 1,
    .reads_at = true,
    .run = run,
};
