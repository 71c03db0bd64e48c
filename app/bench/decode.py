"""How many cases of any bytes the decoders have stood: hypothesis and atheris, every target, counted."""

import asyncio
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.bench.decoders import BYTES_MAX, Target, targets
from app.bench.seeds import SEEDS
from app.report import Check, Report, make_report
from kernel.clock import SystemClock

CASES_WANTED = 1_000_000
HYPOTHESIS_CASES = 4_000
"""A target. Hypothesis shrinks what fails to the smallest; atheris gets further, led by coverage."""
ATHERIS_CASES = 52_000
SEED = 1
SIDE_BY_SIDE = 2
TRACE_LINES = 30
_DONE = re.compile(rb"stat::number_of_executed_units: +(\d+)")

Say = Callable[[str], None]


async def bench_decode(say: Say) -> Report:
    """Run every target with both; `ok` when none let an exception out and there were cases enough."""
    clock = SystemClock()
    started_at = clock.now()
    by_hypothesis, by_atheris, failures = 0, 0, dict[str, str]()
    found = targets()
    for name, target in found.items():
        count, failure = _hypothesis(target, name)
        by_hypothesis += count
        if failure:
            failures[f"hypothesis {name}"] = failure
    say(f"hypothesis: {by_hypothesis:,} cases of {len(found)} decoders, {len(failures)} failed")
    gate = asyncio.Semaphore(SIDE_BY_SIDE)
    for name, count, failure in await asyncio.gather(*(_atheris(name, gate) for name in found)):
        by_atheris += count
        say(f"atheris: {name} {count:,} cases{', FAILED' if failure else ''}")
        if failure:
            failures[f"atheris {name}"] = failure
    cases = by_hypothesis + by_atheris
    check = Check(
        name="decode.fuzz_cases",
        value=float(cases),
        unit="cases",
        bound=f">= {CASES_WANTED}, none failed",
        ok=cases >= CASES_WANTED and not failures,
        how="any bytes to every decoder, by hypothesis and by atheris; only rejections may come out",
    )
    detail: dict[str, Any] = {
        "hypothesis": by_hypothesis,
        "atheris": by_atheris,
        "decoders": sorted(found),
        "failures": failures,
    }
    return make_report(
        "bench.decode", seed=SEED, started_at=started_at, checks=[check], detail=detail, environment={}
    )


def _hypothesis(target: Target, name: str) -> tuple[int, str]:
    """Cases that ran, and the smallest input that broke the target."""
    from hypothesis import HealthCheck, Phase, given, seed, settings
    from hypothesis import strategies as st

    spoilt = st.builds(_spoilt, st.sampled_from(SEEDS[name]), st.integers(0, 2**32), st.binary(max_size=4))
    count = 0

    @seed(SEED)
    @settings(
        max_examples=HYPOTHESIS_CASES,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(spoilt | st.binary(max_size=BYTES_MAX))
    def run(data: bytes) -> None:
        nonlocal count
        count += 1
        target(data)

    try:
        run()
    except Exception as error:  # noqa: BLE001 - whatever comes out is what is looked for
        return count, f"{type(error).__name__}: {error}"
    return count, ""


def _spoilt(example: bytes, place: int, splice: bytes) -> bytes:
    at = place % (len(example) + 1)
    return example[:at] + splice + example[at + place % 3 :]


async def _atheris(name: str, gate: asyncio.Semaphore) -> tuple[str, int, str]:
    """The target in a process of its own, since atheris ends it."""
    async with gate:
        with tempfile.TemporaryDirectory(prefix="tallyhouse-fuzz-") as folder:
            for number, example in enumerate(SEEDS[name]):
                (Path(folder) / f"example-{number}").write_bytes(example)
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "app.bench.decoders", name, str(ATHERIS_CASES), str(SEED), folder),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
            said, _ = await process.communicate()
    done = _DONE.search(said)
    if process.returncode == 0 and done:
        return name, int(done[1]), ""
    last = said.decode("utf-8", "replace").splitlines()[-TRACE_LINES:]
    return name, 0, "\n".join(last)
