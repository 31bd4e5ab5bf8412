/*
 * The inside of an export, shared by the files export*.c.
 *
 * export.c goes over the tables and writes the list of hashes; export_seals.c reads earlier seals,
 * export_chain.c copies commits and holds them against each other and against those seals,
 * export_rows.c writes the rows and copies the files that they are read from, export_changes.c writes
 * what the versions did to them, export_index.c tells it all to people, export_manifest.c to programs.
 */
#ifndef VV_LAKE_EXPORT_RUN_H
#define VV_LAKE_EXPORT_RUN_H

#include "base/hash.h"
#include "base/map.h"
#include "delta/list.h"
#include "lake/export.h"
#include "lake/report_source.h"
#include "store/new_folder.h"
#include "table/audit/verify.h"

struct vv_export_file {
    struct vv_str key;
    int64_t bytes;
    char sha256[VV_SHA256_HEX_BYTES];
};

/* Somebody who wrote to a table. */
struct vv_export_user {
    struct vv_str name;
    int64_t commits;
    int64_t first_ms, last_ms;
};

/* What proves the files that rows were read from. */
struct vv_export_sources {
    int64_t files, bytes;
    int64_t proven;   /* a commit of the export has their SHA-256 */
    int64_t unhashed; /* of other software: their commits have none */
    int64_t gone;     /* the commit that added them left the log before the ledger had it */
    int64_t vectors;  /* files of deletion vectors */
};

/* Versions whose changes are not told, and why. */
struct vv_export_gap {
    int64_t from, to;
    struct vv_str why;
};

/* What the versions did to the rows of the range. */
struct vv_export_changes {
    int64_t rows;
    int64_t parts;  /* pairs of files */
    int64_t files;  /* data files and change files that they were read from */
    int64_t untold; /* versions of the gaps */
    VV_ACTION_LIST(struct vv_export_gap) gaps; /* ascending */
};

struct vv_export_table {
    struct vv_str name;   /* as it was asked for */
    struct vv_str folder; /* in the export */
    struct vv_report_source source;
    struct vv_span span;
    bool has_time;
    int64_t rows;
    /* The chain. */
    int64_t first_version; /* of the commits that are there */
    int64_t commits, foreign, missing;
    int64_t seals; /* earlier ones that were found in it */
    struct vv_seal seal;
    struct vv_map hashes; /* of data files that a commit names: SHA-256 to anything */
    VV_ACTION_LIST(struct vv_export_user *) users;
    struct vv_map users_by_name;
    struct vv_export_sources sources;
    const struct vv_history_entry *entries; /* of the commits, newest first */
    size_t entries_len;
    struct vv_export_changes changes;
};

/* A head that was noted earlier. */
struct vv_export_seal {
    struct vv_str table;    /* as the line names it */
    struct vv_str location; /* of that table; ptr NULL: it is not there */
    int64_t version;
    struct vv_str head;
    struct vv_str line;
};

struct vv_export_run {
    const struct vv_export_request *request;
    struct vv_lake *lake;
    struct vv_new_folder folder;
    VV_ACTION_LIST(struct vv_export_file) files;
    VV_ACTION_LIST(struct vv_export_table *) tables;
    VV_ACTION_LIST(struct vv_export_seal) seals;
    int64_t made_us;
    struct vv_str public_pem; /* ptr NULL: nothing is signed */
};

/* "<folder of the table>/<name>" */
varve_status vv_export_key(struct vv_op *op, const struct vv_export_table *table,
    const char *name, struct vv_str *out);
/* A new file of the export with these bytes; `sha256` of them where it is known, or NULL. */
varve_status vv_export_write(struct vv_op *op, struct vv_export_run *run, struct vv_str key,
    struct vv_str bytes, const char *sha256);
/* Takes in a file that was written at `path`. *out (may be NULL): what was noted of it. */
varve_status vv_export_note(struct vv_op *op, struct vv_export_run *run, struct vv_str key,
    struct vv_str path, const struct vv_export_file **out);

/*
 * Reads the earlier seals; the tables must be open. EUSAGE: a line is no seal, or none is of a
 * table of the export: what is asked for is never left unchecked in silence.
 */
varve_status vv_export_seals(struct vv_op *op, struct vv_export_run *run);
bool vv_export_seal_is_of(const struct vv_export_seal *seal,
    const struct vv_export_table *table);
/* log/, commits.csv, seal.json, seals.ndjson */
varve_status vv_export_chain(struct vv_op *op, struct vv_export_run *run,
    struct vv_export_table *table);
/* rows.parquet, rows.csv */
varve_status vv_export_rows(struct vv_op *op, struct vv_export_run *run,
    struct vv_export_table *table);
/* sources/, unproven/, vectors/, sources.csv */
varve_status vv_export_copy_sources(struct vv_op *op, struct vv_export_run *run,
    struct vv_export_table *table);

/* changes/, changes-files.csv: after the chain was looked at. */
varve_status vv_export_changes(struct vv_op *op, struct vv_export_run *run,
    struct vv_export_table *table);

/* Columns of a Parquet file of the export as CSV, in the order of its rows. */
varve_status vv_export_write_csv(struct vv_op *op, struct vv_session *session,
    const struct vv_schema *schema, struct vv_str parquet, struct vv_str csv);
/* Looks at a file where it lies. EVERIFY: it is not what its commit says. */
varve_status vv_export_look(struct vv_op *op, const struct vv_export_table *table,
    const struct vv_file *file, char out_sha256[VV_SHA256_HEX_BYTES]);
/* What proves a file: "commit", "size" or "gone", as of sources.csv. */
const char *vv_export_proof(const struct vv_export_table *table, const struct vv_file *file);

varve_status vv_export_manifest(struct vv_op *op, struct vv_export_run *run);
varve_status vv_export_index(struct vv_op *op, struct vv_export_run *run);

/* A field of CSV, quoted where it has to be; ptr NULL: nothing. */
void vv_export_csv(struct vv_buf *line, struct vv_str text);

#endif
