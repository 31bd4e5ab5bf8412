/*
 * What an export says of itself to people: index.html.
 *
 * The steps in the index are shell that works as it stands, with sha256sum, openssl and the usual
 * small tools; docs/audit.md has the same ones.
 */
#include "base/number.h"
#include "base/os.h"
#include "base/time.h"
#include "lake/export_run.h"
#include "varve/version.h"

#define USERS_SHOWN_MAX 50
#define GAPS_SHOWN_MAX 50

/* One thing to check, and how. */
struct step {
    const char *title, *text, *shell;
    bool is_signed; /* only where there is a key */
};

static const struct step steps[] = {
    {"Begin", "In the folder of the export, in one shell from here to the end.",
        "export LC_ALL=C\n"
        "tmp=$(mktemp -d)\n",
        false},
    {"No file was altered, taken away or added",
        "Prints nothing where all is right; else what is not.",
        "sha256sum --quiet --strict --check SHA256SUMS\n"
        "find . -type f ! -path ./SHA256SUMS ! -path ./SHA256SUMS.sig |\n"
        "    sed 's|^\\./||' | sort > \"$tmp/there\"\n"
        "sed 's/^[0-9a-f]*  //' SHA256SUMS | sort | comm -3 - \"$tmp/there\"\n",
        false},
    {"The list itself is the one that was made",
        "It must be the hash that varve export printed, as you were told it by another way "
        "than with this folder.",
        "sha256sum < SHA256SUMS | cut -c1-64\n", false},
    {"The list is signed",
        "Prints \"Signature Verified Successfully\". key.pub must be the public key that you "
        "know to be theirs: compare it with the one you hold.",
        "if [ -e key.pub ]; then\n"
        "    printf 'varve-export-1 %s' \"$(sha256sum < SHA256SUMS | cut -c1-64)\" > "
        "\"$tmp/text\"\n"
        "    base64 -d < SHA256SUMS.sig > \"$tmp/signature\"\n"
        "    openssl pkeyutl -verify -pubin -inkey key.pub -rawin -in \"$tmp/text\" \\\n"
        "        -sigfile \"$tmp/signature\"\n"
        "else\n"
        "    echo \"The list is not signed: there is no key.pub.\"\n"
        "fi\n",
        true},
    {"The commits are a chain, and its head is the one in seal.json",
        "Each commit of Varve names the hash of the one before it. Prints nothing where all is "
        "right.",
        "for log in */log; do\n"
        "    table=${log%/log} before= chain= last=-1\n"
        "    (cd \"$log\" && find . -type f -exec sha256sum {} +) |\n"
        "        sed 's|^\\([0-9a-f]*\\)  \\./\\([0-9]*\\)\\.json$|\\2 \\1|' | sort > "
        "\"$tmp/own\"\n"
        "    (cd \"$log\" && find . -type f -exec grep -oH '\"prevHash\":\"[0-9a-f]*\"' {} +) "
        "|\n"
        "        sed 's|^\\./\\([0-9]*\\)\\.json:\"prevHash\":\"\\([0-9a-f]*\\)\"$|\\1 \\2|' | "
        "sort > \"$tmp/links\"\n"
        "    (cd \"$log\" && find . -type f -exec grep -l '\"engineInfo\":\"Varve/' {} +) |\n"
        "        sed 's|^\\./\\([0-9]*\\)\\.json$|\\1 Varve|' | sort > \"$tmp/varve\"\n"
        "    join -a 1 -e - -o 0,1.2,2.2 \"$tmp/own\" \"$tmp/links\" |\n"
        "        join -a 1 -e - -o 0,1.2,1.3,2.2 - \"$tmp/varve\" > \"$tmp/commits\"\n"
        "    while read -r name own link by; do\n"
        "        version=${name#\"${name%%[!0]*}\"} version=${version:-0}\n"
        "        [ \"$version\" = $((last + 1)) ] || { before=; chain=; }\n"
        "        [ \"$link\" = - ] || [ -z \"$before\" ] || [ \"$link\" = \"$before\" ] ||\n"
        "            echo \"broken: $log/$name.json\"\n"
        "        if [ -z \"$chain\" ] || [ \"$by\" = Varve ]; then\n"
        "            chain=$own\n"
        "        else\n"
        "            chain=$(printf '%s%s' \"$chain\" \"$own\" | sha256sum | cut -c1-64)\n"
        "        fi\n"
        "        echo \"$version,$own,${link#-},$chain\" >&3\n"
        "        before=$own last=$version\n"
        "    done < \"$tmp/commits\" 3> \"$tmp/chain\"\n"
        "    sed -n '2,$s/^\\([0-9]*\\),.*,\\([0-9a-f]*,[0-9a-f]*,[0-9a-f]*\\)$/\\1,\\2/p' \\\n"
        "        \"$table/commits.csv\" | sort > \"$tmp/said\"\n"
        "    sort \"$tmp/chain\" | comm -3 - \"$tmp/said\" > \"$tmp/differ\"\n"
        "    [ ! -s \"$tmp/differ\" ] || { echo \"not as in $table/commits.csv:\"; cat "
        "\"$tmp/differ\"; }\n"
        "    grep -q \"\\\"head\\\":\\\"$(tail -n 1 \"$tmp/chain\" | sed 's/.*,//')\\\"\" "
        "\"$table/seal.json\" ||\n"
        "        echo \"not the head in $table/seal.json\"\n"
        "done\n",
        false},
    {"The heads are signed", "Prints \"Signature Verified Successfully\" for each table.",
        "[ -e key.pub ] || echo \"The heads are not signed: there is no key.pub.\"\n"
        "for seal in */seal.json; do\n"
        "    [ -e key.pub ] || continue\n"
        "    head=$(grep -o '\"head\":\"[0-9a-f]*\"' \"$seal\" | cut -d'\"' -f4)\n"
        "    printf 'varve-seal-1 %s' \"$head\" > \"$tmp/text\"\n"
        "    grep -o '\"signature\":\"[^\"]*\"' \"$seal\" | cut -d'\"' -f4 |\n"
        "        base64 -d > \"$tmp/signature\"\n"
        "    openssl pkeyutl -verify -pubin -inkey key.pub -rawin -in \"$tmp/text\" \\\n"
        "        -sigfile \"$tmp/signature\"\n"
        "done\n",
        true},
    {"Heads that were noted earlier are in the chain",
        "Those of seals.ndjson, where the export has some; do the same with the ones that you "
        "keep yourself. Prints nothing where all is right.",
        "for seals in */seals.ndjson; do\n"
        "    [ -e \"$seals\" ] || continue\n"
        "    grep -o '\"head\": *\"[0-9a-f]*\"' \"$seals\" | cut -d'\"' -f4 | "
        "while read -r head; do\n"
        "        grep -q \",$head\\$\" \"${seals%seals.ndjson}commits.csv\" ||\n"
        "            echo \"not in the chain: $head\"\n"
        "    done\n"
        "done\n",
        false},
    {"The data files are those that the commits name",
        "Each file in sources/ has a SHA-256 that a commit of the chain states. Prints nothing "
        "where all is right. Files in unproven/, where there are any, are the ones of which no "
        "commit here states it.",
        "for log in */log; do\n"
        "    table=${log%/log}\n"
        "    find \"$log\" -type f -exec cat {} + | grep -o '\"varve.sha256\":\"[0-9a-f]*\"' "
        "|\n"
        "        cut -d'\"' -f4 | sort -u > \"$tmp/known\"\n"
        "    [ ! -d \"$table/sources\" ] || find \"$table/sources\" -type f -exec sha256sum {} "
        "+ |\n"
        "        sed 's|^\\\\||' | sort | join -v 1 - \"$tmp/known\" | sed 's|^[0-9a-f]*|no "
        "commit names:|'\n"
        "done\n",
        false},
    {"The changes were read from files that the commits name",
        "changes-files.csv, where there is one, gives the SHA-256 of each file that changes/ "
        "was "
        "read from; those that it calls proven by a commit are stated by one. Prints nothing "
        "where all is right.",
        "for files in */changes-files.csv; do\n"
        "    [ -e \"$files\" ] || continue\n"
        "    find \"${files%/*}/log\" -type f -exec cat {} + |\n"
        "        grep -o '\"varve.sha256\":\"[0-9a-f]*\"' | cut -d'\"' -f4 | sort -u > "
        "\"$tmp/known\"\n"
        "    sed -n '2,$s/^.*,\\([^,]*\\),commit$/\\1/p' \"$files\" | sort -u |\n"
        "        comm -23 - \"$tmp/known\" | sed \"s|^|in $files, but no commit names: |\"\n"
        "done\n",
        false},
};

