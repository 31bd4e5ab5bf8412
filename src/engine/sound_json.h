/*
 * The engine's to_json, made JSON: it writes NaN and infinities as bare words, and decimals of which
 * all digits are behind the point without a 0 in front of it. The words become texts.
 */
#ifndef VV_ENGINE_SOUND_JSON_H
#define VV_ENGINE_SOUND_JSON_H

#include "base/buf.h"

/* Of SQL: takes and gives a VARCHAR. */
#define VV_SOUND_JSON "varve_sound_json"

void vv_sound_json(struct vv_str text, struct vv_buf *out);

#endif
