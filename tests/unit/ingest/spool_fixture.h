/* A spool in a folder of the case, and rows to put into it. */
#ifndef VARVE_SPOOL_FIXTURE_H
#define VARVE_SPOOL_FIXTURE_H

#include <stdio.h>

#include "harness/test.h"
#include "ingest/spool.h"

struct spool_fixture {
    struct vv_op op;
    struct vv_spool *spool;
    struct vv_spool_options options;
    struct vv_spool_recovery recovery;
};

static inline void spool_fixture_init(struct spool_fixture *fixture)
{
    *fixture = (struct spool_fixture){0};
    vv_op_init(&fixture->op, NULL, VV_OP_BYTES_DEFAULT);
    fixture->options =
        (struct vv_spool_options){.bytes_max = 1 << 22, .segment_bytes = 1 << 16};
}

static inline bool spool_open(struct spool_fixture *fixture, const char *name)
{
    fixture->recovery = (struct vv_spool_recovery){0};
    return CHECK_OK(&fixture->op, vv_spool_open(&fixture->op, vv_str_of(test_path(name)),
                                      &fixture->options, &fixture->recovery, &fixture->spool));
}

static inline bool spool_close(struct spool_fixture *fixture)
{
    return CHECK_OK(&fixture->op, vv_spool_close(&fixture->op, &fixture->spool));
}

static inline void spool_fixture_done(struct spool_fixture *fixture)
{
    if (fixture->spool != NULL)
        (void)spool_close(fixture);
    vv_op_done(&fixture->op);
}

/* The row "row-<number>" of a table; its sequence, or 0 after a failure, which stays recorded. */
static inline uint64_t try_put(struct spool_fixture *fixture, const char *table,
    uint64_t number)
{
    char text[64];
    int len = snprintf(text, sizeof(text), "row-%llu", (unsigned long long)number);
    struct vv_spool_record record = {
        .kind = VV_SPOOL_JSON, .is_stamped = true, .payload = {text, (size_t)len}};
    varve_status status =
        vv_spool_append(&fixture->op, fixture->spool, vv_str_of(table), VV_STR_NONE, &record);
    return status == VARVE_OK ? record.sequence : 0;
}

static inline bool put_rows(struct spool_fixture *fixture, const char *table, uint64_t first,
    uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        if (!CHECK(try_put(fixture, table, first + i) > 0)) {
            CHECK_STR(fixture->op.error.message, "");
            vv_forgive(&fixture->op);
            return false;
        }
    }
    return true;
}

struct rows_seen {
    uint64_t rows, first, last; /* of sequences */
    int64_t newest_arrival_us;
    bool in_order; /* sequences rise by one, arrivals rise, texts match */
};

/* Reads a segment, or all sealed ones (number 0). */
static inline bool see_segment(struct spool_fixture *fixture, uint64_t number,
    struct rows_seen *seen)
{
    struct vv_spool_reader *reader = NULL;
    struct vv_spool_record record;
    bool has_record = true;
    if (!CHECK_OK(&fixture->op,
            vv_spool_reader_open(&fixture->op, fixture->spool, number, &reader)))
        return false;
    bool is_fine = true;
    while (is_fine && has_record) {
        is_fine = CHECK_OK(&fixture->op,
            vv_spool_reader_next(&fixture->op, reader, &record, &has_record));
        if (!is_fine || !has_record || record.sequence == 0)
            continue;
        char text[64];
        int len = snprintf(text, sizeof(text), "row-%llu", (unsigned long long)record.sequence);
        seen->in_order =
            seen->in_order && (seen->rows == 0 || record.sequence == seen->last + 1);
        seen->in_order = seen->in_order && record.arrival_us > seen->newest_arrival_us &&
                         vv_str_eq(record.payload, (struct vv_str){text, (size_t)len});
        if (seen->rows++ == 0)
            seen->first = record.sequence;
        seen->last = record.sequence;
        seen->newest_arrival_us = record.arrival_us;
    }
    vv_spool_reader_close(&reader);
    return is_fine;
}

static inline struct rows_seen see_sealed(struct spool_fixture *fixture)
{
    struct rows_seen seen = {.in_order = true, .newest_arrival_us = INT64_MIN};
    uint64_t *numbers = NULL;
    size_t len = 0;
    if (CHECK_OK(&fixture->op, vv_spool_sealed(&fixture->op, fixture->spool, &fixture->op.arena,
                                   &numbers, &len))) {
        for (size_t i = 0; i < len; i++)
            (void)see_segment(fixture, numbers[i], &seen);
    }
    return seen;
}

#endif
