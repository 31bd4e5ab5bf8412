/*
 * ingest_arrow.c: the batches of an Arrow stream on stdin, which a thread of its own reads.
 */
#ifndef VV_CLI_INGEST_ARROW_H
#define VV_CLI_INGEST_ARROW_H

#include "cli/ingest.h"

varve_status vv_arrow_open(struct vv_ingest *ingest, varve_error *err);
/* Nothing more comes, and what came is put; also where there is none. */
bool vv_arrow_is_done(const struct vv_arrow_input *input);
void vv_arrow_stop(struct vv_arrow_input *input); /* what has come is still taken */
/* Why it ended before its end, once it is done. */
varve_status vv_arrow_result(const struct vv_arrow_input *input, varve_error *err);
/* Batches that were accepted since; true: there were some. */
bool vv_arrow_take(struct vv_ingest *ingest);
/* Says why the row was set aside. False: it came another way, or nobody asked. */
bool vv_arrow_refuse(struct vv_ingest *ingest, uint64_t sequence, const char *reason);
/* Acknowledges the batches that are as durable as --ack wants them, after their refusals. */
void vv_arrow_answer(struct vv_ingest *ingest);
/* Where it is not done it ends at once, and so do all calls of the writer that wait. */
void vv_arrow_close(struct vv_ingest *ingest);

#endif
