"""The live stream over a real socket: what pages get, what they miss and get later, when they are let go."""

import asyncio
from typing import Any

import pytest
import websockets

from identity.api import grant_access, revoke_access
from kernel.caller import Caller
from kernel.errors import Unavailable
from kernel.messages import StockClaimed
from kernel.tx import ReadTx
from tests.http.conftest import SignIn
from tests.http.living_site import PALLET_G, TRUCK_G, LivingSite, Lot
from tests.http.viz.conftest import Open
from twin.api import declare_claims
from viz.stream import hub, routes
from viz.stream.mailbox import CLOSE_FAILED, CLOSE_SESSION_ENDED, CLOSE_VIEW_CHANGED


async def scene_revision(client, site: LivingSite) -> int:  # type: ignore[no-untyped-def]
    answer = await client.get(f"/api/v1/sites/{site.site_id}/scene")
    return int(answer.raise_for_status().json()["revision"])


async def test_a_page_without_a_session_is_refused(open_stream: Open) -> None:
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with open_stream(None):
            pass
    assert refused.value.response.status_code == 401


async def test_a_page_of_another_origin_is_refused(
    open_stream: Open, site: LivingSite, sign_in: SignIn
) -> None:
    client = await sign_in("operator", site.keeper)
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with open_stream(client, origin="https://elsewhere.test"):
            pass
    assert refused.value.response.status_code == 403


async def test_a_foreign_site_is_unknown(open_stream: Open, sign_in: SignIn) -> None:
    client = await sign_in("operator", "keeper-b")
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with open_stream(client):
            pass
    assert refused.value.response.status_code == 404
    assert b"twin.site_unknown" in (refused.value.response.body or b"")


async def test_a_new_page_is_greeted_with_what_moves(
    open_stream: Open, site: LivingSite, sign_in: SignIn
) -> None:
    await site.move("forklift-1", 50.0, 30.0)
    await site.turn_barrier(is_open=False)
    async with open_stream(await sign_in("operator", site.keeper)) as stream:
        hello = await stream.first("hello")
        assert hello["revision"] > 0
        assets = (await stream.first("assets"))["assets"]
        assert {asset["kind"] for asset in assets} >= {"forklift"}
        barrier = await stream.first("barrier")
        assert (barrier["gate_id"], barrier["is_open"]) == ("gate-1", False)


async def test_what_happens_is_told_as_it_happens(
    open_stream: Open, site: LivingSite, sign_in: SignIn
) -> None:
    lot = await site.announce(2)
    async with open_stream(await sign_in("operator", site.keeper)) as stream:
        await stream.first("hello")
        await site.drive_in(lot.truck_epc, lot.pallets)
        await stream.unit(lot.unit_ids[0], lambda unit: unit["evidence"] != "claimed")
        weighed = await stream.first("weighbridge", lambda frame: frame["mass_g"] is not None)
        assert weighed["mass_g"] == TRUCK_G + 2 * PALLET_G
        await site.put_down(lot.pallets)
        await stream.unit(lot.unit_ids[1], lambda unit: unit["place"] == "slot")
        await site.turn_barrier(is_open=True)
        await stream.first("barrier", lambda frame: frame["is_open"])
        told = await stream.first("event", lambda frame: frame["event"]["kind"] == "unit_crossed")
        assert told["event"]["text_key"] == "activity.unit_crossed.in"
        assert told["event"]["facts"]["sscc"] in {pallet.sscc for pallet in lot.pallets}


async def test_a_page_left_open_has_the_units_of_a_page_opened_afresh(
    open_stream: Open, site: LivingSite, sign_in: SignIn
) -> None:
    client = await sign_in("operator", site.keeper)

    async def scene() -> dict[str, Any]:
        answer = await client.get(f"/api/v1/sites/{site.site_id}/scene")
        return dict(answer.raise_for_status().json())

    before = await scene()
    async with open_stream(client, f"?after={before['revision']}") as stream:

        def held() -> dict[str, Any]:
            told = [before, *stream.of("units")]
            return {unit["unit_id"]: unit for frame in told for unit in frame["units"]}

        never_seen = await site.announce(1)
        await claim(site, never_seen, "A01-01-1")
        await stream.unit(never_seen.unit_ids[0], lambda unit: unit["slot_id"] == "A01-01-1")
        await claim(site, never_seen, None)
        short = await site.announce(2)
        await site.drive_in(short.truck_epc, short.pallets[:1])
        await site.put_down(short.pallets[:1])
        await site.drive_out(short.truck_epc, (), TRUCK_G)
        fresh = {unit["unit_id"]: unit for unit in (await scene())["units"]}
        assert set(short.unit_ids) & set(fresh) == {short.unit_ids[0]}
        await stream.until(
            lambda: {key: unit for key, unit in held().items() if unit["place"] != "left"} == fresh
        )
        assert short.unit_ids[1] not in held()


