#include "ingest/spool.h"

#include "base/seam.h"
#include "base/time.h"
#include "base/uuid.h"
#include "ingest/spool_state.h"

#define BYTES_MAX_DEFAULT (INT64_C(1) << 30)
#define SEGMENT_BYTES_DEFAULT (INT64_C(64) << 20)
#define SYNC_INTERVAL_US_DEFAULT (INT64_C(100) * VV_US_PER_MS)
#define SYNC_BYTES_DEFAULT (INT64_C(1) << 20)
#define SEGMENT_BYTES_MIN ((int64_t)VV_SEGMENT_HEAD_BYTES + VV_SPOOL_PAGE_BYTES)
/* A spool that may be this small has segments of a quarter, so that room comes in pieces. */
#define SEGMENTS_MIN 4

#define APP_ID_PREFIX "varve-spool:"

static struct vv_spool_options completed(const struct vv_spool_options *options)
{
    struct vv_spool_options full = options != NULL ? *options : (struct vv_spool_options){0};
    if (full.bytes_max == 0)
        full.bytes_max = BYTES_MAX_DEFAULT;
    if (full.segment_bytes == 0)
        full.segment_bytes = SEGMENT_BYTES_DEFAULT;
    if (full.segment_bytes > full.bytes_max / SEGMENTS_MIN)
        full.segment_bytes = full.bytes_max / SEGMENTS_MIN;
    if (full.segment_bytes < SEGMENT_BYTES_MIN)
        full.segment_bytes = SEGMENT_BYTES_MIN;
    if (full.sync_interval_us == 0)
        full.sync_interval_us = SYNC_INTERVAL_US_DEFAULT;
    if (full.sync_bytes == 0)
        full.sync_bytes = SYNC_BYTES_DEFAULT;
    return full;
}

static void set_app_id(struct vv_spool *spool)
{
    static const char digits[] = "0123456789abcdef";
    size_t at = strlen(APP_ID_PREFIX);
    memcpy(spool->app_id, APP_ID_PREFIX, at);
    for (size_t i = 0; i < VV_SPOOL_KEY_BYTES; i++) {
        spool->app_id[at++] = digits[spool->header.id[i] >> 4];
        spool->app_id[at++] = digits[spool->header.id[i] & 15];
    }
    spool->app_id[at] = '\0';
}

/* Whether any is there, which is not so in a new spool. */
static varve_status find_segments(struct vv_op *op, struct vv_journal *journal, bool *out)
{
    struct vv_str *names;
    size_t names_len;
    bool is_found = false;
    VV_TRY(vv_journal_list(op, journal, &op->arena, &names, &names_len));
    for (size_t i = 0; i < names_len; i++) {
        uint64_t number;
        uint32_t generation;
        is_found = is_found || vv_spool_segment_name_parse(names[i], &number, &generation);
    }
    *out = is_found;
    return VARVE_OK;
}

varve_status vv_spool_is_unbegun(struct vv_op *op, struct vv_journal *journal,
    struct vv_str header, bool *out)
{
    bool has_segments = false;
    VV_TRY(find_segments(op, journal, &has_segments));
    /* Behind the slots its owner is named. */
    header = vv_str_first(header, (size_t)VV_SPOOL_HEADER_SLOTS * VV_SPOOL_PAGE_BYTES);
    *out = !has_segments && vv_segment_bytes_behind(header, 0) == 0;
    return VARVE_OK;
}

static varve_status new_header(struct vv_op *op, struct vv_spool *spool)
{
    struct vv_spool_header *header = &spool->header;
    bool has_segments = false;
    VV_TRY(find_segments(op, spool->journal, &has_segments));
    if (has_segments)
        return vv_fail(op, VARVE_ECORRUPT,
            "%s has segments, but its file \"spool\" is damaged or missing: `varve spool "
            "salvage` goes on without it, or restore it",
            spool->journal->location.ptr);
    *header = (struct vv_spool_header){
        .next_number = 1, .next_sequence = 1, .newest_arrival_us = INT64_MIN};
    VV_TRY(vv_random_bytes(op, header->id, sizeof(header->id)));
    return vv_random_bytes(op, header->key, sizeof(header->key));
}

