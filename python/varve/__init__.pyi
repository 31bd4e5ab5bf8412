from datetime import date, datetime, timedelta
from os import PathLike
from types import TracebackType
from typing import (
    Any, Callable, ContextManager, Dict, Iterable, Iterator, List, Mapping, Optional, Protocol,
    Sequence, Tuple, Type, TypeVar, Union, overload)

import pandas
import polars
import pyarrow
from typing_extensions import Literal, TypeAlias

__version__: str

class ArrowStreamExportable(Protocol):
    def __arrow_c_stream__(self, requested_schema: Optional[object] = None) -> object: ...

class ArrowArrayExportable(Protocol):
    def __arrow_c_array__(
        self, requested_schema: Optional[object] = None) -> Tuple[object, object]: ...

Row: TypeAlias = Dict[str, Any]
Path: TypeAlias = Union[str, PathLike[str]]
Data: TypeAlias = Union[
    ArrowStreamExportable, ArrowArrayExportable, Iterable[Mapping[str, Any]], Row, Path,
    Sequence[Path]]
Time: TypeAlias = Union[str, date, datetime]
At: TypeAlias = Union[int, Time]
Span: TypeAlias = Union[str, timedelta]
Names: TypeAlias = Union[str, Iterable[str]]
Format: TypeAlias = Literal["csv", "ndjson", "parquet"]

_Self = TypeVar("_Self")

def build_info() -> str: ...

class VarveError(Exception):
    code: int
    status: str
    message: str
    detail: str
    table: Optional[str]
    version: Optional[int]
    retryable: bool
    os_errno: int
    http_status: int
    def __init__(
        self, message: str, detail: str = "", table: Optional[str] = None,
        version: Optional[int] = None, retryable: bool = False, os_errno: int = 0,
        http_status: int = 0) -> None: ...

class UsageError(VarveError): ...
class InvalidData(VarveError): ...
class Conflict(VarveError): ...
class NotFound(VarveError): ...
class Corrupt(VarveError): ...
class Unsupported(VarveError): ...

class IOFailed(VarveError):
    report: Optional[Dict[str, Any]]

class Limit(VarveError): ...

class VerifyFailed(VarveError):
    report: Optional[Dict[str, Any]]

class UnknownOutcome(VarveError): ...
class Interrupted(VarveError): ...

class ArrowStream:
    info: Any
    def __arrow_c_stream__(self, requested_schema: Optional[object] = None) -> object: ...
    def __arrow_c_schema__(self) -> object: ...
    def __iter__(self) -> Iterator[Row]: ...
    def to_dicts(self) -> List[Row]: ...
    def to_polars(self) -> polars.DataFrame: ...
    def to_pyarrow(self) -> pyarrow.Table: ...
    def to_pandas(self) -> pandas.DataFrame: ...
    def close(self) -> None: ...
    def __enter__(self: _Self) -> _Self: ...
    def __exit__(
        self, kind: Optional[Type[BaseException]], value: Optional[BaseException],
        trace: Optional[TracebackType]) -> None: ...

class EditResult:
    rows_in: int
    inserted: int
    updated: int
    deleted: int
    copied: int
    files_added: int
    files_removed: int
    vectors_added: int
    vectors_updated: int
    vectors_removed: int
    already_applied: bool
    version: int
    attempts: int
    columns_added: int
    times_ambiguous: int
    rows_warned: int
    warnings: Dict[str, int]
    def as_dict(self) -> Dict[str, Any]: ...

class UpsertResult:
    rows_in: int
    inserted: int
    updated: int
    unchanged: int
    stale: int
    duplicates_in_batch: int
    rejected: int
    repaired: int
    already_applied: bool
    rows_written: int
    version: int
    files_added: int
    files_removed: int
    attempts: int
    rows_warned: int
    columns_added: int
    times_ambiguous: int
    warnings: Dict[str, int]
    def as_dict(self) -> Dict[str, Union[int, bool, Dict[str, int]]]: ...

