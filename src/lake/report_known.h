/*
 * When the rows of a data file came to be known: the time of the commit that added the file.
 */
#ifndef VV_LAKE_REPORT_KNOWN_H
#define VV_LAKE_REPORT_KNOWN_H

#include "lake/report_source.h"

/*
 * One time for each of the source's files. The commit of a file may be gone from the log: it was
 * then made before the first commit that is kept, whose time is given, and *out_undated counts.
 */
varve_status vv_report_commit_times(struct vv_op *op, const struct vv_report_source *source,
    int64_t **out_us, int64_t *out_undated);

#endif
