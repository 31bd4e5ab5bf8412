#include <string.h>

#include "cli/commands.h"
#include "varve/audit.h"

struct verify_values {
    const char *head;
    const char *signature;
    const char *public_key;
    bool deep;
    bool strict;
};

#define AT(member) offsetof(struct verify_values, member)

static const struct vv_option options[] = {
    {.name = "head",
        .kind = VV_OPTION_TEXT,
        .value = "HASH",
        .help = "a head that seal printed once: it must still be in the history",
        .offset = AT(head)},
    {.name = "signature",
        .kind = VV_OPTION_TEXT,
        .value = "TEXT",
        .help = "the signature that seal --key printed with the head",
        .offset = AT(signature)},
    {.name = "public-key",
        .kind = VV_OPTION_TEXT,
        .value = "FILE",
        .help = "the key to check the signature with",
        .offset = AT(public_key)},
    {.name = "deep",
        .kind = VV_OPTION_FLAG,
        .help = "hash every data file, compare all checkpoints, look for doubled keys and "
                "wrong dates",
        .offset = AT(deep)},
    {.name = "strict",
        .kind = VV_OPTION_FLAG,
        .help = "fail also for files that nothing names and for commits that nothing proves",
        .offset = AT(strict)},
};

/* What was found so far, over all tables. */
struct sum {
    struct vv_text reports;
    size_t tables;
    size_t broken;
    size_t unread;
    char first[256],
        first_unread[256]; /* a table that is not whole; that could not be judged */
};

static void sum_done(struct sum *sum)
{
    vv_text_done(&sum->reports);
}

static void note(const char *name, size_t *count, char first[256])
{
    if ((*count)++ == 0)
        (void)snprintf(first, 256, "%s", name);
}

static varve_status verify_table(struct vv_cli *cli, const struct verify_values *values,
    const char *name, struct sum *sum)
{
    char *report VV_CLEANUP(vv_chars_cleanup) = NULL;
    varve_verify_options verify = VARVE_VERIFY_OPTIONS_INIT;
    varve_verify_result result;
    verify.head = values->head;
    verify.signature = values->signature;
    verify.public_key = values->public_key;
    verify.deep = values->deep;
    verify.strict = values->strict;
    verify.as_json = cli->globals.json || vv_show_is_json(cli);
    varve_status status =
        varve_lake_verify(cli->lake, name, &verify, &result, &report, &cli->error);
    sum->tables++;
    if (status == VARVE_EIO) { /* the others are told all the same */
        vv_say(cli, "table %s could not be judged: %s", name, cli->error.message);
        note(name, &sum->unread, sum->first_unread);
        return VARVE_OK;
    }
    VV_TRY(status);
    vv_text_adds(&sum->reports, report);
    if (result.wrong > 0)
        note(name, &sum->broken, sum->first);
    else if (!result.whole)
        note(name, &sum->unread, sum->first_unread);
    return VARVE_OK;
}

static varve_status verify_all(struct vv_cli *cli, const struct verify_values *values,
    struct sum *sum)
{
    char *names VV_CLEANUP(vv_chars_cleanup) = NULL;
    VV_TRY(vv_cli_table_names(cli, &names));
    for (char *name = names; *name != '\0';) {
        char *end = strchr(name, '\n');
        *end = '\0';
        VV_TRY(verify_table(cli, values, name, sum));
        name = end + 1;
    }
    return VARVE_OK;
}

static varve_status run(struct vv_cli *cli, const void *given)
{
    const struct verify_values *values = given;
    struct sum sum VV_CLEANUP(sum_done) = {0};
    if (values->head != NULL && cli->line.arguments_len != 1)
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "a head is one table's: say varve verify TABLE --head %s", values->head);
    if (values->head == NULL && (values->signature != NULL || values->public_key != NULL))
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "a signature is a head's: say --head HASH too");
    VV_TRY(vv_show_check_words(cli));
    VV_TRY(vv_cli_open_lake(cli, false));
    for (size_t i = 0; i < cli->line.arguments_len; i++)
        VV_TRY(verify_table(cli, values, vv_cli_argument(cli, i), &sum));
    if (cli->line.arguments_len == 0)
        VV_TRY(verify_all(cli, values, &sum));
    vv_progress_clear(cli);
    VV_TRY(vv_show_text(cli, vv_text_chars(&sum.reports), sum.reports.len));
    if (sum.broken == 0 && sum.unread == 0)
        return VARVE_OK;
    if (sum.broken == 0)
        return vv_error_set(&cli->error, VARVE_EIO,
            "%zu of %zu tables could not be judged, such as %s: run it as somebody who may "
            "read "
            "all files, once the storage gives them",
            sum.unread, sum.tables, sum.first_unread);
    if (sum.tables == 1)
        return vv_error_set(&cli->error, VARVE_EVERIFY, "table %s is not whole", sum.first);
    return vv_error_set(&cli->error, VARVE_EVERIFY, "%zu of %zu tables %s not whole",
        sum.broken, sum.tables, sum.broken == 1 ? "is" : "are");
}

const struct vv_command vv_cmd_verify = {
    .name = "verify",
    .summary = "whether tables are what was written, and what proves it",
    .arguments = "[TABLE...]",
    .examples = "varve verify\n"
                "varve verify signals --deep\n"
                "varve verify signals --strict --json",
    .text = "Reads every commit, from the log and from the ledger, and says of each\n"
            "whether the chain of hashes holds, of each file that a commit names whether\n"
            "it is there in the size it was written in, and with --deep whether its\n"
            "SHA-256 is the one on record. Exit status 10 where something is missing or\n"
            "altered, 8 where a file may not be read, so that nobody can tell; what it\n"
            "is stands first.\n"
            "\n"
            "The chain alone can't show that the newest versions were cut off or written\n"
            "anew: keep what varve seal prints where nobody who can write the lake can\n"
            "write, and give it back with --head. docs/audit.md says what is proven and\n"
            "how to check it without Varve.",
    VV_OPTIONS(options, struct verify_values),
    .arguments_least = 0,
    .arguments_most = UINT32_MAX,
    .run = run,
};
