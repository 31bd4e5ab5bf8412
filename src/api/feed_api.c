#include "api/api.h"
#include "base/seam.h"
#include "ingest/feed.h"

struct varve_feed {
    struct vv_feed *feed;
};

static varve_status open_feed(struct vv_op *op, const varve_feed_options *given,
    struct vv_feed **out)
{
    varve_feed_options options = VARVE_FEED_OPTIONS_INIT;
    VV_TRY(vv_api_options(op, given, &options, sizeof(options)));
    struct vv_feed_options inner = {.days = options.days,
        .start = vv_api_text(options.start),
        .symbols = vv_api_text(options.symbols),
        .strategies = options.strategies,
        .seed = options.seed,
        .late_share = options.late_share,
        .repeat_share = options.repeat_share,
        .correction_share = options.correction_share,
        .bad_share = options.bad_share,
        .rate = options.rate,
        .burst = options.burst,
        .live = options.live != 0,
        .table = vv_api_text(options.table)};
    return vv_feed_open(op, &inner, out);
}

varve_status varve_feed_open(const varve_feed_options *options, varve_feed **out,
    varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    varve_feed *feed = vv_malloc(sizeof(*feed));
    varve_status status =
        feed == NULL ? vv_fail_memory(&op) : open_feed(&op, options, &feed->feed);
    if (status == VARVE_OK)
        *out = feed;
    else
        vv_free(feed);
    return vv_op_report(&op, status, err);
}

varve_status varve_feed_next(varve_feed *feed, const char **out_line, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_str line;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    varve_status status = vv_feed_next(&op, feed->feed, &line);
    if (status == VARVE_OK)
        *out_line = line.ptr;
    return vv_op_report(&op, status, err);
}

int64_t varve_feed_due_us(const varve_feed *feed)
{
    return vv_feed_due_us(feed->feed);
}

void varve_feed_close(varve_feed *feed)
{
    if (feed == NULL)
        return;
    vv_feed_close(&feed->feed);
    vv_free(feed);
}
