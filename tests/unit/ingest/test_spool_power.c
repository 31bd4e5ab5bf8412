/*
 * Power cuts and kills at every moment of a trace, on a disk that keeps, drops, tears or ages each
 * write that was not synced. Afterwards the spool opens, every row that was spooled is there once,
 * what else is there are the rows that followed them without a hole, and no number is given twice.
 */
#include "harness/lossy.h"
#include "harness/prop.h"
#include "ingest/spool_state.h"
#include "spool_fixture.h"

#define SEGMENT_BYTES (VV_SEGMENT_HEAD_BYTES + VV_SPOOL_PAGE_BYTES)
#define UNITS_MAX 4096
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define EXHAUSTIVE_MAX \
    128           /* fates of one moment that are all tried: fewer where each is slow */
#define SAMPLES 8 /* and so many of those of a moment that has more */
#else
#define EXHAUSTIVE_MAX 1024
#define SAMPLES 30
#endif

struct world {
    struct spool_fixture f;
    struct vv_env env;
    struct prop prop;
    int64_t clock_us; /* falls, and falls */
    struct lossy_disk *disk;
    bool is_thorough;  /* fates of few units are all tried */
    uint64_t accepted; /* sequence of the newest row */
    uint64_t spooled;  /* and of the newest that was said to be durable */
    uint64_t removed;  /* rows up to it may be gone */
    uint64_t number_removing;
    uint64_t number_used; /* the newest that was sealed */
    bool syncs_fail;      /* so calls may fail, too */
    uint64_t excused;     /* calls that did */
    uint64_t moments, cuts, kills, rows_cut;
};

static int64_t falling_clock(void *data)
{
    int64_t *clock_us = data;
    return *clock_us -= 1000;
}

static void world_init(struct world *world)
{
    spool_fixture_init(&world->f);
    world->prop = prop_start();
    world->clock_us = INT64_C(1764000000000000);
    world->env = *vv_env_system();
    world->env.now_us = falling_clock;
    world->env.now_data = &world->clock_us;
    world->f.op.env = &world->env;
    world->f.options = (struct vv_spool_options){
        .segment_bytes = SEGMENT_BYTES, .sync_interval_us = -1, .sync_bytes = 1 << 30};
    world->disk = lossy_disk_new();
    world->accepted = world->spooled = world->removed = world->number_used = 0;
    world->moments = world->cuts = world->kills = world->rows_cut = 0;
}

static bool mount_on(struct spool_fixture *f, struct lossy_disk *disk)
{
    return CHECK_OK(&f->op,
        vv_spool_open_on(&f->op, lossy_disk_mount(disk), &f->options, &f->recovery, &f->spool));
}

/* Until the thread has made the next segment and sleeps. */
static void quiesce(struct vv_spool *spool)
{
    pthread_mutex_lock(&spool->lock);
    while (spool->spare == NULL || spool->is_busy)
        pthread_cond_wait(&spool->progress, &spool->lock);
    pthread_mutex_unlock(&spool->lock);
}

static void check_found(struct world *world, struct lossy_disk *disk, uint64_t least,
    bool may_cut_again);

/* A second cut at some moment of the recovery from the first. */
struct second {
    struct world *world;
    struct lossy_disk *disk;
    uint64_t least;
    size_t calls_left;
};

static void random_fates(struct world *world, unsigned char *fates, size_t units)
{
    /* Some cuts lose nearly all, some nearly nothing. */
    unsigned keep = (unsigned)prop_choose(&world->prop, 5) * 25;
    for (size_t i = 0; i < units; i++) {
        bool kept = prop_chance(&world->prop, keep);
        fates[i] = kept ? LOSSY_KEEP : (unsigned char)prop_choose(&world->prop, LOSSY_FATES);
    }
}

static void cut_again(void *data, const char *call)
{
    struct second *second = data;
    unsigned char fates[UNITS_MAX];
    (void)call;
    if (second->calls_left == 0 || --second->calls_left > 0)
        return;
    size_t units = lossy_disk_units(second->disk);
    REQUIRE(units < UNITS_MAX);
    random_fates(second->world, fates, units);
    check_found(second->world, lossy_disk_cut(second->disk, fates), second->least, false);
}

