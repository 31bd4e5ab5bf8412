/*
 * A folder for what the engine has no memory for, in one for temporary files that other processes use
 * too, perhaps of other users and other machines. Nobody needs it once its process has ended; that of a
 * killed one is removed when the next is made. Those of a user lie in one folder, which stays.
 */
#ifndef VV_STORE_SPILL_FOLDER_H
#define VV_STORE_SPILL_FOLDER_H

#include "base/op.h"
#include "base/str.h"

struct vv_spill_folder;

/*
 * NULL where it can't be made, or not be locked: one under that name without a lock would be taken for
 * one that was left.
 */
varve_status vv_spill_folder_make(struct vv_op *op, struct vv_str parent,
    struct vv_spill_folder **out);
struct vv_str vv_spill_folder_path(const struct vv_spill_folder *folder);
/*
 * Makes it anew, locked, where it is not there any more: for weeks it may be empty, and programs that clean
 * up the temporary files take what is old.
 */
void vv_spill_folder_keep(struct vv_spill_folder *folder);
/* With what is left in it. Accepts a pointer to NULL. */
void vv_spill_folder_remove(struct vv_spill_folder **folder);

#endif