/* Birth times tell a file from a later one with its inode; not every file system has them. */
static bool is_other(const struct vv_journal_identity *known,
    const struct vv_journal_identity *found)
{
    return known->inode != found->inode ||
           (known->born_ns != found->born_ns && known->born_ns != 0 && found->born_ns != 0);
}

/* The same code as when it was found, so that one who waits for a status knows it again. */
static varve_status fail_disowned(struct vv_op *op, const struct vv_spool *spool)
{
    (void)vv_fail(op, VARVE_ECONFLICT,
        "%s was found to have another beside it that commits rows under its id: it was "
        "rolled back, or cloned. Once the other is out of use, take it over with "
        "--adopt: rows that are in their tables already come out as unchanged",
        spool->journal->location.ptr);
    op->error.retryable = 0;
    return op->error.code;
}

varve_status vv_spool_claim(struct vv_op *op, struct vv_spool *spool, bool *out_is_lost)
{
    struct vv_journal_identity identity;
    struct vv_spool_header *header = &spool->header;
    VV_TRY(vv_journal_claim(op, spool->journal, VV_STR(VV_SPOOL_HEADER_NAME),
        VV_SPOOL_HEADER_BYTES, &spool->header_file));
    VV_TRY(vv_journal_identity(op, &spool->header_file, &identity));
    struct vv_str bytes = {
        (const char *)spool->header_file.bytes, spool->header_file.mapped_bytes};
    uint32_t format = vv_spool_header_format(bytes);
    if (format > VV_SPOOL_FORMAT)
        return vv_fail(op, VARVE_EUNSUPPORTED,
            "%s was written by a later version of Varve (format %" PRIu32
            ", this one knows %d): use that one, or flush it there first",
            spool->journal->location.ptr, format, VV_SPOOL_FORMAT);
    bool is_lost = !vv_spool_header_read(bytes, header);
    if (is_lost && out_is_lost == NULL)
        VV_TRY(new_header(op, spool));
    else if (!is_lost && (header->is_disowned || is_other(&header->file, &identity))) {
        if (!spool->options.adopt && header->is_disowned)
            return fail_disowned(op, spool);
        if (!spool->options.adopt)
            return vv_fail(op, VARVE_EUSAGE,
                "%s is a copy of a spool, or was restored from one: its rows may have been "
                "committed by the original. Once that is out of use, take it over with "
                "--adopt: "
                "rows that are in their tables already come out as unchanged",
                spool->journal->location.ptr);
        VV_TRY(vv_random_bytes(op, header->id, sizeof(header->id)));
        header->is_disowned = false;
    }
    header->file = identity;
    if (out_is_lost != NULL)
        *out_is_lost = is_lost;
    return VARVE_OK;
}

varve_status vv_spool_new(struct vv_op *op, const struct vv_spool_options *options,
    struct vv_journal *journal, struct vv_spool **out)
{
    struct vv_spool *spool = vv_malloc_zeroed(sizeof(*spool));
    if (spool == NULL)
        return vv_fail_memory(op);
    pthread_condattr_t attributes;
    bool is_made = pthread_mutex_init(&spool->lock, NULL) == 0 &&
                   pthread_condattr_init(&attributes) == 0 &&
                   pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                   pthread_cond_init(&spool->work, &attributes) == 0 &&
                   pthread_cond_init(&spool->progress, &attributes) == 0 &&
                   pthread_condattr_destroy(&attributes) == 0;
    if (!is_made) {
        vv_free(spool);
        return vv_fail_memory(op);
    }
    spool->options = completed(options);
    if (spool->options.env == NULL)
        spool->options.env = vv_env_system();
    spool->journal = journal;
    vv_journal_boot(journal, spool->boot);
    *out = spool;
    return VARVE_OK;
}

