"""Seven suppliers, six habits each: what their stations do when a link breaks, a driver comes, a meter fails."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from migrate.simulator.behaviour import SUPPLIERS, flavour
from migrate.simulator.control import BadOrder
from migrate.simulator.deal import StationSpec, deal
from migrate.simulator.faults import FAULT_SETS
from migrate.simulator.orders import ORDERS
from migrate.simulator.wirelog import Kind, Side

pytestmark = pytest.mark.story

FACTS = Path(__file__).parents[2] / "../shared/reference/flavours.csv"
COLUMNS = {
    "boot_notification_after_link_loss": "boots_on_reconnect",
    "socket_update_after_transaction_stop": "reports_stop",
    "socket_update_after_transaction_start": "reports_start",
    "socket_update_after_link_loss": "reports_on_reconnect",
    "status_notifications_after_firmware_update": "reports_after_firmware",
    "stays_faulted_after_power_meter_failure": "stays_faulted",
}

every_supplier = pytest.mark.parametrize("supplier", SUPPLIERS)


def statuses(there: Any, after: int = 0) -> list[str]:
    return [event.status for event in there.log(Kind.STATUS) if event.seq > after and event.key == "1"]


def newest(there: Any) -> int:
    seq: int = there.log()[-1].seq
    return seq


async def ordered(there: Any, op: str, **facts: Any) -> dict[str, Any]:
    return await ORDERS[op](there.fleet, {"identity": "SIM-1", **facts})


async def opened(field: Any, station_of: Any, supplier: str) -> Any:
    """A station of this supplier that has said all it has to say at first."""
    there = await field([station_of("everest", flavour=supplier)])
    await there.until(lambda: len(statuses(there)) == 1)
    return there


def test_the_suppliers_are_as_they_were_described() -> None:
    if not FACTS.exists():
        pytest.skip(f"{FACTS.name} is not on this machine")
    with FACTS.open() as lines:
        told = {row["supplier"]: {COLUMNS[c]: row[c] == "yes" for c in COLUMNS} for row in csv.DictReader(lines)}

    assert told == {supplier: flavour(supplier) for supplier in SUPPLIERS}


@every_supplier
async def test_after_a_lost_link_a_station_says_what_its_supplier_has_it_say(
    field: Any, station_of: Any, supplier: str
) -> None:
    there = await opened(field, station_of, supplier)
    before = newest(there)

    await ordered(there, "drop_link", for_s=30)
    await there.until(lambda: len(there.log(Kind.CONNECTED)) == 2)
    await there.until_answers()
    await there.until(lambda: len(there.log(Kind.BOOT_ACCEPTED)) == 1 + flavour(supplier)["boots_on_reconnect"])
    await there.until(lambda: len(statuses(there, before)) == flavour(supplier)["reports_on_reconnect"])

    assert there.log(Kind.RESTART) == []


@every_supplier
async def test_a_driver_who_comes_and_goes_is_reported_or_not(field: Any, station_of: Any, supplier: str) -> None:
    there = await opened(field, station_of, supplier)
    before, habits = newest(there), flavour(supplier)

    started = await ordered(there, "start_transaction")
    await there.until(lambda: there.fleet.stations["SIM-1"].connector.transaction is not None)
    again = await ordered(there, "start_transaction")
    stopped = await ordered(there, "stop_transaction")
    expected = ["Charging"] * habits["reports_start"] + ["Available"] * habits["reports_stop"]
    await there.until(lambda: len(there.log(Kind.TRANSACTION_STOPPED)) == 1)
    await there.until(lambda: statuses(there, before) == expected)

    assert (started, again, stopped) == ({"started": True}, {"started": False}, {"stopped": True})
    assert there.log(Kind.TRANSACTION_STOPPED)[0].status == "Local"


@every_supplier
async def test_after_new_firmware_it_boots_with_it_and_reports_its_connectors_or_does_not(
    field: Any, station_of: Any, supplier: str
) -> None:
    there = await opened(field, station_of, supplier)
    before = newest(there)

    await ordered(there, "update_firmware", version="2026.1.0")
    await there.until(lambda: [e.status for e in there.log(Kind.FIRMWARE)][-1:] == ["Installed"])
    await there.until(lambda: len(statuses(there, before)) == flavour(supplier)["reports_after_firmware"])

    assert [e.status for e in there.log(Kind.FIRMWARE)] == ["Downloading", "Downloaded", "Installing", "Installed"]
    assert there.fleet.stations["SIM-1"].spec.firmware == "2026.1.0"
    assert there.source.boots["SIM-1"] == 2


@every_supplier
async def test_a_failed_meter_heals_by_itself_or_only_by_a_restart(field: Any, station_of: Any, supplier: str) -> None:
    there = await opened(field, station_of, supplier)
    before, stays = newest(there), flavour(supplier)["stays_faulted"]

    await ordered(there, "meter_failure")
    await there.until(lambda: statuses(there, before)[:1] == ["Faulted, PowerMeterFailure"])
    taken = await ordered(there, "start_transaction")
    if not stays:
        await there.until(lambda: statuses(there, before)[-1] == "Available")
    await ordered(there, "power_cycle")
    await there.until(lambda: there.source.boots["SIM-1"] == 2)
    await there.until(lambda: statuses(there, before)[-1] == "Available")

    assert taken == {"started": False}
    restart = there.log(Kind.RESTART)[0].seq
    healed = [e for e in there.log(Kind.STATUS) if before < e.seq < restart and e.status == "Available"]
    assert bool(healed) is not stays


def test_suppliers_are_dealt_in_turn_and_survive_the_file() -> None:
    fleet = deal(4, 70, FAULT_SETS["all"], suppliers=SUPPLIERS)

    assert [spec.flavour for spec in fleet[:7]] == list(SUPPLIERS)
    assert [StationSpec.from_json(spec.to_json()) for spec in fleet] == fleet


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        ({"flavour": "H"}, "H"),
        ({"ways": {"resetting": "explodes"}}, "explodes"),
        ({"ways": {"layout": "hidden"}}, "layout"),
        ({"ways": {"speed": 3}}, "speed"),
    ],
    ids=["no such supplier", "no such manner", "not to be switched", "no such way"],
)
def test_a_way_that_no_station_has_is_refused_when_the_file_is_read(facts: dict[str, Any], word: str) -> None:
    spec = deal(1, 1, FAULT_SETS["none"])[0].to_json()

    with pytest.raises((KeyError, ValueError, TypeError), match=word):
        StationSpec.from_json(spec | facts)


async def test_orders_that_make_no_sense_are_answered_and_change_nothing(field: Any, station_of: Any) -> None:
    there = await field([station_of("everest")])
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("drop_link", {"for_s": -1}),
        ("drop_link", {"identity": "nobody"}),
        ("csms_slow", {"side": "source", "real_s": "long"}),
        ("update_firmware", {"version": ""}),
        ("csms_call", {"side": "source", "action": 7}),
    ]

    for op, facts in wrong:
        with pytest.raises(BadOrder):
            await ordered(there, op, **facts)

    assert there.fleet.stations["SIM-1"].side is Side.SOURCE
    assert len(there.log(Kind.CONNECTED)) == 1
