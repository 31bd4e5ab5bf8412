#include <string.h>

#include "cli/commands.h"
#include "cli/complete.h"

struct no_values {
    char nothing;
};

/* Each asks the program itself, with the words up to the cursor; files where it knows nothing. */
static const char bash_script[] =
    "# varve completion for bash: source <(varve completion bash)\n"
    "_varve() {\n"
    "    local IFS=$'\\n'\n"
    "    COMPREPLY=($(\"${COMP_WORDS[0]}\" completion words -- \\\n"
    "        \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null))\n"
    "}\n"
    "complete -o default -F _varve varve\n";
static const char zsh_script[] =
    "#compdef varve\n"
    "# varve completion for zsh: source <(varve completion zsh)\n"
    "_varve() {\n"
    "    local -a found\n"
    "    found=(\"${(@f)$(\"${words[1]}\" completion words -- \"${(@)words[2,CURRENT]}\" "
    "2>/dev/null)}\")\n"
    "    if [[ -n \"${found[1]}\" ]]; then compadd -- \"${found[@]}\"; else _files; fi\n"
    "}\n"
    "if [[ \"${funcstack[1]}\" = _varve ]]; then _varve \"$@\"; else compdef _varve varve; "
    "fi\n";
static const char fish_script[] =
    "# varve completion for fish: varve completion fish | source\n"
    "function __varve_complete\n"
    "    set -l words (commandline -opc) (commandline -ct)\n"
    "    $words[1] completion words -- $words[2..-1] 2>/dev/null\n"
    "end\n"
    "complete -c varve -a '(__varve_complete)'\n";

static varve_status show_words(struct vv_cli *cli)
{
    struct vv_names names VV_CLEANUP(vv_names_done) = {0};
    struct vv_text text VV_CLEANUP(vv_text_done) = {0};
    vv_complete(cli, cli->line.arguments + 1, cli->line.arguments_len - 1, &names);
    for (size_t i = 0; i < names.len; i++)
        vv_text_addf(&text, "%s\n", names.items[i]);
    return vv_show_text(cli, vv_text_chars(&text), text.len);
}

static varve_status run(struct vv_cli *cli, const void *given)
{
    const char *shell = vv_cli_argument(cli, 0);
    const char *script = NULL;
    (void)given;
    if (strcmp(shell, "words") == 0)
        return show_words(cli);
    if (strcmp(shell, "bash") == 0)
        script = bash_script;
    else if (strcmp(shell, "zsh") == 0)
        script = zsh_script;
    else if (strcmp(shell, "fish") == 0)
        script = fish_script;
    if (script == NULL || cli->line.arguments_len > 1)
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "completion: '%s' is no shell that is known: bash, zsh or fish",
            script == NULL ? shell : vv_cli_argument(cli, 1));
    return vv_show_text(cli, script, strlen(script));
}

const struct vv_command vv_cmd_completion = {
    .name = "completion",
    .summary = "a script that lets your shell complete commands, options and tables",
    .arguments = "bash|zsh|fish",
    .examples = "varve completion bash > varve.bash\n"
                "varve completion words -- scan sig",
    .text = "Source the script, or put it where your shell looks for such:\n"
            "    source <(varve completion bash)\n"
            "    varve completion fish > ~/.config/fish/completions/varve.fish\n"
            "make install puts all three in place. The scripts ask the program for the words\n"
            "that could follow (completion words -- WORD...), tables of the lake included.",
    .options_bytes = sizeof(struct no_values),
    .form = VV_FORM_WORDS,
    .arguments_least = 1,
    .arguments_most = UINT32_MAX,
    .run = run,
};
