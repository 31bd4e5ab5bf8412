#include "cli/report_say.h"

#include <inttypes.h>
#include <string.h>

void vv_say_count(const struct vv_cli *cli, const struct vv_node *node, const char *name,
    const char *words)
{
    int64_t count = vv_node_int(vv_node_get(node, name), 0);
    if (count > 0)
        vv_say(cli, "%" PRId64 " %s", count, words);
}

void vv_add_regimes(struct vv_text *text, const struct vv_node *node)
{
    const char *symbol = vv_node_chars(vv_node_get(node, "symbol"));
    const char *knowledge = vv_node_chars(vv_node_get(node, "knowledge"));
    if (*knowledge == '\0')
        return;
    vv_text_adds(text, "regimes of ");
    if (*symbol)
        vv_text_add_shown(text, symbol, strlen(symbol));
    else
        vv_text_addf(text, "%" PRId64 " symbols", vv_node_int(vv_node_get(node, "symbols"), 0));
    vv_text_addf(text, ", knowledge by %s; ", knowledge);
}

/* What the answer rests on: nobody shall take hindsight, or a gap, for knowledge. */
void vv_say_regimes(const struct vv_cli *cli, const struct vv_node *node, const char *rows)
{
    struct vv_text none VV_CLEANUP(vv_text_done) = {0};
    struct vv_text other VV_CLEANUP(vv_text_done) = {0};
    vv_text_addf(&none, "%s have no regime: none was known in time", rows);
    vv_text_addf(&other, "%s had another regime, as known then, than by event time", rows);
    vv_say_count(cli, node, "without_regime", vv_text_chars(&none));
    vv_say_count(cli, node, "late",
        "of them have one by event time, but it came too late (--knowledge event uses it)");
    vv_say_count(cli, node, "different", vv_text_chars(&other));
    vv_say_count(cli, node, "undated_regimes",
        "regime rows never known: they have no ingested_at");
    vv_say_count(cli, node, "undated_files",
        "files of regimes are from commits that are gone: known from the first one kept");
}

void vv_say_newest(const struct vv_cli *cli, const char *who, int64_t newest_us)
{
    struct vv_text time VV_CLEANUP(vv_text_done) = {0};
    if (newest_us == INT64_MIN) {
        vv_say(cli, "no rows: there are none of %s at any time", who);
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
    vv_say(cli, "%s%" PRId64 " %s", vv_text_chars(&head), count, words->what);
    if (count == 0)
        vv_say_none(cli, &node, words->table);
    vv_say_regimes(cli, &node, words->rows);
    for (const char *const(*more)[2] = words->counts; (*more)[0] != NULL; more++)
        vv_say_count(cli, &node, (*more)[0], (*more)[1]);
    vv_node_done(&node);
}
