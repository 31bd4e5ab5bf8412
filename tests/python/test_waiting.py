"""Nothing waits for itself, and nothing waits for ever: signal handlers, callbacks and readers that call
what is in the middle of a call, readers that wait, and writers that are closed meanwhile."""

import datetime as dt
import signal
import threading
import time

import errand
import pyarrow as pa
import pytest
import varve
from package import OPENING, regime, script, script_full

COUNT = "SELECT count(*) AS n FROM market_regimes"

SCRIPT = """
import queue
import pyarrow as pa
signal.alarm(60)
lake.init()
regimes = lake.table("market_regimes")
log = sys.argv[1] + "/market_regimes/_delta_log"
ROWS = [{"timestamp": 1_000_000 * number, "symbol": "SPY", "regime": "bullish_low", "source": "x" * 2000}
        for number in range(3000)]
BATCH = pa.RecordBatch.from_pylist(ROWS[:1]).cast(pa.schema({
    "timestamp": pa.timestamp("us", "UTC"), "symbol": pa.string(), "regime": pa.string(),
    "source": pa.string()}))
def waiting():
    "A reader that gives a batch, and no other ever."
    def batches():
        yield BATCH
        queue.Queue().get()
    return pa.RecordBatchReader.from_batches(BATCH.schema, batches())
def put(number):
    writer.put("market_regimes", {**ROWS[number], "timestamp": OPENING + dt.timedelta(seconds=number)})
OPENING = dt.datetime(2025, 1, 30, 14, 30, tzinfo=dt.timezone.utc)
"""


