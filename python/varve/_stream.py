"""Rows that a read gives."""

_NS_PER_DAY = 86_400_000_000_000


def _durations(name, column):
    """Intervals of SQL, which have months, days and nanoseconds, as what lasts a time of its own."""
    import pyarrow

    from ._errors import Unsupported

    lasting = []
    for chunk in column.chunks:
        for value in chunk.to_pylist():
            if value is not None and value.months != 0:
                raise Unsupported(
                    f"column {name} has an interval of months, which no duration is as long as: "
                    f"select epoch({name}), or CAST({name} AS VARCHAR)")
            lasting.append(value and (value.days * _NS_PER_DAY + value.nanoseconds) // 1000)
    return pyarrow.array(lasting, pyarrow.duration("us"))


class ArrowStream:
    """The rows of a read, as a stream of Arrow record batches. It is read once.

    Any library that knows the Arrow PyCapsule interface takes it as it is:
    ``polars.DataFrame(stream)``, ``pyarrow.table(stream)``, ``duckdb.from_arrow(...)``. Or use
    ``to_polars()``, ``to_pandas()``, ``to_pyarrow()``, which import what they need, or
    ``to_dicts()`` and iteration, which need nothing.

    The rows are those of one version of each table, fixed when the read was asked for. The stream
    may be read after its lake was closed. ``info`` holds what some reports say beside their rows.
    """

    __slots__ = ("_core", "_rows", "info", "__weakref__")

    def __init__(self, core, info=None):
        self._core = core
        self._rows = None  # once rows are asked for: those of the batch that are not given yet
        self.info = info

    def __arrow_c_stream__(self, requested_schema=None):
        """A capsule ``arrow_array_stream``. The rows come in the types that they have:
        `requested_schema` is a wish, which this does not fulfil.

        UsageError: some were taken as dicts, and the others alone would be taken for all.
        """
        if self._rows is not None:
            from ._errors import UsageError

            raise UsageError("rows of this stream were taken as dicts: take the others so, too, "
                             "or ask for the rows again")
        return self._core.arrow_stream()

    def __arrow_c_schema__(self):
        """A capsule ``arrow_schema``; the stream can still be read."""
        return self._core.arrow_schema()

    def __iter__(self):
        """The rows as dicts, a batch (2,048 rows or fewer) in memory at a time. Who stops and
        iterates again goes on behind the last row."""
        self._rows = self._rows or iter(())
        while True:
            for row in self._rows:
                yield row
            rows = self._next_rows()
            if rows is None:
                return
            self._rows = iter(rows)

    def _next_rows(self):
        """Those of the next batch; None at the end. What is interrupted here has lost its batch, so
        that the stream ends with it."""
        try:
            rows = self._core.next_rows()
        except BaseException:
            self.close()
            raise
        if rows is None:
            self._rows = None
        return rows

    def to_dicts(self):
        """All rows, of which none was taken before, as a list of dicts. A timestamp is a datetime in UTC,
        one without zone a naive datetime; a decimal is a Decimal; NULL is None, NaN is NaN.

        ValueError: a time that datetime can't hold; the message names the column. The stream is
        closed then: ask for the rows again.
        """
        try:
            found = list(self._rows or ())
            while (rows := self._next_rows()) is not None:
                found += rows
        except BaseException:
            self.close()  # what was found is lost
            raise
        return found

    def to_polars(self):
        """A polars.DataFrame. An interval of SQL, such as the difference of two timestamps, is a
        duration in it, which needs pyarrow; Unsupported where it has months, or is nested."""
        import polars

        rows = self._lasting() if self._core.intervals() else self
        return polars.DataFrame(rows)

    def to_pyarrow(self):
        """A pyarrow.Table."""
        import pyarrow

        return pyarrow.RecordBatchReader.from_stream(self).read_all()

    def to_pandas(self):
        """A pandas.DataFrame; needs pandas and pyarrow. Intervals as of ``to_polars``."""
        return self._lasting().to_pandas()

    def _lasting(self):
        """A pyarrow.Table with durations for intervals."""
        from ._errors import Unsupported

        names = self._core.intervals()
        try:
            table = self.to_pyarrow()
        except ImportError:
            if not names:
                raise
            raise Unsupported(f"column {names[0]} is an interval of SQL, for which pyarrow is "
                              f"needed here: install it, or select epoch({names[0]})") from None
        for at, field in enumerate(table.schema):
            if field.name not in names:
                continue
            if str(field.type) != "month_day_nano_interval":
                raise Unsupported(f"column {field.name} holds intervals of SQL, which can't be "
                                  "handed on within lists and structs: select what they last, "
                                  "by epoch()")
            table = table.set_column(at, field.name, _durations(field.name, table.column(at)))
        return table

    def close(self):
        """Gives up the rows that were not read. Not needed after the last one."""
        self._rows = None
        self._core.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
