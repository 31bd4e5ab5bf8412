/*
 * One run of the command: what was asked for, the lake it works in, and how it talks to people.
 * Data goes to stdout (or -o FILE); everything else goes to stderr.
 */
#ifndef VV_CLI_CLI_H
#define VV_CLI_CLI_H

#include <pthread.h>

#include "cli/option.h"
#include "cli/render.h"

/* Global options, given before or after the command. */
struct vv_globals {
    const char *lake;
    int32_t format; /* enum vv_format; 0: by the output */
    const char *output;
    bool plot;
    bool json;
    bool quiet;
    bool verbose;
    const char *user;
    const char *message;
    const char *at;
    const char *known_at;
    int32_t nan; /* 1: null, 2: string */
    struct vv_integer threads;
    struct vv_integer memory;
    bool no_progress;
    bool no_pager;
    int32_t color; /* 1: auto, 2: always, 3: never */
    const char *config;
    bool help;
    bool version;
};

/* The progress bar on a terminal's stderr. */
struct vv_progress {
    bool on;
    pthread_mutex_t lock; /* rows may be counted by a thread of the engine */
    bool shown;
    int64_t started_ms;
    int64_t drawn_ms;
};

struct vv_cli {
    const char *program; /* as it was called: for commands that are shown to be typed */
    struct vv_globals globals;
    /*
     * The global options of the command line alone. What one of them means nothing to refuses it; a
     * default of the environment or a file is for other commands, and is passed over.
     */
    struct vv_globals said;
    struct vv_parsed line;
    struct vv_text config; /* what the values of a configuration file point into */
    bool
        is_shell; /* many statements in one lake: files that are read again are held in memory */
    varve_lake *lake;
    struct vv_progress progress;
    varve_error error; /* of the call that failed */
};

extern const struct vv_option vv_global_options[];
extern const size_t vv_global_options_len;

/* All commands, in the order of the overview. */
extern const struct vv_command *const vv_commands[];
extern const size_t vv_commands_len;
const struct vv_command *vv_command_find(const char *name);

/* The argument at `index`, NULL where there is none. */
static inline const char *vv_cli_argument(const struct vv_cli *cli, size_t index)
{
    return index < cli->line.arguments_len ? cli->line.arguments[index] : NULL;
}

/* Opens the lake into cli->lake with the global options; `create`: it may be absent. */
varve_status vv_cli_open_lake(struct vv_cli *cli, bool create);
/* The same, then a table of it. The caller closes the table, the lake closes by itself. */
varve_status vv_cli_open_table(struct vv_cli *cli, const char *name, varve_table **out);
/*
 * The names of the lake's tables, a line each. ENOTFOUND where it has none: whoever looks after all
 * tables would say that all is well of a folder that is the wrong one.
 */
varve_status vv_cli_table_names(struct vv_cli *cli, char **out);
void vv_table_cleanup(varve_table **table);
void vv_chars_cleanup(char **chars); /* text that the library gave */

/* ---- report.c: stderr ------------------------------------------------------------------------ */

/* A line for people, unless --quiet. */
void vv_say(const struct vv_cli *cli, const char *format, ...) VV_PRINTF(2, 3);
/* "varve: ..." with details and, where the same call may succeed later, a hint. */
void vv_report_error(const varve_error *error);
/* Callbacks for varve_lake_options; `data` is the struct vv_cli. */
void vv_on_log(void *data, int32_t level, const char *event, const char *fields);
int vv_on_progress(void *data, const char *phase, uint64_t done, uint64_t total);
void vv_progress_clear(struct vv_cli *cli);
/* Counts the rows that are read from a stream from now on; the stream is replaced. */
void vv_progress_count(struct vv_cli *cli, struct ArrowArrayStream *stream);
int64_t vv_now_ms(void); /* of a clock that never goes back */

/* ---- interrupt.c ----------------------------------------------------------------------------- */

/*
 * The first SIGINT or SIGTERM cancels what the lake is doing and will be asked for, and is
 * remembered; a system call that waits then fails with EINTR, now or within a second, also where
 * it had not begun to wait. The second one kills. SIGPIPE and SIGXFSZ are ignored: a reader that has seen enough, and a file that may not
 * grow, show as a failed write.
 */
