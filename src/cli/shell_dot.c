/* The commands of the shell that are no SQL. */
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/query_run.h"
#include "cli/shell.h"

#define READ_DEPTH_MAX 16

struct dot_command {
    const char *name;
    const char *arguments;
    const char *help;
    varve_status (*run)(struct vv_shell *shell, const char *argument);
};

static char *copy_of(const char *chars)
{
    char *copy = vv_cli_alloc(strlen(chars) + 1, 1);
    memcpy(copy, chars, strlen(chars) + 1);
    return copy;
}

/* One of the program's commands, with at most one argument and without options. */
static varve_status run_command(struct vv_shell *shell, const struct vv_command *command,
    const char *argument)
{
    struct vv_parsed line = shell->cli->line;
    const char *arguments[] = {argument};
    void *options = vv_cli_alloc(command->options_bytes, 1);
    shell->cli->line = (struct vv_parsed){.command = command,
        .options = options,
        .arguments = arguments,
        .arguments_len = *argument ? 1 : 0};
    varve_status status = vv_arguments_check(&shell->cli->line, &shell->cli->error);
    if (status == VARVE_OK)
        status = command->run(shell->cli, options);
    shell->cli->line = line;
    free(options);
    return status;
}

static varve_status run_tables(struct vv_shell *shell, const char *argument)
{
    return run_command(shell, &vv_cmd_tables, argument);
}

static varve_status run_schema(struct vv_shell *shell, const char *argument)
{
    struct vv_names tables VV_CLEANUP(vv_names_done) = {0};
    if (*argument)
        return run_command(shell, &vv_cmd_describe, argument);
    vv_names_of_lake(shell->cli->lake, &tables);
    for (size_t i = 0; i < tables.len; i++)
        VV_TRY(run_command(shell, &vv_cmd_describe, tables.items[i]));
    return VARVE_OK;
}

static varve_status run_history(struct vv_shell *shell, const char *argument)
{
    return run_command(shell, &vv_cmd_history, argument);
}

static varve_status run_known_at(struct vv_shell *shell, const char *argument)
{
    bool is_off = strcmp(argument, "off") == 0;
    if (*argument == '\0')
        return vv_error_set(&shell->cli->error, VARVE_EUSAGE, ".known-at TIME, or off");
    VV_TRY(vv_cli_open_lake(shell->cli, false));
    return varve_lake_known_at(shell->cli->lake, is_off ? NULL : argument, &shell->cli->error);
}

/* Only what can be read on a screen. */
static varve_status run_mode(struct vv_shell *shell, const char *argument)
{
    static const char *const modes[] = {"box", "csv", "json", "ndjson", "markdown", "plot"};
    bool is_known = false;
    for (size_t i = 0; i < VV_COUNT(modes); i++)
        is_known = is_known || strcmp(modes[i], argument) == 0;
    if (!is_known)
        return vv_error_set(&shell->cli->error, VARVE_EUSAGE,
            ".mode: box, csv, json, ndjson, markdown or plot, not '%s'; the other formats are "
            "for files: varve query -o FILE",
            argument);
    struct vv_cli *cli = shell->cli;
    struct vv_option_set set = {vv_global_options, vv_global_options_len, &cli->said, NULL};
    const struct vv_option *option =
        vv_option_find(vv_global_options, vv_global_options_len, "format", strlen("format"));
    VV_TRY(vv_option_set_value(&set, option, argument, &cli->error));
    cli->globals.format = cli->said.format;
    return VARVE_OK;
}

static varve_status run_timer(struct vv_shell *shell, const char *argument)
{
    if (strcmp(argument, "on") != 0 && strcmp(argument, "off") != 0)
        return vv_error_set(&shell->cli->error, VARVE_EUSAGE, ".timer: on or off");
    shell->has_timer = strcmp(argument, "on") == 0;
    return VARVE_OK;
}

/* ".explain on|off", or one statement: ".explain SELECT ..." */
static varve_status run_explain(struct vv_shell *shell, const char *argument)
{
    bool is_on = strcmp(argument, "on") == 0;
    if (is_on || strcmp(argument, "off") == 0) {
        shell->has_explain = is_on;
        return VARVE_OK;
    }
    if (*argument == '\0')
        return vv_error_set(&shell->cli->error, VARVE_EUSAGE,
            ".explain: a statement, or on or off; now %s", shell->has_explain ? "on" : "off");
    bool was_on = shell->has_explain;
    shell->has_explain = true;
    varve_status status = vv_shell_statement(shell, argument);
    shell->has_explain = was_on;
    return status;
}

