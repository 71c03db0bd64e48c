"""Every decoder as a target of fuzzing: any bytes end in readings or in rejections that name field and rule.

`python -m app.bench.decoders TARGET RUNS SEED FOLDER` lets atheris (guided by coverage) run one target from
the examples in FOLDER; an exception that is no rejection ends it with a trace.
"""

import base64
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import reduce
from operator import xor
from typing import Any, Final

from app.bench.seeds import AUTHENTICATED, CHANNELS
from devices.families import FAMILIES
from devices.ingest.model import Received, Registration, check
from devices.ingest.readings import Bounds
from devices.transport.decoding import Arrived, FieldRejected
from devices.transport.terminals import Admission, Session, Terminal, code_digest
from kernel.messages import Observation

NOW: Final = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
BYTES_MAX: Final = 1_000
NODES: Final = {"b": "node-1", "E280": "tag-1", "30331": "tag-2"}
KEY: Final = bytes(range(32))
NUMBER: Final = bytes.fromhex("013800138000")
CODE: Final = "a-code"
MODBUS_ASKED: Final = bytes.fromhex("0009 0000 0006 01 03 0000 0003")
VIEW: Final = (
    '{"lens":{"width_px":640,"height_px":360,"fx_px":320,"fy_px":320,"cx_px":319.5,"cy_px":179.5,"x_m":0,'
    '"y_m":-3,"z_m":0.8,"pan_deg":90},"slots":[{"slot_id":"A-1","x_m":-1,"y_m":0,"z_m":0,"width_m":1.4,'
    '"depth_m":1.1,"height_m":1.6},{"slot_id":"A-2","x_m":1,"y_m":0,"z_m":0,"width_m":1.4,"depth_m":1.1,'
    '"height_m":1.6}]}'
)
GIVEN: Final = {"key": KEY, "view": VIEW}
"""What a device is given of these types."""

Target = Callable[[bytes], bool]
"""Whether something was read of the bytes, and nothing refused."""


class _Everybody:
    """Admits whoever comes."""

    def find(self, name: str) -> Terminal | None:
        return Terminal(device_id="truck", site_id="site-a", name=name, code_sha256=code_digest(CODE))

    def new_code(self) -> str:
        return CODE


def targets() -> Mapping[str, Target]:
    """A target for each family, by name, one for each codec of `kernel` and `devices/transport`, and, as
    `NAME sealed`, one behind each checksum: what was spoilt is given the right one, so that it reaches what
    the checksum guards."""
    from app.drivers import BROKER, DIALLED, LISTENS

    found: dict[str, Target] = {name: _broker(name, decode) for name, decode in BROKER.items()}
    found |= {name: _session(name, make) for name, make in LISTENS.items()}
    found |= {name: _DIALLED.get(name, _lines)(name) for name in DIALLED}
    found |= {f"{name} sealed": _sealed(seal, found[name]) for name, seal in _SEALS.items()}
    return {**found, "pda": _scan, "gs1": _gs1, "modbus_frame": _modbus, "opcua_node": _node}


def _judge(family: str, items: Sequence[object]) -> bool:
    """Ingest has a verdict on every reading, and every rejection names field and rule. Whether there is a
    reading and no rejection."""
    for item in items:
        if isinstance(item, Observation):
            device = Registration(device_id=item.device_id, site_id="site-a", family=family)
            check(Received(observation=item, received_at=NOW), "site-a", device, Bounds())
        elif not getattr(item, "field", "") or not getattr(item, "rule", ""):
            raise AssertionError(f"{item!r} names no field and rule")
    return bool(items) and all(isinstance(item, Observation) for item in items)


def _broker(family: str, decode: Callable[..., Sequence[object]]) -> Target:
    parameters = FAMILIES[family].parameters
    given = {name: GIVEN[one.type] for name, one in parameters.items() if one.type in GIVEN}
    known = {name: one.default for name, one in parameters.items() if one.default}

    def target(data: bytes) -> bool:
        channel = CHANNELS[data[0] % len(CHANNELS)] if data else CHANNELS[0]
        arrived = Arrived(
            site_id="site-a",
            device_id="device",
            payload=data[1:],
            received_at=NOW,
            channel=channel,
            settings={**known, **given},
        )
        return _judge(family, decode(arrived, NODES))

    return target


