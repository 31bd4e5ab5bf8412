"""Clients of the socket: many, slow ones, those that die, and more than there are descriptors."""

import json
import os
import resource
import signal
import socket
import stat
import threading

import pytest
from conftest import Client, expected, signal_row, signal_rows, until


def test_many_clients_have_numbers_of_their_own(lake):
    run, path = lake.serve("signals", "--ack")
    clients = [Client(path) for _ in range(20)]
    for i, client in enumerate(clients):
        client.send(signal_rows(range(i * 50, i * 50 + 50)))
    for client in clients:
        answers = client.until_ack(50)
        assert all(set(answer) == {"ack"} for answer in answers)
        client.close()
    run.signal(signal.SIGTERM)
    run.end()
    assert lake.values() == expected(range(1000))


def test_a_bad_line_is_answered_to_its_client_alone(lake):
    run, path = lake.serve("signals", "--ack", "committed", "--interval", "300ms")
    one, other = Client(path), Client(path)
    other.send(signal_rows(range(100, 110)))
    one.send(signal_row(1) + "broken\n" + signal_row(3, signal_value=7) + signal_row(4))
    answers = one.until_ack(4)
    assert {answer["line"]: answer["code"] for answer in answers if "error" in answer} == {
        2: "INVALID_DATA", 3: "INVALID_DATA"}
    assert other.until_ack(10)[-1] == {"ack": 10}
    one.close()
    other.close()
    run.signal(signal.SIGTERM)
    run.end()
    assert lake.values() == expected([1, 4, *range(100, 110)])


def test_without_ack_only_refusals_are_answered(lake):
    run, path = lake.serve("signals")
    client = Client(path)
    client.send(signal_row(1) + "broken\n" + signal_row(3))
    client.socket.shutdown(socket.SHUT_WR)
    assert client.answer()["line"] == 2
    assert client.answer() is None
    run.signal(signal.SIGTERM)
    run.end()
    assert lake.values() == expected([1, 3])


def test_who_has_said_all_still_gets_its_acknowledgements(lake):
    run, path = lake.serve("signals", "--ack", "committed", "--interval", "300ms")
    client = Client(path)
    client.send(signal_rows(range(10)))
    client.socket.shutdown(socket.SHUT_WR)
    assert client.until_ack(10)
    assert client.answer() is None
    run.signal(signal.SIGTERM)
    run.end()


def test_a_client_that_dies_within_a_line(lake):
    run, path = lake.serve("signals", "--interval", "1s")
    dying, living = Client(path), Client(path)
    dying.send(signal_row(1) + signal_row(2)[:-20])
    dying.close()
    living.send(signal_row(3))
    until(lambda: run.metrics and run.metrics[-1]["half_lines"] == 1)
    assert run.metrics[-1]["clients"] == 1
    living.close()
    run.signal(signal.SIGTERM)
    run.end()
    assert lake.values() == expected([1, 3])
    assert run.messages[0].startswith("varve: ")


@pytest.mark.slow
def test_a_client_that_reads_nothing_stalls_nobody_else(lake):
    run, path = lake.serve("signals", "--ack", "--interval", "1s")
    deaf, other = Client(path), Client(path)
    sent = threading.Event()

    def flood():
        try:
            for _ in range(60):
                deaf.send("broken\n" * 1000)
        except OSError:
            pass
        sent.set()

    threading.Thread(target=flood, daemon=True).start()
    for i in range(20):
        other.send(signal_row(i))
        other.until_ack(i + 1)
    assert not sent.is_set()  # it is not read any more
    until(lambda: run.metrics and run.metrics[-1]["lines"] > 20)
    assert run.metrics[-1]["lines"] < 20_000
    # It begins to listen: everything is answered.
    seen = 0
    while seen < 60_000:
        answer = deaf.answer()
        seen = answer.get("line", seen)
    assert sent.wait(20)
    deaf.close()
    other.close()
    run.signal(signal.SIGTERM)
    run.end()
    assert run.metrics[-1]["answers_dropped"] == 0
    assert lake.values() == expected(range(20))


