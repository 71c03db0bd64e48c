"""An OPC UA connection that says plainly what went wrong. Sources: OPC 10000-4 (services), -6 (TCP mapping).

Notifications are wake-ups and never data: a server or the library may leave some out when values change fast,
so whoever is woken reads the values themselves.
"""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, Final

from asyncua import ua
from asyncua.client.client import Client
from asyncua.common.node import Node
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.status_codes import StatusCodes
from asyncua.ua.uaerrors import UaError

from devices.transport.cancelling import heed_cancellation
from devices.transport.limit import Limit
from devices.transport.nodes import NodeName, read_node
from devices.transport.tcp import LinkLost, NotServed
from kernel.clock import Clock

# An absent device is stated once by its driver; the library would log every attempt.
logging.getLogger("asyncua").setLevel(logging.CRITICAL + 1)

CONNECT_S_MAX: Final = 10.0
REQUEST_S_MAX: Final = 4.0
PUBLISHING_MS: Final = 200
READ_S_MIN: Final = 0.05
"""However often the server says that something changed, it is read no more often than this."""
NOTIFICATIONS_PER_S_MAX: Final = 500
"""A device has a dozen values, and five times a second was asked for."""
TOO_FAST: Final = f"more than {NOTIFICATIONS_PER_S_MAX} notifications a second; it is read no more often"
_MISSING: Final = (StatusCodes.BadNodeIdUnknown, StatusCodes.BadNodeIdInvalid)
NODES_MAX: Final = 2_000
"""So many nodes of a server are looked at in search of one."""
_LOST = (OSError, UaError)


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

    async def are_methods(self, node_ids: Sequence[ua.NodeId]) -> list[bool]:
        """Whether each node is there and a method."""
        async with _in_time():
            found = await self._client.uaclient.read_attributes(list(node_ids), AttributeIds.NodeClass)
        return [value.Value is not None and value.Value.Value == ua.NodeClass.Method for value in found]

    async def call(self, object_id: ua.NodeId, method_id: ua.NodeId) -> bool:
        """Call a method without arguments. False when the server refuses it, or its first answer is false."""
        request = ua.CallMethodRequest(ObjectId=object_id, MethodId=method_id, InputArguments=[])
        async with _in_time():
            [result] = await self._client.uaclient.call([request])
        answers = [] if result.OutputArguments is None else result.OutputArguments
        return bool(result.StatusCode.is_good() and not (answers and answers[0].Value is False))

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
            heed_cancellation()
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


class OpcUaLink:
    """Some variables and methods of one object, over a session that is opened when needed.

    `variables` and `methods` are node ids by what they are called here. After LinkLost or NotServed the next
    look connects anew.
    """

    def __init__(
        self,
        url: str,
        clock: Clock,
        *,
        object_node: str,
        variables: Mapping[str, str],
        methods: Mapping[str, str],
        poll_s: float,
    ) -> None:
        self._url = url
        self._clock = clock
        self._names = {"": read_node(object_node)}
        self._names |= {name: read_node(node) for name, node in {**variables, **methods}.items()}
        self._variables = tuple(variables)
        self._methods = tuple(methods)
        self._poll_s = poll_s
        self._nodes: dict[str, ua.NodeId] = {}
        self._open = AsyncExitStack()
        self._session: OpcUaSession | None = None
        self._limit = Limit(NOTIFICATIONS_PER_S_MAX)
        self._woken = asyncio.Event()

    async def close(self) -> None:
        """End the session, if there is one."""
        self._session = None
        await self._open.aclose()

    @property
    def trouble(self) -> str:
        """What is told of a server that notifies too fast; empty when it does not."""
        return TOO_FAST if self._limit.is_exceeded else ""

    async def values(self) -> dict[str, bool | None]:
        """The variables that are true or false, by name; None for one that is neither, or that the server
        does not vouch for. Raises LinkLost, and NotServed when the server has no such node."""
        try:
            session = await self._opened()
            found = await session.read([self._nodes[name] for name in self._variables])
            for name, value in zip(self._variables, found, strict=True):
                if value.StatusCode is not None and value.StatusCode.value in _MISSING:
                    raise NotServed(f"the server has no {name} at {self._nodes[name].to_string()}")
        except (LinkLost, NotServed):
            await self.close()
            raise
        return {name: _flag(value) for name, value in zip(self._variables, found, strict=True)}

    async def call(self, method: str) -> bool:
        """Call a method by its name; False when the server refuses. Raises LinkLost, also while no session
        is open."""
        if self._session is None:
            raise LinkLost("no session is open")
        return await self._session.call(self._nodes[""], self._nodes[method])

    async def pause(self) -> None:
        """Wait until something changed, or `poll_s` is over; but never look more often than is reasonable."""
        await asyncio.sleep(READ_S_MIN)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._poll_s):
                await self._woken.wait()
        self._woken.clear()

    async def _opened(self) -> OpcUaSession:
        if self._session is None:
            session = await self._open.enter_async_context(opcua_session(self._url))
            addresses = await session.namespaces()
            self._nodes = {name: _node_id(node, addresses) for name, node in self._names.items()}
            are_there = await session.are_methods([self._nodes[name] for name in self._methods])
            for name, is_there in zip(self._methods, are_there, strict=True):
                if not is_there:
                    raise NotServed(f"the server has no method {name} at {self._nodes[name].to_string()}")
            await session.watch([self._nodes[name] for name in self._variables], self._wake)
            self._session = session
        return self._session

    def _wake(self) -> None:
        self._limit.admits(self._clock.now())
        self._woken.set()


def _node_id(node: NodeName, addresses: Sequence[str]) -> ua.NodeId:
    namespace = node.namespace
    if isinstance(namespace, str):
        if namespace not in addresses:
            raise NotServed(f"the server has no namespace {namespace}")
        namespace = addresses.index(namespace)
    return ua.NodeId.from_string(f"ns={namespace};{node.kind}={node.value}")


def _flag(value: ua.DataValue) -> bool | None:
    is_good = value.StatusCode is None or value.StatusCode.is_good()
    found = None if value.Value is None else value.Value.Value
    return found if is_good and isinstance(found, bool) else None
