/* The inside of spool_salvage*.c. */
#ifndef VV_INGEST_SPOOL_SALVAGE_STATE_H
#define VV_INGEST_SPOOL_SALVAGE_STATE_H

#include "base/buf.h"
#include "ingest/spool_found.h"
#include "ingest/spool_salvage.h"

/* Bytes of a file that are no whole record, though something was there. */
struct vv_salvage_damage {
    struct vv_salvage_damage *next;
    struct vv_str file;
    size_t from, to;
};

enum vv_salvage_rank {
    VV_SALVAGE_WHOLE,
    VV_SALVAGE_TABLELESS, /* the record that names its table is lost */
    VV_SALVAGE_SHAPELESS  /* the record with its schema is lost: of no use */
};

/* Where a row lies; several files of a number may have it. */
struct vv_salvage_row {
    uint64_t sequence;
    uint64_t at;
    uint32_t file;
    uint32_t rank;
};

struct vv_salvage_file {
    const struct vv_spool_find *find;
    struct vv_str kept_as;
    struct vv_str *tables, *schemas; /* by their numbers; ptr NULL: not declared */
    size_t tables_len, schemas_len;
};

/* All files of one segment. */
struct vv_salvage_number {
    uint64_t number;
    bool is_damaged; /* written anew; else as it was found */
    const char *fault;
    struct vv_salvage_file *files; /* of a damaged one, youngest first */
    size_t files_len;
    struct vv_buf rows_bytes;
    struct vv_salvage_row *rows; /* of a damaged one: each sequence once, ascending */
    size_t rows_len;
    uint64_t saved, tableless, shapeless;
    struct vv_salvage_damage *damages, *last_damage;
    struct vv_segment_counts end;  /* of its end; records 0: not found */
    bool head_is_known;            /* nothing is missing before its first row */
    bool tail_is_known;            /* or behind its last one */
    struct vv_segment_counts kept; /* of what stays in the spool */
    uint32_t generation;           /* of the new file */
    struct vv_str name;
};

struct vv_salvage {
    struct vv_spool *spool;
    const struct vv_spool_salvage_options *options;
    struct vv_spool_finds finds;
    struct vv_salvage_number *numbers;
    size_t numbers_len;
    bool header_was_lost;
    bool has_new_id;
    char stamp[40]; /* in the names of what is written beside the segments */
    int64_t rows_waiting, rows_cut;
};

/* spool_salvage_read.c: the rows of all files of a damaged number. EUNSUPPORTED. */
varve_status vv_salvage_read(struct vv_op *op, const struct vv_salvage *salvage,
    struct vv_salvage_number *number);
/* The row's record as it was, and what its table and schema are called. */
struct vv_spool_record vv_salvage_record(const struct vv_salvage_number *number,
    const struct vv_salvage_row *row, struct vv_str *out_table, struct vv_str *out_schema);

/* spool_salvage_write.c */

/* What stays of a damaged number (`kept`); those before it first. */
varve_status vv_salvage_plan(struct vv_op *op, struct vv_salvage *salvage, size_t index);
/* Puts that in its place. */
varve_status vv_salvage_write(struct vv_op *op, struct vv_salvage *salvage, size_t index);
/* The rows that have no table, as lines. */
varve_status vv_salvage_write_tableless(struct vv_op *op, struct vv_salvage *salvage);
/* A durable file of these bytes. */
varve_status vv_salvage_write_file(struct vv_op *op, const struct vv_salvage *salvage,
    struct vv_str name, struct vv_str bytes);

/* spool_salvage_report.c */
varve_status vv_salvage_report(struct vv_op *op, const struct vv_salvage *salvage,
    struct vv_buf *out);

#endif
