/*
 * The command `varve`: a user of libvarve like any other. The exit status is the status code of
 * what was asked for.
 */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"

#define LAKE_DEFAULT "data/lake"

static varve_status show_help(struct vv_cli *cli)
{
    struct vv_text text VV_CLEANUP(vv_text_done) = {0};
    if (cli->line.command)
        vv_help_command(cli->line.command, &text);
    else
        vv_help_overview(&text, true);
    return vv_show_text(cli, text.ptr, text.len);
}

static varve_status show_version(struct vv_cli *cli)
{
    struct vv_text text VV_CLEANUP(vv_text_done) = {0};
    vv_text_addf(&text, "varve %s\n", varve_version());
    return vv_show_text(cli, text.ptr, text.len);
}

/* What it was called without: the overview, as an error. */
static varve_status no_command(void)
{
    struct vv_text text VV_CLEANUP(vv_text_done) = {0};
    vv_help_overview(&text, false);
    (void)fwrite(text.ptr, 1, text.len, stderr);
    return VARVE_EUSAGE;
}

/* Command line over environment over configuration file over default. */
static varve_status read_globals(struct vv_cli *cli, int argc, char *const *argv, bool *given)
{
    struct vv_globals *globals = &cli->globals;
    struct vv_option_set set = {vv_global_options, vv_global_options_len, globals, given};
    VV_TRY(vv_command_line_parse(argc, argv, vv_commands, vv_commands_len, &set, &cli->line,
        &cli->error));
    cli->said = *globals;
    VV_TRY(vv_options_from_environment(&set, &cli->error));
    if (globals->config)
        VV_TRY(vv_options_from_file(&set, globals->config, &cli->config, &cli->error));
    if (globals->lake == NULL)
        globals->lake = LAKE_DEFAULT;
    cli->progress.on = isatty(STDERR_FILENO) && !globals->quiet && !globals->no_progress;
    return VARVE_OK;
}

/* --at and --known-at: one of them, to a command that reads rows of an earlier time. */
static varve_status settle_when(struct vv_cli *cli, const struct vv_command *command)
{
    const struct vv_globals *said = &cli->said;
    struct vv_globals *globals = &cli->globals;
    bool is_known_idle = said->known_at && !command->reads_known;
    if (is_known_idle || (said->at && !command->reads_at))
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "option --%s means nothing to %s: it does not read rows of an earlier time",
            is_known_idle ? "known-at" : "at", command->name);
    /* Of a default and what the command line says the latter counts. */
    if (!command->reads_known || said->at)
        globals->known_at = said->known_at;
    if (!command->reads_at || said->known_at)
        globals->at = said->at;
    if (globals->known_at && globals->at)
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "--at and --known-at both say when: give one of them");
    return VARVE_OK;
}

static bool sums_up(const struct vv_cli *cli, const struct vv_command *command)
{
    const char *first = vv_cli_argument(cli, 0);
    const struct vv_option verbs = {.choices = command->sums_up};
    return command->sums_up != NULL &&
           (*command->sums_up == '\0' || (first && vv_option_has_choice(&verbs, first)));
}

/* What the command line says of the form of the result is heeded, or refused. */
static varve_status settle_form(struct vv_cli *cli, const struct vv_command *command)
{
    const struct vv_globals *said = &cli->said;
    bool is_chart = said->format == VV_FORMAT_PLOT || said->format == VV_FORMAT_SVG;
    bool has_format = said->format != 0 && !is_chart;
    if (said->plot && (has_format || said->json))
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "--plot and --%s both say the form: give one of them",
            has_format ? "format" : "json");
    if (command->form != VV_FORM_ROWS)
        return vv_show_words(cli, command->form == VV_FORM_WORDS_OR_JSON);
    return sums_up(cli, command) ? vv_show_sum_up(cli) : VARVE_OK;
}

static varve_status run(struct vv_cli *cli)
{
    const struct vv_command *command = cli->line.command;
    if (cli->globals.help)
        return show_help(cli);
    if (command == NULL)
        return cli->globals.version ? show_version(cli) : no_command();
    VV_TRY(settle_when(cli, command));
    VV_TRY(settle_form(cli, command));
    VV_TRY(vv_arguments_check(&cli->line, &cli->error));
    return command->run(cli, cli->line.options);
}

/*
 * A standard descriptor that the caller has closed would be the number of the next file that is
 * opened, and what is said on stderr would go into a table. What has the number now can't be read as
 * stdin, nor written to as stdout or stderr: that fails as it does of a closed one.
 */
static void take_closed(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int main(int argc, char **argv)
{
    take_closed();
    struct vv_cli cli = {.program = argc > 0 ? argv[0] : "varve",
        .progress = {.lock = PTHREAD_MUTEX_INITIALIZER}};
    bool *given = vv_cli_alloc(vv_global_options_len, sizeof(*given));
    (void)setlocale(LC_CTYPE, "C.UTF-8"); /* for the widths of characters; nothing else */
    vv_interrupt_catch();
    cli.error.code = VARVE_OK;
    varve_status status = read_globals(&cli, argc, argv, given);
    if (status == VARVE_OK)
        status = run(&cli);
    vv_progress_clear(&cli);
    if (status != VARVE_OK && cli.error.code != VARVE_OK)
        vv_report_error(&cli.error);
    vv_interrupt_target(NULL);
    varve_lake_leave(cli.lake);
    vv_parsed_done(&cli.line);
    vv_text_done(&cli.config);
    free(given);
    return (int)status;
}
