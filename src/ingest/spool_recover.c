/*
 * What a spool makes of the files that it finds.
 *
 * First everything is read and judged, and nothing changed; damage ends it there. Then what was
 * not sealed is written anew, sealed, into a file of the next generation: recovery never goes on
 * in a file that a crash has left, since a sync of pages that an earlier sync failed on proves
 * nothing. Whatever it is killed at, the next recovery finds the same rows.
 *
 * Only the tail of the log can be torn: the records behind the first that is not whole, up to the
 * end of the newest segment. It is a torn tail, and not damage, if
 *
 *   - no slot says that it had been synced (its watermark), nor that any later segment had, and
 *   - the machine was booted since the segment was made: a power cut loses pages in any order.
 *     Where only the process died all pages are whole; then nothing may be published at the place
 *     of the tear, and no whole record lie behind it.
 */
#include "ingest/spool_state.h"

#include <stdlib.h>

#include "base/seam.h"

enum fate {
    FATE_KEEP,       /* sealed and whole */
    FATE_COPY,       /* its records up to `end` are written anew */
    FATE_DROP_FIRST, /* another file counts for its number, and this one not even after it */
    FATE_DROP,       /* no record of it stays */
    FATE_REPLACED    /* a file of a later generation has them all */
};

/* A file that was found. */
struct find {
    struct vv_str name;
    uint64_t number;
    uint32_t generation;
    struct vv_journal_file file;
    bool has_head;
    struct vv_segment_head head;
    enum fate fate;
    size_t end; /* behind the last record that stays; with the end of a sealed one */
    struct vv_segment_counts counts;
};

struct recovery {
    struct vv_spool *spool;
    struct find *finds; /* by number, then generation */
    size_t len;
    size_t torn_index; /* of the find where the log is torn; len: it is not */
    struct vv_spool_recovery result;
};

static void recovery_done(struct recovery *recovery)
{
    for (size_t i = 0; i < recovery->len; i++)
        vv_journal_shut(&recovery->finds[i].file);
}

static struct vv_str content_of(const struct find *find)
{
    return (struct vv_str){(const char *)find->file.bytes, find->file.mapped_bytes};
}

static varve_status fail_damage(struct vv_op *op, const struct recovery *recovery,
    const struct find *find, size_t offset, const char *fault)
{
    return vv_fail(op, VARVE_ECORRUPT,
        "%s/%.*s is damaged at offset %zu: %s; nothing was changed: keep a copy, and restore "
        "the "
        "file, or take it out of the folder to go on without its rows",
        recovery->spool->journal->location.ptr, VV_ARG(find->name), offset, fault);
}

/* Whether it is the file that counts for its number. */
static bool is_chosen(const struct find *find)
{
    return find->fate == FATE_KEEP || find->fate == FATE_COPY || find->fate == FATE_DROP;
}

static int compare_finds(const void *left, const void *right)
{
    const struct find *a = left;
    const struct find *b = right;
    if (a->number != b->number)
        return a->number < b->number ? -1 : 1;
    return a->generation < b->generation ? -1 : a->generation > b->generation;
}

static varve_status list_files(struct vv_op *op, struct recovery *recovery)
{
    struct vv_journal *journal = recovery->spool->journal;
    struct vv_str *names;
    size_t names_len;
    VV_TRY(vv_journal_list(op, journal, &op->arena, &names, &names_len));
    VV_NEW(op, &recovery->finds, struct find, names_len + 1);
    for (size_t i = 0; i < names_len; i++) {
        struct find *find = &recovery->finds[recovery->len];
        if (!vv_spool_segment_name_parse(names[i], &find->number, &find->generation))
            continue;
        find->name = names[i];
        find->counts = VV_SEGMENT_COUNTS_INIT;
        recovery->len++;
    }
    if (recovery->len > 1)
        qsort(recovery->finds, recovery->len, sizeof(struct find), compare_finds);
    for (size_t i = 0; i < recovery->len; i++) {
        struct find *find = &recovery->finds[i];
        VV_TRY(vv_journal_map(op, journal, find->name, 0, &find->file));
        find->has_head =
            vv_segment_head_read(content_of(find), &find->head) &&
            find->head.number == find->number && find->head.generation == find->generation &&
            memcmp(find->head.key, recovery->spool->header.key, VV_SPOOL_KEY_BYTES) == 0;
    }
    return VARVE_OK;
}