/* The rows of the next statement; one file holds what one statement gives. */
static varve_status run_output(struct vv_shell *shell, const char *argument)
{
    char *old = shell->output;
    if (*argument == '\0')
        return vv_error_set(&shell->cli->error, VARVE_EUSAGE,
            ".output: the name of a file, or off; now %s", old ? old : "off");
    shell->output = strcmp(argument, "off") == 0 ? NULL : copy_of(argument);
    free(old);
    return VARVE_OK;
}

/* What begins with a letter and is not "now" is a tag. By one that no table has all would be empty. */
static varve_status check_tag(struct vv_shell *shell, const char *name)
{
    struct vv_names tags VV_CLEANUP(vv_names_done) = {0};
    struct vv_text known VV_CLEANUP(vv_text_done) = {0};
    struct vv_cli *cli = shell->cli;
    bool is_letter = (*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z');
    if (!is_letter || strcasecmp(name, "now") == 0 || strcmp(name, "off") == 0)
        return VARVE_OK;
    VV_TRY(vv_cli_open_lake(cli, false));
    VV_TRY(vv_names_of_tags(cli->lake, &tags, &cli->error));
    for (size_t i = 0; i < tags.len; i++) {
        if (strcmp(tags.items[i], name) == 0)
            return VARVE_OK;
        vv_text_addf(&known, "%s%s", i > 0 ? ", " : "", tags.items[i]);
    }
    return vv_error_set(&cli->error, VARVE_ENOTFOUND,
        ".at: '%s' is no version (5), no time (now, -2h) and no tag: %s%s", name,
        tags.len > 0 ? "tags are " : "there are none", vv_text_chars(&known));
}

static varve_status run_at(struct vv_shell *shell, const char *argument)
{
    if (*argument == '\0')
        return vv_error_set(&shell->cli->error, VARVE_EUSAGE,
            ".at: a version, a time, a tag or off; now %s",
            shell->cli->globals.at ? shell->cli->globals.at : "off");
    VV_TRY(check_tag(shell, argument));
    free(shell->at);
    shell->at = strcmp(argument, "off") == 0 ? NULL : copy_of(argument);
    shell->cli->globals.at = shell->at;
    return VARVE_OK;
}

/* ".param" shows all, ".param a=1" sets one, ".param a=" makes it the empty text. */
static varve_status run_param(struct vv_shell *shell, const char *argument)
{
    size_t name_len = strcspn(argument, "=");
    if (*argument == '\0') {
        for (size_t i = 0; i < shell->params_len; i++)
            vv_say(shell->cli, "%s", shell->params[i]);
        return VARVE_OK;
    }
    if (argument[name_len] != '=' || name_len == 0)
        return vv_error_set(&shell->cli->error, VARVE_EUSAGE, ".param: NAME=VALUE");
    for (size_t i = 0; i < shell->params_len; i++) {
        if (strncmp(shell->params[i], argument, name_len + 1) != 0)
            continue;
        free(shell->params[i]);
        shell->params[i] = copy_of(argument);
        return VARVE_OK;
    }
    shell->params =
        vv_cli_realloc(shell->params, (shell->params_len + 1) * sizeof(*shell->params));
    shell->params[shell->params_len++] = copy_of(argument);
    return VARVE_OK;
}

/* Lines of a file as if they had been typed; the first failure ends it. */
static varve_status run_read(struct vv_shell *shell, const char *argument)
{
    struct vv_text text VV_CLEANUP(vv_text_done) = {0};
    struct vv_shell inner = *shell;
    varve_status status = VARVE_OK;
    if (*argument == '\0' || shell->depth >= READ_DEPTH_MAX)
        return vv_error_set(&shell->cli->error, VARVE_EUSAGE, "%s",
            *argument ? ".read: files that read each other are nested too deep"
                      : ".read: the name of a file");
    VV_TRY(vv_read_file(shell->cli, ".read", argument, &text));
    inner.is_interactive = false;
    inner.depth++;
    (void)vv_text_chars(&text); /* ends it */
    char *rest = text.ptr;
    while (status == VARVE_OK && rest != NULL && !inner.is_done) {
        char *line = strsep(&rest, "\n");
        status = vv_shell_take(&inner, line);
    }
    if (status == VARVE_OK)
        status = vv_shell_finish(&inner);
    bool is_interactive = shell->is_interactive;
    int depth = shell->depth;
    *shell = inner;
    shell->is_interactive = is_interactive;
    shell->depth = depth;
    vv_text_clear(&shell->pending);
    return status;
}

static varve_status run_help(struct vv_shell *shell, const char *argument);

static varve_status run_quit(struct vv_shell *shell, const char *argument)
{
    (void)argument;
    shell->is_done = true;
    return VARVE_OK;
}

static const struct dot_command dot_commands[] = {
    {".tables", "", "the tables of the lake", run_tables},
    {".schema", "[TABLE]", "columns, key and properties", run_schema},
    {".history", "TABLE", "who did what when", run_history},
    {".mode", "FORMAT", "box, csv, json, ndjson, markdown or plot", run_mode},
    {".output", "FILE|off", "write the rows of the next statement to a file", run_output},
    {".explain", "SQL|on|off", "tell which files a statement reads, and how", run_explain},
    {".timer", "on|off", "tell how long each statement took", run_timer},
    {".at", "VERSION|TIME|TAG|off", "read the tables as they were then", run_at},
    {".known-at", "TIME|off", "read each table as it was known then", run_known_at},
    {".param", "[NAME=VALUE]", "set the value of $NAME, or list them", run_param},
    {".read", "FILE", "run the lines of a file", run_read},
    {".help", "", "this list", run_help},
    {".quit", "", "leave; so do quit, exit and Ctrl-D", run_quit},
};

static varve_status run_help(struct vv_shell *shell, const char *argument)
{
    struct vv_text text VV_CLEANUP(vv_text_done) = {0};
    (void)argument;
    for (size_t i = 0; i < VV_COUNT(dot_commands); i++)
        vv_text_addf(&text, "%-9s %-20s %s\n", dot_commands[i].name, dot_commands[i].arguments,
            dot_commands[i].help);
    vv_text_adds(&text,
        "SQL ends with a semicolon and may have many lines. Tab completes, "
        "Ctrl-C gives up a statement\nthat is not ended yet, or stops one that runs.\n");
    return vv_show_text(shell->cli, text.ptr, text.len);
}

const char *vv_shell_dot_name(size_t index)
{
    return index < VV_COUNT(dot_commands) ? dot_commands[index].name : NULL;
}

const char *vv_shell_dot_of(const char *line)
{
    static const char *const words[][2] = {
        {"help", ".help"}, {"quit", ".quit"}, {"exit", ".quit"}};
    line += strspn(line, " \t");
    size_t len = strcspn(line, " \t\r;");
    for (size_t i = 0; i < VV_COUNT(dot_commands); i++)
        if (strlen(dot_commands[i].name) == len && memcmp(dot_commands[i].name, line, len) == 0)
            return dot_commands[i].name;
    if (line[len + strspn(line + len, " \t\r;")] != '\0')
        return NULL; /* a word of a statement */
    for (size_t i = 0; i < VV_COUNT(words); i++)
        if (strlen(words[i][0]) == len && strncasecmp(words[i][0], line, len) == 0)
            return words[i][1];
    return NULL;
}

static const char *next_name(const void *data, size_t index)
{
    (void)data;
    return vv_shell_dot_name(index);
}

varve_status vv_shell_dot(struct vv_shell *shell, const char *line)
{
    struct vv_text argument VV_CLEANUP(vv_text_done) = {0};
    struct vv_text name VV_CLEANUP(vv_text_done) = {0};
    size_t name_len = strcspn(line, " \t\r");
    const char *rest = line + name_len + strspn(line + name_len, " \t\r");
    size_t len = strlen(rest);
    while (len > 0 && strchr(" \t\r;", rest[len - 1]) != NULL)
        len--;
    vv_text_add(&argument, rest, len);
    vv_text_add(&name, line, name_len);
    for (size_t i = 0; i < VV_COUNT(dot_commands); i++)
        if (strcmp(dot_commands[i].name, vv_text_chars(&name)) == 0)
            return dot_commands[i].run(shell, vv_text_chars(&argument));
    const char *nearest = vv_nearest(vv_text_chars(&name), next_name, NULL);
    return vv_error_set(&shell->cli->error, VARVE_EUSAGE,
        "unknown command '%s'%s%s%s; .help lists them", vv_text_chars(&name),
        nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
}