class OptimizeResult:
    version: int
    commits: int
    partitions: int
    files_added: int
    files_removed: int
    bytes_added: int
    bytes_removed: int
    rows: int
    vectors_removed: int
    files_skipped: int
    def as_dict(self) -> Dict[str, Any]: ...

class VacuumResult:
    version: int
    files: int
    bytes: int
    retention_ms: int
    readable_version: int
    paths: List[str]
    def as_dict(self) -> Dict[str, Any]: ...

class RestoreResult:
    version: int
    restored: int
    files_restored: int
    files_removed: int
    bytes_restored: int
    bytes_removed: int
    changed: bool
    def as_dict(self) -> Dict[str, Any]: ...

class AlterResult:
    version: int
    changed: bool
    diff: str
    def as_dict(self) -> Dict[str, Any]: ...

class Merge:
    def when_matched_update(
        self, updates: Mapping[str, str], predicate: Optional[str] = None) -> Merge: ...
    def when_matched_update_all(self, predicate: Optional[str] = None) -> Merge: ...
    def when_matched_delete(self, predicate: Optional[str] = None) -> Merge: ...
    def when_not_matched_insert(
        self, updates: Mapping[str, str], predicate: Optional[str] = None) -> Merge: ...
    def when_not_matched_insert_all(self, predicate: Optional[str] = None) -> Merge: ...
    def when_not_matched_by_source_update(
        self, updates: Mapping[str, str], predicate: Optional[str] = None) -> Merge: ...
    def when_not_matched_by_source_delete(self, predicate: Optional[str] = None) -> Merge: ...
    def execute(self) -> EditResult: ...

class Quarantine:
    def list(self) -> ArrowStream: ...
    def show(self, id: Optional[str] = None) -> ArrowStream: ...
    def release(self, ids: Optional[Names] = None, *, dry_run: bool = False) -> UpsertResult: ...
    def drop(self, ids: Optional[Names] = None) -> int: ...

