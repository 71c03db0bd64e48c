"""amqtt inside the program, for machines without Mosquitto: demo and tests.

It keeps nothing over a restart; devices keep their readings until we reply, so nothing acknowledged is lost.
Never put it behind a consumer that may stall: it drops messages whose receiver does not answer.
"""

import logging
from dataclasses import dataclass, field
from typing import Any

from amqtt.broker import Broker as Amqtt
from amqtt.contexts import Action, BaseContext
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session

from app.supervise.broker_access import (
    SIGN_IN_RULE,
    TOPIC_RULE,
    NoteTurnedAway,
    PasswordFile,
    may_hear,
    may_publish,
    may_subscribe,
    to_nobody,
)
from app.supervise.process import ChildFailed

CONNECTIONS_MAX = 1_024


@dataclass
class _Home:
    """What amqtt hands to a plugin: the broker it belongs to."""

    broker: Any = field(default=None)


class PasswordPlugin(BaseAuthPlugin):
    """Signs in only known users."""

    Config = _Home

    async def authenticate(self, *, session: Session) -> bool:
        broker: AmqttBroker = self.config.broker
        if broker.passwords.accepts(session.username, session.password):
            return True
        address = session.remote_address or ""
        if session.username in broker.passwords.users():
            name, field, rule = session.username, "password", "the device's own"
        else:
            name, field, rule = session.username or address, "username", SIGN_IN_RULE
        broker.turned_away(name, field, rule, address.encode(), apart=True)
        return False


class TopicPlugin(BaseTopicPlugin):
    """Asks the rules of `broker_access` for every publish, subscribe and delivery."""

    Config = _Home

    def __init__(self, context: BaseContext) -> None:
        super().__init__(context)
        self._rules = {
            Action.PUBLISH: may_publish,
            Action.SUBSCRIBE: may_subscribe,
            Action.RECEIVE: may_hear,
        }

    async def topic_filtering(
        self, *, session: Session | None = None, topic: str | None = None, action: Action | None = None
    ) -> bool:
        if session is None or session.username is None or topic is None or action is None:
            return False
        # amqtt goes on with a session whose password has been changed since; Mosquitto ends it.
        if not self.config.broker.passwords.accepts(session.username, session.password):
            return False
        allowed = self._rules[action](session.username, topic)
        if action is Action.PUBLISH and not allowed:
            self.config.broker.turned_away(session.username, "topic", TOPIC_RULE, topic.encode(), apart=True)
        return allowed


class AmqttBroker:
    """One amqtt listener on loopback. `turned_away` is told whom the plugins refuse."""

    def __init__(self, passwords: PasswordFile) -> None:
        self.passwords = passwords
        self.turned_away: NoteTurnedAway = to_nobody
        self._amqtt: Amqtt | None = None

    async def start(self, port: int) -> None:
        """Listen on `port`; ChildFailed when that does not work."""
        # Its own account of every client would drown ours: one line for each refused packet and time-out.
        for name in ("amqtt", "transitions"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        here = __name__
        listener = {"type": "tcp", "bind": f"127.0.0.1:{port}", "max_connections": CONNECTIONS_MAX}
        plugins = {
            f"{here}.PasswordPlugin": {"broker": self},
            f"{here}.TopicPlugin": {"broker": self},
        }
        self._amqtt = Amqtt({"listeners": {"default": listener}, "plugins": plugins})
        try:
            await self._amqtt.start()
        except Exception as error:
            raise ChildFailed(f"amqtt did not start: {error}") from error

    async def stop(self) -> None:
        if self._amqtt is not None:
            await self._amqtt.shutdown()
            self._amqtt = None
