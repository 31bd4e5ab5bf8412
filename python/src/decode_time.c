#include "decode_column.h"

static PyObject *out_of_range(const struct vp_column *column, const char *what)
{
    return PyErr_Format(PyExc_ValueError,
        "column %R holds a %s: cast it in the query, or take the rows as Arrow", column->name,
        what);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

struct civil {
    int32_t year, month, day;
};

/* Years 1 to 9999 only, which is what datetime has. False: another. */
static bool civil_of(int64_t days, struct civil *out)
{
    if (days < -719162 || days > 2932896)
        return false;
    /* Eras of 400 years that begin on the first of March. */
    int64_t shifted = days + 719468;
    int64_t era = floor_div(shifted, 146097);
    int64_t of_era = shifted - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;
    out->day = (int32_t)(of_year - (153 * month + 2) / 5 + 1);
    out->month = (int32_t)(month < 10 ? month + 3 : month - 9);
    out->year = (int32_t)(year + era * 400 + (out->month <= 2));
    return true;
}

static PyObject *date_of(const struct vp_column *column, int64_t days)
{
    struct civil civil;
    if (vp_time_classes(column->state) < 0)
        return NULL;
    if (!civil_of(days, &civil))
        return out_of_range(column, "date outside the years 1 to 9999");
    return PyObject_CallFunction(column->state->date, "iii", (int)civil.year, (int)civil.month,
        (int)civil.day);
}

/* In microseconds; false where `value` has digits below, or is too great. */
static bool microseconds_of(const struct vp_column *column, int64_t value, int64_t *out)
{
    if (column->unit < 1000) {
        *out = value / 1000;
        return value % 1000 == 0;
    }
    return !__builtin_mul_overflow(value, column->unit / 1000, out);
}

static PyObject *timestamp_of(const struct vp_column *column, int64_t value)
{
    const int64_t day = INT64_C(86400000000);
    int64_t us;
    struct civil civil;
    if (vp_time_classes(column->state) < 0)
        return NULL;
    if (column->unit < 1000 && value % 1000 != 0)
        return out_of_range(column, "time with digits below a microsecond");
    if (!microseconds_of(column, value, &us) || !civil_of(floor_div(us, day), &civil))
        return out_of_range(column, "time outside the years 1 to 9999");
    int64_t left = us - floor_div(us, day) * day;
    int64_t second = left / 1000000;
    return PyObject_CallFunction(column->state->datetime, "iiiiiiiO", (int)civil.year,
        (int)civil.month, (int)civil.day, (int)(second / 3600), (int)(second / 60 % 60),
        (int)(second % 60), (int)(left % 1000000),
        column->has_zone ? column->state->utc : Py_None);
}

static PyObject *time_of(const struct vp_column *column, int64_t value)
{
    int64_t us;
    if (vp_time_classes(column->state) < 0)
        return NULL;
    if (!microseconds_of(column, value, &us))
        return out_of_range(column, "time with digits below a microsecond");
    if (us < 0 || us >= INT64_C(86400000000))
        return out_of_range(column, "time of 24:00:00");
    return PyObject_CallFunction(column->state->time, "iiii", (int)(us / 3600000000),
        (int)(us / 60000000 % 60), (int)(us / 1000000 % 60), (int)(us % 1000000));
}

static PyObject *duration_of(const struct vp_column *column, int64_t days, int64_t value)
{
    int64_t us;
    if (vp_time_classes(column->state) < 0)
        return NULL;
    if (!microseconds_of(column, value, &us))
        return out_of_range(column, "duration with digits below a microsecond");
    return PyObject_CallFunction(column->state->timedelta, "LLL", (long long)days, 0LL,
        (long long)us);
}

/* Months have no length in days, so an interval with some is no timedelta. */
PyObject *vp_interval_at(const struct vp_column *column, const struct ArrowArray *array,
    int64_t at)
{
    int32_t months_days[2];
    int64_t ns;
    const char *bytes = (const char *)array->buffers[1] + at * 16;
    struct vp_column in_ns = {.state = column->state, .name = column->name, .unit = 1};
    memcpy(months_days, bytes, sizeof(months_days));
    memcpy(&ns, bytes + 8, sizeof(ns));
    if (months_days[0] != 0)
        return out_of_range(column, "interval with months");
    return duration_of(&in_ns, months_days[1], ns);
}

static PyObject *instant_of(const struct vp_column *column, int64_t value)
{
    if (column->kind == VP_TIMESTAMP)
        return timestamp_of(column, value);
    return date_of(column,
        column->kind == VP_DATE ? value : floor_div(value, INT64_C(86400000)));
}

PyObject *vp_instant_at(struct vp_column *column, const struct ArrowArray *array, int64_t at)
{
    int64_t value = vp_int_at(array->buffers[1], column->kind == VP_DATE ? 4 : 8, at);
    if (column->last == NULL || column->last_value != value) {
        PyObject *made = instant_of(column, value);
        if (made == NULL)
            return NULL;
        Py_XDECREF(column->last);
        column->last = made;
        column->last_value = value;
    }
    Py_INCREF(column->last);
    return column->last;
}

PyObject *vp_time_at(const struct vp_column *column, const struct ArrowArray *array, int64_t at)
{
    return time_of(column, vp_int_at(array->buffers[1], column->width, at));
}

PyObject *vp_duration_at(const struct vp_column *column, const struct ArrowArray *array,
    int64_t at)
{
    return duration_of(column, 0, vp_int_at(array->buffers[1], 8, at));
}
