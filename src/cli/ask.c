#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cli/cli.h"

varve_status vv_ask(struct vv_cli *cli, bool yes, const char *warning, const char *question,
    bool *out)
{
    char answer[16] = "";
    *out = yes;
    if (yes)
        return VARVE_OK;
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return vv_error_set(&cli->error, VARVE_EUSAGE, "%s: say --yes", warning);
    (void)fprintf(stderr, "%s [y/N] ", question);
    if (fgets(answer, sizeof(answer), stdin) != NULL)
        *out = answer[0] == 'y' || answer[0] == 'Y';
    return vv_interrupt_signal() != 0 ? vv_interrupt_fail(&cli->error) : VARVE_OK;
}

static bool all_digits(const char *text)
{
    return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* Of a tag: times begin with a digit or a '-', but for one. */
static bool is_name(const char *text)
{
    return isalpha((unsigned char)*text) && strcasecmp(text, "now") != 0;
}

varve_status vv_cli_read_at(struct vv_cli *cli, const char *version, const char *timestamp,
    const char **out)
{
    const char *at = version || timestamp ? cli->said.at : cli->globals.at;
    int count = (at != NULL) + (version != NULL) + (timestamp != NULL);
    if (count > 1)
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "%s: give one of --version, --timestamp and --at", cli->line.command->name);
    if (version && !all_digits(version))
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "option --version: '%s' is not a version number (history lists them)", version);
    if (timestamp && (all_digits(timestamp) || is_name(timestamp)))
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "option --timestamp: '%s' is not a time, such as 2025-01-30T10:00:00Z or -2h",
            timestamp);
    *out = at ? at : version ? version : timestamp;
    return VARVE_OK;
}
