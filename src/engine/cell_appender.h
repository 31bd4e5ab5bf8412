/*
 * Rows of values into a table, as vv_text_appender (engine/engine.h) takes rows of texts: one by
 * one, a column for each value, and nothing is sure to be there before _finish.
 */
#ifndef VV_ENGINE_CELL_APPENDER_H
#define VV_ENGINE_CELL_APPENDER_H

#include "engine/engine.h"

struct vv_cell_column {
    struct vv_str name;
    struct vv_str type; /* in SQL; vv_cell_fits */
};

/* A value, by the type of its column. */
struct vv_cell {
    bool is_null;
    union {
        int64_t
            integer;   /* integers, BOOLEAN, DATE in days, TIMESTAMPs in us; within the type */
        double number; /* DOUBLE */
        struct vv_str text; /* VARCHAR; valid UTF-8 */
    } as;
};

/* Whether values of that type can be cells. */
bool vv_cell_fits(struct vv_str type);

struct vv_cell_appender;
/* Columns of other types break the precondition. */
varve_status vv_cell_appender_open(struct vv_op *op, struct vv_session *session,
    const struct vv_load_target *target, const struct vv_cell_column *columns,
    size_t columns_len, struct vv_cell_appender **out);
varve_status vv_cell_appender_row(struct vv_op *op, struct vv_cell_appender *appender,
    int64_t row, const struct vv_cell *cells);
varve_status vv_cell_appender_finish(struct vv_op *op, struct vv_cell_appender *appender);
void vv_cell_appender_close(struct vv_cell_appender **appender);

#endif
