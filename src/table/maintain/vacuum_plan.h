/*
 * What a vacuum may remove: decisions about names and times, without I/O.
 */
#ifndef VV_TABLE_MAINTAIN_VACUUM_PLAN_H
#define VV_TABLE_MAINTAIN_VACUUM_PLAN_H

#include "base/map.h"
#include "delta/snapshot.h"
#include "store/store.h"

/* Whether vacuum looks into a folder: all but hidden ones, of which _change_data and partition folders are looked into. */
bool vv_vacuum_enters(struct vv_str folder_key, const struct vv_metadata *metadata,
    const struct vv_schema *schema);
/* Whether vacuum looks at a file: all but hidden ones, in a folder that it enters. */
bool vv_vacuum_sees(struct vv_str key);
/* Whether a file is no longer needed: it is not kept and was last written before the cut-off. */
bool vv_vacuum_is_due(const struct vv_object *object, const struct vv_map *kept,
    int64_t cutoff_us);
/* Whether a key may be taken away at all, whoever asks: no part of it is a log or Varve's own folder. */
bool vv_vacuum_may_remove(struct vv_str key);

#endif
