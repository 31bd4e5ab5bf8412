#include "base/json_write.h"
#include "base/time.h"
#include "ingest/writer_state.h"

static void add_counts(const struct vv_writer_counts *counts, struct vv_writer_counts *sum)
{
    sum->inserted += counts->inserted;
    sum->updated += counts->updated;
    sum->unchanged += counts->unchanged;
    sum->stale += counts->stale;
    sum->duplicates_in_batch += counts->duplicates_in_batch;
    sum->quarantined += counts->quarantined;
    sum->commits += counts->commits;
    sum->retries += counts->retries;
    sum->warnings += counts->warnings;
}

void vv_writer_stats(struct vv_writer *writer, struct vv_writer_stats *out)
{
    struct vv_spool_stats spool;
    *out = (struct vv_writer_stats){.oldest_waiting_us = INT64_MIN};
    /* In a child that was forked a lock may be held by a thread that is not there. */
    if (!vv_fork_mark_is_ours(&writer->fork_mark))
        return;
    struct vv_writer_stats stats = {.rows_put = atomic_load(&writer->rows_put)};
    /* In this order: what is listed in between is not called committed before it is. */
    pthread_mutex_lock(&writer->lock);
    uint64_t listed = writer->listed_number;
    pthread_mutex_unlock(&writer->lock);
    vv_spool_stats(writer->spool, &spool);
    stats.sequence_committed = vv_spool_sequence_until(writer->spool, listed);
    stats.sequence_accepted = spool.sequence_accepted;
    stats.sequence_durable = spool.sequence_durable;
    stats.rows_waiting = spool.rows;
    stats.bytes_waiting = spool.bytes;
    stats.segments_waiting = spool.segments;
    stats.syncs = spool.syncs;
    stats.oldest_waiting_us = spool.oldest_arrival_us;
    pthread_mutex_lock(&writer->lock);
    for (const struct vv_writer_table *table = writer->tables; table != NULL;
         table = table->next) {
        add_counts(&table->counts, &stats.counts);
        if (table->first != NULL && table->first->first_sequence <= stats.sequence_committed)
            stats.sequence_committed = table->first->first_sequence - 1;
    }
    pthread_mutex_unlock(&writer->lock);
    *out = stats;
}

static void add_time(struct vv_json_writer *json, const char *name, int64_t us)
{
    char text[32];
    struct vv_str value = VV_STR_NONE;
    if (us != INT64_MIN)
        value = (struct vv_str){text, vv_time_format_us(us, text)};
    vv_jw_key_string(json, name, value);
}

static void add_counts_json(struct vv_json_writer *json, const struct vv_writer_counts *counts)
{
    vv_jw_key_int(json, "inserted", counts->inserted);
    vv_jw_key_int(json, "updated", counts->updated);
    vv_jw_key_int(json, "unchanged", counts->unchanged);
    vv_jw_key_int(json, "stale", counts->stale);
    vv_jw_key_int(json, "duplicates_in_batch", counts->duplicates_in_batch);
    vv_jw_key_int(json, "quarantined", counts->quarantined);
    vv_jw_key_int(json, "warnings", counts->warnings);
    vv_jw_key_int(json, "commits", counts->commits);
    vv_jw_key_int(json, "retries", counts->retries);
}

/* Under lock. */
static void add_table(struct vv_json_writer *json, struct vv_writer_table *table)
{
    vv_jw_object(json);
    vv_jw_key_string(json, "table", table->name);
    vv_jw_key_int(json, "rows_put", atomic_load(&table->rows_put));
    vv_jw_key_int(json, "rows_sealed", table->rows_waiting);
    vv_jw_key_int(json, "sequence_committed", (int64_t)table->sequence_committed);
    vv_jw_key(json, "version");
    if (table->version < 0)
        vv_jw_null(json);
    else
        vv_jw_int(json, table->version);
    add_counts_json(json, &table->counts);
    vv_jw_key(json, "warned");
    vv_jw_object(json);
    for (const struct vv_writer_warning *at = table->warnings; at != NULL; at = at->next) {
        vv_jw_key_str(json, (struct vv_str){at->name, at->name_len});
        vv_jw_int(json, at->rows);
    }
    vv_jw_end(json);
    vv_jw_key(json, "failure");
    if (table->failure.code == VARVE_OK)
        vv_jw_null(json);
    else
        vv_jw_string(json, vv_str_of(table->failure.message));
    vv_jw_end(json);
}

varve_status vv_writer_metrics(struct vv_op *op, struct vv_writer *writer, struct vv_buf *out)
{
    struct vv_json_writer json = VV_JSON_WRITER_INIT(out);
    struct vv_writer_stats stats;
    VV_TRY(vv_writer_check(op, writer));
    vv_writer_stats(writer, &stats);
    vv_jw_object(&json);
    add_time(&json, "time", vv_now_us(op));
    vv_jw_key_string(&json, "spool", writer->options.spool);
    vv_jw_key_int(&json, "sequence_accepted", (int64_t)stats.sequence_accepted);
    vv_jw_key_int(&json, "sequence_durable", (int64_t)stats.sequence_durable);
    vv_jw_key_int(&json, "sequence_committed", (int64_t)stats.sequence_committed);
    vv_jw_key_int(&json, "rows_put", stats.rows_put);
    vv_jw_key_int(&json, "rows_waiting", stats.rows_waiting);
    vv_jw_key_int(&json, "bytes_waiting", stats.bytes_waiting);
    vv_jw_key_int(&json, "segments_waiting", stats.segments_waiting);
    add_time(&json, "oldest_waiting", stats.oldest_waiting_us);
    vv_jw_key_int(&json, "syncs", stats.syncs);
    add_counts_json(&json, &stats.counts);
    vv_jw_key(&json, "tables");
    vv_jw_array(&json);
    pthread_mutex_lock(&writer->lock);
    for (struct vv_writer_table *table = writer->tables; table != NULL; table = table->next)
        add_table(&json, table);
    pthread_mutex_unlock(&writer->lock);
    vv_jw_end(&json);
    vv_jw_end(&json);
    return vv_buf_ok(out) ? VARVE_OK : vv_fail_memory(op);
}
