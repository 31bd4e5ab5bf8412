/*
 * What a logical file is made of: its data file, and the file that its deletion vector lies in; as
 * keys in the table's folder. What lies elsewhere is not ours to look after: a read of it will tell.
 */
#ifndef VV_TABLE_FILE_KEYS_H
#define VV_TABLE_FILE_KEYS_H

#include "delta/action.h"
#include "store/store.h"

struct vv_file_keys {
    struct vv_str data, vector; /* ptr NULL: none in the table's folder */
};

/* Where an action's key lies in the table's folder; ptr NULL: it leads elsewhere. */
struct vv_str vv_key_in_folder(const struct vv_store *store, struct vv_str key,
    bool is_absolute);
/*
 * `store`: of the table. A path that is absolute and leads into its folder is a key there, too. The
 * keys are the action's own or in `arena`. ECORRUPT: the vector's path names no file.
 */
varve_status vv_file_keys_of(struct vv_op *op, struct vv_arena *arena,
    const struct vv_store *store, const struct vv_file *file, struct vv_file_keys *out);
varve_status vv_file_keys_of_remove(struct vv_op *op, struct vv_arena *arena,
    const struct vv_store *store, const struct vv_remove *remove, struct vv_file_keys *out);

/* The first of the two that is not there; ptr NULL: none is gone. */
varve_status vv_file_keys_gone(struct vv_op *op, struct vv_store *store,
    const struct vv_file_keys *keys, struct vv_str *out);

#endif
