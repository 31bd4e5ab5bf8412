/*
 * What a command reads rows from: files by name, and stdin as "-".
 */
#ifndef VV_CLI_INPUT_H
#define VV_CLI_INPUT_H

#include "cli/cli.h"

/* In the order of the choices of --input-format. */
enum vv_input_choice {
    VV_INPUT_BY_NAME,
    VV_INPUT_AS_CSV,
    VV_INPUT_AS_NDJSON,
    VV_INPUT_AS_PARQUET,
    VV_INPUT_AS_ARROW
};

/* What a command that writes rows is told of them. */
struct vv_input_values {
    int32_t input_format;
    const char *app_id;
    struct vv_integer app_version;
    const char *input_tz;
    bool truncate_time;
};

/* Their options, for a struct of values with such a member `input`; the helps differ. */
#define VV_INPUT_OPTIONS(type, format_help, app_id_help, app_version_help)                    \
    {.name = "input-format",                                                                  \
        .kind = VV_OPTION_CHOICE,                                                             \
        .value = "F",                                                                         \
        .choices = "csv|ndjson|parquet|arrow",                                                \
        .help = (format_help),                                                                \
        .offset = offsetof(type, input.input_format)},                                        \
        {.name = "app-id",                                                                    \
            .kind = VV_OPTION_TEXT,                                                           \
            .value = "A",                                                                     \
            .help = (app_id_help),                                                            \
            .offset = offsetof(type, input.app_id)},                                          \
        {.name = "app-version",                                                               \
            .kind = VV_OPTION_INTEGER,                                                        \
            .value = "N",                                                                     \
            .help = (app_version_help),                                                       \
            .offset = offsetof(type, input.app_version)},                                     \
        {.name = "input-tz",                                                                  \
            .kind = VV_OPTION_TEXT,                                                           \
            .value = "ZONE",                                                                  \
            .help = "zone of times that name none, such as America/New_York (default: UTC); " \
                    "of a time that it had twice the earlier is taken, one that it never "    \
                    "had makes its row a bad one; not for columns of timestamp_ntz",          \
            .offset = offsetof(type, input.input_tz)},                                        \
    {                                                                                         \
        .name = "truncate-time", .kind = VV_OPTION_FLAG,                                      \
        .help = "cut digits below a microsecond instead of rejecting the row",                \
        .offset = offsetof(type, input.truncate_time)                                         \
    }

/* EUSAGE where one of --app-id and --app-version is given without the other. */
varve_status vv_input_check_app(struct vv_cli *cli, const char *app_id,
    const struct vv_integer *app_version);

/*
 * Fills `out` for a file, or for stdin when `path` is "-". Without a choice the format of a file
 * is known by its name, that of stdin, or of a file whose name says nothing, by its first bytes:
 * '{' NDJSON, PAR1 Parquet, ARROW1 or a first message Arrow IPC. EUSAGE where neither says.
 */
varve_status vv_input_read(const char *path, enum vv_input_choice choice, varve_input *out,
    varve_error *err);

/*
 * The files that the command names from argument `first` on, into `inputs`, which has room for one
 * more than there are arguments; none is stdin, unless a person sits there (EUSAGE).
 */
varve_status vv_input_read_all(struct vv_cli *cli, size_t first, enum vv_input_choice choice,
    varve_input *inputs, size_t *out_len);

/*
 * The first bytes that `fd` will give, without taking them: of a file, a pipe or a socket. False
 * where that cannot be known. `*out_len` 0: there are none.
 */
bool vv_input_peek(int fd, char *bytes, size_t bytes_max, size_t *out_len);

/*
 * Appends what an input is, by its first bytes, of which no row of NDJSON could be made, and what
 * to do about it: "; it is compressed: ...". Nothing where they do not tell.
 */
void vv_input_add_guess(const char *head, size_t len, struct vv_text *out);

#endif