def run(text, tmp_path):
    done = script_full("import datetime as dt\n" + SCRIPT + text, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


# ---- Signal handlers


def test_a_handler_closes_the_writer_that_the_main_thread_waits_for(tmp_path):
    """And what was put is in the table. Nothing can be committed before."""
    assert run("""
def close_and_exit(*told):
    if os.path.exists(log + ".away"):
        os.rename(log + ".away", log)
    writer.close()
    print(writer.closed, lake.query("SELECT count(*) > 0 AS x FROM market_regimes").to_dicts()[0]["x"])
    sys.exit(7)
signal.signal(signal.SIGTERM, close_and_exit)
many = pa.Table.from_batches([BATCH] * 3000)
for away, wait in [(True, lambda: writer.flush()), (True, lambda: [put(number) for number in range(3000)]),
                   (True, lambda: writer.put_arrow("market_regimes", many)),
                   (False, lambda: writer.put_arrow("market_regimes", waiting()))]:
    regimes.delete("true")
    writer = varve.Writer(lake, interval=None, spool_max="1MiB")
    put(0)
    if away:
        os.rename(log, log + ".away")
    kick(signal.SIGTERM, 0.2)
    try:
        wait()
    except SystemExit as left:
        print(left.code)
""", tmp_path) == ["True True", "7"] * 4


def test_what_waited_for_a_writer_that_a_handler_has_closed(tmp_path):
    """A handler that raises nothing: the flush is over, and so are the reader and the rows behind it."""
    assert run("""
def close(*told):
    if os.path.exists(log + ".away"):
        os.rename(log + ".away", log)
    writer.close()
signal.signal(signal.SIGTERM, close)
def feed():
    yield BATCH
    os.kill(os.getpid(), signal.SIGTERM)
    yield BATCH
for wait in (lambda: writer.flush(), lambda: [put(number) for number in range(3000)],
             lambda: writer.put_arrow("market_regimes",
                                      pa.RecordBatchReader.from_batches(BATCH.schema, feed()))):
    writer = varve.Writer(lake, interval=None, spool_max="1MiB")
    put(0)
    if "feed" not in wait.__code__.co_names:
        os.rename(log, log + ".away")
        kick(signal.SIGTERM, 0.2)
    try:
        wait()
    except varve.UsageError as error:
        print(error, writer.closed)
""", tmp_path) == ["the writer was closed meanwhile True", "the writer is closed True",
                       "the writer was closed meanwhile True"]


def test_a_handler_that_asks_the_lake_in_the_middle_of_a_call(tmp_path):
    done = script("""
signal.alarm(60)
def ask(*told):
    try:
        lake.tables()
    except varve.UsageError as error:
        print("refused:", "in the middle of a call" in str(error), flush=True)
    os.kill(os.getpid(), signal.SIGINT)
signal.signal(signal.SIGTERM, ask)
kick(signal.SIGTERM)
try:
    lake.query(ENDLESS).to_dicts()
except KeyboardInterrupt:
    print("interrupted", len(lake.tables().to_dicts()))
""", tmp_path)
    assert done.stdout == "refused: True\ninterrupted 0\n", done.stderr


# ---- Readers


def test_a_signal_ends_a_call_that_reads_a_reader_which_waits(tmp_path):
    """With the exception of its handler; one that is a failure is the cause of the call's. Of a reader that is
    not pyarrow's no exception comes through."""
    assert run("""
class Other:
    def __arrow_c_stream__(self, requested_schema=None):
        return waiting().__arrow_c_stream__()
class Late(Exception):
    pass
def late(*told):
    raise Late("too late")
signal.signal(signal.SIGTERM, lambda *told: sys.exit(7))
signal.signal(signal.SIGHUP, late)
writer = varve.Writer(lake, interval=None)
merge = "t.timestamp = s.timestamp AND t.symbol = s.symbol"
for call in (lambda: regimes.upsert(waiting()), lambda: regimes.overwrite(waiting()),
             lambda: regimes.merge(waiting(), merge).when_not_matched_insert_all().execute(),
             lambda: lake.export_parquet(waiting(), sys.argv[1] + ".parquet"),
             lambda: writer.put_arrow("market_regimes", waiting())):
    said = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        kick(number, 0.1)
        try:
            call()
        except BaseException as error:
            said += [type(error).__name__, type(error.__cause__).__name__]
    print(*said)
kick(after=0.1)
try:
    regimes.upsert(Other())
except varve.UsageError as error:  # the number of whatever fails in pyarrow is EINVAL
    print("KeyboardInterrupt" in str(error), regimes.version)
""", tmp_path) == ["KeyboardInterrupt NoneType SystemExit NoneType IOFailed Late"] * 5 + ["True 0"]


def test_a_handler_runs_while_a_reader_gives_rows_without_python(tmp_path):
    """One after the other, so that the main thread never waits for long."""
    assert run("""
signal.signal(signal.SIGTERM, lambda *told: print("handled"))
reader = pa.Table.from_batches([BATCH] * 200000).to_reader()
kick(signal.SIGTERM, 0.1)
kick(after=0.2)
try:
    lake.export_parquet(reader, sys.argv[1] + ".parquet")
except KeyboardInterrupt:
    print("interrupted")
""", tmp_path) == ["handled", "interrupted"]


def test_an_interrupt_behind_the_last_row_of_a_generator(lake, regimes):
    """While the call waits for its turn."""
    def busy():
        with pytest.raises(varve.Interrupted):
            lake.query("SELECT count(*) FROM range(1000000000000) r(i) WHERE hash(i) = 1").to_dicts()

    def rows():
        yield regime()
        read.set()

    def upsert():
        with pytest.raises(varve.Interrupted):
            regimes.upsert(rows())
        ended.set()

    read, ended = threading.Event(), threading.Event()
    threads = [threading.Thread(target=work) for work in (busy, upsert)]
    threads[0].start()
    time.sleep(0.2)
    threads[1].start()
    assert read.wait(60)
    time.sleep(0.2)
    lake.interrupt()
    for thread in threads:
        thread.join()
    assert ended.is_set() and regimes.version == 0 and regimes.upsert(regime()).inserted == 1


# ---- Writers


def test_close_beside_a_reader_that_does_not_end(lake):
    """One that gives batch after batch, and one that waits for ever for its next."""
    def endless():
        for minute in range(1, 10**6):
            given.set()
            time.sleep(0.005)
            yield pa.RecordBatch.from_pylist([regime(minute)])

    def waits():
        yield pa.RecordBatch.from_pylist([regime()])
        given.set()
        more.wait(60)
        yield pa.RecordBatch.from_pylist([regime()])

    def feed(batches):
        reader = pa.RecordBatchReader.from_batches(schema, batches)
        try:
            writer.put_arrow("market_regimes", reader)
        except varve.UsageError as error:
            said.append(str(error))

    said = []
    schema = pa.RecordBatch.from_pylist([regime()]).schema
    for batches in (endless(), waits()):
        given, more = threading.Event(), threading.Event()
        with varve.Writer(lake, interval=None) as writer:
            thread = threading.Thread(target=feed, args=(batches,))
            thread.start()
            assert given.wait(60)
            time.sleep(0.1)
        more.set()
        thread.join()
    assert said == ["the writer was closed meanwhile"] * 2
    assert lake.query(COUNT).to_dicts()[0]["n"] > 1


def test_a_second_close_waits_for_the_first(lake):
    """Which a callback must not, nor a signal handler in the midst of the first."""
    def told(commit):
        writer.close()
        begun.set()
        more.wait(60)

    def close():
        writer.close()
        ended.append(writer.closed)

    begun, more, ended = threading.Event(), threading.Event(), []
    writer = varve.Writer(lake, interval=None, on_commit=told)
    writer.put("market_regimes", regime())
    threads = [threading.Thread(target=close) for _ in range(2)]
    threads[0].start()
    assert begun.wait(60)
    threads[1].start()
    threads[1].join(0.3)
    assert threads[1].is_alive() and not writer.closed and ended == []
    more.set()
    for thread in threads:
        thread.join()
    assert ended == [True, True] and lake.query(COUNT).to_dicts() == [{"n": 1}]


def test_a_second_close_closes_where_the_first_gives_up(tmp_path):
    """The first waits for a scan, until a signal ends that."""
    assert run("""
regimes.upsert(pa.Table.from_batches([BATCH]))
writer = varve.Writer(lake, interval=None)
put(1)
slow = "levenshtein(repeat(symbol, 10000), repeat(reverse(symbol), 10000)) >= 0"  # some seconds
begun = threading.Event()
reader = threading.Thread(target=lambda: (begun.set(), writer.scan("market_regimes", where=slow).close()))
second = threading.Thread(target=lambda: (time.sleep(0.3), writer.close(), print("closed", writer.closed)))
reader.start()
begun.wait()
time.sleep(0.5)
second.start()
kick(after=0.6)
try:
    writer.close()
except KeyboardInterrupt:
    print("interrupted", writer.closed)
second.join()
reader.join()
print(lake.query("SELECT count(*) AS n FROM market_regimes").to_dicts())
""", tmp_path) == ["interrupted False", "closed True", "[{'n': 2}]"]


def test_an_input_closes_the_writer_that_reads_it(lake):
    def batches():
        yield pa.RecordBatch.from_pylist([regime()])
        writer.close()
        yield pa.RecordBatch.from_pylist([regime(1)])

    def put():
        with pytest.raises(varve.UsageError, match="closed meanwhile"):
            writer.put_arrow("market_regimes", pa.RecordBatchReader.from_batches(schema, batches()))

    schema = pa.RecordBatch.from_pylist([regime()]).schema
    writer = varve.Writer(lake, interval=None)
    put()
    writer = varve.Writer(lake, interval=None)
    thread = threading.Thread(target=put)
    thread.start()
    thread.join()
    assert writer.closed and lake.query(COUNT).to_dicts() == [{"n": 1}]


SLOW = ("CASE WHEN vix > 19940 THEN levenshtein(repeat(symbol, 1000), repeat(reverse(symbol), 1000)) "
        ">= 0 ELSE true END")


def test_scans_of_a_writer_beside_one_that_takes_long(lake, regimes):
    """Nobody waits for it but whoever closes the writer, and a signal ends that."""
    def enough(*told):
        raise TimeoutError

    def read():
        for _ in rows:
            seen.append(None)

    def until_it_waits():
        before = 0
        while before == 0 or before < len(seen):
            before = len(seen)
            time.sleep(0.1)
        return before

    seen = []
    regimes.upsert(pa.table({
        "timestamp": [OPENING + dt.timedelta(seconds=number) for number in range(20000)],
        "symbol": ["SPY"] * 20000, "regime": ["bullish_low"] * 20000,
        "vix": [float(number) for number in range(20000)]}))
    writer = varve.Writer(lake, interval=None)
    rows = writer.scan("market_regimes", where=SLOW)
    thread = threading.Thread(target=read)
    thread.start()
    before = until_it_waits()
    writer.scan("market_regimes").close()
    old = signal.signal(signal.SIGALRM, enough)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        with pytest.raises(TimeoutError):
            writer.close()
    finally:
        signal.signal(signal.SIGALRM, old)
    assert len(seen) == before and not writer.closed  # the long one has not gone on
    thread.join()
    assert len(seen) == 20000
    writer.close()
    assert writer.closed


def test_ctrl_c_ends_a_scan_of_a_writer(tmp_path):
    """And neither a stream that was there nor a scan that comes."""
    assert run("""
regimes.upsert(pa.Table.from_batches([BATCH]))
writer = varve.Writer(lake, interval=None)
rows = writer.scan("market_regimes")
kick()
try:
    writer.scan("market_regimes", where=f"vix > ({ENDLESS})").to_dicts()
except KeyboardInterrupt:
    print("interrupted", len(rows.to_dicts()))
print(len(writer.scan("market_regimes", limit=1).to_dicts()), writer.closed)
""", tmp_path) == ["interrupted 1", "1 False"]


# ---- Log callbacks


def test_a_log_callback_asks_the_lake_of_which_a_table_is_left(tmp_path):
    """What the close of the table has to tell comes after the last call."""
    said = []

    def on_log(level, event, fields):
        try:
            lake.tables()
        except varve.UsageError as error:
            said.append((event, "in the middle of a call" in str(error)))

    lake = varve.Lake(tmp_path, create=True, on_log=on_log)
    lake.create("t", schema="k bigint not null, v bigint", key="k",
                properties={"delta.checkpointInterval": "3"})
    log = tmp_path / "t/_delta_log"
    for version, text in enumerate(errand.large_commits(), 1):
        (log / f"{version:020d}.json").write_text(text)
    (log / f"{3:020d}.checkpoint.parquet").mkdir()  # so that it can't be written
    table = lake.table("t")
    table.upsert({"k": 1})
    assert said == []
    del table
    assert said == [("checkpoint.failed", True)]


def test_a_log_callback_must_not_call_a_writer_of_its_lake(tmp_path):
    said = []

    def on_log(level, event, fields):
        try:
            writer.put_performance(OPENING, "s")
        except varve.UsageError as error:
            said.append("must not call its writer" in str(error))

    with varve.Lake(tmp_path, create=True, on_log=on_log) as lake:
        lake.init()
        (tmp_path / "signals/_delta_log/_last_checkpoint").write_text("{nonsense")
        with varve.Writer(lake, interval=None) as writer:
            writer.put_signal(OPENING, "s", "ml_entry")
    assert said and all(said)
