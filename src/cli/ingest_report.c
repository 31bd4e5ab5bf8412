/*
 * What a run says of itself on stderr. Nothing here floods: of each kind of message an interval
 * has a few, and then their number.
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/ingest.h"

#define SAID_MAX 10 /* messages of a kind in an interval */
#define TROUBLE_EVERY_MS 60000
#define HELD_MS 5000 /* longer than a sender takes for the rest of a record */

static bool may_say(struct vv_limiter *limiter)
{
    if (limiter->said < SAID_MAX) {
        limiter->said++;
        return true;
    }
    limiter->more++;
    return false;
}

/* Texts of others must not steer the terminal. */
static void tell(const struct vv_text *line)
{
    struct vv_text shown VV_CLEANUP(vv_text_done) = {0};
    vv_text_add_shown(&shown, line->ptr, line->len);
    vv_text_addc(&shown, '\n');
    (void)fwrite(shown.ptr, 1, shown.len, stderr);
}

static void say(const struct vv_ingest *ingest, const struct vv_text *line)
{
    if (!ingest->cli->globals.quiet)
        tell(line);
}

/* Often nobody keeps the line: an error, which --quiet does not hold back. */
void vv_report_refusal(struct vv_ingest *ingest, const char *name, const char *unit,
    uint64_t at, bool is_kept, const char *reason)
{
    struct vv_text line VV_CLEANUP(vv_text_done) = {0};
    if (!may_say(&ingest->refusals_said))
        return;
    vv_text_addf(&line, "varve: %s, %s %" PRIu64 ": %s: %s", name, unit, at,
        is_kept ? "in quarantine" : "refused", reason);
    tell(&line);
}

void vv_report_quarantined(struct vv_ingest *ingest, const struct vv_refusal *refusal)
{
    struct vv_text line VV_CLEANUP(vv_text_done) = {0};
    if (ingest->cli->globals.quiet || !may_say(&ingest->refusals_said))
        return;
    vv_text_addf(&line, "varve: %s: a row is in quarantine: %s", refusal->table,
        refusal->reason);
    tell(&line);
}

void vv_report_full(struct vv_ingest *ingest, const varve_error *error)
{
    if (ingest->is_full_said)
        return;
    ingest->is_full_said = true;
    ingest->counts.full++;
    if (may_say(&ingest->full_said))
        vv_say(ingest->cli, "varve: warning: no row is taken for now, inputs wait: %s",
            error->message);
}

void vv_report_room(struct vv_ingest *ingest)
{
    ingest->is_full_said = false;
    if (ingest->full_said.more == 0)
        vv_say(ingest->cli, "varve: rows are taken again");
}

void vv_report_clients(struct vv_ingest *ingest, const char *why)
{
    if (may_say(&ingest->clients_said))
        vv_say(ingest->cli, "varve: warning: %zu clients, others wait until some have gone: %s",
            ingest->clients_len, why);
}

/* ---- Lines behind an open quote --------------------------------------------------------------- */

static uint64_t lines_held(const struct vv_ingest *ingest)
{
    uint64_t lines = 0;
    for (const struct vv_stream *stream = ingest->streams; stream; stream = stream->next)
        lines += vv_lines_held(&stream->lines);
    return lines;
}

static void say_held(struct vv_ingest *ingest, struct vv_stream *stream, const char *what)
{
    struct vv_text line VV_CLEANUP(vv_text_done) = {0};
    uint64_t lines = vv_lines_held(&stream->lines);
    bool is_file = stream->kind == VV_STREAM_FILE;
    if (!may_say(&ingest->held_said))
        return;
    vv_text_addf(&line,
        "varve: warning: %s, %s %" PRIu64 ": a quote is open, and %" PRIu64 " line%s %s",
        vv_text_chars(&stream->name), is_file ? "byte" : "line",
        is_file ? stream->lines.offset : stream->lines.number + 1, lines,
        vv_text_plural((int64_t)lines), what);
    tell(&line);
}

void vv_report_held(struct vv_ingest *ingest, int64_t now_ms)
{
    for (struct vv_stream *stream = ingest->streams; stream; stream = stream->next) {
        bool is_held = vv_lines_held(&stream->lines) > 0 && !ingest->cli->globals.quiet;
        if (!is_held || stream->held_since_ms == 0 ||
            stream->held_offset != stream->lines.offset) {
            stream->held_since_ms = is_held ? now_ms : 0;
            stream->held_offset = stream->lines.offset;
        } else if (now_ms - stream->held_since_ms >= HELD_MS) {
            stream->held_since_ms = INT64_MAX;
            say_held(ingest, stream,
                "from there on wait: they are taken when it is closed, or known to be a stray "
                "one");
        }
    }
}

