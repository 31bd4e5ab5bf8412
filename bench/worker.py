"""Serves one peer in a process of its own, so that its time and memory are its own.

Usage: worker.py ENGINE FOLDER. A command a line on standard input, parts set apart by tabs;
answered with "MICROSECONDS<tab>NUMBER" or "error<tab>TEXT", as bench/warm.c does.
"""

import importlib
import json
import pathlib
import sys
import time

# name -> (module, class); what a module imports need not be there for another's peers.
PEERS = {
    "deltalake": ("peers_delta", "Deltalake"),
    "polars": ("peers_delta", "Polars"),
    "pandas": ("peers_delta", "Seed"),
    "duckdb": ("peers_sql", "Duckdb"),
    "ducklake": ("peers_sql", "Ducklake"),
    "arcticdb": ("peers_arctic", "Arctic"),
    "spark": ("peers_spark", "Spark"),
    "varve-python": ("peers_varve", "VarvePackage"),
}


def answer(peer, words):
    job = getattr(peer, words[0])
    begin = time.perf_counter()
    told = job(*words[1:])
    took = int((time.perf_counter() - begin) * 1e6)
    return f"{took}\t{json.dumps(told) if isinstance(told, dict) else told}"


def main():
    module, name = PEERS[sys.argv[1]]
    peer = getattr(importlib.import_module(module), name)(pathlib.Path(sys.argv[2]))
    replies, sys.stdout = sys.stdout, sys.stderr  # whatever else a peer prints is no answer
    for line in sys.stdin:
        try:
            reply = answer(peer, line.rstrip("\n").split("\t"))
        except Exception as error:  # noqa: BLE001: the harness says it and ends
            text = f"{type(error).__name__}: {error}".replace("\n", " ")
            reply = f"error\t{text[:2000]}"
        print(reply, file=replies, flush=True)
    peer.close()


if __name__ == "__main__":
    main()
