"""A scenario's devices on sockets drive the whole product, which runs in this process: `simulate --live`."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from app.api_client import ApiClient
from app.commands import Commands
from app.keys import Keys
from app.parts import ROLES
from app.roles import CREWS, web_app
from app.serve import Running, running
from app.settings import Settings
from app.simulate.live import LiveOptions, LiveRefused, drive_live, read_accounts
from app.simulate.scenario import Scenario
from app.supervise.process import free_port
from app.wiring import all_commands
from identity.messages import AddParty, AddPerson
from kernel.caller import Caller
from kernel.caller import Role as PersonRole
from kernel.clock import SystemClock
from tests.sim import test_simulate as warehouse
from tests.sim import test_simulate_ranch as ranch

PASSWORD = "a-password-of-this-test-alone"
PEOPLE: dict[str, tuple[str, tuple[PersonRole, ...]]] = {
    "keeper": ("keeper-1", ("admin", "keeper", "operator")),
    "officer": ("bank-1", ("officer",)),
    "picker": ("keeper-1", ("picker",)),
}


def _entered_by(command: AddParty | AddPerson) -> Caller:
    """A party's own admin enters its people."""
    if isinstance(command, AddParty):
        return Caller.product("test")
    return Caller(person_id="admin-1", party_id=command.party_id, roles=frozenset({"admin"}))


@pytest.fixture
async def up(tmp_path: Path) -> AsyncIterator[Running]:
    settings = Settings(
        data_dir=tmp_path / "data", port=0, mqtt_port=free_port("127.0.0.1"), broker="amqtt", stop_within_s=10
    )
    async with running(settings, ROLES, crews=CREWS, web=web_app) as program:
        commands = Commands(program.parts.database, all_commands())
        for command in (
            AddParty(kind="keeper", name="Keeper", party_id="keeper-1"),
            AddParty(kind="bank", name="Bank", party_id="bank-1"),
            *(
                AddPerson(username=name, password=PASSWORD, display_name=name, party_id=party_id, roles=roles)
                for name, (party_id, roles) in PEOPLE.items()
            ),
        ):
            await commands.do(_entered_by(command), command)
        yield program


def options(up: Running, tmp_path: Path, **changes: Any) -> LiveOptions:
    accounts = tmp_path / "accounts.json"
    people = [
        {"username": name, "password": PASSWORD, "roles": roles, "party_id": party_id}
        for name, (party_id, roles) in PEOPLE.items()
    ]
    accounts.write_text(json.dumps({"accounts": people}), encoding="utf-8")
    given: dict[str, Any] = {
        "scenario": "small",
        "seed": 11,
        "lasts_s": 6.0,
        "pace": 50.0,
        "from_hour": 7.0,
        "accounts": accounts,
        "address": up.url,
        "broker": ("127.0.0.1", up.parts.settings.mqtt_port),
        "site_id": "live",
        "key_name": "herd-1",
    }
    return LiveOptions(**given | changes)


async def devices(up: Running) -> dict[str, dict[str, Any]]:
    async with ApiClient(up.url) as keeper:
        await keeper.sign_in("keeper", PASSWORD)
        return {row["device_id"]: row for row in await keeper.items("/sites/live/devices")}


def play(monkeypatch: pytest.MonkeyPatch, scenario: Scenario) -> None:
    monkeypatch.setattr("app.simulate.live.read_scenario", lambda _: scenario)


async def test_a_ranch_on_sockets_is_enrolled_accepted_heard_and_ends_by_itself(
    up: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(monkeypatch, ranch.a_small_one())
    keys, said = Keys(tmp_path / "keys"), list[str]()
    with pytest.raises(LiveRefused, match="tallyhouse admin add-key herd-1"):
        await drive_live(options(up, tmp_path), keys, SystemClock(), said.append)
    edge = Keys(up.parts.settings.data_dir / "keys")
    edge.make("herd-1")
    done = await drive_live(options(up, tmp_path), edge, SystemClock(), said.append)
    assert done["set_aside"] == 0
    assert done["not_delivered"] == {}
    assert done["delivered"]["station-1"] > 0
    assert done["delivered"]["wagon-1"] > 0
    rows = await devices(up)
    assert {row["acceptance"] for row in rows.values()} == {"accepted"}
    assert rows["live-station-1"]["last_seen_at"] is not None
    assert rows["live-station-1"]["missing_count"] == 0
    assert rows["live-wagon-1"]["last_seen_at"] is not None
    assert any("officer has accepted" in line for line in said)


async def test_a_warehouse_on_sockets_is_known_with_its_stock_and_its_trucks(
    up: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(monkeypatch, warehouse.a_small_one())
    said = list[str]()
    busy = options(up, tmp_path, lasts_s=20.0, from_hour=9.0)
    done = await drive_live(busy, Keys(tmp_path / "keys"), SystemClock(), said.append)
    assert done["set_aside"] == 0
    assert done["delivered"]["forklift-1"] > 0
    assert done["delivered"]["lorawan-1"] > 0
    assert sum(done["scanned"].values()) == sum(
        count for name, count in done["delivered"].items() if name.startswith("pda")
    )
    assert any("pallets are entered" in line for line in said)
    assert any("trucks are announced" in line for line in said)
    rows = await devices(up)
    assert rows["live-forklift-1"]["last_seen_at"] is not None
    assert rows["live-portal-1"]["last_seen_at"] is not None
    assert rows["live-climate-1"]["last_seen_at"] is not None
    assert rows["live-picture-camera-1"]["last_seen_at"] is not None


def test_accounts_without_a_password_or_a_role_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "accounts.json"
    with pytest.raises(LiveRefused, match="accounts with username"):
        read_accounts(file)
    file.write_text('{"accounts": [{"username": "keeper"}]}', encoding="utf-8")
    with pytest.raises(LiveRefused, match="password"):
        read_accounts(file)


async def test_without_an_account_that_may_enrol_nothing_is_begun(tmp_path: Path) -> None:
    file = tmp_path / "accounts.json"
    officer = {"username": "officer", "password": PASSWORD, "roles": ["officer"]}
    file.write_text(json.dumps({"accounts": [officer]}), encoding="utf-8")
    given = LiveOptions(
        scenario="quiet_week",
        seed=1,
        lasts_s=1.0,
        pace=1.0,
        from_hour=0.0,
        accounts=file,
        address="http://127.0.0.1:9",
        broker=("127.0.0.1", 9),
        site_id="live",
        key_name="herd-1",
    )
    with pytest.raises(LiveRefused, match="an account with the roles admin and keeper"):
        await drive_live(given, Keys(tmp_path), SystemClock(), print)
