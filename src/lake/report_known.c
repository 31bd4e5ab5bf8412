#include "lake/report_known.h"

#include "base/time.h"
#include "delta/ledger.h"
#include "delta/log.h"

struct search {
    const struct vv_report_source *source;
    const struct vv_history_entry *entries; /* newest first */
    size_t entries_len;
    int64_t *known_us;
    bool *found;
    size_t missing;
};

static bool same_file(const struct vv_file *a, const struct vv_file *b)
{
    return a->hash == b->hash && vv_str_eq(a->key, b->key) && vv_str_eq(a->dv_id, b->dv_id);
}

static void put(struct search *search, size_t file, int64_t time_ms)
{
    search->known_us[file] = time_ms * VV_US_PER_MS;
    search->found[file] = true;
    search->missing--;
}

/* Files whose version the snapshot knows, since it has read their commits. */
static void take_known(struct search *search)
{
    for (size_t i = 0; i < search->source->files_len; i++) {
        int64_t version = search->source->files[i]->added_version;
        int64_t entry = search->entries[0].version - version;
        if (version != VV_NO_VERSION && entry >= 0 && (uint64_t)entry < search->entries_len)
            put(search, i, search->entries[entry].timestamp_ms);
    }
}

/* A file from a checkpoint: the newest commit that adds it is the one that counts. */
static varve_status take_added(struct vv_op *op, struct search *search,
    struct vv_ledger_reader *ledger, const struct vv_history_entry *entry)
{
    struct vv_actions actions;
    VV_TRY(vv_log_read_listed_actions(op, &search->source->table->log, ledger, &entry->commit,
        &op->arena, &actions, NULL));
    for (size_t i = 0; i < search->source->files_len; i++)
        for (size_t a = 0; !search->found[i] && a < actions.adds.len; a++)
            if (same_file(search->source->files[i], &actions.adds.items[a]))
                put(search, i, entry->timestamp_ms);
    return VARVE_OK;
}

/*
 * The newest commits, as far as none is missing. What older ones say of a file does not hold: one
 * that is missing may have removed it, and another added it again.
 */
static size_t count_without_hole(const struct vv_history_entry *entries, size_t len)
{
    size_t count = 1;
    while (count < len && entries[count].version == entries[count - 1].version - 1)
        count++;
    return count;
}

varve_status vv_report_commit_times(struct vv_op *op, const struct vv_report_source *source,
    int64_t **out_us, int64_t *out_undated)
{
    VV_CLEANUP(vv_ledger_reader_done)
    struct vv_ledger_reader ledger = {.arena = VV_ARENA_INIT(op->arena.bytes_max)};
    struct search search = {.source = source, .missing = source->files_len};
    struct vv_history_entry *entries = NULL;
    VV_TRY(vv_log_history_there(op, &source->table->log, source->snapshot->version, 0,
        &op->arena, &entries, &search.entries_len));
    search.entries = entries;
    search.entries_len = count_without_hole(entries, search.entries_len);
    VV_NEW(op, &search.known_us, int64_t, source->files_len + 1);
    VV_NEW(op, &search.found, bool, source->files_len + 1);
    take_known(&search);
    for (size_t e = 0; search.missing > 0 && e < search.entries_len; e++)
        if (entries[e].version <= source->snapshot->checkpoint_version)
            VV_TRY(take_added(op, &search, &ledger, &entries[e]));
    int64_t first_ms = entries[search.entries_len - 1].timestamp_ms;
    for (size_t i = 0; i < source->files_len; i++)
        if (!search.found[i])
            search.known_us[i] = first_ms * VV_US_PER_MS;
    *out_undated = (int64_t)search.missing;
    *out_us = search.known_us;
    return VARVE_OK;
}
