#include "cli/commands.h"

struct no_values {
    char nothing;
};

static const char *next_command(const void *data, size_t index)
{
    (void)data;
    return index < vv_commands_len ? vv_commands[index]->name : NULL;
}

static varve_status run(struct vv_cli *cli, const void *given)
{
    struct vv_text text VV_CLEANUP(vv_text_done) = {0};
    const char *name = vv_cli_argument(cli, 0);
    const struct vv_command *command = name ? vv_command_find(name) : NULL;
    (void)given;
    if (name && command == NULL) {
        const char *nearest = vv_nearest(name, next_command, NULL);
        return vv_error_set(&cli->error, VARVE_EUSAGE, "unknown command '%s'%s%s%s", name,
            nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
    }
    if (command)
        vv_help_command(command, &text);
    else
        vv_help_overview(&text, true);
    return vv_show_text(cli, text.ptr, text.len);
}

const struct vv_command vv_cmd_help = {
    .name = "help",
    .summary = "this overview, or all about one command",
    .arguments = "[COMMAND]",
    .examples = "varve help upsert",
    .text = "The same as varve COMMAND --help.",
    .options_bytes = sizeof(struct no_values),
    .arguments_most = 1,
    .run = run,
};
