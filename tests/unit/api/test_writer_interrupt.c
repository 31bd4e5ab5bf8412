/*
 * What is ended of a batch writer from another thread: its opening, its scans.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "writer_fixture.h"

/* A read that would take hours, tried; the end of the case comes first where nothing ends it. */
static varve_status scan_for_ever(struct lake *lake)
{
    varve_scan_options options = VARVE_SCAN_OPTIONS_INIT;
    struct ArrowArrayStream stream = {0};
    struct ArrowArray array = {0};
    options.where = "confidence > (SELECT count(*) FROM range(1000000000000) r(i) "
                    "WHERE hash(i) = 1)";
    varve_status status =
        varve_writer_scan(lake->writer, "market_regimes", &options, &stream, &lake->err);
    if (status != VARVE_OK)
        return status;
    int code = stream.get_next(&stream, &array);
    stream.release(&stream);
    return code == ECANCELED ? VARVE_EINTERRUPTED : VARVE_EFAILED;
}

static void *interrupt_scans_soon(void *data)
{
    const struct lake *lake = data;
    nanosleep(&(struct timespec){.tv_nsec = 300 * 1000 * 1000}, NULL);
    varve_writer_interrupt_scans(lake->writer);
    return NULL;
}

static void *interrupt_soon(void *data)
{
    const struct lake *lake = data;
    nanosleep(&(struct timespec){.tv_nsec = 300 * 1000 * 1000}, NULL);
    varve_writer_interrupt(lake->writer);
    return NULL;
}

TEST(writer_interrupt, a_scan_is_ended_and_the_writer_goes_on)
{
    VV_CLEANUP(lake_done) struct lake lake;
    struct ArrowArrayStream stream = {0};
    struct ArrowArray array = {0};
    pthread_t thread;
    REQUIRE(lake_open(&lake));
    REQUIRE(put_regime(&lake, 0, "SPY", 0.9, NULL) && flush(&lake));
    REQUIRE(CHECK_INT(varve_writer_scan(lake.writer, "market_regimes", NULL, &stream,
                          &lake.err),
        0));
    REQUIRE(pthread_create(&thread, NULL, interrupt_scans_soon, &lake) == 0);
    CHECK_INT(scan_for_ever(&lake), VARVE_EINTERRUPTED);
    pthread_join(thread, NULL);
    /* So is a stream that is read on, until another scan begins, be it of nothing. */
    CHECK_INT(stream.get_next(&stream, &array), ECANCELED);
    stream.release(&stream);
    CHECK_INT(varve_writer_scan(lake.writer, NULL, NULL, &stream, &lake.err), VARVE_ENOTFOUND);
    REQUIRE(put_regime(&lake, 1, "SPY", 0.9, NULL) && flush(&lake));
    REQUIRE(CHECK_INT(varve_writer_scan(lake.writer, "market_regimes", NULL, &stream,
                          &lake.err),
        0));
    CHECK_INT(stream.get_next(&stream, &array), 0);
    CHECK(array.length > 0);
    array.release(&array);
    stream.release(&stream);
}

TEST(writer_interrupt, an_interrupt_ends_its_scans_for_good)
{
    VV_CLEANUP(lake_done) struct lake lake;
    pthread_t thread;
    REQUIRE(lake_open(&lake));
    REQUIRE(put_regime(&lake, 0, "SPY", 0.9, NULL) && flush(&lake));
    REQUIRE(pthread_create(&thread, NULL, interrupt_soon, &lake) == 0);
    CHECK_INT(scan_for_ever(&lake), VARVE_EINTERRUPTED);
    pthread_join(thread, NULL);
    CHECK_INT(scan_for_ever(&lake), VARVE_EINTERRUPTED);
}

struct nuisance {
    varve_lake *lake;
    atomic_bool stops;
};

/* An interrupt that comes before a call is forgotten: it has to come again and again. */
static void *interrupt_often(void *data)
{
    struct nuisance *nuisance = data;
    while (!atomic_load(&nuisance->stops))
        varve_lake_interrupt(nuisance->lake);
    return NULL;
}

TEST(writer_interrupt, an_interrupt_of_the_lake_ends_its_opening)
{
    VV_CLEANUP(lake_done) struct lake lake;
    REQUIRE(lake_open(&lake));
    REQUIRE(put_regime(&lake, 0, "SPY", 0.9, NULL));
    varve_writer_abandon(lake.writer);
    lake.writer = NULL;
    struct nuisance nuisance = {.lake = lake.lake};
    pthread_t thread;
    varve_status status = VARVE_OK;
    REQUIRE(pthread_create(&thread, NULL, interrupt_often, &nuisance) == 0);
    for (int i = 0; i < 50 && status == VARVE_OK; i++) {
        varve_writer_abandon(lake.writer);
        lake.writer = NULL;
        status = varve_writer_open(lake.lake, NULL, &lake.writer, &lake.err);
    }
    atomic_store(&nuisance.stops, true);
    pthread_join(thread, NULL);
    CHECK_INT(status, VARVE_EINTERRUPTED);
    /* Nothing is lost, nor kept from the next one. */
    REQUIRE(writer_open(&lake) && flush(&lake));
    CHECK_INT(rows_of(&lake, "market_regimes"), 1);
}
