/*
 * A folder of the local file system that appears whole or not at all.
 *
 * Its files are written into a hidden folder beside it, synced, and the folder gets its name as
 * the last step, by a rename that never replaces. Where anything fails the hidden folder is
 * removed; a process that is killed leaves it, under a name that says what it is
 * (".NAME.part-..."), and never one under the name itself. The next folder of that name removes it:
 * whoever is at work on one has it locked, which ends with the process.
 */
#ifndef VV_STORE_NEW_FOLDER_H
#define VV_STORE_NEW_FOLDER_H

#include "store/store.h"

struct vv_new_folder {
    struct vv_store *store; /* its root is the hidden folder; owned */
    struct vv_str path;     /* that it gets */
    struct vv_str hidden;   /* where it is until then; len 0: there is none to be removed */
    int lock;               /* on `hidden`; -1: none */
    struct vv_arena arena;
    struct vv_str *keys; /* files to be synced, in `arena` */
    size_t keys_len, keys_capacity;
    char *copied; /* what is being copied; NULL: nothing was yet */
};

/*
 * EUSAGE: something of that name is there. NOT_FOUND: the folder that it is to be in is not.
 * `out` is given back with vv_new_folder_done, after a failure too.
 */
varve_status vv_new_folder_open(struct vv_op *op, struct vv_str path,
    struct vv_new_folder *out);
/* The path of a new file, whose folders are made. What is not written there by the end fails it. */
varve_status vv_new_folder_stage(struct vv_op *op, struct vv_new_folder *folder,
    struct vv_str key, struct vv_str *out_path);
/* A new file of these bytes. */
varve_status vv_new_folder_write(struct vv_op *op, struct vv_new_folder *folder,
    struct vv_str key, struct vv_str bytes);
/* A new file with the bytes of another. */
varve_status vv_new_folder_copy(struct vv_op *op, struct vv_new_folder *folder,
    struct vv_str key, const char *source);
/*
 * Makes all of it durable and gives it its name. EUSAGE: somebody has taken the name since.
 * EIO: as a rule it is not there; where the folder it is in cannot be synced it is there and whole,
 * and may be gone after a power cut.
 */
varve_status vv_new_folder_publish(struct vv_op *op, struct vv_new_folder *folder);
/* Removes what was not published. */
void vv_new_folder_done(struct vv_new_folder *folder);

#endif
