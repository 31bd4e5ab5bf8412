/* A command line taken apart by the tables of commands and options. */
#include "cli/option.h"

#include <stdlib.h>
#include <string.h>

#define OPTIONS_NAMED_MAX 4 /* the rest is in the help */

struct parser {
    int argc;
    char *const *argv;
    int at;
    const struct vv_command *const *commands;
    size_t commands_len;
    const struct vv_option_set *globals;
    struct vv_option_set own; /* of the command, once it is known */
    struct vv_parsed *out;
    varve_error *err;
};

static const char *next_command(const void *data, size_t index)
{
    const struct parser *parser = data;
    return index < parser->commands_len ? parser->commands[index]->name : NULL;
}

/* The command's options first, then the global ones. */
static const char *next_option(const void *data, size_t index)
{
    const struct parser *parser = data;
    if (index < parser->own.len)
        return parser->own.options[index].name;
    index -= parser->own.len;
    return index < parser->globals->len ? parser->globals->options[index].name : NULL;
}

static varve_status take_command(struct parser *parser, const char *word)
{
    for (size_t i = 0; i < parser->commands_len; i++) {
        const struct vv_command *command = parser->commands[i];
        if (strcmp(command->name, word) != 0)
            continue;
        parser->out->command = command;
        parser->out->options = vv_cli_alloc(1, command->options_bytes);
        parser->own = (struct vv_option_set){
            command->options, command->options_len, parser->out->options, NULL};
        return VARVE_OK;
    }
    const char *nearest = vv_nearest(word, next_command, parser);
    if (nearest)
        return vv_error_set(parser->err, VARVE_EUSAGE,
            "unknown command '%s'; did you mean '%s'?", word, nearest);
    return vv_error_set(parser->err, VARVE_EUSAGE,
        "unknown command '%s'; varve help lists them", word);
}

/* What other programs call an option of ours; NULL: nothing is known of it. */
static const char *our_name(const struct parser *parser, const char *word)
{
    static const char *const words[][2] = {{"reason", "message"}, {"comment", "message"},
        {"author", "user"}, {"as-of", "at"}, {"asof", "at"}};
    for (size_t i = 0; i < VV_COUNT(words); i++)
        for (size_t j = 0; strcmp(words[i][0], word) == 0 && next_option(parser, j); j++)
            if (strcmp(next_option(parser, j), words[i][1]) == 0)
                return words[i][1];
    return NULL;
}

static varve_status unknown_option(struct parser *parser, const char *name, size_t len)
{
    struct vv_text word VV_CLEANUP(vv_text_done) = {0};
    vv_text_add(&word, name, len);
    const char *command = parser->out->command ? parser->out->command->name : NULL;
    const char *nearest = our_name(parser, vv_text_chars(&word));
    if (nearest == NULL)
        nearest = vv_nearest(vv_text_chars(&word), next_option, parser);
    if (nearest)
        return vv_error_set(parser->err, VARVE_EUSAGE,
            "unknown option --%s; did you mean --%s?", vv_text_chars(&word), nearest);
    return vv_error_set(parser->err, VARVE_EUSAGE,
        "unknown option --%s; varve%s%s --help lists the options", vv_text_chars(&word),
        command ? " " : "", command ? command : "");
}

static const struct vv_option *find_letter(const struct vv_option_set *set, char letter)
{
    for (size_t i = 0; i < set->len; i++)
        if (set->options[i].letter == letter)
            return &set->options[i];
    return NULL;
}

/*
 * Of two conditions the last one would silently be the only one. Global options may be repeated, so
 * that an alias can be overruled.
 */
static varve_status check_once(const struct parser *parser, const struct vv_option_set *set,
    const struct vv_option *option)
{
    if (set != &parser->own || option->kind != VV_OPTION_TEXT)
        return VARVE_OK;
    const char *const *place = (const void *)((const char *)set->values + option->offset);
    return *place == NULL
               ? VARVE_OK
               : vv_error_set(parser->err, VARVE_EUSAGE,
                     "option --%s is there twice, and takes one value", option->name);
}

/* The value behind the '=' or in the next argument. */
static varve_status take_value(struct parser *parser, const struct vv_option_set *set,
    const struct vv_option *option, const char *attached)
{
    VV_TRY(check_once(parser, set, option));
    if (option->kind == VV_OPTION_FLAG || attached)
        return vv_option_set_value(set, option, attached, parser->err);
    const char *value = parser->at + 1 < parser->argc ? parser->argv[parser->at + 1] : NULL;
    if (option->implied && (value == NULL || !vv_option_has_choice(option, value)))
        return vv_option_set_value(set, option, option->implied, parser->err);
    if (value == NULL)
        return vv_error_set(parser->err, VARVE_EUSAGE, "option --%s needs a value: --%s %s",
            option->name, option->name, option->value);
    if (strncmp(value, "--", 2) == 0) {
        /* What begins as PEM does is a key, which no message repeats. */
        const char *shown = strncmp(value, "-----", 5) == 0 ? "-----..." : value;
        return vv_error_set(parser->err, VARVE_EUSAGE,
            "option --%s needs a value; write --%s=%s if '%s' is meant to be it", option->name,
            option->name, shown, shown);
    }
    parser->at++;
    return vv_option_set_value(set, option, value, parser->err);
}

