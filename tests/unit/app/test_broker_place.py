"""Where a handheld is told to sign in at the broker."""

import pytest
from pydantic import SecretStr

from app.roles import broker_place
from app.settings import Settings
from app.supervise.broker_access import BrokerAddress
from identity.http import BrokerPlace

INNER = BrokerAddress("127.0.0.1", 41_883, "tallyhouse", "secret")


@pytest.fixture(autouse=True)
def _no_settings_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"TALLYHOUSE_{name.upper()}", raising=False)


def test_on_a_laptop_it_is_the_broker_of_the_program() -> None:
    assert broker_place(Settings(), INNER) == BrokerPlace(host="127.0.0.1", port=41_883, is_encrypted=False)


def test_beyond_this_machine_it_is_the_name_people_use_over_tls() -> None:
    settings = Settings(mqtt_host="0.0.0.0", public_name="warehouse.local")
    assert broker_place(settings, INNER) == BrokerPlace(host="warehouse.local", port=8883, is_encrypted=True)
    settings = Settings(mqtt_host="0.0.0.0", mqtt_port=9883, public_name="warehouse.local")
    assert broker_place(settings, INNER) == BrokerPlace(host="warehouse.local", port=9883, is_encrypted=True)


@pytest.mark.parametrize(("scheme", "is_encrypted"), [("mqtt", False), ("mqtts", True)])
def test_a_broker_of_ones_own_is_where_it_was_said_to_be(scheme: str, is_encrypted: bool) -> None:
    settings = Settings(broker_url=SecretStr(f"{scheme}://tallyhouse:secret@broker.local:1883"))
    address = BrokerAddress("broker.local", 1883, "tallyhouse", "secret")
    assert broker_place(settings, address) == BrokerPlace(
        host="broker.local", port=1883, is_encrypted=is_encrypted
    )


def test_a_program_without_the_role_edge_knows_of_none() -> None:
    assert broker_place(Settings(), None) is None
