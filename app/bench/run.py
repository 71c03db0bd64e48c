"""Every bench by its name."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from app.bench.decode import bench_decode
from app.bench.ingest import bench_ingest
from app.report import Report

BENCHES: Mapping[str, Callable[[Callable[[str], None]], Coroutine[Any, Any, Report]]] = {
    "decode": bench_decode,
    "ingest": bench_ingest,
}
