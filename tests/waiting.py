"""Waiting for what a process has to do first, however slow the machine is."""

import time


def minds(process, number):
    """Whether a process catches or blocks a signal by now: before that it would just die of it."""
    with open(f"/proc/{process.pid}/status", encoding="ascii", errors="replace") as status:
        masks = [int(line.split()[1], 16) for line in status
                 if line.startswith(("SigBlk:", "SigCgt:"))]
    return any(mask >> (number - 1) & 1 for mask in masks)


def until_it_minds(process, number, seconds=60):
    """Waits until a signal may be sent; the process must not have ended."""
    end = time.monotonic() + seconds
    while not minds(process, number):
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.01)
