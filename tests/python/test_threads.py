"""Threads and signals."""

import signal
import threading
import time

import pyarrow as pa
import pytest
import varve
from package import ENDLESS, ROWS_ENDLESS, regime, script, script_full


@pytest.mark.parametrize("call", [
    "lake.query(ENDLESS).to_dicts()", "lake.query(ROWS_ENDLESS).to_dicts()",
    "list(lake.query(ROWS_ENDLESS))"])
def test_ctrl_c_ends_a_long_call(call, tmp_path):
    done = script(f"""
rows = lake.query("SELECT 1 AS x")
kick()
try:
    {call}
except KeyboardInterrupt:
    print("interrupted", rows.to_dicts(), lake.query("SELECT 2 AS y").to_dicts())
""", tmp_path)
    assert done.stdout == "interrupted [{'x': 1}] [{'y': 2}]\n", done.stderr


@pytest.mark.parametrize("read", ["rows.to_pyarrow()", "rows.to_polars()"])
def test_ctrl_c_ends_what_another_library_reads(read, tmp_path):
    done = script_full(f"""
import polars, pyarrow
rows = lake.query(ROWS_ENDLESS)
kick()
try:
    try:
        {read}
    except Exception as error:
        print("failed:", error)
        time.sleep(1)
except KeyboardInterrupt:
    print("interrupted")
""", tmp_path)
    assert done.stdout.splitlines()[-1:] == ["interrupted"], done.stderr


def test_a_handler_that_raises_nothing_lets_the_call_go_on(tmp_path):
    done = script("""
seen = []
signal.signal(signal.SIGTERM, lambda *told: seen.append(time.monotonic()))
kick(signal.SIGTERM, 0.2)
def end_it():
    while not seen:
        time.sleep(0.05)
    time.sleep(0.6)
    lake.interrupt()
threading.Thread(target=end_it).start()
try:
    lake.query(ENDLESS).to_dicts()
except varve.Interrupted:
    print(len(seen), seen[0] < time.monotonic() - 0.4)
""", tmp_path)
    assert done.stdout == "1 True\n", done.stderr


def test_a_handler_that_raises_ends_the_call_with_its_exception(tmp_path):
    done = script("""
class Late(Exception):
    pass
def late(*told):
    raise Late("too late")
signal.signal(signal.SIGALRM, late)
signal.setitimer(signal.ITIMER_REAL, 0.3)
try:
    lake.query(ENDLESS).to_dicts()
except Late as error:
    print(error)
""", tmp_path)
    assert done.stdout == "too late\n", done.stderr


def test_ctrl_c_that_nobody_catches(tmp_path):
    done = script("kick()\nlake.query(ENDLESS).to_dicts()\n", tmp_path)
    assert done.returncode == -signal.SIGINT and "KeyboardInterrupt" in done.stderr


def test_ctrl_c_while_waiting_for_another_thread(tmp_path):
    done = script("""
def busy():
    try:
        lake.query(ENDLESS).to_dicts()
    except varve.Interrupted:
        print("ended")
thread = threading.Thread(target=busy)
thread.start()
kick(after=0.5)
try:
    while True:  # until that thread has the lake
        lake.tables()
except KeyboardInterrupt:
    print("interrupted")
lake.interrupt()
thread.join()
""", tmp_path)
    assert done.stdout == "interrupted\nended\n", done.stderr


def test_ctrl_c_while_a_stream_is_read_beside_a_call_of_another_thread(tmp_path):
    """The read ends when the call has; a second one ends both."""
    done = script_full("""
import pyarrow as pa
signal.alarm(60)
lake.init()
ROW = pa.RecordBatch.from_pylist([{"timestamp": 1_000_000, "symbol": "SPY", "regime": "bullish_low"}]).cast(
    pa.schema({"timestamp": pa.timestamp("us", "UTC"), "symbol": pa.string(), "regime": pa.string()}))
heard = 0
def on_signal(*_):
    global heard
    heard += 1
    raise KeyboardInterrupt
signal.signal(signal.SIGINT, on_signal)
def batches(times):
    before = 0
    while before == 0 or before < seen:  # until the main thread waits for rows
        before = seen
        time.sleep(0.2)
    for _ in range(times):
        heard_before = heard
        os.kill(os.getpid(), signal.SIGINT)
        while heard == heard_before:
            time.sleep(0.01)
        time.sleep(0.3)  # who hears of it has done what is to be done
    yield ROW
def upsert(times):
    try:
        reader = pa.RecordBatchReader.from_batches(ROW.schema, batches(times))
        said.append(lake.table("market_regimes").upsert(reader).inserted)
    except varve.Interrupted:
        said.append("ended")
for times in (1, 2):
    said, seen, rows = [], 0, iter(lake.query(ROWS_ENDLESS.replace("1000000 ", "200000 ")))
    next(rows)
    thread = threading.Thread(target=upsert, args=(times,))
    thread.start()
    try:
        for row in rows:
            seen += 1
    except KeyboardInterrupt:
        said.append("interrupted")
    thread.join()
    print(*sorted(map(str, said)), lake.query("SELECT 1 AS one").to_dicts())
""", tmp_path)
    assert done.stdout == "1 interrupted [{'one': 1}]\nended interrupted [{'one': 1}]\n", done.stdout + done.stderr


