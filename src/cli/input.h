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

#endif
