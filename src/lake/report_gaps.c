/*
 * Gaps: intervals in which rows were to be expected and none are.
 *
 * The sessions of a calendar, each until the next one begins at the latest, are cut into slots from
 * their opening on. A row lies in the slot that begins last at or before it; one at the very close
 * of a session, as bars are stamped at their end, in the session's last slot. Where slots are days,
 * a day of the calendar is one, from midnight to midnight of its own zone; where rows are of days,
 * without an instant, so are the slots: from midnight to midnight UTC, as which a date counts. Daily
 * bars whose instants are all midnights of UTC are such rows: in New York they would be of the
 * evening before. Each group is judged by its own rows, so both kinds of days may be in one answer.
 * What is not over yet is missing in no one's rows, nor is what the range that was asked for cuts
 * in two: the rows of the other part are not read.
 */
#include "base/time.h"
#include "engine/sql.h"
#include "lake/calendar.h"
#include "lake/report_source.h"
#include "lake/report_work.h"
#include "table/read/event_time.h"

#define DAYS_MAX 73200 /* 200 years: a row of the statement each */
#define SLOTS_MAX 20000000
#define EXPECTED_MAX 40000000

struct gaps {
    const struct vv_gaps_request *request;
    struct vv_calendar calendar;
    struct vv_report_source source;
    struct vv_report_work work;
    struct vv_span span;
    int64_t every_us;
    int64_t now_us;
    bool is_by_date; /* rows are of days by their type */
    int32_t *by;
    size_t by_len;
    struct vv_gaps_result result;
};

static void gaps_done(struct gaps *gaps)
{
    vv_report_work_close(&gaps->work);
    vv_report_close(&gaps->source);
}

static varve_status read_request(struct vv_op *op, struct gaps *gaps)
{
    const struct vv_gaps_request *request = gaps->request;
    struct vv_str calendar = request->calendar.ptr != NULL ? request->calendar : VV_STR("24x7");
    if (request->every.ptr == NULL)
        return vv_fail(op, VARVE_EUSAGE, "how often are rows expected? Say --every 1m");
    if (!vv_time_parse_duration(request->every, &gaps->every_us) || gaps->every_us < 1000000)
        return vv_fail(op, VARVE_EUSAGE,
            "\"%.*s\" is not a length of time of a second or more: say 1m",
            VV_ARG(request->every));
    if (gaps->every_us > VV_US_PER_DAY)
        return vv_fail(op, VARVE_EUSAGE, "rows are expected each day at the least: --every 1d");
    return vv_calendar_open(op, calendar, &gaps->calendar);
}

static varve_status open_source(struct vv_op *op, struct vv_lake *lake, struct gaps *gaps)
{
    const struct vv_gaps_request *request = gaps->request;
    struct vv_report_source *source = &gaps->source;
    VV_TRY(vv_report_open_any(op, lake, request->table, request->at, source));
    vv_time_tell_order(op, source->table, source->snapshot, &source->rules, source->time);
    const struct vv_field *field = &source->snapshot->schema.fields[source->time];
    gaps->is_by_date = field->type.kind == VV_TYPE_DATE;
    if (!gaps->is_by_date || gaps->every_us == VV_US_PER_DAY)
        return VARVE_OK;
    return vv_fail(op, VARVE_EUSAGE,
        "rows of table %.*s are of days (%.*s in its key is a date): say --every 1d",
        VV_ARG(source->table->name), VV_ARG(field->name));
}

/* ---- Rows ------------------------------------------------------------------------------------- */

/* "g0, g1, " of the groups, each behind a prefix. */
static void add_groups(const struct gaps *gaps, const char *prefix, struct vv_buf *sql)
{
    for (size_t i = 0; i < gaps->by_len; i++)
        vv_buf_addf(sql, "%sg%zu, ", prefix, i);
}

static void add_same_group(const struct gaps *gaps, const char *left, const char *right,
    struct vv_buf *sql)
{
    for (size_t i = 0; i < gaps->by_len; i++)
        vv_buf_addf(sql, " AND %s.g%zu IS NOT DISTINCT FROM %s.g%zu", left, i, right, i);
}

