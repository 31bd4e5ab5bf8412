#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/shell.h"

struct no_values {
    char nothing;
};

static void shell_done(struct vv_shell *shell)
{
    for (size_t i = 0; i < shell->params_len; i++)
        free(shell->params[i]);
    free(shell->params);
    free(shell->at);
    free(shell->output);
    vv_text_done(&shell->pending);
}

/* A SIGINT at the prompt, or on the way to it, does what Ctrl-C does there: it gives up what was typed. */
static bool was_given_up(struct vv_shell *shell)
{
    if (vv_interrupt_signal() != SIGINT)
        return false;
    vv_interrupt_forget(SIGINT);
    vv_text_clear(&shell->pending);
    (void)printf("\n");
    return true;
}

static varve_status run_terminal(struct vv_shell *shell)
{
    struct vv_shell_edit *edit VV_CLEANUP(vv_shell_edit_close) = vv_shell_edit_open(shell);
    struct vv_text line VV_CLEANUP(vv_text_done) = {0};
    bool was_cancelled = false;
    if (edit == NULL)
        return vv_error_set(&shell->cli->error, VARVE_EFAILED,
            "shell: the terminal can't be used for editing");
    vv_say(shell->cli, "Varve %s, lake %s; .help lists commands, SQL ends with a semicolon",
        varve_version(), shell->cli->globals.lake);
    while (!shell->is_done) {
        bool has_line =
            vv_interrupt_signal() == 0 && vv_shell_edit_line(edit, &line, &was_cancelled);
        if (was_given_up(shell))
            continue;
        if (!has_line)
            break;
        if (was_cancelled)
            vv_text_clear(&shell->pending);
        else
            VV_TRY(vv_shell_take(shell, vv_text_chars(&line)));
    }
    if (!shell->is_done)
        (void)printf("\n");
    if (vv_interrupt_signal() == SIGTERM)
        return vv_interrupt_fail(&shell->cli->error);
    return VARVE_OK;
}

static varve_status run_pipe(struct vv_shell *shell)
{
    char *line = NULL;
    size_t capacity = 0;
    varve_status status = VARVE_OK;
    while (status == VARVE_OK && !shell->is_done && vv_interrupt_signal() == 0) {
        ssize_t len = getline(&line, &capacity, stdin);
        if (len < 0)
            break;
        if (len > 0 && line[len - 1] == '\n')
            line[len - 1] = '\0';
        status = vv_shell_take(shell, line);
    }
    free(line);
    if (status == VARVE_OK && vv_interrupt_signal() != 0)
        return vv_interrupt_fail(&shell->cli->error);
    return status == VARVE_OK ? vv_shell_finish(shell) : status;
}

static varve_status run(struct vv_cli *cli, const void *given)
{
    struct vv_shell shell VV_CLEANUP(shell_done) = {.cli = cli};
    (void)given;
    cli->is_shell = true;
    VV_TRY(vv_cli_open_lake(cli, false));
    shell.is_interactive = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    return shell.is_interactive ? run_terminal(&shell) : run_pipe(&shell);
}

const struct vv_command vv_cmd_shell = {
    .name = "shell",
    .summary = "SQL over the tables, interactively",
    .arguments = "",
    .examples = "varve shell\n"
                "echo 'SELECT count(*) FROM signals;' | varve shell",
    .text = "The SQL of `varve query`, with history, completion of tables and columns (Tab),\n"
            "statements over several lines, and commands that begin with a dot: .help lists\n"
            "them; help, quit and exit go without a dot. Each statement sees the newest\n"
            "rows, or those of --at, or what was known when `SET known_at = '...';` says.\n"
            "Ctrl-C gives up a statement that is not ended yet, or stops one that runs,\n"
            "Ctrl-D leaves. Where stdin is no terminal, statements\n"
            "are read from it, and the first that fails ends the run with its exit status.",
    .options_bytes = sizeof(struct no_values),
    .reads_at = true,
    .reads_known = true,
    .run = run,
};