class Table:
    name: str
    @property
    def version(self) -> int: ...
    @property
    def quarantine(self) -> Quarantine: ...
    def upsert(
        self, data: Data, *, app_id: Optional[str] = None, app_version: Optional[int] = None,
        quarantine: bool = False, dry_run: bool = False, message: Optional[str] = None,
        format: Optional[Format] = None, input_tz: Optional[str] = None,
        truncate_time: bool = False, attempts_max: int = 0,
        evolve: bool = False) -> UpsertResult: ...
    def append(
        self, data: Data, *, app_id: Optional[str] = None, app_version: Optional[int] = None,
        quarantine: bool = False, dry_run: bool = False, message: Optional[str] = None,
        format: Optional[Format] = None, input_tz: Optional[str] = None,
        truncate_time: bool = False, attempts_max: int = 0,
        allow_duplicates: bool = False, evolve: bool = False) -> UpsertResult: ...
    def delete(
        self, where: str, *, app_id: Optional[str] = None, app_version: Optional[int] = None,
        dry_run: bool = False, message: Optional[str] = None,
        attempts_max: int = 0) -> EditResult: ...
    def update(
        self, set: Mapping[str, str], where: str, *, app_id: Optional[str] = None,
        app_version: Optional[int] = None, dry_run: bool = False,
        message: Optional[str] = None, attempts_max: int = 0) -> EditResult: ...
    def overwrite(
        self, data: Data, where: Optional[str] = None, *, app_id: Optional[str] = None,
        app_version: Optional[int] = None, dry_run: bool = False,
        message: Optional[str] = None, format: Optional[Format] = None,
        input_tz: Optional[str] = None, truncate_time: bool = False,
        attempts_max: int = 0) -> EditResult: ...
    def merge(
        self, source: Data, on: str, *, app_id: Optional[str] = None,
        app_version: Optional[int] = None, dry_run: bool = False,
        message: Optional[str] = None, format: Optional[Format] = None,
        input_tz: Optional[str] = None, truncate_time: bool = False,
        attempts_max: int = 0, evolve: bool = False) -> Merge: ...
    def optimize(
        self, *, target_size: Optional[Union[int, str]] = None, zorder: Optional[Names] = None,
        where: Optional[str] = None, message: Optional[str] = None,
        dry_run: bool = False) -> OptimizeResult: ...
    def vacuum(
        self, *, retain: Optional[Span] = None, dry_run: bool = True, lite: bool = False,
        unsafe: bool = False, message: Optional[str] = None) -> VacuumResult: ...
    def restore(
        self, at: At, *, message: Optional[str] = None,
        dry_run: bool = False) -> RestoreResult: ...
    def alter(
        self, verb: str, *words: str, upgrade: bool = False, dry_run: bool = False,
        message: Optional[str] = None) -> AlterResult: ...
    def checkpoint(self) -> Dict[str, int]: ...
    def scan(
        self, columns: Optional[Names] = None, where: Optional[str] = None, *,
        at: Optional[At] = None, limit: Optional[int] = None) -> ArrowStream: ...
    def latest(
        self, by: Optional[Names] = None, *, until: Optional[Time] = None,
        at: Optional[At] = None) -> ArrowStream: ...
    def range(
        self, *, symbol: Optional[str] = None, strategy: Optional[str] = None,
        last: Optional[Span] = None, start: Optional[Time] = None, end: Optional[Time] = None,
        at: Optional[At] = None) -> ArrowStream: ...
    def history(
        self, limit: Optional[int] = None, *, at: Optional[At] = None) -> ArrowStream: ...
    def changes(self, start: At, end: Optional[At] = None) -> ArrowStream: ...
    def trace(
        self, key: Optional[Mapping[str, object]] = None, *, at: Optional[At] = None,
        **columns: object) -> ArrowStream: ...
    def why(self, file: str) -> ArrowStream: ...
    def verify(
        self, *, head: Optional[str] = None, deep: bool = False, strict: bool = False,
        signature: Optional[str] = None,
        public_key: Optional[Path] = None) -> Dict[str, Any]: ...
    def seal(self, key_file: Optional[Path] = None) -> Dict[str, Any]: ...
    def files(self, *, at: Optional[At] = None) -> ArrowStream: ...
    def describe(self, *, at: Optional[At] = None) -> Dict[str, Any]: ...
    def close(self) -> None: ...
    def __enter__(self: _Self) -> _Self: ...
    def __exit__(
        self, kind: Optional[Type[BaseException]], value: Optional[BaseException],
        trace: Optional[TracebackType]) -> None: ...

