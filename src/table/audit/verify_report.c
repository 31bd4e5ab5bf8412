/*
 * What was found, as JSON or for people: the answer first.
 */
#include "base/json_write.h"
#include "base/number.h"
#include "base/time.h"
#include "table/audit/verify_run.h"

static const char *const cover_names[VV_COVERS] = {[VV_COVER_CHAINED] = "chained",
    [VV_COVER_FOREIGN] = "foreign_covered",
    [VV_COVER_UNCOVERED] = "foreign_not_covered",
    [VV_COVER_TAIL] = "foreign_tail",
    [VV_COVER_LEDGER] = "cleaned_proven",
    [VV_COVER_UNPROVEN] = "cleaned_not_covered",
    [VV_COVER_GONE] = "cleaned_unproven",
    [VV_COVER_BROKEN] = "broken"};

static const char *const cover_texts[VV_COVERS] = {[VV_COVER_CHAINED] = "chained",
    [VV_COVER_FOREIGN] = "by other software, covered by a later commit of Varve",
    [VV_COVER_UNCOVERED] = "by other software, not covered",
    [VV_COVER_TAIL] = "by other software since Varve's last, not covered yet",
    [VV_COVER_LEDGER] = "cleaned up, proven by the ledger",
    [VV_COVER_UNPROVEN] = "cleaned up, in the ledger, not covered",
    [VV_COVER_GONE] = "cleaned up, gone, not proven",
    [VV_COVER_BROKEN] = "altered by what the next link says, or can't be read"};

static void add_time(struct vv_buf *out, int64_t ms)
{
    char text[32];
    size_t len = vv_time_format_ms(ms, text);
    vv_buf_add(out, (struct vv_str){text, len});
}

/* ---- JSON ---------------------------------------------------------------------------------------- */

static void write_time(struct vv_json_writer *writer, const char *key, int64_t ms)
{
    char text[32];
    size_t len = ms == VV_NO_TIME ? 0 : vv_time_format_ms(ms, text);
    vv_jw_key_string(writer, key, len > 0 ? (struct vv_str){text, len} : VV_STR_NONE);
}

static void write_commits(struct vv_json_writer *writer, const struct vv_chain_walk *chain)
{
    vv_jw_key(writer, "commits");
    vv_jw_object(writer);
    for (int i = 0; i < VV_COVERS; i++)
        vv_jw_key_int(writer, cover_names[i], chain->counts[i]);
    vv_jw_end(writer);
    vv_jw_key(writer, "ranges");
    vv_jw_array(writer);
    for (size_t i = 0; i < chain->ranges.len; i++) {
        const struct vv_cover_range *range = &chain->ranges.items[i];
        vv_jw_object(writer);
        vv_jw_key_int(writer, "from", range->from);
        vv_jw_key_int(writer, "to", range->to);
        vv_jw_key_string(writer, "state", vv_str_of(cover_names[range->cover]));
        if (range->by != VV_NO_VERSION)
            vv_jw_key_int(writer, "covered_by", range->by);
        vv_jw_end(writer);
    }
    vv_jw_end(writer);
}

static void write_sizes(struct vv_json_writer *writer, const struct vv_verify_sizes *sizes)
{
    vv_jw_key(writer, "checked");
    vv_jw_object(writer);
    vv_jw_key_int(writer, "files", sizes->files);
    vv_jw_key_int(writer, "bytes", sizes->bytes);
    vv_jw_key_int(writer, "hashed", sizes->hashed);
    vv_jw_key_int(writer, "without_hash", sizes->without_hash);
    vv_jw_key_int(writer, "outside", sizes->outside);
    vv_jw_key_int(writer, "deletion_vectors", sizes->vectors);
    vv_jw_key_int(writer, "checkpoints", sizes->checkpoints);
    vv_jw_key_int(writer, "ledger_files", sizes->ledger_files);
    vv_jw_end(writer);
    vv_jw_key_int(writer, "files_vacuumed", sizes->vacuumed);
    vv_jw_key_int(writer, "readable_from", sizes->readable_from);
}

static void write_findings(struct vv_json_writer *writer, const struct vv_verify_run *run)
{
    vv_jw_key(writer, "findings");
    vv_jw_array(writer);
    for (size_t i = 0; i < run->findings.len; i++) {
        const struct vv_finding *finding = &run->findings.items[i];
        vv_jw_object(writer);
        vv_jw_key_string(writer, "kind", vv_str_of(finding->kind));
        vv_jw_key_bool(writer, "wrong", finding->judged == VV_WRONG);
        vv_jw_key_bool(writer, "unread", finding->judged == VV_UNREAD);
        vv_jw_key(writer, "version");
        if (finding->version == VV_NO_VERSION)
            vv_jw_null(writer);
        else
            vv_jw_int(writer, finding->version);
        vv_jw_key_string(writer, "file", finding->file.len > 0 ? finding->file : VV_STR_NONE);
        vv_jw_key_string(writer, "message", finding->message);
        vv_jw_end(writer);
    }
    vv_jw_end(writer);
    vv_jw_key(writer, "unreferenced");
    vv_jw_array(writer);
    for (size_t i = 0; i < run->unreferenced.len; i++) {
        vv_jw_object(writer);
        vv_jw_key_string(writer, "file", run->unreferenced.items[i].key);
        vv_jw_key_int(writer, "bytes", run->unreferenced.items[i].bytes);
        vv_jw_end(writer);
    }
    vv_jw_end(writer);
}

