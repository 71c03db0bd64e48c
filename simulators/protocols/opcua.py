"""What fake devices share that are objects of an OPC UA server of the library asyncua."""

import asyncio
import logging
import socket
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from asyncua import ua
from asyncua.common.node import Node
from asyncua.server.server import Server
from asyncua.ua.status_codes import StatusCodes

TURN_S = 0.02
"""How often the variables follow the device."""
# A fake's comings and goings are the test's own doing.
logging.getLogger("asyncua.server").setLevel(logging.CRITICAL + 1)


class OpcUaServer:
    """An async context manager around a server of devices. Making its address space takes seconds, so one may
    serve many. `namespace` is the address that their names belong to."""

    path = "devices"

    def __init__(self, namespace: str, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.namespace = namespace
        self._address = host, port or free_port(host)
        self._server = Server()
        self._is_cut = True
        self.index = 0
        """The index of the namespace."""

    @property
    def host(self) -> str:
        return self._address[0]

    @property
    def port(self) -> int:
        return self._address[1]

    @property
    def objects(self) -> Node:
        """The folder that the devices stand in."""
        return self._server.nodes.objects

    async def __aenter__(self) -> Self:
        await self._server.init()
        self._server.set_endpoint(f"opc.tcp://{self.host}:{self.port}/{self.path}")
        self._server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        self.index = await self._server.register_namespace(self.namespace)
        await self._server.start()
        self._is_cut = False
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._server.stop()

    async def cut(self) -> None:
        """Cut the line: every session ends and none is taken."""
        assert self._server.bserver is not None
        if not self._is_cut:
            self._is_cut = True
            await self._server.bserver.stop()

    async def mend(self) -> None:
        """Listen (again)."""
        assert self._server.bserver is not None
        if self._is_cut:
            await self._server.bserver.start()
            self._is_cut = False


class OpcUaObject:
    """An async context manager around an object of a server, whose name no other has.

    Its variables are true or false and follow `flags()`; its methods take no arguments. `calls` are those
    that were called, in order; one in `refused` answers with a bad status and does nothing.
    """

    def __init__(self, server: OpcUaServer, name: str, methods: Sequence[str]) -> None:
        self.server = server
        self.name = name
        self.calls: list[str] = []
        self.refused: set[str] = set()
        self.variables: dict[str, Node] = {}
        self._methods = methods
        self._task: asyncio.Task[None] | None = None

    def flags(self) -> Mapping[str, bool]:
        """What the variables are now, by their names."""
        raise NotImplementedError

    def called(self, method: str) -> None:
        """A method was called."""
        raise NotImplementedError

    def node(self, part: str = "") -> str:
        """The id of the object, or of what is called `part` below it, as people write it."""
        return f"nsu={self.server.namespace};s={self._id(part)}"

    async def __aenter__(self) -> Self:
        objects = self.server.objects
        shown = await objects.add_object(self._node_id(), self._browse_name(self.name))
        for name in self._methods:
            await shown.add_method(self._node_id(name), self._browse_name(name), self._method(name), [], [])
        for name, value in self.flags().items():
            self.variables[name] = await shown.add_variable(
                self._node_id(name), self._browse_name(name), value
            )
        self._task = asyncio.create_task(self._follow())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Leave the variables as they are."""
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def _method(self, name: str) -> Callable[..., Any]:
        def call(parent: ua.NodeId, *given: ua.Variant) -> list[ua.Variant] | ua.StatusCode:  # noqa: ARG001
            self.calls.append(name)
            if name in self.refused:
                return ua.StatusCode(ua.UInt32(StatusCodes.BadInvalidState))
            self.called(name)
            return []

        return call

    async def _follow(self) -> None:
        """Keep the variables as the device is, each written only when it changes."""
        written = dict(self.flags())
        while True:
            for name, value in self.flags().items():
                if written[name] != value:
                    written[name] = value
                    await self.variables[name].write_value(value)
            await asyncio.sleep(TURN_S)

    def _id(self, part: str) -> str:
        return f"{self.name}.{part}" if part else self.name

    def _node_id(self, part: str = "") -> ua.NodeId:
        return ua.NodeId(ua.String(self._id(part)), ua.Int16(self.server.index))

    def _browse_name(self, name: str) -> ua.QualifiedName:
        return ua.QualifiedName(ua.String(name), ua.UInt16(self.server.index))


def free_port(host: str) -> int:
    """A port that is free now: the server wants to know its own address before it listens."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
