"""Every decoder as a target of fuzzing: any bytes end in readings or in rejections that name field and rule.

`python -m app.bench.decoders TARGET RUNS SEED FOLDER` lets atheris (guided by coverage) run one target from
the examples in FOLDER; an exception that is no rejection ends it with a trace.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from devices.families import FAMILIES
from devices.ingest.model import Received, Registration, check
from devices.ingest.readings import Bounds
from devices.transport.decoding import Arrived, FieldRejected
from devices.transport.terminals import Admission, Session, Terminal
from kernel.messages import Observation

NOW: Final = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
BYTES_MAX: Final = 600
CHANNELS: Final = (
    "observation",
    "vendor/events",
    "vendor/status",
    "vendor/tags",
    "vendor/onvif-ej/RuleEngine/Recognition/LicensePlate/&1/Gate",
    "vendor/onvif-mj/VideoAnalytics/1/Pallets",
    "vendor/application/a/device/b/event/up",
)
"""The first byte of a broker's message chooses one of these."""
NODES: Final = {"node": "node-1", "E280": "tag-1", "30331": "tag-2"}
KEY: Final = bytes(range(32))
MODBUS_ASKED: Final = bytes.fromhex("0009 0000 0006 01 03 0000 0003")
EXAMPLES: Final[Mapping[str, tuple[bytes, ...]]] = {
    "camera": (
        b"--b\r\nContent-Type: image/jpeg\r\nContent-Length: 4\r\n\r\n\xff\xd8\xff\xd9\r\n--b\r\n",
        bytes.fromhex("ffd8ffc0000b080040004001011100ffda0008010100003f0000ffd9"),
    ),
    "chirpstack": (
        b'\x06{"deduplicationId":"a","time":"2026-11-23T05:55:30Z","deviceInfo":{"devEui":"node"}}',
    ),
    "ear_tag": (b'\x00{"boot":7,"sequence":1,"observed_at":"2026-11-23T05:55:30Z","beacons":[]}',),
    "gs1": (
        b"(01)09521234543213(10)ABC",
        b"https://id.gs1.org/01/09521234543213",
        b"urn:epc:id:sscc:952123.0",
    ),
    "impinj_json": (b'\x01{"timestamp":"2026-11-23T05:55:30Z","eventType":"tagInventory"}',),
    "jt808": (bytes.fromhex("7e00020000013800138000000100027e"),),
    "llrp": (bytes.fromhex("043e0000000a00000001"), bytes.fromhex("043d0000000a00000002")),
    "modbus_frame": (bytes.fromhex("000900000009010306000102030405"),),
    "mqtt_position": (
        b'\x00{"boot":7,"sequence":1,"observed_at":"2026-11-23T05:55:30Z","position":{"x_m":1,"y_m":2,"z_m":0}}',
    ),
    "mqtt_reader": (
        b'\x00{"boot":7,"sequence":1,"observed_at":"2026-11-23T05:55:30Z","reads":[{"epc":"3115","rssi_cdbm":-5}]}',
    ),
    "mt_sics": (b"S S     100.00 kg", b"S D     100.00 kg", b"ES"),
    "nmea": (b"$GNGGA,055530.00,2942.7407,N,12009.1234,E,4,12,0.8,10.0,M,5.0,M,1.0,0000*5F\r\n",),
    "onvif_m": (
        b'\x04{"UtcTime":"2026-11-23T05:55:30Z","Data":{"LicensePlateInfo":{"PlateNumber":"A1"}}}',
        b'\x05{"Frame":[{"@UtcTime":"2026-11-23T05:55:30Z","Object":[{"Appearance":{}}]}]}',
    ),
    "pda": (
        b'{"session":"s","proof":"'
        + b"0" * 64
        + b'","batch":{"device_id":"d","boot":1,"scans":[{"sequence":1,'
        b'"observed_at":"2026-11-23T05:55:30Z","code":"x"}]}}',
    ),
    "opcua_barrier": (b"\1\2\1",),
    "opcua_node": (b"ns=2;s=Barrier.Open", b"nsu=http://a%3B/;i=1001", b"ns=1;b=M/RbKBsRVkePCePcx24oRA=="),
    "opcua_signal": (b"\0\0\0\1\1\2",),
    "teltonika": (b"\x00\x0f356307042441013", bytes.fromhex("000000000000000f0801")),
    "tmr": (b"  12340 KG GR", b"S  1234"),
    "toledo_continuous": (bytes.fromhex("022c3020303132333430303030303030300d2b"),),
    "uwb": (
        b'\x03[{"version":"1","tagId":"30331","timestamp":1.5,"data":{"coordinates":{"x":1,"y":2,"z":3}}}]',
    ),
    "zpl_printer": (
        b"\2030,0,0,1245,000,0,0,0,000,0,0,0\3\r\n\2000,0,0,0,0,2,4,0,00000000,1,000\3\r\n\0021234,0\3\r\n",
        b'"1234"?',
    ),
    "zebra_json": (b'\x03{"data":{"idHex":"e280","antenna":1},"timestamp":"2026-11-23T05:55:30.000+0000"}',),
}
"""Something well formed, or nearly so, to start from."""

