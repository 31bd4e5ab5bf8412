"""The batch writer."""

from os import fspath

from ._stream import ArrowStream
from ._table import UpsertResult
from ._values import milliseconds_of, names_text, size_of

_open = None  # the writers that are open: made with the first


def _close_at_exit():
    """A program that ends closes its writers, each of them; what can't be committed stays in their
    spools. The last failure is raised."""
    failure = None
    for writer in list(_open):
        try:
            writer.close()
        except Exception as error:
            failure = error
    if failure is not None:
        raise failure


def _remember(writer):
    global _open
    if _open is None:
        import atexit
        import os
        from weakref import WeakSet

        _open = WeakSet()
        atexit.register(_close_at_exit)
        os.register_at_fork(after_in_child=_open.clear)  # they are the parent's
    _open.add(writer)


class WriterCommit:
    """A table's part of a segment of the spool that was committed.

    table     its name
    segment   number of the segment
    sequence  all rows of the table up to it are committed or in quarantine
    result    UpsertResult
    seconds   how long it took
    """

    __slots__ = ("table", "segment", "sequence", "result", "seconds")

    def __init__(self, table, segment, sequence, result, microseconds):
        self.table = table
        self.segment = segment
        self.sequence = sequence
        self.result = UpsertResult(result)
        self.seconds = microseconds / 1e6

    def __repr__(self):
        return (f"WriterCommit(table={self.table!r}, sequence={self.sequence}, "
                f"result={self.result!r})")


