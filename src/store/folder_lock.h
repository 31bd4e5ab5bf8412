/*
 * Folders that a process is at work on, and which it has locked meanwhile: the lock is of the folder
 * itself (flock) and ends with the process, so that what killed ones have left is told from what is in
 * use. A number of a process would not do: they come again, and mean nothing elsewhere.
 */
#ifndef VV_STORE_FOLDER_LOCK_H
#define VV_STORE_FOLDER_LOCK_H

#include "base/op.h"
#include "base/str.h"

/*
 * Opens a folder and locks it; *out_fd -1: it is not there, or somebody has it. A file system without
 * such locks: `*out_locked` false.
 */
void vv_folder_take(const char *path, int *out_fd, bool *out_locked);
/* With what it holds; links are removed, not followed. What can't be removed stays. */
void vv_folder_remove(const char *path);

/* Which folders are swept. */
struct vv_folder_sweep {
    struct vv_str before; /* where they lie: "a/", or nothing */
    struct vv_str prefix; /* of their names */
    bool (*is_one)(struct vv_str name, struct vv_str prefix);
    const char *event; /* for the log */
};
/* Removes those that nobody has locked, and are of the same user. What can't be looked at stays. */
varve_status vv_folder_sweep(struct vv_op *op, const struct vv_folder_sweep *sweep);

#endif
