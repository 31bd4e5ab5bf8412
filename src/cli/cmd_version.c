#include <string.h>

#include "cli/commands.h"

struct no_values {
    char nothing;
};

static varve_status run(struct vv_cli *cli, const void *given)
{
    struct vv_text text VV_CLEANUP(vv_text_done) = {0};
    (void)given;
    if (cli->globals.json) {
        const char *build = varve_build_info();
        vv_text_addf(&text, "{\"version\":\"%s\",\"build\":", varve_version());
        vv_text_add_json(&text, build, strlen(build));
        vv_text_adds(&text, "}\n");
    } else {
        vv_text_addf(&text, "%s\n", varve_build_info());
    }
    return vv_show_text(cli, text.ptr, text.len);
}

const struct vv_command vv_cmd_version = {
    .name = "version",
    .summary = "versions of Varve, DuckDB and the Delta protocol",
    .arguments = "",
    .examples = "varve version",
    .text = "varve --version prints the version of Varve alone.",
    .options_bytes = sizeof(struct no_values),
    .form = VV_FORM_WORDS_OR_JSON,
    .run = run,
};
