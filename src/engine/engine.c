#include <stdlib.h>
#include <unistd.h>

#include "base/os.h"
#include "base/buf.h"
#include "base/seam.h"
#include "base/uuid.h"
#include "engine/arrow_scan.h"
#include "engine/held.h"
#include "engine/rowset_inner.h"
#include "engine/sql.h"

#define LARGE_WORK_BYTES ((int64_t)1 << 20)
#define SMALL_WORKS_MAX 16

/* Where each allocation is accounted for, none is left to the end of the process. */
#ifdef VV_ARENA_DEBUG
static const bool is_leak_told = true;
#else
static const bool is_leak_told = false;
#endif

static void config_done(duckdb_config *config)
{
    duckdb_destroy_config(config);
}

static varve_status config_set(struct vv_op *op, duckdb_config config, const char *name,
    const char *value)
{
    if (duckdb_set_config(config, name, value) != DuckDBSuccess)
        return vv_fail(op, VARVE_EUSAGE, "DuckDB refuses the setting %s = %s", name, value);
    return VARVE_OK;
}

static varve_status config_set_count(struct vv_op *op, duckdb_config config, const char *name,
    size_t count, const char *unit)
{
    struct vv_str value = vv_arena_format(&op->arena, "%zu%s", count, unit);
    return value.ptr ? config_set(op, config, name, value.ptr) : vv_fail_memory(op);
}

static varve_status temp_folder_take(struct vv_op *op, struct vv_str temp_folder, char **out)
{
    const char *system_folder = getenv("TMPDIR");
    if (temp_folder.len == 0)
        temp_folder = vv_str_of(system_folder && system_folder[0] ? system_folder : "/tmp");
    return vv_duck_text(op, "the name of the temporary folder", temp_folder, out);
}

/*
 * Spilled files of two processes in one folder would overwrite each other, so each engine has a
 * folder of its own, which DuckDB makes when it first spills and removes in the end.
 */
static varve_status spill_folder_name(struct vv_op *op, struct vv_engine *engine)
{
    const struct vv_engine_spill *spill = engine->options.spill;
    struct vv_str temp_folder = vv_str_of(engine->temp_folder);
    struct vv_str path = VV_STR_NONE;
    if (spill != NULL && engine->spill == NULL)
        VV_TRY(spill->make(op, temp_folder, &engine->spill, &path));
    if (engine->spill != NULL)
        path = vv_arena_format(&op->arena, "%.*s/files", VV_ARG(path));
    else
        path = vv_arena_format(&op->arena, "%.*s/varve-spill-%ld-%016" PRIx64,
            VV_ARG(temp_folder), (long)getpid(), vv_random64());
    if (path.ptr == NULL)
        return vv_fail_memory(op);
    return vv_duck_text(op, "the name of the temporary folder", path, &engine->spill_folder);
}

static void spill_folder_remove(struct vv_engine *engine)
{
    if (engine->spill != NULL)
        engine->options.spill->remove(engine->spill);
    engine->spill = NULL;
}

/*
 * Of the memory that is allowed, what the engine may take that it counts. What it does not count
 * (rows on their way into and out of Parquet, what its allocator has yet to give back) took up to
 * half as much again: 844 MB for a z-order of 10 M rows that were to fit 512 MB.
 */
#define COUNTED_EIGHTHS 5
/* Of which rows in memory may be a part. */
#define SPARE_PART 8
#define SPARE_BYTES_MAX (INT64_C(256) << 20)
/* Rows that take the place of a table of the engine's, which would be no smaller. */
#define BATCH_BYTES_MAX (INT64_C(1) << 30)
/*
 * What a writer takes, about, beside what is counted: rows of a row group before and after they are
 * encoded, so many times the bytes of the file but no more than of the longest row group; and what
 * it takes whatever it writes. All of them together get a part of the memory that is allowed.
 */
#define WRITER_TIMES 8
#define WRITER_GROUP_BYTES (INT64_C(128) << 20)
#define WRITER_BYTES (INT64_C(32) << 20)
#define WRITERS_PART 4
/* A longer file keeps the threads of the engine busy by itself. */
#define WRITERS_BYTES_MAX (INT64_C(32) << 20)

