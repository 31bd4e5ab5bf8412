/*
 * A small data file: the input is a Parquet file that is read without the engine's reader, every
 * type that this knows asked for: it is left to the engine, or its rows can be read, or it is told
 * by its name that it is damaged.
 */
#include "fuzz.h"

#include <stdio.h>

#include "engine/small_files.h"
#include "fuzz_engine.h"

static varve_status take_bytes(struct vv_op *op, const void *object, struct vv_str key,
    struct vv_arena *arena, struct vv_str *out)
{
    (void)key;
    *out = vv_arena_str(arena, *(const struct vv_str *)object);
    return out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

static const struct {
    const char *name;
    enum vv_small_type type;
    uint8_t precision, scale;
} kinds[] = {{"flag", VV_SMALL_BOOLEAN, 0, 0}, {"tiny", VV_SMALL_TINYINT, 0, 0},
    {"small", VV_SMALL_SMALLINT, 0, 0}, {"mid", VV_SMALL_INTEGER, 0, 0},
    {"large", VV_SMALL_BIGINT, 0, 0}, {"real", VV_SMALL_FLOAT, 0, 0},
    {"wide", VV_SMALL_DOUBLE, 0, 0}, {"name", VV_SMALL_VARCHAR, 0, 0},
    {"day", VV_SMALL_DATE, 0, 0}, {"at", VV_SMALL_TIMESTAMPTZ, 0, 0},
    {"tiny_cash", VV_SMALL_DECIMAL, 4, 1}, {"cash", VV_SMALL_DECIMAL, 9, 2},
    {"sum", VV_SMALL_DECIMAL, 30, 4}, {"missing", VV_SMALL_VARCHAR, 0, 0}};

static varve_status make(struct vv_op *op, const struct vv_str *bytes,
    struct vv_small_files **out)
{
    struct vv_small_column columns[VV_COUNT(kinds)];
    const struct vv_small_source source = {VV_STR("folder"), bytes, take_bytes};
    for (size_t i = 0; i < VV_COUNT(kinds); i++)
        columns[i] = (struct vv_small_column){.name = vv_str_of(kinds[i].name),
            .physical_name = vv_str_of(kinds[i].name),
            .type = kinds[i].type,
            .precision = kinds[i].precision,
            .scale = kinds[i].scale};
    return vv_small_files_new(op, &source, columns, VV_COUNT(kinds), out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_str bytes = {(const char *)data, size};
    struct vv_small_files *files = NULL;
    bool is_taken = false;
    uint64_t id = 0;
    char sql[128];
    int64_t rows = 0;
    vv_op_init(&op, NULL, (size_t)256 << 20);
    varve_status status = make(&op, &bytes, &files);
    VV_PRE(status == VARVE_OK);
    status = vv_small_files_add(&op, files, VV_STR("file"), VV_STR_NONE, 0, &is_taken);
    VV_PRE(status == VARVE_OK);
    status = vv_small_files_lend(&op, fuzz_engine()->engine, files, &id);
    VV_PRE(status == VARVE_OK);
    if (!is_taken)
        return 0;
    (void)snprintf(sql, sizeof(sql),
        "SELECT count(*) + 0 * sum(hash(s)) FROM vv_small_files(%" PRIu64 ") AS s", id);
    status = vv_session_int64(&op, fuzz_engine()->session, vv_str_of(sql), &rows);
    if (status == VARVE_OK)
        return 0;
    VV_PRE(status == VARVE_ECORRUPT || status == VARVE_ELIMIT);
    VV_PRE(status == VARVE_ELIMIT ||
           strstr(op.error.message, "a data file is damaged: folder/file: ") != NULL);
    vv_forgive(&op);
    return 0;
}
