#include "api/api.h"
#include "base/os.h"
#include "base/time.h"
#include "base/json_write.h"
#include "base/seam.h"
#include "engine/held.h"
#include "lake/market.h"

static void forward_log(void *data, int level, const char *event, const char *fields_json)
{
    const varve_lake *lake = data;
    lake->on_log(lake->on_log_data, level, event, fields_json);
}

static bool forward_progress(void *data, const char *phase, uint64_t done, uint64_t total)
{
    const varve_lake *lake = data;
    return lake->on_progress(lake->on_progress_data, phase, done, total) == 0;
}

static void make_env(varve_lake *lake, const varve_lake_options *options)
{
    lake->env = *vv_env_system();
    lake->env.cancel = &lake->cancel;
    lake->interrupt_stays = options->interrupt_stays != 0;
    lake->on_log = options->on_log;
    lake->on_log_data = options->on_log_data;
    lake->on_progress = options->on_progress;
    lake->on_progress_data = options->on_progress_data;
    if (options->on_log != NULL) {
        lake->env.log = forward_log;
        lake->env.log_data = lake;
    }
    if (options->on_progress != NULL) {
        lake->env.progress = forward_progress;
        lake->env.progress_data = lake;
    }
}

/* Beside what work takes, a part of which the files may be that are held. */
#define HELD_PART 16
#define HELD_BYTES_MAX (UINT64_C(256) << 20)

static varve_status held_bytes(struct vv_op *op, const varve_lake_options *options, size_t *out)
{
    uint64_t memory = options->memory_bytes > 0 ? options->memory_bytes : vv_os_memory();
    uint64_t bytes = memory / HELD_PART < HELD_BYTES_MAX ? memory / HELD_PART : HELD_BYTES_MAX;
    *out = 0;
    if (options->cache_bytes == VARVE_CACHE_OFF)
        return VARVE_OK;
    if (options->cache_bytes > 0)
        bytes = options->cache_bytes;
    if (memory > 0 && bytes > memory / 4)
        return vv_fail(op, VARVE_EUSAGE,
            "a cache of %" PRIu64 " bytes is more than a quarter of the memory, %" PRIu64
            " bytes: give more memory, or a smaller cache",
            bytes, memory);
    *out = (size_t)bytes;
    return VARVE_OK;
}

static varve_status open_lake(struct vv_op *op, const char *location,
    const varve_lake_options *given, varve_lake *lake)
{
    varve_lake_options options = VARVE_LAKE_OPTIONS_INIT;
    VV_TRY(vv_api_options(op, given, &options, sizeof(options)));
    if (location == NULL || location[0] == '\0')
        return vv_fail(op, VARVE_EUSAGE, "no lake given");
    VV_TRY(vv_api_check_text(op, "the user", options.user));
    VV_TRY(vv_api_check_text(op, "the message", options.message));
    make_env(lake, &options);
    struct vv_lake_options inner = {
        .store = {.sync = options.durability_off == 0, .create = options.create != 0},
        .engine = {.threads = options.threads, .memory_bytes = options.memory_bytes},
        .user = vv_api_text(options.user),
        .message = vv_api_text(options.message)};
    VV_TRY(held_bytes(op, &options, &inner.held_bytes));
    VV_TRY(vv_lake_open(op, vv_str_of(location), &inner, &lake->lake));
    if (!lake->lake->is_missing || options.may_be_missing != 0)
        return VARVE_OK;
    vv_lake_close(&lake->lake);
    return vv_fail(op, VARVE_ENOTFOUND,
        "there is no folder %s; set `create` to have the first write make it", location);
}

varve_status varve_lake_open(const char *location, const varve_lake_options *options,
    varve_lake **out, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    varve_lake *lake = vv_malloc(sizeof(*lake));
    varve_status status = VARVE_OK;
    if (lake == NULL) {
        status = vv_fail_memory(&op);
    } else {
        memset(lake, 0, sizeof(*lake));
        status = open_lake(&op, location, options, lake);
    }
    if (status != VARVE_OK)
        vv_free(lake);
    else
        *out = lake;
    return vv_op_report(&op, status, err);
}

void varve_lake_close(varve_lake *lake)
{
    if (lake == NULL)
        return;
    vv_lake_close(&lake->lake);
    vv_free(lake);
}

