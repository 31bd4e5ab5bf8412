#include <string.h>

#include "cli/commands.h"
#include "varve/audit.h"

struct seal_values {
    const char *key;
};

static const struct vv_option options[] = {
    {.name = "key",
        .kind = VV_OPTION_TEXT,
        .value = "FILE",
        .help = "sign the heads with this key (varve keygen makes one)",
        .offset = offsetof(struct seal_values, key)},
};

static varve_status seal_table(struct vv_cli *cli, const char *key, const char *name,
    struct vv_text *text)
{
    char *json VV_CLEANUP(vv_chars_cleanup) = NULL;
    VV_TRY(varve_lake_seal(cli->lake, name, key, &json, &cli->error));
    vv_text_adds(text, json);
    return VARVE_OK;
}

/* What was sealed so far, and the first of the tables that can't be. */
struct sum {
    struct vv_text text;
    size_t tables;
    size_t damaged;
    varve_error error;
};

static void sum_done(struct sum *sum)
{
    vv_text_done(&sum->text);
}

/* A damaged table does not keep the heads of the others back. */
static varve_status add_table(struct vv_cli *cli, const char *key, const char *name,
    struct sum *sum)
{
    sum->tables++;
    varve_status status = seal_table(cli, key, name, &sum->text);
    if (status != VARVE_ECORRUPT)
        return status;
    if (sum->damaged++ == 0)
        sum->error = cli->error;
    return VARVE_OK;
}

static varve_status add_all(struct vv_cli *cli, const char *key, struct sum *sum)
{
    char *names VV_CLEANUP(vv_chars_cleanup) = NULL;
    VV_TRY(vv_cli_table_names(cli, &names));
    for (char *name = names; *name != '\0';) {
        char *end = strchr(name, '\n');
        *end = '\0';
        VV_TRY(add_table(cli, key, name, sum));
        name = end + 1;
    }
    return VARVE_OK;
}

static varve_status run(struct vv_cli *cli, const void *given)
{
    const struct seal_values *values = given;
    struct sum sum VV_CLEANUP(sum_done) = {0};
    VV_TRY(vv_cli_open_lake(cli, false));
    for (size_t i = 0; i < cli->line.arguments_len; i++)
        VV_TRY(add_table(cli, values->key, vv_cli_argument(cli, i), &sum));
    if (cli->line.arguments_len == 0)
        VV_TRY(add_all(cli, values->key, &sum));
    VV_TRY(vv_show_result(cli, vv_text_chars(&sum.text), sum.text.len));
    if (sum.damaged == 0)
        return VARVE_OK;
    cli->error = sum.error;
    if (sum.tables > 1)
        vv_say(cli, "%zu of %zu tables sealed: %s no head", sum.tables - sum.damaged,
            sum.tables, sum.damaged == 1 ? "a damaged one has" : "damaged ones have");
    return sum.error.code;
}

const struct vv_command vv_cmd_seal = {
    .name = "seal",
    .summary = "the heads of tables, to be kept elsewhere",
    .arguments = "[TABLE...]",
    .examples = "varve seal\n"
                "varve seal signals",
    .text = "Prints a line of JSON a table: table, version and head, the hash that stands\n"
            "for all versions up to that one. Keep it where nobody who can write the lake\n"
            "can write; varve verify TABLE --head HEAD proves later that nothing up to\n"
            "there was altered, cut off or written anew. With --key there is a signature\n"
            "(Ed25519) too. A table whose newest commits can't be read ends it with 6\n"
            "behind the heads of the others.\n"
            "\n"
            "It does not verify: the head of a table that was altered stands for what it\n"
            "was altered to. Say varve verify && varve seal.",
    VV_OPTIONS(options, struct seal_values),
    .arguments_least = 0,
    .arguments_most = UINT32_MAX,
    .run = run,
};
