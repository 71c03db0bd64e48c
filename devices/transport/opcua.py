"""An OPC UA connection that says plainly what went wrong. Sources: OPC 10000-4 (services), -6 (TCP mapping).

Notifications are wake-ups and never data: a server or the library may leave some out when values change fast,
so whoever is woken reads the values themselves.
"""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from asyncua import ua
from asyncua.client.client import Client
from asyncua.common.node import Node
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.uaerrors import UaError

from devices.transport.tcp import LinkLost

# An absent device is stated once by its driver; the library would log every attempt.
logging.getLogger("asyncua").setLevel(logging.CRITICAL + 1)

CONNECT_S_MAX: Final = 10.0
REQUEST_S_MAX: Final = 4.0
PUBLISHING_MS: Final = 200
NODES_MAX: Final = 2_000
"""So many nodes of a server are looked at in search of one."""
_LOST = (OSError, UaError)


class NotServed(Exception):
    """The server is there and does not give what is wanted: a person must act."""


class OpcUaSession:
    """An open session. Every method raises LinkLost when the connection is gone."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def namespaces(self) -> list[str]:
        """The addresses of the server's namespaces, by their index."""
        async with _in_time():
            return list(await self._client.get_namespace_array())

    async def children(self, node_id: ua.NodeId) -> list[ua.ReferenceDescription]:
        """What hangs below a node: its organised objects, components and properties."""
        async with _in_time():
            return list(
                await self._client.get_node(node_id).get_references(
                    refs=ObjectIds.HierarchicalReferences, direction=ua.BrowseDirection.Forward
                )
            )

    async def find_objects(
        self, holds: Callable[[Sequence[ua.ReferenceDescription]], bool]
    ) -> list[tuple[ua.ReferenceDescription, list[ua.ReferenceDescription]]]:
        """Objects below Objects whose children are as wanted, each with its children, nearest first."""
        found, seen = [], {self._client.nodes.server.nodeid}
        level = [await self.children(self._client.nodes.objects.nodeid)]
        while level and len(seen) < NODES_MAX:
            below = []
            for child in itertools.chain.from_iterable(level):
                if child.NodeClass == ua.NodeClass.Object and child.NodeId not in seen:
                    seen.add(child.NodeId)
                    own = await self.children(child.NodeId)
                    below.append(own)
                    if holds(own):
                        found.append((child, own))
            level = below
        return found

    async def read(self, node_ids: Sequence[ua.NodeId]) -> list[ua.DataValue]:
        """The values of variables, in one request."""
        async with _in_time():
            return list(await self._client.uaclient.read_attributes(list(node_ids), AttributeIds.Value))

    async def watch(self, node_ids: Sequence[ua.NodeId], woken: Callable[[], None]) -> None:
        """Have `woken` called when any of these variables changes, until the session ends."""
        async with _in_time():
            subscription = await self._client.create_subscription(PUBLISHING_MS, _Wake(woken))
            nodes = [self._client.get_node(node_id) for node_id in node_ids]
            await subscription.subscribe_data_change(nodes, queuesize=1)


class _Wake:
    def __init__(self, woken: Callable[[], None]) -> None:
        self._woken = woken

    def datachange_notification(self, node: Node, value: Any, data: Any) -> None:  # noqa: ARG002
        self._woken()


@asynccontextmanager
async def _in_time() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(REQUEST_S_MAX):
            yield
    except _LOST as error:
        raise LinkLost(f"no answer: {str(error) or type(error).__name__}") from error


@asynccontextmanager
async def opcua_session(url: str) -> AsyncIterator[OpcUaSession]:
    """Connect, and close politely. Raises LinkLost when the server is away or turns the session down."""
    client = Client(url, timeout=REQUEST_S_MAX)
    try:
        async with asyncio.timeout(CONNECT_S_MAX):
            await client.connect()
    except _LOST as error:
        raise LinkLost(f"cannot connect to {url}: {str(error) or type(error).__name__}") from error
    try:
        yield OpcUaSession(client)
    finally:
        with suppress(*_LOST):
            async with asyncio.timeout(REQUEST_S_MAX):
                await client.disconnect()
