"""All settings of the program: environment variables `TALLYHOUSE_*`, typed, checked at start.

`docs/settings.md` is made from this file (`python -m app.settings_doc`); a test holds them together.
"""

import ipaddress
import os
import socket
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from psycopg.conninfo import make_conninfo
from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from identity.people.model import SESSION_LASTS

ENV_PREFIX = "TALLYHOUSE_"
APP_ROLE = "tallyhouse_app"
"""The database role the running program signs in as; it owns nothing."""

Port = Annotated[int, Field(ge=0, le=65_535)]


class Settings(BaseSettings):
    """Read once at start and handed down; frozen. An unknown `TALLYHOUSE_` variable is an error, so that a
    misspelt one is not silently without effect."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, frozen=True, extra="forbid")

    data_dir: Annotated[
        Path,
        Field(description="Folder of everything the program keeps: database, spool, broker, keys, logs."),
    ] = Path("var")
    host: Annotated[
        str,
        Field(description="Address the web server listens on. Beyond loopback it speaks HTTPS only."),
    ] = "127.0.0.1"
    port: Annotated[Port, Field(description="Port of the web server; 0 takes any free one.")] = 8080
    public_name: Annotated[
        str,
        Field(
            description="Host name people and handhelds use; printed, and put into the local certificate. "
            "Empty: the address listened on, or this machine's name when listening on all addresses."
        ),
    ] = ""
    tls_cert: Annotated[
        Path | None,
        Field(description="Certificate chain (PEM). Unset: plain on loopback, else a local authority's."),
    ] = None
    tls_key: Annotated[Path | None, Field(description="Private key (PEM) of `tls_cert`.")] = None

    database_url: Annotated[
        SecretStr | None,
        Field(
            description="Owner's URL of a PostgreSQL (15 or newer) of your own, used to migrate. "
            "Unset: the embedded server."
        ),
    ] = None
    app_database_url: Annotated[
        SecretStr | None,
        Field(
            description=f"URL with which the roles connect, as `{APP_ROLE}`. "
            "Unset: `database_url` with that user and `app_password`. "
            "Set alone, the program never migrates and refuses a database of another release."
        ),
    ] = None
    app_password: Annotated[
        SecretStr | None,
        Field(
            description=f"Password of `{APP_ROLE}`, set at migrate. Unset: a random one kept in `data_dir`."
        ),
    ] = None

    broker: Annotated[
        Literal["auto", "mosquitto", "amqtt"],
        Field(
            description="MQTT broker to run: Mosquitto, amqtt inside the program, or Mosquitto if installed."
        ),
    ] = "auto"
    broker_url: Annotated[
        SecretStr | None,
        Field(
            description="`mqtt://user:password@host:port` (or `mqtts://`) of a broker of your own; "
            "none is run."
        ),
    ] = None
    broker_dir: Annotated[
        Path | None,
        Field(
            description="With `broker_url`: a folder shared with that Mosquitto, where the program keeps the "
            "password file and the access list. Unset: you keep its credentials."
        ),
    ] = None
    mqtt_host: Annotated[
        str, Field(description="Address our broker listens on. Beyond loopback it speaks TLS only.")
    ] = "127.0.0.1"
    mqtt_port: Annotated[
        Port, Field(description="Port of our broker; 0 takes a free one and keeps it over restarts.")
    ] = 0

    terminal_host: Annotated[
        str,
        Field(
            description="Address on which terminals are awaited that dial us. Their protocols know no "
            "encryption: beyond loopback let them come through a private network only."
        ),
    ] = "127.0.0.1"
    jt808_port: Annotated[
        Port, Field(description="Port for JT/T 808 vehicle terminals; 0 listens for none.")
    ] = 0
    teltonika_port: Annotated[
        Port, Field(description="Port for Teltonika vehicle terminals; 0 listens for none.")
    ] = 0

    health_host: Annotated[
        str, Field(description="Address of `health_port`; plain HTTP, so for this machine or a private net.")
    ] = "127.0.0.1"
    health_port: Annotated[
        Port | None,
        Field(
            description="Port that serves only `/health/…` and `/metrics`, for roles without a web server "
            "and for `tallyhouse health`. Unset: none."
        ),
    ] = None

    sites: Annotated[
        tuple[str, ...],
        NoDecode,
        Field(description="Sites whose devices this edge drives, by comma. Empty: every site."),
    ] = ()
    spool_capacity_mb: Annotated[
        int,
        Field(
            ge=1,
            description="Disk an edge may fill with readings while the database is away, in megabytes. A "
            "week of the reference warehouse takes about 3,200.",
        ),
    ] = 4_096
    snapshots_mb_max: Annotated[
        int,
        Field(
            ge=1, description="Disk for pictures that cameras showed, in megabytes; the oldest goes first."
        ),
    ] = 2_048
    snapshots_days: Annotated[
        int, Field(ge=1, description="How long pictures that cameras showed are kept at most.")
    ] = 30
    session_hours: Annotated[int, Field(ge=1, le=24 * 30, description="How long a sign-in lasts.")] = (
        SESSION_LASTS // timedelta(hours=1)
    )
    stop_within_s: Annotated[
        int, Field(ge=1, le=300, description="How long running requests and batches get to finish at a stop.")
    ] = 20
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="Least level that is logged.")
    ] = "info"
    log_format: Annotated[
        Literal["json", "console"], Field(description="One JSON object a line, or text for people.")
    ] = "json"

    @field_validator("sites", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @model_validator(mode="after")
    def _no_strangers(self) -> Self:
        known = {f"{ENV_PREFIX}{name}".upper() for name in type(self).model_fields}
        strangers = sorted(name for name in os.environ if name.startswith(ENV_PREFIX) and name not in known)
        if strangers:
            raise ValueError(f"unknown settings {', '.join(strangers)}; docs/settings.md lists all")
        return self

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("TALLYHOUSE_TLS_CERT and TALLYHOUSE_TLS_KEY: both or neither")
        if self.broker_dir is not None and self.broker_url is None:
            raise ValueError("TALLYHOUSE_BROKER_DIR: only with TALLYHOUSE_BROKER_URL, a broker of your own")
        return self

    @property
    def embedded_database(self) -> bool:
        return self.database_url is None and self.app_database_url is None

    @property
    def snapshots_dir(self) -> Path:
        """Pictures that readings name: written by the edge, read by the role `api` on the same disk."""
        return self.data_dir / "snapshots"

    @property
    def terminal_ports(self) -> dict[str, int]:
        """The port of each driver family that is listened for."""
        ports = {"jt808": self.jt808_port, "teltonika": self.teltonika_port}
        return {family: port for family, port in ports.items() if port}

    @property
    def only_site(self) -> str | None:
        """The site of an edge that has one: strangers who knock at the edge knock there."""
        return self.sites[0] if len(self.sites) == 1 else None

    @property
    def loopback_only(self) -> bool:
        """True when nobody outside this machine can reach the web server."""
        return is_loopback(self.host)

    @property
    def name_for_people(self) -> str:
        """Host name in addresses we print."""
        if self.public_name:
            return self.public_name
        if self.host in ("0.0.0.0", "::", ""):  # noqa: S104 - compared, not bound
            return socket.gethostname()
        return self.host

    def app_dsn(self, owner_dsn: str | None, app_password: str) -> str:
        """The roles' DSN: as given, else the owner's with the app role's name and password."""
        if self.app_database_url is not None:
            return self.app_database_url.get_secret_value()
        assert owner_dsn is not None, "without app_database_url there is an owner's DSN"
        return make_conninfo(owner_dsn, user=APP_ROLE, password=app_password)


OUTER_PORT = 8883
"""Of the broker for devices beyond this machine, unless the settings say otherwise: MQTT over TLS."""


def is_loopback(host: str) -> bool:
    """True for `localhost` and loopback addresses; False for every other name, since names can move."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