def _session(family: str, make: Callable[[Admission], Session]) -> Target:
    def target(data: bytes) -> bool:
        session, cut = make(_Everybody()), len(data) // 2
        steps = [step for part in (data[:cut], data[cut:]) for step in session.receive(part, NOW)]
        return _judge(family, [item for step in steps for item in step.items])

    return target


# --- devices that we dial ------------------------------------------------------------------------


def _lines(family: str) -> Target:
    """A family whose codec reads a line, as `tallyhouse new driver` begins it."""
    from importlib import import_module

    decode = import_module(f"devices.drivers.{family}.codec").decode

    def target(data: bytes) -> bool:
        return _refusing(decode, data) is not None

    return target


def _refusing(decode: Callable[..., Any], *given: Any) -> Any:
    """What was decoded, None when it was refused."""
    try:
        return decode(*given)
    except FieldRejected as error:
        if not error.field or not error.rule:
            raise AssertionError("a rejection names no field and rule") from error
        return None


def _llrp(_: str) -> Target:
    from devices.drivers.llrp.codec import decode
    from devices.drivers.llrp.framing import Frame, FrameRejected, FrameSplitter
    from devices.drivers.llrp.requests import RoSpec
    from devices.drivers.llrp.session import LlrpSession

    def is_read(message: Frame | FrameRejected) -> bool:
        if isinstance(message, FrameRejected):
            return False
        try:
            decode(message)
        except FrameRejected as error:
            if error.is_fatal:
                raise AssertionError("a bad body costs the connection") from error
            return False
        return True

    def target(data: bytes) -> bool:
        read = [is_read(message) for message in FrameSplitter().feed(data)]
        session = LlrpSession(RoSpec(antennas=(1, 2)), keepalive_ms=1_000, inputs=(1,))
        session.receive(data)
        session.bytes_to_send()
        return bool(read) and all(read)

    return target


def _nmea(_: str) -> Target:
    from devices.drivers.nmea.codec import LINE_BYTES_MAX, decode
    from devices.drivers.nmea.epochs import Epochs
    from devices.transport.lines import Lines

    def target(data: bytes) -> bool:
        epochs = Epochs()
        said = []
        for line, broken in Lines(LINE_BYTES_MAX).feed(data + b"\n"):
            sentence = None if broken is not None else _refusing(decode, line)
            if sentence is not None:
                said += epochs.add(sentence, line)
        return bool(said + epochs.finish())

    return target


def _toledo(_: str) -> Target:
    from devices.drivers.toledo_continuous.codec import Frames, decode

    def target(data: bytes) -> bool:
        found = [Frames(has_checksum=has_checksum).feed(data) for has_checksum in (False, True)]
        whole = [frame for frames in found for frame, broken in frames if broken is None]
        read = [_refusing(decode, frame) for frame in (*whole, data)]
        return any(shown is not None for shown in read)

    return target


def _tmr(_: str) -> Target:
    from devices.drivers.tmr.codec import Settings, decode

    def target(data: bytes) -> bool:
        read = [_refusing(decode, data, Settings(unit)) for unit in ("kg", "lb")]
        return any(said is not None for said in read)

    return target


def _weighbridge(_: str) -> Target:
    from devices.drivers.modbus_weighbridge.codec import decode
    from devices.drivers.modbus_weighbridge.profiles import PROFILES

    profiles = list(PROFILES.values())

    def target(data: bytes) -> bool:
        words = [int.from_bytes(data[at : at + 2], "big") for at in range(1, len(data) - 1, 2)]
        profile = profiles[data[0] % len(profiles)] if data else profiles[0]
        return _refusing(decode, profile, words) is not None

    return target


def _barrier(_: str) -> Target:
    from devices.drivers.modbus_barrier.codec import decode

    def target(data: bytes) -> bool:
        return _refusing(decode, [bool(byte & 1) for byte in data]) is not None

    return target


