#include "cli/cli.h"

#include <string.h>

#include "varve/audit.h"

varve_status vv_cli_open_lake(struct vv_cli *cli, bool create)
{
    const struct vv_globals *globals = &cli->globals;
    varve_lake_options options = VARVE_LAKE_OPTIONS_INIT;
    if (cli->lake != NULL) /* a shell runs many commands in one lake */
        return VARVE_OK;
    options.create = create ? 1 : 0;
    options.may_be_missing = 1; /* tables are named by path as well */
    options.threads = (uint32_t)globals->threads.value;
    options.memory_bytes = (uint64_t)globals->memory.value;
    options.cache_bytes = cli->is_shell ? 0 : VARVE_CACHE_OFF;
    options.user = globals->user;
    options.message = globals->message;
    options.interrupt_stays = 1;
    options.on_log = vv_on_log;
    options.on_log_data = cli;
    if (cli->progress.on) { /* what nobody sees need not be counted */
        options.on_progress = vv_on_progress;
        options.on_progress_data = cli;
    }
    varve_status status = varve_lake_open(globals->lake, &options, &cli->lake, &cli->error);
    if (status == VARVE_OK && globals->known_at)
        status = varve_lake_known_at(cli->lake, globals->known_at, &cli->error);
    if (status == VARVE_OK)
        vv_interrupt_target(cli->lake);
    return status;
}

varve_status vv_cli_open_table(struct vv_cli *cli, const char *name, varve_table **out)
{
    VV_TRY(vv_cli_open_lake(cli, false));
    return varve_table_open(cli->lake, name, out, &cli->error);
}

varve_status vv_cli_table_names(struct vv_cli *cli, char **out)
{
    VV_TRY(varve_lake_names(cli->lake, out, &cli->error));
    if (**out != '\0')
        return VARVE_OK;
    return vv_error_set(&cli->error, VARVE_ENOTFOUND,
        "the lake %s has no table (varve init creates the market tables; --lake says which)",
        cli->globals.lake);
}

void vv_table_cleanup(varve_table **table)
{
    varve_table_close(*table);
    *table = NULL;
}

void vv_chars_cleanup(char **chars)
{
    varve_free(*chars);
    *chars = NULL;
}
