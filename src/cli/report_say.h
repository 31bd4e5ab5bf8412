/*
 * What the reports say on stderr of what their answer rests on.
 */
#ifndef VV_CLI_REPORT_SAY_H
#define VV_CLI_REPORT_SAY_H

#include "cli/cli.h"
#include "cli/json_view.h"

/* "1 row has ...", "12 rows have ...", where the member `name` is above 0. */
void vv_say_count(const struct vv_cli *cli, const struct vv_node *node, const char *name,
    const char *one, const char *many);
/* "regimes of SPY, knowledge by order"; "" where the report matched none. */
void vv_add_regimes(struct vv_text *text, const struct vv_node *node);
/* How many rows have no regime known in time; `row`: "row", "signal". */
void vv_say_regimes(const struct vv_cli *cli, const struct vv_node *node, const char *row);
/* What a report's JSON says of its answer, in the report's words. */
struct vv_answer_words {
    const char *count; /* the member that counts what the answer is of: "rows" */
    const char *what;  /* "performance row" */
    const char *row;   /* the same, short: "row" */
    const char *table; /* where they are */
    const char
        *const (*counts)[3]; /* further members, what they count, one and many; NULL ends */
};
void vv_say_answer(const struct vv_cli *cli, const char *json,
    const struct vv_answer_words *words);
/* "no rows: ...", or where the newest row of `who` is; INT64_MIN: there is none. */
void vv_say_newest(const struct vv_cli *cli, const char *who, int64_t newest_us);
/* For an answer without rows: where the table's newest one is. */
void vv_say_none(const struct vv_cli *cli, const struct vv_node *node, const char *table);

#endif
