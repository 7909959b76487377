"""The catalogue against the simulated firmware, which spells its backend in code of its own.

For each family that the simulated fleet deals: the station holds the source's
address, the profile's unit is stored as it stands, and the firmware then says
what it would dial.
"""

from __future__ import annotations

from importlib.resources import files
from tomllib import loads

import pytest

from migrate.domain.address import parse_backend
from migrate.domain.filling import Goal, prepare
from migrate.domain.profile import Method
from migrate.domain.ways import Way
from migrate.simulator.address import Layout, Slash, addresses, dial_url, spelling
from migrate.simulator.behaviour import HTTP_FAMILIES, KEYED_FAMILIES, VISIT_FAMILIES
from vendor_profiles import load_catalogue

BEHAVIOURS = {
    name: loads((files("migrate.simulator") / "behaviours" / f"{name}.toml").read_text(encoding="utf-8"))
    for name in (*KEYED_FAMILIES, *VISIT_FAMILIES, *HTTP_FAMILIES)
}
FAMILIES = sorted(KEYED_FAMILIES)
WITHOUT_KEY = sorted((*VISIT_FAMILIES, *HTTP_FAMILIES))
SOURCE = "ws://old.example:9016/ocpp"
KINDS = [
    (family, hardware["vendor"], hardware["model"], firmware)
    for family in FAMILIES
    for hardware in BEHAVIOURS[family]["hardware"]
    for firmware in hardware["firmwares"]
]


@pytest.mark.parametrize("target", ["ws://127.0.0.1:9017/ocpp", "wss://new.example/steve/ws/", "ws://new.example"])
@pytest.mark.parametrize(("family", "vendor", "model", "firmware"), KINDS)
def test_a_station_dials_the_target_once_it_holds_the_unit(
    family: str, vendor: str, model: str, firmware: str, target: str
) -> None:
    data = BEHAVIOURS[family]
    layout, names, slash = Layout(data["layout"]), tuple(data["backend_keys"]), Slash(data["slash"])
    flash = {key: fields.get("value", "") for key, fields in data["keys"].items()}
    flash |= spelling(layout, names, SOURCE, slash, "CP 1")
    profile = load_catalogue().match(vendor, model, firmware).profile
    assert profile is not None

    flash.update(
        {
            write.key: write.new
            for write in prepare(profile, Goal(backend=parse_backend(target), identity="CP 1"), flash)
        }
    )

    first = addresses(layout, names, flash)[0]
    default_port = {"ws": ":80", "wss": ":443"}[target.split(":", maxsplit=1)[0]]
    assert dial_url(first, "CP 1", slash).replace(default_port, "") == target.rstrip("/") + "/CP%201"


@pytest.mark.parametrize("family", WITHOUT_KEY)
def test_a_station_without_a_key_for_its_backend_is_sent_none(family: str) -> None:
    for hardware in BEHAVIOURS[family]["hardware"]:
        match = load_catalogue().match(hardware["vendor"], hardware["model"], hardware["firmwares"][0])

        assert match.profile is not None, match.why
        assert match.profile.method not in (Method.CHANGE_CONFIGURATION, Method.NETWORK_PROFILE)
        assert not [write.key for write in match.profile.writes if write.via is Way.OCPP]


def test_every_profile_that_writes_was_tried_on_a_simulated_firmware() -> None:
    matched = {load_catalogue().match(vendor, model, firmware).profile for _, vendor, model, firmware in KINDS}

    assert {profile.name for profile in matched if profile} == {
        p.name for p in load_catalogue().profiles if p.method is Method.CHANGE_CONFIGURATION
    }
