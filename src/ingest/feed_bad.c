#include "ingest/feed_bad.h"

#include "ingest/feed_line.h"

enum fault {
    FAULT_CUT,
    FAULT_NO_OBJECT,
    FAULT_NO_TABLE,
    FAULT_OTHER_TABLE,
    FAULT_NO_KEY,
    FAULT_NO_TIME,
    FAULT_COLUMN,
    FAULT_UTF8,
    FAULT_RULE,
    FAULTS
};

/* Every table has a rule that one of these breaks; none of them is part of a key. */
static void break_rule(struct vv_feed_row *row)
{
    switch (row->table) {
    case VV_FEED_REGIMES:
        row->as.regimes.confidence_thousandths = 1500;
        return;
    case VV_FEED_METRICS:
        row->as.metrics.regime_current = "sideways";
        return;
    case VV_FEED_SIGNALS:
        row->as.signals.value_thousandths = 7000;
        return;
    }
}

/* The good line with `with` in the place of what stands between `from` and `to`. */
static void replace(struct vv_str line, const char *from, const char *to, const char *with,
    struct vv_buf *out)
{
    const char *begin = strstr(line.ptr, from);
    const char *end = begin ? strstr(begin + strlen(from), to) : NULL;
    if (end == NULL) {
        vv_buf_adds(out, with);
        return;
    }
    vv_buf_add(out, vv_str_first(line, (size_t)(begin - line.ptr)));
    vv_buf_adds(out, with);
    vv_buf_adds(out, end);
}

void vv_feed_bad_line(struct vv_random *random, const struct vv_feed_row *row,
    struct vv_buf *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf good = VV_BUF_INIT(VV_BUF_MAX);
    enum fault fault = (enum fault)vv_random_between(random, 0, FAULTS - 1);
    struct vv_feed_row broken = *row;
    if (fault == FAULT_RULE)
        break_rule(&broken);
    vv_feed_line(&broken, &good);
    if (!vv_buf_ok(&good)) {
        out->failed = true;
        return;
    }
    struct vv_str line = vv_buf_str(&good);
    switch (fault) {
    case FAULT_CUT:
        vv_buf_add(out, vv_str_first(line, line.len / 2));
        return;
    case FAULT_NO_OBJECT:
        vv_buf_adds(out, "[\"signals\",0.97]");
        return;
    case FAULT_NO_TABLE:
        replace(line, "\"table\"", "\"timestamp\"", "", out);
        return;
    case FAULT_OTHER_TABLE:
        replace(line, "\"table\"", ",\"timestamp\"", "\"table\":\"prices\"", out);
        return;
    case FAULT_NO_KEY:
        replace(line, "\"timestamp\"", ",", "\"timestamp\":null", out);
        return;
    case FAULT_NO_TIME:
        replace(line, "\"timestamp\"", ",", "\"timestamp\":\"yesterday\"", out);
        return;
    case FAULT_COLUMN:
        replace(line, ",\"timestamp\"", ":", ",\"colour\":\"green\",\"timestamp\"", out);
        return;
    case FAULT_UTF8:
        replace(line, ",\"ingested_at\"", ":", ",\"source\":\"\xff\xfe\",\"ingested_at\"", out);
        return;
    case FAULT_RULE:
    case FAULTS:
        vv_buf_add(out, line);
        return;
    }
}