/*
 * Each thread holds rows of its own that it can't spill: what it decodes, sorts and encodes. Two
 * that had 76 MiB each ran out of memory in most rewrites of a file of 600,000 rows of six columns;
 * with 95 MiB each in none.
 */
#define THREAD_BYTES_MIN ((size_t)128 << 20)

/* What is held of files is counted by itself; so much is left to the engine in any case. */
static size_t counted_bytes(const struct vv_engine_options *options)
{
    size_t bytes = options->memory_bytes / 8 * COUNTED_EIGHTHS;
    size_t held = options->held != NULL ? (size_t)vv_held_count(options->held).bytes_max : 0;
    return held < bytes / 2 ? bytes - held : bytes / 2;
}

static uint32_t threads_of(const struct vv_engine_options *options)
{
    uint32_t threads = options->threads > 0 ? options->threads : vv_os_cores();
    size_t fit = options->memory_bytes / 8 * COUNTED_EIGHTHS / THREAD_BYTES_MIN;
    if (options->memory_bytes > 0 && fit < threads)
        return fit > 0 ? (uint32_t)fit : 1;
    return threads;
}

static varve_status config_fill(struct vv_op *op, const struct vv_engine *engine,
    const struct vv_engine_options *options, duckdb_config config)
{
    VV_TRY(config_set(op, config, "autoinstall_known_extensions", "false"));
    VV_TRY(config_set(op, config, "autoload_known_extensions", "false"));
    /* What a user's statement takes is not known before it runs: a sandbox has all at once. */
    VV_TRY(config_set_count(op, config, "threads",
        options->allowed_folders_len > 0 ? engine->threads_max : 1, ""));
    if (options->is_lasting || options->memory_bytes > 0)
        VV_TRY(config_set(op, config, "allocator_background_threads", "true"));
    if (options->memory_bytes > 0)
        VV_TRY(config_set_count(op, config, "memory_limit", counted_bytes(options), "B"));
    return config_set(op, config, "temp_directory", engine->spill_folder);
}

static varve_status database_open(struct vv_op *op, const struct vv_engine_options *options,
    struct vv_engine *engine)
{
    VV_CLEANUP(config_done) duckdb_config config = NULL;
    if (duckdb_create_config(&config) != DuckDBSuccess)
        return vv_fail_memory(op);
    VV_TRY(config_fill(op, engine, options, config));
    char *reason = NULL;
    if (duckdb_open_ext(":memory:", &engine->database, config, &reason) != DuckDBSuccess) {
        varve_status status = vv_duck_fail(op, VARVE_EFAILED, DUCKDB_ERROR_INVALID, reason);
        duckdb_free(reason);
        return vv_note(op, "open the engine"), status;
    }
    return VARVE_OK;
}

/* As they are and as vv_sql_file spells them: DuckDB checks the pattern, then the file found. */
static void add_folders(struct vv_buf *sql, const struct vv_engine_options *options)
{
    for (size_t i = 0; i < options->allowed_folders_len; i++) {
        vv_buf_adds(sql, i == 0 ? "[" : ", ");
        vv_sql_literal(sql, options->allowed_folders[i]);
        vv_buf_adds(sql, ", ");
        vv_sql_file(sql, options->allowed_folders[i]);
    }
    vv_buf_addc(sql, ']');
}

/*
 * Settings that a database can't be opened with. Set once: sessions inherit them. The folders are
 * named before the rest is closed, since afterwards nothing can be opened again.
 */
