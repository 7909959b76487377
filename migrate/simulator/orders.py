"""What the control socket can order: the things that happen to a fleet while somebody watches it.

Backends go down and come up, links break, drivers come and go, meters fail,
firmware is brought, crews visit.  An order names what happens, never what the
station makes of it: that is its family's and its supplier's own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from websockets.exceptions import ConnectionClosed

from migrate.simulator.control import BadOrder, Handler, Order
from migrate.simulator.csms import Strength
from migrate.simulator.deal import drawn, planted_ends
from migrate.simulator.faults import Fault
from migrate.simulator.habits import Flashing, Shelling, Webbing
from migrate.simulator.obedience import WORDS
from migrate.simulator.wirelog import Side

if TYPE_CHECKING:
    from migrate.simulator.csms import SimulatedCsms
    from migrate.simulator.fleet import Fleet
    from migrate.simulator.station import SimulatedStation

SIDES = (Side.SOURCE, Side.TARGET)
BOOT_ANSWERS = ("Accepted", "Pending", "Rejected")
FOR_EVER_S = 1e9


def orders_of(fleet: Fleet) -> Mapping[str, Handler]:
    """Every order by its name, each bound to this fleet."""
    return {name: _bound(order, fleet) for name, order in ORDERS.items()}


def _bound(order: Callable[[Fleet, Order], Awaitable[dict[str, Any]]], fleet: Fleet) -> Handler:
    return lambda facts: order(fleet, facts)


# crews and questions


async def visit(fleet: Fleet, order: Order) -> dict[str, Any]:
    """A crew changes the backend by hand: to the target unless the order names the source."""
    return {"sent": fleet.send_crew(_station(fleet, order).spec.identity, _side(order, Side.TARGET))}


async def snapshot(fleet: Fleet, _order: Order) -> dict[str, Any]:
    """Where every station is and what it holds."""
    return {"stations": [_picture(station) for station in fleet.stations.values()]}


async def drawn_times(fleet: Fleet, _order: Order) -> dict[str, Any]:
    return {"reboot_s": drawn(fleet.config.stations)}


async def planted(fleet: Fleet, _order: Order) -> dict[str, Any]:
    """What is wrong with whom, and how that has to end."""
    return {"planted": planted_ends(fleet.config.stations)}


async def stop(fleet: Fleet, _order: Order) -> dict[str, Any]:
    asyncio.get_running_loop().call_soon(fleet.stopping.set)
    return {}


# backends


async def csms_down(fleet: Fleet, order: Order) -> dict[str, Any]:
    await _csms(fleet, order).down()
    return {}


async def csms_up(fleet: Fleet, order: Order) -> dict[str, Any]:
    """Up again as it was, or with another `strength`."""
    try:
        strength = Strength(**order["strength"]) if "strength" in order else None
    except (TypeError, ValueError) as error:
        raise BadOrder(f"strength: {error}") from error
    await _csms(fleet, order).up(strength)
    return {}


async def csms_slow(fleet: Fleet, order: Order) -> dict[str, Any]:
    """From now on this CSMS takes so many real seconds for every answer."""
    _csms(fleet, order).slow_s = _seconds(order, "real_s", None)
    return {}


async def csms_load(fleet: Fleet, order: Order) -> dict[str, Any]:
    """How it fares: how many boots waited at once at the worst, and how often it died of them."""
    csms = _csms(fleet, order)
    return {"is_up": csms.is_up, "most_waiting": csms.most_waiting, "deaths": csms.deaths}


async def csms_call(fleet: Fleet, order: Order) -> dict[str, Any]:
    """This CSMS sends a command of its own, as backends do in the middle of a migration; the whole answering frame."""
    action, payload = order.get("action"), order.get("payload", {})
    if not isinstance(action, str) or not isinstance(payload, dict):
        raise BadOrder("action must be a name and payload an object")
    identity = _station(fleet, order).spec.identity
    try:
        return {"answer": await _csms(fleet, order).call(identity, action, payload)}
    except (KeyError, TimeoutError, OSError, ConnectionClosed) as error:
        return {"answer": None, "why": type(error).__name__}


async def csms_drop(fleet: Fleet, order: Order) -> dict[str, Any]:
    """This CSMS cuts the station's session off, as after a restart of one of its nodes."""
    return {"dropped": _csms(fleet, order).drop(_station(fleet, order).spec.identity)}


async def csms_password(fleet: Fleet, order: Order) -> dict[str, Any]:
    """This CSMS's operator enters another password for a station."""
    csms, password = _csms(fleet, order), order.get("password")
    if not isinstance(password, str) or not password:
        raise BadOrder("password must be the new one")
    known = {**(csms.guard.passwords or {}), str(order.get("identity")): password}
    csms.guard = replace(csms.guard, passwords=known)
    return {}


async def boot_answer(fleet: Fleet, order: Order) -> dict[str, Any]:
    """From now on this CSMS answers this station's boots so."""
    if order.get("status") not in BOOT_ANSWERS:
        raise BadOrder(f"status must be one of {', '.join(BOOT_ANSWERS)}")
    _csms(fleet, order).boot_answers[str(order.get("identity"))] = str(order["status"])
    return {}


# what happens to a station


