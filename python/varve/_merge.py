"""A merge, put together clause by clause."""

from ._values import input_of, is_read_once

_MATCHED, _NOT_MATCHED, _NOT_BY_SOURCE = range(3)


def _name(column):
    """A column as SQL takes it."""
    plain = column.replace("_", "a")
    if plain.isascii() and plain.isalnum() and not plain[0].isdigit():
        return column
    return '"' + column.replace('"', '""') + '"'


def _values_of(values):
    if isinstance(values, str) or not hasattr(values, "items") or not values:
        raise TypeError("a dict of columns and SQL: {'v': 's.v', 'n': 't.n + 1'}")
    return dict(values)


class Merge:
    """What ``Table.merge`` gives: clauses are added by methods, and ``execute()`` does it.

    Of each kind (matched, not matched, not matched by source) the first clause whose `predicate` is
    true takes the row; only the last one may be without. In SQL the table is ``t`` and the
    source is ``s``.
    """

    __slots__ = ("_table", "_on", "_source", "_options", "_clauses", "_is_used_up")

    def __init__(self, table, on, source, options):
        self._table = table
        self._on = on
        self._source = source
        self._options = options
        self._clauses = []
        self._is_used_up = False

    def _add(self, when, predicate, action):
        condition = f"and {predicate} " if predicate is not None else ""
        self._clauses.append((when, condition + action))
        return self

    def _update(self, when, updates, predicate):
        sets = ", ".join(f"{_name(column)} = {value}"
                         for column, value in _values_of(updates).items())
        return self._add(when, predicate, f"update set {sets}")

    def when_matched_update(self, updates, predicate=None):
        """Sets columns of the table's row: {"v": "s.v", "n": "t.n + 1"}."""
        return self._update(_MATCHED, updates, predicate)

    def when_matched_update_all(self, predicate=None):
        """Sets all columns that the source brings."""
        return self._add(_MATCHED, predicate, "update *")

    def when_matched_delete(self, predicate=None):
        """Removes the table's row."""
        return self._add(_MATCHED, predicate, "delete")

    def when_not_matched_insert(self, updates, predicate=None):
        """Adds a row of these columns: {"k": "s.k", "v": "0.0"}; others are NULL."""
        values = _values_of(updates)
        columns = ", ".join(map(_name, values))
        return self._add(_NOT_MATCHED, predicate,
                         f"insert ({columns}) values ({', '.join(map(str, values.values()))})")

    def when_not_matched_insert_all(self, predicate=None):
        """Adds a row of all columns that the source brings and the table has."""
        return self._add(_NOT_MATCHED, predicate, "insert *")

    def when_not_matched_by_source_update(self, updates, predicate=None):
        """Sets columns of a row of the table that no row of the source matches."""
        return self._update(_NOT_BY_SOURCE, updates, predicate)

    def when_not_matched_by_source_delete(self, predicate=None):
        """Removes a row of the table that no row of the source matches."""
        return self._add(_NOT_BY_SOURCE, predicate, "delete")

    def execute(self):
        """Does it, as one commit, or none; an EditResult. A source that is a stream is used up by it.

        InvalidData: several rows of the source would change one row of the table, or a row breaks
        a rule; nothing was written. UsageError: bad SQL, no clause; a stream that is used up.
        Conflict: try again.
        """
        if self._is_used_up:
            from ._errors import UsageError

            raise UsageError("the source of this merge is a stream, which is read once: make the "
                             "merge anew")
        self._is_used_up = is_read_once(self._source[1])
        return self._table._merge(self._on, self._source, self._clauses, self._options)


def merge_of(table, source, on, options, form):
    return Merge(table, on, input_of(source, form), options)
