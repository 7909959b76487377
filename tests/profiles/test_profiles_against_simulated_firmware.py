"""The catalogue against the simulated firmware, which spells its backend in code of its own.

For each family that the simulated fleet deals: the station holds the source's
address, the profile's unit is stored as it stands, and the firmware then says
what it would dial.
"""

from __future__ import annotations

from importlib.resources import files
from tomllib import loads
from typing import Any

import pytest

from migrate.domain.address import parse_backend
from migrate.domain.profile import Method
from migrate.domain.unit import prepare
from migrate.simulator.address import Layout, Slash, addresses, dial_url, spelling
from vendor_profiles import load_catalogue

FAMILIES = ("microocpp", "everest", "openocpp", "eviq", "keba", "alfen5", "alfen6", "amina", "growatt")
SOURCE = "ws://old.example:9016/ocpp"
KINDS = [
    (family, hardware["vendor"], hardware["model"], firmware)
    for family in FAMILIES
    for hardware in loads((files("migrate.simulator") / "behaviours" / f"{family}.toml").read_text())["hardware"]
    for firmware in hardware["firmwares"]
]


def behaviour(family: str) -> dict[str, Any]:
    return loads((files("migrate.simulator") / "behaviours" / f"{family}.toml").read_text())


@pytest.mark.parametrize("target", ["ws://127.0.0.1:9017/ocpp", "wss://new.example/steve/ws/", "ws://new.example"])
@pytest.mark.parametrize(("family", "vendor", "model", "firmware"), KINDS)
def test_a_station_dials_the_target_once_it_holds_the_unit(
    family: str, vendor: str, model: str, firmware: str, target: str
) -> None:
    data = behaviour(family)
    layout, names, slash = Layout(data["layout"]), tuple(data["backend_keys"]), Slash(data["slash"])
    flash = {key: fields.get("value", "") for key, fields in data["keys"].items()}
    flash |= spelling(layout, names, SOURCE, slash)
    profile = load_catalogue().match(vendor, model, firmware).profile
    assert profile is not None

    flash.update({write.key: write.new for write in prepare(profile, parse_backend(target), "CP 1", flash)})

    first = addresses(layout, names, flash)[0]
    default_port = {"ws": ":80", "wss": ":443"}[target.split(":", maxsplit=1)[0]]
    assert dial_url(first, "CP 1", slash).replace(default_port, "") == target.rstrip("/") + "/CP%201"


def test_a_station_that_only_a_visit_moves_gets_a_visit() -> None:
    for hardware in behaviour("visit_only")["hardware"]:
        match = load_catalogue().match(hardware["vendor"], hardware["model"], hardware["firmwares"][0])

        assert match.profile is not None
        assert match.profile.method is Method.VISIT
