#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/query_run.h"
#include "cli/sql_split.h"
#include "varve/explain.h"

#define SQL_BYTES_MAX ((size_t)16 << 20)

/* The names, values and types of --param, in one piece of memory. */
struct params {
    char *bytes;
    const char **names;
    const char **values;
    const char **types; /* NULL: not said */
};

static void params_done(struct params *params)
{
    free(params->bytes);
    free(params->names);
    free(params->values);
    free(params->types);
}

varve_status vv_read_file(struct vv_cli *cli, const char *option, const char *path,
    struct vv_text *out)
{
    char piece[4096];
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(path, "re");
    if (file == NULL && vv_interrupt_signal() != 0)
        return vv_interrupt_fail(&cli->error);
    if (file == NULL)
        return vv_error_set(&cli->error, errno == ENOENT ? VARVE_ENOTFOUND : VARVE_EIO,
            "%s: cannot open %s: %s", option, path, vv_errno_text(errno));
    for (size_t len = 1; len > 0 && out->len <= SQL_BYTES_MAX && vv_interrupt_signal() == 0;) {
        len = fread(piece, 1, sizeof(piece), file);
        vv_text_add(out, piece, len);
    }
    bool failed = ferror(file) != 0;
    if (!is_stdin)
        (void)fclose(file);
    if (vv_interrupt_signal() != 0)
        return vv_interrupt_fail(&cli->error);
    if (failed)
        return vv_error_set(&cli->error, VARVE_EIO, "%s: cannot read %s", option, path);
    if (out->len > SQL_BYTES_MAX)
        return vv_error_set(&cli->error, VARVE_ELIMIT, "%s: %s is too long", option, path);
    if (strlen(vv_text_chars(out)) != out->len)
        return vv_error_set(&cli->error, VARVE_EUSAGE, "%s: %s holds a NUL byte: it is no text",
            option, path);
    return VARVE_OK;
}

/* Names are those of SQL, which knows no case. */
static bool has_name(const struct params *params, size_t len, const char *name)
{
    for (size_t i = 0; i < len; i++)
        if (strcasecmp(params->names[i], name) == 0)
            return true;
    return false;
}

/* "name=value" or "name:type=value" each; a value may hold anything, a name is what SQL takes behind `$`. */
static varve_status read_params(struct vv_cli *cli, const char *const *items, size_t items_len,
    struct params *out)
{
    size_t bytes = 1;
    for (size_t i = 0; i < items_len; i++)
        bytes += strlen(items[i]) + 1;
    out->bytes = vv_cli_alloc(bytes, 1);
    out->names = vv_cli_alloc(items_len + 1, sizeof(*out->names));
    out->values = vv_cli_alloc(items_len + 1, sizeof(*out->values));
    out->types = vv_cli_alloc(items_len + 1, sizeof(*out->types));
    char *at = out->bytes;
    for (size_t i = 0; i < items_len; i++) {
        size_t len = strlen(items[i]);
        const char *equals = strchr(items[i], '=');
        if (equals == NULL || equals == items[i])
            return vv_error_set(&cli->error, VARVE_EUSAGE,
                "parameter '%s' is not NAME=VALUE or NAME:TYPE=VALUE", items[i]);
        memcpy(at, items[i], len + 1);
        at[equals - items[i]] = '\0';
        out->names[i] = at;
        out->values[i] = at + (equals - items[i]) + 1;
        char *colon = strchr(at, ':');
        out->types[i] = colon ? colon + 1 : NULL;
        if (colon)
            *colon = '\0';
        if (has_name(out, i, at))
            return vv_error_set(&cli->error, VARVE_EUSAGE,
                "parameter %s is there twice, and has one value", at);
        at += len + 1;
    }
    return VARVE_OK;
}

static bool begins(const char *begin, size_t left, const char *word)
{
    size_t len = strlen(word);
    return left > len && strncasecmp(begin, word, len) == 0 &&
           !isalnum((unsigned char)begin[len]) && begin[len] != '_';
}

static bool is_setting(const char *begin, size_t left)
{
    return begins(begin, left, "SET") || begins(begin, left, "RESET");
}

/* The last statement, and how many there are that have rows to be shown. */
struct script {
    const char *last;
    size_t last_len;
    size_t answers;
};

static struct script read_script(const char *sql)
{
    struct script script = {sql, 0, 0};
    size_t left = strlen(sql);
    while (!vv_sql_is_blank(sql, left)) {
        size_t end = vv_sql_statement_end(sql, left);
        script.last = vv_sql_blank_end(sql, left);
        script.last_len = (size_t)(sql + left - script.last);
        script.answers += is_setting(script.last, script.last_len) ? 0 : 1;
        if (end == 0)
            break;
        sql += end;
        left -= end;
    }
    return script;
}

bool vv_query_is_setting(const char *sql)
{
    struct script script = read_script(sql);
    return is_setting(script.last, script.last_len);
}

/* Formats that are read by the names of the columns; the others show them as they are. */
static bool wants_own_names(const struct vv_cli *cli)
{
    enum vv_format format = vv_show_format(cli);
    return format == VV_FORMAT_JSON || format == VV_FORMAT_NDJSON ||
           format == VV_FORMAT_PARQUET || format == VV_FORMAT_ARROW;
}

varve_status vv_query_show(struct vv_cli *cli, const char *sql, const struct vv_query_run *run)
{
    struct params params VV_CLEANUP(params_done) = {0};
    struct ArrowArrayStream rows = {0};
    varve_query_options query = VARVE_QUERY_OPTIONS_INIT;
    char *plan = NULL;
    VV_TRY(read_params(cli, run->params, run->params_len, &params));
    query.at = cli->globals.at;
    query.param_names = params.names;
    query.param_values = params.values;
    query.params_len = run->params_len;
    query.param_types = params.types;
    query.own_names = wants_own_names(cli) ? 1 : 0;
    /* In a box the plan would be one cell. */
    bool is_box = vv_show_format(cli) == VV_FORMAT_BOX;
    struct script script = read_script(sql);
    if (is_setting(script.last, script.last_len)) {
        VV_TRY(varve_lake_query(cli->lake, sql, &query, &rows, &cli->error));
        rows.release(&rows);
        return VARVE_OK;
    }
    if (run->explain || (is_box && begins(script.last, script.last_len, "EXPLAIN"))) {
        VV_TRY(varve_lake_explain(cli->lake, sql, &query, &rows, &plan, &cli->error));
        return vv_show_plan(cli, &rows, plan, run->out_rows);
    }
    VV_TRY(varve_lake_query(cli->lake, sql, &query, &rows, &cli->error));
    VV_TRY(vv_show_rows(cli, &rows,
        &(struct vv_show){.box_keeps_ends = true, .plot_line = true}, run->out_rows));
    if (script.answers > 1)
        vv_say(cli, "%zu statements: the rows are those of the last one", script.answers);
    return VARVE_OK;
}