static void report_json(const struct vv_verify_run *run, struct vv_buf *out)
{
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(out);
    vv_jw_object(&writer);
    vv_jw_key_string(&writer, "table", run->request->table);
    vv_jw_key_string(&writer, "location", run->log->store->location);
    vv_jw_key_bool(&writer, "whole", run->result.is_whole);
    vv_jw_key_bool(&writer, "deep", run->request->is_deep);
    vv_jw_key_int(&writer, "first_version", run->first_version);
    vv_jw_key_int(&writer, "version", run->last_version);
    write_time(&writer, "since", run->first_ms);
    write_time(&writer, "until", run->last_ms);
    /* What is damaged is nothing to note. */
    vv_jw_key_string(&writer, "head",
        run->result.is_whole ? vv_str_of(run->result.head) : VV_STR_NONE);
    if (run->request->head.len > 0) {
        vv_jw_key(&writer, "noted_head_version");
        if (run->result.head_version == VV_NO_VERSION)
            vv_jw_null(&writer);
        else
            vv_jw_int(&writer, run->result.head_version);
    }
    if (run->request->is_signed)
        vv_jw_key_bool(&writer, "signature_valid", true);
    vv_jw_key(&writer, "not_proven_from");
    if (vv_verify_open_from(run) > run->last_version)
        vv_jw_null(&writer);
    else
        vv_jw_int(&writer, vv_verify_open_from(run));
    vv_jw_key_int(&writer, "wrong", (int64_t)run->wrong);
    vv_jw_key_int(&writer, "unread", (int64_t)run->unread);
    write_commits(&writer, &run->chain);
    write_sizes(&writer, &run->sizes);
    write_findings(&writer, run);
    vv_jw_key_int(&writer, "unreferenced_files", (int64_t)run->unreferenced_len);
    vv_jw_key_int(&writer, "unreferenced_bytes", run->unreferenced_bytes);
    vv_jw_end(&writer);
    vv_buf_addc(out, '\n');
}

/* ---- For people ----------------------------------------------------------------------------------- */

static void add_answer(const struct vv_verify_run *run, struct vv_buf *out)
{
    int64_t versions = run->last_version - run->first_version + 1;
    vv_buf_addf(out, "%.*s: ", VV_ARG(run->request->table));
    if (run->wrong > 0)
        vv_buf_addf(out, "NOT WHOLE: %zu thing%s wrong, ", run->wrong,
            run->wrong == 1 ? " is" : "s are");
    if (run->unread > 0)
        vv_buf_addf(out, "COULD NOT BE JUDGED: %zu thing%s not readable, ", run->unread,
            run->unread == 1 ? " is" : "s are");
    vv_buf_addf(out, "%" PRId64 " version%s, %" PRId64 " to %" PRId64, versions,
        vv_plural(versions), run->first_version, run->last_version);
    if (run->result.is_whole && !vv_verify_has_commits(run)) {
        vv_buf_adds(out, ", nothing found wrong, but no commit is left that could prove it");
    } else if (run->result.is_whole) {
        vv_buf_adds(out, run->request->is_deep ? ", whole: nothing found altered since "
                                               : ", whole: no commit found altered since ");
        add_time(out, run->first_ms);
    }
    vv_buf_addc(out, '\n');
}

static void add_findings(const struct vv_verify_run *run, enum vv_judgement judged,
    const char *mark, struct vv_buf *out)
{
    for (size_t i = 0; i < run->findings.len; i++)
        if (run->findings.items[i].judged == judged)
            vv_buf_addf(out, "  %s %.*s\n", mark, VV_ARG(run->findings.items[i].message));
    size_t all = judged == VV_WRONG ? run->wrong : judged == VV_TOLD ? run->told : run->unread;
    if (run->findings.len == VV_FINDINGS_MAX && all > 0)
        vv_buf_addf(out, "  %s (%zu in all; only the first %d findings are told)\n", mark, all,
            VV_FINDINGS_MAX);
}

