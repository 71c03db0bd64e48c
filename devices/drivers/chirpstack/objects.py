"""What the decoded payload of a LoRaWAN node says, by the names that makers' decoders use. Pure.

ChirpStack hands on as `object` what the JavaScript decoder of the device profile returned, so the names are
each maker's own. Known here: plain names, those of Dragino (`TempC_SHT`, `Hum_SHT`, `BatV`,
`DOOR_OPEN_STATUS`), of Milesight (`magnet_status`), and ChirpStack's built-in Cayenne LPP decoder
(`temperatureSensor`, `humiditySensor`, `gpsLocation`, each a map of channels). Names are compared without
regard to case. A `battery` without a unit is not read: some mean volts, some percent.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from devices.transport.decoding import FieldRejected
from kernel.geometry import Point
from kernel.messages import AnyReading, DeviceStatus, Environment, PositionReading

GNSS_SIGMA_M: Final = 5.0
"""A low-power receiver that wakes for a fix under open sky."""
_NUMBER_MAX: Final = 1e9

_LATITUDE = ("latitude", "lat")
_LONGITUDE = ("longitude", "long", "lng", "lon")
_ALTITUDE = ("altitude", "alt")
_PLACES = ("gpslocation", "location", "position", "gps")
_TEMPERATURE = ("temperature", "tempc_sht", "tempc1", "temp", "temperaturesensor")
_HUMIDITY = ("humidity", "hum_sht", "relative_humidity", "relativehumidity", "humiditysensor")
_VOLTAGE = ("batv", "bat_v", "battery_voltage", "batteryvoltage", "vbat")
_DOOR = ("door", "door_open_status", "door_status", "magnet_status")
_DOOR_STATES = {"open": True, "opened": True, "close": False, "closed": False, 1: True, 0: False}

Object = Mapping[str, Any]


def position(said: Object) -> AnyReading | None:
    """Where the node says it is; a fault when it has no fix, which receivers tell as 0, 0."""
    place = _place(_by_name(said))
    if place is None:
        return None
    latitude, longitude = _number(place, _LATITUDE), _number(place, _LONGITUDE)
    if latitude is None or longitude is None:
        return None
    if latitude == 0 and longitude == 0:
        return DeviceStatus(state="fault", reason="no fix")
    point = Point(longitude, latitude, _number(place, _ALTITUDE) or 0.0)
    return PositionReading(point=point, frame="wgs84", sigma_m=GNSS_SIGMA_M, fix="single")


def environment(said: Object) -> Environment | None:
    """Temperature, humidity, door and battery, as far as it tells them."""
    named = _by_name(said)
    temperature_c, humidity_percent = _number(named, _TEMPERATURE), _number(named, _HUMIDITY)
    door_open, battery = _door(named), _number(named, _VOLTAGE)
    if all(value is None for value in (temperature_c, humidity_percent, door_open, battery)):
        return None
    # A battery has a few volts; what is above a hundred was told in millivolts.
    battery_mv = 0 if battery is None else round(battery * 1000 if abs(battery) < 100 else battery)
    return Environment(
        temperature_mc=None if temperature_c is None else round(temperature_c * 1000),
        humidity_permille=None if humidity_percent is None else round(humidity_percent * 10),
        door_open=door_open,
        battery_mv=battery_mv,
    )


def _by_name(said: Object) -> dict[str, Any]:
    return {name.lower(): value for name, value in said.items()}


def _place(named: dict[str, Any]) -> dict[str, Any] | None:
    """The part that holds latitude and longitude: the whole, a part of it, or a channel of that part."""
    for candidate in _places(named):
        if any(name in candidate for name in _LATITUDE):
            return candidate
    return None


def _places(named: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield named
    for name in _PLACES:
        part = named.get(name)
        if isinstance(part, dict):
            yield _by_name(part)
            yield from (_by_name(channel) for channel in part.values() if isinstance(channel, dict))


def _number(named: dict[str, Any], names: tuple[str, ...]) -> float | None:
    """The first of `names` that is told. Of a map of channels the first channel counts."""
    name = next((name for name in names if named.get(name) is not None), None)
    if name is None:
        return None
    value = named[name]
    if isinstance(value, dict) and value:
        value = next(iter(value.values()))
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _NUMBER_MAX:
        raise FieldRejected(f"object.{name}", "a number")
    return float(value)


def _door(named: dict[str, Any]) -> bool | None:
    value = next((named[name] for name in _DOOR if named.get(name) is not None), None)
    if value is None:
        return None
    if isinstance(value, str):
        value = value.lower()
    state = _DOOR_STATES.get(value) if isinstance(value, str | int | float) else None
    if state is None:
        raise FieldRejected("object.door", "open or closed")
    return state
