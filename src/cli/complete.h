/*
 * What could stand where somebody is typing a command line, worked out from the tables that
 * parsing and help use: the scripts for the shells only ask the program.
 */
#ifndef VV_CLI_COMPLETE_H
#define VV_CLI_COMPLETE_H

#include "cli/cli.h"
#include "cli/names.h"

/*
 * Candidates for the last of `words`, which are those behind the program's name, up to the
 * cursor. None where a file name is wanted or nothing is known: the shell offers files then.
 */
void vv_complete(struct vv_cli *cli, const char *const *words, size_t words_len,
    struct vv_names *out);

#endif