def _lamps(_: str) -> Target:
    from devices.drivers.modbus_signal.codec import LAMPS, decode

    kinds = list(LAMPS.values())

    def target(data: bytes) -> bool:
        lamps = kinds[data[0] % len(kinds)] if data else kinds[0]
        return _refusing(decode, [bool(byte & 1) for byte in data[1:]], lamps) is not None

    return target


def _flags(family: str) -> Target:
    """A family whose codec reads variables that are true, false or neither; a byte for each."""
    from importlib import import_module

    names = ("is_open", "is_closed", "loop", "red", "amber", "green")
    decode = import_module(f"devices.drivers.{family}.codec").decode

    def target(data: bytes) -> bool:
        told = {name: (None, False, True)[byte % 3] for name, byte in zip(names, data, strict=False)}
        return _refusing(decode, told) is not None

    return target


def _opcua(_: str) -> Target:
    from devices.drivers.opcua_scale.codec import VALUE, WEIGHT_ENCODING, Read, Structure, Unit, decode

    flags = ("Overload", "Underload", "Invalid", "WeightStable", "LegalForTrade")

    def target(data: bytes) -> bool:
        head = data[0] if data else 0
        reads = {name: Read(value=bool(head >> bit & 1)) for bit, name in enumerate(flags)}
        reads[VALUE] = Read(value=Structure(encoding=WEIGHT_ENCODING, body=data[2:]))
        reads["EngineeringUnits"] = Read(value=Unit(number=data[1] if len(data) > 1 else -1, name="kg"))
        return _refusing(lambda: decode(reads, is_registered=bool(head & 32))) is not None

    return target


def _camera(_: str) -> Target:
    from devices.drivers.camera.codec import Parts, StreamBroken
    from devices.drivers.camera.jpeg import picture_size

    def target(data: bytes) -> bool:
        bodies = [data]
        try:
            bodies += [part.body for part in Parts(b"b").feed(data)]
        except StreamBroken as error:
            if not error.field or not error.rule:
                raise AssertionError("a rejection names no field and rule") from error
        read = [_refusing(picture_size, body) for body in bodies]
        return any(size is not None for size in read)

    return target


def _zpl(_: str) -> Target:
    from devices.drivers.zpl_printer.codec import Answer, Answers, decode_count, decode_status, has_object

    def target(data: bytes) -> bool:
        answers, cut, texts = Answers(), len(data) // 2, []
        for part in (data[:cut], data[cut:]):
            for found in answers.feed(part):
                if isinstance(found, Answer):
                    texts.append(found.content)
                elif not found[1].field or not found[1].rule:
                    raise AssertionError("a rejection names no field and rule")
        for text in texts:
            has_object(text, "A.TTF")
        read = [_refusing(decode_status, texts[:3]), *(_refusing(decode_count, text) for text in texts)]
        return any(said is not None for said in read)

    return target


_DIALLED: Final[Mapping[str, Callable[[str], Target]]] = {
    "camera": _camera,
    "llrp": _llrp,
    "modbus_barrier": _barrier,
    "modbus_signal": _lamps,
    "modbus_weighbridge": _weighbridge,
    "nmea": _nmea,
    "opcua_barrier": _flags,
    "opcua_scale": _opcua,
    "opcua_signal": _flags,
    "tmr": _tmr,
    "toledo_continuous": _toledo,
    "zpl_printer": _zpl,
}


# --- what no family has to itself ----------------------------------------------------------------


def _scan(data: bytes) -> bool:
    from devices.drivers.pda.codec import Scan, decode_signed, scan_observation

    signed = _refusing(decode_signed, data)
    for one in () if signed is None else signed.batch.scans:
        _judge("pda", [scan_observation("device", None, one)])
    code = data.decode("utf-8", "replace")
    scan = Scan(boot=1, sequence=1, observed_at=NOW, code=code, place_code=code[::-1] or None)
    _judge("pda", [scan_observation("device", None, scan)])
    return signed is not None


