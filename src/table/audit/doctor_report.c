/*
 * What the doctor says, as JSON or for people.
 */
#include "base/json_write.h"
#include "base/number.h"
#include "table/audit/doctor_run.h"

static const char *const support_words[] = {
    [VV_SUPPORT_NO] = "no", [VV_SUPPORT_PARTLY] = "partly", [VV_SUPPORT_YES] = "yes"};

/* ---- JSON ---------------------------------------------------------------------------------------- */

static void write_names(struct vv_json_writer *writer, const char *key, struct vv_str names)
{
    struct vv_str name;
    vv_jw_key(writer, key);
    vv_jw_array(writer);
    while (names.len > 0 && vv_str_split(&names, ',', &name))
        vv_jw_string(writer, vv_str_trim(name));
    vv_jw_end(writer);
}

static void write_features(struct vv_json_writer *writer, const struct vv_doctor_run *run)
{
    vv_jw_key(writer, "features");
    vv_jw_array(writer);
    for (size_t i = 0; i < run->features_len; i++) {
        const struct vv_feature_state *feature = &run->features[i];
        vv_jw_object(writer);
        vv_jw_key_string(writer, "name", feature->name);
        vv_jw_key_bool(writer, "reader", feature->is_reader);
        vv_jw_key(writer, "in_use");
        if (feature->use == VV_FEATURE_UNKNOWN)
            vv_jw_null(writer);
        else
            vv_jw_bool(writer, feature->use == VV_FEATURE_IN_USE);
        vv_jw_end(writer);
    }
    vv_jw_end(writer);
}

static void write_engines(struct vv_json_writer *writer, const struct vv_doctor_run *run)
{
    vv_jw_key(writer, "engines");
    vv_jw_array(writer);
    for (size_t i = 0; i < run->engines.len; i++) {
        const struct vv_doctor_engine *engine = &run->engines.items[i];
        vv_jw_object(writer);
        vv_jw_key_string(writer, "engine", vv_str_of(engine->name));
        vv_jw_key_string(writer, "version", vv_str_of(engine->version));
        vv_jw_key_string(writer, "read", vv_str_of(support_words[engine->read]));
        vv_jw_key_string(writer, "read_note", engine->read_note);
        vv_jw_key_string(writer, "write", vv_str_of(support_words[engine->write]));
        vv_jw_key_string(writer, "write_note", engine->write_note);
        vv_jw_key_bool(writer, "together", engine->is_safe_together);
        vv_jw_key_string(writer, "together_note", vv_str_of(engine->together));
        vv_jw_end(writer);
    }
    vv_jw_end(writer);
}

static void write_since(struct vv_json_writer *writer, const char *key, int32_t since)
{
    char text[16];
    int len = snprintf(text, sizeof(text), "%d.%d", since / 100, since % 100);
    vv_jw_key_string(writer, key, since > 0 ? (struct vv_str){text, (size_t)len} : VV_STR_NONE);
}

static void write_upgrades(struct vv_json_writer *writer, const struct vv_doctor_run *run)
{
    vv_jw_key(writer, "upgrades");
    vv_jw_array(writer);
    for (size_t i = 0; i < run->upgrades.len; i++) {
        const struct vv_doctor_upgrade *upgrade = &run->upgrades.items[i];
        vv_jw_object(writer);
        vv_jw_key_string(writer, "feature", vv_str_of(upgrade->feature));
        write_names(writer, "readers_lost", upgrade->lost_readers);
        write_names(writer, "writers_lost", upgrade->lost_writers);
        write_since(writer, "delta_to_read", upgrade->spark_read_since);
        write_since(writer, "delta_to_write", upgrade->spark_write_since);
        vv_jw_end(writer);
    }
    vv_jw_end(writer);
}

static void write_checks(struct vv_json_writer *writer, const struct vv_doctor_run *run)
{
    vv_jw_key(writer, "health");
    vv_jw_array(writer);
    for (size_t i = 0; i < run->checks.len; i++) {
        const struct vv_doctor_check *check = &run->checks.items[i];
        vv_jw_object(writer);
        vv_jw_key_string(writer, "check", vv_str_of(check->name));
        vv_jw_key_bool(writer, "good", check->state == VV_DOCTOR_GOOD);
        vv_jw_key_int(writer, "count", check->count);
        vv_jw_key_string(writer, "message", check->message);
        vv_jw_key_string(writer, "advice", check->advice.len > 0 ? check->advice : VV_STR_NONE);
        vv_jw_end(writer);
    }
    vv_jw_end(writer);
}

static void report_json(const struct vv_doctor_run *run, struct vv_buf *out)
{
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(out);
    const struct vv_protocol *protocol = run->snapshot->protocol;
    vv_jw_object(&writer);
    vv_jw_key_string(&writer, "table", run->request->table);
    vv_jw_key_string(&writer, "location", run->log->store->location);
    vv_jw_key_int(&writer, "version", run->result.version);
    vv_jw_key_int(&writer, "files", (int64_t)run->snapshot->files_len);
    vv_jw_key_int(&writer, "bytes", run->bytes);
    vv_jw_key_int(&writer, "minReaderVersion", protocol->min_reader);
    vv_jw_key_int(&writer, "minWriterVersion", protocol->min_writer);
    write_features(&writer, run);
    write_engines(&writer, run);
    write_upgrades(&writer, run);
    write_checks(&writer, run);
    vv_jw_key_int(&writer, "ailments", (int64_t)run->result.ailments);
    vv_jw_key_int(&writer, "times_fixed", (int64_t)run->result.times_fixed);
    vv_jw_end(&writer);
    vv_buf_addc(out, '\n');
}

