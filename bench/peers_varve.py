"""Varve's own Python package, as a bot in Python uses it: rows as a polars frame."""

import pathlib

import polars
import varve

import schema


class VarvePackage:
    def __init__(self, folder):
        self.lake = varve.Lake(folder / "lake", create=True)
        self.lake.init()
        self.table = self.lake.table("performance_metrics")
        self.batches = {}

    def load(self, file):
        return self.written(self.table.upsert(pathlib.Path(file)))

    @staticmethod
    def written(result):
        return result.inserted + result.updated

    def regimes(self, file):
        return self.written(self.lake.table("market_regimes").upsert(pathlib.Path(file)))

    def batch(self, name, file):
        self.batches = {name: polars.read_ipc_stream(file)}
        return self.batches[name].height

    def upsert(self, name):
        return self.written(self.table.upsert(self.batches[name]))

    @staticmethod
    def height(stream):
        return stream.to_polars().height

    def range(self, strategy, begin, end):
        return self.height(self.table.range(strategy=strategy, start=begin, end=end))

    def latest(self):
        return self.height(self.table.latest())

    def join(self, first):
        return self.height(self.lake.query(schema.join_sql(first)))

    def content(self):
        return schema.content_of(self.lake.query(schema.CONTENT_SQL).to_dicts()[0])

    def close(self):
        self.lake.close()
