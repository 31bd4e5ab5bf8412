/*
 * What is in a spool, for people, without owning it: another process may append, seal and remove
 * at the same time. Files are read, not mapped, since they may be cut under a reader; one that is
 * gone meanwhile was flushed.
 */
#include "base/json_write.h"
#include "base/time.h"
#include "ingest/spool_state.h"

#define JSON_BYTES_MAX ((size_t)64 << 20)

struct inspection {
    struct vv_journal *journal;
    struct vv_spool_header header;
    bool is_owned;
    bool is_sound;
    int64_t segments, rows, bytes;
    int64_t oldest_arrival_us, newest_arrival_us;
    struct vv_json_writer json;
};

static void write_time(struct vv_json_writer *json, const char *key, int64_t us)
{
    char text[32];
    if (us == INT64_MIN) {
        vv_jw_key_string(json, key, VV_STR_NONE);
        return;
    }
    size_t len = vv_time_format_us(us, text);
    vv_jw_key_string(json, key, (struct vv_str){text, len});
}

/* What is wrong with a segment whose records have been read up to the cursor; NULL: nothing. */
static const char *find_fault(const struct inspection *inspection, struct vv_str content,
    const struct vv_segment_head *head, const struct vv_segment_cursor *cursor,
    enum vv_segment_step step)
{
    if (step == VV_SEGMENT_STEP_BAD &&
        (head->state == VV_SEGMENT_SEALED || inspection->is_owned ||
            cursor->at < head->durable_bytes))
        return cursor->fault;
    if (step != VV_SEGMENT_STEP_END && head->state == VV_SEGMENT_SEALED)
        return "the rest of the segment is missing";
    if (step != VV_SEGMENT_STEP_END && cursor->at < head->durable_bytes)
        return "records that had been synced are missing";
    if (step == VV_SEGMENT_STEP_END && vv_segment_bytes_behind(content, cursor->at) > 0)
        return "there is something behind its end";
    return NULL;
}

static void report_segment(struct inspection *inspection, struct vv_str name, uint64_t number,
    struct vv_str content)
{
    struct vv_json_writer *json = &inspection->json;
    struct vv_segment_head head = {0};
    struct vv_segment_cursor cursor;
    struct vv_spool_record record;
    enum vv_segment_step step;
    vv_segment_cursor_init(&cursor, content, inspection->header.key, number);
    const char *fault = NULL;
    bool has_head = vv_segment_head_read(content, &head) && head.number == number;
    do
        step = vv_segment_next(&cursor, &record);
    while (step == VV_SEGMENT_STEP_RECORD);
    if (!has_head)
        fault = "neither of its two slots is whole";
    else
        fault = find_fault(inspection, content, &head, &cursor, step);
    if (fault == NULL && cursor.counts.rows == 0)
        return; /* made ahead */

    bool is_sealed = has_head && head.state == VV_SEGMENT_SEALED;
    vv_jw_object(json);
    vv_jw_key_int(json, "segment", (int64_t)number);
    vv_jw_key_string(json, "file", name);
    vv_jw_key_string(json, "state", vv_str_of(is_sealed ? "sealed" : "open"));
    vv_jw_key_int(json, "rows", (int64_t)cursor.counts.rows);
    vv_jw_key_int(json, "bytes", (int64_t)cursor.at);
    vv_jw_key_int(json, "first_sequence", (int64_t)cursor.counts.first_sequence);
    vv_jw_key_int(json, "last_sequence", (int64_t)cursor.counts.last_sequence);
    write_time(json, "oldest", cursor.counts.first_arrival_us);
    write_time(json, "newest", cursor.counts.last_arrival_us);
    vv_jw_key_string(json, "damage", vv_str_of(fault));
    if (fault != NULL)
        vv_jw_key_int(json, "damage_offset", (int64_t)cursor.at);
    vv_jw_end(json);
    inspection->is_sound = inspection->is_sound && fault == NULL;
    inspection->segments++;
    inspection->rows += (int64_t)cursor.counts.rows;
    inspection->bytes += (int64_t)cursor.at;
    if (inspection->oldest_arrival_us == INT64_MIN)
        inspection->oldest_arrival_us = cursor.counts.first_arrival_us;
    if (cursor.counts.last_arrival_us > inspection->newest_arrival_us)
        inspection->newest_arrival_us = cursor.counts.last_arrival_us;
}

/* Of the files of a number the youngest counts, unless it never got its slot. */
static varve_status inspect_number(struct vv_op *op, struct inspection *inspection,
    const struct vv_str *names, size_t names_len, uint64_t number)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(VV_OP_BYTES_DEFAULT);
    for (size_t i = names_len; i-- > 0;) {
        uint64_t of;
        uint32_t generation;
        struct vv_str content;
        struct vv_segment_head head;
        if (!vv_spool_segment_name_parse(names[i], &of, &generation) || of != number)
            continue;
        varve_status status =
            vv_journal_read(op, inspection->journal, &arena, names[i], &content);
        if (status == VARVE_ENOTFOUND) {
            vv_forgive(op);
            continue;
        }
        VV_TRY(status);
        bool has_older = i > 0 && vv_spool_segment_name_parse(names[i - 1], &of, &generation) &&
                         of == number;
        if (has_older && !vv_segment_head_read(content, &head))
            continue;
        report_segment(inspection, names[i], number, content);
        return VARVE_OK;
    }
    return VARVE_OK;
}

