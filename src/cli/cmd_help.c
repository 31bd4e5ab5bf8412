#include "cli/commands.h"

struct values {
    bool man;
};

static const struct vv_option options[] = {
    {.name = "man",
        .kind = VV_OPTION_FLAG,
        .help = "all of it as a manual page, in roff",
        .offset = offsetof(struct values, man)},
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
    const struct values *values = given;
    if (name && command == NULL) {
        const char *nearest = vv_nearest(name, next_command, NULL);
        return vv_error_set(&cli->error, VARVE_EUSAGE, "unknown command '%s'%s%s%s", name,
            nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
    }
    if (values->man)
        vv_help_man(&text);
    else if (command)
        vv_help_command(command, &text);
    else
        vv_help_overview(&text, true);
    return vv_show_text(cli, text.ptr, text.len);
}

const struct vv_command vv_cmd_help = {
    .name = "help",
    .summary = "this overview, or all about one command",
    .arguments = "[COMMAND]",
    .examples = "varve help upsert\n"
                "varve help --man > varve.1",
    .text = "The same as varve COMMAND --help.",
    VV_OPTIONS(options, struct values),
    .arguments_most = 1,
    .form = VV_FORM_WORDS,
    .run = run,
};
