#include "varve/status.h"

const char *varve_status_name(varve_status code)
{
    switch (code) {
    case VARVE_OK:
        return "OK";
    case VARVE_EUSAGE:
        return "USAGE";
    case VARVE_EINVALID:
        return "INVALID_DATA";
    case VARVE_ECONFLICT:
        return "CONFLICT";
    case VARVE_ENOTFOUND:
        return "NOT_FOUND";
    case VARVE_ECORRUPT:
        return "CORRUPT";
    case VARVE_EUNSUPPORTED:
        return "UNSUPPORTED";
    case VARVE_EIO:
        return "IO";
    case VARVE_ELIMIT:
        return "LIMIT";
    case VARVE_EVERIFY:
        return "VERIFY_FAILED";
    case VARVE_EUNKNOWN:
        return "UNKNOWN";
    case VARVE_EINTERRUPTED:
        return "INTERRUPTED";
    default:
        return "FAILED";
    }
}
