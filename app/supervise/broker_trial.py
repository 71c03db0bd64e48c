"""What is done with a broker at every start, before devices speak: the edge's messages are kept, and who may
not, cannot."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress

from app.supervise.broker_access import EDGE_CLIENT_ID, PRODUCT, ROOT, BrokerAddress
from app.supervise.mqtt_probe import Probe, ProbeRefused
from app.supervise.process import ChildFailed
from devices.transport.mqtt import TOPICS

ANSWER_WITHIN_S = 5.0
SIGN_IN_PAUSE_S = 0.02
_USER = "start-up-trial"
_ALLOWED = f"{ROOT}/start-up-trial/{_USER}/status"
_FORBIDDEN = f"{ROOT}/start-up-trial/somebody-else/observation"

SetUser = Callable[[str, str | None], Awaitable[None]]
"""Gives a user a password, or removes it with None."""


async def connects(host: str, port: int, user: str | None, password: str | None) -> bool:
    """True when the broker answers and lets `user` in."""
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S), Probe(host, port, user, password):
            return True
    except (OSError, TimeoutError):
        return False


async def keep_for_edge(address: BrokerAddress) -> None:
    """Have the broker keep what devices say from now on, whenever the edge comes for it.

    Before the edge's first visit the broker knows of nobody to keep it for. After a restart it knows from its
    file, but without the password: when it reads its users anew it takes the edge for one who may hear
    nothing any more, goes on acknowledging to devices, and drops what they say (Mosquitto 2.0,
    `mosquitto_security_apply_default`). So the edge's session signs in once. What the broker hands out here
    is not acknowledged and comes again. Raises ChildFailed when the broker does not let it in.
    """
    try:
        async with (
            asyncio.timeout(ANSWER_WITHIN_S),
            Probe(*address, client_id=EDGE_CLIENT_ID, keeps=True) as session,
        ):
            with suppress(ConnectionError):  # The edge itself came in and took the session over.
                for topic in TOPICS:
                    await session.subscribe(topic, qos=1)
    except (OSError, TimeoutError) as error:
        raise ChildFailed(f"the broker keeps nothing for us: {type(error).__name__} {error}") from error


async def require_rules_hold(
    address: BrokerAddress, set_user: SetUser, within_s: float = ANSWER_WITHIN_S
) -> None:
    """Raise ChildFailed unless strangers are refused and a device cannot speak for another.

    A device publishes first on somebody else's topic, then on its own. The second is sent only after the
    broker dealt with the first, so when it arrives the first was either handed out before it or refused.
    """
    host, port, _, product_password = address
    if await connects(host, port, None, None) or await connects(host, port, _USER, "wrong"):
        raise ChildFailed("the broker lets strangers in")
    password = secrets.token_urlsafe(24)
    await set_user(_USER, password)
    try:
        async with asyncio.timeout(within_s):
            await _until_known(host, port, password)
            heard = await _topics_heard(host, port, product_password, password)
    except (OSError, TimeoutError) as error:
        raise ChildFailed(f"the broker could not be tried: {type(error).__name__} {error}") from error
    finally:
        await set_user(_USER, None)
    if heard != [_ALLOWED]:
        raise ChildFailed(f"the broker ignores its access list: a device was heard on {heard}")


async def _until_known(host: str, port: int, password: str) -> None:
    """A reload takes effect between two rounds of the broker's loop: try until it knows the user."""
    while True:
        try:
            async with Probe(host, port, _USER, password):
                return
        except ProbeRefused:
            await asyncio.sleep(SIGN_IN_PAUSE_S)


async def _topics_heard(host: str, port: int, product_password: str, password: str) -> list[str]:
    async with Probe(host, port, PRODUCT, product_password) as product:
        await product.subscribe(f"{ROOT}/start-up-trial/#")
        for topic in (_FORBIDDEN, _ALLOWED):
            async with Probe(host, port, _USER, password) as device:
                await device.publish(topic)
        heard = [await product.next_topic()]
        while heard[-1] != _ALLOWED:
            heard.append(await product.next_topic())
    return heard