async def claim(site: LivingSite, lot: Lot, slot_id: str | None) -> None:
    """The books have all pallets of a lot in a slot, or let them go."""
    site.clock.advance(1)
    claims = [
        StockClaimed(
            site_id=site.site_id,
            unit_id=unit_id,
            slot_id=slot_id,
            claimed_at=site.clock.now(),
            cause="opening_stock" if slot_id is not None else "shipment",
        )
        for unit_id in lot.unit_ids
    ]
    async with site.database.write(Caller.product("test")) as tx:
        await declare_claims(tx, claims)


async def test_poses_come_as_binary_frames(open_stream: Open, site: LivingSite, sign_in: SignIn) -> None:
    await site.move("forklift-1", 41.0, 31.0)
    async with open_stream(await sign_in("operator", site.keeper)) as stream:
        assets = (await stream.first("assets"))["assets"]
        number = next(asset["index"] for asset in assets if asset["kind"] == "forklift")
        await site.move("forklift-1", 42.5, 31.25, heading_deg=270.0)

        def arrived() -> list[object]:
            poses = [pose for _, frame in stream.poses for pose in frame if pose.number == number]
            return [pose for pose in poses if pose[1:5] == (42.5, 31.25, 0.0, 270.0)]

        await stream.until(arrived)


async def test_a_thing_that_falls_silent_is_told_to_be_stale(
    open_stream: Open, site: LivingSite, sign_in: SignIn
) -> None:
    await site.move("forklift-1", 43.0, 31.0)
    async with open_stream(await sign_in("operator", site.keeper)) as stream:
        await stream.first("assets")
        site.clock.advance(11)
        await stream.until(lambda: [pose for _, frame in stream.poses for pose in frame if pose.is_stale])


async def test_what_a_page_missed_comes_when_it_is_back(
    open_stream: Open, site: LivingSite, sign_in: SignIn
) -> None:
    client = await sign_in("operator", site.keeper)
    revision = await scene_revision(client, site)
    lot = await site.receive(1)
    async with open_stream(client, f"?after={revision}") as stream:
        await stream.unit(lot.unit_ids[0], lambda unit: unit["place"] == "slot")
        for kind in ("delivery_announced", "unit_crossed", "unit_set_down"):
            await stream.first("event", lambda frame, kind=kind: frame["event"]["kind"] == kind)
        cursors = [int(frame["cursor"]) for frame in stream.of("event")]
        assert cursors == sorted(set(cursors))


async def test_a_revision_of_another_life_of_the_database_starts_anew(
    open_stream: Open, site: LivingSite, sign_in: SignIn
) -> None:
    lot = await site.receive(1)
    async with open_stream(await sign_in("operator", site.keeper), f"?after={2**40}") as stream:
        await stream.unit(lot.unit_ids[0], lambda unit: unit["place"] == "slot")


async def test_an_alarm_is_told_with_each_grade_and_again_to_who_resumes(
    open_stream: Open, site: LivingSite, sign_in: SignIn
) -> None:
    lot = await site.receive(2)
    truck, _ = await site.pickup_truck()
    client = await sign_in("operator", site.keeper)
    async with open_stream(client) as stream:
        before = (await stream.first("hello"))["revision"]
        await site.drive_out(truck, lot.pallets, TRUCK_G + 2 * PALLET_G)
        mine = await stream.first("alarm", lambda frame: set(lot.unit_ids) <= set(frame["alarm"]["unit_ids"]))
        assert mine["alarm"]["kind"] == "exit_without_release"
        await stream.first("alarm", lambda frame: frame["alarm"]["grade"] == "freeze")
        await stream.unit(lot.unit_ids[0], lambda unit: unit["alarm"] == "freeze")
        cursors = [int(frame["cursor"]) for frame in stream.of("alarm")]
        assert cursors == sorted(cursors)
    async with open_stream(client, f"?alarms_after={before}") as stream:
        again = await stream.first("alarm")
        assert (again["alarm"]["alarm_id"], again["alarm"]["grade"]) == (mine["alarm"]["alarm_id"], "freeze")
        last = stream.of("alarm")[-1]["cursor"]
    async with open_stream(client, f"?alarms_after={last}") as stream:
        await stream.first("hello")
        assert stream.of("alarm") == []
    async with open_stream(client) as stream:
        active = await stream.first("alarm")
        assert active["alarm"]["state"] == "active"