static void add_text(struct vv_buf *html, struct vv_str text)
{
    if (vv_str_is_lost(text))
        vv_buf_add(html, text); /* which fails then */
    for (size_t i = 0; i < text.len; i++)
        switch (text.ptr[i]) {
        case '&':
            vv_buf_adds(html, "&amp;");
            break;
        case '<':
            vv_buf_adds(html, "&lt;");
            break;
        case '>':
            vv_buf_adds(html, "&gt;");
            break;
        default:
            vv_buf_addc(html, text.ptr[i]);
        }
}

static void add_row(struct vv_buf *html, const char *name, struct vv_str value)
{
    vv_buf_addf(html, "<tr><th>%s</th><td>", name);
    add_text(html, value);
    vv_buf_adds(html, "</td></tr>\n");
}

static void add_number(struct vv_buf *html, const char *name, int64_t value)
{
    vv_buf_addf(html, "<tr><th>%s</th><td>%" PRId64 "</td></tr>\n", name, value);
}

static void add_time(struct vv_buf *html, int64_t us)
{
    char time[32];
    size_t len = vv_time_format_us(us, time);
    add_text(html, (struct vv_str){time, len});
}

static void add_range(struct vv_buf *html, const struct vv_export_table *table)
{
    vv_buf_adds(html, "<tr><th>rows of</th><td>");
    if (!table->has_time) {
        vv_buf_adds(html, "all times: the table has no time column</td></tr>\n");
        return;
    }
    add_text(html, table->source.snapshot->schema.fields[table->source.time].name);
    if (table->span.from_us == INT64_MIN && table->span.to_us == INT64_MAX)
        vv_buf_adds(html, ": all times");
    if (table->span.from_us != INT64_MIN) {
        vv_buf_adds(html, " from ");
        add_time(html, table->span.from_us);
    }
    if (table->span.to_us != INT64_MAX) {
        vv_buf_adds(html, " up to, but without, ");
        add_time(html, table->span.to_us);
    }
    vv_buf_adds(html, "</td></tr>\n");
}

