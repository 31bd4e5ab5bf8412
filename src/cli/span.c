#include "cli/span.h"

#include "varve/report.h"

int32_t vv_knowledge_of(int32_t choice)
{
    return choice > 0 ? choice - 1 : VARVE_KNOWLEDGE_ORDER;
}

varve_status vv_span_check(struct vv_cli *cli, const struct vv_span_values *span)
{
    if (span->last == NULL || (span->from == NULL && span->to == NULL))
        return VARVE_OK;
    return vv_error_set(&cli->error, VARVE_EUSAGE,
        "%s: give --last, or --from and --to, not both", cli->line.command->name);
}
