"""docker-compose.yml and the Dockerfile, checked as far as that goes without a Docker engine."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.drivers import LISTENS
from app.parts import ROLES
from app.settings import Settings

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SECRET = re.compile(r"PASSWORD|SECRET|_URL$|TOKEN")
SETTINGS = {f"TALLYHOUSE_{name}".upper() for name in Settings.model_fields}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_an_image_and_says_how_it_is(name: str) -> None:
    service = SERVICES[name]
    assert service.get("image")
    own = "HEALTHCHECK" in (ROOT / "docker" / "Dockerfile").read_text()
    assert service.get("healthcheck") or ("build" in service and own)


def test_every_role_is_a_service_that_runs_it() -> None:
    ran = {tuple(service.get("command", ())) for service in SERVICES.values()}
    assert {("serve", "--role", role) for role in ROLES} <= ran


def test_the_database_is_timescale_and_the_broker_mosquitto() -> None:
    assert SERVICES["database"]["image"].startswith("timescale/timescaledb:")
    assert "timescaledb.telemetry_level=off" in SERVICES["database"]["command"]
    assert SERVICES["broker"]["image"].startswith("eclipse-mosquitto:")


@pytest.mark.parametrize("name", SERVICES)
def test_no_secret_is_written_down_and_none_has_a_default(name: str) -> None:
    for variable, value in (SERVICES[name].get("environment") or {}).items():
        if SECRET.search(variable):
            assert re.search(r"\$\{\w+:\?", str(value)), f"{variable} must come from outside"
            assert not re.search(r"\$\{\w+:-", str(value))


def test_every_variable_of_the_program_is_one_of_its_settings() -> None:
    used = {
        variable
        for service in SERVICES.values()
        for variable in (service.get("environment") or {})
        if variable.startswith("TALLYHOUSE_")
    }
    assert used <= SETTINGS


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_only_for_services_that_exist(name: str) -> None:
    waits = SERVICES[name].get("depends_on") or {}
    assert waits.keys() <= SERVICES.keys()
    for other, how in waits.items():
        if how["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[other]
        if how["condition"] == "service_completed_successfully":
            assert SERVICES[other]["restart"] == "no"


def test_every_volume_is_declared_and_used_and_every_file_exists() -> None:
    sources = [str(volume).partition(":")[0] for s in SERVICES.values() for volume in s.get("volumes", ())]
    files = [source for source in sources if source.startswith("./")]
    named = {source for source in sources if not source.startswith(("./", "$"))}
    assert named == set(COMPOSE["volumes"])
    assert [file for file in files if not (ROOT / file).exists()] == []
    for service in SERVICES.values():
        if "build" in service:
            assert (ROOT / service["build"]["context"] / service["build"]["dockerfile"]).is_file()


def test_the_web_server_reads_the_pictures_that_the_edge_keeps_and_changes_none() -> None:
    folder = Settings(data_dir=Path("/data")).snapshots_dir
    held = {
        name: [volume for volume in service.get("volumes", ()) if str(folder) in volume]
        for name, service in SERVICES.items()
    }
    held = {name: volumes for name, volumes in held.items() if volumes}
    assert held == {"edge": [f"snapshots:{folder}"], "api": [f"snapshots:{folder}:ro"]}
    assert f" {folder} " in (ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [name for name in SERVICES if "build" in SERVICES[name]])
def test_our_containers_hold_no_rights_they_do_not_need(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert re.search(r"^USER tallyhouse$", (ROOT / "docker" / "Dockerfile").read_text(), re.M)


def test_only_the_web_server_and_the_encrypted_broker_port_are_reached_from_everywhere() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published.keys() == {"broker", "api", "edge"}
    assert (published["broker"], published["api"]) == (["8883:8883"], ["443:8443"])


def test_every_family_that_dials_in_has_a_port_on_the_address_of_its_private_network() -> None:
    """Its protocol knows no encryption: without that address no other machine reaches the port."""
    edge = SERVICES["edge"]
    given = {name.removeprefix("TALLYHOUSE_").lower(): value for name, value in edge["environment"].items()}
    settings = Settings(
        **{name: value for name, value in given.items() if "terminal" in name or "port" in name}
    )
    assert settings.terminal_host == "0.0.0.0"
    assert settings.terminal_ports.keys() == LISTENS.keys()
    address = "${TALLYHOUSE_TERMINAL_ADDRESS:-127.0.0.1}"
    ports = sorted(settings.terminal_ports.values())
    assert sorted(edge["ports"]) == sorted(f"{address}:{port}:{port}" for port in ports)
    assert len(set(ports)) == len(ports)


def test_the_image_copies_only_what_is_there() -> None:
    text = (ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8")
    stages = set(re.findall(r"^FROM \S+ AS (\w+)$", text, re.M))
    for source_stage, sources in re.findall(r"^COPY (?:--from=(\w+) )?(.+) \S+$", text, re.M):
        if source_stage:
            assert source_stage in stages
        else:
            assert [name for name in sources.split() if not (ROOT / name).exists()] == []
