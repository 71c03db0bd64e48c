"""Tables that the file of every world has, whatever the site is: its devices' clocks and its line. Pure."""

import msgspec


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file. A misspelt key is refused."""


class Clock(Table, frozen=True, kw_only=True):
    sigma_s: float
    drifting_share: float
    drift_s_max: float


class Network(Table, frozen=True, kw_only=True):
    outage_a_day: float
    outage_min_min: float
    outage_min_max: float
    duplicate_share: float
    late_share: float
    late_s_max: float