def test_interrupt_from_another_thread(lake):
    ended = threading.Event()

    def interrupt():
        while not ended.wait(0.2):  # one that comes before the call has begun is forgotten
            lake.interrupt()

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(varve.Interrupted):
        lake.query(ENDLESS).to_dicts()
    ended.set()
    thread.join()
    assert lake.query("SELECT 1 AS x").to_dicts() == [{"x": 1}]


def test_an_input_that_the_engine_reads_asks_the_same_lake(tmp_path):
    """In a thread of the engine's, which would wait for the call that it works for."""
    done = script_full("""
import pyarrow
signal.alarm(60)
def batches():
    for number in range(2):
        try:
            lake.tables()
        except varve.UsageError as error:
            print("refused:", "in the middle of a call" in str(error))
        yield pyarrow.RecordBatch.from_pydict({"x": [number]})
rows = pyarrow.RecordBatchReader.from_batches(pyarrow.schema({"x": pyarrow.int64()}), batches())
print(lake.export_parquet(rows, sys.argv[1] + ".parquet"), len(lake.tables().to_dicts()))
""", tmp_path)
    assert done.stdout == "refused: True\nrefused: True\n2 0\n", done.stderr


def test_interrupt_of_what_reads_rows_of_python(lake, regimes):
    """Rows are read before the library is called."""
    def rows():
        yield regime()
        read.set()
        while True:
            yield regime(vix=1.0)

    read = threading.Event()
    thread = threading.Thread(target=lambda: read.wait() and lake.interrupt())
    thread.start()
    with pytest.raises(varve.Interrupted):
        regimes.upsert(rows())
    thread.join()
    assert regimes.version == 0 and regimes.upsert(regime()).inserted == 1


@pytest.mark.parametrize("read", [
    lambda rows: rows.to_dicts(), lambda rows: pa.RecordBatchReader.from_stream(rows).read_all()],
    ids=["dicts", "pyarrow"])
def test_other_threads_run_meanwhile(lake, read):
    ticks, stop = [], threading.Event()

    def tick():
        while not stop.wait(0.005):
            ticks.append(time.monotonic())

    thread = threading.Thread(target=tick)
    thread.start()
    rows = lake.query(ROWS_ENDLESS)
    started = time.monotonic()
    threading.Timer(0.7, lake.interrupt).start()
    with pytest.raises((varve.Interrupted, OSError)):
        read(rows)
    ended = time.monotonic()
    stop.set()
    thread.join()
    within = [tick for tick in ticks if started < tick < ended]
    assert len(within) > (ended - started) / 0.1


def test_many_threads_share_a_lake(lake):
    """Writers, readers, tables that come and go, and streams read in yet other threads."""
    failed, written, rounds = [], [], 12
    lake.table("market_regimes").upsert(regime())

    def work(number):
        try:
            for turn in range(rounds):
                table = lake.table("market_regimes")
                if number % 2:
                    minute = 1 + number * rounds + turn
                    written.append(table.upsert(regime(minute)).inserted)
                else:
                    rows = table.scan()
                    del table
                    assert len(rows.to_dicts()) >= 1
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed and written == [1] * 3 * rounds
    assert lake.query("SELECT count(*) AS n FROM market_regimes").to_dicts() == [
        {"n": 1 + 3 * rounds}]


def test_two_readers_of_one_stream(lake):
    rows = lake.query(ROWS_ENDLESS)
    busy = threading.Thread(target=lambda: pytest.raises(varve.Interrupted, rows.to_dicts))
    busy.start()
    refused = 0
    while refused < 20:  # soon that thread has all rows that there are, and waits for more
        time.sleep(0.01)
        try:
            rows.__arrow_c_schema__()
            refused = 0
        except varve.UsageError as error:
            assert "another thread reads" in str(error)
            refused += 1
    for call in (rows.to_dicts, rows.__arrow_c_stream__, rows.close):
        with pytest.raises(varve.UsageError, match="another thread reads"):
            call()
    lake.interrupt()
    busy.join()


def test_a_log_callback(tmp_path):
    """Called with what happens; what it raises goes to where nobody catches."""
    said = []
    with varve.Lake(tmp_path, create=True, on_log=lambda *told: said.append(told)) as lake:
        lake.init()
        log = tmp_path / "signals/_delta_log"
        (log / "_last_checkpoint").write_text("{nonsense")
        lake.table("signals").describe()
    assert said and all(level in ("debug", "info", "warn", "error") and isinstance(fields, dict)
                        for level, event, fields in said), said


def test_the_exit_of_a_program_that_closes_nothing(tmp_path):
    done = script("""
lake.init()
table = lake.table("signals")
rows = iter(lake.query("SELECT i FROM range(100000) r(i)"))
next(rows)
def busy():
    try:
        lake.query(ENDLESS).to_dicts()
    except BaseException:
        pass
threading.Thread(target=busy, daemon=True).start()
time.sleep(0.2)
print("done")
""", tmp_path)
    assert (done.stdout, done.returncode) == ("done\n", 0), done.stderr
