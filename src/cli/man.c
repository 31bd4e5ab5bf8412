/* The manual page, out of the tables that parsing and help use. */
#include <string.h>

#include "cli/cli.h"

/* Words of a line of roff: a '.' or '\'' in front is a request, '\' an escape, '-' a hyphen. */
static void add_roff(struct vv_text *text, const char *words, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char byte = words[i];
        bool begins = i == 0 || words[i - 1] == '\n';
        if (begins && (byte == '.' || byte == '\''))
            vv_text_adds(text, "\\&");
        if (byte == '\\')
            vv_text_adds(text, "\\e");
        else if (byte == '-')
            vv_text_adds(text, "\\-");
        else if (byte == '\'')
            vv_text_adds(text, "\\(aq");
        else
            vv_text_addc(text, byte);
    }
}

static void add_line(struct vv_text *text, const char *words)
{
    add_roff(text, words, strlen(words));
    vv_text_addc(text, '\n');
}

static void add_lines_as_they_are(struct vv_text *text, const char *lines)
{
    vv_text_adds(text, ".nf\n");
    add_line(text, lines);
    vv_text_adds(text, ".fi\n");
}

static void add_options(struct vv_text *text, const struct vv_option *options, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        vv_text_adds(text, ".TP\n\\fB");
        if (options[i].letter)
            vv_text_addf(text, "\\-%c\\fR, \\fB", options[i].letter);
        vv_text_adds(text, "\\-\\-");
        add_roff(text, options[i].name, strlen(options[i].name));
        vv_text_adds(text, "\\fR");
        if (options[i].kind != VV_OPTION_FLAG) {
            vv_text_adds(text, " \\fI");
            add_roff(text, options[i].value, strlen(options[i].value));
            vv_text_adds(text, "\\fR");
        }
        vv_text_addc(text, '\n');
        add_line(text, options[i].help);
    }
}

static void add_command(struct vv_text *text, const struct vv_command *command)
{
    vv_text_adds(text, ".SS ");
    add_roff(text, command->name, strlen(command->name));
    vv_text_addc(text, ' ');
    add_line(text, command->arguments);
    add_line(text, command->summary);
    vv_text_adds(text, ".PP\n");
    add_lines_as_they_are(text, command->text);
    add_options(text, command->options, command->options_len);
    vv_text_adds(text, ".PP\nExample:\n.PP\n.RS 4\n");
    add_lines_as_they_are(text, command->examples);
    vv_text_adds(text, ".RE\n");
}

void vv_help_man(struct vv_text *text)
{
    vv_text_addf(text, ".TH VARVE 1 \"\" \"Varve %s\" \"User Commands\"\n", varve_version());
    vv_text_adds(text,
        ".SH NAME\nvarve \\- an audit\\-grade Delta Lake store for trading "
        "systems\n"
        ".SH SYNOPSIS\n\\fBvarve\\fR [\\fIGLOBAL OPTIONS\\fR] \\fICOMMAND\\fR "
        "[\\fIARGUMENTS\\fR] [\\fIOPTIONS\\fR]\n"
        ".SH DESCRIPTION\nA lake is a folder of Delta tables. Varve puts rows "
        "in exactly once, and answers for any\nearlier time what was known "
        "then. Times are ISO 8601 (UTC unless they say otherwise),\n\\fBnow\\fR, "
        "or back from now: \\fB\\-2h\\fR, \\fB\\-7d\\fR.\n"
        ".SH COMMANDS\n");
    for (size_t i = 0; i < vv_commands_len; i++)
        add_command(text, vv_commands[i]);
    vv_text_adds(text, ".SH GLOBAL OPTIONS\n");
    add_options(text, vv_global_options, vv_global_options_len);
    vv_text_adds(text,
        ".SH EXIT STATUS\n0 done; 1 anything else; 2 usage, bad SQL; 3 bad data, nothing "
        "written; 4 other writers won;\n5 no such table or version; 6 stored bytes are "
        "corrupt; 7 a table feature that is not known;\n8 the storage failed; 9 a limit; 10 "
        "verification failed; 11 the outcome is not known: repeat it;\n130 interrupted.\n"
        ".SH ENVIRONMENT\n.TP\n\\fBVARVE_LAKE\\fR\nthe lake, where \\fB\\-\\-lake\\fR is not "
        "given\n.TP\n\\fBVARVE_PAGER\\fR, \\fBPAGER\\fR\nthe pager of what does not fit on the "
        "screen, else less\n.TP\n\\fBTMPDIR\\fR\nwhere is put aside what does not fit into "
        "memory, in varve\\-spill\\-*\n"
        ".TP\n\\fBNO_COLOR\\fR\nno colours\n");
}
