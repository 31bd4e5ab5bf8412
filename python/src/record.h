/*
 * The records of the three market tables from keyword arguments.
 */
#ifndef VP_RECORD_H
#define VP_RECORD_H

#include "common.h"
#include "varve/market.h"

/*
 * 0, or -1 with an exception. Texts are borrowed from the arguments. Times are datetimes (naive:
 * UTC) or integers of microseconds since 1970; None is no value, as NaN is.
 */
int vp_record_regime(struct vp_state *state, PyObject *args, PyObject *options,
    varve_market_regime *out);
int vp_record_performance(struct vp_state *state, PyObject *args, PyObject *options,
    varve_performance *out);
int vp_record_signal(struct vp_state *state, PyObject *args, PyObject *options,
    varve_signal *out);

#endif
