"""The command line as a user calls it: a process of its own on a data folder of its own."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from app.cli import roles_named
from app.supervise.process import free_port
from devices.drivers.ear_tag.frame import key_of
from kernel.animals import AnimalId
from kernel.secrets import fingerprint


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TALLYHOUSE_")}
    return {**kept, "TALLYHOUSE_DATA_DIR": str(tmp_path / "data"), "TALLYHOUSE_PORT": "0", "LANG": "en"}


async def tallyhouse(environment: dict[str, str], *words: str, answer: str = "") -> tuple[int, str, str]:
    """Exit code, output and errors of one call."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "app.cli", *words],
        env=environment,
        input=answer,
        capture_output=True,
        check=False,
        text=True,
    )
    return done.returncode, done.stdout, done.stderr


async def test_a_backup_of_the_first_account_is_restored_elsewhere_once(
    environment: dict[str, str], tmp_path: Path
) -> None:
    file = str(tmp_path / "saved.tar")
    code, out, err = await tallyhouse(environment, "migrate")
    assert (code, out.splitlines()[0]) == (0, "0001_pre_app_base.sql"), err
    code, out, err = await tallyhouse(environment, "admin", "add-party", "keeper", "Keeper", "keeper-a")
    assert (code, out) == (0, "keeper keeper-a entered\n"), err
    person = ("admin", "add-person", "first", "keeper-a", "admin", "keeper")
    secret = "a long enough password"
    code, _, err = await tallyhouse(environment, *person, answer=f"{secret}\n{secret}\n")
    assert code == 0, err
    mole = ("admin", "add-person", "mole", "keeper-a", "keeper")
    code, out, err = await tallyhouse(environment, *mole)
    assert "Password" not in out + err, "it is not asked for before it is of use"
    assert (code, err.splitlines()[-1].startswith("keeper-a has people already.")) == (1, True), err
    assert (await tallyhouse(environment, "backup", file))[0] == 0
    elsewhere = {**environment, "TALLYHOUSE_DATA_DIR": str(tmp_path / "elsewhere")}
    assert (await tallyhouse(elsewhere, "restore", file))[0] == 0
    code, _, err = await tallyhouse(elsewhere, "restore", file)
    assert code == 1
    assert err == "There is data already: restore into an empty data folder or a new database.\n"


async def test_a_damaged_backup_is_refused_and_leaves_nothing(
    environment: dict[str, str], tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged.tar"
    damaged.write_bytes(b"no archive")
    elsewhere = tmp_path / "elsewhere"
    given = {**environment, "TALLYHOUSE_DATA_DIR": str(elsewhere)}
    code, _, err = await tallyhouse(given, "restore", str(damaged))
    assert (code, "damaged.tar" in err, elsewhere.exists()) == (1, True, False)


async def test_the_keys_of_ear_tags_are_made_from_their_herds_key_for_their_maker(
    environment: dict[str, str], tmp_path: Path
) -> None:
    code, out, err = await tallyhouse(environment, "admin", "add-key", "herd-a")
    assert code == 0, err
    key = bytes.fromhex((tmp_path / "data/keys/herd-a.key").read_text())
    assert out.endswith(f"fingerprint {fingerprint(key)}\n")
    code, _, err = await tallyhouse(environment, "admin", "add-key", "herd-a")
    assert (code, err) == (1, "A key of the name herd-a is there already.\n")
    numbers = "156000012345678\n\n2 152502 12345678\n"
    code, out, err = await tallyhouse(environment, "admin", "tag-keys", "herd-a", answer=numbers)
    assert code == 0, err
    animals = [AnimalId("iso11784", "156000012345678"), AnimalId("china", "215250212345678")]
    assert out.splitlines() == [
        f"{animal.scheme},{animal.digits},{key_of(animal, key).hex()}" for animal in animals
    ]
    code, _, err = await tallyhouse(environment, "admin", "tag-keys", "herd-a", answer="12\n")
    assert code == 2
    assert "12: 15 digits" in err


async def test_what_goes_wrong_is_told_in_one_line(environment: dict[str, str]) -> None:
    wrong = {**environment, "TALLYHOUSE_PORT": "http", "TALLYHOUSE_BROKER": "none"}
    code, _, err = await tallyhouse(wrong, "migrate")
    assert code == 1
    assert err.splitlines() == [
        "settings:",
        "TALLYHOUSE_PORT: a whole number.",
        "TALLYHOUSE_BROKER: one of auto, mosquitto, amqtt.",
    ]
    unreachable = f"postgresql://tallyhouse@127.0.0.1:{free_port('127.0.0.1')}/none"
    code, _, err = await tallyhouse({**environment, "TALLYHOUSE_DATABASE_URL": unreachable}, "migrate")
    assert code == 1
    assert "Traceback" not in err
    assert "Connection refused" in err


async def test_the_running_program_answers_the_health_command_and_ends_at_sigterm(
    environment: dict[str, str], until, tmp_path: Path
) -> None:
    port = free_port("127.0.0.1")
    environment = {**environment, "TALLYHOUSE_HEALTH_PORT": str(port)}
    log = (tmp_path / "log").open("wb")
    program = subprocess.Popen(
        [sys.executable, "-m", "app.cli", "serve", "--role", "all"], env=environment, stdout=log, stderr=log
    )
    try:

        async def ready() -> bool:
            assert program.poll() is None, (tmp_path / "log").read_text()
            listens = free_port("127.0.0.1", port) is None
            return listens and (await tallyhouse(environment, "health"))[0] == 0

        await until(ready)
        code, out, _ = await tallyhouse(environment, "migrate")
        assert (code, out) == (0, "up to date\n"), "other commands attach to the running database"
        program.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(program.wait, 60) == 0, (tmp_path / "log").read_text()
    finally:
        program.kill()
        program.wait()
        log.close()
    assert (await tallyhouse(environment, "health"))[0] == 1


@pytest.mark.parametrize(
    ("names", "roles"),
    [
        (["all"], ["edge", "fold", "api", "work"]),
        (["work", "fold"], ["fold", "work"]),
        (["api", "api"], ["api"]),
    ],
)
def test_roles_are_named_one_by_one_or_all(names: list[str], roles: list[str]) -> None:
    assert roles_named(names) == roles


def test_an_unknown_role_is_named() -> None:
    with pytest.raises(typer.BadParameter, match="no such role: ruler"):
        roles_named(["api", "ruler"])
