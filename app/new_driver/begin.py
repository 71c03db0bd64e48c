"""Writes a new driver into a checkout: folder, fake on the wire, tests, lines in the lists."""

import json
import keyword
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Final, Literal, get_args

Reach = Literal["dialled", "broker"]

NAME: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
NAME_LENGTH_MAX: Final = 40
LISTS: Final = Path("app/drivers.py")
SEEDS: Final = Path("app/bench/seeds.py")
RULES: Final = Path("viz/web/shared/locales/rules.json")
PAGE: Final = Path("docs/devices.md")
FOLDERS: Final = {
    "driver": "devices/drivers/{name}",
    "fake": "simulators/protocols/{name}",
    "contract": "tests/contract/{name}",
    "property": "tests/property/devices",
}
"""Where the files of each group go; a template's name begins with its group."""
SEED_OF: Final[dict[Reach, str]] = {
    "dialled": 'b"T=21.50 H=45.2"',
    "broker": """on("observation", b'{"boot":7,"sequence":1,"observed_at":"2026-11-23T05:55:30Z",'
        b'"temperature_c":21.5,"humidity_percent":45.2}')""",
}
"""What fuzzing starts from: something that the codec of the templates reads, as Python writes it."""
RULES_OF: Final[dict[Reach, dict[str, str]]] = {
    "dialled": {"T=<degrees Celsius> H=<percent>": "T=<摄氏度> H=<百分数>"},
    "broker": {},
}
"""The rules that the templates state, in Chinese."""


class CannotBegin(ValueError):
    """A driver of that name cannot be begun here."""


def begin_driver(root: Path, name: str, reach: Reach) -> list[Path]:
    """Write a new driver called `name` into the checkout at `root`; returns the files, those that were there
    last: `LISTS`, `SEEDS`, `RULES` and `PAGE`.

    No driver is written over. Raises CannotBegin naming what is wrong.
    """
    if reach not in get_args(Reach):
        raise CannotBegin(f"reach: one of {', '.join(get_args(Reach))}")
    if not NAME.fullmatch(name) or len(name) > NAME_LENGTH_MAX or keyword.iskeyword(name):
        raise CannotBegin(
            f"name: up to {NAME_LENGTH_MAX} small letters, digits and single underscores, a letter first,"
            " and no word of Python's own"
        )
    lists = root / LISTS
    if not lists.is_file():
        raise CannotBegin(f"{root} is not a checkout of Tallyhouse: {LISTS} is missing")
    texts = {root / place: text for place, text in _files(name, reach).items()}
    there = [path for path in [root / FOLDERS["driver"].format(name=name), *texts] if path.exists()]
    if there:
        raise CannotBegin(f"name: taken, {there[0].relative_to(root)} is there already")
    listed = {
        lists: _listed(lists.read_text(encoding="utf-8"), name, reach),
        root / SEEDS: _seeded((root / SEEDS).read_text(encoding="utf-8"), name, reach),
        root / RULES: _said((root / RULES).read_text(encoding="utf-8"), reach),
    }
    for path, text in {**texts, **listed}.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    _tidy(root, [path for path in (*texts, *listed) if path.suffix == ".py"])
    _write_page(root)
    return [*texts, *listed, root / PAGE]


def _write_page(root: Path) -> None:
    """By a process of its own: this one has read the families that were there before."""
    page = subprocess.run(
        [sys.executable, "-m", "devices.quality"], cwd=root, check=True, stdout=subprocess.PIPE
    )
    (root / PAGE).write_bytes(page.stdout)


def _tidy(root: Path, paths: list[Path]) -> None:
    """Where imports and line breaks go depends on the name."""
    for step in (["check", "--quiet", "--fix", "--select", "I"], ["format", "--quiet"]):
        ruff = [sys.executable, "-m", "ruff", *step]
        subprocess.run([*ruff, *map(str, paths)], cwd=root, check=True)  # noqa: S603 - our own command


def class_of(name: str) -> str:
    """`cold_room` is CamelCase in names of classes: `ColdRoom`."""
    return "".join(part.capitalize() for part in name.split("_"))


def _files(name: str, reach: Reach) -> dict[str, str]:
    """Text by path. `driver.codec.py` in the templates becomes `codec.py` in the driver's folder."""
    found = {}
    for template in sorted((files(__package__) / "templates" / reach).iterdir(), key=lambda it: it.name):
        group, _, rest = template.name.removesuffix(".txt").partition(".")
        text = template.read_text(encoding="utf-8")
        place = f"{FOLDERS[group].format(name=name)}/{rest.replace('NAME', name)}"
        found[place] = text.replace("{{name}}", name).replace("{{Name}}", class_of(name))
    return found


def _listed(text: str, name: str, reach: Reach) -> str:
    """`LISTS` with the import and the entry of the new driver, each in order."""
    if reach == "dialled":
        line = f"from devices.drivers.{name}.driver import {class_of(name)}Driver"
        entry, head = f'    "{name}": {class_of(name)}Driver,', "DIALLED: "
    else:
        line = f"from devices.drivers.{name} import codec as {name}"
        entry, head = f'    "{name}": {name}.decode,', "BROKER: "
    lines = text.split("\n")
    _insert(lines, line, [n for n, other in enumerate(lines) if other.startswith("from devices.drivers.")])
    start = next(n for n, other in enumerate(lines) if other.startswith(head))
    end = lines.index("}", start)
    _insert(lines, entry, list(range(start + 1, end)))
    return "\n".join(lines)


def _seeded(text: str, name: str, reach: Reach) -> str:
    """`SEEDS` with an entry of the new driver, in order."""
    entry = re.compile(r'^    "(\w+)": ', re.MULTILINE)
    later = (found.start() for found in entry.finditer(text) if found[1] > name)
    at = next(later, text.index("\n}\n") + 1)
    return f'{text[:at]}    "{name}": (\n        {SEED_OF[reach]},\n    ),\n{text[at:]}'


def _said(text: str, reach: Reach) -> str:
    """`RULES` with the Chinese of what the templates state, each once."""
    known = json.loads(text)["phrases"]
    fresh = {rule: {"zh": said} for rule, said in RULES_OF[reach].items() if rule not in known}
    lines = [f"    {_json(rule)}: {_json(said)},\n" for rule, said in fresh.items()]
    head = '  "phrases": {\n'
    return text.replace(head, head + "".join(lines), 1)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _insert(lines: list[str], line: str, among: list[int]) -> None:
    """Put `line` among the ordered lines at these places, by the name of the module it is about."""
    after = [n for n in among if _key(lines[n]) < _key(line)]
    lines.insert(after[-1] + 1 if after else among[0], line)


def _key(line: str) -> str:
    return line.partition(" import ")[0].strip()