void vv_report_left(struct vv_ingest *ingest)
{
    for (struct vv_stream *stream = ingest->streams; stream; stream = stream->next)
        if (vv_lines_held(&stream->lines) > 0 &&
            (stream->kind != VV_STREAM_FILE || !ingest->cli->globals.quiet))
            say_held(ingest, stream,
                stream->kind == VV_STREAM_FILE
                    ? "from there on are not taken: the next run reads the file from there"
                    : "from there on are not taken, nor acknowledged");
}

/* ---- Flushes that fail ------------------------------------------------------------------------ */

static void say_trouble(const struct vv_ingest *ingest, struct vv_trouble *trouble,
    int64_t now_ms)
{
    struct vv_text line VV_CLEANUP(vv_text_done) = {0};
    const char *what = *trouble->table != '\0' ? trouble->table : "the spool";
    if (trouble->is_over) {
        if (trouble->said_ms != 0)
            vv_text_addf(&line, "varve: %s: flushed again, after %" PRIu64 " failed attempt%s",
                what, trouble->retries, vv_text_plural((int64_t)trouble->retries));
        trouble->said_ms = 0;
    } else if (trouble->said_ms == 0 || now_ms - trouble->said_ms >= TROUBLE_EVERY_MS) {
        vv_text_addf(&line,
            "varve: warning: %s: cannot be flushed for %" PRId64 " s (%" PRIu64
            " attempt%s), its rows wait in the spool; next attempt in %.1f s: %s",
            what, (now_ms - trouble->since_ms) / 1000, trouble->retries,
            vv_text_plural((int64_t)trouble->retries), (double)trouble->retry_ms / 1000,
            trouble->error.message);
        trouble->said_ms = now_ms;
    }
    if (line.len > 0)
        say(ingest, &line);
}

void vv_report_troubles(struct vv_ingest *ingest, int64_t now_ms)
{
    struct vv_events *events = &ingest->events;
    (void)pthread_mutex_lock(&events->lock);
    for (size_t i = 0; i < events->troubles_len; i++)
        say_trouble(ingest, &events->troubles[i], now_ms);
    (void)pthread_mutex_unlock(&events->lock);
}

/* ---- Metrics ---------------------------------------------------------------------------------- */

static int64_t resident_bytes(void)
{
    char text[128] = "";
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return 0;
    char *second = fgets(text, sizeof(text), file) ? strchr(text, ' ') : NULL;
    (void)fclose(file);
    return second ? strtoll(second, NULL, 10) * sysconf(_SC_PAGESIZE) : 0;
}

static int64_t open_fds(void)
{
    int64_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder && readdir(folder) != NULL)
        count++;
    if (folder)
        (void)closedir(folder);
    return count > 3 ? count - 3 : 0; /* without ".", ".." and the folder itself */
}

