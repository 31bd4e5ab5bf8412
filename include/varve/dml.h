/*
 * Ways to change a table beside the upsert. Conventions: varve.h.
 */
#ifndef VARVE_DML_H
#define VARVE_DML_H

#include "varve/varve.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Adds all good rows as new ones, as one commit, and compares them with nothing, not even with one
 * another. The table needs no key; on one with a key that could store a key twice, so it has to be
 * allowed (options->allow_duplicates). Options and result as of an upsert, `inserted` counts.
 * EUSAGE: the table has a key, and it was not.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_table_append(varve_table *table,
    const varve_input *inputs, size_t inputs_len, const varve_upsert_options *options,
    varve_upsert_result *out, varve_error *err);

typedef struct varve_edit_options {
    uint32_t size;
    const char *app_id;    /* with app_version: a change repeated under them is a no-op */
    int64_t app_version;   /* >= 0; one not above the last of the app_id is taken for applied */
    uint32_t attempts_max; /* 0: 10 */
    const char *message;   /* for this commit; NULL: the lake's */
    int32_t dry_run;       /* 1: all but the commit; the result is what it would have been */
    int32_t truncate_time; /* of rows that are read: as in varve_upsert_options */
    const char *input_tz;  /* likewise */
    int32_t evolve; /* of a merge alone; 1: columns that the table lacks are added first */
} varve_edit_options;
#define VARVE_EDIT_OPTIONS_INIT                                     \
    {                                                               \
        sizeof(varve_edit_options), NULL, 0, 0, NULL, 0, 0, NULL, 0 \
    }

typedef struct varve_edit_result {
    int64_t rows_in; /* that were read from inputs */
    int64_t inserted;
    int64_t updated;
    int64_t deleted;
    int64_t copied; /* rows written again as they were, since others of their file changed */
    int64_t files_added;
    int64_t files_removed;
    int64_t vectors_added;   /* files that stay and got a deletion vector */
    int64_t vectors_updated; /* files that stay and got another one */
    int64_t vectors_removed; /* files that went with theirs */
    int64_t already_applied; /* 1: the txn was recorded before; nothing was looked at */
    int64_t version;         /* of the table afterwards */
    int64_t attempts;
    int64_t columns_added;   /* of a merge, with evolve */
    int64_t times_ambiguous; /* as in varve_upsert_result */
    int64_t rows_warned;     /* that were written, but for copied ones; likewise */
    const char *warnings;    /* likewise */
} varve_edit_result;

/*
 * Removes the rows for which an SQL expression over the table's columns is true, as one commit or
 * none. Only files that can hold such a row are read; one whose statistics or partition say that
 * all of its rows are, is not read either. With delta.enableDeletionVectors = true the files stay
 * and their rows are marked.
 * EUSAGE     a bad expression; or the table is append-only
 * ECONFLICT  other writers won every attempt; nothing was written; retry
 * EUNKNOWN   the storage never answered; retry with the same app_id and app_version
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_table_delete(varve_table *table,
    const char *where, const varve_edit_options *options, varve_edit_result *out,
    varve_error *err);

typedef struct varve_assignment {
    const char *column;
    const char *expression; /* SQL over the table's columns, which it sees as they were */
} varve_assignment;

/*
 * Sets columns of the rows for which `where` is true; codes as above. The new rows are converted
 * exactly or not at all, and validated as those of an upsert:
 * EINVALID   a row breaks a rule of the table, or would get a key that is there: err->detail
 *            names the rows by their keys; nothing was written
 * A partition column that derives from another one follows it. Where the table's order column is
 * not set by an assignment, a timestamp becomes the later of now and one microsecond after the
 * stored one, an integer one more, so that the row is newer than what it replaces.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_table_update(varve_table *table,
    const varve_assignment *assignments, size_t assignments_len, const char *where,
    const varve_edit_options *options, varve_edit_result *out, varve_error *err);

/*
 * Puts the rows of the inputs in the place of those for which `where` is true; NULL: of all. New
 * rows are validated as those of an upsert are; of several with one key the last one counts.
 * EUSAGE     `where` is an empty text, which may be a condition that got lost
 * EINVALID   a row breaks a rule of the table, `where` is not true for it, or a row that stays has
 *            its key; nothing was written
 * Streams are taken over, on failure too. Other codes as above.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_table_overwrite(varve_table *table,
    const varve_input *inputs, size_t inputs_len, const char *where,
    const varve_edit_options *options, varve_edit_result *out, varve_error *err);

typedef enum varve_merge_when {
    VARVE_MERGE_MATCHED = 0,
    VARVE_MERGE_NOT_MATCHED = 1,
    VARVE_MERGE_NOT_MATCHED_BY_SOURCE = 2
} varve_merge_when;

/* Of each kind the first one whose condition is true takes the row; only the last may have none. */
typedef struct varve_merge_clause {
    varve_merge_when when;
    /*
     * "[and CONDITION] ACTION". Matched: "update set a = s.a, b = t.b + 1", "update *", "delete";
     * not matched: "insert (a, b) values (s.a, 1)", "insert *"; not matched by source: "update set",
     * "delete". Conditions and values are SQL; the table is t, the source s.
     */
    const char *text;
} varve_merge_clause;

typedef struct varve_merge {
    const varve_input *inputs; /* the source */
    size_t inputs_len;
    const char *on;
    const varve_merge_clause *clauses;
    size_t clauses_len;
} varve_merge;

/*
 * Changes, removes and adds rows by what the inputs say of them, as one commit or none. Rows of the
 * table and of the inputs for which `on` is true match. "*" is every column that the inputs bring
 * and the table has; what an update does not set stays, but for the order column (see update). The
 * inputs are read once and may have columns that the table lacks, for conditions and values; those
 * that it has come in its types, exactly or not at all. A column that a line of NDJSON lacks is
 * NULL, but has its default in a row that "insert *" makes. New rows are validated as those of an
 * upsert. Only files that can hold a row for which `on` is true are read, unless a clause asks for
 * rows that the source does not match.
 * With options->evolve the columns that a clause would set and that the table lacks are added by a
 * commit of their own ("ADD COLUMNS"), once the rows are known to be good: of "*" all that the inputs
 * have a value in, of "update set" and "insert" those that they name. The types are as with an upsert.
 * EINVALID   several rows of the inputs would change one row, and it is not that all of them delete
 *            it (err->detail: the rows, by their keys); a row breaks a rule of the table, or would
 *            get a key that is there; nothing was written
 * EUSAGE     a clause that can't be read, that no row comes to, or of a bad expression
 * Streams are taken over, on failure too. Other codes as above.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_table_merge(varve_table *table,
    const varve_merge *merge, const varve_edit_options *options, varve_edit_result *out,
    varve_error *err);

#ifdef __cplusplus
}
#endif

#endif
