"""The stations of a story: each of a family whose firmware is simulated, honest unless told otherwise."""

from __future__ import annotations

from typing import Any

from migrate.simulator.behaviour import behaviour
from migrate.simulator.deal import StationSpec
from migrate.simulator.faults import Fault


def a_station(family: str, **facts: Any) -> StationSpec:
    """A station of a family's first hardware; the facts are its own and outrank what the family has."""
    hardware = behaviour(family).hardware[0]
    made = {"vendor": hardware.vendor, "model": hardware.model, "firmware": hardware.firmwares[0]}
    return StationSpec(**{**made, "family": family, "connectors": 1, "reboot_s": 30.0, **facts})


def a_station_called(name: str, family: str, fault: Fault = Fault.NONE, **facts: Any) -> StationSpec:
    """One by itself on its site, with a serial of its own."""
    own = {"identity": name, "serial": name[:25], "site_id": f"SITE-{name}", "fault": fault}
    return a_station(family, **{**own, **facts})
