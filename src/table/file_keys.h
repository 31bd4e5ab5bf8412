/*
 * What a logical file is made of: its data file, and the file that its deletion vector lies in. In the
 * table's folder they are keys; what lies elsewhere (shallow clones) is not the table's to take away, but
 * needed all the same.
 */
#ifndef VV_TABLE_FILE_KEYS_H
#define VV_TABLE_FILE_KEYS_H

#include "delta/action.h"
#include "delta/deletion_vector.h"
#include "store/store.h"

struct vv_file_keys {
    struct vv_str data, vector; /* ptr NULL: none in the table's folder */
    /* Absolute paths of the local file system, where they lie elsewhere; ptr NULL: they don't. */
    struct vv_str data_outside, vector_outside;
};

/*
 * `store`: of the table. A path that is absolute and leads into its folder, through links too, is a key
 * there. The keys are the action's own or in `arena`. ECORRUPT: the vector's path names no file.
 */
varve_status vv_file_keys_of(struct vv_op *op, struct vv_arena *arena,
    const struct vv_store *store, const struct vv_file *file, struct vv_file_keys *out);
varve_status vv_file_keys_of_remove(struct vv_op *op, struct vv_arena *arena,
    const struct vv_store *store, const struct vv_remove *remove, struct vv_file_keys *out);
/* One of an action's: where it lies in the table's folder; ptr NULL: it leads elsewhere. */
varve_status vv_key_in_folder(struct vv_op *op, struct vv_arena *arena,
    const struct vv_store *store, struct vv_str key, bool is_absolute, struct vv_str *out);

/* Whether a key, or a path elsewhere, is one of them. */
bool vv_file_keys_have(const struct vv_file_keys *keys, struct vv_str key);
/* Of a key, or of a path elsewhere. ENOTFOUND: it is not there. */
varve_status vv_file_head(struct vv_op *op, struct vv_store *store, struct vv_str key,
    struct vv_object *out);
/* For people: the whole path of a data file; in the operation's arena. */
struct vv_str vv_file_path(struct vv_op *op, const struct vv_store *store,
    const struct vv_file *file);
/*
 * Called with the failure of a read of a file that the log names recorded. One that is not there is
 * damage of the table (ECORRUPT), while NOT_FOUND is what there never was, or what went by the rules
 * (table/read/lost.h). Returns the recorded code.
 */
varve_status vv_file_unread(struct vv_op *op);
/* vv_store_fetch of a data file, and vv_dv_read, but for that. */
varve_status vv_file_fetch(struct vv_op *op, struct vv_store *store, struct vv_str key,
    struct vv_str *out_path);
varve_status vv_file_read_vector(struct vv_op *op, struct vv_dv_reader *reader,
    const struct vv_file *file, struct vv_row_set **out);
/* The first that is not there; ptr NULL: none is gone. What lies on other systems is not looked for. */
varve_status vv_file_keys_gone(struct vv_op *op, struct vv_store *store,
    const struct vv_file_keys *keys, struct vv_str *out);

#endif
