from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr, ValidationError

from app.settings import Settings, is_loopback
from app.settings_doc import settings_page


@pytest.fixture(autouse=True)
def _no_settings_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"TALLYHOUSE_{name.upper()}", raising=False)


def test_the_settings_page_is_fresh() -> None:
    page = Path(__file__).parents[3] / "docs" / "settings.md"
    assert page.read_text(encoding="utf-8") == settings_page()


def test_every_setting_says_what_it_does() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLYHOUSE_SITES", "site-a, site-b")
    monkeypatch.setenv("TALLYHOUSE_PORT", "0")
    settings = Settings()
    assert settings.sites == ("site-a", "site-b")
    assert settings.port == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "70000"),
        ("PORT", "http"),
        ("BROKER", "kafka"),
        ("SPOOL_CAPACITY_MB", "0"),
        ("TLS_CERT", "a.pem"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"TALLYHOUSE_{name}", value)
    with pytest.raises(ValidationError):
        Settings()


def test_a_misspelt_setting_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLYHOUSE_PROT", "8080")
    with pytest.raises(ValidationError, match="TALLYHOUSE_PROT"):
        Settings()


def test_secrets_are_not_shown() -> None:
    settings = Settings(
        database_url=SecretStr("postgresql://owner:hush@db/x"), app_password=SecretStr("quiet")
    )
    assert "hush" not in repr(settings)
    assert "quiet" not in repr(settings)


def test_the_roles_connect_as_the_app_role_with_its_password() -> None:
    dsn = Settings().app_dsn("host=db port=5433 user=owner password=a dbname=t", "p'w d")
    assert conninfo_to_dict(dsn) == {
        "host": "db",
        "port": "5433",
        "user": "tallyhouse_app",
        "password": "p'w d",
        "dbname": "t",
    }


def test_a_given_url_of_the_roles_is_taken_as_it_is() -> None:
    settings = Settings(app_database_url=SecretStr("postgresql://tallyhouse_app:x@db/t"))
    assert settings.app_dsn(None, "unused") == "postgresql://tallyhouse_app:x@db/t"
    assert not settings.embedded_database


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("warehouse.lan", False)],
)
def test_loopback_is_told_from_the_world(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
    assert Settings(host=host).loopback_only is loopback


def test_people_are_given_a_name_they_can_reach() -> None:
    assert Settings().name_for_people == "127.0.0.1"
    assert Settings(host="0.0.0.0", public_name="tally.lan").name_for_people == "tally.lan"
    assert Settings(host="0.0.0.0").name_for_people not in ("", "0.0.0.0")
