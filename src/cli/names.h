/*
 * Names of what a lake holds: for completing, and judging, what somebody types.
 */
#ifndef VV_CLI_NAMES_H
#define VV_CLI_NAMES_H

#include "cli/common.h"

struct vv_names {
    char **items;
    size_t len;
    size_t capacity;
};
void vv_names_done(struct vv_names *names);
/* A copy of the name, unless it is there already. */
void vv_names_add(struct vv_names *names, const char *name);

/* Adds the tables of a lake, or the columns of one of them. What can't be read has no names. */
void vv_names_of_lake(varve_lake *lake, struct vv_names *names);
void vv_names_of_table(varve_lake *lake, const char *table, struct vv_names *names);
/* Adds the tags of the lake's tables. */
varve_status vv_names_of_tags(varve_lake *lake, struct vv_names *names, varve_error *err);

#endif
