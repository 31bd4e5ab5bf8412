#include "delta/checkpoint_mark.h"

#include "base/hash.h"

#define DIGITS 32
/* The entry as it lies in the footer (Thrift's compact form): two texts, each behind its length. */
#define ENTRY "\x18\x0a" VV_CHECKPOINT_MARK "\x18\x20"
#define ENTRY_LEN (sizeof(ENTRY) - 1)
/* Entries come after all that is long in a footer. How long that is, damage may have altered. */
#define TAIL_BYTES 4096

_Static_assert(sizeof(VV_CHECKPOINT_MARK) - 1 == 0x0a,
    "the length in ENTRY is that of the key");
_Static_assert(sizeof(VV_CHECKPOINT_UNMARKED) - 1 == DIGITS, "a mark has DIGITS");

/* Where the digits of the mark are; `bytes.len` where there is none. */
static size_t find_digits(struct vv_str bytes)
{
    size_t begin = bytes.len > TAIL_BYTES ? bytes.len - TAIL_BYTES : 0;
    size_t digits = bytes.len;
    for (size_t at = begin; at + ENTRY_LEN + DIGITS <= bytes.len; at++)
        if (memcmp(bytes.ptr + at, ENTRY, ENTRY_LEN) == 0)
            digits = at + ENTRY_LEN;
    return digits;
}

static void write_mark(struct vv_str bytes, size_t digits, char out[DIGITS + 1])
{
    (void)snprintf(out, DIGITS + 1, "%016" PRIx64 "%016" PRIx64,
        vv_xxh3(vv_str_first(bytes, digits)), vv_xxh3(vv_str_skip(bytes, digits + DIGITS)));
}

void vv_checkpoint_mark(char *bytes, size_t len)
{
    char mark[DIGITS + 1];
    const struct vv_str whole = {bytes, len};
    size_t digits = find_digits(whole);
    if (digits == len)
        return;
    write_mark(whole, digits, mark);
    memcpy(bytes + digits, mark, DIGITS);
}

varve_status vv_checkpoint_mark_check(struct vv_op *op, struct vv_str bytes)
{
    char mark[DIGITS + 1];
    size_t digits = find_digits(bytes);
    if (digits == bytes.len)
        return VARVE_OK;
    write_mark(bytes, digits, mark);
    if (memcmp(bytes.ptr + digits, mark, DIGITS) == 0)
        return VARVE_OK;
    return vv_fail(op, VARVE_ECORRUPT,
        "its bytes are not those that were written: storage damaged it, or somebody altered "
        "it");
}