void vv_spool_free(struct vv_spool **pointer)
{
    struct vv_spool *spool = VV_MOVE(*pointer);
    if (spool == NULL)
        return;
    vv_spool_thread_stop(spool);
    while (spool->first != NULL) {
        struct vv_spool_segment *segment = spool->first;
        spool->first = segment->next;
        vv_spool_segment_free(segment);
    }
    vv_spool_segment_free(spool->spare);
    vv_spool_names_done(&spool->names);
    vv_journal_shut(&spool->header_file);
    (void)pthread_cond_destroy(&spool->work);
    (void)pthread_cond_destroy(&spool->progress);
    (void)pthread_mutex_destroy(&spool->lock);
    vv_journal_close(&spool->journal);
    vv_free(spool);
}

varve_status vv_spool_settle(struct vv_op *op, struct vv_spool *spool,
    struct vv_spool_recovery *out_recovery)
{
    VV_TRY(vv_spool_recover(op, spool, out_recovery));
    spool->header.next_sequence = spool->next_sequence;
    spool->header.newest_arrival_us = spool->newest_arrival_us;
    VV_TRY(vv_spool_header_sync(op, spool));
    return vv_journal_sync_folder(op, spool->journal);
}

varve_status vv_spool_open_on(struct vv_op *op, struct vv_journal *journal,
    const struct vv_spool_options *options, struct vv_spool_recovery *out_recovery,
    struct vv_spool **out)
{
    VV_CLEANUP(vv_journal_close) struct vv_journal *owned = journal;
    VV_CLEANUP(vv_spool_free) struct vv_spool *spool = NULL;
    struct vv_spool_recovery recovery = {0};
    VV_TRY(vv_spool_new(op, options, journal, &spool));
    owned = NULL;
    VV_TRY(vv_spool_claim(op, spool, NULL));
    VV_TRY(vv_spool_settle(op, spool, &recovery));
    spool->first_number = spool->header.next_number;
    set_app_id(spool);
    spool->durable_sequence = spool->next_sequence - 1;
    VV_TRY(vv_spool_segment_make(op, spool, (size_t)spool->options.segment_bytes,
        &spool->spare));
    VV_TRY(vv_spool_thread_start(op, spool));
    if (out_recovery != NULL)
        *out_recovery = recovery;
    *out = VV_MOVE(spool);
    return VARVE_OK;
}

varve_status vv_spool_open(struct vv_op *op, struct vv_str folder,
    const struct vv_spool_options *options, struct vv_spool_recovery *out_recovery,
    struct vv_spool **out)
{
    struct vv_journal *journal;
    bool sync = options == NULL || !options->no_sync;
    VV_TRY(vv_journal_open(op, folder, true, sync, &journal));
    return vv_spool_open_on(op, journal, options, out_recovery, out);
}

varve_status vv_spool_close(struct vv_op *op, struct vv_spool **pointer)
{
    VV_CLEANUP(vv_spool_free) struct vv_spool *spool = VV_MOVE(*pointer);
    if (spool == NULL)
        return VARVE_OK;
    uint64_t number;
    varve_status status = vv_spool_seal(op, spool, &number);
    vv_spool_thread_stop(spool);
    if (spool->spare != NULL) {
        VV_CLEANUP(vv_op_done) struct vv_op other;
        vv_op_init(&other, spool->options.env, VV_OP_BYTES_DEFAULT);
        if (vv_spool_segment_remove(&other, spool, spool->spare) != VARVE_OK)
            vv_log(&other, VV_LOG_WARN, "spool.leftover", "%s", other.error.message);
    }
    return status;
}

struct vv_str vv_spool_app_id(const struct vv_spool *spool)
{
    return vv_str_of(spool->app_id);
}

uint64_t vv_spool_first_number(const struct vv_spool *spool)
{
    return spool->first_number;
}

