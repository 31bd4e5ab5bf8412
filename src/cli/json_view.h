/*
 * Reading the JSON that the library gives (summaries, descriptions, log fields), so that it can
 * be shown to people.
 */
#ifndef VV_CLI_JSON_VIEW_H
#define VV_CLI_JSON_VIEW_H

#include "cli/text.h"

enum vv_node_kind {
    VV_NODE_NONE, /* no such member */
    VV_NODE_NULL,
    VV_NODE_BOOL,
    VV_NODE_NUMBER,
    VV_NODE_STRING,
    VV_NODE_ARRAY,
    VV_NODE_OBJECT
};

struct vv_node {
    enum vv_node_kind kind;
    struct vv_text name; /* of a member */
    struct vv_text text; /* of a string, unescaped; of others, as written */
    struct vv_node *children;
    size_t children_len;
};

#define VV_NODE_DEPTH_MAX 100

/* False for anything but one JSON value. `out` is released with vv_node_done. */
bool vv_node_read(const char *json, size_t len, struct vv_node *out);
void vv_node_done(struct vv_node *node);

/* A member; a node of kind NONE where there is none. Never NULL. */
const struct vv_node *vv_node_get(const struct vv_node *object, const char *name);
/* Text of a string, number or boolean; "" for others. Never NULL. */
const char *vv_node_chars(const struct vv_node *node);
/* A whole number; `fallback` for anything else. */
int64_t vv_node_int(const struct vv_node *node, int64_t fallback);

#endif
