/* What a service manager wants to know: the protocol of sd_notify(3), without its library. */
#ifndef VV_CLI_NOTIFY_H
#define VV_CLI_NOTIFY_H

#include "cli/common.h"

/* "READY=1", "STOPPING=1", "STATUS=...". Nothing happens where nobody asked for it. */
void vv_notify(const char *state);
/* How often it wants "WATCHDOG=1", twice as often as it must come; 0: never. */
int64_t vv_notify_watchdog_ms(void);

#endif
