/* A row of the feed as a line of NDJSON: "table" first, columns in the table's order. */
#ifndef VV_INGEST_FEED_LINE_H
#define VV_INGEST_FEED_LINE_H

#include "base/buf.h"
#include "ingest/market.h"

void vv_feed_line(const struct vv_feed_row *row, struct vv_buf *out);

#endif
