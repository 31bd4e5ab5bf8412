"""Varve: an audit-grade Delta Lake store for trading systems.

    import varve

    with varve.Lake("data/lake", create=True) as lake:
        lake.init()
        regimes = lake.table("market_regimes")
        regimes.upsert([{"timestamp": "2025-01-30T14:30:00Z", "symbol": "SPY",
                         "regime": "bullish_low", "vix": 14.5}])
        print(regimes.latest().to_dicts())

Everything that fails raises a VarveError; rows come as ArrowStreams.
"""

import sys as _sys

# The engine has 40,000 symbols: each is bound when it is first called, not all of them here.
_flags = _sys.getdlopenflags()
_sys.setdlopenflags(1)  # RTLD_LAZY
try:
    from ._core import build_info, version as __version__
finally:
    _sys.setdlopenflags(_flags)

from ._errors import (
    Conflict, Corrupt, Interrupted, InvalidData, IOFailed, Limit, NotFound, UnknownOutcome,
    Unsupported, UsageError, VarveError, VerifyFailed)
from ._lake import Lake
from ._merge import Merge
from ._stream import ArrowStream
from ._table import (
    AlterResult, EditResult, OptimizeResult, Quarantine, RestoreResult, Table, UpsertResult,
    VacuumResult)
from ._writer import Writer, WriterCommit

__all__ = [
    "AlterResult", "ArrowStream", "Conflict", "Corrupt", "EditResult", "IOFailed", "Interrupted",
    "InvalidData", "Lake", "Limit", "Merge", "NotFound", "OptimizeResult", "Quarantine",
    "RestoreResult", "Table", "UnknownOutcome", "Unsupported", "UpsertResult", "UsageError",
    "VacuumResult", "VarveError", "VerifyFailed", "Writer", "WriterCommit", "build_info",
]

for _kind in (globals()[_name] for _name in __all__):
    if isinstance(_kind, type):
        _kind.__module__ = "varve"  # what tracebacks and help() call them
