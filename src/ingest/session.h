/*
 * When the New York market is open, in UTC. Days are days since 1970; holidays are not known.
 */
#ifndef VV_INGEST_SESSION_H
#define VV_INGEST_SESSION_H

#include "base/common.h"

#define VV_SESSION_MINUTES 390 /* 9:30 to 16:00 in New York */

bool vv_session_is_day(int32_t day); /* Monday to Friday */
/* 14:30 UTC, and 13:30 while New York has summer time (rule since 2007). */
int64_t vv_session_open_us(int32_t day);

#endif
