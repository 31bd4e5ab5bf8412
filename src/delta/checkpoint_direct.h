/*
 * Reading a checkpoint in Parquet without the engine: to open one takes longer than to read the
 * checkpoint of a table of ten thousand files. It knows what writers of checkpoints do, and leaves
 * everything else to the engine (checkpoint_read.c), which then says what is wrong, if anything is.
 */
#ifndef VV_DELTA_CHECKPOINT_DIRECT_H
#define VV_DELTA_CHECKPOINT_DIRECT_H

#include "delta/replay.h"

/*
 * Hands the plain files of a checkpoint to a replay, and adds all other rows to `lines`, as the
 * lines of JSON that a commit would have. `bytes` is the whole file, a row group takes at most
 * `group_bytes_max` of memory. All or nothing: on failure the replay has the files that it had
 * before, and `lines` is of no use. EUNSUPPORTED and ECORRUPT: the engine should try, it can do
 * more and with less memory. ELIMIT: the replay is out of memory, as it would be with the engine.
 */
varve_status vv_checkpoint_direct(struct vv_op *op, struct vv_str bytes, size_t group_bytes_max,
    struct vv_replay *replay, struct vv_buf *lines);

#endif