static void add_commits(const struct vv_chain_walk *chain, struct vv_buf *out)
{
    for (int cover = 0; cover < VV_COVERS; cover++) {
        if (chain->counts[cover] == 0)
            continue;
        vv_buf_addf(out, "  %" PRId64 " commit%s %s", chain->counts[cover],
            vv_plural(chain->counts[cover]), cover_texts[cover]);
        const char *between = ": ";
        size_t told = 0;
        for (size_t i = 0; i < chain->ranges.len && told < 8; i++) {
            const struct vv_cover_range *range = &chain->ranges.items[i];
            if ((int)range->cover != cover)
                continue;
            vv_buf_addf(out, "%s%" PRId64, between, range->from);
            if (range->to > range->from)
                vv_buf_addf(out, " to %" PRId64, range->to);
            if (range->by != VV_NO_VERSION)
                vv_buf_addf(out, " (by %" PRId64 ")", range->by);
            between = ", ";
            told++;
        }
        vv_buf_adds(out, told == 8 ? ", ...\n" : "\n");
    }
}

static void add_files(const struct vv_verify_run *run, struct vv_buf *out)
{
    const struct vv_verify_sizes *sizes = &run->sizes;
    vv_buf_addf(out, "  %" PRId64 " file%s, %s, by %s size", sizes->files,
        vv_plural(sizes->files), vv_size_text(sizes->bytes).chars,
        sizes->files == 1 ? "its" : "their");
    if (run->request->is_deep)
        vv_buf_addf(out, "; %" PRId64 " by their SHA-256", sizes->hashed);
    else
        vv_buf_adds(out, " alone (--deep computes their SHA-256)");
    if (sizes->without_hash > 0)
        vv_buf_addf(out, "; %" PRId64 " of other software have no SHA-256 on record",
            sizes->without_hash);
    if (sizes->outside > 0)
        vv_buf_addf(out, "; %" PRId64 " lie outside the table's folder", sizes->outside);
    vv_buf_addc(out, '\n');
    if (sizes->vacuumed > 0)
        vv_buf_addf(out,
            "  %" PRId64
            " files are gone by a vacuum or the end of the retention: versions before "
            "%" PRId64 " can't all be read\n",
            sizes->vacuumed, sizes->readable_from);
}

static void add_unreferenced(const struct vv_verify_run *run, struct vv_buf *out)
{
    if (run->unreferenced_len == 0 || run->is_blind)
        return;
    vv_buf_addf(out, "  %s %zu file%s (%s) that nothing names:\n",
        run->request->is_strict ? "!" : "-", run->unreferenced_len,
        vv_plural((int64_t)run->unreferenced_len), vv_size_text(run->unreferenced_bytes).chars);
    for (size_t i = 0; i < run->unreferenced.len && i < 20; i++)
        vv_buf_addf(out, "      %.*s\n", VV_ARG(run->unreferenced.items[i].key));
    if (run->unreferenced_len > 20)
        vv_buf_adds(out, "      ... (--json names more)\n");
}

/* What a link reaches stands and falls with the newest commit, which only a head proves. */
static void add_proof(const struct vv_verify_run *run, struct vv_buf *out)
{
    int64_t noted = run->result.head_version;
    int64_t last = run->last_version;
    if (noted == last)
        vv_buf_addf(out,
            "  the noted head is that of version %" PRId64
            ", the newest: it proves it, and all "
            "that is chained to it\n",
            noted);
    else if (noted != VV_NO_VERSION)
        vv_buf_addf(out,
            "  the noted head is that of version %" PRId64 ": it proves what is chained up to "
            "it, and nothing of %" PRId64 " to %" PRId64 "\n",
            noted, noted + 1, last);
    else if (vv_verify_open_from(run) < last)
        vv_buf_addf(out,
            "  versions %" PRId64 " to %" PRId64
            ", the newest: only a head noted elsewhere proves them (varve seal)\n",
            vv_verify_open_from(run), last);
    else
        vv_buf_addf(out,
            "  version %" PRId64
            ", the newest: only a head noted elsewhere proves it (varve seal)\n",
            last);
}

static void report_text(const struct vv_verify_run *run, struct vv_buf *out)
{
    add_answer(run, out);
    add_findings(run, VV_WRONG, "!", out);
    add_findings(run, VV_UNREAD, "?", out);
    add_commits(&run->chain, out);
    add_files(run, out);
    add_findings(run, VV_TOLD, "-", out);
    add_unreferenced(run, out);
    if (!run->is_blind && vv_verify_has_commits(run))
        add_proof(run, out);
    if (run->request->is_signed)
        vv_buf_adds(out, "  the signature of the noted head is right\n");
    if (run->result.is_whole && run->result.head[0] != '\0')
        vv_buf_addf(out, "  head %s\n", run->result.head);
}

varve_status vv_verify_report(struct vv_op *op, const struct vv_verify_run *run,
    struct vv_buf *out)
{
    if (run->request->as_json)
        report_json(run, out);
    else
        report_text(run, out);
    return vv_buf_ok(out) ? VARVE_OK : vv_fail_memory(op);
}