static varve_status take_long(struct parser *parser, const char *name)
{
    size_t len = strcspn(name, "=");
    const char *attached = name[len] == '=' ? name + len + 1 : NULL;
    const struct vv_option_set *set = &parser->own;
    const struct vv_option *option = vv_option_find(set->options, set->len, name, len);
    if (option == NULL) {
        set = parser->globals;
        option = vv_option_find(set->options, set->len, name, len);
    }
    if (option == NULL)
        return unknown_option(parser, name, len);
    return take_value(parser, set, option, attached);
}

/* "-o FILE", "-oFILE"; letters are not gathered. */
static varve_status take_short(struct parser *parser, const char *argument)
{
    const struct vv_option_set *set = &parser->own;
    const struct vv_option *option = find_letter(set, argument[1]);
    if (option == NULL) {
        set = parser->globals;
        option = find_letter(set, argument[1]);
    }
    bool has_tail = argument[2] != '\0';
    if (option == NULL || (has_tail && option->kind == VV_OPTION_FLAG))
        return vv_error_set(parser->err, VARVE_EUSAGE, "unknown option %s", argument);
    return take_value(parser, set, option, has_tail ? argument + 2 : NULL);
}

varve_status vv_command_line_parse(int argc, char *const *argv,
    const struct vv_command *const *commands, size_t commands_len,
    const struct vv_option_set *globals, struct vv_parsed *out, varve_error *err)
{
    struct parser parser = {.argc = argc,
        .argv = argv,
        .commands = commands,
        .commands_len = commands_len,
        .globals = globals,
        .out = out,
        .err = err};
    bool options_end = false;
    *out = (struct vv_parsed){0};
    out->arguments = vv_cli_alloc((size_t)argc + 1, sizeof(*out->arguments));
    for (parser.at = 1; parser.at < argc; parser.at++) {
        const char *argument = argv[parser.at];
        if (!options_end && strcmp(argument, "--") == 0)
            options_end = true;
        else if (!options_end && strncmp(argument, "--", 2) == 0)
            VV_TRY(take_long(&parser, argument + 2));
        else if (!options_end && argument[0] == '-' && argument[1] != '\0')
            VV_TRY(take_short(&parser, argument));
        else if (out->command == NULL)
            VV_TRY(take_command(&parser, argument));
        else
            out->arguments[out->arguments_len++] = argument;
    }
    return VARVE_OK;
}

void vv_parsed_done(struct vv_parsed *parsed)
{
    if (parsed->command)
        vv_options_done(parsed->command->options, parsed->command->options_len,
            parsed->options);
    free(parsed->options);
    free(parsed->arguments);
    *parsed = (struct vv_parsed){0};
}

/* " [--version N] [--yes] ...": an argument too many is mostly the value of one of them. */
static void add_options(struct vv_text *text, const struct vv_command *command)
{
    size_t len =
        command->options_len < OPTIONS_NAMED_MAX ? command->options_len : OPTIONS_NAMED_MAX;
    for (size_t i = 0; i < len; i++) {
        const struct vv_option *option = &command->options[i];
        bool has_value = option->kind != VV_OPTION_FLAG;
        vv_text_addf(text, " [--%s%s%s]", option->name, has_value ? " " : "",
            has_value ? option->value : "");
    }
    if (len < command->options_len)
        vv_text_adds(text, " ...");
}

varve_status vv_arguments_check(const struct vv_parsed *parsed, varve_error *err)
{
    const struct vv_command *command = parsed->command;
    if (parsed->arguments_len < command->arguments_least)
        return vv_error_set(err, VARVE_EUSAGE, "%s: something is missing: varve %s %s",
            command->name, command->name, command->arguments);
    if (parsed->arguments_len <= command->arguments_most)
        return VARVE_OK;
    struct vv_text usage VV_CLEANUP(vv_text_done) = {0};
    vv_text_addf(&usage, "varve %s%s%s", command->name, *command->arguments ? " " : "",
        command->arguments);
    add_options(&usage, command);
    return vv_error_set(err, VARVE_EUSAGE, "%s: '%s' is one argument too many: %s",
        command->name, parsed->arguments[command->arguments_most], vv_text_chars(&usage));
}
