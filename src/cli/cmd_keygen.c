#include <string.h>

#include "cli/commands.h"
#include "varve/audit.h"

struct no_values {
    char nothing;
};

static varve_status run(struct vv_cli *cli, const void *given)
{
    struct vv_text public_key VV_CLEANUP(vv_text_done) = {0};
    struct vv_text line VV_CLEANUP(vv_text_done) = {0};
    const char *file = vv_cli_argument(cli, 0);
    (void)given;
    VV_TRY(varve_keygen(file, &cli->error));
    vv_text_addf(&public_key, "%s.pub", file);
    if (!cli->globals.json) {
        vv_say(cli,
            "%s: the private key, for varve seal --key; keep it away from the lake\n"
            "%s: the public key, for varve verify --public-key",
            file, vv_text_chars(&public_key));
        return VARVE_OK;
    }
    vv_text_adds(&line, "{\"private_key\":");
    vv_text_add_json(&line, file, strlen(file));
    vv_text_adds(&line, ",\"public_key\":");
    vv_text_add_json(&line, vv_text_chars(&public_key), public_key.len);
    vv_text_adds(&line, "}\n");
    return vv_show_result(cli, line.ptr, line.len);
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
    .sums_up = "",
    .run = run,
};
