#include "store/fork_mark.h"

#include <errno.h>
#include <sys/mman.h>

#define PAGE_BYTES ((size_t)4096)

varve_status vv_fork_mark_make(struct vv_op *op, struct vv_fork_mark *out)
{
    unsigned char *page =
        mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return vv_fail_memory(op);
    if (madvise(page, PAGE_BYTES, MADV_WIPEONFORK) != 0) {
        int error = errno;
        (void)munmap(page, PAGE_BYTES);
        return vv_fail_errno(op, error, "ask for a page that children of this process lack");
    }
    *page = 1;
    out->page = page;
    return VARVE_OK;
}

void vv_fork_mark_done(struct vv_fork_mark *mark)
{
    if (mark->page != NULL)
        (void)munmap(mark->page, PAGE_BYTES);
    mark->page = NULL;
}
