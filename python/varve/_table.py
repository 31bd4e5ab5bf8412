"""One table."""

import warnings

from ._stream import ArrowStream
from ._values import (
    at_text, input_of, list_of, names_text, param_of, size_of, span_text, time_text)


DELETE, UPDATE, OVERWRITE = range(3)


class _Result:
    """Figures by name."""

    __slots__ = ()

    def __init__(self, values):
        for name, value in zip(self.__slots__, values):
            setattr(self, name, value)

    def as_dict(self):
        return {name: getattr(self, name) for name in self.__slots__}

    def __eq__(self, other):
        if type(other) is not type(self):
            return NotImplemented
        return self.as_dict() == other.as_dict()

    __hash__ = None

    def __repr__(self):
        told = ", ".join(f"{name}={value}" for name, value in self.as_dict().items()
                         if value or name in ("rows_in", "version"))
        return f"{type(self).__name__}({told})"


class _WrittenResult(_Result):
    """With `warnings`, which come as JSON."""

    __slots__ = ()

    def __init__(self, values):
        super().__init__(values)
        if self.warnings:  # to import it takes as long as a read
            import json
            self.warnings = json.loads(self.warnings)
        else:
            self.warnings = {}


class UpsertResult(_WrittenResult):
    """What a write did. ``rows_in`` = inserted + updated + unchanged + stale +
    duplicates_in_batch + rejected.

    unchanged            equal to the stored row in every column but the order column
    stale                older than the stored row
    duplicates_in_batch  lost to another row of the batch with the same key
    rejected             broke a rule; in quarantine
    repaired             surplus rows of keys that were stored several times
    already_applied      True: this app_id and app_version was written before
    rows_written         inserted + updated
    version              of the table afterwards
    rows_warned          not rejected, and against a warn-level rule of the table
    columns_added        with evolve: that the table lacked
    times_ambiguous      rows with a time that input_tz had twice: the earlier was taken
    warnings             how many by rule: {"future_time": 2}
    """

    __slots__ = ("rows_in", "inserted", "updated", "unchanged", "stale", "duplicates_in_batch",
                 "rejected", "repaired", "already_applied", "rows_written", "version",
                 "files_added", "files_removed", "attempts", "rows_warned",
                 "columns_added", "times_ambiguous", "warnings")


class EditResult(_WrittenResult):
    """What a delete, update, overwrite or merge did.

    rows_in          that were read (overwrite)
    inserted, updated, deleted
    copied           rows written again as they were, since others of their file changed
    files_added, files_removed
    vectors_added, vectors_updated, vectors_removed   files that stay and got a first deletion
                     vector or another one; files that went with theirs
    already_applied  True: this app_id and app_version was applied before
    version          of the table afterwards
    columns_added    of a merge with evolve: that the table lacked
    times_ambiguous  rows with a time that input_tz had twice: the earlier was taken
    rows_warned      written, but for copied ones, and against a warn-level rule of the table
    warnings         how many by rule: {"future_time": 2}
    """

    __slots__ = ("rows_in", "inserted", "updated", "deleted", "copied", "files_added",
                 "files_removed", "vectors_added", "vectors_updated", "vectors_removed",
                 "already_applied", "version", "attempts", "columns_added",
                 "times_ambiguous", "rows_warned", "warnings")


class OptimizeResult(_Result):
    """What an optimize did: `version` of the table afterwards, `commits`, `partitions` that had
    something to do, files and bytes added and removed, `rows` rewritten (-1: unknown),
    `vectors_removed` (deletion vectors), `files_skipped` (left for the next run, since other writers
    were at them). Of a dry run files_removed and bytes_removed are what it would take."""

    __slots__ = ("version", "commits", "partitions", "files_added", "files_removed",
                 "bytes_added", "bytes_removed", "rows", "vectors_removed", "files_skipped")


class VacuumResult(_Result):
    """What a vacuum removed, or would: `files`, `bytes`, the `retention_ms` that was applied, and
    `readable_version`: all versions from it on can be read, not all before (-1: none is lost).
    `paths` has the files' paths in the table's folder. `version` is the table's afterwards."""

    __slots__ = ("version", "files", "bytes", "retention_ms", "readable_version", "paths")