/* "SELECT g0, .., us FROM ..." of the rows of a span. */
static varve_status add_rows(struct vv_op *op, struct gaps *gaps, struct vv_span span)
{
    struct vv_buf *sql = &gaps->work.sql;
    int32_t *columns = NULL;
    size_t len = 0;
    VV_NEW(op, &columns, int32_t, gaps->by_len + 1);
    columns[len++] = gaps->source.time;
    for (size_t i = 0; i < gaps->by_len; i++)
        if (gaps->by[i] != gaps->source.time)
            columns[len++] = gaps->by[i];
    VV_TRY(vv_report_prune(op, &gaps->source, span));
    vv_buf_adds(sql, "SELECT ");
    for (size_t i = 0; i < gaps->by_len; i++)
        vv_buf_addf(sql, "c%d AS g%zu, ", gaps->by[i], i);
    vv_buf_adds(sql, "epoch_us(");
    vv_report_add_time(sql, gaps->source.time);
    vv_buf_adds(sql, ") AS us");
    return vv_report_from(op, &gaps->source, columns, len, span, sql);
}

/* Instants with rows, and how many. */
static varve_status load_rows(struct vv_op *op, struct gaps *gaps)
{
    struct vv_buf *sql = &gaps->work.sql;
    vv_buf_adds(sql, "CREATE TEMP TABLE seen AS SELECT ");
    add_groups(gaps, "", sql);
    vv_buf_adds(sql, "us, count(*) AS n FROM (");
    VV_TRY(add_rows(op, gaps, gaps->span));
    vv_buf_adds(sql, ") WHERE us IS NOT NULL GROUP BY ALL");
    return vv_report_run(op, &gaps->work);
}

/*
 * Whether the days of a group are of UTC: by its rows in the range, of one that has none there by
 * those before it.
 */
static void add_is_date(const struct gaps *gaps, struct vv_buf *sql)
{
    if (gaps->is_by_date || gaps->every_us != VV_US_PER_DAY)
        vv_buf_adds(sql, gaps->is_by_date ? "true" : "false");
    else
        vv_buf_addf(sql,
            "coalesce(bool_and(us %% 86400000000 = 0) FILTER (us >= %" PRId64 "), "
            "bool_and(us %% 86400000000 = 0), %s)",
            gaps->result.from_us,
            gaps->result.newest_us % VV_US_PER_DAY == 0 ? "true" : "false");
    vv_buf_adds(sql, " AS is_date");
}

/* The groups with their first instants, and whether their rows are of days. */
static varve_status load_groups(struct vv_op *op, struct gaps *gaps)
{
    struct vv_buf *sql = &gaps->work.sql;
    vv_buf_adds(sql, "CREATE TEMP TABLE groups AS SELECT ");
    add_groups(gaps, "", sql);
    vv_buf_adds(sql, "min(us) AS first, ");
    add_is_date(gaps, sql);
    vv_buf_adds(sql, " FROM ");
    if (gaps->span.from_us == INT64_MIN || gaps->by_len == 0) {
        /* Of a range that was said all is expected, also where no row is. */
        vv_buf_adds(sql,
            gaps->span.from_us == INT64_MIN ? "seen GROUP BY ALL HAVING count(*) > 0" : "seen");
        return vv_report_run(op, &gaps->work);
    }
    /* One whose rows ended before the range is missing in all of it. */
    vv_buf_adds(sql, "(");
    VV_TRY(add_rows(op, gaps, (struct vv_span){INT64_MIN, gaps->span.to_us}));
    vv_buf_adds(sql, ") WHERE us IS NOT NULL GROUP BY ALL");
    return vv_report_run(op, &gaps->work);
}

/*
 * The range: as said, else the rows'. What is counted back from now ends now, so that it shows when
 * rows no longer come; a row that is ahead of the clock is in it, too.
 */
static varve_status find_range(struct vv_op *op, struct gaps *gaps)
{
    struct vv_gaps_result *result = &gaps->result;
    result->from_us = gaps->span.from_us;
    result->to_us = gaps->span.to_us;
    VV_TRY(vv_report_count(op, &gaps->work,
        "SELECT CAST(coalesce(sum(n), 0) AS BIGINT) FROM seen", &result->rows));
    if (result->from_us == INT64_MIN)
        VV_TRY(vv_report_count(op, &gaps->work, "SELECT coalesce(min(us), 0) FROM seen",
            &result->from_us));
    if (result->to_us == INT64_MAX)
        VV_TRY(vv_report_count(op, &gaps->work, "SELECT coalesce(max(us), -1) + 1 FROM seen",
            &result->to_us));
    if (gaps->request->span.last.ptr != NULL && result->to_us < gaps->now_us)
        result->to_us = gaps->now_us;
    if (result->to_us < result->from_us)
        result->to_us = result->from_us;
    result->newest_us = INT64_MIN;
    vv_buf_adds(&gaps->work.sql, "SELECT coalesce(max(us), -9223372036854775808) FROM (");
    if (result->rows > 0)
        vv_buf_adds(&gaps->work.sql, "FROM seen");
    else
        VV_TRY(add_rows(op, gaps, (struct vv_span){INT64_MIN, gaps->span.to_us}));
    vv_buf_addc(&gaps->work.sql, ')');
    return vv_report_number(op, &gaps->work, &result->newest_us);
}

