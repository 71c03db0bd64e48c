"""Every driver by its family: the one list that a new driver joins.

A dialled driver is made with its device's id, the clock, the boot it numbers under, and the parameters of
its manifest. A codec of the broker reads a message; `nodes` are the devices behind a gateway, by the name
the gateway knows them under. A session of a family that dials us serves one connection.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, Protocol

from devices.drivers.camera.driver import CameraDriver
from devices.drivers.chirpstack import codec as chirpstack
from devices.drivers.ear_tag import codec as ear_tag
from devices.drivers.impinj_json import codec as impinj_json
from devices.drivers.jt808.driver import Jt808Session
from devices.drivers.llrp.driver import LlrpDriver
from devices.drivers.modbus_barrier.driver import ModbusBarrierDriver
from devices.drivers.modbus_signal.driver import ModbusSignalDriver
from devices.drivers.modbus_weighbridge.driver import ModbusWeighbridgeDriver
from devices.drivers.mqtt_position import codec as mqtt_position
from devices.drivers.mqtt_reader import codec as mqtt_reader
from devices.drivers.mt_sics.driver import MtSicsDriver
from devices.drivers.nmea.driver import NmeaDriver
from devices.drivers.onvif_m import codec as onvif_m
from devices.drivers.opcua_barrier.driver import OpcUaBarrierDriver
from devices.drivers.opcua_scale.driver import OpcUaScaleDriver
from devices.drivers.opcua_signal.driver import OpcUaSignalDriver
from devices.drivers.pda import codec as pda
from devices.drivers.pda.codec import SignedBatch
from devices.drivers.teltonika.driver import TeltonikaSession
from devices.drivers.tmr.driver import TmrDriver
from devices.drivers.toledo_continuous.driver import ToledoContinuousDriver
from devices.drivers.uwb import codec as uwb
from devices.drivers.zebra_json import codec as zebra_json
from devices.drivers.zpl_printer.driver import ZplPrinterDriver
from devices.transport.decoding import Arrived
from devices.transport.terminals import Admission, Session
from kernel.messages import Observation, Rejected

Item = Observation | Rejected
Nodes = Mapping[str, str]


class Driver(AbstractAsyncContextManager[Any], Protocol):
    """What every driver that dials its device offers."""

    def readings(self) -> AsyncIterator[Item]: ...


DIALLED: Mapping[str, Callable[..., Driver]] = {
    "camera": CameraDriver,
    "llrp": LlrpDriver,
    "modbus_barrier": ModbusBarrierDriver,
    "modbus_signal": ModbusSignalDriver,
    "modbus_weighbridge": ModbusWeighbridgeDriver,
    "mt_sics": MtSicsDriver,
    "nmea": NmeaDriver,
    "opcua_barrier": OpcUaBarrierDriver,
    "opcua_scale": OpcUaScaleDriver,
    "opcua_signal": OpcUaSignalDriver,
    "tmr": TmrDriver,
    "toledo_continuous": ToledoContinuousDriver,
    "zpl_printer": ZplPrinterDriver,
}

BROKER: Mapping[str, Callable[[Arrived, Nodes], Sequence[Item]]] = {
    "chirpstack": partial(chirpstack.decode, frames=chirpstack.Frames()),
    "ear_tag": ear_tag.decode,
    "impinj_json": impinj_json.decode,
    "mqtt_position": mqtt_position.decode,
    "mqtt_reader": mqtt_reader.decode,
    "onvif_m": onvif_m.decode,
    "uwb": uwb.decode,
    "zebra_json": zebra_json.decode,
}

SCANS: Mapping[str, Callable[[bytes], SignedBatch]] = {"pda": pda.decode_signed}
"""Families whose messages over the broker are what a person did: a command, and no reading."""

LISTENS: Mapping[str, Callable[[Admission], Session]] = {
    "jt808": Jt808Session,
    "teltonika": TeltonikaSession,
}
