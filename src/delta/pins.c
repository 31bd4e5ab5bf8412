#include "delta/pins.h"

#include "base/json.h"
#include "base/json_write.h"
#include "delta/log_name.h"
#include "store/odd_name.h"

#define FORMAT 1
#define NAME_BYTES_MAX 100

static const char *const kind_names[] = {[VV_PIN_TAG] = "tag", [VV_PIN_HOLD] = "hold"};

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

varve_status vv_pin_check_name(struct vv_op *op, struct vv_str name)
{
    bool ok = name.len > 0 && name.len <= NAME_BYTES_MAX && is_letter(name.ptr[0]);
    for (size_t i = 0; i < name.len && ok; i++) {
        char byte = name.ptr[i];
        ok = is_letter(byte) || (byte >= '0' && byte <= '9') || byte == '-' || byte == '_' ||
             byte == '.';
    }
    return ok ? VARVE_OK
              : vv_fail(op, VARVE_EUSAGE,
                    "\"%.*s\" can't be a name: it begins with a letter and has letters, "
                    "digits, "
                    "'-', '_' and '.'",
                    VV_ARG(name));
}

static varve_status key_of(struct vv_op *op, struct vv_str name, struct vv_str *out)
{
    VV_TRY(vv_pin_check_name(op, name));
    *out = vv_arena_format(&op->arena, VV_PINS_FOLDER "/%.*s.json", VV_ARG(name));
    return out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

static varve_status fail_damaged(struct vv_op *op, struct vv_str key)
{
    return vv_fail(op, VARVE_ECORRUPT,
        "%.*s is no pin that Varve can read: what it keeps is not known, so that nothing is "
        "removed; restore it or remove it",
        VV_ARG(key));
}

/* A copy under another name keeps files for ever: by the name that it says the other one is dropped. */
static varve_status check_key(struct vv_op *op, struct vv_str key, const struct vv_pin *pin)
{
    struct vv_str file = vv_log_name_of_key(key);
    struct vv_str own = vv_arena_format(&op->arena, "%.*s.json", VV_ARG(pin->name));
    if (own.ptr == NULL)
        return vv_fail_memory(op);
    if (vv_str_eq(file, own))
        return VARVE_OK;
    return vv_fail(op, VARVE_ECORRUPT,
        "%.*s says that it is the %s \"%.*s\", which %.*s would be: what it is to keep is not "
        "known, so that nothing is removed; rename it or remove it",
        VV_ARG(key), kind_names[pin->kind], VV_ARG(pin->name), VV_ARG(own));
}

static varve_status read_pin(struct vv_op *op, const struct vv_log_handle *log,
    struct vv_arena *arena, struct vv_str key, struct vv_pin *out)
{
    const struct vv_json *json = NULL;
    struct vv_str bytes = VV_STR_NONE;
    int64_t format = 0;
    struct vv_pin pin = {.version = VV_NO_VERSION};
    VV_TRY(vv_store_get(op, log->store, arena, key, &bytes));
    varve_status status = vv_json_parse(op, arena, vv_str_trim(bytes), &json);
    if (status != VARVE_OK && status != VARVE_ECORRUPT)
        return status;
    if (status != VARVE_OK) {
        vv_forgive(op);
        return fail_damaged(op, key);
    }
    struct vv_str kind = vv_json_text(vv_json_get(json, "kind"));
    pin.kind = vv_str_eq(kind, vv_str_of(kind_names[VV_PIN_HOLD])) ? VV_PIN_HOLD : VV_PIN_TAG;
    pin.name = vv_json_text(vv_json_get_kind(json, "name", VV_JSON_STRING));
    pin.user_name = vv_json_text(vv_json_get_kind(json, "userName", VV_JSON_STRING));
    pin.message = vv_json_text(vv_json_get_kind(json, "message", VV_JSON_STRING));
    (void)vv_json_int64(vv_json_get(json, "created"), &pin.created_ms);
    if (!vv_json_int64(vv_json_get(json, "varvePin"), &format) || format != FORMAT ||
        !vv_json_int64(vv_json_get(json, "version"), &pin.version) || pin.version < 0 ||
        pin.name.ptr == NULL || !vv_str_eq(kind, vv_str_of(kind_names[pin.kind])))
        return fail_damaged(op, key);
    VV_TRY(check_key(op, key, &pin));
    *out = pin;
    return VARVE_OK;
}

/* A listing passes over a pin that is out of reach, as if it had been dropped. */
static varve_status check_names(struct vv_op *op, const struct vv_log_handle *log)
{
    struct vv_objects odd = {0};
    if (vv_store_odd_names(op, log->store, &op->arena, VV_STR(VV_PINS_FOLDER), &odd) !=
        VARVE_OK)
        return vv_note(op, "what tags and holds keep is not known");
    for (size_t i = 0; i < odd.len; i++)
        if (vv_str_ends(odd.items[i].key, VV_STR(".json")))
            return fail_damaged(op, odd.items[i].key);
    return VARVE_OK;
}

varve_status vv_pins_read(struct vv_op *op, const struct vv_log_handle *log,
    struct vv_arena *arena, struct vv_pins *out)
{
    struct vv_objects objects = {0};
    struct vv_pins pins = {0};
    VV_TRY(check_names(op, log));
    VV_TRY(vv_store_list(op, log->store, &op->arena, VV_STR(VV_PINS_FOLDER), VV_STR_NONE, 0,
        &objects));
    pins.items = vv_new(arena, struct vv_pin, objects.len + 1);
    if (pins.items == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < objects.len; i++) {
        if (!vv_str_ends(objects.items[i].key, VV_STR(".json")))
            continue;
        VV_TRY(read_pin(op, log, arena, objects.items[i].key, &pins.items[pins.len]));
        pins.len++;
    }
    *out = pins;
    return VARVE_OK;
}

const struct vv_pin *vv_pins_find(const struct vv_pins *pins, struct vv_str name)
{
    for (size_t i = 0; i < pins->len; i++)
        if (vv_str_eq(pins->items[i].name, name))
            return &pins->items[i];
    return NULL;
}

varve_status vv_pin_write(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_pin *pin)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&json);
    enum vv_put_outcome outcome = VV_PUT_EXISTS;
    struct vv_str key = VV_STR_NONE;
    VV_TRY(key_of(op, pin->name, &key));
    vv_jw_object(&writer);
    vv_jw_key_int(&writer, "varvePin", FORMAT);
    vv_jw_key_string(&writer, "kind", vv_str_of(kind_names[pin->kind]));
    vv_jw_key_string(&writer, "name", pin->name);
    vv_jw_key_int(&writer, "version", pin->version);
    vv_jw_key_int(&writer, "created", pin->created_ms);
    vv_jw_key_string(&writer, "userName", pin->user_name);
    if (pin->message.ptr != NULL)
        vv_jw_key_string(&writer, "message", pin->message);
    vv_jw_end(&writer);
    vv_buf_addc(&json, '\n');
    if (!vv_buf_ok(&json))
        return vv_fail_memory(op);
    VV_TRY(vv_store_put_if_absent(op, log->store, key, vv_buf_str(&json), 0, &outcome));
    if (outcome == VV_PUT_CREATED)
        return VARVE_OK;
    return vv_fail(op, VARVE_EUSAGE,
        "there is a tag or hold \"%.*s\" already: a pin is never moved; drop it first, or "
        "choose another name",
        VV_ARG(pin->name));
}

varve_status vv_pin_remove(struct vv_op *op, const struct vv_log_handle *log,
    struct vv_str name)
{
    struct vv_str key = VV_STR_NONE;
    VV_TRY(key_of(op, name, &key));
    VV_TRY(vv_store_remove(op, log->store, key));
    if (vv_store_settle(op, log->store, VV_STR(VV_PINS_FOLDER)) != VARVE_OK)
        return vv_note(op, "%.*s is removed, and a power cut may bring it back", VV_ARG(name));
    return VARVE_OK;
}