def test_a_client_that_never_ends_its_line_is_bounded(lake):
    run, path = lake.serve("signals", "--ack", "--interval", "1s", "--max-line", "100KB")
    first = Client(path)
    first.send(signal_row(1))
    until(lambda: len(lake.rows("signals")) == 1)  # the engine is open
    count = len(run.metrics)
    until(lambda: len(run.metrics) > count)
    before = run.metrics[-1]["rss_bytes"]
    client = Client(path)
    for _ in range(100):
        client.send("x" * 1_000_000)
    client.send("\n" + signal_row(2))
    refusal, ack = client.answer(), client.until_ack(2)
    assert refusal["line"] == 1 and refusal["code"] == "LIMIT"
    assert ack[-1] == {"ack": 2}
    count = len(run.metrics)
    until(lambda: len(run.metrics) > count)
    assert run.metrics[-1]["rss_bytes"] - before < 30_000_000
    client.close()
    first.close()
    run.signal(signal.SIGTERM)
    run.end()


def test_the_socket_is_for_its_owner_and_group_and_goes_with_it(lake):
    run, path = lake.serve("signals")
    status = os.stat(path)
    assert stat.S_ISSOCK(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o660
    run.signal(signal.SIGTERM)
    run.end()
    assert not path.exists()


def test_a_stale_socket_is_replaced_and_a_living_one_is_not(lake, tmp_path):
    run, path = lake.serve("signals")
    other = tmp_path / "other"
    lake.ok("--lake", other, "init")
    done = lake.run("--lake", other, "ingest", "signals", "--socket", path)
    assert done.returncode == 4 and "another process listens there" in done.stderr
    done = lake.run("ingest", "signals", "--socket", tmp_path / "b.sock")
    assert done.returncode == 4 and str(run.process.pid) in done.stderr
    run.kill()
    assert path.exists()
    run, path = lake.serve("signals")
    client = Client(path)
    client.send(signal_row(1))
    client.socket.shutdown(socket.SHUT_WR)
    assert client.answer() is None
    run.signal(signal.SIGTERM)
    run.end()
    assert lake.values() == expected([1])


def test_more_clients_than_descriptors_wait_for_their_turn(lake):
    run, path = lake.serve("signals", "--ack", "--interval", "1s", limit=400)
    clients = [Client(path) for _ in range(500)]
    until(lambda: run.heard("others wait until some have gone"))
    for i, client in enumerate(clients):
        client.send(signal_row(i))
    for client in clients[:200]:
        client.until_ack(1)
        client.close()
    for client in clients[200:]:
        client.until_ack(1)
        client.close()
    run.signal(signal.SIGTERM)
    run.end()
    assert lake.values() == expected(range(500))


@pytest.mark.skipif(resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 10_500,
                    reason="the limit of open files is too low")
def test_ten_thousand_connects(lake):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20_000), hard))
    try:
        run, path = lake.serve("signals", "--interval", "1s")
        for _ in range(10_000):  # one after the other
            probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            probe.connect(str(path))
            probe.close()
        idle = []
        for _ in range(10_000):  # and all at once
            idle.append(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            idle[-1].connect(str(path))
        client = Client(path)
        client.send(signal_row(1) + "broken\n")
        assert client.answer()["line"] == 2
        until(lambda: run.metrics and run.metrics[-1]["clients"] >= 10_000)
        for probe in idle:
            probe.close()
        client.close()
        until(lambda: run.metrics[-1]["clients"] == 0)
        assert run.metrics[-1]["clients_ever"] >= 20_001
        assert run.metrics[-1]["fds"] < 40
        run.signal(signal.SIGTERM)
        run.end()
        assert lake.values() == expected([1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_stdin_socket_and_file_at_once(lake, tmp_path):
    path = tmp_path / "bots.sock"
    log = tmp_path / "feed.ndjson"
    log.write_text(signal_rows(range(200, 210)))
    run = lake.ingest("signals", "-", "--socket", path, "--follow", log, "--ack")
    run.send(signal_rows(range(10)))
    assert json.loads(run.process.stdout.readline()) == {"ack": 10}
    run.process.stdin.close()
    client = Client(path)
    client.send(signal_rows(range(100, 110)))
    client.until_ack(10)
    client.close()
    until(lambda: lake.spool()["rows_waiting"] == 30)
    assert run.process.poll() is None
    run.signal(signal.SIGTERM)
    run.end()
    assert lake.values() == expected([*range(10), *range(100, 110), *range(200, 210)])