/* Numbers that the header never gave out were never used: such a file has no record. */
static varve_status check_unused(struct vv_op *op, const struct recovery *recovery,
    const struct find *find)
{
    uint64_t rows = 0;
    uint64_t seed = vv_segment_seed(recovery->spool->header.key, find->number);
    if (vv_segment_records_behind(content_of(find), seed, VV_SEGMENT_HEAD_BYTES, &rows) > 0)
        return fail_damage(op, recovery, find, VV_SEGMENT_HEAD_BYTES,
            "it has records, but the file \"spool\" is older and does not know it");
    return VARVE_OK;
}

/* Of the files of one number the youngest with a slot counts; without one none does. */
static varve_status choose_generations(struct vv_op *op, struct recovery *recovery)
{
    for (size_t i = 0; i < recovery->len;) {
        size_t end = i;
        size_t chosen = SIZE_MAX;
        for (; end < recovery->len && recovery->finds[end].number == recovery->finds[i].number;
             end++) {
            recovery->finds[end].fate = FATE_DROP_FIRST;
            if (recovery->finds[end].has_head)
                chosen = end;
        }
        const struct find *first = &recovery->finds[i];
        if (chosen == SIZE_MAX && first->number < recovery->spool->header.known_number)
            return fail_damage(op, recovery, first, 0,
                "neither of its two slots is one of this segment of this spool");
        for (size_t j = i; chosen == SIZE_MAX && j < end; j++)
            VV_TRY(check_unused(op, recovery, &recovery->finds[j]));
        for (size_t j = i; chosen != SIZE_MAX && j <= chosen; j++)
            recovery->finds[j].fate = j < chosen ? FATE_REPLACED : FATE_KEEP;
        i = end;
    }
    return VARVE_OK;
}

static varve_status check_sealed(struct vv_op *op, const struct recovery *recovery,
    struct find *find)
{
    struct vv_segment_cursor cursor;
    struct vv_spool_record record;
    enum vv_segment_step step;
    vv_segment_cursor_init(&cursor, content_of(find), find->head.key, find->number);
    do
        step = vv_segment_next(&cursor, &record);
    while (step == VV_SEGMENT_STEP_RECORD);
    if (step == VV_SEGMENT_STEP_BAD)
        return fail_damage(op, recovery, find, cursor.at, cursor.fault);
    if (step == VV_SEGMENT_STEP_BLANK)
        return fail_damage(op, recovery, find, cursor.at, "the rest of the segment is missing");
    if (cursor.at != find->head.durable_bytes)
        return fail_damage(op, recovery, find, cursor.at,
            "ends where its head does not say so");
    if (vv_segment_bytes_behind(content_of(find), cursor.at) > 0)
        return fail_damage(op, recovery, find, cursor.at, "there is something behind its end");
    find->end = cursor.at;
    find->counts = cursor.counts;
    return VARVE_OK;
}

/* Whether the place where the log of a segment stops is where a crash may have stopped it. */
static varve_status judge_tear(struct vv_op *op, struct recovery *recovery, size_t index,
    const struct vv_segment_cursor *cursor, const char *fault)
{
    const struct find *find = &recovery->finds[index];
    struct vv_str content = content_of(find);
    size_t at = cursor->at;
    if (content.len < find->head.capacity)
        return fail_damage(op, recovery, find, content.len, "the rest of the file is missing");
    if (at < find->head.durable_bytes)
        return fail_damage(op, recovery, find, at, fault);
    uint64_t rows = 0;
    uint64_t records = vv_segment_records_behind(content, cursor->seed, at, &rows);
    size_t bytes = vv_segment_bytes_behind(content, at);
    for (size_t i = index + 1; i < recovery->len; i++) {
        const struct find *later = &recovery->finds[i];
        if (!is_chosen(later))
            continue;
        if (later->head.state == VV_SEGMENT_SEALED ||
            later->head.durable_bytes > VV_SEGMENT_HEAD_BYTES)
            return fail_damage(op, recovery, find, at, fault);
        uint64_t later_rows = 0;
        uint64_t seed = vv_segment_seed(later->head.key, later->number);
        records += vv_segment_records_behind(content_of(later), seed, VV_SEGMENT_HEAD_BYTES,
            &later_rows);
        rows += later_rows;
        bytes += vv_segment_bytes_behind(content_of(later), VV_SEGMENT_HEAD_BYTES);
    }
    static const unsigned char unknown[VV_JOURNAL_BOOT_BYTES] = {0};
    const unsigned char *boot = find->head.boot;
    bool is_same_boot = memcmp(boot, unknown, sizeof(unknown)) != 0 &&
                        memcmp(boot, recovery->spool->boot, sizeof(unknown)) == 0;
    bool is_published = at < content.len && content.len - at >= sizeof(uint64_t) &&
                        vv_get64(find->file.bytes + at) != 0;
    if (is_same_boot && (records > 0 || is_published))
        return fail_damage(op, recovery, find, at, fault);
    recovery->result.rows_cut = (int64_t)rows;
    recovery->result.bytes_cut = (int64_t)bytes;
    return VARVE_OK;
}

