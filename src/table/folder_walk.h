/*
 * A walk over the files in a table's folder, whoever put them there.
 *
 * Hidden folders are not entered, but for those that vacuum_plan.h names; no folder that is a symbolic
 * link, since what it leads to may be another's, and what lies in the table's folder is come to
 * without it; and no folder of another table. The table's own folder may be a link.
 */
#ifndef VV_TABLE_FOLDER_WALK_H
#define VV_TABLE_FOLDER_WALK_H

#include "base/map.h"
#include "delta/action.h"
#include "delta/schema.h"
#include "store/store.h"

struct vv_folder_walk {
    struct vv_store *store;
    const struct vv_metadata *metadata; /* what the table is partitioned by */
    const struct vv_schema *schema;
    /* Sees each file, hidden ones and links too; the object is the walk's. A failure ends it. */
    varve_status (*see)(struct vv_op *op, void *data, const struct vv_object *object);
    void *data;
    int64_t folders; /* out: that were looked into */
};

varve_status vv_folder_walk(struct vv_op *op, struct vv_folder_walk *walk);
/*
 * Whether the walk would come to a file with that key, in which no link is; `entered` keeps what was
 * found of its folders for the next one.
 */
varve_status vv_folder_walk_reaches(struct vv_op *op, const struct vv_folder_walk *walk,
    struct vv_map *entered, struct vv_str key, bool *out);

/* Where folders of keys really lie, each looked at once. */
struct vv_folder_places {
    const struct vv_store *store;
    struct vv_map real; /* a struct vv_str each, of a folder; its arena has the keys too */
};

/*
 * Makes of a key that the log has the one under which the walk comes to the file: links among the folders
 * on the way are followed. One that leads out of the table's folder, where no walk comes, stays
 * as it is. With ptr NULL: none.
 */
varve_status vv_folder_place(struct vv_op *op, struct vv_folder_places *places,
    struct vv_str *key);

#endif
