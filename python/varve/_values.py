"""What people hand in, as the texts that the library takes. Nothing is imported here."""

from os import fsencode, fspath

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
          "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}

CSV, NDJSON, PARQUET = 1, 2, 4
_FORMATS = {"csv": CSV, "ndjson": NDJSON, "parquet": PARQUET}
_ENDINGS = {"csv": CSV, "ndjson": NDJSON, "jsonl": NDJSON, "json": NDJSON, "parquet": PARQUET,
            "pq": PARQUET}


def is_path(value):
    return isinstance(value, str) or hasattr(value, "__fspath__")


def at_text(at):
    """A version (int), a time (datetime, or text as the command line takes it), or None."""
    if hasattr(at, "__index__") and not isinstance(at, bool):
        return str(at.__index__())  # an int, or one of numpy
    return time_text(at)


def time_text(time):
    """A datetime (naive: UTC), a date, or a text: ISO 8601, "now", "-2h"; None."""
    if isinstance(time, str) and not time.strip():
        raise ValueError("an empty text is no time and no version: for now give None")
    if time is None or isinstance(time, str):
        return time
    if hasattr(time, "isoformat"):
        return time.isoformat()
    raise TypeError(f"a time is a datetime or a text, not {type(time).__name__}")


def instant_text(us):
    """Microseconds since 1970; None."""
    if us is None:
        return None
    from datetime import datetime, timedelta, timezone

    return (datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=us)).isoformat()


def span_text(span):
    """A timedelta, or a text such as "7d"; None."""
    if span is None or isinstance(span, str):
        return span
    if hasattr(span, "total_seconds"):
        seconds = span.total_seconds()
        if seconds != int(seconds):
            raise ValueError(f"a time span is of whole seconds, not {span}")
        return f"{int(seconds)}s"
    raise TypeError(f"a time span is a timedelta or a text, not {type(span).__name__}")


def names_text(names):
    """One name, names parted by commas, or a list of names; None, as of a list without any."""
    if names is None or isinstance(names, str):
        return names
    return ",".join(names) or None


def list_of(texts):
    """One text or several, as a list; None."""
    if texts is None:
        return None
    return [texts] if isinstance(texts, str) else list(texts)


def size_of(size):
    """Bytes of "100MB", "1GiB", or of a number of bytes; None: 0."""
    if size is None:
        return 0
    if isinstance(size, int):
        return size
    text = size.strip().upper()
    digits = text.rstrip("KMGTIB ")
    factor = _UNITS.get(text[len(digits):].strip())
    try:
        number = float(digits)
    except ValueError:
        factor = None
    if factor is None:
        raise ValueError(f"a size is a number of bytes, or a text such as '1GiB', not {size!r}")
    return int(number * factor)


def seconds_of(time):
    """Seconds of a number of them, a timedelta, or a text: "100ms", "60s", "5m", "1h"."""
    if hasattr(time, "total_seconds"):
        return time.total_seconds()
    if not isinstance(time, str):
        return float(time)
    text = time.strip()
    digits = text.rstrip("hms ")
    factor = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}.get(text[len(digits):].strip())
    try:
        return float(digits) * factor
    except (TypeError, ValueError):
        raise ValueError(f"a time is a number of seconds, or a text such as '100ms' or '60s', "
                         f"not {time!r}") from None


def milliseconds_of(what, time):
    """At least one."""
    ms = round(seconds_of(time) * 1000)
    if ms < 1:
        raise ValueError(f"{what} of {time!r}: at least a millisecond")
    return ms


def _decimal(name, value):
    if not value.is_finite():
        raise ValueError(f"parameter {name}: {value} is no value of a decimal")
    return format(value, "f"), "decimal"


def _time_param(value):
    """A datetime: with a zone a point in time, without one a time as clocks show it."""
    zone = getattr(value, "tzinfo", None)
    if not hasattr(value, "hour"):
        return value.isoformat(), "date"
    if not hasattr(value, "year"):
        if zone is not None:
            raise TypeError("a time of day with a zone is no value of a parameter")
        return value.isoformat(), "time"
    if value != value:  # pandas' missing time
        return None, None
    if zone is None:
        return value.isoformat(), "timestamp_ntz"
    from datetime import timezone

    return value.astimezone(timezone.utc).isoformat(), "timestamp"


