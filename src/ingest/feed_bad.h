/* Lines that no table takes, made out of good ones. */
#ifndef VV_INGEST_FEED_BAD_H
#define VV_INGEST_FEED_BAD_H

#include "base/buf.h"
#include "ingest/market.h"

/*
 * What is wrong: no JSON, no object, no table, an unknown table, no key, a time that is none,
 * an unknown column, text that is not UTF-8, or a value that breaks a rule of the table.
 */
void vv_feed_bad_line(struct vv_random *random, const struct vv_feed_row *row,
    struct vv_buf *out);

#endif
