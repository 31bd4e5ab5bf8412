/*
 * The ways to read of the session test. Each sees the newest version where no other is asked for,
 * whichever handle has made it.
 */
#ifndef TESTS_PROPERTY_SESSION_READS_H
#define TESTS_PROPERTY_SESSION_READS_H

#include "session_world.h"

static inline const char *text_of_version(int64_t version, char out[24])
{
    (void)snprintf(out, 24, "%" PRId64, version);
    return out;
}

/* One line of what is done. */
#define TELL(world, ...) vv_buf_addf(&(world)->told, "; " __VA_ARGS__)

static inline bool refresh(struct world *world, const struct table *table,
    struct handle *handle)
{
    int64_t version = 0;
    return CHECK_INT(varve_table_refresh(handle->table, &version, &world->err), VARVE_OK) &&
           CHECK_INT(version, table->version);
}

static inline bool read_scan(struct world *world, struct table *table, struct handle *handle)
{
    varve_scan_options options = VARVE_SCAN_OPTIONS_INIT;
    struct ArrowArrayStream stream = {0};
    struct where where;
    char at[24];
    int64_t version = table->version;
    bool has_where = prop_chance(world->prop, 50);
    if (prop_chance(world->prop, 30)) {
        version = table->readable + (int64_t)prop_choose(world->prop,
                                        (size_t)(table->version - table->readable + 1));
        options.at = text_of_version(version, at);
    }
    any_where(world->prop, &where);
    options.where = has_where ? where.sql : NULL;
    TELL(world, "scan %" PRId64 " %s", version, has_where ? where.sql : "");
    return CHECK_INT(varve_table_scan(handle->table, &options, &stream, &world->err),
               VARVE_OK) &&
           check_stream(&stream, table->versions[version], has_where ? &where : NULL);
}

/* A stream that is left open now and read some steps later. */
static inline bool read_later(struct world *world, struct table *table, struct handle *handle)
{
    TELL(world, "read a stream later");
    if (table->held.release != NULL)
        return check_stream(&table->held, table->held_state, NULL);
    table->held_state = table->versions[table->version];
    return CHECK_INT(varve_table_scan(handle->table, NULL, &table->held, &world->err),
        VARVE_OK);
}

/* The newest row of each part: that of the greatest key. */
static inline bool read_latest(struct world *world, struct table *table, struct handle *handle)
{
    varve_latest_options options = VARVE_LATEST_OPTIONS_INIT;
    struct ArrowArrayStream stream = {0};
    const struct state *state = table->versions[table->version];
    struct state *newest = calloc(1, sizeof(*newest));
    options.by = "p";
    TELL(world, "latest");
    for (int64_t k = 0, last = -1; k <= KEYS; k++) {
        bool is_end = k == KEYS || (last >= 0 && part_of(k) != part_of(last));
        if (is_end && last >= 0) {
            newest->rows[last] = state->rows[last];
            last = -1;
        }
        if (k < KEYS && state->rows[k].is_there)
            last = k;
    }
    bool is_good = CHECK_INT(varve_table_latest(handle->table, &options, &stream, &world->err),
                       VARVE_OK) &&
                   check_stream(&stream, newest, NULL);
    free(newest);
    return is_good;
}

/* A part of the first day. */
static inline bool read_range(struct world *world, struct table *table, struct handle *handle)
{
    varve_range_options options = VARVE_RANGE_OPTIONS_INIT;
    struct ArrowArrayStream stream = {0};
    struct where where = {.kind = WHERE_BETWEEN};
    char from[32];
    char to[32];
    where.a = (int64_t)prop_choose(world->prop, PART_0_KEYS);
    where.b = where.a + (int64_t)prop_choose(world->prop, (size_t)(PART_0_KEYS - where.a));
    (void)vv_time_format_us(time_of(where.a), from);
    (void)vv_time_format_us(time_of(where.b) + 1, to);
    TELL(world, "range %s %s", from, to);
    options.from = from;
    options.to = to;
    return CHECK_INT(varve_table_range(handle->table, &options, &stream, NULL, &world->err),
               VARVE_OK) &&
           check_stream(&stream, table->versions[table->version], &where);
}

/* SQL sees the newest version, whatever the handles have seen. */
static inline bool read_query(struct world *world, struct table *table, struct handle *handle)
{
    char sql[160];
    char at[48] = "";
    struct where where;
    struct ArrowArrayStream stream = {0};
    int64_t version = table->version;
    any_where(world->prop, &where);
    if (prop_chance(world->prop, 30)) {
        version = table->readable + (int64_t)prop_choose(world->prop,
                                        (size_t)(table->version - table->readable + 1));
        (void)snprintf(at, sizeof(at), " AT (VERSION => %" PRId64 ")", version);
    }
    (void)snprintf(sql, sizeof(sql), "SELECT * FROM %s%s WHERE %s", table->name, at, where.sql);
    TELL(world, "%s", sql);
    return CHECK_INT(varve_lake_query(handle->lake, sql, NULL, &stream, &world->err),
               VARVE_OK) &&
           check_stream(&stream, table->versions[version], &where);
}

/* What tells of a table and not of its rows: that it can be asked is enough here. */
static inline bool read_about(struct world *world, struct table *table, struct handle *handle)
{
    struct ArrowArrayStream stream = {0};
    varve_verify_options options = VARVE_VERIFY_OPTIONS_INIT;
    varve_verify_result result;
    char *text = NULL;
    bool is_good = false;
    TELL(world, "about");
    switch (prop_choose(world->prop, 4)) {
    case 0:
        is_good = CHECK_INT(varve_table_history(handle->table, 0, &stream, &world->err), 0);
        break;
    case 1:
        is_good =
            CHECK_INT(varve_table_quarantine_show(handle->table, NULL, &stream, &world->err),
                0);
        break;
    case 2:
        is_good = CHECK_INT(varve_table_describe(handle->table, NULL, &text, &world->err), 0);
        break;
    default:
        is_good = CHECK_INT(varve_lake_verify(handle->lake, table->name, &options, &result,
                                &text, &world->err),
                      0) &&
                  CHECK_INT(result.whole, 1);
    }
    varve_free(text);
    return is_good && (stream.release == NULL || drain(&stream, NULL));
}

static inline bool read_any(struct world *world, struct table *table, struct handle *handle)
{
    static bool (*const reads[])(struct world *, struct table *, struct handle *) = {
        read_scan, read_later, read_latest, read_range, read_query, read_about};
    return reads[prop_choose(world->prop, VV_COUNT(reads))](world, table, handle);
}

#endif
