"""Where a device is reached is the name or address of a machine."""

import pytest

from devices.families import FAMILIES
from devices.transport.decoding import FieldRejected

REACHED = [family for family in FAMILIES.values() if "host" in family.parameters]
RULE = "a host name or address"


def test_every_family_that_is_reached_at_a_host_says_so() -> None:
    assert len(REACHED) >= 10
    assert all(family.parameters["host"].is_host for family in REACHED)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "reader-1.hall.example", "scale_2", "fe80::1%eth0", "::1", "2001:db8::10.0.0.7", "a"],
)
def test_names_and_addresses_are_hosts(host: str) -> None:
    assert FAMILIES["llrp"].parameters["host"].broken_rule(host) is None


@pytest.mark.parametrize(
    "host",
    ["10.0.0.7\r\nX: y", "a b", "http://10.0.0.7", "10.0.0.7/x", "-a", "a-", "käse", "user@host", "a\n"],
)
def test_anything_else_is_refused_by_its_rule(host: str) -> None:
    with pytest.raises(FieldRejected) as refused:
        FAMILIES["llrp"].settings({"host": host})
    assert (refused.value.field, refused.value.rule) == ("host", RULE)