Target = Callable[[bytes], None]


class _Everybody:
    """Admits whoever comes."""

    def find(self, name: str) -> Terminal | None:
        return Terminal(device_id="truck", site_id="site-a", name=name)

    def new_code(self) -> str:
        return "a-code"


def targets() -> Mapping[str, Target]:
    """A target for each family, by name, and one for each codec of `kernel` and `devices/transport`."""
    from app.drivers import BROKER, DIALLED, LISTENS

    found: dict[str, Target] = {name: _broker(name, decode) for name, decode in BROKER.items()}
    found |= {name: _session(name, make) for name, make in LISTENS.items()}
    found |= {name: _DIALLED.get(name, _lines)(name) for name in DIALLED}
    return {**found, "pda": _scan, "gs1": _gs1, "modbus_frame": _modbus, "opcua_node": _node}


def _judge(family: str, items: Sequence[object]) -> None:
    """Ingest has a verdict on every reading, and every rejection names field and rule."""
    for item in items:
        if isinstance(item, Observation):
            device = Registration(device_id=item.device_id, site_id="site-a", family=family)
            check(Received(observation=item, received_at=NOW), "site-a", device, Bounds())
        elif not getattr(item, "field", "") or not getattr(item, "rule", ""):
            raise AssertionError(f"{item!r} names no field and rule")


def _broker(family: str, decode: Callable[..., Sequence[object]]) -> Target:
    given = {name: KEY for name, parameter in FAMILIES[family].parameters.items() if parameter.type == "key"}
    known = {name: item.default for name, item in FAMILIES[family].parameters.items() if item.default}

    def target(data: bytes) -> None:
        channel = CHANNELS[data[0] % len(CHANNELS)] if data else CHANNELS[0]
        arrived = Arrived(
            site_id="site-a",
            device_id="device",
            payload=data[1:],
            received_at=NOW,
            channel=channel,
            settings={**known, **given},
        )
        _judge(family, decode(arrived, NODES))

    return target


def _session(family: str, make: Callable[[Admission], Session]) -> Target:
    def target(data: bytes) -> None:
        session, cut = make(_Everybody()), len(data) // 2
        for part in (data[:cut], data[cut:]):
            for step in session.receive(part, NOW):
                _judge(family, step.items)

    return target


# --- devices that we dial ------------------------------------------------------------------------


def _lines(family: str) -> Target:
    """A family whose codec reads a line, as `tallyhouse new driver` begins it."""
    from importlib import import_module

    decode = import_module(f"devices.drivers.{family}.codec").decode

    def target(data: bytes) -> None:
        _refusing(decode, data)

    return target


def _refusing(decode: Callable[..., Any], *given: Any) -> Any:
    try:
        return decode(*given)
    except FieldRejected as error:
        if not error.field or not error.rule:
            raise AssertionError("a rejection names no field and rule") from error
        return None


def _llrp(_: str) -> Target:
    from devices.drivers.llrp.codec import decode
    from devices.drivers.llrp.framing import FrameRejected, FrameSplitter
    from devices.drivers.llrp.requests import RoSpec
    from devices.drivers.llrp.session import LlrpSession

    def target(data: bytes) -> None:
        for message in FrameSplitter().feed(data):
            if not isinstance(message, FrameRejected):
                try:
                    decode(message)
                except FrameRejected as error:
                    if error.is_fatal:
                        raise AssertionError("a bad body costs the connection") from error
        session = LlrpSession(RoSpec(antennas=(1, 2)), keepalive_ms=1_000, inputs=(1,))
        session.receive(data)
        session.bytes_to_send()

    return target


def _nmea(_: str) -> Target:
    from devices.drivers.nmea.codec import LINE_BYTES_MAX, decode
    from devices.drivers.nmea.epochs import Epochs
    from devices.transport.lines import Lines

    def target(data: bytes) -> None:
        epochs = Epochs()
        for line, broken in Lines(LINE_BYTES_MAX).feed(data + b"\n"):
            sentence = None if broken is not None else _refusing(decode, line)
            if sentence is not None:
                epochs.add(sentence, line)
        epochs.finish()

    return target


def _toledo(_: str) -> Target:
    from devices.drivers.toledo_continuous.codec import Frames, decode

    def target(data: bytes) -> None:
        for has_checksum in (False, True):
            for frame, broken in Frames(has_checksum=has_checksum).feed(data):
                if broken is None:
                    _refusing(decode, frame)
        _refusing(decode, data)

    return target


def _tmr(_: str) -> Target:
    from devices.drivers.tmr.codec import Settings, decode

    def target(data: bytes) -> None:
        _refusing(decode, data, Settings("kg"))

    return target


