/*
 * When the rows of a data file came to be known: the time of the commit that added the file.
 */
#ifndef VV_LAKE_REPORT_KNOWN_H
#define VV_LAKE_REPORT_KNOWN_H

#include "lake/report_source.h"

/*
 * One time for each of the source's files. The commit of a file, or one after it, may be gone from the
 * log: the file was then there before the first of the commits that lead up to the snapshot without
 * a hole. The time of that one is given, and *out_undated counts.
 */
varve_status vv_report_commit_times(struct vv_op *op, const struct vv_report_source *source,
    int64_t **out_us, int64_t *out_undated);

#endif
