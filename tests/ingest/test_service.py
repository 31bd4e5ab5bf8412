"""What a service manager sees of it."""

import os
import signal
import socket
import time

from conftest import until


def test_it_says_when_it_is_ready_alive_and_stopping(lake, tmp_path):
    path = tmp_path / "notify"
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(path))
    manager.settimeout(120)
    begin = time.monotonic()  # who reads late finds several of them waiting
    run = lake.ingest("--socket", tmp_path / "bots.sock", stdin=None,
                      env={"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "400000"})
    assert manager.recv(100) == b"READY=1"
    assert (tmp_path / "bots.sock").exists()
    for _ in range(5):
        assert manager.recv(100) == b"WATCHDOG=1"
    assert time.monotonic() - begin > 0.5
    run.signal(signal.SIGTERM)
    while (word := manager.recv(100)) == b"WATCHDOG=1":
        pass
    assert word == b"STOPPING=1"
    run.end()
    assert run.metrics[-1]["committed"] == 0


def test_a_watchdog_of_another_process_is_not_ours(lake, tmp_path):
    path = tmp_path / "notify"
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(path))
    manager.settimeout(20)
    run = lake.ingest("--socket", tmp_path / "bots.sock", stdin=None,
                      env={"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "100000",
                           "WATCHDOG_PID": str(os.getpid())})
    assert manager.recv(100) == b"READY=1"
    time.sleep(0.5)
    run.signal(signal.SIGTERM)
    assert manager.recv(100) == b"STOPPING=1"
    run.end()


def test_nothing_is_opened_without_a_manager(lake, tmp_path):
    run = lake.ingest("--socket", tmp_path / "bots.sock", stdin=None,
                      env={"NOTIFY_SOCKET": str(tmp_path / "nobody")})
    until((tmp_path / "bots.sock").exists)
    run.signal(signal.SIGTERM)
    run.end()