def _weighbridge(_: str) -> Target:
    from devices.drivers.modbus_weighbridge.codec import decode
    from devices.drivers.modbus_weighbridge.profiles import PROFILES

    profiles = list(PROFILES.values())

    def target(data: bytes) -> None:
        words = [int.from_bytes(data[at : at + 2], "big") for at in range(1, len(data) - 1, 2)]
        profile = profiles[data[0] % len(profiles)] if data else profiles[0]
        _refusing(decode, profile, words)

    return target


def _barrier(_: str) -> Target:
    from devices.drivers.modbus_barrier.codec import decode

    def target(data: bytes) -> None:
        _refusing(decode, [bool(byte & 1) for byte in data])

    return target


def _lamps(_: str) -> Target:
    from devices.drivers.modbus_signal.codec import LAMPS, decode

    kinds = list(LAMPS.values())

    def target(data: bytes) -> None:
        lamps = kinds[data[0] % len(kinds)] if data else kinds[0]
        _refusing(decode, [bool(byte & 1) for byte in data[1:]], lamps)

    return target


def _flags(family: str) -> Target:
    """A family whose codec reads variables that are true, false or neither; a byte for each."""
    from importlib import import_module

    names = ("is_open", "is_closed", "loop", "red", "amber", "green")
    decode = import_module(f"devices.drivers.{family}.codec").decode

    def target(data: bytes) -> None:
        _refusing(
            decode, {name: (None, False, True)[byte % 3] for name, byte in zip(names, data, strict=False)}
        )

    return target


def _opcua(_: str) -> Target:
    from devices.drivers.opcua_scale.codec import VALUE, WEIGHT_ENCODING, Read, Structure, Unit, decode

    flags = ("Overload", "Underload", "Invalid", "WeightStable", "LegalForTrade")

    def target(data: bytes) -> None:
        head = data[0] if data else 0
        reads = {name: Read(value=bool(head >> bit & 1)) for bit, name in enumerate(flags)}
        reads[VALUE] = Read(value=Structure(encoding=WEIGHT_ENCODING, body=data[2:]))
        reads["EngineeringUnits"] = Read(value=Unit(number=data[1] if len(data) > 1 else -1, name="kg"))
        _refusing(lambda: decode(reads, is_registered=bool(head & 32)))

    return target


def _camera(_: str) -> Target:
    from devices.drivers.camera.codec import Parts, StreamBroken
    from devices.drivers.camera.jpeg import picture_size

    def target(data: bytes) -> None:
        _refusing(picture_size, data)
        try:
            parts = Parts(b"b").feed(data)
        except StreamBroken as error:
            if not error.field or not error.rule:
                raise AssertionError("a rejection names no field and rule") from error
            return
        for part in parts:
            _refusing(picture_size, part.body)

    return target


def _zpl(_: str) -> Target:
    from devices.drivers.zpl_printer.codec import Answer, Answers, decode_count, decode_status, has_object

    def target(data: bytes) -> None:
        answers, cut, texts = Answers(), len(data) // 2, []
        for part in (data[:cut], data[cut:]):
            for found in answers.feed(part):
                if isinstance(found, Answer):
                    texts.append(found.content)
                elif not found[1].field or not found[1].rule:
                    raise AssertionError("a rejection names no field and rule")
        for text in texts:
            _refusing(decode_count, text)
            has_object(text, "A.TTF")
        _refusing(decode_status, texts[:3])

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


def _scan(data: bytes) -> None:
    from devices.drivers.pda.codec import Scan, decode_signed, scan_observation

    _refusing(decode_signed, data)
    code = data.decode("utf-8", "replace")
    scan = Scan(boot=1, sequence=1, observed_at=NOW, code=code, place_code=code[::-1] or None)
    _judge("pda", [scan_observation("device", None, scan)])


def _gs1(data: bytes) -> None:
    from kernel.gs1 import decode_epc, elements_of_link, epc_from_uri, parse_elements

    text = data.decode("latin-1")
    decode_epc(data.hex())
    for read in (parse_elements, elements_of_link, epc_from_uri):
        try:
            read(text)
        except ValueError:
            continue


def _modbus(data: bytes) -> None:
    from devices.transport.modbus_answer import AnswerRejected, check_answer

    try:
        check_answer(MODBUS_ASKED, data)
    except AnswerRejected as error:
        if not error.field or not error.rule:
            raise AssertionError("a rejection names no field and rule") from error


def _node(data: bytes) -> None:
    from devices.transport.nodes import read_node

    _refusing(read_node, data.decode("utf-8", "replace"))


def main(name: str, runs: str, seed: str, folder: str) -> None:
    """Let atheris run a target; it ends the process."""
    import atheris  # type: ignore[import-untyped,unused-ignore]

    with atheris.instrument_imports(include=["devices", "kernel"]):
        target = targets()[name]
        target(b"")
    limits = [
        f"-runs={runs}",
        f"-seed={seed}",
        f"-max_len={BYTES_MAX}",
        "-print_final_stats=1",
        "-verbosity=0",
    ]
    atheris.Setup([sys.argv[0], *limits, f"-artifact_prefix={folder}/failed-", folder], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
