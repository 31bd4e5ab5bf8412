/*
 * How far a followed file was read, as somebody may have left it. Whatever the file says, it is no
 * trail, or each sequence has a place in it. The checksums of its records are made right first where
 * the first byte of the input is even.
 */
#include "fuzz.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/trail.h"

#define HEADER "varve-follow 1\n"

static void add_records(struct vv_str text, struct vv_buf *out)
{
    struct vv_str line;
    vv_buf_adds(out, HEADER);
    while (vv_str_split(&text, '\n', &line)) {
        vv_buf_add(out, line);
        vv_buf_addf(out, " ~%08" PRIx32 "\n", (uint32_t)vv_hash_bytes(line.ptr, line.len));
    }
}

static void ask(const struct vv_trail *trail, uint64_t sequence)
{
    struct vv_chunk chunk;
    uint64_t rows = 0;
    if (!vv_trail_place(trail, sequence, &chunk, &rows))
        return;
    VV_PRE(rows == UINT64_MAX || rows <= sequence);
    VV_PRE(rows != UINT64_MAX || (chunk.is_done && chunk.after <= sequence));
    for (size_t i = 0; i < chunk.refused_len; i++)
        (void)chunk.refused[i];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf file = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_trail *trail = NULL;
    varve_error err;
    char path[64];
    if (size == 0)
        return 0;
    struct vv_str text = {(const char *)data + 1, size - 1};
    if (data[0] % 2 == 0)
        add_records(text, &file);
    else
        vv_buf_add(&file, text);
    int fd = memfd_create("trail", MFD_CLOEXEC);
    struct vv_str bytes = vv_buf_str(&file);
    VV_PRE(fd >= 0 && write(fd, bytes.ptr, bytes.len) == (ssize_t)bytes.len);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    varve_status status = vv_trail_open(path, &trail, &err);
    VV_PRE(status == VARVE_OK || status == VARVE_ECORRUPT);
    for (uint64_t sequence = 0; status == VARVE_OK && sequence < 64; sequence++) {
        ask(trail, sequence);
        ask(trail, INT64_MAX - sequence);
    }
    vv_trail_close(&trail);
    (void)close(fd);
    return 0;
}