/* ---- Slots ------------------------------------------------------------------------------------ */

static varve_status check_days(struct vv_op *op, int32_t first, int32_t last)
{
    char from[16];
    char to[16];
    int64_t days = (int64_t)last - first + 1;
    if (days <= DAYS_MAX)
        return VARVE_OK;
    (void)vv_time_format_date(first, from);
    (void)vv_time_format_date(last, to);
    return vv_fail(op, VARVE_ELIMIT,
        "the days from %s to %s are %" PRId64 ", and the most are %d: give a shorter range "
        "(--from, --to, --last)",
        from, to, days, DAYS_MAX);
}

/* Sessions of the days around the range, in the calendar's own time. */
static varve_status load_sessions(struct vv_op *op, struct gaps *gaps)
{
    struct vv_buf *sql = &gaps->work.sql;
    const struct vv_gaps_result *result = &gaps->result;
    const struct vv_calendar *calendar = &gaps->calendar;
    int64_t last_us = result->to_us > result->from_us ? result->to_us - 1 : result->to_us;
    int32_t first = vv_time_date_of(result->from_us);
    int32_t last = vv_time_date_of(last_us);
    size_t len = 0;
    VV_TRY(check_days(op, first, last));
    vv_buf_adds(sql, "CREATE TEMP TABLE sessions AS SELECT day, open, close FROM (VALUES "
                     "(CAST(NULL AS INTEGER), CAST(NULL AS BIGINT), CAST(NULL AS BIGINT))");
    vv_buf_adds(sql, ") AS v(day, open, close) LIMIT 0");
    VV_TRY(vv_report_run(op, &gaps->work));
    /*
     * A session ends with the day after the one that it begins on, at the latest; in the west that
     * is a day later by UTC, and in the east it begins a day earlier.
     */
    for (int back = 0; back < 2 && first > calendar->first_day; back++)
        first--;
    if (last < calendar->last_day)
        last++;
    vv_buf_adds(sql, "INSERT INTO sessions VALUES ");
    VV_TRY(vv_calendar_sessions(op, calendar, first, last, sql, &len));
    if (len > 0)
        return vv_report_run(op, &gaps->work);
    vv_buf_clear(sql);
    return VARVE_OK;
}

/* A time of the calendar as an instant, where `is_date` is a column: of UTC or its zone. */
static void add_instant(const struct gaps *gaps, const char *local, struct vv_buf *sql)
{
    vv_buf_adds(sql, "epoch_us(timezone(CASE WHEN is_date THEN 'UTC' ELSE ");
    vv_sql_literal(sql, gaps->calendar.timezone);
    vv_buf_addf(sql, " END, make_timestamp(%s)))", local);
}

static varve_status check_timezone(struct vv_op *op, struct gaps *gaps)
{
    int64_t any = 0;
    vv_buf_adds(&gaps->work.sql, "SELECT ");
    add_instant(gaps, "CAST(0 AS BIGINT)", &gaps->work.sql);
    vv_buf_adds(&gaps->work.sql, " FROM (SELECT false AS is_date)");
    if (vv_report_number(op, &gaps->work, &any) == VARVE_OK)
        return VARVE_OK;
    if (op->error.code == VARVE_EINTERRUPTED || op->error.code == VARVE_ELIMIT ||
        op->error.code == VARVE_EIO)
        return op->error.code;
    vv_forgive(op);
    return vv_fail(op, VARVE_EUSAGE,
        "calendar %.*s: there is no time zone %.*s: say one such as America/New_York",
        VV_ARG(gaps->calendar.name), VV_ARG(gaps->calendar.timezone));
}

