/*
 * The interactive shell: SQL statements over many lines, and commands that begin with a dot.
 */
#ifndef VV_CLI_SHELL_H
#define VV_CLI_SHELL_H

#include "cli/cli.h"
#include "cli/names.h"

struct vv_shell {
    struct vv_cli *cli;
    struct vv_text pending; /* what was typed of a statement that has no end yet */
    char **params;          /* "NAME=VALUE", set by .param */
    size_t params_len;
    char *output; /* set by .output, for one statement; NULL: none */
    char *at;     /* set by .at; NULL: what the command line says */
    bool has_timer;
    bool has_explain;    /* statements are explained instead of run */
    bool is_interactive; /* errors are reported and forgotten */
    bool is_done;        /* .quit */
    int depth;           /* of .read */
};

/* shell.c */
/*
 * Takes one line: runs the statements that it completes, or the dot-command that it is. Only
 * where the shell is not interactive does the first failure come back.
 */
varve_status vv_shell_take(struct vv_shell *shell, const char *line);
/* Runs one statement, as it stands. */
varve_status vv_shell_statement(struct vv_shell *shell, const char *sql);
/* The end of the input: a statement needs no semicolon there. */
varve_status vv_shell_finish(struct vv_shell *shell);

/* shell_dot.c */
varve_status vv_shell_dot(struct vv_shell *shell, const char *line);
/*
 * The name of the dot-command that a line begins with, or that it is as a bare word: help, quit,
 * exit, with or without a semicolon. NULL: neither.
 */
const char *vv_shell_dot_of(const char *line);
/* The dot-commands by index, NULL behind the last one. */
const char *vv_shell_dot_name(size_t index);

/* shell_edit.c: lines of a terminal, with history and completion. */
struct vv_shell_edit;
struct vv_shell_edit *vv_shell_edit_open(struct vv_shell *shell);
/* A line without its end; false where there is no more. Cancelled (Ctrl-C): the line is "". */
bool vv_shell_edit_line(struct vv_shell_edit *edit, struct vv_text *out, bool *out_cancelled);
void vv_shell_edit_close(struct vv_shell_edit **edit);

#endif
