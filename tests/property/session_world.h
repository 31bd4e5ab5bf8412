/*
 * The lakes, tables and handles of the session test, and what the model says that they hold.
 */
#ifndef TESTS_PROPERTY_SESSION_WORLD_H
#define TESTS_PROPERTY_SESSION_WORLD_H

#include <pthread.h>
#include <time.h>

#include "base/time.h"
#include "session_rows.h"
#include "varve/alter.h"
#include "varve/audit.h"
#include "varve/dml.h"
#include "varve/maintain.h"
#include "varve/quarantine.h"

#define TABLES 3
#define LAKES 2
#define HANDLES \
    3 /* the first two are of one lake, the last is of another one on the same folder */
#define VERSIONS_MAX 256

struct layout {
    const char *key, *partition_by, *order_by;
    const char *properties[2];
};

static const struct layout layouts[] = {
    {"ts,k", NULL, "o", {NULL, NULL}},
    {"ts,k,p", "p", NULL, {"delta.enableDeletionVectors=true", NULL}},
    {"k,ts", "date", "o", {"varve.partitionFrom=date=ts", NULL}},
    {"ts,k", "p", "o", {"delta.enableDeletionVectors=true", "delta.enableChangeDataFeed=true"}},
    {"ts,k", "date", NULL, {"varve.partitionFrom=date=ts", "delta.enableDeletionVectors=true"}},
};

struct handle {
    varve_lake *lake;
    varve_table *table;
};

struct table {
    char name[8];
    const struct layout *layout;
    struct handle handles[HANDLES];
    struct state *versions[VERSIONS_MAX]; /* neighbours may be one */
    int64_t version, readable;            /* the newest, and the oldest that can be read */
    int64_t txn;
    /* A stream that is read later, whatever is done meanwhile. */
    struct ArrowArrayStream held;
    const struct state *held_state;
};

struct world {
    struct prop *prop;
    struct source source;
    varve_lake *lakes[LAKES];
    struct table tables[TABLES];
    varve_error err;
    int32_t seed;       /* of the next batch */
    struct vv_buf told; /* what was done, a line a step, for a story that fails */
    /* Of the next call: */
    bool is_interrupted;
    varve_lake *interrupted;
    int64_t interrupted_us;
};

static inline struct state *state_copy(const struct state *from)
{
    struct state *state = malloc(sizeof(*state));
    if (state == NULL)
        abort();
    *state = *from;
    return state;
}

static inline const struct state *state_of(const struct table *table)
{
    return table->versions[table->version];
}

static inline bool same_state(const struct state *a, const struct state *b)
{
    for (int64_t k = 0; k < KEYS; k++)
        if (!same_row(&a->rows[k], &b->rows[k]))
            return false;
    return a->has_e == b->has_e;
}

/* The table is at `version` now, with rows `next`, which are taken over; those between are as before. */
static inline bool install(struct table *table, int64_t version, struct state *next)
{
    struct state *before = table->versions[table->version];
    bool is_same = same_state(before, next);
    if (!CHECK(version < VERSIONS_MAX) || !CHECK(version >= table->version) ||
        !CHECK(version > table->version || is_same)) {
        free(next);
        return false;
    }
    if (is_same || version == table->version) {
        free(next);
        next = before;
    }
    while (table->version + 1 < version)
        table->versions[++table->version] = before;
    table->version = version;
    table->versions[version] = next;
    return true;
}

static inline void table_free(struct table *table)
{
    for (size_t i = 0; i < HANDLES; i++)
        varve_table_close(table->handles[i].table);
    for (int64_t i = 0; i <= table->version; i++)
        if (i == table->version || table->versions[i] != table->versions[i + 1])
            free(table->versions[i]);
}

/* An interrupt that comes at some time during a call, or after it. */
static inline void *interrupt_later(void *data)
{
    const struct world *world = data;
    const struct timespec time = {.tv_nsec = world->interrupted_us * 1000};
    (void)nanosleep(&time, NULL);
    varve_lake_interrupt(world->interrupted);
    return NULL;
}