void varve_lake_leave(varve_lake *lake)
{
    if (lake == NULL)
        return;
    vv_lake_leave(&lake->lake);
    vv_free(lake);
}

void varve_lake_interrupt(varve_lake *lake)
{
    atomic_store(&lake->cancel, true);
}

void varve_lake_resume(varve_lake *lake)
{
    atomic_store(&lake->cancel, false);
}

varve_status varve_lake_cache(varve_lake *lake, int32_t clear, varve_cache *out,
    varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_held_counts counts = {.bytes = 0};
    vv_api_begin(&op, lake);
    if (lake->lake->held != NULL) {
        counts = vv_held_count(lake->lake->held);
        if (clear != 0)
            vv_held_clear(lake->lake->held);
    }
    *out = (varve_cache){.bytes = counts.bytes,
        .bytes_max = counts.bytes_max,
        .files = counts.files,
        .columns = counts.columns,
        .hits = counts.hits,
        .misses = counts.misses,
        .evicted = counts.evicted};
    return vv_op_report(&op, VARVE_OK, err);
}

static varve_status known_at(struct vv_op *op, struct vv_lake *lake, const char *text)
{
    struct vv_str time = VV_STR_NONE;
    int64_t us = 0;
    VV_TRY(vv_api_given(op, "time", text, &time));
    if (time.len > 0)
        VV_TRY(vv_known_at_read(op, time, &us));
    lake->known = (struct vv_known){time.len > 0, us};
    return VARVE_OK;
}

varve_status varve_lake_known_at(varve_lake *lake, const char *time, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_api_begin(&op, lake);
    return vv_op_report(&op, known_at(&op, lake->lake, time), err);
}

int32_t varve_lake_known(varve_lake *lake, int64_t *out_us)
{
    const struct vv_known *known = &lake->lake->known;
    if (known->is_set)
        *out_us = known->us;
    return known->is_set;
}

static varve_status init_json(struct vv_op *op, const varve_lake *lake,
    const struct vv_market_created *created, char **out_json)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&json);
    if (out_json == NULL)
        return VARVE_OK;
    vv_jw_array(&writer);
    for (size_t i = 0; i < VV_MARKET_TABLES; i++) {
        struct vv_str location = vv_arena_format(&op->arena, "%.*s/%.*s",
            VV_ARG(lake->lake->store->location), VV_ARG(created[i].name));
        if (location.ptr == NULL)
            return vv_fail_memory(op);
        vv_jw_object(&writer);
        vv_jw_key_string(&writer, "table", created[i].name);
        vv_jw_key_string(&writer, "location", location);
        vv_jw_key_bool(&writer, "created", created[i].created);
        vv_jw_end(&writer);
    }
    vv_jw_end(&writer);
    return vv_api_give_text(op, &json, out_json);
}

static varve_status init_lake(struct vv_op *op, varve_lake *lake,
    const varve_init_options *given, char **out_json)
{
    varve_init_options options = VARVE_INIT_OPTIONS_INIT;
    struct vv_market_created created[VV_MARKET_TABLES];
    VV_TRY(vv_api_options(op, given, &options, sizeof(options)));
    struct vv_str profile = vv_api_text(options.profile);
    struct vv_market_options market = {.history = vv_api_text(options.history),
        .regimes = vv_api_text(options.regimes),
        .signal_types = vv_api_text(options.signal_types),
        .symbols = vv_api_text(options.symbols)};
    if (vv_str_eq(profile, VV_STR("audit")))
        market.profile = VV_PROFILE_AUDIT;
    else if (profile.ptr != NULL && !vv_str_eq(profile, VV_STR("interop")))
        return vv_fail(op, VARVE_EUSAGE, "profile \"%.*s\": there are interop and audit",
            VV_ARG(profile));
    VV_TRY(vv_market_init(op, lake->lake, &market, created));
    return init_json(op, lake, created, out_json);
}

varve_status varve_lake_init(varve_lake *lake, const varve_init_options *options,
    char **out_json, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_api_begin(&op, lake);
    return vv_op_report(&op, init_lake(&op, lake, options, out_json), err);
}

varve_status varve_lake_tables(varve_lake *lake, struct ArrowArrayStream *out, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_api_begin(&op, lake);
    return vv_op_report(&op, vv_lake_tables(&op, lake->lake, out), err);
}
