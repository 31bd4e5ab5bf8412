#include "cli/commands.h"

struct no_values {
    char nothing;
};

static varve_status run(struct vv_cli *cli, const void *given)
{
    (void)given;
    const struct vv_globals *said = &cli->said;
    if (said->output || said->format || said->json || said->plot)
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "demo: it writes for people; --format, --json, --plot and --output mean nothing to "
            "it");
    cli->globals.output = NULL;
    cli->globals.json = false;
    (void)vv_show_other_format(cli);
    return vv_demo_run(cli, said->lake ? said->lake : "data/demo");
}

const struct vv_command vv_cmd_demo = {
    .name = "demo",
    .summary = "the whole thing, step by step, in a lake of its own",
    .arguments = "",
    .examples = "varve demo\n"
                "varve demo --lake data/try",
    .text = "Makes a fresh lake in data/demo (or --lake), feeds it thirty simulated trading\n"
            "days, and shows what repeated, corrected, stale and late rows do, queries, time\n"
            "travel and history: for each the command to type, and what comes of it. The lake\n"
            "stays there to play with; the next run empties it. A folder that it did not make\n"
            "is never touched.",
    .options_bytes = sizeof(struct no_values),
    .run = run,
};
