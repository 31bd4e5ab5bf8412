/*
 * Z85 (ZeroMQ RFC 32): bytes as text that needs no escapes in JSON, five characters for four
 * bytes. Deletion vectors and their names stand in the log that way.
 */
#ifndef VV_DELTA_Z85_H
#define VV_DELTA_Z85_H

#include "base/buf.h"

/* Zeros are added up to a multiple of four bytes. */
void vv_z85_encode(struct vv_str bytes, struct vv_buf *out);
/*
 * False where the text is not Z85: a length that is no multiple of five, a foreign character, a
 * group that stands for more than 32 bits. What was decoded before that is in `out`.
 */
bool vv_z85_decode(struct vv_str text, struct vv_buf *out);

#endif
