/*
 * Pins: versions that stay readable. `_varve/pins/<name>.json` in the table's folder, an object:
 *
 *     {"varvePin":1,"kind":"tag","name":"q3","version":12,"created":MS,"userName":..,"message":..}
 *
 * A tag keeps one version, a hold all versions from that one on. Vacuum and the clean-up of the log
 * read them; a pin that can't be read stops them. A pin is written first, and only then are the
 * files that it is about looked at, in a table of which no vacuum is under way: one that begins
 * later reads the pin. One that was removed stays removed, also after a power cut: a vacuum that
 * did not see it may have taken what it kept.
 */
#ifndef VV_DELTA_PINS_H
#define VV_DELTA_PINS_H

#include "delta/log.h"

#define VV_PINS_FOLDER "_varve/pins"

enum vv_pin_kind {
    VV_PIN_TAG,
    VV_PIN_HOLD
};

struct vv_pin {
    struct vv_str name;
    enum vv_pin_kind kind;
    int64_t version;
    int64_t created_ms;
    struct vv_str user_name, message; /* message: ptr NULL where there is none */
};

struct vv_pins {
    struct vv_pin *items; /* by name */
    size_t len;
    size_t capacity;
};

/* EUSAGE: a name does not begin with a letter, or has other than letters, digits, - _ and . */
varve_status vv_pin_check_name(struct vv_op *op, struct vv_str name);
/* ECORRUPT: a pin that can't be read, or that is out of reach (store/odd_name.h). */
varve_status vv_pins_read(struct vv_op *op, const struct vv_log_handle *log,
    struct vv_arena *arena, struct vv_pins *out);
/* NULL: there is none of that name. */
const struct vv_pin *vv_pins_find(const struct vv_pins *pins, struct vv_str name);
/* EUSAGE: the name is taken. */
varve_status vv_pin_write(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_pin *pin);
varve_status vv_pin_remove(struct vv_op *op, const struct vv_log_handle *log,
    struct vv_str name);

#endif
