/*
 * Rows of an Arrow stream as boxes for people and as CSV and JSON for programs.
 */
#ifndef VV_CLI_RENDER_H
#define VV_CLI_RENDER_H

#include <stdio.h>

#include "cli/arrow_view.h"

/* In the order of the option's choices. */
enum vv_format {
    VV_FORMAT_AUTO,
    VV_FORMAT_BOX,
    VV_FORMAT_CSV,
    VV_FORMAT_JSON,
    VV_FORMAT_NDJSON,
    VV_FORMAT_MARKDOWN,
    /* Not rendered here: the library writes them. */
    VV_FORMAT_PARQUET,
    VV_FORMAT_ARROW,
    /* Charts, of rows that say what a chart shows. */
    VV_FORMAT_PLOT,
    VV_FORMAT_SVG
};

struct vv_render_options {
    enum vv_format format; /* not AUTO */
    struct vv_json_style json;
    const char *const *json_columns; /* NULL ends; NULL: none. Texts that are JSON */
    const char *const *box_columns;  /* NULL ends; in this order; NULL: all */
    const char *all_columns;      /* how one has those that a box leaves out; NULL: not said */
    const char *const *box_hides; /* NULL ends; what a narrow box hides first, in this order */
    const char *const *box_keeps; /* NULL ends; what it hides last, the first last of all */
    bool box_keeps_ends;          /* it then hides from the middle, else from the right */
    const char *plot_value;       /* the column that a chart is of; NULL: no chart */
    bool plot_line;               /* a line over time; plot_value: "a|b", or NULL: the first */
    size_t width;                 /* of boxes and charts, in columns; 0: as wide as needed */
    size_t rows_max;              /* rows that a box shows, half of them from the end; 0: all */
    bool utf8;                    /* frames out of box characters */
    bool color;
};

/*
 * One way of writing rows. `root` is the struct type whose members are the columns; it outlives
 * the writer. `file` is checked for errors by the caller.
 */
struct vv_writer {
    const struct vv_render_options *options;
    const struct vv_type *root;
    FILE *file;
    struct vv_text line, value; /* for the writer's use */
    void *state;
    void (*begin)(struct vv_writer *writer);
    void (*row)(struct vv_writer *writer, struct vv_cell row);
    void (*end)(struct vv_writer *writer,
        int64_t rows);                      /* NULL: nothing comes behind the rows */
    void (*done)(struct vv_writer *writer); /* NULL: nothing to release */
};

void vv_writer_csv(struct vv_writer *writer);
void vv_writer_json(struct vv_writer *writer); /* JSON and NDJSON */
void vv_writer_box(struct vv_writer *writer);
void vv_writer_markdown(struct vv_writer *writer);
void vv_writer_plot(struct vv_writer *writer); /* PLOT and SVG: bars */
void vv_writer_line(struct vv_writer *writer); /* the same: a line over time */
/* Whether rows have a time and a number to make a line of. */
bool vv_line_fits(const struct vv_type *root, const char *names);
/* A number of any kind, as near as a double is. */
double vv_plot_number(struct vv_cell cell);
/*
 * Where a finite value lies between two, from 0 to 1, however far they are apart; 0.5 where they
 * are the same.
 */
double vv_plot_share(double value, double low, double high);
/* Text as it stands in a picture. */
void vv_markup_add(struct vv_text *line, const char *bytes, size_t len);

/*
 * Reads the stream to its end and writes its rows; releases it. `*out_rows` counts them. A file
 * that takes no more ends it early with VARVE_OK: the caller asks ferror.
 */
varve_status vv_render(struct ArrowArrayStream *stream, const struct vv_render_options *options,
    FILE *file, int64_t *out_rows, varve_error *err);

/* One CSV field after RFC 4180: quoted where it has to be, and when it is empty. */
void vv_csv_add_field(struct vv_text *line, const char *bytes, size_t len);

/* A column of a box, in columns of the terminal. */
struct vv_box_column {
    size_t wanted; /* shows all of its cells */
    size_t least;  /* below this it is not cut ... */
    size_t tight;  /* unless something would be hidden: then below this; 0: `least` */
    size_t width;  /* what it gets; 0: hidden */
    size_t rank;   /* the greater, the sooner it is hidden; of equals the one on the right */
    bool hidden;
};

/*
 * Fits columns into `width` (0: no limit): the widest ones are cut first, then they are made tight
 * from the right, then hidden by their rank.
 */
void vv_box_fit(struct vv_box_column *columns, size_t len, size_t width);
/* Bytes of a column's name that go on one line of `width`: whole parts of it, one at least. */
size_t vv_box_name_part(const char *name, size_t len, size_t width);
/* The width of the widest part of a name: so many columns show all of it, on several lines. */
size_t vv_box_name_least(const char *name, size_t len);

#endif