/* `least`: the newest row that must be there. The disk is given up. */
static void check_found(struct world *world, struct lossy_disk *disk, uint64_t least,
    bool may_cut_again)
{
    struct spool_fixture f;
    spool_fixture_init(&f);
    f.op.env = &world->env;
    f.options = world->f.options;
    /* A kill first does not make more durable. */
    uint64_t least_then = least < world->spooled ? least : world->spooled;
    struct second second = {world, disk, least_then, 1 + prop_choose(&world->prop, 40)};
    if (may_cut_again && prop_chance(&world->prop, 15))
        lossy_disk_watch(disk, cut_again, &second);
    if (mount_on(&f, disk)) {
        quiesce(f.spool);
        second.calls_left = 0;
        world->rows_cut += (uint64_t)f.recovery.rows_cut;
        struct rows_seen seen = see_sealed(&f);
        CHECK(seen.in_order);
        /* A put may be under way. */
        CHECK(seen.rows == 0 || seen.last <= world->accepted + 1);
        CHECK(seen.rows == 0 || seen.first <= world->removed + 1);
        CHECK((seen.rows > 0 ? seen.last : world->removed) >= least);
        uint64_t sequence = try_put(&f, "a", 0);
        struct vv_spool_stats stats;
        vv_spool_stats(f.spool, &stats);
        CHECK(sequence > least && sequence > seen.last);
        CHECK(stats.open_number > world->number_used);
        (void)spool_close(&f);
    }
    spool_fixture_done(&f);
    lossy_disk_free(disk);
}

static void cut_with(struct world *world, const unsigned char *fates)
{
    world->cuts++;
    check_found(world, lossy_disk_cut(world->disk, fates), world->spooled, true);
}

/* The power fails here, in every way or in some. And the process dies here. */
static void at_moment(void *data, const char *call)
{
    struct world *world = data;
    unsigned char fates[UNITS_MAX] = {0};
    size_t units = lossy_disk_units(world->disk);
    size_t ways = 1;
    (void)call;
    REQUIRE(units < UNITS_MAX);
    for (size_t i = 0; i < units && ways <= EXHAUSTIVE_MAX; i++)
        ways *= LOSSY_FATES;
    world->moments++;
    for (size_t way = 0; world->is_thorough && ways <= EXHAUSTIVE_MAX && way < ways; way++) {
        for (size_t i = 0, rest = way; i < units; i++, rest /= LOSSY_FATES)
            fates[i] = (unsigned char)(rest % LOSSY_FATES);
        cut_with(world, fates);
    }
    for (size_t i = 0; (!world->is_thorough || ways > EXHAUSTIVE_MAX) && i < SAMPLES; i++) {
        random_fates(world, fates, units);
        cut_with(world, fates);
    }
    world->kills++;
    check_found(world, lossy_disk_kill(world->disk), world->accepted, true);
}

/* True where a call failed as it may where syncs fail. */
static bool is_excused(struct world *world)
{
    struct vv_op *op = &world->f.op;
    if (!world->syncs_fail || !op->failed || op->error.code != VARVE_EIO)
        return false;
    world->excused++;
    vv_forgive(op);
    return true;
}

static void step_put(struct world *world)
{
    uint64_t sequence = try_put(&world->f, "a", world->accepted + 1);
    if (sequence == world->accepted + 1)
        world->accepted = sequence;
    else
        CHECK(is_excused(world));
    quiesce(world->f.spool);
}

static void step_wait(struct world *world)
{
    struct vv_op *op = &world->f.op;
    if (world->accepted == 0)
        return;
    if (vv_spool_wait_durable(op, world->f.spool, world->accepted) == VARVE_OK)
        world->spooled = world->accepted;
    else
        CHECK(is_excused(world));
}

static void step_seal(struct world *world)
{
    uint64_t number = 0;
    if (vv_spool_seal(&world->f.op, world->f.spool, &number) != VARVE_OK) {
        CHECK(is_excused(world));
        return;
    }
    world->spooled = world->accepted;
    if (number > world->number_used)
        world->number_used = number;
}

/* The oldest segment is committed. Until that is through its rows may be there or not. */
static void step_remove(struct world *world)
{
    uint64_t *numbers = NULL;
    size_t len = 0;
    struct vv_op *op = &world->f.op;
    REQUIRE_OK(op, vv_spool_sealed(op, world->f.spool, &op->arena, &numbers, &len));
    if (len == 0)
        return;
    struct rows_seen seen = {.in_order = true, .newest_arrival_us = INT64_MIN};
    if (numbers[0] != world->number_removing)
        (void)see_segment(&world->f, numbers[0], &seen);
    if (seen.rows > 0)
        world->removed = seen.last;
    world->number_removing = numbers[0]; /* may be gone after a failure, too */
    if (numbers[0] > world->number_used)
        world->number_used = numbers[0];
    if (vv_spool_remove(op, world->f.spool, numbers[0]) != VARVE_OK)
        CHECK(is_excused(world));
}