/* Reads a segment that was not sealed up to its end, or to where the log is torn. */
static varve_status read_unsealed(struct vv_op *op, struct recovery *recovery, size_t index)
{
    struct find *find = &recovery->finds[index];
    struct vv_segment_cursor cursor;
    struct vv_spool_record record;
    enum vv_segment_step step;
    vv_segment_cursor_init(&cursor, content_of(find), find->head.key, find->number);
    do {
        find->end = cursor.at;
        step = vv_segment_next(&cursor, &record);
    } while (step == VV_SEGMENT_STEP_RECORD);
    find->counts = cursor.counts;
    find->fate = cursor.counts.rows > 0 ? FATE_COPY : FATE_DROP;
    if (step == VV_SEGMENT_STEP_END) {
        if (vv_segment_bytes_behind(content_of(find), cursor.at) > 0)
            return fail_damage(op, recovery, find, cursor.at,
                "there is something behind its end");
        return VARVE_OK;
    }
    VV_TRY(judge_tear(op, recovery, index, &cursor,
        step == VV_SEGMENT_STEP_BAD ? cursor.fault : "a record is missing"));
    recovery->torn_index = index;
    return VARVE_OK;
}

/* Numbers in a row are segments in a row, so no row between them may be missing. */
static varve_status check_follows(struct vv_op *op, const struct recovery *recovery,
    const struct find *before, const struct find *find)
{
    /* An append that found no memory may leave a segment with a declaration and no row. */
    if (before == NULL || before->number + 1 != find->number || before->counts.rows == 0 ||
        find->counts.rows == 0 ||
        find->counts.first_sequence == before->counts.last_sequence + 1)
        return VARVE_OK;
    return fail_damage(op, recovery, find, VV_SEGMENT_HEAD_BYTES,
        "its rows do not follow those of the segment before it");
}

static varve_status judge(struct vv_op *op, struct recovery *recovery)
{
    const struct find *before = NULL;
    VV_TRY(choose_generations(op, recovery));
    for (size_t i = 0; i < recovery->len; i++) {
        struct find *find = &recovery->finds[i];
        if (!is_chosen(find))
            continue;
        if (recovery->torn_index < i) {
            find->fate = FATE_DROP; /* counted with the tear */
            continue;
        }
        if (find->head.state == VV_SEGMENT_SEALED)
            VV_TRY(check_sealed(op, recovery, find));
        else
            VV_TRY(read_unsealed(op, recovery, i));
        if (find->fate == FATE_DROP)
            continue;
        if (find->number >= recovery->spool->header.next_number)
            return fail_damage(op, recovery, find, VV_SEGMENT_HEAD_BYTES,
                "the file \"spool\" is older and does not know it");
        VV_TRY(check_follows(op, recovery, before, find));
        before = find;
    }
    return VARVE_OK;
}

/* The records that stay, sealed, in a file of their own. */
static varve_status write_anew(struct vv_op *op, struct vv_spool *spool, struct find *find)
{
    size_t bytes = find->end + VV_SEGMENT_END_BYTES;
    struct vv_str name = vv_spool_segment_name(&op->arena, find->number, find->generation + 1);
    if (name.ptr == NULL)
        return vv_fail_memory(op);
    VV_CLEANUP(vv_journal_shut) struct vv_journal_file file = {0};
    VV_TRY(vv_journal_remove(op, spool->journal, name));
    VV_TRY(vv_journal_create(op, spool->journal, name, bytes, &file));
    memcpy(file.bytes + VV_SEGMENT_HEAD_BYTES, find->file.bytes + VV_SEGMENT_HEAD_BYTES,
        find->end - VV_SEGMENT_HEAD_BYTES);
    vv_segment_write_end(file.bytes, find->end, vv_segment_seed(find->head.key, find->number),
        &find->counts);
    vv_crash_point("spool.recover_copied");
    VV_TRY(vv_journal_sync(op, &file));
    VV_TRY(vv_journal_sync_folder(op, spool->journal));
    /* The slot makes it the one that counts, so nothing of it may be lost any more. */
    find->head.generation++;
    find->head.turn++;
    find->head.state = VV_SEGMENT_OPEN;
    find->head.durable_bytes = bytes;
    find->head.capacity = bytes;
    vv_segment_head_write(&find->head, file.bytes);
    vv_crash_point("spool.recover_slotted");
    VV_TRY(vv_journal_sync(op, &file));
    /* "Sealed" may be said of what is durable alone, the slot above included. */
    find->head.turn++;
    find->head.state = VV_SEGMENT_SEALED;
    vv_segment_head_write(&find->head, file.bytes);
    vv_crash_point("spool.recover_sealed");
    VV_TRY(vv_journal_remove(op, spool->journal, find->name));
    find->generation++;
    find->name = name;
    find->end = bytes;
    return VARVE_OK;
}

