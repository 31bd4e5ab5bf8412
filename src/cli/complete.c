#include "cli/complete.h"

#include <string.h>

/* What the words before the cursor amount to. */
struct place {
    const struct vv_command *command; /* NULL: none yet */
    size_t arguments;                 /* of the command, that are there already */
    const struct vv_option *pending;  /* the last word is its value */
    bool options_end;
};

static const struct vv_option *find_option(const struct vv_command *command, const char *name,
    size_t len)
{
    const struct vv_option *option = NULL;
    if (command != NULL)
        option = vv_option_find(command->options, command->options_len, name, len);
    if (option == NULL)
        option = vv_option_find(vv_global_options, vv_global_options_len, name, len);
    return option;
}

static const struct vv_option *find_letter_in(const struct vv_option *options, size_t len,
    char letter)
{
    for (size_t i = 0; i < len; i++)
        if (options[i].letter == letter)
            return &options[i];
    return NULL;
}

/* The option that a word names: "--name", "--name=..." or "-n". */
static const struct vv_option *option_of(const struct vv_command *command, const char *word)
{
    const struct vv_option *option = NULL;
    if (word[0] != '-' || word[1] == '\0')
        return NULL;
    if (word[1] == '-')
        return find_option(command, word + 2, strcspn(word + 2, "="));
    if (command != NULL)
        option = find_letter_in(command->options, command->options_len, word[1]);
    return option ? option : find_letter_in(vv_global_options, vv_global_options_len, word[1]);
}

/* A word before the last: bash sets "=" apart from what it joins. */
static void pass_word(struct vv_cli *cli, struct place *place, const char *word)
{
    if (place->pending != NULL && strcmp(word, "=") == 0)
        return;
    if (place->pending != NULL) {
        if (strcmp(place->pending->name, "lake") == 0)
            cli->globals.lake = word;
        place->pending = NULL;
        return;
    }
    if (!place->options_end && strcmp(word, "--") == 0) {
        place->options_end = true;
        return;
    }
    if (!place->options_end && word[0] == '-' && word[1] != '\0') {
        const struct vv_option *option = option_of(place->command, word);
        bool has_value = strchr(word, '=') != NULL;
        if (option != NULL && option->kind != VV_OPTION_FLAG && !has_value)
            place->pending = option;
        if (option != NULL && has_value && strcmp(option->name, "lake") == 0)
            cli->globals.lake = strchr(word, '=') + 1;
        return;
    }
    if (place->command == NULL)
        place->command = vv_command_find(word);
    else
        place->arguments++;
}

/* Adds those of "a|b|c" that begin with `head`, each with `prefix` before it. */
static void add_choices(const char *choices, const char *head, const char *prefix,
    struct vv_names *out)
{
    struct vv_text word VV_CLEANUP(vv_text_done) = {0};
    for (const char *rest = choices; rest && *rest;) {
        size_t len = strcspn(rest, "|");
        vv_text_clear(&word);
        vv_text_adds(&word, prefix);
        vv_text_add(&word, rest, len);
        if (len >= strlen(head) && strncmp(rest, head, strlen(head)) == 0)
            vv_names_add(out, vv_text_chars(&word));
        rest += len + (rest[len] == '|' ? 1 : 0);
    }
}

static void add_tables(struct vv_cli *cli, const char *head, const char *prefix,
    struct vv_names *out)
{
    struct vv_names tables VV_CLEANUP(vv_names_done) = {0};
    varve_error ignored;
    if (varve_lake_open(cli->globals.lake, NULL, &cli->lake, &ignored) != VARVE_OK)
        return;
    vv_names_of_lake(cli->lake, &tables);
    for (size_t i = 0; i < tables.len; i++)
        add_choices(tables.items[i], head, prefix, out);
}

static void add_option_values(struct vv_cli *cli, const struct vv_option *option,
    const char *head, const char *prefix, struct vv_names *out)
{
    if (option->kind == VV_OPTION_CHOICE)
        add_choices(option->choices, head, prefix, out);
    else if (option->value && strcmp(option->value, "TABLE") == 0)
        add_tables(cli, head, prefix, out);
}

static void add_options(const struct vv_option *options, size_t len, const char *head,
    struct vv_names *out)
{
    struct vv_text word VV_CLEANUP(vv_text_done) = {0};
    for (size_t i = 0; i < len; i++) {
        vv_text_clear(&word);
        vv_text_addf(&word, "--%s", options[i].name);
        add_choices(vv_text_chars(&word), head, "", out);
    }
}

static void add_commands(const char *head, struct vv_names *out)
{
    for (size_t i = 0; i < vv_commands_len; i++)
        add_choices(vv_commands[i]->name, head, "", out);
}

/* By the word of the command's usage that describes this argument; the last may repeat. */
static void add_argument(struct vv_cli *cli, const struct place *place, const char *head,
    struct vv_names *out)
{
    const char *usage = place->command->arguments;
    for (size_t i = 0; i < place->arguments && strchr(usage, ' ') != NULL; i++)
        usage = strchr(usage, ' ') + 1;
    usage += usage[0] == '[' ? 1 : 0;
    size_t len = strcspn(usage, " .]");
    if (len == 5 && strncmp(usage, "TABLE", len) == 0)
        add_tables(cli, head, "", out);
    else if (len == 7 && strncmp(usage, "COMMAND", len) == 0)
        add_commands(head, out);
    else if (usage[0] >= 'a' && usage[0] <= 'z') {
        struct vv_text words VV_CLEANUP(vv_text_done) = {0};
        vv_text_add(&words, usage, len);
        add_choices(vv_text_chars(&words), head, "", out);
    }
}

void vv_complete(struct vv_cli *cli, const char *const *words, size_t words_len,
    struct vv_names *out)
{
    struct place place = {0};
    const char *last = words_len > 0 ? words[words_len - 1] : "";
    struct vv_text prefix VV_CLEANUP(vv_text_done) = {0};
    for (size_t i = 0; i + 1 < words_len; i++)
        pass_word(cli, &place, words[i]);
    if (place.pending != NULL) {
        const char *head = strcmp(last, "=") == 0 ? "" : last;
        add_option_values(cli, place.pending, head, "", out);
        return;
    }
    const struct vv_option *option = place.options_end ? NULL : option_of(place.command, last);
    const char *equals = option && option->kind != VV_OPTION_FLAG ? strchr(last, '=') : NULL;
    if (equals != NULL) {
        vv_text_add(&prefix, last, (size_t)(equals - last) + 1);
        add_option_values(cli, option, equals + 1, vv_text_chars(&prefix), out);
    } else if (!place.options_end && last[0] == '-') {
        if (place.command != NULL)
            add_options(place.command->options, place.command->options_len, last, out);
        add_options(vv_global_options, vv_global_options_len, last, out);
    } else if (place.command == NULL) {
        add_commands(last, out);
    } else {
        add_argument(cli, &place, last, out);
    }
}
