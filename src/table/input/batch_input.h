/*
 * One input of a batch, as it lies in the session before its schema matters: a temporary table
 * with the input's columns, as text (CSV, NDJSON) or in Arrow's types.
 */
#ifndef VV_TABLE_INPUT_BATCH_INPUT_H
#define VV_TABLE_INPUT_BATCH_INPUT_H

#include "engine/arrow_type.h"
#include "store/source.h"
#include "table/batch/batch.h"
#include "table/work.h"

struct vv_batch_input {
    enum vv_input_format format;
    struct vv_str name;      /* for messages */
    struct vv_source source; /* all but Arrow */
    struct vv_str table;     /* temporary table of the session; not made where rows are few */
    struct vv_str table_sql; /* its name in SQL */
    struct vv_str sql;       /* what stands for the rows after FROM: that, or a rowset */
    bool in_memory;          /* it is work->input */
    int64_t rows;            /* that it has; 0: not known */
    int64_t texts_bytes;     /* of its texts, at least; 0: not known */
    int64_t
        values_rows_max;   /* so many rows of values may be, though they are not few; 0: none */
    struct vv_str row_sql; /* number of a row of it, from 1 */
    struct vv_str arrival_sql; /* when it came; none: nobody knows */
    const int64_t *arrivals;   /* NDJSON: see vv_input */
    size_t arrivals_len;
    const struct vv_str *faults; /* likewise */
    struct vv_str *columns;      /* as the input names them; NDJSON: those that some line has */
    struct vv_str *column_sql;   /* their names in the temporary table, quoted where needed */
    struct vv_str *types;        /* DuckDB's */
    size_t columns_len;
    struct vv_str *null_columns; /* NDJSON: of the table, for which lines have null alone */
    size_t null_columns_len;
    struct vv_arrow_type arrow; /* Arrow, and Arrow IPC: what its rows are, in the operation */
    struct vv_str
        nulls_sql;     /* NDJSON of a table with defaults: ",3,7,", where a row says null */
    bool sets_aside;   /* text: lines that are no rows are, however many they are */
    bool passes_nulls; /* NDJSON: null in no column of the table is no fault */
    /* Text: a row that no table would take, or a line that is no row; columns with the name of the
       member (VV_NDJSON_LINE_TEXT: the line), its value and what is wrong with it, NULL in good rows. */
    bool has_faults;
    bool truncates_time; /* Parquet: digits below a microsecond may be cut */
    /* Parquet, what vv_input_look_parquet found; each empty where there is nothing of it: */
    struct vv_str replaced_sql; /* columns that are not what the engine says */
    struct vv_source digits;    /* digits below a microsecond, in a file of CSV */
    struct vv_str digits_sql;   /* what is joined to the rows for them */
    struct vv_str digits_names; /* ", x, y": what comes of that and is no column */
    /*
     * NDJSON of many lines: rows in no doubt are values (table/input/json_cell.h). Those of the others,
     * by their numbers among all, are texts in `rest`; NULL: all are values, or all texts.
     */
    bool has_cells;
    int64_t *odd_rows; /* ascending */
    size_t odd_len;
    struct vv_batch_input *rest;
    const struct vv_batch_input *rest_of; /* of a rest; NULL: it is none */
};

/* A column of rows of values in memory: another row of its key takes its place. False at first. */
#define VV_VALUES_BEATEN "beaten"
/* Its place in work->input: behind the number of the row, the columns and the arrival. */
static inline uint32_t vv_values_beaten(const struct vv_schema *schema)
{
    return (uint32_t)schema->fields_len + 2;
}

/* With blanks, as below: Parquet has them beside the columns of the file. */
#define VV_NDJSON_FAULT_NAME "varve fault name"
#define VV_NDJSON_FAULT_VALUE "varve fault value"
#define VV_NDJSON_FAULT_RULE "varve fault rule"
#define VV_INPUT_FAULTS_SQL \
    "\"" VV_NDJSON_FAULT_NAME "\", \"" VV_NDJSON_FAULT_VALUE "\", \"" VV_NDJSON_FAULT_RULE "\""
/*
 * A line that is no row, kept as an object of two members: its text, and what is wrong with it. The
 * writer's quarantine is for such lines, too. Of a row the fault is an object of "column", "value" and
 * "rule": it has it whatever its values are.
 */
#define VV_NDJSON_LINE_TEXT "varve.line"
#define VV_NDJSON_LINE_FAULT "varve.fault"

/* Up to here a file of text is taken for a few rows. */
#define VV_INPUT_SMALL_BYTES_MAX (INT64_C(1) << 20)

/* The longest line of NDJSON: a longer one is no row. The longest header and value of CSV. */
#define VV_INPUT_LINE_BYTES_MAX ((size_t)64 << 20)

/*
 * Fill the rest of an input whose name, table, and source or stream are set; `arena` lives as
 * long as the input. Few rows stay in memory, in work->input, where work->is_small allows it on
 * the way in; it is false on the way out where they went to the temporary table. All replace what
 * is there already.
 */