class Writer:
    """Takes rows one by one, from any thread, into a crash-safe spool on local disk, and writes
    them into the lake in batches, exactly once.

        with varve.Writer(lake, interval=60.0) as writer:
            writer.put("market_regimes", timestamp=now, symbol="SPY", regime="bullish_low")

    A row is *accepted* when ``put`` returns: it survives the death of the process. It is *spooled*
    after ``sync``, or at once with ``sync="always"``: it survives a power cut. It is *committed*
    after ``flush``. The next writer of a spool goes on with what is in it. Rows that break a rule
    of their table go to its quarantine.

    lake        a Lake; the writer has handles of its own, so the lake can be used meanwhile
    spool       folder; ``_varve/spool`` in the lake. One process owns it at a time
    interval    seconds between flushes; None: on demand only
    rows_max    flush when so many wait: 1,000,000
    bytes_max   or so many bytes, or "64MiB"
    sync        rows are spooled together each so often: "100ms", or "always": each ``put`` waits
    spool_max   size of the spool, "1GiB"
    full        what ``put`` does when it is full: "block" until there is room, or "fail" (Limit)
    adopt       True: take over a spool that was copied, under a new identity
    durability  "off": no fsync anywhere, for benchmarks

    Callbacks come from threads of the writer, one at a time, and must not call the writer; nor must
    the lake's ``on_log``. What they raise goes to sys.unraisablehook.

    on_commit      (WriterCommit)
    on_durable     (sequence): all rows up to it survive a power cut
    on_quarantine  (table, sequence, row as JSON text, reason): one row was set aside
    on_retry       (table, error, seconds): a flush failed, and is tried again so much later

    Ctrl-C ends a ``put``, ``flush``, ``scan`` or ``close`` that waits. Conflict: another process
    owns the spool. Corrupt: it is damaged, the message says where. UsageError: it is a copy.
    """

    def __init__(self, lake, spool=None, *, interval=60.0, rows_max=None, bytes_max=None,
                 sync="100ms", spool_max=None, full="block", adopt=False, durability="full",
                 on_commit=None, on_durable=None, on_quarantine=None, on_retry=None):
        if full not in ("block", "fail"):
            raise ValueError(f"full {full!r}: there are block, fail")
        if durability not in ("full", "off"):
            raise ValueError(f"durability {durability!r}: there are full, off")
        always = sync == "always"
        self.lake = lake
        core = lake._core.writer(
            None if spool is None else fspath(spool),
            -1 if interval is None else milliseconds_of("interval", interval),
            rows_max or 0, size_of(bytes_max), size_of(spool_max),
            0 if always else milliseconds_of("sync", sync), always, full == "fail", adopt,
            durability == "off",
            on_commit and (lambda *told: on_commit(WriterCommit(*told))),
            on_durable, on_quarantine,
            on_retry and (lambda table, error, ms: on_retry(table, error, ms / 1e3)))
        self._core = core
        # The same as the methods below, without a call in between.
        self.put_market_regime = core.put_market_regime
        self.put_performance = core.put_performance
        self.put_signal = core.put_signal
        _remember(self)

    def __repr__(self):
        closed = ", closed" if self.closed else ""
        return f"<varve.Writer of {self.lake.path!r}{closed}>"

    # ---- Rows

    def put(self, table, row=None, /, **values):
        """Puts a row, a dict or keyword arguments or both; returns its sequence, which counts
        rows from 1 for the life of the spool. Each value is read as its column has it, as with
        ``Table.upsert`` of dicts.

        InvalidData: the row can't be taken, such as one without a key. NotFound: no such table.
        Limit: the spool is full (``full="fail"``).
        """
        if row is None:
            row = values
        elif values:
            row = {**row, **values}
        return self._core.put(table, row)

    def put_market_regime(self, timestamp, symbol, regime, *, vix=None, put_call_ratio=None,
                          futures_trend=None, confidence=None, model_version=None, source=None,
                          ingested_at=None):
        """Puts a row of market_regimes; returns its sequence. Times are datetimes (naive: UTC) or
        integers of microseconds since 1970. None is no value; of a number NaN is none, either.

        vix >= 0; put_call_ratio >= 0; futures_trend "up", "down", "flat"; confidence 0 to 1
        """
        return self._core.put_market_regime(
            timestamp, symbol, regime, vix=vix, put_call_ratio=put_call_ratio,
            futures_trend=futures_trend, confidence=confidence, model_version=model_version,
            source=source, ingested_at=ingested_at)

    def put_performance(self, timestamp, strategy_id, *, unrealized_pnl=None, realized_pnl=None,
                        total_pnl=None, delta=None, gamma=None, theta=None, vega=None, dte=None,
                        entry_price=None, current_price=None, regime_at_entry=None,
                        regime_current=None, ingested_at=None):
        """Puts a row of performance_metrics; returns its sequence. P&L in the account's currency,
        dte in days, an int. Times as of ``put_market_regime``."""
        return self._core.put_performance(
            timestamp, strategy_id, unrealized_pnl=unrealized_pnl, realized_pnl=realized_pnl,
            total_pnl=total_pnl, delta=delta, gamma=gamma, theta=theta, vega=vega, dte=dte,
            entry_price=entry_price, current_price=current_price,
            regime_at_entry=regime_at_entry, regime_current=regime_current,
            ingested_at=ingested_at)

    def put_signal(self, timestamp, strategy_id, signal_type, *, signal_value=None,
                   acted_upon=False, acted_at=None, source=None, source_version=None, regime=None,
                   futures_trend=None, ingested_at=None):
        """Puts a row of signals; returns its sequence. signal_value 0 to 1; acted_at only with
        acted_upon. Times as of ``put_market_regime``."""
        return self._core.put_signal(
            timestamp, strategy_id, signal_type, signal_value=signal_value,
            acted_upon=acted_upon, acted_at=acted_at, source=source,
            source_version=source_version, regime=regime, futures_trend=futures_trend,
            ingested_at=ingested_at)

    def put_arrow(self, table, data):
        """Puts all rows of Arrow data (polars, pandas, pyarrow, ...); returns the sequence of the
        last one, 0 where there is none. Rows before a failure are accepted. UsageError: the writer
        was closed meanwhile, which waits for no reader."""
        return self._core.put_arrow(table, data)

    def put_rejected(self, table, text, reason):
        """Puts what is no row, a text, with the reason, into the quarantine of a table, by way of
        the spool; returns its sequence."""
        return self._core.put_rejected(table, text, reason)

    # ---- Waiting

    def sync(self):
        """Returns when everything put before survives a power cut."""
        self._core.sync()

    def flush(self, timeout=None):
        """Returns when everything put before is committed or in quarantine.

        Limit: that took more than `timeout` seconds; the message has the last failure. The rows
        stay, and go on being tried.
        """
        self._core.flush(-1 if timeout is None else round(timeout * 1000))

    # ---- Reading

    def scan(self, table, columns=None, where=None, *, limit=None):
        """Rows of a table as they would be if everything put so far were committed. The stream
        ends with the writer. Arguments as of ``Table.scan``."""
        if limit is not None and limit <= 0:
            raise ValueError(f"a limit of {limit} rows")
        return ArrowStream(
            self._core.scan(table, names_text(columns), where, limit or 0))

    def stats(self):
        """A dict of figures, of each table too: rows_put, rows_waiting, bytes_waiting, inserted,
        quarantined, commits, retries, sequence_accepted, sequence_durable, sequence_committed and
        more: the metrics of `varve ingest`."""
        import json

        return json.loads(self._core.metrics())

    # ---- Life

    def close(self):
        """Flushes everything, and ends. Where that fails: its error; the rows stay in the spool,
        and the writer is closed all the same. Calls of others that wait end with UsageError; a
        close of another thread is waited for. A signal handler may close it. A program that exits
        closes its writers."""
        self._core.close()

    def abandon(self):
        """Ends without a flush: the rows stay in the spool for the next writer."""
        self._core.abandon()

    @property
    def closed(self):
        return self._core.is_closed()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