class Lake:
    path: str
    def __init__(
        self, path: Path, *, create: bool = False, user: Optional[str] = None,
        message: Optional[str] = None, threads: Optional[int] = None,
        memory: Optional[Union[int, str]] = None,
        cache: Optional[Union[int, str, bool]] = None, durability: Literal["full", "off"] = "full",
        on_log: Optional[Callable[[str, str, Dict[str, Any]], object]] = None) -> None: ...
    @property
    def closed(self) -> bool: ...
    def init(
        self, *, profile: Optional[Literal["interop", "audit"]] = None,
        history: Optional[str] = None, regimes: Optional[Names] = None,
        signal_types: Optional[Names] = None,
        symbols: Optional[Names] = None) -> List[Dict[str, Any]]: ...
    def create(
        self, name: str, *,
        schema: Union[str, Mapping[str, str], Iterable[Tuple[str, str]], Any],
        key: Optional[Names] = None, order_by: Optional[str] = None,
        partition_by: Optional[Names] = None, zorder: Optional[Names] = None,
        checks: Optional[Mapping[str, str]] = None,
        properties: Optional[Mapping[str, object]] = None, history: Optional[str] = None,
        description: Optional[str] = None,
        cluster_by: Optional[Names] = None) -> bool: ...
    def table(self, name: Path) -> Table: ...
    def __getitem__(self, name: Path) -> Table: ...
    def __iter__(self) -> Iterator[str]: ...
    def __contains__(self, name: object) -> bool: ...
    def maintain(
        self, table: Optional[str] = None, *, plan: bool = False, message: Optional[str] = None,
    ) -> ArrowStream: ...
    def tables(self) -> ArrowStream: ...
    def quarantine(self) -> ArrowStream: ...
    def query(
        self, sql: str, params: Optional[Mapping[str, object]] = None, *,
        at: Optional[At] = None) -> ArrowStream: ...
    def known_at(self, time: Optional[Time]) -> ContextManager[Lake]: ...
    def leak_check(
        self, sql: str, known_at: Time, *,
        knowledge: Literal["order", "commit", "event"] = "order") -> ArrowStream: ...
    def verify(
        self, name: Path, *, head: Optional[str] = None, deep: bool = False,
        strict: bool = False, signature: Optional[str] = None,
        public_key: Optional[Path] = None) -> Dict[str, Any]: ...
    def seal(self, name: Path, key_file: Optional[Path] = None) -> Dict[str, Any]: ...
    def export(self, folder: Path, tables: Optional[Iterable[str]] = None, *,
               last: Optional[Span] = None, start: Optional[Time] = None,
               end: Optional[Time] = None, at: Optional[At] = None,
               key_file: Optional[Path] = None,
               seals: Optional[Iterable[Mapping[str, Any]]] = None,
               sources: bool = True, changes: bool = True) -> Dict[str, Any]: ...
    def tag(
        self, name: str, *, at: Optional[At] = None, tables: Optional[Names] = None,
        message: Optional[str] = None) -> int: ...
    def hold(
        self, name: str, *, at: Optional[At] = None, tables: Optional[Names] = None,
        message: Optional[str] = None) -> int: ...
    def untag(self, name: str) -> int: ...
    def release(self, name: str) -> int: ...
    def tags(self) -> ArrowStream: ...
    def holds(self) -> ArrowStream: ...
    def salvage(
        self, folder: Optional[Path] = None, *, table: Optional[str] = None,
        aside: bool = False, dry_run: bool = False, adopt: bool = False) -> Dict[str, Any]: ...
    def correlate(
        self, *, by: Literal["regime", "symbol"] = "regime", symbol: Optional[str] = None,
        last: Optional[Span] = None, start: Optional[Time] = None, end: Optional[Time] = None,
        knowledge: Literal["order", "commit", "event"] = "order",
        at: Optional[At] = None) -> ArrowStream: ...
    def outcomes(
        self, *,
        by: Literal["regime", "strategy", "source", "type", "confidence"] = "regime",
        horizons: Union[None, str, Iterable[Span]] = None, acted: Optional[bool] = None,
        tolerance: Optional[Span] = None, strategy: Optional[str] = None,
        symbol: Optional[str] = None, last: Optional[Span] = None,
        start: Optional[Time] = None, end: Optional[Time] = None,
        knowledge: Literal["order", "commit", "event"] = "order",
        at: Optional[At] = None) -> ArrowStream: ...
    def transitions(
        self, *, by: Literal["regime", "symbol"] = "regime", symbol: Optional[str] = None,
        changes_only: bool = False, last: Optional[Span] = None,
        start: Optional[Time] = None, end: Optional[Time] = None,
        at: Optional[At] = None) -> ArrowStream: ...
    def gaps(
        self, table: Path, every: Span, *, by: Optional[Names] = None,
        calendar: Optional[Path] = None, coverage: bool = False, last: Optional[Span] = None,
        start: Optional[Time] = None, end: Optional[Time] = None,
        at: Optional[At] = None) -> ArrowStream: ...
    def lateness(
        self, table: Path, *, by: Optional[Names] = None, last: Optional[Span] = None,
        start: Optional[Time] = None, end: Optional[Time] = None,
        at: Optional[At] = None) -> ArrowStream: ...
    def signals(
        self, report: Literal["audit", "missed", "latency"] = "audit", *,
        strategy: Optional[str] = None, min_value: Optional[float] = None,
        last: Optional[Span] = None, start: Optional[Time] = None, end: Optional[Time] = None,
        at: Optional[At] = None) -> ArrowStream: ...
    def writer(
        self, spool: Optional[Path] = None, **options: Any) -> Writer: ...
    def spool(
        self, folder: Optional[Path] = None, *, verify: bool = False) -> Dict[str, Any]: ...
    @overload
    def doctor(
        self, name: Path, *, fix_times: bool = False, keys: bool = False) -> Dict[str, Any]: ...
    @overload
    def doctor(
        self, name: None = None, *, fix_times: bool = False,
        keys: bool = False) -> List[Dict[str, Any]]: ...
    def export_parquet(
        self, data: Union[ArrowStreamExportable, ArrowArrayExportable], path: Path) -> int: ...
    def interrupt(self) -> None: ...
    def cache(self, *, clear: bool = False) -> Dict[str, int]: ...
    def close(self) -> None: ...
    def __enter__(self: _Self) -> _Self: ...
    def __exit__(
        self, kind: Optional[Type[BaseException]], value: Optional[BaseException],
        trace: Optional[TracebackType]) -> None: ...

