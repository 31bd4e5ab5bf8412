/*
 * Table features: what Varve can read, what it can write, and the name of what it can't.
 */
#ifndef VV_DELTA_FEATURES_H
#define VV_DELTA_FEATURES_H

#include "delta/action.h"
#include "delta/schema.h"

#define VV_MAX_COLUMN_ID "delta.columnMapping.maxColumnId"

/* EUNSUPPORTED naming the version or the reader feature; ECORRUPT where version 3 has no list. */
varve_status vv_features_check_read(struct vv_op *op, const struct vv_protocol *protocol);
/*
 * EUNSUPPORTED naming the version or the feature that is in the way of writing. A feature that is
 * only listed, but not in use by this table (no identity column, no generated column ...), is
 * none.
 */
varve_status vv_features_check_write(struct vv_op *op, const struct vv_protocol *protocol,
    const struct vv_metadata *metadata, const struct vv_schema *schema);
bool vv_features_has(const struct vv_protocol *protocol,
    struct vv_str feature); /* listed or implied */
/* The names that the protocol lists or implies; those of the lists first. */
varve_status vv_features_list(struct vv_op *op, struct vv_arena *arena,
    const struct vv_protocol *protocol, struct vv_str **out, size_t *out_len);
/* Whether readers of such a table need the feature, too. */
bool vv_features_is_reader(const struct vv_protocol *protocol, struct vv_str feature);
/* Whether the metadata of some column, nested ones too, has a member whose name starts so. */
bool vv_features_schema_has(const struct vv_schema *schema, const char *prefix);
/*
 * The least protocol that has all of `from`, `feature` and what that needs by the protocol: a legacy
 * version where that will do, else lists, which carry over what the legacy versions imply. `*out` is `from` itself where the
 * feature is there already. EUNSUPPORTED: a name that Varve does not know.
 */
varve_status vv_features_require(struct vv_op *op, struct vv_arena *arena,
    const struct vv_protocol *from, struct vv_str name, const struct vv_protocol **out);
/* The same with all features of `more`. */
varve_status vv_features_merge(struct vv_op *op, struct vv_arena *arena,
    const struct vv_protocol *from, const struct vv_protocol *more,
    const struct vv_protocol **out);
enum vv_column_mapping vv_features_mapping(const struct vv_protocol *protocol,
    const struct vv_metadata *metadata);
/* Whether the type is or holds a variant, which Varve reads as JSON text and does not write. */
bool vv_features_is_variant(const struct vv_type *type);
/* A boolean table property ("delta.appendOnly"); `fallback` where absent. */
bool vv_property_bool(const struct vv_metadata *metadata, const char *name, bool fallback);

#endif