static int64_t wall_us(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void add_counts(struct vv_text *text, const struct vv_ingest *ingest)
{
    const varve_writer_stats *stats = &ingest->stats;
    const struct vv_counts *counts = &ingest->counts;
    const struct figure {
        const char *name;
        int64_t value;
    } figures[] = {
        {"lines", (int64_t)counts->lines},
        {"rows_in", stats->rows_put},
        {"refused", (int64_t)counts->refused},
        {"accepted", (int64_t)stats->sequence_accepted},
        {"spooled", (int64_t)stats->sequence_durable},
        {"committed", (int64_t)stats->sequence_committed},
        {"inserted", stats->inserted},
        {"updated", stats->updated},
        {"unchanged", stats->unchanged},
        {"stale", stats->stale},
        {"duplicates_in_batch", stats->duplicates_in_batch},
        {"quarantined", stats->quarantined},
        {"warnings", stats->warnings},
        {"commits", stats->commits},
        {"retries", stats->retries},
        {"syncs", stats->syncs},
        {"rows_waiting", stats->rows_waiting},
        {"spool_bytes", stats->bytes_waiting},
        {"spool_segments", stats->segments_waiting},
        {"times_full", (int64_t)counts->full},
        {"clients", (int64_t)ingest->clients_len},
        {"clients_ever", (int64_t)counts->clients},
        {"half_lines", (int64_t)counts->cut},
        {"lines_held", (int64_t)lines_held(ingest)},
        {"answers_dropped", (int64_t)counts->answers_dropped},
    };
    for (size_t i = 0; i < VV_COUNT(figures); i++)
        vv_text_addf(text, ",\"%s\":%" PRId64, figures[i].name, figures[i].value);
}

static void add_upkeep(struct vv_text *text, struct vv_ingest *ingest)
{
    const struct vv_upkeep upkeep = vv_events_upkeep(&ingest->events);
    vv_text_addf(text,
        ",\"maintenance\":{\"runs\":%" PRId64 ",\"tasks\":%" PRId64 ",\"left\":%" PRId64
        ",\"failed\":%" PRId64 ",\"skipped\":%" PRId64 ",\"files_added\":%" PRId64
        ",\"files_removed\":%" PRId64 ",\"files_vacuumed\":%" PRId64 ",\"checkpoints\":%" PRId64
        "}",
        upkeep.runs, upkeep.tasks, upkeep.left, upkeep.failed, upkeep.skipped,
        upkeep.files_added, upkeep.files_removed, upkeep.files_vacuumed, upkeep.checkpoints);
}

/* Without its line end. */
static void add_metrics(struct vv_text *text, struct vv_ingest *ingest, const char *event)
{
    char *writer VV_CLEANUP(vv_chars_cleanup) = NULL;
    varve_error error;
    int64_t now_us = wall_us(), oldest_us = ingest->stats.oldest_waiting_us;
    double lag = oldest_us == VARVE_NO_TIME ? 0 : (double)(now_us - oldest_us) / 1e6;
    vv_text_addf(text, "{\"event\":\"%s\",\"time\":\"", event);
    vv_text_add_time(text, now_us, 6);
    vv_text_addf(text, "Z\",\"uptime_s\":%.1f",
        (double)(vv_now_ms() - ingest->started_ms) / 1e3);
    add_counts(text, ingest);
    vv_text_addf(text, ",\"lag_s\":%.3f,\"rss_bytes\":%" PRId64 ",\"fds\":%" PRId64,
        lag > 0 ? lag : 0, resident_bytes(), open_fds());
    if (ingest->options->maintains)
        add_upkeep(text, ingest);
    if (varve_writer_metrics(ingest->writer, &writer, &error) == VARVE_OK)
        vv_text_addf(text, ",\"writer\":%s", writer);
    vv_text_addc(text, '}');
}

static void say_more(struct vv_limiter *limiter, const char *what)
{
    if (limiter->more > 0)
        (void)fprintf(stderr, "varve: %" PRIu64 " %s\n", limiter->more, what);
    *limiter = (struct vv_limiter){0};
}

void vv_report_metrics(struct vv_ingest *ingest)
{
    struct vv_text line VV_CLEANUP(vv_text_done) = {0};
    say_more(&ingest->refusals_said, "further rows were refused or set aside");
    if (ingest->cli->globals.quiet)
        return;
    say_more(&ingest->clients_said, "further times clients had to wait");
    say_more(&ingest->full_said, "further times no row was taken");
    say_more(&ingest->held_said, "further times lines waited behind an open quote");
    add_metrics(&line, ingest, "metrics");
    vv_say(ingest->cli, "%s", vv_text_chars(&line));
}

varve_status vv_report_end(struct vv_ingest *ingest)
{
    const varve_writer_stats *stats = &ingest->stats;
    struct vv_text line VV_CLEANUP(vv_text_done) = {0};
    if (ingest->cli->globals.json) {
        add_metrics(&line, ingest, "end");
        vv_text_addc(&line, '\n');
        return vv_show_result(ingest->cli, line.ptr, line.len);
    }
    vv_say(ingest->cli,
        "varve: %" PRIu64 " line%s: %" PRId64 " inserted, %" PRId64 " updated, %" PRId64
        " unchanged, %" PRId64 " stale, %" PRId64 " replaced within a batch, %" PRId64
        " in quarantine, %" PRIu64 " refused; %" PRId64 " commit%s",
        ingest->counts.lines, vv_text_plural((int64_t)ingest->counts.lines), stats->inserted,
        stats->updated, stats->unchanged, stats->stale, stats->duplicates_in_batch,
        stats->quarantined, ingest->counts.refused, stats->commits,
        vv_text_plural(stats->commits));
    if (stats->warnings > 0)
        vv_say(ingest->cli,
            "varve: %" PRId64
            " row%s broke a warn-level rule (varve history TABLE counts those that were "
            "written, by rule)",
            stats->warnings, vv_text_plural(stats->warnings));
    return VARVE_OK;
}