class WriterCommit:
    table: str
    segment: int
    sequence: int
    result: UpsertResult
    seconds: float

class Writer:
    lake: Lake
    def __init__(
        self, lake: Lake, spool: Optional[Path] = None, *,
        interval: Optional[Union[float, Span]] = 60.0, rows_max: Optional[int] = None,
        bytes_max: Optional[Union[int, str]] = None, sync: Union[float, Span] = "100ms",
        spool_max: Optional[Union[int, str]] = None, full: Literal["block", "fail"] = "block",
        adopt: bool = False, durability: Literal["full", "off"] = "full",
        on_commit: Optional[Callable[[WriterCommit], object]] = None,
        on_durable: Optional[Callable[[int], object]] = None,
        on_quarantine: Optional[Callable[[str, int, str, str], object]] = None,
        on_retry: Optional[Callable[[str, VarveError, float], object]] = None) -> None: ...
    @property
    def closed(self) -> bool: ...
    def put(self, table: str, row: Optional[Row] = None, /, **values: Any) -> int: ...
    def put_market_regime(
        self, timestamp: Union[datetime, int], symbol: str, regime: Optional[str], *,
        vix: Optional[float] = None, put_call_ratio: Optional[float] = None,
        futures_trend: Optional[str] = None, confidence: Optional[float] = None,
        model_version: Optional[str] = None, source: Optional[str] = None,
        ingested_at: Optional[Union[datetime, int]] = None) -> int: ...
    def put_performance(
        self, timestamp: Union[datetime, int], strategy_id: str, *,
        unrealized_pnl: Optional[float] = None, realized_pnl: Optional[float] = None,
        total_pnl: Optional[float] = None, delta: Optional[float] = None,
        gamma: Optional[float] = None, theta: Optional[float] = None,
        vega: Optional[float] = None, dte: Optional[int] = None,
        entry_price: Optional[float] = None, current_price: Optional[float] = None,
        regime_at_entry: Optional[str] = None, regime_current: Optional[str] = None,
        ingested_at: Optional[Union[datetime, int]] = None) -> int: ...
    def put_signal(
        self, timestamp: Union[datetime, int], strategy_id: str, signal_type: str, *,
        signal_value: Optional[float] = None, acted_upon: bool = False,
        acted_at: Optional[Union[datetime, int]] = None, source: Optional[str] = None,
        source_version: Optional[str] = None, regime: Optional[str] = None,
        futures_trend: Optional[str] = None,
        ingested_at: Optional[Union[datetime, int]] = None) -> int: ...
    def put_arrow(
        self, table: str, data: Union[ArrowStreamExportable, ArrowArrayExportable]) -> int: ...
    def put_rejected(self, table: str, text: str, reason: str) -> int: ...
    def sync(self) -> None: ...
    def flush(self, timeout: Optional[float] = None) -> None: ...
    def scan(
        self, table: str, columns: Optional[Names] = None, where: Optional[str] = None, *,
        limit: Optional[int] = None) -> ArrowStream: ...
    def stats(self) -> Dict[str, Any]: ...
    def close(self) -> None: ...
    def abandon(self) -> None: ...
    def __enter__(self: _Self) -> _Self: ...
    def __exit__(
        self, kind: Optional[Type[BaseException]], value: Optional[BaseException],
        trace: Optional[TracebackType]) -> None: ...
