"""A market regimes bot on Varve. Beside it is bot_deltalake.py, the same as it is often written.

    varve simulate --table market_regimes | python bot.py lake

Both classes have the same use as those of the other. A key comes into the table once, and of the
rows that it came with the newest stays; a batch reads what can hold its keys and nothing else;
any number of writers may write at a time; and a row that was added survives the program.
"""

import json
import sys

import varve


class IdempotentWriter:
    """Writes batches: rows whose keys are there replace the stored ones where they are newer."""

    def __init__(self, lake, table):
        self.table = lake.table(table)

    def write(self, data, number=None):
        """A varve.UpsertResult. `number` is the batch's own, if it has one: a batch is written
        once under it, even if others have changed its rows since."""
        return self.table.upsert(data, app_id=number and "idempotent-writer", app_version=number)


class MarketRegimesWriter:
    """Takes rows one by one, into a spool on disk, and writes them each `interval` seconds."""

    def __init__(self, lake, interval=60.0):
        lake.init()
        self.writer = varve.Writer(lake, interval=interval)

    def add(self, row):
        self.writer.put("market_regimes", row)

    def flush(self):
        self.writer.flush()

    def close(self):
        self.writer.close()


def main(path):
    with varve.Lake(path, create=True, user="bot") as lake:
        writer = MarketRegimesWriter(lake)
        for line in sys.stdin:
            row = json.loads(line)
            row.pop("table", None)
            writer.add(row)
        writer.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
