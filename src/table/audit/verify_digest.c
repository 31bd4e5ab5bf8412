/*
 * Two texts of one action are equal in this: checkpoints have no order of members, write what is
 * not there as null, times with a blank for the T, and numbers with other digits.
 */
#include <stdio.h>

#include "base/hash.h"
#include "base/number.h"
#include "base/time.h"
#include "delta/list.h"
#include "delta/value.h"
#include "table/audit/verify_run.h"

#define LINE_BYTES_MAX ((size_t)1 << 30)
#define DEPTH_MAX 64

/* Different kinds of the same bytes get different hashes. */
enum seed {
    SEED_TEXT = 1,
    SEED_TIME,
    SEED_NUMBER,
    SEED_BOOL,
    SEED_ITEM,
    SEED_MEMBER
};

static uint64_t of_number(uint64_t number, enum seed seed)
{
    return vv_xxh3_seeded((struct vv_str){(const char *)&number, sizeof(number)}, seed);
}

static varve_status digest_value(struct vv_op *op, struct vv_arena *arena,
    const struct vv_json *value, int depth, uint64_t *out);

static varve_status digest_text(struct vv_op *op, struct vv_arena *arena, struct vv_str text,
    int depth, uint64_t *out)
{
    int64_t us = 0;
    const struct vv_json *json = NULL;
    if (vv_time_parse(text, &us, NULL, NULL)) {
        *out = of_number((uint64_t)us, SEED_TIME);
        return VARVE_OK;
    }
    if (vv_str_starts(text, VV_STR("{")) && vv_json_parse(op, arena, text, &json) == VARVE_OK)
        return digest_value(op, arena, json, depth, out);
    if (op->failed && op->error.code != VARVE_ECORRUPT)
        return op->error.code;
    if (op->failed)
        vv_forgive(op);
    *out = vv_xxh3_seeded(text, SEED_TEXT);
    return VARVE_OK;
}

/*
 * A bound of a float column is 0.1 to some writers and 0.10000000149011612, the double that the float
 * is, to others: of a number that is a float, the double that its shortest decimal is.
 */
static double plain(double number)
{
    double single = 0;
    double found = 0;
    char text[VV_NUMBER_BYTES];
    if (!vv_double_to_float(number, &single) || single < number || single > number)
        return number;
    for (int digits = 5; digits <= 8; digits++) {
        int len = snprintf(text, sizeof(text), "%.*e", digits, number);
        char *point = strpbrk(text + 1, ".,"); /* of the locale */
        if (len <= 0 || (size_t)len >= sizeof(text) || point == NULL)
            return number;
        *point = '.';
        if (vv_number_parse((struct vv_str){text, (size_t)len}, &found) &&
            vv_double_to_float(found, &single) && !(single < number || single > number))
            return found;
    }
    return number;
}

static uint64_t digest_number(const struct vv_json *value)
{
    double number = 0;
    uint64_t bits = 0;
    int64_t whole = 0;
    if (vv_str_int64(vv_json_text(value), &whole))
        return of_number((uint64_t)whole, SEED_NUMBER);
    if (!vv_json_double(value, &number))
        return vv_xxh3_seeded(vv_json_text(value), SEED_NUMBER);
    if (number >= -9e15 && number <= 9e15 && (double)(int64_t)number >= number &&
        (double)(int64_t)number <= number)
        return of_number((uint64_t)(int64_t)number, SEED_NUMBER);
    number = plain(number);
    memcpy(&bits, &number, sizeof(bits));
    return of_number(bits, SEED_NUMBER);
}

/* Members in any order: a sum. What says nothing has the digest 0, and adds none. */
static varve_status digest_container(struct vv_op *op, struct vv_arena *arena,
    const struct vv_json *value, int depth, uint64_t *out)
{
    bool is_object = vv_json_is(value, VV_JSON_OBJECT);
    const struct vv_json *iterator = NULL;
    const struct vv_json *member = NULL;
    struct vv_str name;
    uint64_t sum = 0;
    uint64_t index = 0;
    while (vv_json_each(value, &iterator, &name, &member)) {
        uint64_t pair[2] = {0};
        VV_TRY(digest_value(op, arena, member, depth + 1, &pair[1]));
        pair[0] = is_object ? vv_xxh3(name) : ++index;
        if (pair[1] != 0 || !is_object)
            sum += vv_xxh3_seeded((struct vv_str){(const char *)pair, sizeof(pair)},
                is_object ? SEED_MEMBER : SEED_ITEM);
    }
    *out = sum;
    return VARVE_OK;
}

static varve_status digest_value(struct vv_op *op, struct vv_arena *arena,
    const struct vv_json *value, int depth, uint64_t *out)
{
    *out = 0;
    if (depth > DEPTH_MAX)
        return VARVE_OK;
    switch (vv_json_kind(value)) {
    case VV_JSON_OBJECT:
    case VV_JSON_ARRAY:
        return digest_container(op, arena, value, depth, out);
    case VV_JSON_STRING:
        return digest_text(op, arena, vv_json_text(value), depth + 1, out);
    case VV_JSON_NUMBER:
        *out = digest_number(value);
        break;
    case VV_JSON_BOOL:
        *out = of_number(vv_json_bool(value, false) ? 1 : 0, SEED_BOOL);
        break;
    case VV_JSON_NONE:
    case VV_JSON_NULL:
        break;
    }
    return VARVE_OK;
}

varve_status vv_verify_digest(struct vv_op *op, struct vv_str line, uint64_t *out)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(LINE_BYTES_MAX);
    const struct vv_json *json = NULL;
    VV_TRY(vv_json_parse(op, &arena, vv_str_trim(line), &json));
    return digest_value(op, &arena, json, 0, out);
}

/* Statistics, and the number of rows that they say, 0: none. */
static varve_status digest_stats(struct vv_op *op, struct vv_arena *arena, struct vv_str stats,
    struct vv_file_digest *out)
{
    const struct vv_json *json = NULL;
    int64_t rows = 0;
    if (vv_str_starts(stats, VV_STR("{")))
        VV_TRY(vv_json_parse_hint(op, arena, stats, &json));
    if (json == NULL)
        return digest_text(op, arena, stats, 0, &out->stats);
    if (vv_json_int64(vv_json_get(json, "numRecords"), &rows))
        out->rows = of_number((uint64_t)rows, SEED_NUMBER);
    return digest_value(op, arena, json, 0, &out->stats);
}

varve_status vv_verify_digest_file(struct vv_op *op, const struct vv_file *file,
    struct vv_file_digest *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf line = VV_BUF_INIT(LINE_BYTES_MAX);
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(LINE_BYTES_MAX);
    struct vv_file same = *file;
    same.data_change = true; /* a checkpoint says false of every file */
    same.stats = VV_STR_NONE;
    vv_action_write_add(&same, &line);
    if (!vv_buf_ok(&line))
        return vv_fail_memory(op);
    out->stats = out->rows = 0;
    if (file->stats.len > 0)
        VV_TRY(digest_stats(op, &arena, file->stats, out));
    return vv_verify_digest(op, vv_buf_str(&line), &out->rest);
}
