"""What hangs in the hall and looks without being moved: readers under the roof, stations of active tags,
sensors of the air, cameras. Pure."""

import math
from collections.abc import Callable, Mapping

import msgspec
import numpy as np

from simulators.world.warehouse import seeing
from simulators.world.warehouse.places import aisles_below, camera_parts, station_points
from simulators.world.warehouse.state import Event, Felt, Floats, Framed, Ints, TagsRead
from simulators.world.warehouse.working import Working

ROUND_S = 20.0
"""An inventory round under the roof is over by then."""
MINUTE_S = 60.0
TURN_S = 37
"""Active tags were switched on one after the other, so far apart."""
WARMEST_H = 15.0
FILM_FRAMES = 12
"""An hour of a camera's frames."""
SENSOR_HEIGHTS_M = 1.5, 7.0
"""Sensors hang low and high in turn."""


def tags_read(working: Working, reader: str, pallets: Ints, at_s: Floats, antenna: Ints) -> None:
    """A reader heard these tags, each at its time."""
    order = np.argsort(at_s, kind="stable")
    working.notice(
        TagsRead(
            reader,
            at_s[order],
            pallets[order],
            antenna[order].astype(np.int32),
            seeing.rssi_cdbm(len(order), working.draw),
        )
    )


def _round(working: Working, event: Event) -> None:
    """Every reader under the roof takes stock of what stands below it."""
    parameters, draw = working.parameters, working.draw
    devices = parameters.devices
    racks = working.pallet_at.reshape(working.places.shape)
    for number, aisles in enumerate(aisles_below(parameters)):
        stock = racks[aisles, :, : devices.overhead_columns, :].ravel()
        chosen, name = stock[stock >= 0], f"overhead-{number + 1}"
        if len(chosen) == 0 or working.blindness(name, event.at_s) is not None:
            continue
        is_heard = seeing.overhead_reads(parameters, working.pallets, chosen, working.places, number, draw)
        chosen = chosen[is_heard]
        at_s = event.at_s + draw.uniform(0, ROUND_S, len(chosen))
        tags_read(working, name, chosen, at_s, np.ones(len(chosen), dtype=np.int32))
    working.due(Event(event.at_s + devices.overhead_every_s, 0, "round"))


def _beacon(working: Working, event: Event) -> None:
    """The active tags in their places whose turn comes within the next minute send a beacon each."""
    parameters, pallets, draw = working.parameters, working.pallets, working.draw
    beacon_s = parameters.active.beacon_s
    sending = np.flatnonzero(pallets.is_active & (pallets.place >= 0)).astype(np.int32)
    after_s = (pallets.serial[sending] * TURN_S - event.at_s) % beacon_s
    sending, after_s = sending[after_s < MINUTE_S], after_s[after_s < MINUTE_S]
    at_s = np.asarray(event.at_s + after_s, dtype=np.float64)
    place = pallets.place[sending]
    for number, (x_m, y_m) in enumerate(station_points(parameters)):
        name = f"station-{number + 1}"
        far_m = np.hypot(working.places.x_m[place] - x_m, working.places.y_m[place] - y_m)
        is_heard = seeing.beacons_heard(parameters, pallets, sending, far_m, number, draw)
        if is_heard.any() and working.blindness(name, event.at_s) is None:
            antenna = np.ones(int(is_heard.sum()), dtype=np.int32)
            tags_read(working, name, sending[is_heard], at_s[is_heard], antenna)
    working.due(Event(event.at_s + MINUTE_S, 0, "beacon"))


def _climate(working: Working, event: Event) -> None:
    """Every sensor of the air says what it feels, if a gateway hears it."""
    climate, devices, draw = working.parameters.climate, working.parameters.devices, working.draw
    hour = event.at_s / 3_600 % 24
    swing_mc = climate.swing_mc * math.cos((hour - WARMEST_H) / 24 * 2 * math.pi)
    for sensor in range(devices.climate_sensors):
        missed, error_mc, wet = draw.random(), draw.normal(0, climate.sensor_sd_mc), draw.normal(0, 10)
        is_blind = working.blindness(f"climate-{sensor + 1}", event.at_s) is not None
        if is_blind or missed < climate.sensor_missed:
            continue
        above_mc = climate.gradient_mc_m * SENSOR_HEIGHTS_M[sensor % 2]
        felt_mc = round(climate.mean_mc + working.weather_mc + swing_mc + above_mc + error_mc)
        humidity = round(climate.humidity_permille - swing_mc / 40 + wet)
        working.notice(Felt(sensor, event.at_s + 5.0 * sensor, felt_mc, max(0, min(1_000, humidity))))
    working.due(Event(event.at_s + devices.climate_every_s, 0, "climate"))


def _frame(working: Working, event: Event) -> None:
    """Every camera takes a frame of its share of the places, or is shown one that it took before."""
    nothing = np.empty(0, dtype=np.int32)
    for camera, part in enumerate(camera_parts(working.parameters)):
        how = working.blindness(f"camera-{camera + 1}", event.at_s)
        picture = int(working.draw.integers(2**62))
        if how is None:
            shown = working.shown[part]
            framed = Framed(camera, event.at_s, part[shown == 1], part[shown == 0], picture)
            working.film[camera] = (*working.film.get(camera, ())[1 - FILM_FRAMES :], framed)
            working.notice(framed)
        elif how == "dark":
            working.notice(Framed(camera, event.at_s, nothing, nothing, picture, is_dark=True))
        elif how != "off":
            _show_again(working, camera, event.at_s, is_film=how == "replayed")
    working.due(Event(event.at_s + working.parameters.devices.camera_every_s, 0, "frame"))


def _show_again(working: Working, camera: int, at_s: float, *, is_film: bool) -> None:
    """The last frame before the camera was blinded, or the film of the hour before, over and over: with a
    clock of now, and a noise that was there before. There is nothing to show that it never saw."""
    film = working.film.get(camera, ())
    if not film:
        return
    if is_film:
        working.film[camera] = film = (*film[1:], film[0])
    working.notice(msgspec.structs.replace(film[-1], at_s=at_s))


HANDLERS: Mapping[str, Callable[[Working, Event], None]] = {
    "round": _round,
    "beacon": _beacon,
    "climate": _climate,
    "frame": _frame,
}
