/*
 * The regime in force at each of some instants, as it was known then.
 */
#ifndef VV_LAKE_REPORT_REGIMES_H
#define VV_LAKE_REPORT_REGIMES_H

#include "lake/report_source.h"
#include "lake/report_work.h"

struct vv_regimes_request {
    struct vv_str symbol; /* ptr NULL: SPY, else the first; by symbol: all */
    bool by_symbol;
    enum vv_knowledge knowledge;
    struct vv_span span; /* that the instants lie in */
};

/*
 * Fills the session's table `matched` (symbol, ts, rank, event_rank, regime, event_regime): one row
 * for each symbol and instant; ranks are NULL where there is none. The instants are the column ts
 * of the session's table `table`. ENOTFOUND: no regime of the symbol; EUSAGE: no order column to
 * know by.
 */
varve_status vv_regimes_match(struct vv_op *op, struct vv_report_work *work,
    struct vv_report_source *source, const struct vv_regimes_request *request,
    const char *table, struct vv_regimes_result *out);

#endif