class RestoreResult(_Result):
    """What a restore did: `version` of the table afterwards, the version `restored`, files and bytes
    restored and removed; `changed` False: it was like that already."""

    __slots__ = ("version", "restored", "files_restored", "files_removed", "bytes_restored",
                 "bytes_removed", "changed")


class AlterResult(_Result):
    """What an alter did: `version` of the table afterwards; `changed` False: it was like that
    already; `diff`: what changed, in lines."""

    __slots__ = ("version", "changed", "diff")


class Quarantine:
    """The rows of a table that writes with ``quarantine=True`` have set aside."""

    __slots__ = ("_core",)

    def __init__(self, core):
        self._core = core

    def list(self):
        """The batches, oldest first: id, arrival, rows, source, app_id, app_version, user_name,
        reason (of the first row). Of one whose file can't be read, id and reason alone."""
        return ArrowStream(self._core.quarantine_list())

    def show(self, id=None):
        """The rows of a batch, or of all: id, arrival, row, line, source, column, value, rule,
        rules, values (JSON). NotFound: no such id."""
        return ArrowStream(self._core.quarantine_show(id))

    def release(self, ids=None, *, dry_run=False):
        """Upserts the rows of these batches, or of all, anew. Rows that still break a rule stay:
        ``rejected`` of the result, which adds up all batches. `dry_run` changes nothing: the result
        is what it would have been, each batch by itself. Corrupt: a batch that is named is damaged;
        of all, those that can't be read stay, with a RuntimeWarning."""
        result, _, damaged = self._core.quarantine_release(list_of(ids), dry_run)
        if damaged:
            batches = "batch that can't be read stays" if damaged == 1 else (
                "batches that can't be read stay")
            warnings.warn(f"{damaged} {batches} in quarantine: quarantine.list() says why",
                          RuntimeWarning, stacklevel=2)
        return UpsertResult(result)

    def drop(self, ids=None):
        """Removes these batches, or all, for good; how many rows that were."""
        return self._core.quarantine_drop(list_of(ids))