def param_of(name, value):
    """The value of a parameter in SQL as (text, type). A str is what a literal in quotes is: it has
    the type of what it stands beside."""
    if value is None or isinstance(value, str):
        return value, None
    if hasattr(value, "isoformat"):
        return _time_param(value)
    if hasattr(value, "item") and type(value).__module__.partition(".")[0] == "numpy":
        return param_of(name, value.item())
    if isinstance(value, bool):
        return ("true" if value else "false"), "boolean"
    if isinstance(value, int):
        return str(value), "bigint" if -2**63 <= value < 2**63 else "decimal"
    if isinstance(value, float):
        return {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}.get(
            repr(value), repr(value)), "double"
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex(), "binary"
    if type(value).__name__ == "Decimal":
        return _decimal(name, value)
    if type(value).__name__ == "UUID":
        return str(value), None
    hint = ""
    if isinstance(value, (list, tuple, set, frozenset)):
        hint = ": give its values one by one, IN ($a, $b)"
    elif hasattr(value, "total_seconds"):
        hint = ": give it as a number, $seconds * INTERVAL 1 SECOND"
    raise TypeError(f"parameter {name}: a value of type {type(value).__name__} is not understood"
                    f"{hint}")


def _is_arrow(value):
    return any(hasattr(value, f"__arrow_c_{kind}__") for kind in ("schema", "stream", "array"))


def schema_text(schema):
    """Columns as SQL text. A dict, or pairs, of names and types are put into it, as are those of a
    frame or another thing that has an Arrow schema; of a schema of polars, too."""
    if schema is None or isinstance(schema, str):
        return schema
    if isinstance(schema, dict) and type(schema).__module__.startswith("polars."):
        import polars

        schema = polars.DataFrame(schema=schema)
    if type(schema).__module__.partition(".")[0] == "pandas" and hasattr(schema, "reset_index"):
        schema = _without_row_numbers(schema)
    if _is_arrow(schema):
        from ._core import schema_columns

        schema = schema_columns(schema)
    pairs = schema.items() if isinstance(schema, dict) else schema
    return ", ".join(f"`{name.replace('`', '``')}` {kind}" for name, kind in pairs)


def _file(path, form):
    name = fspath(path)
    if form is None:
        ending = str(name).rpartition(".")[2].lower()
        number = _ENDINGS.get(ending)
        if number is None:
            raise ValueError(f"{name}: say format='csv', 'ndjson' or 'parquet', since the name "
                             "does not end in one")
    else:
        number = _FORMATS.get(form)
        if number is None:
            raise ValueError(f"format {form!r}: there are csv, ndjson and parquet")
    return number, fsencode(name)


def _without_row_numbers(frame):
    """A DataFrame of pandas: row labels without a name are no column, those with one are. Of a
    RangeIndex pyarrow makes none, whatever its name."""
    if all(name is None for name in frame.index.names):
        return frame.reset_index(drop=True)
    is_left_out = type(frame.index).__name__ == "RangeIndex"
    return frame.reset_index(drop=frame.index.name in frame.columns) if is_left_out else frame


_half_read = []  # the last iterators of which the rest would be taken for a batch


class _Once:
    """The rows of an iterator. One that was used up looks as if it had none: a batch that is tried
    again with it would be written without its rows, or with the rest of them."""

    __slots__ = ("_rows",)

    def __init__(self, rows):
        self._rows = rows

    def __iter__(self):
        rows, self._rows = self._rows, iter(())
        is_read = any(rows is one for one in _half_read)
        is_empty = is_read or getattr(rows, "gi_frame", None) is None  # no generator that can still run
        try:
            for row in () if is_read else rows:
                is_empty = False
                yield row
            is_read = True
        finally:
            if not is_read:
                del _half_read[:-7]
                _half_read.append(rows)
        if is_empty:
            raise ValueError("this iterator gives no rows, and one that was used up before gives "
                             "none either: pass a list, [] for no rows")


def is_read_once(data):
    """Of what input_of gave: an iterator, or a reader of Arrow batches."""
    return isinstance(data, _Once) or (hasattr(data, "__arrow_c_stream__")
                                       and not hasattr(data, "__len__"))


def input_of(data, form=None):
    """(files, data): one of them is what the extension shall read, the other None."""
    if is_path(data):
        return [_file(data, form)], None
    if isinstance(data, (list, tuple)) and data and all(is_path(item) for item in data):
        return [_file(item, form) for item in data], None
    if form is not None:
        raise TypeError("format= is for files")
    if isinstance(data, dict):
        return None, [data]
    if type(data).__module__.partition(".")[0] == "pandas" and hasattr(data, "reset_index"):
        data = _without_row_numbers(data)
    if not hasattr(data, "__arrow_c_stream__") and not hasattr(data, "__arrow_c_array__"):
        if hasattr(data, "collect") and hasattr(data, "collect_schema"):
            raise TypeError("a lazy frame has no rows yet: collect() it")
        if isinstance(data, (bytes, bytearray)) or not hasattr(data, "__iter__"):
            raise TypeError(f"rows are Arrow data, dicts, or the path of a file, not "
                            f"{type(data).__name__}")
        if hasattr(data, "__next__"):
            data = _Once(data)
    return None, data