static varve_status load_slots(struct vv_op *op, struct gaps *gaps)
{
    struct vv_buf *sql = &gaps->work.sql;
    bool is_days = gaps->every_us == VV_US_PER_DAY;
    int64_t slots = 0;
    VV_TRY(check_timezone(op, gaps));
    VV_TRY(load_sessions(op, gaps));
    vv_buf_adds(sql, "CREATE TEMP TABLE open_times AS SELECT is_date, day, ");
    add_instant(gaps, is_days ? "CAST(day AS BIGINT) * 86400000000" : "open", sql);
    vv_buf_adds(sql, " AS a, ");
    add_instant(gaps,
        is_days ? "(CAST(day AS BIGINT) + 1) * 86400000000"
                : "least(close, lead(open, 1, close) OVER (ORDER BY open, close))",
        sql);
    vv_buf_addf(sql,
        " AS b FROM sessions CROSS JOIN (SELECT DISTINCT is_date FROM groups) AS kinds%s",
        is_days ? " GROUP BY ALL" : "");
    VV_TRY(vv_report_run(op, &gaps->work));
    vv_buf_addf(sql,
        "SELECT CAST(coalesce(sum((b - a) // %" PRId64 " + 1), 0) AS BIGINT) FROM open_times",
        gaps->every_us);
    VV_TRY(vv_report_number(op, &gaps->work, &slots));
    if (slots > SLOTS_MAX)
        return vv_fail(op, VARVE_ELIMIT,
            "that are %" PRId64
            " intervals, and the most are %d: give a shorter range (--from, --to, --last) or "
            "a longer --every",
            slots, SLOTS_MAX);
    if (is_days)
        vv_buf_adds(sql, "CREATE TEMP TABLE cuts AS SELECT is_date, day, a, b, false AS closes "
                         "FROM open_times");
    else
        vv_buf_addf(sql,
            "CREATE TEMP TABLE cuts AS SELECT is_date, day, x AS a, least(x + %" PRId64
            ", b) AS b, x + %" PRId64 " >= b AS closes FROM (SELECT is_date, day, b, "
            "unnest(range(a, b, %" PRId64 ")) AS x FROM open_times)",
            gaps->every_us, gaps->every_us, gaps->every_us);
    VV_TRY(vv_report_run(op, &gaps->work));
    /* One that ends where the range begins may be the one that a row of that moment is in. */
    vv_buf_addf(sql,
        "CREATE TEMP TABLE slots AS SELECT row_number() OVER (PARTITION BY is_date ORDER BY a) "
        "AS slot, *, "
        "a >= %" PRId64 " AND b <= %" PRId64 " AS is_whole FROM cuts WHERE b >= %" PRId64
        " AND a < %" PRId64,
        gaps->span.from_us, gaps->span.to_us, gaps->result.from_us, gaps->result.to_us);
    return vv_report_run(op, &gaps->work);
}

/* ---- What is there, and what is not ----------------------------------------------------------- */

static varve_status load_hits(struct vv_op *op, struct gaps *gaps)
{
    struct vv_buf *sql = &gaps->work.sql;
    vv_buf_adds(sql, "CREATE TEMP TABLE placed AS SELECT ");
    add_groups(gaps, "s.", sql);
    vv_buf_adds(sql,
        "s.us, s.n, CASE WHEN s.us < c.b OR (s.us = c.b AND c.closes) THEN c.slot END"
        " AS slot FROM (SELECT s.*, g.is_date FROM seen s JOIN groups g ON true");
    add_same_group(gaps, "s", "g", sql);
    vv_buf_adds(sql, ") s ASOF LEFT JOIN slots c ON s.is_date = c.is_date AND s.us >= c.a");
    VV_TRY(vv_report_run(op, &gaps->work));
    VV_TRY(vv_report_count(op, &gaps->work,
        "SELECT CAST(coalesce(sum(n), 0) AS BIGINT) FROM placed WHERE slot IS NULL",
        &gaps->result.outside));
    vv_buf_adds(sql, "CREATE TEMP TABLE hits AS SELECT DISTINCT ");
    add_groups(gaps, "", sql);
    vv_buf_adds(sql, "slot FROM placed WHERE slot IS NOT NULL");
    return vv_report_run(op, &gaps->work);
}