class Table:
    """A table of a lake, or any Delta table; made by ``Lake.table``.

    Times in arguments are datetimes (naive means UTC) or texts: ISO 8601, "now", "-2h", "-7d".
    `at` says as of when to read: a version (int), a time, or a tag; None is the latest, or what was
    known where ``Lake.known_at`` is set: now, whenever the table was opened.
    """

    __slots__ = ("_core", "_lake", "name", "__weakref__")

    def __init__(self, lake, core, name):
        self._lake = lake
        self._core = core
        self.name = name

    def __repr__(self):
        return f"<varve.Table {self.name!r}>"

    @property
    def version(self):
        """The latest version, with what others have committed since."""
        return self._core.refresh()

    @property
    def quarantine(self):
        """The rows that were set aside."""
        return Quarantine(self._core)

    # ---- Writing

    def upsert(self, data, *, app_id=None, app_version=None, quarantine=False, dry_run=False,
               message=None, format=None, input_tz=None, truncate_time=False, attempts_max=0,
               evolve=False):
        """Inserts rows, and replaces those with equal keys where they are newer, as one commit, or
        none where nothing changes. A row is newer by the table's order column (``ingested_at``);
        one without it is the newest on arrival.

        data           anything with ``__arrow_c_stream__`` or ``__arrow_c_array__`` (polars,
                       pandas, pyarrow, a relation of duckdb), an iterable of dicts, one dict, or
                       the path of a CSV, NDJSON or Parquet file, or several paths, as one batch.
                       Columns are matched by name; those that are absent are NULL
        app_id, app_version   make a repeated batch a no-op. The version has to grow from one batch of an
                              app_id to the next: one that is not above the last is taken for written,
                              as is that of a batch without rows
        quarantine     True: bad rows are set aside, and the rest goes on
        dry_run        True: says what would be done, and does nothing
        message        for the history
        format         of files whose name does not say: "csv", "ndjson", "parquet"
        input_tz       zone of times without one ("America/New_York"); UTC. Of a time that it
                       had twice the earlier is taken; one that it never had is a bad row. Not
                       for columns of timestamp_ntz
        truncate_time  True: cut digits below a microsecond instead of rejecting the row
        attempts_max   how often to plan anew behind other writers; 10
        evolve         True: columns of the data that the table lacks are added first, by a commit
                       of their own, once the rows are known to be good

        InvalidData: bad rows; nothing was written. Conflict: try again. UnknownOutcome: repeat it
        with the same app_id and app_version. TypeError: a value that no column holds.
        """
        return self._write(False, data, format, app_id, app_version, attempts_max, input_tz,
                           truncate_time, message, quarantine, dry_run, False, evolve)

    def append(self, data, *, app_id=None, app_version=None, quarantine=False, dry_run=False,
               message=None, format=None, input_tz=None, truncate_time=False, attempts_max=0,
               allow_duplicates=False, evolve=False):
        """Adds all rows as new ones and compares them with nothing. The table needs no key; on one
        with a key, which could then be stored twice, allow_duplicates has to be True. Arguments
        and errors as of ``upsert``."""
        return self._write(True, data, format, app_id, app_version, attempts_max, input_tz,
                           truncate_time, message, quarantine, dry_run, allow_duplicates, evolve)

    def _write(self, append, data, form, app_id, app_version, *options):
        files, data = input_of(data, form)
        if app_version is None and app_id is not None:
            raise ValueError("app_id needs an app_version")
        return UpsertResult(
            self._core.write(append, files, data, app_id, app_version or 0, options[0],
                             *options[1:]))

    def delete(self, where, *, app_id=None, app_version=None, dry_run=False, message=None,
               attempts_max=0):
        """Removes the rows for which a condition in SQL over the table's columns is true
        ("true": all), as one commit, or none. Only files that can hold such a row are read. Other
        arguments and errors as of ``upsert``. UsageError: a bad condition."""
        return self._edit(DELETE, where, None, (None, None), (app_id, app_version), attempts_max,
                          None, False, message, dry_run)

    def update(self, set, where, *, app_id=None, app_version=None, dry_run=False, message=None,
               attempts_max=0):
        """Sets columns of the rows for which a condition is true: ``{"vix": "round(vix, 1)"}``,
        SQL over the row as it was. New rows obey the rules of the table. Other arguments and
        errors as of ``upsert``. UsageError: bad SQL; TypeError: a value that is no text."""
        for column, value in dict(set).items():
            if not isinstance(value, str):
                raise TypeError(f"the value of {column} is {value!r}: values are SQL as texts, "
                                f"such as {{{column!r}: {str(value)!r}}}")
        return self._edit(UPDATE, where, dict(set), (None, None), (app_id, app_version),
                          attempts_max, None, False, message, dry_run)

    def overwrite(self, data, where=None, *, app_id=None, app_version=None, dry_run=False,
                  message=None, format=None, input_tz=None, truncate_time=False, attempts_max=0):
        """Puts rows in the place of all, or of those for which a condition is true, which the new
        ones must obey. Other arguments and errors as of ``upsert``."""
        return self._edit(OVERWRITE, where, None, input_of(data, format), (app_id, app_version),
                          attempts_max, input_tz, truncate_time, message, dry_run)

    def _edit(self, what, where, assignments, source, txn, *options):
        app_id, app_version = txn
        if app_version is None and app_id is not None:
            raise ValueError("app_id needs an app_version")
        columns = list(assignments) if assignments is not None else None
        values = list(assignments.values()) if assignments is not None else None
        return EditResult(self._core.edit(what, where, columns, values, *source, app_id,
                                          app_version or 0, *options))

    def merge(self, source, on, *, app_id=None, app_version=None, dry_run=False, message=None,
              format=None, input_tz=None, truncate_time=False, attempts_max=0, evolve=False):
        """Changes, removes and adds rows by what a source says of them, as one commit:

            table.merge(frame, "t.k = s.k") \\
                .when_matched_update({"v": "s.v"}, predicate="s.v > t.v") \\
                .when_matched_delete("s.gone") \\
                .when_not_matched_insert_all() \\
                .execute()

        source  as the data of ``upsert``; it may have columns that the table lacks
        on      the condition by which rows match, in SQL; the table is ``t``, the source ``s``
        evolve  True: columns that a clause sets and the table lacks are added first

        Other arguments as of ``upsert``; errors as of ``Merge.execute``.
        """
        from ._merge import merge_of

        if app_version is None and app_id is not None:
            raise ValueError("app_id needs an app_version")
        options = (app_id, app_version or 0, attempts_max, input_tz, truncate_time, message,
                   dry_run, evolve)
        return merge_of(self, source, on, options, format)

    def _merge(self, on, source, clauses, options):
        return EditResult(self._core.merge(
            *source, on, [when for when, _ in clauses], [text for _, text in clauses], *options))

    # ---- Upkeep

    def optimize(self, *, target_size=None, zorder=None, where=None, message=None,
                 dry_run=False):
        """Makes many small files few; no row changes. An OptimizeResult.

        target_size  of a file: bytes, or "100MB"; delta.targetFileSize, else 100 MB
        zorder       columns: rows that are near each other in them lie together
        where        SQL over partition columns: which partitions
        dry_run      True: says what it would take, and does nothing

        Other writers neither fail nor wait; a second run finds nothing to do. UsageError: a column
        that is not there, or a condition on other columns.
        """
        return OptimizeResult(self._core.optimize(
            size_of(target_size), names_text(zorder), where, message, dry_run))

    def vacuum(self, *, retain=None, dry_run=True, lite=False, unsafe=False, message=None):
        """Removes the files that no version within the retention needs; with `dry_run`, which is
        the default, it only says which. A VacuumResult.

        retain   what was removed from the table since stays: "168h", a timedelta;
                 delta.deletedFileRetentionDuration
        lite     True: only what the log names; the folder is not listed
        unsafe   True: `retain` may be less than the table promises

        Tags and holds are obeyed. UsageError: less than the table promises.
        """
        figures, files = self._core.vacuum(span_text(retain), not dry_run, lite, unsafe, message)
        paths = [next(iter(row.values())) for row in ArrowStream(files)]
        return VacuumResult((*figures, paths))

    def restore(self, at, *, message=None, dry_run=False):
        """Makes rows, schema and properties those of an earlier version (int), time or tag, by a new
        commit; all versions stay. A RestoreResult. NotFound: no such version, or its files are
        gone."""
        return RestoreResult(self._core.restore(at_text(at), message, dry_run))

    def alter(self, verb, *words, upgrade=False, dry_run=False, message=None):
        """One change of the table's rules; rows stay. An AlterResult.

            table.alter("add-column", "note string after vix")
            table.alter("set", "delta.enableChangeDataFeed=true", upgrade=True)
            table.alter("add-constraint", "positive", "vix > 0")

        Verbs: add-column, rename-column, drop-column, move-column, widen, drop-not-null,
        set-default, drop-default, cluster-by, set, unset, add-constraint, drop-constraint, upgrade;
        words as of ``varve alter``.

        upgrade  True: the table may get a feature that fewer engines have

        InvalidData: rows that break a new constraint. Unsupported: it takes a feature, and `upgrade`
        is not set. UsageError: what makes no sense for this table.
        """
        return AlterResult(self._core.alter(verb, list(words), upgrade, dry_run, message))

    def checkpoint(self):
        """Writes a checkpoint now, and cleans up the log: a dict of version, commits_cleaned,
        commits_kept, log_first_version (-1: nothing was cleaned)."""
        names = ("version", "commits_cleaned", "commits_kept", "log_first_version")
        return dict(zip(names, self._core.checkpoint()))

    # ---- Reading

    def scan(self, columns=None, where=None, *, at=None, limit=None):
        """Rows.

        columns  names; all
        where    a condition in SQL over the table's columns: ``"symbol = 'SPY' AND vix > 20"``
        limit    at most so many rows

        UsageError: a bad condition or column. NotFound: no such version.
        """
        if limit is not None and limit <= 0:
            raise ValueError(f"a limit of {limit} rows")
        return ArrowStream(
            self._core.scan(names_text(columns), where, at_text(at), limit or 0))

    def latest(self, by=None, *, until=None, at=None):
        """The newest row of each `by` (columns; the key without its time, such as symbol), in
        its order, by event time up to `until`, included."""
        return ArrowStream(
            self._core.latest(names_text(by), time_text(until), at_text(at)))

    def range(self, *, symbol=None, strategy=None, last=None, start=None, end=None, at=None):
        """The rows of a time range in order of time.

        symbol, strategy   of that symbol, or strategy_id
        last               back from now: "7d" or a timedelta; 7d where nothing is given
        start, end         event time; start is included, end is not
        """
        return ArrowStream(
            self._core.range(symbol, strategy, span_text(last), time_text(start),
                             time_text(end), at_text(at)))

    def history(self, limit=None, *, at=None):
        """The operations on the table, newest first: version, timestamp, userName, operation,
        operationParameters, operationMetrics (JSON texts), userMetadata, engineInfo, rows,
        files. What is damaged behind `at` does no harm."""
        return ArrowStream(self._core.history(limit or 0, at_text(at)))

    def changes(self, start, end=None):
        """The rows that the versions from `start` to `end` (versions, times or tags, both included;
        None: the latest) brought, took and replaced: the table's columns, then _change_type (insert,
        delete, update_preimage, update_postimage), _commit_version, _commit_timestamp; in order of
        version. NotFound: no such version. UsageError: an empty range."""
        return ArrowStream(self._core.changes(at_text(start), at_text(end)))

    def trace(self, key=None, *, at=None, **columns):
        """Every version at which one row changed: version, timestamp, userName, operation,
        userMetadata, change (insert, update, delete), before, after (JSON texts).

            table.trace(symbol="SPY", timestamp=datetime(2025, 1, 30, 14, 30))

        key, columns  a value for each column of the table's key; one that is called at or key is
                      given in `key`, a dict
        at            the last version that counts; what is damaged behind it does no harm

        UsageError: a column of the key is missing, or no such column.
        """
        conditions = []
        for column, value in {**(key or {}), **columns}.items():
            text, _ = param_of(column, value)
            if text is None:
                raise ValueError(f"{column}: a key has no NULL")
            conditions.append(f"{column}={text}")
        return ArrowStream(self._core.trace(conditions, at_text(at)))

    def why(self, file):
        """The commit that brought a data file, and whence its rows came: depth (0: the file itself),
        file, version, timestamp, userName, operation, userMetadata, bytes, is_compaction,
        removed_version. `file` is its path in the table's folder, or the end of it. NotFound: no
        commit that is there names it."""
        return ArrowStream(self._core.why(file))

    def verify(self, *, head=None, deep=False, strict=False, signature=None, public_key=None):
        """Whether the table is what was written; as ``Lake.verify``."""
        return self._lake.verify(self.name, head=head, deep=deep, strict=strict,
                                 signature=signature, public_key=public_key)

    def seal(self, key_file=None):
        """The head of the table, to be kept elsewhere; as ``Lake.seal``."""
        return self._lake.seal(self.name, key_file)

    def files(self, *, at=None):
        """The data files: path, partition, bytes, rows, deleted, min, max, added_version,
        modified."""
        return ArrowStream(self._core.files(at_text(at)))

    def describe(self, *, at=None):
        """A dict: name, location, id, description, version, timestamp, createdAt, protocol, schema,
        partitionColumns, key, orderBy, zorder, clusteringColumns, properties, files, bytes, rows."""
        import json

        return json.loads(self._core.describe(at_text(at)))

    # ---- Life

    def close(self):
        """Gives the table back; the lake, or garbage collection, does it otherwise."""
        self._core.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
