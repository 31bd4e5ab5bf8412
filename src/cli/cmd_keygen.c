#include "cli/commands.h"
#include "varve/audit.h"

struct no_values {
    char nothing;
};

static varve_status run(struct vv_cli *cli, const void *given)
{
    const char *file = vv_cli_argument(cli, 0);
    (void)given;
    VV_TRY(varve_keygen(file, &cli->error));
    vv_say(cli,
        "%s: the private key, for varve seal --key; keep it away from the lake\n"
        "%s.pub: the public key, for varve verify --public-key",
        file, file);
    return VARVE_OK;
}

const struct vv_command vv_cmd_keygen = {
    .name = "keygen",
    .summary = "make a key to sign heads with",
    .arguments = "FILE",
    .examples = "varve keygen audit.key",
    .text = "Writes an Ed25519 key in PEM: the private half to FILE, which only you may\n"
            "read, the public half to FILE.pub. Neither replaces a file.",
    .options_bytes = sizeof(struct no_values),
    .arguments_least = 1,
    .arguments_most = 1,
    .run = run,
};
