/* Help, out of the tables. Commands open with an example: that is what people look for. */
#include <string.h>

#include "cli/cli.h"

#define HELP_COLUMN 28
#define HELP_WIDTH 80

/* Words, wrapped, behind what stands on the line already. */
static void add_wrapped(struct vv_text *text, const char *words, size_t column)
{
    size_t at = column;
    while (*words) {
        size_t len = strcspn(words, " ");
        if (at + len > HELP_WIDTH - 1 && at > column) {
            vv_text_addc(text, '\n');
            vv_text_fill(text, ' ', column);
            at = column;
        } else if (at > column) {
            vv_text_addc(text, ' ');
            at++;
        }
        vv_text_add(text, words, len);
        at += len;
        words += len;
        while (*words == ' ')
            words++;
    }
    vv_text_addc(text, '\n');
}

static void add_item(struct vv_text *text, const char *item, const char *words)
{
    size_t start = text->len;
    vv_text_addf(text, "  %s", item);
    size_t used = text->len - start;
    if (used + 2 > HELP_COLUMN) {
        vv_text_addc(text, '\n');
        used = 0;
    }
    vv_text_fill(text, ' ', HELP_COLUMN - used);
    add_wrapped(text, words, HELP_COLUMN);
}

static void add_options(struct vv_text *text, const struct vv_option *options, size_t len)
{
    struct vv_text item VV_CLEANUP(vv_text_done) = {0};
    for (size_t i = 0; i < len; i++) {
        vv_text_clear(&item);
        if (options[i].letter)
            vv_text_addf(&item, "-%c, ", options[i].letter);
        vv_text_addf(&item, "--%s", options[i].name);
        if (options[i].kind != VV_OPTION_FLAG)
            vv_text_addf(&item, " %s", options[i].value);
        add_item(text, vv_text_chars(&item), options[i].help);
    }
}

static void add_indented(struct vv_text *text, const char *lines)
{
    while (*lines) {
        size_t len = strcspn(lines, "\n");
        vv_text_adds(text, "  ");
        vv_text_add(text, lines, len);
        vv_text_addc(text, '\n');
        lines += len + (lines[len] == '\n' ? 1 : 0);
    }
}

void vv_help_overview(struct vv_text *text, bool whole)
{
    vv_text_addf(text, "Varve %s, an audit-grade Delta Lake store for trading systems\n\n",
        varve_version());
    vv_text_adds(text, "Example:\n");
    add_indented(text, "varve demo\n"
                       "varve init\n"
                       "varve upsert signals today.csv\n"
                       "varve query 'SELECT regime, count(*) FROM signals GROUP BY 1'\n");
    vv_text_adds(text, "\nUsage: varve [GLOBAL OPTIONS] COMMAND [ARGUMENTS] [OPTIONS]\n\n"
                       "Commands:\n");
    for (size_t i = 0; i < vv_commands_len; i++)
        add_item(text, vv_commands[i]->name, vv_commands[i]->summary);
    if (!whole) {
        vv_text_adds(text, "\nvarve help tells more, varve help COMMAND explains a command.\n");
        return;
    }
    vv_text_adds(text, "\nGlobal options:\n");
    add_options(text, vv_global_options, vv_global_options_len);
    vv_text_adds(text,
        "\nvarve help COMMAND explains a command. Times are ISO 8601 (UTC unless "
        "they say\notherwise), now, or back from now: -2h, -7d.\n");
}

void vv_help_command(const struct vv_command *command, struct vv_text *text)
{
    vv_text_adds(text, "Example:\n");
    add_indented(text, command->examples);
    vv_text_addf(text, "\nUsage: varve %s%s%s [OPTIONS]\n\n", command->name,
        *command->arguments ? " " : "", command->arguments);
    vv_text_addf(text, "%s\n", command->text);
    if (command->options_len > 0) {
        vv_text_adds(text, "\nOptions:\n");
        add_options(text, command->options, command->options_len);
    }
    vv_text_adds(text, "\nGlobal options (--lake, --format, -o, --at, ...): varve help\n");
}