/* ---- For people ---------------------------------------------------------------------------------- */

static void add_head(const struct vv_doctor_run *run, struct vv_buf *out)
{
    const struct vv_protocol *protocol = run->snapshot->protocol;
    vv_buf_addf(out,
        "%.*s: version %" PRId64 ", %zu file%s, reader %d, writer %d, %zu ailment%s\n",
        VV_ARG(run->request->table), run->result.version, run->snapshot->files_len,
        vv_plural((int64_t)run->snapshot->files_len), protocol->min_reader,
        protocol->min_writer, run->result.ailments, vv_plural((int64_t)run->result.ailments));
}

static void add_features(const struct vv_doctor_run *run, struct vv_buf *out)
{
    static const char *const uses[] = {[VV_FEATURE_LISTED] = "listed, not in use",
        [VV_FEATURE_IN_USE] = "in use",
        [VV_FEATURE_UNKNOWN] = "listed"};
    vv_buf_adds(out, run->features_len > 0 ? "features\n" : "");
    for (size_t i = 0; i < run->features_len; i++)
        vv_buf_addf(out, "  %-24.*s %s%s\n", VV_ARG(run->features[i].name),
            uses[run->features[i].use], run->features[i].is_reader ? ", for readers too" : "");
}

static void add_ability(const char *verb, enum vv_support support, struct vv_str note,
    struct vv_buf *out)
{
    if (support == VV_SUPPORT_NO)
        vv_buf_addf(out, "does not %s", verb);
    else
        vv_buf_addf(out, "%ss%s", verb, support == VV_SUPPORT_PARTLY ? " in part" : "");
    if (note.len > 0)
        vv_buf_addf(out, " (%.*s)", VV_ARG(note));
}

static void add_engines(const struct vv_doctor_run *run, struct vv_buf *out)
{
    vv_buf_adds(out, "who reads and writes it\n");
    for (size_t i = 0; i < run->engines.len; i++) {
        const struct vv_doctor_engine *engine = &run->engines.items[i];
        int len = (int)strlen(engine->name) + (int)strlen(engine->version) + 3;
        vv_buf_addf(out, "  %s (%s)%*s ", engine->name, engine->version,
            len < 32 ? 32 - len : 0, "");
        add_ability("read", engine->read, engine->read_note, out);
        vv_buf_adds(out, ", ");
        add_ability("write", engine->write, engine->write_note, out);
        vv_buf_addc(out, '\n');
        if (engine->together[0] != '\0')
            vv_buf_addf(out, "  %34s at the same time%s: %s\n", "",
                engine->is_safe_together ? "" : " NOT SAFE as it comes", engine->together);
    }
}

static void add_rise(const char *what, int32_t since, struct vv_buf *out)
{
    if (since > 0)
        vv_buf_addf(out, "; Spark %s from Delta %d.%d on", what, since / 100, since % 100);
}

static void add_upgrades(const struct vv_doctor_run *run, struct vv_buf *out)
{
    vv_buf_adds(out, run->upgrades.len > 0 ? "what a further feature would cost\n" : "");
    for (size_t i = 0; i < run->upgrades.len; i++) {
        const struct vv_doctor_upgrade *upgrade = &run->upgrades.items[i];
        bool is_free = upgrade->lost_readers.len + upgrade->lost_writers.len == 0;
        vv_buf_addf(out, "  %-24s ", upgrade->feature);
        vv_buf_adds(out, is_free ? "nobody is lost" : "");
        if (upgrade->lost_readers.len > 0)
            vv_buf_addf(out, "reads less or not: %.*s", VV_ARG(upgrade->lost_readers));
        if (upgrade->lost_writers.len > 0)
            vv_buf_addf(out, "%swrites less or not: %.*s",
                upgrade->lost_readers.len > 0 ? "; " : "", VV_ARG(upgrade->lost_writers));
        add_rise("reads", upgrade->spark_read_since, out);
        add_rise("writes", upgrade->spark_write_since, out);
        vv_buf_addc(out, '\n');
    }
}

static void add_checks(const struct vv_doctor_run *run, struct vv_buf *out)
{
    vv_buf_adds(out, "health\n");
    for (size_t i = 0; i < run->checks.len; i++) {
        const struct vv_doctor_check *check = &run->checks.items[i];
        vv_buf_addf(out, "  %s %.*s\n", check->state == VV_DOCTOR_AILS ? "!" : "-",
            VV_ARG(check->message));
        if (check->advice.len > 0)
            vv_buf_addf(out, "    %.*s\n", VV_ARG(check->advice));
    }
}

void vv_doctor_report(const struct vv_doctor_run *run, struct vv_buf *out)
{
    if (run->request->as_json) {
        report_json(run, out);
        return;
    }
    add_head(run, out);
    add_features(run, out);
    add_engines(run, out);
    add_upgrades(run, out);
    add_checks(run, out);
}
