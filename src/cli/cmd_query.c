#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"

#define SQL_BYTES_MAX ((size_t)16 << 20)

struct query_values {
    const char *file;
    struct vv_list params;
};

/* The names and values of --param, in one piece of memory. */
struct params {
    char *bytes;
    const char **names;
    const char **values;
};

static void params_done(struct params *params)
{
    free(params->bytes);
    free(params->names);
    free(params->values);
}

static const struct vv_option options[] = {
    {.name = "file",
        .letter = 'f',
        .kind = VV_OPTION_TEXT,
        .value = "FILE",
        .help = "read the SQL from FILE (-: stdin)",
        .offset = offsetof(struct query_values, file)},
    {.name = "param",
        .kind = VV_OPTION_LIST,
        .value = "NAME=VALUE",
        .help = "the value of $NAME in the SQL; may be given several times",
        .offset = offsetof(struct query_values, params)},
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

/* "name=value" each; a value may hold anything, a name is what SQL takes behind `$`. */
static varve_status read_params(struct vv_cli *cli, const struct vv_list *list,
    struct params *out)
{
    size_t bytes = 1;
    for (size_t i = 0; i < list->len; i++)
        bytes += strlen(list->items[i]) + 1;
    out->bytes = vv_cli_alloc(bytes, 1);
    out->names = vv_cli_alloc(list->len + 1, sizeof(*out->names));
    out->values = vv_cli_alloc(list->len + 1, sizeof(*out->values));
    char *at = out->bytes;
    for (size_t i = 0; i < list->len; i++) {
        size_t len = strlen(list->items[i]);
        const char *equals = strchr(list->items[i], '=');
        if (equals == NULL || equals == list->items[i])
            return vv_error_set(&cli->error, VARVE_EUSAGE,
                "option --param: '%s' is not NAME=VALUE", list->items[i]);
        memcpy(at, list->items[i], len + 1);
        at[equals - list->items[i]] = '\0';
        out->names[i] = at;
        out->values[i] = at + (equals - list->items[i]) + 1;
        at += len + 1;
    }
    return VARVE_OK;
}

static varve_status run(struct vv_cli *cli, const void *given)
{
    const struct query_values *values = given;
    struct params params VV_CLEANUP(params_done) = {0};
    const char *sql = vv_cli_argument(cli, 0);
    struct vv_text text VV_CLEANUP(vv_text_done) = {0};
    struct ArrowArrayStream rows = {0};
    varve_query_options query = VARVE_QUERY_OPTIONS_INIT;
    if ((sql == NULL) == (values->file == NULL))
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "query: give the SQL in quotes, or a file with it (-f FILE)");
    if (sql == NULL)
        VV_TRY(read_file(cli, values->file, &text));
    VV_TRY(read_params(cli, &values->params, &params));
    query.at = cli->globals.at;
    query.param_names = params.names;
    query.param_values = params.values;
    query.params_len = values->params.len;
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
                "varve query 'SELECT count(*) FROM signals AT (VERSION => 1)'\n"
                "varve query 'FROM signals WHERE strategy_id = $s' --param s=iron_condor_1\n"
                "varve query -f report.sql --format json",
    .text = "DuckDB's SQL; the lake's tables are there by name. Each is read at one version,\n"
            "fixed before the first row: the latest, that of --at, or its own:\n"
            "    FROM signals AS s AT (VERSION => 5)\n"
            "    FROM signals AT (TIMESTAMP => '2025-01-15')     or now() - INTERVAL 1 DAY\n"
            "$NAME stands for the value of --param NAME=VALUE, as a text in quotes would. Of\n"
            "several statements the last one's rows are shown. SQL reads the lake alone: no\n"
            "files, no network.",
    VV_OPTIONS(options, struct query_values),
    .arguments_most = 1,
    .reads_at = true,
    .run = run,
};
