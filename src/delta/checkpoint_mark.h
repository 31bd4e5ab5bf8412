/*
 * The mark of a checkpoint: a hash of the bytes of its file, within the file. A bit that storage lost
 * may make another state of a checkpoint, which nothing else in it betrays: the pages of a Parquet
 * file have no checksum that all writers fill in.
 *
 * The mark is an entry of the footer, the key VV_CHECKPOINT_MARK with 32 hexadecimal digits: XXH3-64
 * of what lies before the digits in the file, then of what lies behind them. Other software
 * leaves entries alone that it does not know. It is in the file, and not in `_last_checkpoint`, since
 * that names one checkpoint of many, and any engine writes either of the two at its own time. It is no
 * proof: who alters the file can mark it anew.
 */
#ifndef VV_DELTA_CHECKPOINT_MARK_H
#define VV_DELTA_CHECKPOINT_MARK_H

#include "base/op.h"

#define VV_CHECKPOINT_MARK "varve.xxh3"
/* What stands in the place of the mark until the rest of the file is known. */
#define VV_CHECKPOINT_UNMARKED "00000000000000000000000000000000"

/* Marks the bytes of a file that was written with VV_CHECKPOINT_UNMARKED. */
void vv_checkpoint_mark(char *bytes, size_t len);
/* ECORRUPT: the bytes are not those that were marked. Files of other software have no mark. */
varve_status vv_checkpoint_mark_check(struct vv_op *op, struct vv_str bytes);

#endif
