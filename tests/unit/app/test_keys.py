"""Keys of an edge: files of their own, found by name, readable by nobody else."""

from pathlib import Path

import pytest

from app.keys import Keys
from devices.families import Parameter
from kernel.errors import Conflict, Invalid
from kernel.secrets import fingerprint


def test_a_key_is_random_kept_and_found_again(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "keys")
    made = keys.make("herd-a")
    assert keys.get("herd-a") == made
    assert keys.make("herd-b") != made


def test_only_its_owner_can_read_a_key(tmp_path: Path) -> None:
    Keys(tmp_path / "keys").make("herd-a")
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "keys" / "herd-a.key").stat().st_mode & 0o777 == 0o600


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    made = keys.make("herd-a")
    with pytest.raises(Conflict):
        keys.make("herd-a")
    assert keys.get("herd-a") == made


def test_a_key_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert Keys(tmp_path / "nothing").get("herd-a") is None


@pytest.mark.parametrize("text", ["", "00", "zz" * 32, "00" * 33])
def test_a_file_that_holds_no_key_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "herd-a.key").write_text(text)
    with pytest.raises(Invalid) as refused:
        Keys(tmp_path).get("herd-a")
    assert refused.value.facts == {"field": "herd-a.key", "rule": "64 hexadecimal digits"}


@pytest.mark.parametrize("name", ["", "..", "../broker", "a/b", ".hidden", "a" * 65, "a\x00"])
def test_the_name_of_a_key_leads_nowhere_else(tmp_path: Path, name: str) -> None:
    with pytest.raises(Invalid):
        Keys(tmp_path).get(name)
    assert Parameter(type="key", text="").broken_rule(name) is not None


def test_a_fingerprint_tells_keys_apart_and_tells_nothing_else() -> None:
    assert fingerprint(bytes(32)) == "66687aadf862bd77"
    assert fingerprint(b"\x01" + bytes(31)) != fingerprint(bytes(32))
