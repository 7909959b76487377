"""Profiles that go by other ways than the keys of OCPP 1.6: what each writes, by which way, and what it leaves."""

from __future__ import annotations

import json

import pytest

from migrate.domain.address import parse_backend
from migrate.domain.errors import Mismatch
from migrate.domain.filling import Goal, prepare
from migrate.domain.profile import Method, Profile
from migrate.domain.unit import undo
from migrate.domain.ways import Way
from vendor_profiles import Catalogue, load_catalogue, on_request

NEW = parse_backend("wss://new.example:8443/ocpp")
GOAL = Goal(backend=NEW, identity="CP1")
EVERY = Catalogue((*load_catalogue().profiles, *on_request().profiles))
OTHERS = [p for p in EVERY.profiles if p.method not in (Method.CHANGE_CONFIGURATION, Method.VISIT)]
SLOTS: dict[str, str | None] = {
    "NetworkProfile[1]": None,
    "NetworkProfile[2]": None,
    "OCPPCommCtrlr.NetworkConfigurationPriority": "1",
    "OCPPCommCtrlr.ActiveNetworkProfile": "1",
    "SecurityCtrlr.SecurityProfile": "1",
}


def slot(**fields: str | int) -> str:
    usual = {
        "ocppVersion": "OCPP20",
        "ocppTransport": "JSON",
        "ocppCsmsUrl": "wss://new.example:8443/ocpp",
        "messageTimeout": 30,
        "securityProfile": 1,
        "ocppInterface": "Wired0",
    }
    return json.dumps(usual | fields)


PRIORITY = "OCPPCommCtrlr.NetworkConfigurationPriority"
GOLDEN: dict[str, tuple[dict[str, str | None], list[tuple[Way, str, str]]]] = {
    "everest_libocpp201": (SLOTS, [(Way.OCPP, "NetworkProfile[2]", slot()), (Way.OCPP, PRIORITY, "2,1")]),
    "openocpp201": (
        SLOTS | {"OCPPCommCtrlr.ActiveNetworkProfile": "2", "OCPPCommCtrlr.NetworkConfigurationPriority": "2"},
        [(Way.OCPP, "NetworkProfile[1]", slot(ocppInterface="Wireless0")), (Way.OCPP, PRIORITY, "1,2")],
    ),
    "microocpp201": (
        {"SecurityCtrlr.CsmsUrl": "ws://old/ocpp"},
        [(Way.OCPP, "SecurityCtrlr.CsmsUrl", "wss://new.example:8443/ocpp")],
    ),
    "alfen201_fw5": (
        {
            "AlfenStation.BackOffice-URL-wired": "ws://old:80",
            "AlfenStation.BackOffice-Path-wired": "",
            "AlfenStation.BackOffice-URL-APN": "",
            "AlfenStation.BackOffice-Path-APN": "",
        },
        [
            (Way.OCPP, "AlfenStation.BackOffice-Path-wired", "/ocpp"),
            (Way.OCPP, "AlfenStation.BackOffice-URL-wired", "wss://new.example:8443"),
        ],
    ),
    "smartevse": (
        {"backend_url": "ws://old/ocpp"},
        [(Way.HTTP, "backend_url", "wss://new.example:8443/ocpp")],
    ),
    "warp": ({"url": "ws://old/ocpp"}, [(Way.HTTP, "url", "wss://new.example:8443/ocpp")]),
    "go_e": ({"ocppu": "ws://old/ocpp/CP1"}, [(Way.HTTP, "ocppu", "wss://new.example:8443/ocpp/CP1")]),
    "easee": ({"url": "ws://old/ocpp"}, [(Way.HTTP, "url", "wss://new.example:8443/ocpp")]),
    "bender_cc61x_ssh": (
        {"OCPPBackendJSONURL": "ws://old/ocpp/"},
        [(Way.SSH, "OCPPBackendJSONURL", "wss://new.example:8443/ocpp/")],
    ),
    "keba_p30x_old": (
        {
            "firmware": "1.9.3",
            "CentralSystemAddress": "old",
            "CentralSystemPort": "80",
            "CentralSystemPath": "",
            "SetSecureOutgoingConnection": "false",
        },
        [
            (Way.FIRMWARE, "firmware", "1.18.0"),
            (Way.OCPP, "CentralSystemPath", "/ocpp"),
            (Way.OCPP, "CentralSystemPort", "8443"),
            (Way.OCPP, "SetSecureOutgoingConnection", "true"),
            (Way.OCPP, "CentralSystemAddress", "new.example"),
        ],
    ),
}
"""What a station holds, and what it is then told."""


def named(name: str) -> Profile:
    profile = EVERY.get(name)
    assert profile is not None
    return profile


def test_every_profile_that_goes_by_another_way_has_a_golden_rendering() -> None:
    assert {profile.name for profile in OTHERS} == set(GOLDEN)


@pytest.mark.parametrize("name", GOLDEN)
def test_a_station_is_told_exactly_what_its_sources_say(name: str) -> None:
    held, told = GOLDEN[name]

    unit = prepare(named(name), GOAL, held)

    assert [(write.via, write.key, write.new) for write in unit] == told


@pytest.mark.parametrize("name", GOLDEN)
def test_what_a_move_leaves_behind_is_a_firmware_or_a_slot_that_nothing_refers_to(name: str) -> None:
    held, _ = GOLDEN[name]
    unit = prepare(named(name), GOAL, held)
    now = dict(held) | {write.key: write.new for write in unit}

    back = undo(unit, now)
    now.update({write.key: write.new for write in back})

    left = {key for key, value in held.items() if now[key] != value}
    assert left <= {"firmware", "NetworkProfile[1]", "NetworkProfile[2]"}


@pytest.mark.parametrize("name", GOLDEN)
def test_a_station_that_lacks_what_its_profile_writes_is_told_nothing(name: str) -> None:
    with pytest.raises(Mismatch):
        prepare(named(name), GOAL, {})


@pytest.mark.parametrize("name", ["bender_cc61x_ssh", "keba_p30x_old"])
def test_a_profile_on_request_writes_nothing_where_nothing_is_held(name: str) -> None:
    """The file of a key that was seen once; the keys of a firmware that no source covers."""
    held = {key: value if key == "firmware" else "" for key, value in GOLDEN[name][0].items()}

    with pytest.raises(Mismatch, match="finds its backend by another setting"):
        prepare(named(name), GOAL, held)
