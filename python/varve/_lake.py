"""A lake."""

from os import fsencode, fspath

from . import _core
from ._stream import ArrowStream
from ._table import Table
from ._values import (
    at_text, instant_text, list_of, names_text, param_of, schema_text, size_of, span_text,
    time_text)

_KNOWLEDGE = {"order": 0, "commit": 1, "event": 2}
_OUTCOMES = {"regime": 0, "strategy": 1, "source": 2, "type": 3, "confidence": 4}
_TAG, _HOLD = range(2)
_CACHE_OFF = 2**64 - 1
_REPORTS = {"audit": 0, "missed": 1, "latency": 2}


def _choice(what, value, choices):
    if value not in choices:
        raise ValueError(f"{what} {value!r}: there are {', '.join(map(str, choices))}")
    return choices[value]


def _log(level, event, fields):
    """Warnings and errors, to where the program's other warnings go."""
    if level not in ("warn", "error"):
        return
    import json
    import logging

    said = json.loads(fields)
    logging.getLogger("varve").log(
        logging.ERROR if level == "error" else logging.WARNING, "%s: %s", event,
        said.get("message", fields))


def _log_to(callback):
    import json

    return lambda level, event, fields: callback(level, event, json.loads(fields))


def _cache_bytes(cache):
    if cache is None or cache is True:
        return 0  # as much as is usual
    return size_of(cache) or _CACHE_OFF


class _KnownAt:
    """What Lake.known_at gives: at the end of a `with` the lake is read as it was before."""

    __slots__ = ("_lake", "_before")

    def __init__(self, lake, before):
        self._lake, self._before = lake, before

    def __enter__(self):
        return self._lake

    def __exit__(self, *_):
        self._lake._core.known_at(instant_text(self._before))


