#include "cli/shell.h"

#include <ctype.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/query_run.h"
#include "cli/sql_split.h"

static int64_t now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* In an interactive shell a failure is told and over, and so is Ctrl-C, in the pager too. */
static varve_status settle(struct vv_shell *shell, varve_status status)
{
    vv_progress_clear(shell->cli);
    if (!shell->is_interactive)
        return status;
    if (vv_interrupt_signal() == SIGTERM)
        return vv_interrupt_fail(&shell->cli->error);
    if (status != VARVE_OK)
        vv_report_error(&shell->cli->error);
    vv_interrupt_forget(SIGINT);
    return VARVE_OK;
}

/* Whether a statement speaks of the parameter "NAME=VALUE", at least in a string or a comment. */
static bool has_param(const char *sql, const char *param)
{
    size_t len = strcspn(param, ":=");
    for (const char *at = strchr(sql, '$'); at; at = strchr(at + 1, '$')) {
        char next = strncmp(at + 1, param, len) == 0 ? at[1 + len] : 'x';
        if (!isalnum((unsigned char)next) && next != '_')
            return true;
    }
    return false;
}

/* Shows the rows where .output says, once. */
static varve_status run_query(struct vv_shell *shell, const char *sql,
    const struct vv_query_run *run)
{
    struct vv_globals *globals = &shell->cli->globals;
    const char *output = globals->output;
    if (shell->output == NULL || vv_query_is_setting(sql))
        return vv_query_show(shell->cli, sql, run);
    globals->output = shell->output;
    varve_status status = vv_query_show(shell->cli, sql, run);
    globals->output = output;
    if (status != VARVE_OK)
        return status;
    vv_say(shell->cli, "%" PRId64 " row%s written to %s", *run->out_rows,
        vv_text_plural(*run->out_rows), shell->output);
    free(shell->output);
    shell->output = NULL;
    return VARVE_OK;
}

varve_status vv_shell_statement(struct vv_shell *shell, const char *sql)
{
    int64_t begin_us = now_us(), rows = 0;
    const char **params = vv_cli_alloc(shell->params_len + 1, sizeof(*params));
    size_t params_len = 0;
    for (size_t i = 0; i < shell->params_len; i++)
        if (has_param(sql, shell->params[i]))
            params[params_len++] = shell->params[i];
    const struct vv_query_run run = {params, params_len, shell->has_explain, &rows};
    varve_status status = run_query(shell, sql, &run);
    free(params);
    if (status == VARVE_OK && shell->has_timer)
        vv_say(shell->cli, "%.1f ms", (double)(now_us() - begin_us) / 1000);
    return status;
}

/* Runs what is whole in `pending`; `all`: what is left counts as whole. */
static varve_status run_pending(struct vv_shell *shell, bool all)
{
    struct vv_text sql VV_CLEANUP(vv_text_done) = {0};
    struct vv_text *pending = &shell->pending;
    size_t begin = 0;
    varve_status status = VARVE_OK;
    while (status == VARVE_OK && begin < pending->len) {
        const char *rest = pending->ptr + begin;
        size_t len = vv_sql_statement_end(rest, pending->len - begin);
        if (len == 0 && !all)
            break;
        if (len == 0)
            len = pending->len - begin;
        vv_text_clear(&sql);
        vv_text_add(&sql, rest, len);
        begin += len;
        if (!vv_sql_is_blank(vv_text_chars(&sql), sql.len))
            status = settle(shell, vv_shell_statement(shell, vv_text_chars(&sql)));
    }
    if (begin > 0) {
        memmove(pending->ptr, pending->ptr + begin, pending->len - begin);
        pending->len -= begin;
    }
    if (vv_sql_is_blank(vv_text_chars(pending), pending->len))
        vv_text_clear(pending);
    return status;
}

/* In SQL a dot may begin a line, so there the line stays what it would be in a file. */
static void tell_way_out(const struct vv_shell *shell, const char *command)
{
    vv_say(shell->cli,
        "this line goes on with the statement above it: a semicolon ends that, Ctrl-C gives it "
        "up, then %s works",
        command);
}

varve_status vv_shell_take(struct vv_shell *shell, const char *line)
{
    const char *command = vv_shell_dot_of(line);
    const char *begin = line + strspn(line, " \t");
    if (shell->pending.len == 0 && (command || *begin == '.'))
        return settle(shell, vv_shell_dot(shell, *begin == '.' ? begin : command));
    vv_text_adds(&shell->pending, line);
    vv_text_addc(&shell->pending, '\n');
    varve_status status = run_pending(shell, false);
    if (command && shell->is_interactive && shell->pending.len > 0)
        tell_way_out(shell, command);
    return status;
}

varve_status vv_shell_finish(struct vv_shell *shell)
{
    return run_pending(shell, true);
}
