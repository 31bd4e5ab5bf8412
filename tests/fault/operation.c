#include "fault/operation.h"

#include "fault/sweep.h"

struct bench {
    struct world world;
    struct world twin; /* has done the same as `world`, and nothing failed; of WRITES */
    const struct operation *operation;
    struct vv_str state; /* of the tables, as they are between two rounds; none: not known */
    struct vv_str right; /* what a reader gives out when nothing fails; none: not known */
    uint64_t total;      /* what there was to fail when nothing did */
    varve_error err;
};

/* ---- One round --------------------------------------------------------------------------------- */

static bool is_expected(const struct sweep *sweep, varve_status status)
{
    if (sweep->place != NULL)
        return status == VARVE_EIO;
    if (sweep->plan == NULL)
        return status == VARVE_ELIMIT;
    if (sweep->cancel != NULL)
        return status == VARVE_EINTERRUPTED;
    return status == VARVE_EIO ||
           (status == VARVE_EUNKNOWN && sweep->how.kind != VV_FAULT_REFUSE);
}

static void print_round(const struct bench *bench, const struct sweep *sweep,
    varve_status status)
{
    const char *what = sweep->place != NULL    ? sweep->place
                       : sweep->plan == NULL   ? "allocation"
                       : sweep->cancel != NULL ? "interrupted at call"
                                               : "call";
    printf("# %s, %s %" PRIu64 " (kind %d, %" PRIu64 " in a row): %s: %s\n",
        bench->operation->name, what, sweep->nth, (int)sweep->how.kind, sweep->how.count,
        varve_status_name(status), status != VARVE_OK ? bench->err.message : "");
}

/* The same on the twin, at the same time. */
static void prepare(struct bench *bench)
{
    struct world *world = &bench->world;
    struct world *twin = &bench->twin;
    void (*prepare_world)(struct world *) = bench->operation->prepare;
    if (bench->operation->kind == WRITES) {
        twin->number = world->number;
        atomic_store(&twin->clock.now_us, atomic_load(&world->clock.now_us));
        if (prepare_world != NULL)
            prepare_world(twin);
    }
    if (prepare_world != NULL) {
        prepare_world(world);
        bench->state = VV_STR_NONE;
    }
    (void)world_ok(varve_table_refresh(world->ticks, NULL, &bench->err), &bench->err);
    if (bench->state.ptr == NULL)
        bench->state = world_state(world, bench->operation->kind != TIDIES);
}

static bool check_answer(struct bench *bench, struct vv_str said)
{
    enum kind kind = bench->operation->kind;
    if (kind != READS && kind != JUDGES)
        return true;
    if (bench->right.ptr == NULL)
        bench->right = said;
    if (kind == JUDGES && vv_str_starts(said, VV_STR("not whole")))
        return CHECK(!vv_str_starts(bench->right, VV_STR("not whole")));
    return CHECK_STR(said, bench->right);
}

/* A change is there: the same on the twin, and both are one state. */
static bool check_change(struct bench *bench, struct vv_str said, struct vv_str after,
    varve_status status)
{
    struct world *twin = &bench->twin;
    varve_error err = {0};
    CHECK_INT(varve_table_refresh(twin->ticks, NULL, &err), VARVE_OK);
    vv_buf_clear(&twin->said);
    if (!world_ok(bench->operation->run(twin, &err), &err))
        return false;
    struct vv_str right = vv_arena_str(&twin->op.arena, vv_buf_str(&twin->said));
    bool is_told = status != VARVE_OK || CHECK_STR(said, right);
    return CHECK_STR(after, world_state(twin, true)) && is_told;
}

static bool check_state(struct bench *bench, struct vv_str said, varve_status status)
{
    enum kind kind = bench->operation->kind;
    struct vv_str before = bench->state;
    struct vv_str after = world_state(&bench->world, kind != TIDIES);
    bench->state = after;
    if (kind != WRITES || (status != VARVE_OK && status != VARVE_EUNKNOWN))
        return CHECK_STR(after, before);
    bool is_same = vv_str_eq(before, after);
    return is_same ? CHECK(status != VARVE_OK) : check_change(bench, said, after, status);
}

