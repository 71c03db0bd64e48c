"""What the client asks of a reader, as LLRP messages. Pure. (`codec.py` goes the other way.)

Source: EPCglobal Low Level Reader Protocol 1.0.1, sections 10 (operations), 12 (configuration) and 16
(binary encoding); the two messages about versions are of 1.1, section 17.1. Numbers given to `tlv` are the
standard's parameter types.
"""

import struct
import zlib
from collections.abc import Sequence
from typing import Final

import msgspec

from devices.drivers.llrp.framing import VERSION_1_1, MessageType, frame, tlv

ROSPEC_ID_MAX: Final = 0x7FFF_FFFF

_REPORT_CONTENT_FLAGS: Final = 1 << 12 | 1 << 10 | 1 << 9 | 1 << 8 | 1 << 7
"""TagReportContentSelector: AntennaID, PeakRSSI, FirstSeen, LastSeen, TagSeenCount."""

_WANTED_EVENTS: Final = (2, 3, 4, 8)
"""Event types asked for: operation, report buffer filling or overflown, reader exception, antenna."""
_INPUT_EVENTS: Final = 1
_STATE_UNKNOWN: Final = 2
"""GPIPortCurrentState says a state too, which a reader does not read."""


class RoSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A standing inventory: every antenna, for ever, a report each `report_every_tags` tags heard.

    `gen2_session` 1 lets a tag answer again within seconds, as direction needs many reads of one tag;
    2 hears more tags in a dense field. Flag state is left to the reader, which then inventories both sides
    of the flag. Nothing is said about power, channel or hop table: their numbers differ from maker to maker
    and the reader keeps its own, as surveyed at installation.
    """

    antennas: tuple[int, ...]
    gen2_session: int = 1
    tag_population: int = 32
    report_every_tags: int = 1

    def __post_init__(self) -> None:
        if not self.antennas or not all(0 < antenna < 1 << 16 for antenna in self.antennas):
            raise ValueError("antennas must name one or more antenna ids of 1 to 65535")
        if not 0 <= self.gen2_session <= 3:
            raise ValueError("gen2_session must be 0 to 3")
        if not 1 <= self.report_every_tags < 1 << 16 or not 0 <= self.tag_population < 1 << 16:
            raise ValueError("report_every_tags must be 1 to 65535 and tag_population 0 to 65535")

    @property
    def rospec_id(self) -> int:
        """An id that names the content: after a reconnect, a reader running this id runs this very spec."""
        return zlib.crc32(self._content()) & ROSPEC_ID_MAX or 1

    def parameter(self) -> bytes:
        """The ROSpec parameter (177): priority 0, disabled, as ADD_ROSPEC demands."""
        return tlv(177, struct.pack(">IBB", self.rospec_id, 0, 0), self._content())

    def _content(self) -> bytes:
        start, stop = tlv(179, b"\x00"), tlv(182, struct.pack(">BI", 0, 0))
        report = tlv(
            237,
            struct.pack(">BH", 1, self.report_every_tags),
            tlv(238, struct.pack(">H", _REPORT_CONTENT_FLAGS)),
        )
        return tlv(178, start, stop) + self._antenna_inventory() + report

    def _antenna_inventory(self) -> bytes:
        singulation = tlv(336, struct.pack(">BHI", self.gen2_session << 6, self.tag_population, 0))
        inventory_command = tlv(330, b"\x00", singulation)
        configurations = [
            tlv(222, struct.pack(">H", antenna), inventory_command) for antenna in self.antennas
        ]
        ids = struct.pack(f">H{len(self.antennas)}H", len(self.antennas), *self.antennas)
        stop = tlv(184, struct.pack(">BI", 0, 0))
        return tlv(183, ids, stop, tlv(186, struct.pack(">HB", 1, 1), *configurations))


def get_supported_version(message_id: int) -> bytes:
    """Ask which versions the reader speaks. Of version 1.1 itself: an older reader answers with an error."""
    return frame(MessageType.GET_SUPPORTED_VERSION, message_id, version=VERSION_1_1)


def set_protocol_version(message_id: int) -> bytes:
    """Speak 1.1 from the answer on, for the rest of the connection."""
    return frame(
        MessageType.SET_PROTOCOL_VERSION, message_id, struct.pack(">B", VERSION_1_1), version=VERSION_1_1
    )


def get_reader_capabilities(message_id: int) -> bytes:
    """Ask for all capabilities."""
    return frame(MessageType.GET_READER_CAPABILITIES, message_id, b"\x00")


def set_reader_config(message_id: int, keepalive_ms: int, inputs: Sequence[int] = ()) -> bytes:
    """Ask for the events we act on, a KEEPALIVE every `keepalive_ms`, `inputs` to be watched, and that the
    reader holds its events and reports after a reconnect until we say so. Does not reset the reader to
    factory settings."""
    wanted = (_INPUT_EVENTS, *_WANTED_EVENTS) if inputs else _WANTED_EVENTS
    events = [tlv(245, struct.pack(">HB", event, 0x80)) for event in wanted]
    keepalive = tlv(220, struct.pack(">BI", 1, keepalive_ms))
    watched = [tlv(225, struct.pack(">HBB", number, 0x80, _STATE_UNKNOWN)) for number in inputs]
    body = [b"\x00", tlv(244, *events), keepalive, *watched, tlv(226, b"\x80")]
    return frame(MessageType.SET_READER_CONFIG, message_id, b"".join(body))


def get_rospecs(message_id: int) -> bytes:
    """Ask which reader operations the reader holds, and their state."""
    return frame(MessageType.GET_ROSPECS, message_id)


def delete_all_rospecs(message_id: int) -> bytes:
    """Remove every reader operation, whoever added it (id 0 means all)."""
    return frame(MessageType.DELETE_ROSPEC, message_id, struct.pack(">I", 0))


def add_rospec(message_id: int, rospec: RoSpec) -> bytes:
    """Give the reader its operation, disabled."""
    return frame(MessageType.ADD_ROSPEC, message_id, rospec.parameter())


def enable_rospec(message_id: int, rospec_id: int) -> bytes:
    """Disabled to inactive."""
    return frame(MessageType.ENABLE_ROSPEC, message_id, struct.pack(">I", rospec_id))


def start_rospec(message_id: int, rospec_id: int) -> bytes:
    """Inactive to active."""
    return frame(MessageType.START_ROSPEC, message_id, struct.pack(">I", rospec_id))


def enable_events_and_reports(message_id: int) -> bytes:
    """Let the reader send what it held. It has no answer."""
    return frame(MessageType.ENABLE_EVENTS_AND_REPORTS, message_id)


def keepalive_ack(message_id: int) -> bytes:
    """Answer a KEEPALIVE; `message_id` is that of the KEEPALIVE."""
    return frame(MessageType.KEEPALIVE_ACK, message_id)


def close_connection(message_id: int) -> bytes:
    """Say goodbye, so that the reader frees its one connection at once."""
    return frame(MessageType.CLOSE_CONNECTION, message_id)