static varve_status inspect_segments(struct vv_op *op, struct inspection *inspection)
{
    struct vv_str *names;
    size_t names_len;
    uint64_t before = 0;
    VV_TRY(vv_journal_list(op, inspection->journal, &op->arena, &names, &names_len));
    for (size_t i = 0; i < names_len; i++) {
        uint64_t number;
        uint32_t generation;
        if (!vv_spool_segment_name_parse(names[i], &number, &generation) || number == before ||
            number >= inspection->header.next_number)
            continue;
        VV_TRY(vv_check_cancel(op));
        VV_TRY(inspect_number(op, inspection, names, names_len, number));
        before = number;
    }
    return VARVE_OK;
}

static void write_id(struct vv_json_writer *json, const unsigned char id[VV_SPOOL_KEY_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    char text[2 * VV_SPOOL_KEY_BYTES];
    for (size_t i = 0; i < VV_SPOOL_KEY_BYTES; i++) {
        text[2 * i] = digits[id[i] >> 4];
        text[2 * i + 1] = digits[id[i] & 15];
    }
    vv_jw_key_string(json, "id", (struct vv_str){text, sizeof(text)});
}

/* The file that nobody owns since it is missing; a folder without segments is no spool. */
static varve_status check_missing(struct vv_op *op, const struct inspection *inspection)
{
    bool is_unbegun = false;
    vv_forgive(op);
    VV_TRY(vv_spool_is_unbegun(op, inspection->journal, VV_STR(""), &is_unbegun));
    return is_unbegun ? vv_fail(op, VARVE_ENOTFOUND, "%s is no spool",
                            inspection->journal->location.ptr)
                      : VARVE_OK;
}

static varve_status inspect_header(struct vv_op *op, struct inspection *inspection)
{
    struct vv_str bytes = VV_STR_NONE;
    struct vv_str owner = VV_STR_NONE;
    struct vv_str name = VV_STR(VV_SPOOL_HEADER_NAME);
    varve_status status = vv_journal_read(op, inspection->journal, &op->arena, name, &bytes);
    if (status == VARVE_OK)
        status = vv_journal_owner(op, inspection->journal, &op->arena, name, &owner);
    if (status == VARVE_ENOTFOUND)
        status = check_missing(op, inspection);
    VV_TRY(status);
    inspection->is_owned = owner.ptr != NULL;
    bool is_whole = vv_spool_header_read(bytes, &inspection->header);
    struct vv_json_writer *json = &inspection->json;
    vv_jw_key_string(json, "spool", inspection->journal->location);
    vv_jw_key_string(json, "owner", owner);
    bool is_unbegun = false;
    if (!is_whole)
        VV_TRY(vv_spool_is_unbegun(op, inspection->journal, bytes, &is_unbegun));
    if (is_unbegun) {
        vv_jw_key_string(json, "note", VV_STR("never begun: it has held no row"));
        return VARVE_OK;
    }
    if (!is_whole) {
        inspection->is_sound = false;
        inspection->header.next_number = UINT64_MAX;
        vv_jw_key_string(json, "damage", VV_STR("no slot of the file \"spool\" is whole"));
        return VARVE_OK;
    }
    write_id(json, inspection->header.id);
    vv_jw_key_int(json, "next_segment", (int64_t)inspection->header.next_number);
    vv_jw_key_bool(json, "refused", inspection->header.is_disowned);
    return VARVE_OK;
}

static varve_status inspect(struct vv_op *op, struct inspection *inspection)
{
    struct vv_json_writer *json = &inspection->json;
    vv_jw_object(json);
    VV_TRY(inspect_header(op, inspection));
    vv_jw_key(json, "segments");
    vv_jw_array(json);
    VV_TRY(inspect_segments(op, inspection));
    vv_jw_end(json);
    vv_jw_key_int(json, "segments_waiting", inspection->segments);
    vv_jw_key_int(json, "rows_waiting", inspection->rows);
    vv_jw_key_int(json, "bytes_waiting", inspection->bytes);
    write_time(json, "oldest", inspection->oldest_arrival_us);
    write_time(json, "newest", inspection->newest_arrival_us);
    vv_jw_key_bool(json, "sound", inspection->is_sound);
    vv_jw_end(json);
    return VARVE_OK;
}

varve_status vv_spool_inspect(struct vv_op *op, struct vv_str folder, struct vv_arena *arena,
    struct vv_str *out_json, bool *out_is_sound)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(JSON_BYTES_MAX);
    VV_CLEANUP(vv_journal_close) struct vv_journal *journal = NULL;
    VV_TRY(vv_journal_open(op, folder, false, false, &journal));
    struct inspection inspection = {
        .journal = journal,
        .is_sound = true,
        .oldest_arrival_us = INT64_MIN,
        .newest_arrival_us = INT64_MIN,
        .json = VV_JSON_WRITER_INIT(&text),
    };
    VV_TRY(inspect(op, &inspection));
    if (!vv_buf_ok(&text))
        return vv_fail_memory(op);
    struct vv_str json = vv_arena_str(arena, vv_buf_str(&text));
    if (json.ptr == NULL)
        return vv_fail_memory(op);
    *out_json = json;
    *out_is_sound = inspection.is_sound;
    return VARVE_OK;
}