varve_status vv_input_load_csv(struct vv_op *op, struct vv_work *work, struct vv_arena *arena,
    struct vv_batch_input *input);
/* `*out_taken` false: nothing was done, the file is not plain enough. For the function above. */
varve_status vv_input_take_csv(struct vv_op *op, struct vv_work *work,
    struct vv_batch_input *input, bool *out_taken);
/* Nothing else need be read of a file whose first so many lines are no rows, unless they are set aside. */
#define VV_INPUT_LINES_TRIED 100
/* Record by record, with a fault for each that is no row. For vv_input_load_csv. */
varve_status vv_input_read_csv(struct vv_op *op, struct vv_work *work, struct vv_arena *arena,
    struct vv_batch_input *input);
/* By the schema: which members there are, and which of them are nested. */
varve_status vv_input_load_ndjson(struct vv_op *op, struct vv_work *work,
    struct vv_arena *arena, const struct vv_table *table, struct vv_batch_input *input);
/* The same as values: table/input/ndjson.h. `*out_taken` false: nothing was done, there is too much doubt. */
varve_status vv_input_load_cells(struct vv_op *op, struct vv_work *work, struct vv_arena *arena,
    const struct vv_table *table, struct vv_batch_input *input, bool *out_taken);
/*
 * The rows of an input of values that are bad in work->batch, where the first one of the input has
 * the number `rows_before` + 1, become texts: what is wrong with them is told in the words of
 * their lines.
 */
varve_status vv_input_demote_cells(struct vv_op *op, struct vv_work *work,
    struct vv_arena *arena, const struct vv_table *table, struct vv_batch_input *input,
    int64_t rows_before);
varve_status vv_input_load_arrow(struct vv_op *op, struct vv_work *work, struct vv_arena *arena,
    struct ArrowArrayStream *stream, struct vv_batch_input *input, int64_t *out_rows);

/* Nothing is loaded: the rows stand for themselves, and are decoded by whoever reads input->sql. */
varve_status vv_input_load_parquet(struct vv_op *op, struct vv_work *work,
    struct vv_arena *arena, struct vv_batch_input *input);
/*
 * What its footer and its pages say of a file that the engine does not tell: sets the members above.
 * `*out_is_known` false: it could not be looked into, the engine may have more luck.
 */
varve_status vv_input_look_parquet(struct vv_op *op, struct vv_arena *arena,
    struct vv_batch_input *input, bool *out_is_known);
/* What stands for one of so many parts of such rows, in their order; lives as long as `op`. */
varve_status vv_input_part_parquet(struct vv_op *op, const struct vv_batch_input *input,
    size_t part, size_t parts_len, struct vv_str *out);
/* What a statement over such rows has failed with, in the words of an input: EINVALID. */
varve_status vv_input_fail_parquet(struct vv_op *op, const struct vv_batch_input *input,
    varve_status status);
/* EINVALID: the file was written to since it was opened, so its rows may be of two states. */
varve_status vv_input_check_same(struct vv_op *op, const struct vv_batch_input *input);
varve_status vv_input_load_ipc(struct vv_op *op, struct vv_work *work, struct vv_arena *arena,
    struct vv_batch_input *input);

/* Where the loaders of the engine put the rows of an input: drops the table of the last time. */
varve_status vv_input_target(struct vv_op *op, struct vv_work *work,
    const struct vv_batch_input *input, struct vv_str row_column, struct vv_load_target *out);
/* And where they went to then. */
void vv_input_loaded(struct vv_work *work, struct vv_batch_input *input,
    const struct vv_load_target *target, int64_t rows);

/* Of a batch that was loaded. */
struct vv_batch_input *vv_batch_inputs(struct vv_batch_source *source, size_t *out_len);

/* The first column of typed rows. Blanks: no column of a table has it. */
#define VV_INPUT_ROW_COLUMN "varve row number"
/* Typed inputs: those that bring values, not texts. */
static inline bool vv_input_is_typed(const struct vv_batch_input *input)
{
    return input->format != VV_INPUT_CSV && input->format != VV_INPUT_NDJSON;
}
/* What begins so, and is no text: "Parquet (--input-format parquet)". NULL: nothing of them. */
const char *vv_input_typed_by_head(struct vv_str head);
/* For them: names and types of the columns behind it, and row_sql. */
varve_status vv_input_columns(struct vv_op *op, struct vv_work *work, struct vv_arena *arena,
    struct vv_batch_input *input);

/*
 * The lines of the file in which rows begin: `rows` are numbers in the input, ascending. 0: there
 * are no lines (Arrow, Parquet), or no such row.
 */
varve_status vv_input_lines(struct vv_op *op, const struct vv_batch_input *input,
    const int64_t *rows, size_t rows_len, int64_t *out_lines);
varve_status vv_input_lines_csv(struct vv_op *op, const struct vv_batch_input *input,
    const int64_t *rows, size_t rows_len, int64_t *out_lines);
varve_status vv_input_lines_ndjson(struct vv_op *op, const struct vv_batch_input *input,
    const int64_t *rows, size_t rows_len, int64_t *out_lines);

#endif