class Lake:
    """A folder of Delta tables.

        with varve.Lake("data/lake", create=True, user="bot") as lake:
            lake.init()
            lake.table("market_regimes").upsert(frame)
            lake.query("SELECT regime, count(*) FROM market_regimes GROUP BY 1").to_dicts()

    path        the folder
    create      True: make the folder at the first write where it is not there
    user        for the history; the login
    message     for the history of every write that has none of its own
    threads     for the engine; one a core
    memory      limit of the engine, in bytes or as "1GiB"; 80 % of the machine's
    cache       how much of it data files may take that are read again and again, decoded; at most
                a quarter; False: nothing; a sixteenth, at most 256 MiB
    durability  "full", or "off" for bulk loads and benchmarks: a crash of the machine may then
                undo what was written
    on_log      called with (level, event, fields as a dict) from any thread; without it warnings
                go to the logger "varve"

    A lake may be used from several threads: calls on it and its tables take turns. A process that
    forks opens its lakes anew in the child. Every call releases the GIL; Ctrl-C in the main thread
    ends it with KeyboardInterrupt. What an interrupted write did is then not known: repeat it.

    NotFound: no such folder, and `create` is not set.
    """

    __slots__ = ("_core", "path", "__weakref__")

    def __init__(self, path, *, create=False, user=None, message=None, threads=None,
                 memory=None, cache=None, durability="full", on_log=None):
        self.path = fspath(path)
        off = _choice("durability", durability, {"full": False, "off": True})
        self._core = _core.open_lake(
            fsencode(self.path), create, off, threads or 0, size_of(memory),
            _cache_bytes(cache), user, message,
            _log_to(on_log) if on_log else _log)

    def __repr__(self):
        closed = ", closed" if self._core.is_closed() else ""
        return f"<varve.Lake {self.path!r}{closed}>"

    def cache(self, *, clear=False):
        """What is held in memory of data files that were read again, and what came of it since the
        lake was opened, as a dict: bytes, bytes_max, files, columns (of them all together), hits
        and misses (columns of files that were there when they were read, or had to be decoded),
        evicted (files that made room).

        clear   True: and then gives that memory back
        """
        return self._core.cache(clear)

    # ---- Tables

    def init(self, *, profile=None, history=None, regimes=None, signal_types=None,
             symbols=None):
        """Creates the three market tables where they are absent: market_regimes,
        performance_metrics, signals. A list of dicts: table, location, created.

        profile       "interop" (any engine may write), or "audit"
        history       how long old versions stay readable: "400d", "forever"
        regimes, signal_types   which values there may be, instead of the usual ones
        symbols       those that are known: others are written, and warned of
        """
        import json

        return json.loads(self._core.init(
            profile, history, names_text(regimes), names_text(signal_types), names_text(symbols)))

    def create(self, name, *, schema, key=None, order_by=None, partition_by=None, zorder=None,
               checks=None, properties=None, history=None, description=None, cluster_by=None):
        """Creates a table; False: it was there already, and is as it was.
        UsageError where a table of that name is another one.

        schema        "a timestamp not null, b string, c decimal(10,2)", or a dict of names and
                      types: {"a": "timestamp not null", "b": "string"}; or a frame, a Table, a
                      Schema of pyarrow or polars, or whatever has an Arrow schema: its columns, and
                      none of its rows. A time is a `timestamp` then, with a zone or without; an
                      unsigned integer is of the next greater type
        key           columns that identify a row
        order_by      a timestamp or integer: of two rows with one key the greatest stays
        partition_by  columns to keep apart in folders
        zorder        columns by which optimize lays rows out in the files
        cluster_by    the same as liquid clustering, which Spark goes by too
        checks        a dict of names and conditions: {"positive": "c > 0"}
        properties    a dict of Delta table properties
        """
        made = self._core.create(
            name, schema_text(schema), names_text(key), names_text(partition_by),
            names_text(order_by), names_text(zorder), names_text(cluster_by), history,
            description,
            [f"{check}: {condition}" for check, condition in (checks or {}).items()],
            [f"{property}={value}" for property, value in (properties or {}).items()])
        return made

    def table(self, name):
        """A table by its name in the lake, or any Delta table by its path.

        NotFound: there is none; the message says which there are.
        """
        return Table(self, self._core.table(fspath(name)), name)

    __getitem__ = table

    def __iter__(self):
        """The names of the lake's tables."""
        return iter([row["table"] for row in self.tables().to_dicts()])

    def __contains__(self, name):
        return any(table == name for table in self)

    def tables(self):
        """The lake's tables, a row each, as an ArrowStream: table, version, files, rows, bytes,
        last_commit, key, location, error (why a table can't be read)."""
        return ArrowStream(self._core.tables())

    def quarantine(self):
        """The batches in quarantine of all tables, as an ArrowStream: table, and the columns of
        ``Table.quarantine.list``. Of a table that can't be opened, table and reason alone."""
        return ArrowStream(self._core.quarantine())

    def maintain(self, table=None, *, plan=False, message=None):
        """Does what the properties of the tables say is due: compaction, layout, checkpoints,
        clean-up of the log, vacuum. To be called every minute or so; writers go on meanwhile.
        An ArrowStream of what was due and what came of it: table, duty, partition, files, bytes, reason, outcome
        (planned, done, left, failed, skipped), note. What fails for a table is a row, and no
        exception.

        table    that alone; all of the lake
        plan     say what is due and why, and do nothing
        message  for the history
        """
        return ArrowStream(self._core.maintain(table, plan, message))

    # ---- Queries and reports

    def query(self, sql, params=None, *, at=None):
        """Rows of SQL over the tables by name. ``FROM t AT (VERSION => 5)`` and
        ``AT (TIMESTAMP => '...')`` read a table as it was; `params` are ``$name`` in the SQL.
        Each table is read at one version, all fixed before the first row. Of two columns with one
        name the second gets a number, as in `timestamp_1`.

        params  by name. An int is a BIGINT, a float a DOUBLE, a Decimal a DECIMAL of its digits,
                bytes are a BLOB; dates, datetimes (with a zone: a point in time; without: a
                TIMESTAMP) and times of day are such; None is NULL. A str is what a literal in
                quotes is: it has the type of what it stands beside
        at  a time, or a version where one table is read, for tables without an AT of their own

        UsageError: bad SQL, with the place. NotFound: no such table, version or time.
        """
        if params and not hasattr(params, "items"):
            raise TypeError("parameters are a dict of names and values: "
                            "WHERE symbol = $s, {'s': 'SPY'}")
        params = params or {}
        values = [param_of(name, value) for name, value in params.items()]
        return ArrowStream(self._core.query(
            sql, at_text(at), list(params), [text for text, _ in values],
            [kind for _, kind in values]))

    def known_at(self, time):
        """From now on this lake is read as it was known at a time, where no `at` is given: by queries,
        by reports and by its tables, whenever they were opened; None: as it is, again. A stream stays
        what it was asked for; writes, ``Table.version``, ``tables`` and upkeep go by the latest
        version as ever. For some reads alone, by `with`; at its end the lake is read as before:

            with lake.known_at("2025-01-30T10:31:00Z"):
                lake.query("FROM signals")

        UsageError: no time.
        """
        before = self._core.known()
        self._core.known_at(time_text(time))
        return _KnownAt(self, before)

    def leak_check(self, sql, known_at, *, knowledge="order"):
        """The rows of a query that differ between what was known at a time and what is known now:
        ``_known`` ("then" or "now"), then the query's columns. A row is known from its "order"
        column (where a table has none: its commit), its "commit", or its "event" time. By "order"
        rows that were replaced or removed since are those of the version that was committed by
        then; "commit" is that version alone. No rows: nothing was used that was not known."""
        return ArrowStream(self._core.leak_check(
            sql, time_text(known_at), _choice("knowledge", knowledge, _KNOWLEDGE)))

    def correlate(self, *, by="regime", symbol=None, last=None, start=None, end=None,
                  knowledge="order", at=None):
        """Performance by market regime, each row with the regime that was known at its time:
        regime, rows, strategies, share_of_time, pnl_change, mean_pnl_change, worst_drawdown,
        hit_rate. ``info`` of the stream says what the answer rests on.

        by         "regime", or "symbol": the answer for each symbol
        symbol     whose regimes; SPY, else the first
        last       back from now: "30d", the default, or a timedelta
        knowledge  a regime is known from its "order" (ingested_at), its "commit", or, in
                   hindsight, its "event" time
        """
        import json

        by_symbol = _choice("by", by, {"regime": False, "symbol": True})
        stream, info = self._core.correlate(
            _choice("knowledge", knowledge, _KNOWLEDGE), by_symbol, symbol, span_text(last),
            time_text(start), time_text(end), at_text(at))
        return ArrowStream(stream, json.loads(info))

    def outcomes(self, *, by="regime", horizons=None, acted=None, tolerance=None, strategy=None,
                 symbol=None, last=None, start=None, end=None, knowledge="order", at=None):
        """What signals led to: how total_pnl of the strategy moved within each horizon, summed by
        the regime known at the signal, by "strategy", "source", "type" or "confidence". ``info``
        of the stream says what the answer rests on.

        horizons   "1h,1d", the default, or a list of spans
        acted      True or "yes", False or "no": only signals that were, or were not, acted upon
        tolerance  how old a total_pnl may be, at the signal and at the horizon's end
        symbol     whose regimes; SPY, else the first
        last       back from now: "30d", the default, or a timedelta
        """
        import json

        if horizons is not None and not isinstance(horizons, str):
            horizons = ",".join(map(span_text, horizons))
        stream, info = self._core.outcomes(
            _choice("by", by, _OUTCOMES), _choice("knowledge", knowledge, _KNOWLEDGE),
            _choice("acted", acted, {None: 0, True: 1, False: -1, "yes": 1, "no": -1}), horizons,
            span_text(tolerance), strategy, symbol, span_text(last), time_text(start),
            time_text(end), at_text(at))
        return ArrowStream(stream, json.loads(info))

    def transitions(self, *, by="regime", symbol=None, changes_only=False, last=None, start=None,
                    end=None, at=None):
        """How regimes follow each other: from_regime, to_regime, count, probability,
        mean_stay_seconds. ``info["symbol"]`` of the stream says whose.

        by            "regime", or "symbol": the answer for each symbol
        changes_only  rows in which the regime stays do not count
        """
        stream, symbol = self._core.transitions(
            _choice("by", by, {"regime": False, "symbol": True}), changes_only, symbol,
            span_text(last), time_text(start), time_text(end), at_text(at))
        return ArrowStream(stream, {"symbol": symbol or None})

    def gaps(self, table, every, *, by=None, calendar=None, coverage=False, last=None, start=None,
             end=None, at=None):
        """Intervals in the sessions of a calendar without a row: from, to, missing, sessions; or
        with ``coverage`` a row for each of ``by``. ``info`` of the stream sums it up.

        every     how often a row is expected: "1m", or a timedelta up to a day
        by        columns to look at each value of by itself
        calendar  "24x7", the default, "XNYS" or a file
        last      back from now, until now: a feed that died is missing; without it and ``end``
                  the newest row ends the range
        """
        import json

        stream, info = self._core.gaps(
            fsencode(table), span_text(every), coverage, None if calendar is None else
            fspath(calendar), names_text(by), span_text(last), time_text(start), time_text(end),
            at_text(at))
        return ArrowStream(stream, json.loads(info))

    def lateness(self, table, *, by=None, last=None, start=None, end=None, at=None):
        """How long after their time rows came, by the order column, as a histogram."""
        return ArrowStream(self._core.lateness(
            fsencode(table), names_text(by), span_text(last), time_text(start), time_text(end),
            at_text(at)))

    def signals(self, report="audit", *, strategy=None, min_value=None, last=None, start=None,
                end=None, at=None):
        """Signals and what was done about them.

        report     "audit": every signal; "missed": strong ones that nobody acted upon;
                   "latency": seconds from signal to action, by strategy and type
        min_value  of "missed", not included: 0.8
        """
        return ArrowStream(self._core.signals(
            _choice("report", report, _REPORTS), strategy, min_value, span_text(last),
            time_text(start), time_text(end), at_text(at)))

    def writer(self, spool=None, **options):
        """A Writer of this lake; options as of varve.Writer."""
        from ._writer import Writer

        return Writer(self, spool, **options)

    def spool(self, folder=None, *, verify=False):
        """What waits in a spool, of this lake or a folder, as a dict, without owning it.

        verify  True: every record is checked. VerifyFailed: damage; its `report` is the dict

        NotFound: there is no spool: nothing waits.
        """
        import json

        from ._errors import VerifyFailed

        try:
            return json.loads(self._core.spool(None if folder is None else fspath(folder), verify))
        except VerifyFailed as failed:
            failed.report = json.loads(failed.report)
            raise

    def salvage(self, folder=None, *, table=None, aside=False, dry_run=False, adopt=False):
        """Makes of a damaged spool, of this lake or a folder, one that opens again, with every row
        that can be read. A dict: segments, rows_saved, rows_lost, lost (ranges of sequences), ...

        table    of rows that have lost the record that names theirs
        aside    True: such rows go to a file beside the segments instead
        dry_run  True: says what it would do, and does nothing

        NotFound: no spool. Conflict: another process owns it.
        """
        import json

        return json.loads(self._core.salvage(
            None if folder is None else fspath(folder), table, aside, dry_run, adopt))

    # ---- Proof, pins, upkeep

    def verify(self, name, *, head=None, deep=False, strict=False, signature=None,
               public_key=None):
        """Whether a table, which need not be one that can be opened, is what was written: every
        commit, what commits name, and what else lies there is looked at. The report, a dict.

        head        that ``seal`` gave once: it must still be in the history
        deep        True: hash every data file, look at checkpoints and for doubled keys
        strict      True: files that nothing names, and commits that nothing proves, fail
        signature, public_key   of the head, and the file (PEM) to check it by

        VerifyFailed: something is wrong; IOFailed: nothing is, but not all could be read. Their
        `report` is the dict. NotFound: no such table.
        """
        import json

        from ._errors import IOFailed, VerifyFailed

        whole, text = self._core.verify(
            fspath(name), head, deep, strict, signature,
            None if public_key is None else fspath(public_key))
        report = json.loads(text)
        if whole:
            return report
        if report["wrong"] > 0:
            failed = VerifyFailed(
                f"{name}: the table is not what was written: the report says where",
                table=str(name))
        else:
            failed = IOFailed(f"{name}: the table could not be judged: the report says what can't "
                              "be read", table=str(name))
        failed.report = report
        raise failed

    def seal(self, name, key_file=None):
        """The head of a table, to be kept elsewhere and given to ``verify``: a dict of table,
        version, head, and with the private key (PEM) of a file, signature."""
        import json

        return json.loads(self._core.seal(
            fspath(name), None if key_file is None else fspath(key_file)))

    def export(self, folder, tables=None, *, last=None, start=None, end=None, at=None,
               key_file=None, seals=None, sources=True, changes=True):
        """A new folder for an auditor, which appears whole or not at all: the rows of a range of
        event times as CSV and Parquet, each of them that a version inserted, replaced or deleted,
        the commits and data files that prove them, hashes of all of it, and an index.html that
        says how to check it with sha256sum and openssl. A dict of folder, tables, rows, changes,
        changes_missing (versions whose changes can't be told), files, bytes, sha256 (which stands
        for the whole folder), and signature.

        tables           names; all of the lake
        last, start, end of event times, as of ``correlate``; all
        at               version (of one table), time or tag
        key_file         signs, with the private key (PEM) of a file
        seals            what ``seal`` gave earlier: it must fit, and goes along
        sources          False: the data files are left out
        changes          False: what the versions did to the rows is left out

        UsageError: the folder is there. VerifyFailed: the chain, a data file or a seal does not
        fit: nothing is exported.
        """
        import json

        lines = None if seals is None else "".join(json.dumps(dict(seal)) + "\n" for seal in seals)
        return json.loads(self._core.export(
            fspath(folder), list_of(tables), span_text(last), time_text(start), time_text(end),
            at_text(at), None if key_file is None else fspath(key_file), lines, not sources,
            not changes))

    def tag(self, name, *, at=None, tables=None, message=None):
        """Gives a version of each table a name, which `at` of reads and SQL's AT take, and keeps
        it readable; how many tables that were.

        at      version, time or tag; the latest of each table
        tables  names; all

        UsageError: the name is taken. NotFound: no such version, or its files are gone.
        """
        return self._core.pin(_TAG, name, at_text(at), list_of(tables), message)

    def hold(self, name, *, at=None, tables=None, message=None):
        """Keeps all versions from one on readable, whatever the retention. Arguments as of
        ``tag``."""
        return self._core.pin(_HOLD, name, at_text(at), list_of(tables), message)

    def untag(self, name):
        """Drops a tag; how many tables had it. NotFound: none."""
        return self._core.unpin(_TAG, name)

    def release(self, name):
        """Drops a hold; how many tables had it. NotFound: none."""
        return self._core.unpin(_HOLD, name)

    def tags(self):
        """An ArrowStream of name, table, version, created, user, message; by name and table."""
        return ArrowStream(self._core.pins(_TAG))

    def holds(self):
        """The same of holds."""
        return ArrowStream(self._core.pins(_HOLD))

    def doctor(self, name=None, *, fix_times=False, keys=False):
        """Who can read and write a table, and what ails it, as a dict: `features`, `engines`,
        `upgrades`, `health`, ... `name` as of Lake.table; Varve need not be able to read it.
        Without a name a list of such dicts, one for each table of the lake.

        fix_times  True: commit files get the times that their commits tell, where they are wrong
                   (after cp -r, say)
        keys       True: look for keys that stand in several rows
        """
        import json

        if name is None:
            return [self.doctor(one, fix_times=fix_times, keys=keys)
                    for one in self._core.names().splitlines()]
        return json.loads(self._core.doctor(fspath(name), fix_times, keys))

    def export_parquet(self, data, path):
        """Writes Arrow data, such as what a read gives, as one Parquet file; one that is there is
        overwritten. How many rows that were."""
        return self._core.export_parquet(data, fsencode(fspath(path)))

    # ---- Life

    def interrupt(self):
        """Ends the call that runs on this lake in another thread: it raises Interrupted."""
        self._core.interrupt()

    def close(self):
        """No more calls; streams that were handed out can still be read."""
        self._core.close()

    @property
    def closed(self):
        return self._core.is_closed()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
