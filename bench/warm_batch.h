/*
 * Batches of rows in memory, by name: read once from a file of an Arrow stream, and handed out as a
 * stream any number of times. A bot has its rows there as well.
 */
#ifndef BENCH_WARM_BATCH_H
#define BENCH_WARM_BATCH_H

#include "varve/varve.h"

struct warm_batch;

/* Reads the file; a batch that had the name is gone. *out_rows: how many. EIO, ELIMIT: as err says. */
varve_status warm_batch_read(const char *name, const char *path, int64_t *out_rows,
    varve_error *err);
/* NULL: no such batch. */
struct warm_batch *warm_batch_find(const char *name);
/* Its rows, which stay its own: the stream is to be released before the batch goes. */
varve_status warm_batch_stream(struct warm_batch *batch, struct ArrowArrayStream *out,
    varve_error *err);
void warm_batch_free_all(void);

#endif