static void add_version(struct vv_buf *html, const struct vv_snapshot *snapshot)
{
    vv_buf_addf(html, "<tr><th>as of version</th><td>%" PRId64, snapshot->version);
    if (snapshot->timestamp_ms != VV_NO_TIME) {
        vv_buf_adds(html, ", committed ");
        add_time(html, snapshot->timestamp_ms * VV_US_PER_MS);
    }
    vv_buf_adds(html, "</td></tr>\n");
}

static void add_writers(struct vv_buf *html, const struct vv_export_table *table)
{
    vv_buf_adds(html, "<tr><th>written by</th><td>");
    for (size_t i = 0; i < table->users.len && i < USERS_SHOWN_MAX; i++) {
        const struct vv_export_user *user = table->users.items[i];
        vv_buf_adds(html, i == 0 ? "" : "<br>");
        add_text(html, user->name);
        vv_buf_addf(html, ": %" PRId64 " commit%s, ", user->commits, vv_plural(user->commits));
        add_time(html, user->first_ms * VV_US_PER_MS);
        if (user->commits > 1) {
            vv_buf_adds(html, " to ");
            add_time(html, user->last_ms * VV_US_PER_MS);
        }
    }
    if (table->users.len > USERS_SHOWN_MAX)
        vv_buf_addf(html, "<br>and %zu others: see commits.csv",
            table->users.len - USERS_SHOWN_MAX);
    vv_buf_adds(html, "</td></tr>\n");
}

static void add_chain(struct vv_buf *html, const struct vv_export_table *table)
{
    vv_buf_addf(html,
        "<tr><th>commits</th><td>%" PRId64 ", from version %" PRId64 " to %" PRId64,
        table->commits, table->first_version, table->seal.version);
    if (table->foreign > 0)
        vv_buf_addf(html,
            "; %" PRId64
            " of other software, which name no hash: the next commit of Varve covers "
            "them, or the head alone where none follows",
            table->foreign);
    if (table->missing > 0)
        vv_buf_addf(html,
            "; %" PRId64
            " older ones are gone: they left the log before the ledger had them, and "
            "nothing here proves them",
            table->missing);
    vv_buf_adds(html, "</td></tr>\n");
    if (table->seals > 0)
        add_number(html, "earlier seals that are in the chain", table->seals);
}