static void step_reopen(struct world *world)
{
    if (vv_spool_close(&world->f.op, &world->f.spool) != VARVE_OK)
        CHECK(is_excused(world));
    else
        world->spooled = world->accepted;
    lossy_disk_fail_sync(world->disk, 0, 0);
    REQUIRE(mount_on(&world->f, world->disk));
    world->spooled = world->accepted;
    quiesce(world->f.spool);
}

/* From the n-th sync on some fail: a few, and another sync is as good; many, and nothing is. */
static void step_fail(struct world *world)
{
    uint64_t count = prop_chance(&world->prop, 70) ? 1 : 2 + prop_choose(&world->prop, 8);
    world->syncs_fail = true;
    lossy_disk_fail_sync(world->disk, 1 + prop_choose(&world->prop, 3), count);
}

/*
 * p: a row; P: rows for more than a segment; d: durable; s: seal; r: remove; o: close, open;
 * f: syncs will fail.
 */
static void take_step(struct world *world, char step)
{
    switch (step) {
    case 'P':
        for (int i = 0; i < 60; i++)
            step_put(world);
        break;
    case 'd':
        step_wait(world);
        break;
    case 's':
        step_seal(world);
        break;
    case 'r':
        step_remove(world);
        break;
    case 'f':
        step_fail(world);
        break;
    case 'o':
        step_reopen(world);
        break;
    default:
        step_put(world);
        break;
    }
}

static void run_trace(struct world *world, const char *trace)
{
    lossy_disk_watch(world->disk, at_moment, world);
    if (!mount_on(&world->f, world->disk))
        return;
    quiesce(world->f.spool);
    for (; *trace != '\0'; trace++) {
        take_step(world, *trace);
        at_moment(world, "step");
    }
    step_reopen(world);
    at_moment(world, "closed");
    lossy_disk_watch(world->disk, NULL, NULL);
    printf("# %llu moments, %llu power cuts (%llu rows cut), %llu kills\n",
        (unsigned long long)world->moments, (unsigned long long)world->cuts,
        (unsigned long long)world->rows_cut, (unsigned long long)world->kills);
}

static void world_done(struct world *world)
{
    spool_fixture_done(&world->f);
    lossy_disk_free(world->disk);
}

TEST_SECONDS(spool_power, cut_anywhere_in_short_traces_in_every_way, 240)
{
    static const char *const traces[] = {
        "p", "pdp", "psp", "psrp", "pdpsrp", "popsr", "ppdppd"};
    for (size_t i = 0; i < VV_COUNT(traces); i++) {
        struct world world = {.is_thorough = true};
        world_init(&world);
        run_trace(&world, traces[i]);
        CHECK(world.cuts > world.moments);
        world_done(&world);
    }
}

TEST_SECONDS(spool_power, cut_where_segments_change_loses_nothing_that_was_spooled, 240)
{
    struct world world = {0};
    world_init(&world);
    run_trace(&world, "PdPpsrPorr");
    CHECK(world.rows_cut > 0);
    world_done(&world);
}

static void run_random(struct world *world, const char *steps)
{
    char trace[24] = {0};
    for (size_t i = 0; i + 1 < sizeof(trace); i++)
        trace[i] = steps[prop_choose(&world->prop, strlen(steps))];
    printf("# %s\n", trace);
    run_trace(world, trace);
}

TEST_SECONDS(spool_power, cut_in_random_traces_loses_nothing_that_was_spooled, 240)
{
    struct prop prop = prop_start();
    for (int round = 0; round < 4; round++) {
        struct world world = {0};
        world_init(&world);
        world.prop = prop;
        run_random(&world, "pppppddsrrPo");
        prop = world.prop;
        world_done(&world);
    }
}

/* The disk keeps nothing of a write on which a sync has failed, and says so only once. */
TEST_SECONDS(spool_power, a_failed_sync_never_counts, 240)
{
    struct prop prop = prop_start();
    uint64_t excused = 0;
    for (int round = 0; round < 6; round++) {
        struct world world = {0};
        world_init(&world);
        world.prop = prop;
        run_random(&world, "ppppffffddsrPo");
        excused += world.excused;
        prop = world.prop;
        world_done(&world);
    }
    printf("# %llu calls failed\n", (unsigned long long)excused);
}