bool vv_spool_wait_room(struct vv_op *op, struct vv_spool *spool, int64_t wait_us)
{
    int64_t now_us = vv_spool_clock();
    int64_t until_us =
        wait_us < 0 || wait_us > INT64_MAX - now_us ? INT64_MAX : now_us + wait_us;
    bool has_room = false;
    bool goes_on = true;
    pthread_mutex_lock(&spool->lock);
    while (!has_room && goes_on) {
        has_room = spool->bytes + spool->bytes_refused <= spool->options.bytes_max;
        if (vv_check_cancel(op) != VARVE_OK) {
            vv_forgive(op);
            goes_on = false;
        } else if (!has_room) {
            goes_on = vv_spool_wait_progress(spool, until_us);
        }
    }
    pthread_mutex_unlock(&spool->lock);
    return has_room;
}

varve_status vv_spool_seal(struct vv_op *op, struct vv_spool *spool, uint64_t *out_number)
{
    pthread_mutex_lock(&spool->lock);
    if (spool->open != NULL && spool->open->counts.rows > 0)
        vv_spool_end_open(spool);
    bool is_pending = spool->last != NULL && spool->last->stage != VV_STAGE_SEALED;
    pthread_mutex_unlock(&spool->lock);
    if (is_pending)
        VV_TRY(vv_spool_sync_now(op, spool));
    uint64_t newest = 0;
    pthread_mutex_lock(&spool->lock);
    for (const struct vv_spool_segment *at = spool->first; at != NULL; at = at->next) {
        if (at->stage == VV_STAGE_SEALED)
            newest = at->number;
    }
    pthread_mutex_unlock(&spool->lock);
    *out_number = newest;
    return VARVE_OK;
}

varve_status vv_spool_sealed(struct vv_op *op, struct vv_spool *spool, struct vv_arena *arena,
    uint64_t **out, size_t *out_len)
{
    size_t len = 0;
    pthread_mutex_lock(&spool->lock);
    for (const struct vv_spool_segment *at = spool->first; at != NULL; at = at->next)
        len += at->stage == VV_STAGE_SEALED;
    uint64_t *numbers = vv_new(arena, uint64_t, len + 1);
    len = 0;
    for (const struct vv_spool_segment *at = spool->first; at != NULL; at = at->next) {
        if (numbers != NULL && at->stage == VV_STAGE_SEALED)
            numbers[len++] = at->number;
    }
    pthread_mutex_unlock(&spool->lock);
    if (numbers == NULL)
        return vv_fail_memory(op);
    *out = numbers;
    *out_len = len;
    return VARVE_OK;
}

uint64_t vv_spool_sequence_until(struct vv_spool *spool, uint64_t number)
{
    pthread_mutex_lock(&spool->lock);
    uint64_t sequence = spool->next_sequence - 1;
    const struct vv_spool_segment *at = spool->first;
    while (at != NULL && (at->number <= number || at->counts.last_sequence == 0))
        at = at->next;
    if (at != NULL)
        sequence = at->counts.first_sequence - 1;
    pthread_mutex_unlock(&spool->lock);
    return sequence;
}

void vv_spool_stats(struct vv_spool *spool, struct vv_spool_stats *out)
{
    pthread_mutex_lock(&spool->lock);
    struct vv_spool_stats stats = {
        .bytes = spool->bytes,
        .bytes_max = spool->options.bytes_max,
        .sequence_accepted = spool->next_sequence - 1,
        .sequence_durable = spool->durable_sequence,
        .oldest_arrival_us = INT64_MIN,
        .syncs = spool->syncs,
    };
    for (const struct vv_spool_segment *at = spool->first; at != NULL; at = at->next) {
        stats.segments++;
        stats.rows += (int64_t)at->counts.rows;
        if (stats.oldest_arrival_us == INT64_MIN)
            stats.oldest_arrival_us = at->counts.first_arrival_us;
    }
    if (spool->open != NULL) {
        stats.open_number = spool->open->number;
        stats.open_rows = (int64_t)spool->open->counts.rows;
        stats.open_bytes = (int64_t)spool->open->used_bytes;
    }
    pthread_mutex_unlock(&spool->lock);
    *out = stats;
}