def _gs1(data: bytes) -> bool:
    from kernel.gs1 import Undecoded, decode_epc, elements_of_link, epc_from_uri, parse_elements

    text = data.decode("latin-1")
    is_read = not isinstance(decode_epc(data.hex()), Undecoded)
    for read in (parse_elements, elements_of_link, epc_from_uri):
        try:
            read(text)
            is_read = True
        except ValueError:
            continue
    return is_read


def _modbus(data: bytes) -> bool:
    from devices.transport.modbus_answer import check_answer

    return bool(_refusing(check_answer, MODBUS_ASKED, data))


def _node(data: bytes) -> bool:
    from devices.transport.nodes import read_node

    return _refusing(read_node, data.decode("utf-8", "replace")) is not None


# --- behind a checksum ---------------------------------------------------------------------------


def _sealed(seal: Callable[[bytes], bytes], target: Target) -> Target:
    return lambda data: target(seal(data))


def _seal_tag(said: bytes) -> bytes:
    """A station's report of a tag that says this under its own key."""
    from devices.drivers.ear_tag.frame import mac_of

    frame = base64.b64encode(said + mac_of(said.ljust(2, b"\0"), KEY)).decode()
    report = {"boot": 7, "sequence": 1, "observed_at": NOW.isoformat(), "rssi_dbm": -80, "frame": frame}
    return b"\0" + json.dumps(report).encode()


def _seal_terminal(data: bytes) -> bytes:
    """JT/T 808: messages of a terminal that has shown its code, between 7E, each without its number, with
    the length of its body and the checksum made right."""
    from devices.drivers.jt808.framing import FORM_2019, SPLIT, escaped

    frames = [AUTHENTICATED]
    for told in data.split(b"\x7e"):
        attributes = int.from_bytes(told[2:4], "big")
        body = told[4 + (6 if attributes & SPLIT else 2) :]
        number = b"\1" + NUMBER.rjust(10, b"\0") if attributes & FORM_2019 else NUMBER
        plain = told[:2] + (attributes & ~0x3FF | len(body) & 0x3FF).to_bytes(2, "big") + number + told[4:]
        frames.append(b"\x7e" + escaped(plain + bytes([reduce(xor, plain, 0)])) + b"\x7e")
    return b"".join(frames)


def _seal_sentences(data: bytes) -> bytes:
    return b"".join(b"%s*%02X\r\n" % (line, reduce(xor, line[1:], 0)) for line in data.split(b"\n"))


def _seal_records(data: bytes) -> bytes:
    """Teltonika: a login, then these as a packet."""
    from devices.drivers.teltonika.codec import crc16_ibm

    login = b"\0\x0f356307042441013"
    return login + bytes(4) + len(data).to_bytes(4, "big") + data + crc16_ibm(data).to_bytes(4, "big")


def _seal_weight(said: bytes) -> bytes:
    """A continuous weight of a Digi-Star indicator."""
    from devices.drivers.tmr.codec import check_character

    return b"\x02" + said + b"\x03" + check_character(said.decode("latin-1")).encode()


def _seal_frames(data: bytes) -> bytes:
    """Toledo: each frame from its STX on with its checksum."""
    from devices.drivers.toledo_continuous.codec import checksum

    frames = [b"\x02" + rest for rest in data.split(b"\x02")[1:]]
    return b"".join(frame + bytes([checksum(frame)]) for frame in frames)


_SEALS: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "ear_tag": _seal_tag,
    "jt808": _seal_terminal,
    "nmea": _seal_sentences,
    "teltonika": _seal_records,
    "tmr": _seal_weight,
    "toledo_continuous": _seal_frames,
}


def main(name: str, runs: str, seed: str, folder: str) -> None:
    """Let atheris run a target; it ends the process."""
    import atheris  # type: ignore[import-untyped,unused-ignore]

    with atheris.instrument_imports(include=["devices", "kernel"]):
        target = targets()[name]
        target(b"")

    def run(data: bytes) -> None:
        target(data)

    limits = [
        f"-runs={runs}",
        f"-seed={seed}",
        f"-max_len={BYTES_MAX}",
        "-print_final_stats=1",
        "-verbosity=0",
    ]
    atheris.Setup([sys.argv[0], *limits, f"-artifact_prefix={folder}/failed-", folder], run)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
