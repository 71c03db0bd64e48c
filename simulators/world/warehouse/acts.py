"""What people do to a warehouse that its papers do not say, as scenarios list it, and the truth of it. Pure.

Each act is a table `[[act]]` of a scenario file: its `kind`, when, and what the kind needs. `case` is the
number of the fraud it belongs to, 0 for a fault of nature. `shows_in` names the kinds of reading in which a
sensor of the site can see the act, by what it says or by what it no longer says; empty when none can.
"""

from typing import Annotated, Literal

import msgspec

HOUR_S = 3_600.0
OTHER_SITE_READER = "portal-other-1"
"""A portal of the owner's second site."""

Count = Annotated[int, msgspec.Meta(ge=1)]
Share = Annotated[float, msgspec.Meta(ge=0.0)]
Hours = Annotated[float, msgspec.Meta(ge=0.0)]


_KINDS = {
    "camera": ("slot_sight",),
    "portal": ("tag_read",),
    "fork-reader": ("tag_read",),
    "sweep": ("tag_read",),
    "overhead": ("tag_read",),
    "station": ("tag_read",),
    "tracker": ("position",),
    "climate": ("environment", "uplink"),
    "forklift": ("position", "load_change"),
    "scale": ("mass",),
    "weighbridge": ("mass",),
    "pda": ("scan",),
    "gate-barrier": ("barrier",),
    "gate-camera": ("plate",),
}


def unnumbered(device: str) -> str:
    """A device's name without its number, such as `camera`, or `gate-barrier` of `gate-1-barrier`."""
    return "-".join(part for part in device.split("-") if not part.isdigit())


def kinds_of(device: str) -> tuple[str, ...]:
    """The kinds of reading that a device gives, by its name."""
    return _KINDS[unnumbered(device)]


