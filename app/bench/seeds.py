"""What fuzzing starts from: for each target something that its codec reads.

Most are golden frames of `tests/contract`, where the source of each stands, some shortened; a name with
`sealed` is a target that puts the checksum right itself, and its seeds are what stands before that.
"""

from collections.abc import Mapping
from typing import Final

CHANNELS: Final = (
    "observation",
    "vendor/events",
    "vendor/status",
    "vendor/tags",
    "vendor/onvif-ej/RuleEngine/Recognition/LicensePlate/&1/Gate",
    "vendor/onvif-ej/RuleEngine/FieldDetector/ObjectsInside/&1/1/A-2",
    "vendor/onvif-ej/RuleEngine/CountAggregation/Counter/&1/1/Out",
    "vendor/onvif-ej/VideoSource/ImageTooDark/ImagingService/&1",
    "vendor/onvif-mj/VideoAnalytics/1/Pallets",
    "vendor/application/a/device/b/event/up",
    "vendor/application/a/device/b/event/join",
    "vendor/application/a/device/b/event/status",
    "vendor/application/a/device/b/event/log",
    "vendor/application/a/device/b/event/location",
)
"""The first byte of a broker's message chooses one of these."""
AUTHENTICATED: Final = bytes.fromhex("7e010200060138001380000000612d636f6465ee7e")
"""A terminal of JT/T 808 shows the code of `app.bench.decoders`, as number 13800138000."""


def on(channel: str, payload: bytes) -> bytes:
    """A broker's message, as its target takes it."""
    return bytes([CHANNELS.index(channel)]) + payload


_JPEG: Final = bytes.fromhex("ffd8ffc0000b080040004001011100ffda0008010100003f0000ffd9")
_DEVICE: Final = b'"time":"2026-11-23T05:55:30.775+00:00","deviceInfo":{"devEui":"b"}'
_MAP: Final = bytes.fromhex("00024C48 0011 00000007 00024C48 6B03D552 007B 00000003 0005")
_READ: Final = b'{"boot":7,"sequence":123,"observed_at":"2026-11-23T05:55:30.123Z",'
_FEEDLINE: Final = (
    b"000001,D,I,T,1001,CORN  ,HICOW ,  2500,  2490,  7350  ,14:05,0,11/23/26,   250,      ,1,     5,"
    b"      ,  0,  0"
)
_LOCATION: Final = bytes.fromhex(
    "000000000000000301c55fd906e9d4c60023007b005a26112314153001040000007d30011931010c"
)
_TELTONIKA_LOGIN: Final = bytes.fromhex("000f333536333037303432343431303133")
_RECORDS: Final = (
    bytes.fromhex(
        "08010000016b40d8ea30010000000000000000000000000000000105021503010101425e0f01f10000601a014e"
        "000000000000000001"
    ),
    bytes.fromhex(
        "8e010000016b412cee000100000000000000000000000000000000010005000100010100010011001d00010010"
        "015e2c880002000b000000003544c87a000e000000001dd7e06a000001"
    ),
    bytes.fromhex(
        "10020000016bdbc7833000000000000000000000000000000000000b05040200010000030002000b0027004256"
        "3a00000000016bdbc7871800000000000000000000000000000000000b05040200010000030002000b00260042"
        "563a000002"
    ),
)
_CRCS: Final = ("0000c7cf", "00002994", "00005fb3")
_PACKETS: Final = tuple(
    bytes(4) + len(records).to_bytes(4, "big") + records + bytes.fromhex(crc)
    for records, crc in zip(_RECORDS, _CRCS, strict=True)
)
_ISO_TAG: Final = bytes.fromhex(
    "010E 8000F9DCBE991A14 00000007 0BB8 0F0A 001A 012C 0502 FFD004080020 000004090000"
)
_CHINESE_TAG: Final = bytes.fromhex("0101 0000C3C4D871D74E 00000001 0BB8")
_DIALOGUE: Final = bytes.fromhex(
    "043f000000200000000000f600160080000c000660eb3dc2788001000006000004380000001400000001010201"
    "1f00080000000008390000001200000002011f000800000000080b0000006b00000003011f0008000000000089"
    "0059000440000000000000000000000d73696d756c6174656420312e30008b000800010000008d000800020000"
    "008c00090001000101008c00090002000101008c00090003000101008c00090004000101016b0006ffac080d00"
    "00001200000004011f00080000000008240000001200000005011f000800000000081f0000001200000006011f"
    "000800000000081e0000001200000007011f00080000000008220000001200000008011f000800000000082000"
    "00001200000009011f000800000000083d000000350000000200f0002b8d3034257bf7194e4000003039810001"
    "86c482000660eb3dc2788084000660eb3dc27880880001"
)
"""All that a reader answers until its session is ready, then a tag."""