static inline bool call_begins(struct world *world, const struct handle *handle,
    pthread_t *thread)
{
    world->interrupted = handle->lake;
    world->interrupted_us = (int64_t)prop_choose(world->prop, 20000);
    return !world->is_interrupted ||
           CHECK_INT(pthread_create(thread, NULL, interrupt_later, world), 0);
}

static inline void call_ends(struct world *world, pthread_t thread)
{
    if (world->is_interrupted)
        (void)pthread_join(thread, NULL);
}

/*
 * A call that writes has ended: `version` is what it said, `next` (taken over) what the model makes of
 * it. One that was interrupted is done or not done.
 */
static inline bool settle(struct world *world, struct table *table, struct handle *handle,
    varve_status status, int64_t version, struct state *next)
{
    bool was_stopped = world->is_interrupted && status == VARVE_EINTERRUPTED;
    int64_t before = table->version;
    /* An interrupt that came late would stop the next read of a stream; the next call ends it. */
    if (was_stopped || (world->is_interrupted && status == VARVE_OK))
        status = varve_table_refresh(handle->table, &version, &world->err);
    world->is_interrupted = false;
    if (!CHECK_INT(status, VARVE_OK)) {
        printf("# %s: %s\n%s\n", table->name, world->err.message, world->err.detail);
        free(next);
        return false;
    }
    if (was_stopped && version == before) {
        free(next);
        next = state_copy(state_of(table));
    }
    return install(table, version, next);
}

static inline bool world_open(struct world *world)
{
    varve_lake_options options = VARVE_LAKE_OPTIONS_INIT;
    char folder[32];
    options.create = 1;
    options.durability_off = 1;
    (void)snprintf(folder, sizeof(folder), "lake-%016" PRIx64, prop_u64(world->prop));
    for (uint32_t i = 0; i < LAKES; i++) {
        options.threads = 2 - i;
        if (!CHECK_INT(varve_lake_open(test_path(folder), &options, &world->lakes[i],
                           &world->err),
                VARVE_OK))
            return false;
    }
    return true;
}

static inline bool table_make(struct world *world, struct table *table)
{
    varve_create_options options = VARVE_CREATE_OPTIONS_INIT;
    const struct layout *layout = table->layout;
    bool has_date = layout->partition_by != NULL && strcmp(layout->partition_by, "date") == 0;
    options.schema = has_date ? "ts timestamp not null, k bigint not null, p int, v double, "
                                "s string, o bigint, date date"
                              : "ts timestamp not null, k bigint not null, p int, v double, "
                                "s string, o bigint";
    options.partition_by = layout->partition_by;
    options.key = layout->key;
    options.order_by = layout->order_by;
    options.properties = layout->properties;
    for (size_t i = 0; i < VV_COUNT(layout->properties); i++)
        options.properties_len += layout->properties[i] != NULL;
    table->versions[0] = calloc(1, sizeof(struct state));
    if (!CHECK(table->versions[0] != NULL) ||
        !CHECK_INT(varve_lake_create_table(world->lakes[0], table->name, &options, NULL,
                       &world->err),
            VARVE_OK))
        return false;
    for (size_t i = 0; i < HANDLES; i++) {
        struct handle *handle = &table->handles[i];
        *handle = (struct handle){.lake = world->lakes[i / 2]};
        if (!CHECK_INT(varve_table_open(handle->lake, table->name, &handle->table, &world->err),
                VARVE_OK))
            return false;
    }
    return true;
}

static inline void world_close(struct world *world)
{
    for (size_t i = 0; i < TABLES; i++) {
        if (world->tables[i].held.release != NULL)
            world->tables[i].held.release(&world->tables[i].held);
        table_free(&world->tables[i]);
    }
    for (size_t i = 0; i < LAKES; i++)
        varve_lake_close(world->lakes[i]);
    source_close(&world->source);
    vv_buf_done(&world->told);
}

#endif
