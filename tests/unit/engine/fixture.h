/*
 * An engine with one session, for the cases of this folder.
 */
#ifndef VARVE_TEST_ENGINE_FIXTURE_H
#define VARVE_TEST_ENGINE_FIXTURE_H

#include <stdio.h>

#include "base/buf.h"
#include "engine/engine.h"

#include "harness/test.h"

struct fixture {
    struct vv_op op;
    struct vv_engine *engine;
    struct vv_session *session;
};

static inline bool fixture_open(struct fixture *fixture, const struct vv_env *env)
{
    vv_op_init(&fixture->op, env, VV_OP_BYTES_DEFAULT);
    fixture->engine = NULL;
    fixture->session = NULL;
    const struct vv_engine_options options = {
        .threads = 2, .temp_folder = vv_str_of(test_dir())};
    return CHECK_OK(&fixture->op, vv_engine_open(&fixture->op, &options, &fixture->engine)) &&
           CHECK_OK(&fixture->op,
               vv_session_open(&fixture->op, fixture->engine, &fixture->session));
}

static inline void fixture_done(struct fixture *fixture)
{
    vv_session_close(&fixture->session);
    vv_engine_close(&fixture->engine);
    vv_op_done(&fixture->op);
}

/* A fixture of the case's own, closed at its end. */
#define FIXTURE(name)                                                \
    VV_CLEANUP(fixture_done) struct fixture name = {.engine = NULL}; \
    REQUIRE(fixture_open(&(name), NULL))

/* The number that a statement yields; INT64_MIN, and a failed check, where it fails. */
static inline int64_t number(struct fixture *fixture, const char *sql)
{
    int64_t value = INT64_MIN;
    CHECK_OK(&fixture->op,
        vv_session_int64(&fixture->op, fixture->session, vv_str_of(sql), &value));
    return value;
}

static inline bool run(struct fixture *fixture, const char *sql)
{
    return CHECK_OK(&fixture->op,
        vv_session_exec(&fixture->op, fixture->session, vv_str_of(sql)));
}

/* The one text that a statement yields; lives as long as the operation. */
static inline struct vv_str text(struct fixture *fixture, const char *sql)
{
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    bool has_row = false;
    if (!CHECK_OK(&fixture->op,
            vv_session_query(&fixture->op, fixture->session, vv_str_of(sql), &rows)) ||
        !CHECK_OK(&fixture->op, vv_rows_next(&fixture->op, rows, &has_row)) || !CHECK(has_row))
        return VV_STR_NONE;
    struct vv_str found = vv_rows_text(rows, 0);
    return found.ptr ? vv_arena_str(&fixture->op.arena, found) : found;
}

#endif