/* Slots of all groups, before a row is made of each. */
static varve_status check_expected(struct vv_op *op, struct gaps *gaps)
{
    struct vv_gaps_result *result = &gaps->result;
    struct vv_buf *sql = &gaps->work.sql;
    bool is_all = gaps->span.from_us != INT64_MIN; /* else each from its own first row on */
    int64_t expected = 0;
    VV_TRY(vv_report_count(op, &gaps->work, "SELECT count(*) FROM groups", &result->groups));
    vv_buf_addf(sql,
        "SELECT CAST(coalesce(sum(k.n%s), 0) AS BIGINT) FROM groups g JOIN (SELECT is_date, "
        "count(*) FILTER (is_whole) AS n FROM slots GROUP BY ALL) k ON k.is_date = g.is_date%s",
        is_all ? "" : " - coalesce(c.slot, 1) + 1",
        is_all ? "" : " ASOF LEFT JOIN slots c ON g.is_date = c.is_date AND g.first >= c.a");
    VV_TRY(vv_report_number(op, &gaps->work, &expected));
    if (expected <= EXPECTED_MAX)
        return VARVE_OK;
    return vv_fail(op, VARVE_ELIMIT,
        "that are %" PRId64 " intervals of %" PRId64
        " groups, and the most are %d: give a shorter range (--from, --to, --last), a longer "
        "--every or fewer columns to --by",
        expected, result->groups, EXPECTED_MAX);
}

/* One row a group and slot in which a row is expected; of a slot that is not over, if one is. */
static varve_status load_expected(struct vv_op *op, struct gaps *gaps)
{
    struct vv_buf *sql = &gaps->work.sql;
    struct vv_gaps_result *result = &gaps->result;
    VV_TRY(check_expected(op, gaps));
    vv_buf_adds(sql, "CREATE TEMP TABLE expected AS SELECT ");
    add_groups(gaps, "g.", sql);
    vv_buf_adds(sql, "c.slot, c.day, c.a, c.b, h.slot IS NOT NULL AS is_there FROM groups g");
    if (gaps->span.from_us == INT64_MIN) { /* from the slot of the first row on */
        vv_buf_adds(sql, " LEFT JOIN placed f ON f.us = g.first");
        add_same_group(gaps, "f", "g", sql);
        vv_buf_adds(sql,
            " JOIN slots c ON c.is_date = g.is_date AND (c.a > g.first OR c.slot = f.slot)");
    } else {
        vv_buf_adds(sql, " JOIN slots c ON c.is_date = g.is_date");
    }
    vv_buf_adds(sql, " LEFT JOIN hits h ON h.slot = c.slot");
    add_same_group(gaps, "h", "g", sql);
    vv_buf_addf(sql, " WHERE c.is_whole AND (c.b <= %" PRId64 " OR h.slot IS NOT NULL)",
        gaps->now_us);
    VV_TRY(vv_report_run(op, &gaps->work));
    vv_buf_adds(sql, "CREATE TEMP TABLE missing AS SELECT ");
    add_groups(gaps, "", sql);
    vv_buf_adds(sql, "CAST(min(a) AS BIGINT) AS a, CAST(max(b) AS BIGINT) AS b, count(*) AS n, "
                     "count(DISTINCT day) AS days FROM (SELECT *, slot - row_number() OVER (");
    if (gaps->by_len > 0)
        vv_buf_adds(sql, "PARTITION BY ");
    for (size_t i = 0; i < gaps->by_len; i++)
        vv_buf_addf(sql, "%sg%zu", i == 0 ? "" : ", ", i);
    vv_buf_adds(sql, " ORDER BY slot) AS island FROM expected WHERE NOT is_there) GROUP BY ");
    add_groups(gaps, "", sql);
    vv_buf_adds(sql, "island");
    VV_TRY(vv_report_run(op, &gaps->work));
    VV_TRY(vv_report_count(op, &gaps->work, "SELECT count(*) FROM expected",
        &result->expected));
    return vv_report_count(op, &gaps->work, "SELECT count(*) FROM expected WHERE NOT is_there",
        &result->missing);
}

/* ---- The answer ------------------------------------------------------------------------------- */

/* "g0 AS symbol, ". */
static void add_named_groups(const struct gaps *gaps, const char *prefix, struct vv_buf *sql)
{
    for (size_t i = 0; i < gaps->by_len; i++) {
        vv_buf_addf(sql, "%sg%zu AS ", prefix, i);
        vv_sql_name(sql, gaps->source.snapshot->schema.fields[gaps->by[i]].name);
        vv_buf_adds(sql, ", ");
    }
}

static void add_group_table(const struct gaps *gaps, const char *columns, const char *from,
    struct vv_buf *sql)
{
    vv_buf_adds(sql, "(SELECT ");
    add_groups(gaps, "", sql);
    vv_buf_addf(sql, "%s FROM %s%s)", columns, from, gaps->by_len > 0 ? " GROUP BY ALL" : "");
}

