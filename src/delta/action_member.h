/*
 * The members of one action while it is read: typed, copied into the arena that keeps them, with
 * an error that names action and member where the shape is wrong.
 */
#ifndef VV_DELTA_ACTION_MEMBER_H
#define VV_DELTA_ACTION_MEMBER_H

#include "delta/action.h"

struct vv_member_reader {
    struct vv_op *op;
    struct vv_arena *arena; /* of what is kept */
    const char *action;     /* "add" */
    const struct vv_json *object;
};

/* Absent and null are one: ECORRUPT for the first of each pair, `fallback` for the second. */
varve_status vv_member_text(const struct vv_member_reader *reader, const char *name,
    struct vv_str *out);
varve_status vv_member_text_or_none(const struct vv_member_reader *reader, const char *name,
    struct vv_str *out);
varve_status vv_member_int(const struct vv_member_reader *reader, const char *name,
    int64_t *out);
varve_status vv_member_int_or(const struct vv_member_reader *reader, const char *name,
    int64_t fallback, int64_t *out);
varve_status vv_member_int32(const struct vv_member_reader *reader, const char *name,
    int32_t *out);
varve_status vv_member_bool_or(const struct vv_member_reader *reader, const char *name,
    bool fallback, bool *out);
/* An object of texts and nulls; no pairs where it is absent. */
varve_status vv_member_pairs(const struct vv_member_reader *reader, const char *name,
    struct vv_pairs *out);
/* The same for tags, which are hints: members that are no text are left out. */
varve_status vv_member_tags(const struct vv_member_reader *reader, const char *name,
    struct vv_pairs *out);
varve_status vv_member_texts(const struct vv_member_reader *reader, const char *name,
    bool *out_present, const struct vv_str **out_items, size_t *out_len);
varve_status vv_member_dv(const struct vv_member_reader *reader,
    const struct vv_deletion_vector **out);
/* `path` as it stands and decoded. */
varve_status vv_member_path(const struct vv_member_reader *reader, struct vv_str *out_path,
    struct vv_str *out_key, bool *out_absolute);

#endif