SEEDS: Final[Mapping[str, tuple[bytes, ...]]] = {
    "camera": (
        b"--b\r\nContent-Type: image/jpeg\r\nContent-Length: 28\r\n\r\n" + _JPEG + b"\r\n--b\r\n",
        _JPEG,
    ),
    "chirpstack": (
        on(
            "vendor/application/a/device/b/event/up",
            b'{"deduplicationId":"3ac7e3c4",' + _DEVICE + b',"devAddr":"00189440","fCnt":7,"object":'
            b'{"latitude":29.7,"longitude":115.9,"TempC_SHT":4.91,"Hum_SHT":55.3,"DOOR_OPEN_STATUS":1,"BatV":3.1},'
            b'"rxInfo":[{"gatewayId":"0016c001f153a14c","rssi":-36,"snr":10.5}]}',
        ),
        on("vendor/application/a/device/b/event/join", b"{" + _DEVICE + b',"devAddr":"00189440"}'),
        on(
            "vendor/application/a/device/b/event/status",
            b"{" + _DEVICE + b',"margin":10,"batteryLevel":88.3}',
        ),
        on(
            "vendor/application/a/device/b/event/log",
            b"{" + _DEVICE + b',"level":"ERROR","code":"UPLINK_MIC","description":"MIC is invalid"}',
        ),
        on(
            "vendor/application/a/device/b/event/location",
            b"{" + _DEVICE + b',"location":{"latitude":37.344214,"longitude":-8.839375,"altitude":2}}',
        ),
    ),
    "ear_tag": (
        on(
            "observation",
            _READ
            + b'"rssi_dbm":-87.5,"frame":"AQ6AAPncvpkaFAAAAAcLuA8KABoBLAUC/9AECAAgAAAECQAAXVieNOtXRCQ="}',
        ),
        on("observation", _READ + b'"beat":{"uptime_s":86400,"heard_count":320,"battery_mv":12600}}'),
        on("observation", b"[" + _READ + b'"status":"fault","reason":"radio"}]'),
    ),
    "ear_tag sealed": (_ISO_TAG, _CHINESE_TAG),
    "gs1": (
        b"(01)09521234543213(10)ABC",
        b"https://id.gs1.org/01/09521234543213",
        b"urn:epc:id:sscc:952123.01234567890",
        bytes.fromhex("3034257bf7194e4000003039"),
    ),
    "impinj_json": (
        on(
            "vendor/events",
            b'{"timestamp":"2022-06-13T14:01:02.123456000Z","hostname":"impinj-01-23-45",'
            b'"eventType":"tagInventory","tagInventoryEvent":{"epc":"ftqQOAUQAnEAAsCu",'
            b'"epcHex":"7EDA9038051002710002C0AE","tid":"4oARcCAAFM2bWgjs","tidHex":"E2801170200014CD9B5A08EC",'
            b'"antennaPort":1,"peakRssiCdbm":-7000,"lastSeenTime":"2022-06-13T14:01:01Z"}}',
        ),
        on(
            "vendor/events",
            b'[{"timestamp":"2022-06-13T14:01:02.123456Z","eventType":"overflow","overflowEvent":'
            b'{"firstEventTimestamp":"2022-06-13T13:58:00Z","lastEventTimestamp":"2022-06-13T14:00:30Z",'
            b'"eventsPurged":1234,"eventsRemaining":10000}}]',
        ),
        on("vendor/status", b"connected"),
    ),
    "jt808": (
        AUTHENTICATED
        + bytes.fromhex(
            "7E020000280138001380000007000000000000000301C55FD906E9D4C60023007B005A26112314153001040000007D01"
            "30011931017D02027E"
        ),
    ),
    "jt808 sealed": (
        bytes.fromhex("0200 0000 0007") + _LOCATION,
        bytes.fromhex("0704 4000 0008 0001 00 0028") + _LOCATION,
        bytes.fromhex("0200 2000 0009 0002 0001")
        + _LOCATION[:20]
        + b"\x7e"
        + bytes.fromhex("0200 2000 000a 0002 0002")
        + _LOCATION[20:-1],
    ),
    "llrp": (
        _DIALOGUE,
        bytes.fromhex("043e0000000a00000001"),
        bytes.fromhex(
            "043D000000570000000600F0004D00F100160080E2806894000050123456789ABCDEF00189000000018E00018A00018100"
            "0186BC87000A82000660EB3DB3364084000660EB3DC278808800118C40008BABCD9000000000"
        ),
        bytes.fromhex("043F000000210000000900F600170080000C000660EB3DC2788000F80007000280"),
    ),
    "modbus_barrier": (b"\1\0\1", b"\0\1\0"),
    "modbus_frame": (bytes.fromhex("000900000009010306000102030405"),),
    "modbus_signal": (b"\0\1", b"\1\0\1", b"\2\0\1\0"),
    "modbus_weighbridge": (b"\0" + _MAP, b"\1" + bytes(152), b"\2" + bytes(152)),
    "mqtt_position": (
        on("observation", _READ + b'"position":{"x_m":1,"y_m":2,"z_m":0}}'),
        on("observation", _READ + b'"status":"online"}'),
    ),
    "mqtt_reader": (
        on(
            "observation",
            _READ + b'"reads":[{"epc":"3178e61c883950f59a000000","antenna":2,"rssi_cdbm":-5710,"count":3},'
            b'{"after_ms":9,"epc":"3034257BF7194E4000003039","rssi_cdbm":-6200,"tid":"e2801105"}]}',
        ),
        on("observation", _READ + b'"status":"fault","reason":"antenna 2"}'),
    ),
    "mt_sics": (b"S S     100.00 kg", b"S D     100.00 kg", b'I4 A "B021002593"', b"ES"),
    "nmea": (
        b"$GNGGA,104710.00,4832.5844943,N,00229.8320136,E,5,12,0.84,80.418,M,46.332,M,1.0,0000*5A\r\n"
        b"$GPRMC,083559.00,A,4717.11437,N,00833.91522,E,0.004,77.52,091202,,,A*57\r\n"
        b"$GPVTG,054.7,T,034.4,M,005.5,N,010.2,K*48\r\n",
    ),
    "nmea sealed": (
        b"$GNGGA,104710.00,4832.5844943,N,00229.8320136,E,5,12,0.84,80.418,M,46.332,M,1.0,0000\n"
        b"$GNRMC,104710.00,A,4832.5844943,N,00229.8320136,E,0.004,77.52,091222,,,A\n"
        b"$GPVTG,054.7,T,034.4,M,005.5,N,010.2,K\n",
        b"$GNRMC,080130.00,V,,,,,,,130923,,,N",
    ),
    "onvif_m": (
        on(
            "vendor/onvif-ej/RuleEngine/Recognition/LicensePlate/&1/Gate",
            b'{"UtcTime":"2026-11-23T05:59:00Z","Source":{"VideoSource":"1","Rule":"Gate"},"Data":'
            b'{"Likelihood":"0.93","LicensePlateInfo":{"PlateNumber":{"@Likelihood":0.9,"#text":"A12345"}},'
            b'"Direction":"Entering"}}',
        ),
        on(
            "vendor/onvif-ej/RuleEngine/FieldDetector/ObjectsInside/&1/1/A-2",
            b'{"UtcTime":"2026-11-23T05:59:00Z","Source":{"Rule":"A-2"},"Data":{"IsInside":true}}',
        ),
        on(
            "vendor/onvif-ej/RuleEngine/CountAggregation/Counter/&1/1/Out",
            b'{"UtcTime":"2026-11-23T05:59:00Z","Source":{"Rule":"Out"},"Data":{"Count":"42"}}',
        ),
        on(
            "vendor/onvif-ej/VideoSource/ImageTooDark/ImagingService/&1",
            b'{"UtcTime":"2026-11-23T05:59:00Z","Source":{"Source":"1"},"Data":{"State":"true"}}',
        ),
        on(
            "vendor/onvif-mj/VideoAnalytics/1/Pallets",
            b'{"Frame":[{"@UtcTime":"2021-10-05T15:13:27.321","Transformation":{"Translate":{"@x":-1.0,"@y":-1.0},'
            b'"Scale":{"@x":0.003125,"@y":0.00416667}},"Object":[{"@ObjectId":15,"Appearance":{"Shape":'
            b'{"BoundingBox":{"@left":400.0,"@top":300.0,"@right":500.0,"@bottom":200.0}},'
            b'"Class":{"Type":[{"@Likelihood":0.8,"#text":"Pallet"}]}}}]}]}',
        ),
        on(
            "vendor/onvif-mj/VideoAnalytics/1/Pallets",
            b'{"Frame":[{"@UtcTime":"2022-12-21T12:25:51.211","Object":[{"@ObjectId":12,"Appearance":'
            b'{"BarcodeInfo":{"Data":{"@Likelihood":0.9,"#text":"Content"},"Type":{"#text":"Code-128"},"PPM":1.4}}},'
            b'{"Appearance":{"LicensePlateInfo":{"PlateNumber":{"@Likelihood":0.9,"#text":"6DZG261"}}}}]}]}',
        ),
    ),
    "opcua_barrier": (b"\2\1\2", b"\1\2\1"),
    "opcua_node": (b"ns=2;s=Barrier.Open", b"nsu=http://a%3B/;i=1001", b"ns=1;b=M/RbKBsRVkePCePcx24oRA=="),
    "opcua_scale": (
        b"\x38\0" + bytes.fromhex("0000000000805640 0000000000405040 0000000000003940"),
        b"\x39\0",
    ),
    "opcua_signal": (b"\0\0\0\1\1\2",),
    "pda": (
        b'{"session":"session_7","proof":"' + b"0" * 64 + b'","batch":{"device_id":"pda-1","boot":3,'
        b'"sent_at":"2026-11-23T05:56:00Z","scans":[{"sequence":12,"observed_at":"2026-11-23T05:55:30.123Z",'
        b'"code":"]C100306141411234567890","place_code":"A01-07-3","symbology":"code128","task_id":"t"}]}}',
    ),
    "teltonika": tuple(_TELTONIKA_LOGIN + packet for packet in _PACKETS),
    "teltonika sealed": _RECORDS,
    "tmr": (
        b"\x02  1535KG SG\x03z",
        b"\x02123456LB SG\x03}",
        b"   280,KG,GC,   187,03JL03, 3:41:21",
        b"999999,LB,ES,   187,03JL03, 3:41:21",
        _FEEDLINE,
    ),
    "tmr sealed": (b"  1535KG SG", b"-   20KG SG", b"123456LB SG"),
    "toledo_continuous": (
        bytes.fromhex("022c3020303132333430 303030303030 0d 2b"),
        bytes.fromhex("022c3020303132333430 303030303030 0d"),
        bytes.fromhex("022c3120 303130303030 303032333430 0d"),
    ),
    "toledo_continuous sealed": (
        bytes.fromhex("022c3020303132333430 303030303030 0d")
        + bytes.fromhex("022c3120 303130303030 303032333430 0d"),
    ),
    "uwb": (
        on(
            "vendor/tags",
            b'[{"version":"2.0","tagId":"30331","timestamp":1615984968.8071718,"data":{"metrics":{"latency":28},'
            b'"tagData":{"blinkIndex":127},"anchorData":[{"tagId":"30331","anchorId":"28205","rss":-82.12}],'
            b'"coordinates":{"x":4425,"y":6201,"z":-100}},"success":true}]',
        ),
        on(
            "vendor/tags",
            b'[{"version":"2.0","tagId":"30331","timestamp":1615984969.9,"success":false,"errorCode":"NotEnoughData"}]',
        ),
    ),
    "zebra_json": (
        on(
            "vendor/tags",
            b'{"data":{"antenna":1,"eventNum":5059,"format":"epc","idHex":"e2806894000040017790e471",'
            b'"peakRssi":-37,"reads":1},"timestamp":"2026-09-07T12:50:55.513+0000","type":"INVENTORY"}',
        ),
        on(
            "vendor/tags",
            b'{"type":"BALANCED_PERFORMANCE","timestamp":"2019-08-24T14:15:22Z","data":{"tagData":[{"EPCid":'
            b'"BEDD11112222333344445555","TID":"E2003412013BFD000B4E16D21D030143","eventNum":1,"peakRssi":-39,'
            b'"seenCount":1}]}}',
        ),
        on(
            "vendor/events",
            b'{"component":"RG","data":{"radio_control":{"antennas":{"1":"disconnected","4":"connected"},'
            b'"numErrors":7,"radioActivity":"active","radioConnection":"connected","status":"running"}},'
            b'"eventNum":328,"timestamp":"2023-03-01T13:57:29.126+0000","type":"heartbeat"}',
        ),
    ),
    "zpl_printer": (
        b"\x02030,0,0,1245,000,0,0,0,000,0,0,0\x03\r\n\x02000,0,0,0,0,2,4,0,00000000,1,000\x03\r\n"
        b"\x021234,0\x03\r\n",
        b'"1234"?',
    ),
}
