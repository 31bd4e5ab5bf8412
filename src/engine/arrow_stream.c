#include "engine/arrow_stream.h"

#include <errno.h>

static const struct {
    int number;
    varve_status status;
} numbers[] = {{0, VARVE_OK}, {EINVAL, VARVE_EUSAGE}, {EBADMSG, VARVE_ECORRUPT},
    {ENOTSUP, VARVE_EUNSUPPORTED}, {ENOMEM, VARVE_ELIMIT}, {ECANCELED, VARVE_EINTERRUPTED},
    {EIO, VARVE_EIO}, {ENOTRECOVERABLE, VARVE_EFAILED}};

int vv_arrow_number(varve_status status)
{
    for (size_t i = 0; i < VV_COUNT(numbers); i++)
        if (numbers[i].status == status)
            return numbers[i].number;
    return ENOTRECOVERABLE;
}

varve_status vv_arrow_status(int number)
{
    for (size_t i = 1; i < VV_COUNT(numbers); i++)
        if (numbers[i].number == number)
            return numbers[i].status;
    return VARVE_EIO;
}

varve_status vv_arrow_fail(struct vv_op *op, struct ArrowArrayStream *stream, int number,
    const char *doing)
{
    const char *why = stream->get_last_error ? stream->get_last_error(stream) : NULL;
    varve_status status = vv_arrow_status(number);
    if (why == NULL || why[0] == '\0') {
        (void)vv_fail_errno(op, number, "%s", doing ? doing : "the rows cannot be read");
        return vv_recode(op, status);
    }
    return doing != NULL ? vv_fail(op, status, "%s: %s", doing, why)
                         : vv_fail(op, status, "%s", why);
}

varve_status vv_arrow_check_unread(struct vv_op *op, const struct ArrowArrayStream *stream)
{
    if (stream->release != NULL)
        return VARVE_OK;
    return vv_fail(op, VARVE_EINVALID, "the Arrow stream has been released already");
}