class _Act(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    at_h: Hours
    """Hours since the first midnight."""
    case: int = 0
    device: str = ""

    @property
    def shows_in(self) -> tuple[str, ...]:
        return ()


class Removal(_Act, frozen=True, kw_only=True, tag="removal"):
    """Goods leave without an order: on a truck through gate and dock, over the fence by hand, or hidden in
    a load that was released. `tags_cut`: their tags are killed first. A `lot` of -1 is any."""

    pallets: Count
    way: Literal["gate", "fence", "load"]
    tags_cut: bool = False
    lot: int = -1

    @property
    def shows_in(self) -> tuple[str, ...]:
        return {
            "gate": ("barrier", "plate", "position", "load_change", "tag_read", "slot_sight"),
            "fence": ("slot_sight", "tag_read"),
            "load": ("mass", "load_change", "slot_sight", "tag_read"),
        }[self.way]


class GhostPallets(_Act, frozen=True, kw_only=True, tag="ghost_pallets"):
    """The keeper announces pallets with a truck that does not bring them, and books them to empty places."""

    pallets: Count

    @property
    def shows_in(self) -> tuple[str, ...]:
        return "mass", "tag_read", "load_change", "slot_sight"


class Overstated(_Act, frozen=True, kw_only=True, tag="overstated"):
    """The papers of pallets that come in state `stated_share` of what they weigh."""

    pallets: Count
    stated_share: Annotated[float, msgspec.Meta(gt=1.0)]

    @property
    def shows_in(self) -> tuple[str, ...]:
        return ("mass",)


class Substituted(_Act, frozen=True, kw_only=True, tag="substituted"):
    """Other goods under the same tags: they weigh and are worth these shares of what the papers say.
    `where`: in trucks that are expected, or in the store by night."""

    pallets: Count
    goods: Literal["stones", "wrong_goods", "hollow", "watered", "low_grade"]
    where: Literal["intake", "store"]
    mass_share: Share = 1.0
    worth_share: Annotated[float, msgspec.Meta(ge=0.0, lt=1.0)] = 0.0

    @property
    def shows_in(self) -> tuple[str, ...]:
        return ("mass",) if self.mass_share != 1.0 else ()


class OthersGoodsShown(_Act, frozen=True, kw_only=True, tag="others_goods_shown"):
    """A claim on `lot` names pallets of another owner."""

    pallets: Count
    lot: Annotated[int, msgspec.Meta(ge=0)]
    party: str

    @property
    def shows_in(self) -> tuple[str, ...]:
        return ("tag_read",)


class TagCloned(_Act, frozen=True, kw_only=True, tag="tag_cloned"):
    """Pallets in the store get copies of the tags of as many others: one EPC is heard at two places."""

    pallets: Count

    @property
    def shows_in(self) -> tuple[str, ...]:
        return "tag_read", "load_change"


class Rotated(_Act, frozen=True, kw_only=True, tag="rotated"):
    """Goods are driven to the owner's other site, heard at its portal, and come back: counted twice."""

    pallets: Count
    back_h: float

    @property
    def shows_in(self) -> tuple[str, ...]:
        return "tag_read", "slot_sight"


class Blinded(_Act, frozen=True, kw_only=True, tag="blinded"):
    """A device sees nothing true: off, or a camera that is shown one frame or an old film, and tells what it
    makes of them like any other."""

    until_h: float
    how: Literal["frozen", "replayed", "off"]

    @property
    def shows_in(self) -> tuple[str, ...]:
        return kinds_of(self.device)


class ScaleTampered(_Act, frozen=True, kw_only=True, tag="scale_tampered"):
    """A scale shows `by_share` too much from now on, and `share_a_day` more each day until `until_h`."""

    by_share: float = 0.0
    share_a_day: float = 0.0
    until_h: float = 0.0

    @property
    def shows_in(self) -> tuple[str, ...]:
        return ("mass",)


class Spoofed(_Act, frozen=True, kw_only=True, tag="spoofed"):
    """A forklift's positions jump `by_m` away, or stay where they are while it drives."""

    until_h: float
    how: Literal["jump", "stay"]
    by_m: float = 0.0

    @property
    def shows_in(self) -> tuple[str, ...]:
        return "position", "load_change"


class ClockMoved(_Act, frozen=True, kw_only=True, tag="clock_moved"):
    """Somebody sets a device's clock: back when `by_s` is negative."""

    by_s: float

    @property
    def shows_in(self) -> tuple[str, ...]:
        return kinds_of(self.device)


class TagsDie(_Act, frozen=True, kw_only=True, tag="tags_die"):
    """Tags in the store fall silent."""

    pallets: Count

    @property
    def shows_in(self) -> tuple[str, ...]:
        return ("tag_read",)


class Paper(_Act, frozen=True, kw_only=True, tag="paper"):
    """What people enter, `times` in the same second, about pallets of a lot. No sensor can see it."""

    what: Literal[
        "second_receipt",
        "second_site_name",
        "release_replayed",
        "sold_while_pledged",
        "related_parties",
        "back_dated",
        "row_edited",
        "replaced_by_mass",
        "drawdown",
    ]
    party: str
    lot: Annotated[int, msgspec.Meta(ge=0)]
    pallets: Count
    times: Count = 1


Act = (
    Removal
    | GhostPallets
    | Overstated
    | Substituted
    | OthersGoodsShown
    | TagCloned
    | Rotated
    | Blinded
    | ScaleTampered
    | Spoofed
    | ClockMoved
    | TagsDie
    | Paper
)


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """The truth of one act: when it was done, on which pallets, and what of their worth is not there.

    `left_s` is when a truck took them out of the gate, -1 when none did (yet). `worth_fen` is the worth that
    papers state and goods no longer have; for papers and clones the worth they are about.
    """

    act: int
    case: int
    kind: str
    at_s: float
    pallets: tuple[int, ...]
    device: str
    mass_g: int
    worth_fen: int
    shows_in: tuple[str, ...]
    truck: int = -1
    left_s: float = -1.0
