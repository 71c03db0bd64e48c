"""Who may say and hear what over MQTT, and the files that tell Mosquitto so.

A device signs in with its id and its own password. It may publish its observations and its status, and hear
commands and replies meant for it; `tallyhouse/v1/{site}/{device}/{kind}` names all four. What speaks its
maker's own format does so below `vendor/` of its own place. The product itself may do everything. The same
rules hold for both brokers: Mosquitto reads them from `access_file()`, amqtt asks the functions here.
"""

import base64
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

PRODUCT = "tallyhouse"
"""User name of the product on its broker."""
EDGE_CLIENT_ID = "tallyhouse-edge"
"""Fixed: the broker keeps what came while we were away under this name."""

ROOT = "tallyhouse/v1"
DEVICE_SAYS = ("observation", "status")
DEVICE_HEARS = ("command", "reply")
VENDOR = "vendor"

_USER = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""No `+`, `#`, `/` or `:`: a user name becomes part of a topic pattern and of a line of the password file."""

ITERATIONS = 101
"""Mosquitto's own default. Passwords here are random and long, so that stretching them adds nothing."""
_SALT_BYTES = 12


SIGN_IN_RULE = "of a device that is enrolled for the broker"
TOPIC_RULE = "one of the device's own"
ALONE_RULE = "one device: two connections are alive under this identity"
PACKET_BYTES_MAX = 4_194_304
"""Twice what any driver reads. What is too long for its driver gets through, is set aside, and its sender is
done with it. Only a longer one costs its connection, unread: MQTT 5 tells the device the limit as it signs in
and the reason as it ends; 3.1.1 has no words for that, and who sends it again comes back with it."""
SIZE_RULE = f"at most {PACKET_BYTES_MAX} bytes"


class NoteTurnedAway(Protocol):
    """Takes note that a device was turned away: its name, else its address, and which field broke which rule.

    `said` tells more, such as the topic it wanted; `apart` says that each different one counts by itself.
    """

    def __call__(
        self, device_id: str, field: str, rule: str, said: bytes = b"", *, apart: bool = False
    ) -> None: ...


def to_nobody(device_id: str, field: str, rule: str, said: bytes = b"", *, apart: bool = False) -> None:
    """For brokers that are tried and not served on."""


class BrokerAddress(NamedTuple):
    """Where the product itself reaches the broker, and as whom."""

    host: str
    port: int
    username: str
    password: str


def access_file() -> str:
    """Mosquitto's access list (mosquitto.conf(5), acl_file): `%u` stands for the user name."""
    lines = [f"user {PRODUCT}", "topic readwrite #", ""]
    lines += [f"pattern write {ROOT}/+/%u/{kind}" for kind in DEVICE_SAYS]
    lines.append(f"pattern write {ROOT}/+/%u/{VENDOR}/#")
    lines += [f"pattern read {ROOT}/+/%u/{kind}" for kind in DEVICE_HEARS]
    return "\n".join(lines) + "\n"


def may_publish(user: str, topic: str) -> bool:
    if user == PRODUCT or _own(user, topic, DEVICE_SAYS):
        return True
    own, _, rest = topic.partition(f"/{VENDOR}/")
    return bool(rest) and _own(user, f"{own}/{VENDOR}", (VENDOR,))


def may_hear(user: str, topic: str) -> bool:
    """Whether a message on `topic` may be handed to `user`."""
    return user == PRODUCT or _own(user, topic, DEVICE_HEARS)


def may_subscribe(user: str, topic_filter: str) -> bool:
    """Whether `user` may ask for `topic_filter`; the site and the last level may be a wild card."""
    return user == PRODUCT or _own(user, topic_filter, (*DEVICE_HEARS, "+", "#"))


def _own(user: str, topic: str, kinds: tuple[str, ...]) -> bool:
    levels = topic.split("/")
    return (
        len(levels) == 5
        and "/".join(levels[:2]) == ROOT
        and levels[2] not in ("", "#")
        and levels[3] == user
        and levels[4] in kinds
    )


def hashed(password: str, salt: bytes | None = None) -> str:
    """A password as Mosquitto 2 keeps it: `$7$iterations$salt$PBKDF2-HMAC-SHA512`, both in base 64."""
    salt = secrets.token_bytes(_SALT_BYTES) if salt is None else salt
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
    return f"$7${ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def matches(password: str, kept: str) -> bool:
    """Whether `password` is the one `kept` was made from; False for a form we do not make."""
    parts = kept.split("$")
    if len(parts) != 5 or parts[1] != "7":
        return False
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), base64.b64decode(parts[3]), int(parts[2]))
    return hmac.compare_digest(digest, base64.b64decode(parts[4]))


class PasswordFile:
    """The users of the broker: `name:hash` lines, as Mosquitto reads them. Only hashes are kept."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._hashes: dict[str, str] = {}
        if path.exists():
            lines = path.read_text().splitlines()
            self._hashes = dict(line.split(":", 1) for line in lines if ":" in line)

    def users(self) -> frozenset[str]:
        return frozenset(self._hashes)

    def accepts(self, user: str | None, password: str | None) -> bool:
        kept = self._hashes.get(user or "")
        return kept is not None and password is not None and matches(password, kept)

    def set(self, hashes: Mapping[str, str]) -> bool:
        """Add or change users by `hashed` passwords; True when that changed anything.

        Raises ValueError for a name that could reach into other topics.
        """
        for user in hashes:
            if not _USER.fullmatch(user):
                raise ValueError(f"{user!r} cannot be a user of the broker: letters, digits, dot, dash, _")
        changed = {user: kept for user, kept in hashes.items() if self._hashes.get(user) != kept}
        self._hashes |= changed
        return self._save_if(bool(changed))

    def keep_only(self, users: frozenset[str]) -> bool:
        """Remove everybody else; True when somebody went."""
        gone = self._hashes.keys() - users
        for user in gone:
            del self._hashes[user]
        return self._save_if(bool(gone))

    def _save_if(self, changed: bool) -> bool:
        if changed or not self._path.exists():
            fresh = self._path.with_suffix(".new")
            fresh.unlink(missing_ok=True)
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.writelines(f"{user}:{kept}\n" for user, kept in sorted(self._hashes.items()))
            fresh.replace(self._path)
        return changed
