/*
 * Names that are there and lead to no file: links to what is not there (on a volume that is not mounted,
 * say) or that go in circles, folders and pipes where files should be. Reads and listings pass over them
 * as if they were not there; who must not take what is out of reach for what never was asks here.
 *
 * A store without links has none. Of a view (vv_store_open_overlay) they are those of the lower store.
 */
#ifndef VV_STORE_ODD_NAME_H
#define VV_STORE_ODD_NAME_H

#include "store/store.h"

/* Whether a key is such a name. */
varve_status vv_store_is_odd_name(struct vv_op *op, const struct vv_store *store,
    struct vv_str key, bool *out);
/*
 * The keys of those directly in `folder`, in byte order, but for temporary files. A folder that is not
 * there has none. ECORRUPT: it, or one on the way to it, is an odd name itself.
 */
varve_status vv_store_odd_names(struct vv_op *op, const struct vv_store *store,
    struct vv_arena *arena, struct vv_str folder, struct vv_objects *out);

#endif
