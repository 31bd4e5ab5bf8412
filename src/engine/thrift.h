/*
 * Reading Thrift's compact protocol, in which Parquet files describe themselves. Bytes are foreign:
 * a reader that met something wrong stays failed, gives zeros, and ends every loop.
 */
#ifndef VV_ENGINE_THRIFT_H
#define VV_ENGINE_THRIFT_H

#include "base/common.h"
#include "base/str.h"

enum vv_thrift_type {
    VV_THRIFT_TRUE = 1,
    VV_THRIFT_FALSE = 2,
    VV_THRIFT_BYTE = 3,
    VV_THRIFT_I16 = 4,
    VV_THRIFT_I32 = 5,
    VV_THRIFT_I64 = 6,
    VV_THRIFT_DOUBLE = 7,
    VV_THRIFT_BINARY = 8,
    VV_THRIFT_LIST = 9,
    VV_THRIFT_SET = 10,
    VV_THRIFT_MAP = 11,
    VV_THRIFT_STRUCT = 12
};

struct vv_thrift {
    struct vv_str rest;
    bool failed;
};

/* Of a struct; starts as {0}. */
struct vv_thrift_field {
    int16_t id;
    uint8_t type;
};

/* The next field; false at the end of the struct. */
bool vv_thrift_next(struct vv_thrift *in, struct vv_thrift_field *field);
/* The value of a field of that type; where the field has another type the reader fails. */
int64_t vv_thrift_int(struct vv_thrift *in, const struct vv_thrift_field *field);
bool vv_thrift_bool(struct vv_thrift *in, const struct vv_thrift_field *field);
struct vv_str vv_thrift_text(struct vv_thrift *in, const struct vv_thrift_field *field);
/* How many elements follow, each at least a byte of what is left; `type` is that of an element. */
size_t vv_thrift_list(struct vv_thrift *in, const struct vv_thrift_field *field, uint8_t type);
/* Checks that a struct follows. */
bool vv_thrift_struct(struct vv_thrift *in, const struct vv_thrift_field *field);
/* Elements of lists: */
int64_t vv_thrift_element_int(struct vv_thrift *in);
struct vv_str vv_thrift_element_text(struct vv_thrift *in);
/* Passes over the value of a field. */
void vv_thrift_skip(struct vv_thrift *in, const struct vv_thrift_field *field);

#endif
