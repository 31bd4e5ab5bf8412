/*
 * Commands and options as data: one table drives parsing, help, suggestions and whatever else
 * describes the command line. A command's options are written into a struct of its own, at the
 * offsets that its table gives.
 */
#ifndef VV_CLI_OPTION_H
#define VV_CLI_OPTION_H

#include "cli/text.h"

enum vv_option_kind {
    VV_OPTION_FLAG,     /* bool */
    VV_OPTION_TEXT,     /* const char *, NULL: not given */
    VV_OPTION_LIST,     /* struct vv_list: may be given several times */
    VV_OPTION_INTEGER,  /* struct vv_integer, within `least` and `most` */
    VV_OPTION_REAL,     /* struct vv_real, not negative */
    VV_OPTION_SIZE,     /* struct vv_integer: bytes, "100MB", "1GiB" */
    VV_OPTION_DURATION, /* struct vv_integer: milliseconds, "60s", "100ms" */
    VV_OPTION_CHOICE    /* int32_t: 1 for the first of `choices`, 0: not given */
};

struct vv_list {
    const char **items;
    size_t len;
};
struct vv_integer {
    bool given;
    int64_t value;
};
struct vv_real {
    bool given;
    double value;
};

struct vv_option {
    const char *name; /* without the dashes */
    char letter;      /* "-o"; 0: none */
    enum vv_option_kind kind;
    const char *value; /* its name in the help: "FILE" */
    const char *help;
    size_t offset;
    const char *choices; /* "box|csv" */
    const char *implied; /* of a choice: what it means when none of them follows */
    int64_t least, most; /* of an integer; both 0: any from 0 */
    const char *env;     /* environment variable that gives the value too */
};

struct vv_cli;

struct vv_command {
    const char *name;
    const char *summary;   /* one line, for lists */
    const char *arguments; /* "TABLE [FILE...|-]" */
    const char *examples;  /* lines, shell commands that work */
    const char *text;      /* what one has to know, wrapped at 78 columns */
    const struct vv_option *options;
    size_t options_len;
    size_t options_bytes; /* of the struct that they are written to */
    uint32_t arguments_least, arguments_most;
    bool reads_known; /* --known-at means something to it */
    bool reads_at;    /* --at means something to it */
    /*
     * First arguments, "drop|release", by which it shows no rows but tells what it has done, in a
     * sentence or by --json; "": by any; NULL: by none.
     */
    const char *sums_up;
    /* It prints words, which are no rows and have no other form but, perhaps, that of --json. */
    enum {
        VV_FORM_ROWS,
        VV_FORM_WORDS,
        VV_FORM_WORDS_OR_JSON
    } form;
    varve_status (*run)(struct vv_cli *cli, const void *options);
};

/* A command line, taken apart. */
struct vv_parsed {
    const struct vv_command *command; /* NULL: none named */
    void *options;                    /* command->options_bytes, zero where not given */
    const char **arguments;
    size_t arguments_len;
};

/* What an option may be looked up in. */
struct vv_option_set {
    const struct vv_option *options;
    size_t len;
    void *values;
    bool *given; /* per option; NULL: not wanted */
};

const struct vv_option *vv_option_find(const struct vv_option *options, size_t len,
    const char *name, size_t name_len);
/* Writes a value into `set`; EUSAGE when it does not fit the option's kind. */
varve_status vv_option_set_value(const struct vv_option_set *set,
    const struct vv_option *option, const char *value, varve_error *err);

/*
 * Takes argv apart; argv[0] is skipped. Global options may stand anywhere, "--" ends options.
 * EUSAGE with a suggestion for an unknown command or option. What `out` and `globals` point to is
 * released with vv_parsed_done and vv_options_done, after a failure too.
 */
varve_status vv_command_line_parse(int argc, char *const *argv,
    const struct vv_command *const *commands, size_t commands_len,
    const struct vv_option_set *globals, struct vv_parsed *out, varve_error *err);
void vv_parsed_done(struct vv_parsed *parsed);
void vv_options_done(const struct vv_option *options, size_t len, void *values);
/* Too few or too many arguments for the command: EUSAGE. */
varve_status vv_arguments_check(const struct vv_parsed *parsed, varve_error *err);

/* Environment and configuration file: for options that the command line did not give. */
varve_status vv_options_from_environment(const struct vv_option_set *set, varve_error *err);
/* Lines "name=value" named as the long options; blank lines and those with '#' first are none. */
varve_status vv_options_from_file(const struct vv_option_set *set, const char *path,
    struct vv_text *storage, varve_error *err);

/* Whether an option of the kind CHOICE has this one. */
bool vv_option_has_choice(const struct vv_option *option, const char *value);

/* "100ms", "60s", "5m", "2h", "1d", in milliseconds; a fraction may be given. */
bool vv_duration_read(const char *text, int64_t *out_ms);
/* "100MB" = 10^8, "1GiB" = 2^30; also K, M, G, T with B or iB, and plain bytes. */
bool vv_size_read(const char *text, int64_t *out);

/* The candidate nearest to `word`, NULL when none is near. `next` gives NULL at the end. */
const char *vv_nearest(const char *word, const char *(*next)(const void *data, size_t index),
    const void *data);

#endif