async def drop_link(fleet: Fleet, order: Order) -> dict[str, Any]:
    """Its network is gone for `for_s` campaign seconds."""
    _station(fleet, order).lose_link(_seconds(order, "for_s", 0.0))
    return {}


async def power_cycle(fleet: Fleet, order: Order) -> dict[str, Any]:
    return {"done": _station(fleet, order).power_cycle()}


async def start_transaction(fleet: Fleet, order: Order) -> dict[str, Any]:
    """A driver plugs in and charges for `for_s` campaign seconds, or until `stop_transaction`."""
    return {"started": _station(fleet, order).take_driver(_seconds(order, "for_s", FOR_EVER_S))}


async def stop_transaction(fleet: Fleet, order: Order) -> dict[str, Any]:
    connector = _station(fleet, order).connector
    was_charging = connector.is_charging
    connector.unplugged.set()
    return {"stopped": was_charging}


async def meter_failure(fleet: Fleet, order: Order) -> dict[str, Any]:
    _station(fleet, order).fail_meter()
    return {}


async def go_wrong(fleet: Fleet, order: Order) -> dict[str, Any]:
    """From now on the station has this fault: one that moved well need not come back well."""
    try:
        fault = Fault(str(order.get("fault")))
    except ValueError as error:
        raise BadOrder(f"fault must be one of {', '.join(Fault)}") from error
    _station(fleet, order).go_wrong(fault)
    return {}


async def shelling(fleet: Fleet, order: Order) -> dict[str, Any]:
    """From now on its SSH server is of this manner."""
    station = _station(fleet, order)
    host = fleet.ssh_hosts.get(station.spec.identity)
    if host is None:
        raise BadOrder(f"{station.spec.identity!r} serves no SSH")
    try:
        station.ways = station.ways.but({"shelling": order.get("manner")})
    except ValueError as error:
        raise BadOrder(f"manner must be one of {', '.join(Shelling)}") from error
    await host.turn()
    return {}


async def webbing(fleet: Fleet, order: Order) -> dict[str, Any]:
    """From now on its HTTP interface, or its maker's cloud on its behalf, is of this manner."""
    station = _station(fleet, order)
    try:
        station.ways = station.ways.but({"webbing": order.get("manner")})
    except ValueError as error:
        raise BadOrder(f"manner must be one of {', '.join(Webbing)}") from error
    return {}


async def cloud_limit(fleet: Fleet, order: Order) -> dict[str, Any]:
    """So many requests more, and then the makers' cloud asks once to be left alone for `for_s` real seconds."""
    fleet.cloud.left_before_limit = int(_seconds(order, "after", 0.0))
    fleet.cloud.limit_s = _seconds(order, "for_s", 1.0)
    return {"logins": fleet.cloud.logins}


async def host_keys(fleet: Fleet, _order: Order) -> dict[str, Any]:
    """The host key of every station that serves SSH, as its label would show it."""
    return {"host_keys": {identity: host.public_key for identity, host in fleet.ssh_hosts.items()}}


async def update_firmware(fleet: Fleet, order: Order) -> dict[str, Any]:
    """Its maker brings new firmware, by a way of his own; the station restarts with it."""
    version, station = order.get("version"), _station(fleet, order)
    if not isinstance(version, str) or not version:
        raise BadOrder("version must be the new firmware's")
    if station.session:
        station.session.flash_firmware(WORDS[Flashing.UPDATES], version)
    return {"sent": station.session is not None}


ORDERS: Mapping[str, Callable[[Fleet, Order], Awaitable[dict[str, Any]]]] = {
    "visit": visit,
    "snapshot": snapshot,
    "drawn": drawn_times,
    "planted": planted,
    "stop": stop,
    "csms_down": csms_down,
    "csms_up": csms_up,
    "csms_slow": csms_slow,
    "csms_load": csms_load,
    "csms_call": csms_call,
    "csms_drop": csms_drop,
    "csms_password": csms_password,
    "boot_answer": boot_answer,
    "drop_link": drop_link,
    "power_cycle": power_cycle,
    "start_transaction": start_transaction,
    "stop_transaction": stop_transaction,
    "meter_failure": meter_failure,
    "go_wrong": go_wrong,
    "shelling": shelling,
    "webbing": webbing,
    "cloud_limit": cloud_limit,
    "host_keys": host_keys,
    "update_firmware": update_firmware,
}


def _station(fleet: Fleet, order: Order) -> SimulatedStation:
    station = fleet.stations.get(str(order.get("identity")))
    if station is None:
        raise BadOrder(f"no station {order.get('identity')!r}")
    return station


def _csms(fleet: Fleet, order: Order) -> SimulatedCsms:
    return fleet.csms[_side(order)]


def _side(order: Order, default: Side | None = None) -> Side:
    side = order.get("side", default)
    if side not in SIDES:
        raise BadOrder("side must be source or target")
    return Side(side)


def _seconds(order: Order, name: str, default: float | None) -> float:
    value = order.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= FOR_EVER_S:
        raise BadOrder(f"{name} must be a number of seconds")
    return float(value)


def _picture(station: SimulatedStation) -> dict[str, Any]:
    return {
        "identity": station.spec.identity,
        "side": station.side,
        "state": station.state,
        "fault": station.spec.fault,
        "held": station.held,
        "transaction": station.connector.is_charging,
        "firmware": station.spec.firmware,
        "error": station.connector.error,
    }