static varve_status settings_set(struct vv_op *op, struct vv_engine *engine,
    const struct vv_engine_options *options)
{
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(1 << 20);
    vv_buf_adds(&sql, "SET GLOBAL TimeZone = 'UTC'");
    if (options->allowed_folders_len > 0) {
        vv_buf_adds(&sql, "; SET allowed_directories = ");
        add_folders(&sql, options);
        vv_buf_adds(&sql, "; SET enable_external_access = false; SET allowed_configs = "
                          "['enable_progress_bar', "
                          "'enable_progress_bar_print']; SET lock_configuration = true");
    }
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_connect(op, engine, &session));
    VV_TRY(vv_rowset_register(op, engine, session->connection));
    VV_TRY(vv_rowset_register_number(op, engine, session->connection));
    VV_TRY(vv_row_filter_register(op, session));
    VV_TRY(vv_variant_register(op, session));
    VV_TRY(vv_sound_json_register(op, session));
    VV_TRY(vv_curve_register(op, session));
    VV_TRY(vv_rank_register(op, session));
    VV_TRY(vv_step_register(op, session));
    VV_TRY(vv_moves_register(op, session));
    VV_TRY(vv_small_files_register(op, session));
    VV_TRY(vv_held_files_register(op, session));
    VV_TRY(vv_arrow_scan_register(op, session));
    return vv_session_exec(op, session, vv_buf_str(&sql));
}

/* Without the environment of an operation: what fails here is nobody's failure. */
static void set_global(struct vv_engine *engine, const char *name, uint32_t value)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    vv_op_init(&op, NULL, (size_t)1 << 20);
    struct vv_str sql = vv_arena_format(&op.arena, "SET GLOBAL %s = %u", name, value);
    if (sql.ptr == NULL || vv_session_open(&op, engine, &session) != VARVE_OK ||
        vv_session_exec(&op, session, sql) != VARVE_OK)
        vv_forgive(&op);
}

void vv_engine_expect(struct vv_engine *engine, int64_t bytes)
{
    bool is_large = bytes >= LARGE_WORK_BYTES;
    if (engine != NULL && is_large)
        atomic_store(&engine->small_left, SMALL_WORKS_MAX);
    else if (engine != NULL && atomic_fetch_sub(&engine->small_left, 1) > 0)
        return; /* others may be at large work, and to change it back and forth takes long */
    if (engine == NULL || engine->threads_max < 2 ||
        atomic_exchange(&engine->is_scaled, is_large) == is_large)
        return;
    set_global(engine, "threads", is_large ? engine->threads_max : 1);
}

void vv_engine_expect_many(struct vv_engine *engine)
{
    if (atomic_exchange(&engine->is_scaled, false))
        set_global(engine, "threads", 1);
}

int64_t vv_engine_spare_bytes(const struct vv_engine *engine)
{
    size_t bytes = engine->options.memory_bytes / SPARE_PART;
    return bytes == 0 || bytes > SPARE_BYTES_MAX ? SPARE_BYTES_MAX : (int64_t)bytes;
}

int64_t vv_engine_batch_bytes(const struct vv_engine *engine)
{
    uint64_t memory = engine->options.memory_bytes;
    uint64_t bytes = (memory > 0 ? memory : vv_os_memory()) / SPARE_PART;
    return bytes < BATCH_BYTES_MAX ? (int64_t)bytes : BATCH_BYTES_MAX;
}

size_t vv_engine_threads(const struct vv_engine *engine)
{
    return engine->threads_max;
}

size_t vv_engine_writers(const struct vv_engine *engine, int64_t bytes)
{
    if (bytes > WRITERS_BYTES_MAX)
        return 1;
    if (engine->options.memory_bytes == 0)
        return engine->threads_max;
    int64_t group =
        bytes < WRITER_GROUP_BYTES / WRITER_TIMES ? bytes * WRITER_TIMES : WRITER_GROUP_BYTES;
    int64_t fit =
        (int64_t)(engine->options.memory_bytes / WRITERS_PART) / (WRITER_BYTES + group);
    return fit < 1 ? 1 : fit < engine->threads_max ? (size_t)fit : engine->threads_max;
}

void vv_engine_read_once(struct vv_engine *engine, bool is_once)
{
    set_global(engine, "enable_external_file_cache", is_once ? 0 : 1);
}