static varve_status answer_coverage(struct vv_op *op, struct gaps *gaps,
    struct ArrowArrayStream *out)
{
    struct vv_buf *sql = &gaps->work.sql;
    vv_buf_adds(sql, "SELECT ");
    add_named_groups(gaps, "g.", sql);
    vv_buf_adds(sql,
        "coalesce(e.expected, 0) AS expected, coalesce(e.present, 0) AS present,"
        " coalesce(e.expected - e.present, 0) AS missing,"
        " CAST(e.present AS DOUBLE) / nullif(e.expected, 0) AS coverage,"
        " coalesce(m.longest, 0) AS longest_gap, CAST(coalesce(p.n, 0) AS BIGINT) AS \"rows\","
        " CAST(coalesce(p.outside, 0) AS BIGINT) AS outside, make_timestamptz(p.first) AS "
        "first,"
        " make_timestamptz(p.last) AS last FROM groups g LEFT JOIN ");
    add_group_table(gaps, "count(*) AS expected, count(*) FILTER (is_there) AS present",
        "expected", sql);
    vv_buf_adds(sql, " e ON true");
    add_same_group(gaps, "e", "g", sql);
    vv_buf_adds(sql, " LEFT JOIN ");
    add_group_table(gaps, "max(n) AS longest", "missing", sql);
    vv_buf_adds(sql, " m ON true");
    add_same_group(gaps, "m", "g", sql);
    vv_buf_adds(sql, " LEFT JOIN ");
    add_group_table(gaps,
        "sum(n) AS n, sum(n) FILTER (slot IS NULL) AS outside, min(us) AS first, max(us) AS "
        "last",
        "placed", sql);
    vv_buf_adds(sql, " p ON true");
    add_same_group(gaps, "p", "g", sql);
    if (gaps->by_len > 0)
        vv_buf_adds(sql, " ORDER BY ");
    for (size_t i = 0; i < gaps->by_len; i++)
        vv_buf_addf(sql, "%sg.g%zu NULLS LAST", i == 0 ? "" : ", ", i);
    return vv_report_stream(op, &gaps->work, out);
}

static varve_status answer_gaps(struct vv_op *op, struct gaps *gaps,
    struct ArrowArrayStream *out)
{
    struct vv_buf *sql = &gaps->work.sql;
    vv_buf_adds(sql, "SELECT ");
    add_named_groups(gaps, "", sql);
    vv_buf_adds(sql,
        "make_timestamptz(a) AS \"from\", make_timestamptz(b) AS \"to\", n AS missing,"
        " days AS sessions FROM missing ORDER BY ");
    for (size_t i = 0; i < gaps->by_len; i++)
        vv_buf_addf(sql, "g%zu NULLS LAST, ", i);
    vv_buf_adds(sql, "a");
    return vv_report_stream(op, &gaps->work, out);
}

varve_status vv_lake_gaps(struct vv_op *op, struct vv_lake *lake,
    const struct vv_gaps_request *request, struct ArrowArrayStream *out,
    struct vv_gaps_result *out_result)
{
    VV_CLEANUP(gaps_done) struct gaps gaps = {.request = request};
    VV_TRY(read_request(op, &gaps));
    gaps.now_us = vv_report_now_us(op, lake, request->at);
    VV_TRY(vv_report_span(op, lake, &request->span, request->at, VV_STR_NONE, &gaps.span));
    VV_TRY(open_source(op, lake, &gaps));
    VV_TRY(vv_report_columns(op, &gaps.source, request->by, &gaps.by, &gaps.by_len));
    VV_TRY(vv_report_work_open(op, lake, &gaps.work));
    VV_TRY(load_rows(op, &gaps));
    VV_TRY(find_range(op, &gaps));
    VV_TRY(load_groups(op, &gaps));
    VV_TRY(load_slots(op, &gaps));
    VV_TRY(load_hits(op, &gaps));
    VV_TRY(load_expected(op, &gaps));
    gaps.result.calendar = gaps.calendar.name;
    gaps.result.time =
        vv_arena_str(&op->arena, gaps.source.snapshot->schema.fields[gaps.source.time].name);
    if (gaps.result.time.ptr == NULL)
        return vv_fail_memory(op);
    gaps.result.by_order = gaps.source.time == gaps.source.rules.order;
    struct vv_gaps_result result = gaps.result;
    VV_TRY(request->is_coverage ? answer_coverage(op, &gaps, out)
                                : answer_gaps(op, &gaps, out));
    *out_result = result;
    return VARVE_OK;
}
