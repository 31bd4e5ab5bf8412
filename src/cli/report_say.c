#include "cli/report_say.h"

#include <inttypes.h>
#include <string.h>

void vv_say_count(const struct vv_cli *cli, const struct vv_node *node, const char *name,
    const char *one, const char *many)
{
    int64_t count = vv_node_int(vv_node_get(node, name), 0);
    if (count > 0)
        vv_say(cli, "%" PRId64 " %s", count, count == 1 ? one : many);
}

void vv_add_regimes(struct vv_text *text, const struct vv_node *node)
{
    const char *symbol = vv_node_chars(vv_node_get(node, "symbol"));
    const char *knowledge = vv_node_chars(vv_node_get(node, "knowledge"));
    int64_t symbols = vv_node_int(vv_node_get(node, "symbols"), 0);
    if (*knowledge == '\0')
        return;
    vv_text_adds(text, "regimes of ");
    if (*symbol)
        vv_text_add_shown(text, symbol, strlen(symbol));
    else
        vv_text_addf(text, "%" PRId64 " symbol%s", symbols, vv_text_plural(symbols));
    vv_text_addf(text, ", knowledge by %s; ", knowledge);
}

/* What the answer rests on: nobody shall take hindsight, or a gap, for knowledge. */
void vv_say_regimes(const struct vv_cli *cli, const struct vv_node *node, const char *row)
{
    int64_t without = vv_node_int(vv_node_get(node, "without_regime"), 0);
    int64_t different = vv_node_int(vv_node_get(node, "different"), 0);
    if (without > 0)
        vv_say(cli, "%" PRId64 " %s%s %s no regime: none was known in time", without, row,
            vv_text_plural(without), without == 1 ? "has" : "have");
    vv_say_count(cli, node, "late",
        "of them has one by event time, but it came too late (--knowledge event uses it)",
        "of them have one by event time, but it came too late (--knowledge event uses it)");
    if (different > 0)
        vv_say(cli, "%" PRId64 " %s%s had another regime, as known then, than by event time",
            different, row, vv_text_plural(different));
    vv_say_count(cli, node, "undated_regimes", "regime row never known: it has no ingested_at",
        "regime rows never known: they have no ingested_at");
    vv_say_count(cli, node, "undated_files",
        "file of regimes is of a commit that is gone, or older than one: known from the first "
        "that is there behind it",
        "files of regimes are of commits that are gone, or older than one: known from the "
        "first "
        "that is there behind it");
}

void vv_say_newest(const struct vv_cli *cli, const char *who, int64_t newest_us)
{
    struct vv_text time VV_CLEANUP(vv_text_done) = {0};
    if (newest_us == INT64_MIN) {
        bool is_then = cli->globals.at != NULL || cli->globals.known_at != NULL;
        vv_say(cli,
            is_then ? "no rows: by then there were none of %s"
                    : "no rows: there are none of %s at any time",
            who);
        return;
    }
    vv_text_add_time(&time, newest_us, 6);
    vv_say(cli, "no rows in that time: the newest row of %s is of %sZ", who,
        vv_text_chars(&time));
}

void vv_say_none(const struct vv_cli *cli, const struct vv_node *node, const char *table)
{
    const char *newest = vv_node_chars(vv_node_get(node, "newest"));
    if (*newest)
        vv_say(cli, "no rows in that time: the newest row of %s is of %s", table, newest);
    else
        vv_say(cli, "no rows in that time: %s has none before its end", table);
}

void vv_say_answer(const struct vv_cli *cli, const char *json,
    const struct vv_answer_words *words)
{
    struct vv_text head VV_CLEANUP(vv_text_done) = {0};
    struct vv_node node = {0};
    if (!vv_node_read(json, strlen(json), &node))
        return;
    int64_t count = vv_node_int(vv_node_get(&node, words->count), 0);
    vv_add_regimes(&head, &node);
    vv_say(cli, "%s%" PRId64 " %s%s", vv_text_chars(&head), count, words->what,
        vv_text_plural(count));
    if (count == 0)
        vv_say_none(cli, &node, words->table);
    vv_say_regimes(cli, &node, words->row);
    for (const char *const(*more)[3] = words->counts; (*more)[0] != NULL; more++)
        vv_say_count(cli, &node, (*more)[0], (*more)[1], (*more)[2]);
    vv_node_done(&node);
}