static void try_once(struct bench *bench, struct sweep *sweep)
{
    const struct operation *operation = bench->operation;
    struct world *world = &bench->world;
    prepare(bench);
    vv_buf_clear(&world->said);
    bench->err = (varve_error){0};
    sweep_arm(sweep);
    varve_status status = operation->run(world, &bench->err);
    bool is_right = sweep_disarm(sweep, status);
    struct vv_str said = vv_arena_str(&world->op.arena, vv_buf_str(&world->said));
    if (status == VARVE_OK)
        is_right = check_answer(bench, said) && is_right;
    else
        is_right = (int)CHECK(is_expected(sweep, status)) & CHECK_INT(bench->err.code, status) &
                   CHECK(bench->err.message[0] != '\0') & is_right;
    is_right = check_state(bench, said, status) && is_right;
    if (operation->check != NULL)
        is_right = operation->check(world, &bench->err) && is_right;
    if (!is_right)
        print_round(bench, sweep, status);
}

/* ---- All rounds -------------------------------------------------------------------------------- */

/* Those behind the first one of an operation know what there is to fail. */
static void try_each(struct bench *bench, struct sweep *sweep)
{
    sweep->total = bench->total;
    sweep->nth = bench->total > 0 ? 1 : 0;
    for (; !sweep->is_over; sweep_on(sweep))
        try_once(bench, sweep);
    bench->total = sweep->total;
    sweep_tell(sweep, bench->operation->name);
}

/* One lake for all of them, and a twin: to make one takes as long as ten rounds. */
static void for_each(const struct operation *operations, size_t len,
    void (*try_faults)(struct bench *bench))
{
    struct bench bench = {.total = 0};
    bool has_twin = false;
    for (size_t i = 0; i < len; i++)
        has_twin |= operations[i].kind == WRITES;
    REQUIRE(world_open(&bench.world, "lake"));
    REQUIRE(!has_twin || world_open(&bench.twin, "twin"));
    for (size_t i = 0; i < len; i++) {
        bench.operation = &operations[i];
        bench.state = VV_STR_NONE;
        bench.right = VV_STR_NONE;
        bench.total = 0;
        fflush(stdout);
        try_faults(&bench);
        if (operations[i].kind >= TIDIES)
            world_each_table(&bench.world, world_visit_state);
    }
    world_close(&bench.world);
    if (has_twin)
        world_close(&bench.twin);
}

static void fail_allocations(struct bench *bench)
{
    struct sweep sweep = {.steps = SWEEP_STEPS(10)};
    try_each(bench, &sweep);
    CHECK(sweep.failures > 0);
}

static void fail_calls(struct bench *bench)
{
    static const struct vv_fault_plan hows[] = {{.kind = VV_FAULT_REFUSE, .count = 1},
        {.kind = VV_FAULT_LOSE_REPLY, .count = 100}, {.kind = VV_FAULT_IN_DOUBT, .count = 1},
        {.kind = VV_FAULT_REFUSE, .count = 100}, {.kind = VV_FAULT_LOSE_REPLY, .count = 1},
        {.kind = VV_FAULT_IN_DOUBT, .count = 100}};
    size_t len = getenv("VARVE_FAULT_ALL") != NULL ? VV_COUNT(hows) : VV_COUNT(hows) / 2;
    for (size_t i = 0; i < len; i++) {
        struct sweep sweep = {
            .plan = &bench->world.plan, .how = hows[i], .steps = SWEEP_STEPS(8)};
        try_each(bench, &sweep);
    }
}

static void fail_statements(struct bench *bench)
{
    struct sweep statements = {.place = "engine.query"};
    struct sweep batches = {.place = "engine.stream"};
    enum kind kind = bench->operation->kind;
    bool must_fail = kind == READS || kind == WRITES;
    try_each(bench, &statements);
    CHECK(statements.failures > 0 || statements.total == 0 || !must_fail);
    bench->total = 0;
    try_each(bench, &batches);
    CHECK(batches.failures > 0 || batches.total == 0 || !must_fail);
}

static void interrupt(void *object)
{
    varve_lake_interrupt(object);
}

static void interrupt_calls(struct bench *bench)
{
    struct sweep sweep = {.plan = &bench->world.plan,
        .cancel = interrupt,
        .object = bench->world.lake,
        .steps = SWEEP_STEPS(10)};
    try_each(bench, &sweep);
    CHECK(sweep.failures > 0 || bench->operation->is_quick);
}

void operations_fail_allocations(const struct operation *operations, size_t len)
{
    for_each(operations, len, fail_allocations);
}

void operations_fail_calls(const struct operation *operations, size_t len)
{
    for_each(operations, len, fail_calls);
}

void operations_fail_statements(const struct operation *operations, size_t len)
{
    for_each(operations, len, fail_statements);
}

void operations_interrupt(const struct operation *operations, size_t len)
{
    for_each(operations, len, interrupt_calls);
}
