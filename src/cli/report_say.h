/*
 * What the reports say on stderr of what their answer rests on.
 */
#ifndef VV_CLI_REPORT_SAY_H
#define VV_CLI_REPORT_SAY_H

#include "cli/cli.h"
#include "cli/json_view.h"

/* "12 rows have ...", where the member `name` is above 0. */
void vv_say_count(const struct vv_cli *cli, const struct vv_node *node, const char *name,
    const char *words);
/* "regimes of SPY, knowledge by order"; "" where the report matched none. */
void vv_add_regimes(struct vv_text *text, const struct vv_node *node);
/* How many rows have no regime known in time; `rows`: "rows", "signals". */
void vv_say_regimes(const struct vv_cli *cli, const struct vv_node *node, const char *rows);
/* For an answer without rows: where the table's newest one is. */
void vv_say_none(const struct vv_cli *cli, const struct vv_node *node, const char *table);

#endif
