/* The simulated days on their way into the demo lake. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/demo.h"

#define DATE_LEN 10

const char *const vv_demo_names[VV_DEMO_TABLES] = {
    "market_regimes", "performance_metrics", "signals"};

static const char *const file_names[VV_DEMO_TABLES] = {
    "market_regimes.ndjson", "performance_metrics.ndjson", "signals.ndjson"};

struct batch {
    struct vv_text lines[VV_DEMO_TABLES];
    char day[DATE_LEN + 1];
};

struct vv_text vv_demo_path(const struct vv_demo *demo, const char *name)
{
    struct vv_text path = {0};
    vv_text_addf(&path, "%s/%s", demo->files.ptr, name);
    (void)vv_text_chars(&path);
    return path;
}

varve_status vv_demo_write(struct vv_demo *demo, const char *name, const char *content)
{
    struct vv_text path VV_CLEANUP(vv_text_done) = vv_demo_path(demo, name);
    FILE *file = fopen(path.ptr, "we");
    bool done = file && fputs(content, file) >= 0;
    if (file && fclose(file) != 0)
        done = false;
    if (!done)
        return vv_error_set(&demo->cli->error, VARVE_EIO, "cannot write %s: %s", path.ptr,
            vv_errno_text(errno));
    return VARVE_OK;
}

static bool ends_with(const char *text, const char *suffix)
{
    size_t len = strlen(text), suffix_len = strlen(suffix);
    return len >= suffix_len && strcmp(text + len - suffix_len, suffix) == 0;
}

varve_status vv_demo_upsert_with(struct vv_demo *demo, enum vv_demo_table table,
    const char *name, const varve_upsert_options *options, varve_upsert_result *out)
{
    struct vv_text path VV_CLEANUP(vv_text_done) = vv_demo_path(demo, name);
    varve_input input = {.fd = -1, .path = path.ptr};
    input.format = ends_with(name, ".csv") ? VARVE_FORMAT_CSV : VARVE_FORMAT_NDJSON;
    return varve_table_upsert(demo->tables[table], &input, 1, options, out, &demo->cli->error);
}

varve_status vv_demo_upsert(struct vv_demo *demo, enum vv_demo_table table, const char *name,
    const char *message, varve_upsert_result *out)
{
    varve_upsert_options options = VARVE_UPSERT_OPTIONS_INIT;
    options.message = message;
    return vv_demo_upsert_with(demo, table, name, &options, out);
}

static void add_result(varve_upsert_result *total, const varve_upsert_result *result)
{
    total->rows_in += result->rows_in;
    total->inserted += result->inserted;
    total->updated += result->updated;
    total->unchanged += result->unchanged;
    total->stale += result->stale;
    total->duplicates_in_batch += result->duplicates_in_batch;
    total->version = result->version;
}

/* One batch a table: what was delivered on one day. */
static varve_status flush(struct vv_demo *demo, struct batch *batch)
{
    for (size_t i = 0; i < VV_DEMO_TABLES; i++) {
        varve_upsert_result result = {0};
        if (vv_interrupt_signal() != 0)
            return vv_interrupt_fail(&demo->cli->error);
        VV_TRY(vv_demo_write(demo, file_names[i], vv_text_chars(&batch->lines[i])));
        VV_TRY(vv_demo_upsert(demo, (enum vv_demo_table)i, file_names[i], batch->day, &result));
        add_result(&demo->totals[i], &result);
        demo->commits += result.rows_written > 0 ? 1 : 0;
        vv_text_clear(&batch->lines[i]);
    }
    return VARVE_OK;
}

static size_t table_of(const char *line)
{
    for (size_t i = 0; i < VV_DEMO_TABLES; i++) {
        const char *name = strstr(line, vv_demo_names[i]);
        if (name && name - line < 16)
            return i;
    }
    return VV_DEMO_SIGNALS;
}

/* The row that the steps after this correct: the first one of SPY on the last day. */
static void keep_line(struct vv_demo *demo, const char *line, const char *day)
{
    bool is_of_spy = strstr(line, "\"symbol\":\"SPY\"") != NULL;
    bool is_new_day = memcmp(demo->last_day, day, DATE_LEN) != 0;
    if (!is_of_spy || !is_new_day)
        return;
    vv_text_clear(&demo->line);
    vv_text_adds(&demo->line, line);
    memcpy(demo->last_day, day, DATE_LEN);
    if (demo->first_day[0] == '\0')
        memcpy(demo->first_day, day, DATE_LEN);
}

static varve_status take_line(struct vv_demo *demo, struct batch *batch, const char *line)
{
    static const char mark[] = "\"ingested_at\":\"";
    const char *day = strstr(line, mark);
    if (day == NULL)
        return vv_error_set(&demo->cli->error, VARVE_EFAILED,
            "a row of the feed has no time: %.200s", line);
    day += sizeof(mark) - 1;
    if (batch->day[0] != '\0' && memcmp(batch->day, day, DATE_LEN) != 0)
        VV_TRY(flush(demo, batch));
    memcpy(batch->day, day, DATE_LEN);
    struct vv_text *lines = &batch->lines[table_of(line)];
    vv_text_adds(lines, line);
    vv_text_addc(lines, '\n');
    keep_line(demo, line, day);
    return VARVE_OK;
}

static varve_status take_lines(struct vv_demo *demo, varve_feed *feed, struct batch *batch)
{
    const char *line = NULL;
    for (;;) {
        VV_TRY(varve_feed_next(feed, &line, &demo->cli->error));
        if (line == NULL)
            return flush(demo, batch);
        VV_TRY(take_line(demo, batch, line));
    }
}

varve_status vv_demo_load(struct vv_demo *demo)
{
    struct batch batch = {0};
    varve_feed *feed = NULL;
    varve_feed_options options = VARVE_FEED_OPTIONS_INIT;
    options.days = VV_DEMO_DAYS;
    options.seed = VV_DEMO_SEED;
    if (mkdir(demo->files.ptr, 0777) != 0 && errno != EEXIST)
        return vv_error_set(&demo->cli->error, VARVE_EIO, "cannot make %s: %s", demo->files.ptr,
            vv_errno_text(errno));
    VV_TRY(varve_feed_open(&options, &feed, &demo->cli->error));
    varve_status status = take_lines(demo, feed, &batch);
    varve_feed_close(feed);
    for (size_t i = 0; i < VV_DEMO_TABLES; i++)
        vv_text_done(&batch.lines[i]);
    return status;
}
