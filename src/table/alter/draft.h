/*
 * Protocol and metadata of a table in the making: what an alter works on. Everything lives in one
 * arena; the snapshot that it began from must outlive it.
 */
#ifndef VV_TABLE_ALTER_DRAFT_H
#define VV_TABLE_ALTER_DRAFT_H

#include "delta/list.h"
#include "delta/snapshot.h"

struct vv_draft {
    struct vv_arena *arena;
    const struct vv_snapshot *from;
    const struct vv_protocol *protocol; /* from's own where nothing new is needed */
    struct vv_metadata metadata;        /* its configuration is `properties` */
    struct vv_schema schema;            /* of metadata.schema_json */
    VV_ACTION_LIST(struct vv_pair) properties;
    struct vv_buf diff; /* lines for people: "+ note string", "~ x integer -> long" */
    bool is_changed;
};

varve_status vv_draft_begin(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *from, struct vv_draft *out);
void vv_draft_done(struct vv_draft *draft);

struct vv_str vv_draft_property(const struct vv_draft *draft, struct vv_str name);
/* A value that is there already is no change. */
varve_status vv_draft_set(struct vv_op *op, struct vv_draft *draft, struct vv_str name,
    struct vv_str value);
/* *out_was_there false: nothing to take away. */
varve_status vv_draft_unset(struct vv_op *op, struct vv_draft *draft, struct vv_str name,
    bool *out_was_there);
/* The protocol gets a feature. */
varve_status vv_draft_need(struct vv_op *op, struct vv_draft *draft, const char *feature);

/* A copy of the fields, with room for one more, to be changed and given to vv_draft_fields. */
struct vv_field *vv_draft_copy_fields(struct vv_op *op, const struct vv_draft *draft);
/* The schema anew. EINVALID: names that clash or can't be. */
varve_status vv_draft_fields(struct vv_op *op, struct vv_draft *draft,
    const struct vv_field *fields, size_t len);
/* The field's metadata with one member set to a JSON text (ptr NULL: without it), the others as they were. */
varve_status vv_draft_mark(struct vv_op *op, struct vv_draft *draft, struct vv_field *field,
    const char *member, struct vv_str json);

/* The draft as a snapshot without files: for vv_rules_read and vv_features_check_write. */
void vv_draft_snapshot(const struct vv_draft *draft, struct vv_snapshot *out);

#endif
