"""Scales on the wire, as objects of an asyncua server. Driven from outside: loads come and go."""

import asyncio
from types import TracebackType
from typing import Any, Self, cast

from asyncua import ua
from asyncua.common.node import Node

from kernel.clock import Clock
from simulators.protocols.loadcell import TaredScale
from simulators.protocols.opcua import OpcUaServer
from simulators.protocols.opcua_scale.frames import (
    WEIGHT_TYPE,
    WEIGHT_TYPE_BINARY,
    Item,
    Registrar,
    unit_number,
)

TURN_S = 0.02
"""How often the variables follow the platform."""


class OpcUaScale:
    """An async context manager around one scale of a server, whose name no other has. What it held stays.

    With `registers`, weights are registered under a WeightId when `register` is called; without, the scale
    only shows what stands on it. `put` says what that is. `stamps_reads` is a server's bad habit: the time of
    a value is that of the moment, not of the weighing.
    """

    def __init__(
        self,
        server: OpcUaServer,
        clock: Clock,
        scale: TaredScale,
        *,
        name: str = "FloorScale",
        registers: bool = True,
        unit: str = "kg",
        stamps_reads: bool = False,
    ) -> None:
        self.server = server
        self.name = name
        self.registrar = Registrar(scale, unit=unit)
        self._clock = clock
        self._registers = registers
        self._stamps_reads = stamps_reads
        self._task: asyncio.Task[None] | None = None
        self._current: dict[str, Node] = {}
        self._registered: dict[str, Node] = {}

    async def __aenter__(self) -> Self:
        scale = await self.server.objects.add_object(self.server.index, self.name)
        self._current = await self._add_item(scale, "CurrentWeight")
        if self._registers:
            self._registered = await self._add_item(scale, "RegisteredWeight")
        self.go_on()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def put(self, mass_g: int) -> None:
        """From now on `mass_g` stands on the platform."""
        self.registrar.scale.put(mass_g, self._clock.now())

    def register(self) -> bool:
        """Somebody presses the key: the weight is registered if it is at rest."""
        return self.registrar.register(self._clock.now())

    def go_on(self) -> None:
        """Have the variables follow the platform."""
        self._task = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """Leave the variables as they are."""
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def write_body(self, body: bytes) -> None:
        """Set the current weight to a structure with these bytes."""
        await self._current[""].write_value(self._weight(body))

    async def _add_item(self, scale: Node, name: str) -> dict[str, Node]:
        index = self.server.index
        empty = self._weight(self.registrar.current(self._clock.now()).weight.body())
        weight_type = ua.NodeId(ua.Int32(WEIGHT_TYPE), ua.Int16(index))
        item = await scale.add_variable(index, name, empty, datatype=weight_type)
        unit = ua.EUInformation(
            NamespaceUri=ua.String("http://www.opcfoundation.org/UA/units/un/cefact"),
            UnitId=ua.Int32(unit_number(self.registrar.unit)),
            DisplayName=ua.LocalizedText(self.registrar.unit),
        )
        await item.add_property(0, "EngineeringUnits", unit)
        values: dict[str, Any] = {
            "Overload": False,
            "Underload": False,
            "WeightStable": False,
            "LegalForTrade": self.registrar.legal_for_trade,
            "WeightId": "",
        }
        nodes = {"": item}
        for property_name, value in values.items():
            nodes[property_name] = await item.add_property(index, property_name, value)
        return nodes

    def _weight(self, body: bytes) -> ua.Variant:
        encoding = ua.NodeId(ua.Int32(WEIGHT_TYPE_BINARY), ua.Int16(self.server.index))
        structure = ua.ExtensionObject(TypeId=encoding, Body=ua.ByteString(body))
        return ua.Variant(structure, ua.VariantType.ExtensionObject)

    async def _follow(self) -> None:
        """Keep the variables as the platform is, each written only when it changes."""
        written: dict[str, Item] = {}
        while True:
            now = self._clock.now()
            for name, nodes, item in (
                ("current", self._current, self.registrar.current(now)),
                ("registered", self._registered, self.registrar.registered),
            ):
                before = written.get(name)
                if not nodes or item is None:
                    continue
                if self._stamps_reads:
                    await self._write(nodes, item._replace(at=now))
                elif before is None or before[:-1] != item[:-1]:
                    await self._write(nodes, item)
                    written[name] = item
            await asyncio.sleep(TURN_S)

    async def _write(self, nodes: dict[str, Node], item: Item) -> None:
        await nodes["Overload"].write_value(item.overload)
        await nodes["Underload"].write_value(item.underload)
        await nodes["WeightStable"].write_value(item.stable)
        at = cast(ua.DateTime, item.at)
        weight = self._weight(item.weight.body())
        await nodes[""].write_value(ua.DataValue(weight, SourceTimestamp=at, ServerTimestamp=at))
        await nodes["WeightId"].write_value(item.weight_id)
