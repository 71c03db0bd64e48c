"""Tables that the file of every world has, whatever the site is: its devices' clocks and its line. Pure."""

import msgspec


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file. A misspelt key is refused."""


class Clock(Table, frozen=True, kw_only=True):
    """A clock that drifts is off by up to `drift_s_max` at the start and by up to `drift_s_a_day` more a day.
    A device that restarts shows 1970 in some cases, until its clock is set."""

    sigma_s: float
    drifting_share: float
    drift_s_max: float
    drift_s_a_day: float
    reboot_a_day: float
    reboot_1970_share: float
    reboot_set_min: float


class Network(Table, frozen=True, kw_only=True):
    outage_a_day: float
    outage_min_min: float
    outage_min_max: float
    duplicate_share: float
    late_share: float
    late_s_max: float
