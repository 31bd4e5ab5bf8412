/*
 * What became of a delete, update, overwrite or merge: a JSON object (--json) or a sentence.
 */
#ifndef VV_CLI_EDIT_SHOW_H
#define VV_CLI_EDIT_SHOW_H

#include "cli/cli.h"
#include "cli/input.h"
#include "varve/dml.h"

/*
 * `zone`: of times of its rows, as --input-tz names it; NULL: none. `app_id`: of its batch, which has a
 * version of its own whatever became of the rows; NULL: it is none.
 */
varve_status vv_edit_show(struct vv_cli *cli, const char *name, bool is_dry, const char *zone,
    const char *app_id, const varve_edit_result *result);
/* "3 rows warned: future_time 2, unknown_symbol 1"; nothing where no row is. */
void vv_edit_say_warned(const struct vv_cli *cli, int64_t rows, const char *warnings);
/* "2 rows hold a time that ... had twice"; nothing where there is no such row. */
void vv_edit_say_twice(const struct vv_cli *cli, const char *zone, int64_t rows);

/* What an overwrite or merge is told of its rows, as options. */
void vv_edit_take(const struct vv_input_values *input, bool dry_run, varve_edit_options *out);

#endif