static void add_sources(struct vv_buf *html, const struct vv_export_run *run,
    const struct vv_export_table *table)
{
    const struct vv_export_sources *sources = &table->sources;
    if (run->request->without_sources) {
        vv_buf_adds(html,
            "<tr><th>source files</th><td>left out of this export: that its rows are "
            "those of the chain can't be checked here</td></tr>\n");
        return;
    }
    vv_buf_addf(html,
        "<tr><th>source files</th><td>%" PRId64 " with %" PRId64
        " bytes; the SHA-256 of %" PRId64 " is in a commit of the chain",
        sources->files, sources->bytes, sources->proven);
    if (sources->unhashed > 0)
        vv_buf_addf(html,
            "; %" PRId64 " were written by other software, whose commits state only their size",
            sources->unhashed);
    if (sources->gone > 0)
        vv_buf_addf(html, "; the commits of %" PRId64 " are gone", sources->gone);
    if (sources->vectors > 0)
        vv_buf_addf(html,
            "; %" PRId64 " file%s in vectors/ %s which of their rows were deleted",
            sources->vectors, vv_plural(sources->vectors),
            sources->vectors == 1 ? "says" : "say");
    vv_buf_adds(html, "</td></tr>\n");
}

/* What the versions did to the rows, and which of them are not told. */
static void add_changes(struct vv_buf *html, const struct vv_export_run *run,
    const struct vv_export_table *table)
{
    const struct vv_export_changes *changes = &table->changes;
    vv_buf_adds(html, "<tr><th>row changes</th><td>");
    if (run->request->without_changes) {
        vv_buf_adds(html, "left out of this export: it has the rows as they were at the end "
                          "alone</td></tr>\n");
        return;
    }
    vv_buf_addf(html,
        "%" PRId64 ", of versions 0 to %" PRId64
        ": each row of the range that one inserted, replaced or deleted</td></tr>\n",
        changes->rows, table->source.snapshot->version);
    if (changes->gaps.len == 0)
        return;
    vv_buf_adds(html, "<tr><th>row changes that can't be told</th><td>");
    for (size_t i = 0; i < changes->gaps.len && i < GAPS_SHOWN_MAX; i++) {
        const struct vv_export_gap *gap = &changes->gaps.items[i];
        vv_buf_adds(html, i == 0 ? "" : "<br>");
        if (gap->from == gap->to)
            vv_buf_addf(html, "version %" PRId64 ": ", gap->from);
        else
            vv_buf_addf(html, "versions %" PRId64 " to %" PRId64 ": ", gap->from, gap->to);
        add_text(html, gap->why);
    }
    if (changes->gaps.len > GAPS_SHOWN_MAX)
        vv_buf_addf(html, "<br>and %zu other ranges: see manifest.json",
            changes->gaps.len - GAPS_SHOWN_MAX);
    vv_buf_adds(html, "</td></tr>\n");
}

static void add_table_html(struct vv_buf *html, const struct vv_export_run *run,
    const struct vv_export_table *table)
{
    vv_buf_adds(html, "<h2>");
    add_text(html, table->name);
    vv_buf_adds(html, "</h2>\n<table>\n");
    add_number(html, "rows", table->rows);
    add_range(html, table);
    add_version(html, table->source.snapshot);
    add_writers(html, table);
    add_chain(html, table);
    add_row(html, "head", vv_str_of(table->seal.head));
    add_sources(html, run, table);
    add_changes(html, run, table);
    vv_buf_adds(html, "</table>\n<p>Columns: ");
    const struct vv_schema *schema = &table->source.snapshot->schema;
    for (size_t i = 0; i < schema->fields_len; i++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf type = VV_BUF_INIT(VV_BUF_MAX);
        vv_type_name(&schema->fields[i].type, &type);
        vv_buf_adds(html, i == 0 ? "" : ", ");
        add_text(html, schema->fields[i].name);
        vv_buf_addc(html, ' ');
        add_text(html, vv_buf_ok(&type) ? vv_buf_str(&type) : VV_STR_LOST);
    }
    vv_buf_adds(html, ".</p>\n<p>Files, in the folder ");
    add_text(html, table->folder);
    vv_buf_adds(html,
        ": rows.csv and rows.parquet (the rows, twice the same), commits.csv (who committed "
        "what and when, and the hashes), log/ (the commits, byte for byte), seal.json (the "
        "head)");
    vv_buf_adds(html, table->seals > 0 ? ", seals.ndjson (heads that were noted earlier)" : "");
    if (!run->request->without_sources)
        vv_buf_adds(html, ", sources/ (the data files that the rows were read from, byte for "
                          "byte), sources.csv (a line for each of them)");
    if (!run->request->without_changes)
        vv_buf_adds(html,
            ", changes/ (what each version did to the rows, as CSV and Parquet, a pair of "
            "files for some versions, which their names give), changes-files.csv (the data "
            "files that this was read from)");
    vv_buf_adds(html, ".</p>\n");
}