async def test_each_party_is_told_of_its_own(open_stream: Open, site: LivingSite, sign_in: SignIn) -> None:
    await site.receive(1)
    keeper, owner = await sign_in("operator", site.keeper), await sign_in("borrower", site.owner)
    async with open_stream(keeper) as theirs, open_stream(owner) as ours:
        await theirs.first("hello")
        await ours.first("hello")
        lot = await site.receive(1)
        await site.move("person-1", 36.0, 33.0)
        await ours.unit(lot.unit_ids[0], lambda unit: unit["place"] == "slot")
        await theirs.unit(lot.unit_ids[0], lambda unit: unit["place"] == "slot")
        await ours.first("event", lambda frame: frame["event"]["kind"] == "verified_stock_changed")
        await theirs.first("event", lambda frame: frame["event"]["kind"] == "unit_crossed")

        def people() -> list[dict[str, Any]]:
            known = [asset for frame in theirs.of("assets") for asset in frame["assets"]]
            return [asset for asset in known if asset["kind"] == "person"]

        await theirs.until(people)
        assert all(person["label"].startswith("person-") for person in people())
        number = people()[0]["index"]
        await theirs.until(lambda: [p for _, frame in theirs.poses for p in frame if p.number == number])
        assert "unit_crossed" not in {frame["event"]["kind"] for frame in ours.of("event")}
        assert ours.of("weighbridge") == []
        assert number not in {pose.number for _, frame in ours.poses for pose in frame}
        assert number not in {asset["index"] for frame in ours.of("assets") for asset in frame["assets"]}


async def test_a_party_that_is_granted_a_lot_sees_it_and_one_that_lost_it_reads_anew(
    open_stream: Open, site: LivingSite, sign_in: SignIn
) -> None:
    first, second = await site.receive(1), await site.receive(1)
    async with site.database.write(Caller.product("test")) as tx:
        await grant_access(tx, site.bank, first.lot_id, cause="test")
    site.clock.advance(1)
    client = await sign_in("officer", site.bank)
    async with open_stream(client) as stream:
        await stream.first("hello")
        async with site.database.write(Caller.product("test")) as tx:
            await grant_access(tx, site.bank, second.lot_id, cause="test")
        site.clock.advance(1)
        await stream.unit(second.unit_ids[0], lambda unit: unit["lot_id"] == second.lot_id)
        async with site.database.write(Caller.product("test")) as tx:
            await revoke_access(tx, site.bank, second.lot_id, cause="test")
        assert await stream.closed() == CLOSE_VIEW_CHANGED


async def test_a_page_is_let_go_when_its_person_signs_out(
    open_stream: Open, site: LivingSite, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "SESSION_LOOKED_AT_EVERY_S", 0.05)
    client = await sign_in("operator", site.keeper)
    async with open_stream(client) as stream:
        await stream.first("hello")
        (await client.delete("/api/v1/session")).raise_for_status()
        assert await stream.closed() == CLOSE_SESSION_ENDED


async def test_pages_of_one_view_share_a_follower_and_the_last_one_stops_it(
    open_stream: Open, site: LivingSite, sign_in: SignIn
) -> None:
    def followers() -> list[str]:
        return [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("stream ")]

    first, second = await sign_in("operator", site.keeper), await sign_in("operator", site.keeper)
    async with open_stream(first) as one, open_stream(second) as two:
        await one.first("hello")
        await two.first("hello")
        assert followers() == [f"stream {site.site_id}"]
    async with asyncio.timeout(30):
        while followers():
            await asyncio.sleep(0.02)


async def test_a_database_that_is_away_for_a_moment_loses_nothing(
    open_stream: Open, site: LivingSite, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_stream(await sign_in("operator", site.keeper)) as stream:
        await stream.first("hello")
        failures = iter(range(2))
        step = hub.Follower._news

        async def breaks_twice(self: hub.Follower, read: ReadTx) -> hub.News:
            news = await step(self, read)
            if next(failures, None) is not None:
                raise Unavailable("database.unavailable")
            return news

        monkeypatch.setattr(hub.Follower, "_news", breaks_twice)
        lot = await site.receive(1)
        await stream.unit(lot.unit_ids[0], lambda unit: unit["place"] == "slot")
        await stream.first("event", lambda frame: frame["event"]["kind"] == "unit_set_down")
        cursors = [int(frame["cursor"]) for frame in stream.of("event")]
        assert cursors == sorted(set(cursors))
        assert next(failures, None) is None, "it was away"


async def test_a_follower_that_fails_for_good_lets_its_pages_go_and_the_next_begins_anew(
    open_stream: Open, site: LivingSite, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await sign_in("operator", site.keeper)
    async with open_stream(client) as stream:
        await stream.first("hello")
        with monkeypatch.context() as broken:

            async def fails(_: hub.Follower) -> None:
                raise RuntimeError("a fault")

            broken.setattr(hub.Follower, "step", fails)
            assert await stream.closed() == CLOSE_FAILED
    async with open_stream(client) as stream:
        await stream.first("hello")
        lot = await site.receive(1)
        await stream.unit(lot.unit_ids[0], lambda unit: unit["place"] == "slot")
