/*
 * Keeping tables healthy. Nothing here changes a row. Conventions: varve.h.
 */
#ifndef VARVE_MAINTAIN_H
#define VARVE_MAINTAIN_H

#include "varve/varve.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct varve_optimize_options {
    uint32_t size;
    int64_t target_bytes; /* of a file; 0: delta.targetFileSize, else 100 MB */
    const char *zorder;  /* columns parted by commas: rows in z-order; NULL: files are packed */
    const char *where;   /* SQL over partition columns: which partitions; NULL: all */
    const char *message; /* for the commits; NULL: the lake's */
    int32_t dry_run; /* 1: plan alone; files_removed and bytes_removed: what it would take */
} varve_optimize_options;
#define VARVE_OPTIMIZE_OPTIONS_INIT                            \
    {                                                          \
        sizeof(varve_optimize_options), 0, NULL, NULL, NULL, 0 \
    }

typedef struct varve_optimize_result {
    int64_t version; /* of the table afterwards */
    int64_t commits;
    int64_t partitions; /* that had something to do */
    int64_t files_added;
    int64_t files_removed;
    int64_t bytes_added;
    int64_t bytes_removed;
    int64_t rows;            /* rewritten; -1: unknown */
    int64_t vectors_removed; /* deletion vectors that are gone */
    int64_t files_skipped;   /* left for the next run, since other writers were at them */
} varve_optimize_result;

/*
 * Makes many small files few, rows that are near each other in time (or in z-order) lie together,
 * and deletion vectors go. Commits group by group, so that what is done stays when it is
 * interrupted; a second run finds nothing to do. Other writers neither fail nor wait.
 * EUSAGE: a column that is not there or is a partition column; a condition on other columns.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_table_optimize(varve_table *table,
    const varve_optimize_options *options, varve_optimize_result *out, varve_error *err);

typedef struct varve_restore_options {
    uint32_t size;
    const char *at;      /* version (all digits), time or tag; must be given */
    const char *message; /* for the commit; NULL: the lake's */
    int32_t dry_run;     /* 1: say what would be done */
} varve_restore_options;
#define VARVE_RESTORE_OPTIONS_INIT                   \
    {                                                \
        sizeof(varve_restore_options), NULL, NULL, 0 \
    }

typedef struct varve_restore_result {
    int64_t version;  /* of the table afterwards */
    int64_t restored; /* the version that its rows and rules are those of */
    int64_t files_restored;
    int64_t files_removed;
    int64_t bytes_restored;
    int64_t bytes_removed;
    int32_t changed; /* 0: it was like that already; nothing was written */
} varve_restore_result;

/*
 * Makes the table what it was: rows, schema and properties, by a new commit. All versions stay.
 * Transactions (app_id) stay applied. ENOTFOUND: no such version, or its files are gone;
 * EUSAGE: the table is append-only; ECONFLICT: other writers won every attempt, or a vacuum is under
 * way that may remove what would come back.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_table_restore(varve_table *table,
    const varve_restore_options *options, varve_restore_result *out, varve_error *err);

typedef struct varve_vacuum_options {
    uint32_t size;
    const char *retain; /* "168h": what was removed since stays; NULL: the table's own */
    int32_t remove;     /* 1: remove; 0: say what would be removed */
    int32_t lite;       /* 1: only what the log names; the folder is not listed */
    int32_t unsafe;     /* 1: `retain` may be below delta.deletedFileRetentionDuration */
    const char *message;
} varve_vacuum_options;
#define VARVE_VACUUM_OPTIONS_INIT                         \
    {                                                     \
        sizeof(varve_vacuum_options), NULL, 0, 0, 0, NULL \
    }

typedef struct varve_vacuum_result {
    int64_t version; /* of the table afterwards: a vacuum that removes makes two commits */
    int64_t files;   /* removed, or to be removed */
    int64_t bytes;
    int64_t retention_ms;     /* that was applied */
    int64_t readable_version; /* all from it on can be read, not all before; -1: none is lost */
} varve_vacuum_result;

/*
 * Removes data files, deletion vectors and change files that no version within the retention needs:
 * what was removed from the table before it, and leftovers of writers that died, when they are as
 * old. *out_files (may be NULL): their paths in the table's folder.
 * EUSAGE: `retain` is no time span, or less than the table promises (and not unsafe).
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_table_vacuum(varve_table *table,
    const varve_vacuum_options *options, varve_vacuum_result *out,
    struct ArrowArrayStream *out_files, varve_error *err);

typedef struct varve_maintain_options {
    uint32_t size;
    const char *table;   /* NULL: all tables of the lake */
    int32_t plan;        /* 1: say what is due and why, and do nothing */
    const char *message; /* for the commits; NULL: the lake's */
} varve_maintain_options;
#define VARVE_MAINTAIN_OPTIONS_INIT                   \
    {                                                 \
        sizeof(varve_maintain_options), NULL, 0, NULL \
    }

typedef struct varve_maintain_result {
    int64_t tables;
    int64_t tasks;  /* done, or planned */
    int64_t left;   /* to the next run, since other writers, or another run, were faster */
    int64_t failed; /* tasks, and tables that can't be maintained; the others are */
    int64_t
        skipped; /* tables with a feature that Varve lacks, tasks that it can't do: no failure */
    int64_t files_added; /* by compaction and layout, as the three below */
    int64_t files_removed;
    int64_t bytes_added;
    int64_t bytes_removed;
    int64_t files_vacuumed;
    int64_t bytes_vacuumed;
    int64_t checkpoints;
    varve_error failure; /* the first one; code VARVE_OK: there was none */
} varve_maintain_result;

/*
 * Does what the properties of the tables say is due (docs/maintenance.md): compaction of partitions
 * that are written to, layout of those that are over, checkpoints, the ledger and the clean-up of
 * the log, vacuum. To be called every minute or so. Writers neither fail nor wait; two that run at
 * once share the tables; tags and holds are obeyed.
 * *out_tasks (may be NULL): table, duty (none, compact, seal, recluster, checkpoint, log, vacuum),
 * partition, files, bytes, reason (a sentence), outcome (planned, done, left, failed,
 * skipped), note.
 * What fails for a table is in *out, and no error. ENOTFOUND: no such table, or no lake.
 * EUNSUPPORTED in *out: the `table` that was asked for has a feature that Varve lacks; among all
 * tables of the lake it is skipped.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_lake_maintain(varve_lake *lake,
    const varve_maintain_options *options, varve_maintain_result *out,
    struct ArrowArrayStream *out_tasks, varve_error *err);

#ifdef __cplusplus
}
#endif

#endif