static void add_steps(struct vv_buf *html, const struct vv_export_run *run)
{
    vv_buf_adds(html,
        "<h2>How to check it</h2>\n<p>With sha256sum and openssl; nothing of Varve is "
        "needed.</p>\n<ol>\n");
    for (size_t i = 0; i < VV_COUNT(steps); i++) {
        if (steps[i].is_signed && run->request->key_file == NULL)
            continue;
        vv_buf_adds(html, "<li><b>");
        add_text(html, vv_str_of(steps[i].title));
        vv_buf_adds(html, ".</b> ");
        add_text(html, vv_str_of(steps[i].text));
        vv_buf_adds(html, "\n<pre>");
        add_text(html, vv_str_of(steps[i].shell));
        vv_buf_adds(html, "</pre></li>\n");
    }
    vv_buf_adds(html, "</ol>\n");
}

static void add_limits(struct vv_buf *html, const struct vv_export_run *run)
{
    vv_buf_adds(html,
        "<h2>What that proves</h2>\n<p>That the files here are those that were exported; that "
        "the commits were written one after the other as they are, each after the one before; "
        "that the source files are those which these commits name. A head that somebody else "
        "has noted since, or a signature, proves that nothing up to it was written anew. The "
        "times and names in a commit are the word of the computer that wrote it.</p>\n"
        "<p>That rows.csv and rows.parquet hold the rows of the source files is the word of "
        "who made the export");
    vv_buf_adds(html, run->request->key_file != NULL ? ", with their signature" : "");
    vv_buf_adds(html,
        ". It can be looked at with any reader of Parquet: the rows of the files in "
        "sources.csv, "
        "within the range, but for those that a deletion vector takes away; the values of the "
        "columns that the table is partitioned by stand in the names of the folders.");
    if (!run->request->without_changes)
        vv_buf_adds(html,
            " The same holds for what is in changes/. The data files that it was read from are "
            "not here but for those in sources/: they were looked at when it was made, and "
            "changes-files.csv has the SHA-256 of each, which a commit states; whoever has the "
            "table can be asked for them.");
    vv_buf_adds(html, "</p>\n");
}

static void add_head(struct vv_op *op, struct vv_buf *html, const struct vv_export_run *run)
{
    struct vv_str user = run->lake->user.ptr != NULL ? run->lake->user : vv_os_user(&op->arena);
    vv_buf_adds(html,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<title>Export of a Varve lake</title>\n<style>\n"
        "body { font-family: sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; }\n"
        "table { border-collapse: collapse; }\n"
        "th, td { text-align: left; vertical-align: top; padding: 0.2em 1em 0.2em 0; }\n"
        "td { overflow-wrap: anywhere; }\n"
        "pre { background: #f4f4f4; padding: 0.8em; overflow-x: auto; }\n"
        "</style>\n</head>\n<body>\n<h1>Export of a Varve "
        "lake</h1>\n<table>\n<tr><th>made</th><td>");
    add_time(html, run->made_us);
    vv_buf_adds(html, "</td></tr>\n");
    add_row(html, "by", user);
    if (run->lake->message.len > 0)
        add_row(html, "message", run->lake->message);
    add_row(html, "lake", run->lake->store->location);
    add_row(html, "with", VV_STR("Varve " VARVE_VERSION));
    add_row(html, "signed",
        run->request->key_file != NULL ? VV_STR("yes: SHA256SUMS.sig, by the key key.pub")
                                       : VV_STR("no"));
    vv_buf_adds(html,
        "</table>\n<p>manifest.json says the same to programs, with the size and the "
        "SHA-256 of each file.</p>\n");
}

varve_status vv_export_index(struct vv_op *op, struct vv_export_run *run)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf html = VV_BUF_INIT(VV_BUF_MAX);
    add_head(op, &html, run);
    for (size_t i = 0; i < run->tables.len; i++)
        add_table_html(&html, run, run->tables.items[i]);
    add_steps(&html, run);
    add_limits(&html, run);
    vv_buf_adds(&html, "</body>\n</html>\n");
    if (!vv_buf_ok(&html))
        return vv_fail_memory(op);
    return vv_export_write(op, run, VV_STR(VV_EXPORT_INDEX), vv_buf_str(&html), NULL);
}
