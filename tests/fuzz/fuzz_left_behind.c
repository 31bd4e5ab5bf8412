/*
 * Small files of JSON that somebody may have left. 'p': the rest of the input is a tag or hold of a
 * table: it is refused, or what it says is written again and read as the same. 'm': what maintenance notes
 * of a table: it is nothing, or times that are written again as the same. Else: an action, as verify
 * holds two of them against one another: another text of it is the same, another action is not.
 */
#include "fuzz.h"

#include "base/json.h"
#include "delta/pins.h"
#include "table/audit/verify_run.h"
#include "table/maintain/maintain_run.h"

#define PIN_KEY VV_PINS_FOLDER "/a.json"

struct store {
    struct vv_op op;
    struct vv_store *store;
};

static void store_done(struct store *store)
{
    vv_store_close(&store->store);
    vv_op_done(&store->op);
}

static void store_open(struct store *store)
{
    vv_op_init(&store->op, NULL, (size_t)1 << 30);
    varve_status status = vv_store_open_memory(&store->op, &store->store);
    VV_PRE(status == VARVE_OK);
}

static void put(struct store *store, const char *key, struct vv_str bytes)
{
    varve_status status = vv_store_put(&store->op, store->store, vv_str_of(key), bytes);
    VV_PRE(status == VARVE_OK);
}

static bool is_same_text(struct vv_str a, struct vv_str b)
{
    return (a.ptr == NULL) == (b.ptr == NULL) && vv_str_eq(a, b);
}

static void check_pin(struct vv_str text)
{
    VV_CLEANUP(store_done) struct store left;
    VV_CLEANUP(store_done) struct store again;
    struct vv_pins pins;
    struct vv_pins read;
    store_open(&left);
    store_open(&again);
    put(&left, PIN_KEY, text);
    const struct vv_log_handle log = {.store = left.store};
    varve_status status = vv_pins_read(&left.op, &log, &left.op.arena, &pins);
    if (status != VARVE_OK) {
        VV_PRE(status == VARVE_ECORRUPT);
        VV_PRE(strstr(left.op.error.message, PIN_KEY) != NULL);
        return;
    }
    VV_PRE(pins.len == 1 && vv_str_eq(pins.items[0].name, VV_STR("a")));
    const struct vv_pin *pin = vv_pins_find(&pins, VV_STR("a"));
    VV_PRE(pin == &pins.items[0] && pin->version >= 0);
    const struct vv_log_handle other = {.store = again.store};
    status = vv_pin_write(&again.op, &other, pin);
    VV_PRE(status == VARVE_OK);
    status = vv_pins_read(&again.op, &other, &again.op.arena, &read);
    VV_PRE(status == VARVE_OK && read.len == 1);
    const struct vv_pin *same = &read.items[0];
    VV_PRE(same->kind == pin->kind && same->version == pin->version);
    VV_PRE(same->created_ms == pin->created_ms && vv_str_eq(same->name, pin->name));
    VV_PRE(is_same_text(same->user_name, pin->user_name));
    VV_PRE(is_same_text(same->message, pin->message));
    VV_PRE(vv_pin_write(&again.op, &other, pin) == VARVE_EUSAGE);
}

static void check_maintain(struct vv_str text)
{
    VV_CLEANUP(store_done) struct store left;
    struct vv_maintain_state state;
    struct vv_maintain_state same;
    store_open(&left);
    put(&left, VV_MAINTAIN_FOLDER "/state.json", text);
    const struct vv_table table = {.store = left.store};
    varve_status status = vv_maintain_state_read(&left.op, &table, &state);
    VV_PRE(status == VARVE_OK && state.log_us >= 0 && state.vacuum_us >= 0);
    status = vv_maintain_state_write(&left.op, &table, &state);
    VV_PRE(status == VARVE_OK);
    status = vv_maintain_state_read(&left.op, &table, &same);
    VV_PRE(status == VARVE_OK);
    VV_PRE(state.log_us == same.log_us && state.vacuum_us == same.vacuum_us);
}

/* The members of an object the other way round, with one that says nothing. */
static void turn(struct vv_op *op, const struct vv_json *object, struct vv_buf *out)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *value = NULL;
    struct vv_str name;
    struct vv_str *texts = vv_new(&op->arena, struct vv_str, vv_json_len(object) + 1);
    size_t len = 0;
    VV_PRE(texts != NULL);
    while (vv_json_each(object, &iterator, &name, &value)) {
        VV_CLEANUP(vv_buf_done) struct vv_buf member = VV_BUF_INIT(VV_BUF_MAX);
        struct vv_json_writer writer = VV_JSON_WRITER_INIT(&member);
        struct vv_str text;
        varve_status status = vv_json_write_value(op, value, &op->arena, &text);
        VV_PRE(status == VARVE_OK);
        vv_jw_string(&writer, name);
        vv_buf_addc(&member, ':');
        vv_buf_add(&member, text);
        texts[len] = vv_arena_str(&op->arena, vv_buf_str(&member));
        VV_PRE(texts[len++].ptr != NULL);
    }
    vv_buf_adds(out, " {\"of nobody\" : null");
    while (len > 0) {
        vv_buf_adds(out, ", ");
        vv_buf_add(out, texts[--len]);
    }
    vv_buf_adds(out, "}\n");
}

static void check_digest(struct vv_str text)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    VV_CLEANUP(vv_buf_done) struct vv_buf other = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_json *json = NULL;
    struct vv_str plain;
    uint64_t digest = 0;
    uint64_t again = 0;
    vv_op_init(&op, NULL, (size_t)1 << 30);
    if (vv_verify_digest(&op, text, &digest) != VARVE_OK) {
        VV_PRE(op.error.code == VARVE_ECORRUPT && op.error.message[0] != '\0');
        return;
    }
    varve_status status = vv_json_parse(&op, &op.arena, vv_str_trim(text), &json);
    VV_PRE(status == VARVE_OK);
    status = vv_json_write_value(&op, json, &op.arena, &plain);
    VV_PRE(status == VARVE_OK);
    status = vv_verify_digest(&op, plain, &again);
    VV_PRE(status == VARVE_OK && again == digest);
    if (!vv_json_is(json, VV_JSON_OBJECT))
        return;
    turn(&op, json, &other);
    status = vv_verify_digest(&op, vv_buf_str(&other), &again);
    VV_PRE(status == VARVE_OK && again == digest);
    vv_buf_cut(&other, other.len - 2);
    vv_buf_adds(&other, ",\"of somebody\":1}");
    status = vv_verify_digest(&op, vv_buf_str(&other), &again);
    VV_PRE(status == VARVE_OK && again != digest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vv_str text = vv_str_skip((struct vv_str){(const char *)data, size}, 1);
    if (size == 0)
        return 0;
    if (data[0] == 'p')
        check_pin(text);
    else if (data[0] == 'm')
        check_maintain(text);
    else
        check_digest(text);
    return 0;
}