static varve_status database_make(struct vv_op *op, struct vv_engine *engine,
    const struct vv_engine_options *options)
{
    varve_status status = VARVE_OK;
    if (engine->spill_folder == NULL)
        status = spill_folder_name(op, engine);
    if (status != VARVE_OK) {
        spill_folder_remove(engine);
        return status;
    }
    status = database_open(op, options, engine);
    if (status == VARVE_OK)
        status = settings_set(op, engine, options);
    if (status != VARVE_OK)
        duckdb_close(&engine->database);
    else
        atomic_store(&engine->is_open, true);
    return status;
}

varve_status vv_engine_ready(struct vv_op *op, struct vv_engine *engine)
{
    bool is_open = atomic_load(&engine->is_open);
    if (is_open && engine->spill == NULL)
        return VARVE_OK;
    pthread_mutex_lock(&engine->opening);
    varve_status status = VARVE_OK;
    if (!atomic_load(&engine->is_open))
        status = database_make(op, engine, &engine->options);
    else if (engine->spill != NULL)
        engine->options.spill->keep(engine->spill);
    pthread_mutex_unlock(&engine->opening);
    return status;
}

varve_status vv_engine_open(struct vv_op *op, const struct vv_engine_options *options,
    struct vv_engine **out)
{
    static const struct vv_engine_options defaults = {.threads = 0};
    struct vv_engine *engine = vv_malloc(sizeof(*engine));
    if (engine == NULL)
        return vv_fail_memory(op);
    options = options ? options : &defaults;
    *engine = (struct vv_engine){.uses = 1,
        .options = {.memory_bytes = options->memory_bytes,
            .is_lasting = options->is_lasting,
            .spill = options->spill,
            .held = vv_held_retain(options->held)},
        .threads_max = threads_of(options),
        .is_scaled = options->allowed_folders_len > 0,
        .opening = PTHREAD_MUTEX_INITIALIZER,
        .lent_lock = PTHREAD_MUTEX_INITIALIZER};
    varve_status status = vv_watch_init(op, &engine->watch);
    if (status != VARVE_OK) {
        vv_held_release(&engine->options.held);
        vv_free(engine);
        return status;
    }
    pthread_mutex_init(&engine->rowsets_lock, NULL); /* never fails for a plain one */
    status = temp_folder_take(op, options->temp_folder, &engine->temp_folder);
    /* The folders of a sandbox are the caller's, and may be gone later. */
    if (status == VARVE_OK && options->allowed_folders_len > 0)
        status = database_make(op, engine, options);
    if (status != VARVE_OK) {
        vv_engine_close(&engine);
        return status;
    }
    *out = engine;
    return VARVE_OK;
}

void vv_engine_close(struct vv_engine **engine)
{
    struct vv_engine *left = VV_MOVE(*engine);
    if (left == NULL || atomic_fetch_sub(&left->uses, 1) > 1)
        return;
    VV_PRE(left->rowsets == NULL);
    vv_watch_done(&left->watch);
    if (atomic_load(&left->is_open))
        duckdb_close(&left->database);
    spill_folder_remove(left);
    pthread_mutex_destroy(&left->opening);
    pthread_mutex_destroy(&left->rowsets_lock);
    pthread_mutex_destroy(&left->lent_lock);
    vv_held_release(&left->options.held);
    vv_free(left->spill_folder);
    vv_free(left->temp_folder);
    vv_free(left);
}

void vv_engine_leave(struct vv_engine **engine)
{
    struct vv_engine *left = *engine;
    if (left == NULL)
        return;
    bool has_spilled = left->spill_folder != NULL && access(left->spill_folder, F_OK) == 0;
    bool is_more_than_memory =
        atomic_load(&left->uses) > 1 || atomic_load(&left->is_scaled) || has_spilled;
    if (is_more_than_memory || is_leak_told) {
        vv_engine_close(engine);
    } else {
        vv_watch_done(&left->watch);
        spill_folder_remove(left);
    }
    *engine = NULL;
}

const char *vv_engine_version(void)
{
    const char *version = duckdb_library_version();
    return version[0] == 'v' ? version + 1 : version;
}
