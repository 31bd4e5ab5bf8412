#include "base/uuid.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/seam.h"

/* 0 or the errno. */
static int random_fill(void *memory, size_t bytes)
{
    if (vv_fault_point("uuid.random"))
        return EIO;
    unsigned char *at = memory;
    while (bytes > 0) {
        ssize_t got = getrandom(at, bytes, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errno;
        at += got;
        bytes -= (size_t)got;
    }
    return 0;
}

varve_status vv_random_bytes(struct vv_op *op, void *out, size_t bytes)
{
    int os_errno = random_fill(out, bytes);
    if (os_errno != 0) {
        (void)vv_fail_errno(op, os_errno, "the system has no randomness for an identifier");
        return vv_recode(op, VARVE_EIO);
    }
    return VARVE_OK;
}

varve_status vv_uuid(struct vv_op *op, char out[VV_UUID_BYTES])
{
    unsigned char random[16];
    VV_TRY(vv_random_bytes(op, random, sizeof(random)));
    random[6] = (unsigned char)((random[6] & 0x0F) | 0x40); /* version 4 */
    random[8] = (unsigned char)((random[8] & 0x3F) | 0x80); /* variant of RFC 9562 */

    static const char digits[] = "0123456789abcdef";
    size_t at = 0;
    for (size_t i = 0; i < sizeof(random); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            out[at++] = '-';
        out[at++] = digits[random[i] >> 4];
        out[at++] = digits[random[i] & 15];
    }
    out[at] = '\0';
    return VARVE_OK;
}

static uint64_t mix(uint64_t value)
{
    value = (value ^ (value >> 33)) * UINT64_C(0xFF51AFD7ED558CCD);
    value = (value ^ (value >> 33)) * UINT64_C(0xC4CEB9FE1A85EC53);
    return value ^ (value >> 33);
}

uint64_t vv_random64(void)
{
    uint64_t value = 0;
    if (random_fill(&value, sizeof(value)) == 0)
        return value;
    /* Good enough to part the retries of rivals: differs by process, call and nanosecond. */
    static atomic_uint_fast64_t calls;
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t call = atomic_fetch_add(&calls, 1);
    return mix(mix((uint64_t)now.tv_nsec ^ ((uint64_t)now.tv_sec << 30)) ^
               mix(((uint64_t)getpid() << 32) + call));
}