static varve_status add_segment(struct vv_op *op, struct vv_spool *spool,
    const struct find *find)
{
    struct vv_spool_segment *segment = vv_malloc_zeroed(sizeof(*segment));
    if (segment == NULL)
        return vv_fail_memory(op);
    segment->number = find->number;
    segment->generation = find->generation;
    segment->oldest_generation = find->generation;
    segment->stage = VV_STAGE_SEALED;
    segment->capacity = find->end;
    segment->used_bytes = find->end;
    segment->durable_bytes = find->end;
    segment->counts = find->counts;
    if (spool->last != NULL)
        spool->last->next = segment;
    else
        spool->first = segment;
    spool->last = segment;
    spool->bytes += (int64_t)find->end;
    return VARVE_OK;
}

/* The later first, each for good before the next: no row may be found without those before it. */
static varve_status remove_all(struct vv_op *op, struct recovery *recovery, enum fate fate)
{
    struct vv_journal *journal = recovery->spool->journal;
    for (size_t i = recovery->len; i-- > 0;) {
        if (recovery->finds[i].fate != fate)
            continue;
        VV_TRY(vv_journal_remove(op, journal, recovery->finds[i].name));
        VV_TRY(vv_journal_sync_folder(op, journal));
        vv_crash_point("spool.recover_dropped");
    }
    return VARVE_OK;
}

/*
 * What goes goes first: while a cut segment is still as the crash left it, the next recovery cuts
 * it and drops what followed it again. Of the files of one number the one that counts goes last,
 * lest another be taken for it; and one that was replaced stays until what is copied from memory
 * is durable, since the disk may have nothing else.
 */
static varve_status carry_out(struct vv_op *op, struct recovery *recovery)
{
    for (size_t i = recovery->len; i-- > 1;) {
        struct find *older = &recovery->finds[i - 1];
        const struct find *find = &recovery->finds[i];
        bool goes = find->fate == FATE_DROP || find->fate == FATE_DROP_FIRST;
        if (older->number == find->number && older->fate == FATE_REPLACED && goes)
            older->fate = FATE_DROP_FIRST;
    }
    VV_TRY(remove_all(op, recovery, FATE_DROP_FIRST));
    VV_TRY(remove_all(op, recovery, FATE_DROP));
    for (size_t i = 0; i < recovery->len; i++) {
        struct find *find = &recovery->finds[i];
        if (find->fate == FATE_COPY)
            VV_TRY(write_anew(op, recovery->spool, find));
        if (find->fate != FATE_COPY && find->fate != FATE_KEEP)
            continue;
        VV_TRY(add_segment(op, recovery->spool, find));
        recovery->result.rows += (int64_t)find->counts.rows;
    }
    return remove_all(op, recovery, FATE_REPLACED);
}

varve_status vv_spool_recover(struct vv_op *op, struct vv_spool *spool,
    struct vv_spool_recovery *out_recovery)
{
    VV_CLEANUP(recovery_done)
    struct recovery recovery = {.spool = spool, .torn_index = SIZE_MAX};
    VV_TRY(list_files(op, &recovery));
    VV_TRY(judge(op, &recovery));
    VV_TRY(carry_out(op, &recovery));
    spool->next_sequence = spool->header.next_sequence;
    spool->newest_arrival_us = spool->header.newest_arrival_us;
    for (const struct vv_spool_segment *segment = spool->first; segment != NULL;
         segment = segment->next) {
        if (segment->counts.last_sequence >= spool->next_sequence)
            spool->next_sequence = segment->counts.last_sequence + 1;
        if (segment->counts.last_arrival_us > spool->newest_arrival_us)
            spool->newest_arrival_us = segment->counts.last_arrival_us;
    }
    if (recovery.result.rows_cut > 0)
        vv_log(op, VV_LOG_WARN, "spool.tail_cut",
            "%s: a power cut tore the log; %" PRId64
            " rows behind the tear, accepted but never synced, are cut (%" PRId64 " bytes)",
            spool->journal->location.ptr, recovery.result.rows_cut, recovery.result.bytes_cut);
    *out_recovery = recovery.result;
    return VARVE_OK;
}
