/*
 * A batch on its way into a table: read, filled, validated, deduplicated (2-semantics "Upsert"
 * 1 to 3), and then a relation of the work (table/work.h) for the steps after it.
 *
 * That relation has
 *     _row  BIGINT   number of the data row in the input, from 1
 *     _own  BOOLEAN  the row brought its own order value (false where the table has no order)
 *     c0 .. cN       the columns of the table's schema by index, in its types; the order column
 *                    of a row without its own holds the batch's clock value
 *     _mN    BOOLEAN the value of column N is but the time at which the row came; of an upsert, for
 *                    the columns with a moment (below)
 *     _twice BOOLEAN one of its times is one that the zone has twice; only with a zone
 *     _warned BIGINT a bit for each warn-level rule it breaks; only where the table has some
 *     _bad  BOOLEAN  false
 * and only rows that are to be compared with the table: no rejected ones, one row a key.
 */
#ifndef VV_TABLE_BATCH_BATCH_H
#define VV_TABLE_BATCH_BATCH_H

#include "table/warnings.h"
#include "table/table.h"
#include "table/work.h"
#include "varve/arrow.h"

enum vv_input_format {
    VV_INPUT_CSV,
    VV_INPUT_NDJSON,
    VV_INPUT_PARQUET,
    VV_INPUT_IPC, /* Arrow IPC: a stream or a file, as bytes */
    VV_INPUT_ARROW
};

/* One source of rows; several are one batch. */
struct vv_input {
    enum vv_input_format format;
    struct vv_str path; /* all but ARROW: a local file; "-" is not understood here */
    int fd;             /* >= 0: read from this descriptor instead of `path` (a pipe, stdin) */
    const struct vv_str *lines; /* NDJSON: these in the place of a file; borrowed */
    size_t lines_len;
    struct vv_str name;              /* for messages: "rows.csv", "<stdin>"; none: path */
    struct ArrowArrayStream *stream; /* ARROW: taken over */
    /*
     * NDJSON: of each row, when it came, in microseconds. NULL: nobody knows. It is the order value
     * of a row that has none, and then counts as the row's own. ARROW: a column
     * VV_INPUT_ARRIVAL_COLUMN of int64 says the same. (An order column of small integers takes no
     * times.)
     */
    const int64_t *arrivals;
    size_t arrivals_len;
    /*
     * NDJSON: of each row, why it is set aside, whatever is in it; nothing of it but its line is looked
     * at then. ptr NULL: it is judged like any other. NULL: they all are.
     */
    const struct vv_str *faults;
};
/* Blanks: no column of a table has that name. */
#define VV_INPUT_ARRIVAL_COLUMN "varve row arrival"

struct vv_batch_options {
    struct vv_str input_tz; /* zone of naive timestamps; none: UTC */
    bool truncate_time;     /* cut digits below a microsecond instead of rejecting the row */
    bool dedupe;            /* step 3; false for plain appends */
    bool reject_rows; /* rejected rows are left out and counted instead of failing the batch */
    bool evolve;      /* null in no column of the table is no fault of a line */
    bool has_later;   /* batch_later.h: there are such rows */
};

/* Whether the values of a column are but the time at which their rows came. */
enum vv_moment {
    VV_MOMENT_NEVER,
    VV_MOMENT_SOME, /* those of the rows of which _mN is true */
    VV_MOMENT_ALWAYS
};

struct vv_batch {
    int64_t rows_in;
    int64_t rows_rejected; /* > 0 only with reject_rows */
    int64_t rows_duplicate;
    int64_t times_ambiguous;     /* rows, not rejected, with a time that input_tz had twice */
    int64_t rows;                /* in the relation */
    struct vv_warned warned;     /* among those that are not rejected; in op's arena */
    struct vv_str sql;           /* what stands for it after FROM */
    const struct vv_rowset *few; /* the same, where they are few and in memory; else NULL */
    /* Likewise of many rows, where they are all of the input: _row is the index of each, and 1. */
    const struct vv_rowset *many;
    /* Runs of rows of one partition in the order of the relation, which is a table; 0: not known. */
    int64_t partition_runs;
    bool
        is_ascending; /* and each row has a greater key than the one before it; false: not known */
    int64_t now_us;                /* the batch's clock value */
    const enum vv_moment *moments; /* by column; NULL: never of all */
    /*
     * With reject_rows, of the rejected rows: lines of NDJSON as in docs/format-quarantine.md,
     * in the order of the input. In the source.
     */
    struct vv_str rejects;
};

#define VV_BATCH_REJECTS_MAX 20

/*
 * A batch is made in two steps, so that an upsert which loses a race against a change of the
 * table's schema or rules can validate the same input again: streams and pipes are read once.
 */
struct vv_batch_source;

/*
 * Load: reads the inputs into the memory of `work`, or into temporary tables of its session
 * ("batch_input_0", ...), with the input's own columns and texts or types, numbered rows. The source keeps files open, for the
 * lines of bad rows. All streams are released, also on failure. EINVALID for a broken file, a
 * missing header, a duplicate column (names are matched ignoring case; a column that the table
 * does not have is EINVALID in prepare); ENOTFOUND: no such file; EUSAGE: no such time zone.
 */
varve_status vv_batch_load(struct vv_op *op, struct vv_work *work, const struct vv_table *table,
    const struct vv_input *inputs, size_t inputs_len, const struct vv_batch_options *options,
    struct vv_batch_source **out);
void vv_batch_source_close(struct vv_batch_source **source); /* accepts a pointer to NULL */
/*
 * Prepare: makes the relation (replaced where it is there already) from what was loaded, by the schema of table->snapshot and `rules`. May be called again after the
 * table was refreshed; the clock value stays. EINVALID with the bad rows in the error's detail
 * (number, line of the file for text formats, column, value, rule; VV_BATCH_REJECTS_MAX of them,
 * then a count) where a row is bad; also for an unknown column or a key column that is absent.
 * With options.reject_rows they are left out, and described in out->rejects.
 * EUSAGE: dedupe, and the table has no key.
 */
varve_status vv_batch_prepare(struct vv_op *op, struct vv_work *work,
    struct vv_batch_source *source, const struct vv_table *table, const struct vv_rules *rules,
    const struct vv_batch_options *options, struct vv_batch *out);
/* EUSAGE: there is no such time zone. */
varve_status vv_batch_check_zone(struct vv_op *op, struct vv_session *session,
    struct vv_str zone);
/* Releases the streams of inputs that are not going to be read. */
void vv_inputs_release(const struct vv_input *inputs, size_t inputs_len);

#endif
