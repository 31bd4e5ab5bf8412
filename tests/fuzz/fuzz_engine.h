/*
 * An engine for the targets that need one: opened at the first input, and never closed.
 */
#ifndef VARVE_FUZZ_ENGINE_H
#define VARVE_FUZZ_ENGINE_H

#include "base/op.h"
#include "engine/engine.h"

struct fuzz_engine {
    struct vv_op op; /* of what lasts */
    struct vv_engine *engine;
    struct vv_session *session;
};

static inline struct fuzz_engine *fuzz_engine(void)
{
    static struct fuzz_engine only;
    const struct vv_engine_options options = {.threads = 1};
    if (only.engine != NULL)
        return &only;
    vv_op_init(&only.op, NULL, (size_t)1 << 30);
    varve_status status = vv_engine_open(&only.op, &options, &only.engine);
    VV_PRE(status == VARVE_OK);
    status = vv_session_open(&only.op, only.engine, &only.session);
    VV_PRE(status == VARVE_OK);
    return &only;
}

#endif