void vv_interrupt_catch(void);
void vv_interrupt_target(varve_lake
        *lake);                /* NULL: none, nor does a handler have one any more */
int vv_interrupt_signal(void); /* 0: none so far */
varve_status vv_interrupt_fail(varve_error *err); /* EINTERRUPTED */
/* As if there had been none of this kind; catches anew. One of the other kind stays. */
void vv_interrupt_forget(int number);

/* ---- ask.c ------------------------------------------------------------------------------------ */

/*
 * Whether to go on with what can't be taken back: `yes` says so, else a person at a terminal is
 * asked `question`; without one EUSAGE, "`warning`: say --yes".
 */
varve_status vv_ask(struct vv_cli *cli, bool yes, const char *warning, const char *question,
    bool *out);
/* --version, --timestamp and the global --at say the same thing: one of them; NULL: none is given. */
varve_status vv_cli_read_at(struct vv_cli *cli, const char *version, const char *timestamp,
    const char **out);

/* ---- show.c: rows for people and programs ----------------------------------------------------- */

struct vv_show {
    const char *const *box_columns; /* NULL ends; NULL: all. Those that a box shows */
    const char *const *box_hides; /* NULL ends; what a narrow box hides first, in this order */
    const char *const *box_keeps; /* NULL ends; what it hides last, the first last of all */
    bool box_keeps_ends;          /* it then hides from the middle, else from the right */
    const char *const *json_columns; /* NULL ends. Texts that are JSON: embedded as such */
    const char *plot_value;          /* the column that a chart shows; NULL: there is none */
    bool plot_line;   /* a line over time: of plot_value ("a|b"), else the first number */
    const char *plan; /* rows of explain.h: what the engine says to it; NULL: other rows */
};

/*
 * Writes the rows of a stream in the format asked for, to where it was asked for. Releases the
 * stream. `out_rows` may be NULL. A file appears only when it is whole.
 */
varve_status vv_show_rows(struct vv_cli *cli, struct ArrowArrayStream *stream,
    const struct vv_show *show, int64_t *out_rows);
/* The rows of explain.h and the plan, which is freed. JSON: {"tables":[...],"plan":"..."}. */
varve_status vv_show_plan(struct vv_cli *cli, struct ArrowArrayStream *stream, char *plan,
    int64_t *out_rows);
/* The same for one text, such as a JSON object. */
varve_status vv_show_text(struct vv_cli *cli, const char *bytes, size_t len);
/* The same of what tells of a change: that it was made is said where it can't be told of. */
varve_status vv_show_result(struct vv_cli *cli, const char *bytes, size_t len);
/* The format that this run writes rows in. */
enum vv_format vv_show_format(const struct vv_cli *cli);
/*
 * For rows that can't be written in it: passes over the format that is a default (of a file), so that
 * vv_show_format tells another. False: it is none.
 */
bool vv_show_other_format(struct vv_cli *cli);
/* Whether that is JSON, in lines or not: what is no rows is one object by both. */
bool vv_show_is_json(const struct vv_cli *cli);
/* For what is told in words or as JSON: EUSAGE where it is to be written as rows in a binary form. */
varve_status vv_show_check_words(struct vv_cli *cli);
/*
 * The same for the sum of a change, before that is made: words go to stderr, so a file or a form
 * that the command line asks for is that of --json, or EUSAGE.
 */
varve_status vv_show_sum_up(struct vv_cli *cli);
/*
 * The same for words on stdout: EUSAGE where the command line, or the end of a file's name, asks for
 * another form than they have. A default of the environment or of a file is passed over.
 */
varve_status vv_show_words(struct vv_cli *cli, bool has_json);

/* ---- terminal.c: what stdout is --------------------------------------------------------------- */

/* Columns of the terminal that stdout is; 0: it is none. */
size_t vv_terminal_columns(void);
/* Frames out of box characters; without it "+-|". */
bool vv_terminal_is_utf8(void);
bool vv_terminal_has_color(const struct vv_cli *cli);

/* ---- help.c ----------------------------------------------------------------------------------- */

/* `whole`: with the global options. */
void vv_help_overview(struct vv_text *text, bool whole);
void vv_help_command(const struct vv_command *command, struct vv_text *text);
/* man.c: all of it as a manual page, in roff. */
void vv_help_man(struct vv_text *text);

#endif
