"""Every bench by its name."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from app.bench.decode import bench_decode
from app.bench.ingest import bench_ingest
from app.bench.replay import bench_replay
from app.report import Report

# Each takes what it says on the way to `say`.
BENCHES: Mapping[str, Callable[..., Coroutine[Any, Any, Report]]] = {
    "decode": bench_decode,
    "ingest": bench_ingest,
    "replay": bench_replay,
}
TAKES_DAYS = frozenset({"replay"})
"""Benches that can be told for how many days of the world, as `days`."""
