"""The packaged catalogue: every file is sound, and every profile writes what its sources say."""

from __future__ import annotations

import csv
from importlib.resources import files
from pathlib import Path

import pytest

from migrate.domain.address import parse_backend
from migrate.domain.profile import Method, Profile, Rollback
from migrate.domain.unit import prepare, undo, visit_steps
from vendor_profiles import load_catalogue, read_profiles

PLAIN = parse_backend("ws://new.example:8080/ocpp")
SECURE = parse_backend("wss://new.example/steve/ws/")

PACKED = "ocppVersion{OCPP16}ocppCsmsUrl{%s}messageTimeout{10}securityProfile{0}ocppInterface{Wired0}"

HELD: dict[str, dict[str, str | None]] = {
    "microocpp": {"Cst_BackendUrl": "ws://old/ocpp"},
    "everest_libocpp16": {"CentralSystemURI": "old/ocpp/CP1"},
    "openocpp": {"CentralSystemURL": "ws://old/ocpp"},
    "open_ocpp_eviq": {"ConnexionUrl": "ws://old/ocpp/"},
    "keba_p30x": {
        "CentralSystemAddress": "old",
        "CentralSystemPort": "80",
        "CentralSystemPath": "/ocpp",
        "SetSecureOutgoingConnection": "false",
    },
    "alfen_fw5": {"BackOffice-URL-wired": "ws://old:80", "BackOffice-Path-wired": "/ocpp"},
    "alfen_fw6": {"BackOfficeNetworkProfile1": PACKED % "ws://old/ocpp"},
    "amina_fw4": {
        "NetworkConnectionProfile1": "ws://old/ocpp",
        "NetworkConnectionProfile2": "",
        "NetworkConfigurationPriority": "NetworkConnectionProfile1,NetworkConnectionProfile2",
    },
    "growatt_thor": {"G_ServerURL": "ws://old/ocpp/"},
}
HELD["amina_fw3"] = {
    "NetworkConnectionProfile1": "",
    "NetworkConnectionProfile2": "ws://old/ocpp",
    "NetworkConfigurationPriority": "NetworkConnectionProfile2",
}

GOLDEN_PLAIN: dict[str, list[tuple[str, str]]] = {
    "microocpp": [("Cst_BackendUrl", "ws://new.example:8080/ocpp")],
    "everest_libocpp16": [("CentralSystemURI", "ws://new.example:8080/ocpp")],
    "openocpp": [("CentralSystemURL", "ws://new.example:8080/ocpp")],
    "open_ocpp_eviq": [("ConnexionUrl", "ws://new.example:8080/ocpp/")],
    "keba_p30x": [
        ("CentralSystemPath", "/ocpp"),
        ("CentralSystemPort", "8080"),
        ("SetSecureOutgoingConnection", "false"),
        ("CentralSystemAddress", "new.example"),
    ],
    "alfen_fw5": [("BackOffice-Path-wired", "/ocpp"), ("BackOffice-URL-wired", "ws://new.example:8080")],
    "alfen_fw6": [("BackOfficeNetworkProfile1", PACKED % "ws://new.example:8080/ocpp")],
    "amina_fw4": [
        ("NetworkConnectionProfile2", "ws://new.example:8080/ocpp"),
        ("NetworkConfigurationPriority", "NetworkConnectionProfile2,NetworkConnectionProfile1"),
    ],
    "amina_fw3": [
        ("NetworkConnectionProfile1", "ws://new.example:8080/ocpp"),
        ("NetworkConfigurationPriority", "NetworkConnectionProfile1,NetworkConnectionProfile2"),
    ],
    "growatt_thor": [("G_ServerURL", "ws://new.example:8080/ocpp/")],
}

GOLDEN_SECURE: dict[str, list[tuple[str, str]]] = {
    "microocpp": [("Cst_BackendUrl", "wss://new.example/steve/ws")],
    "open_ocpp_eviq": [("ConnexionUrl", "wss://new.example/steve/ws/")],
    "keba_p30x": [
        ("CentralSystemPath", "/steve/ws"),
        ("CentralSystemPort", "443"),
        ("SetSecureOutgoingConnection", "true"),
        ("CentralSystemAddress", "new.example"),
    ],
    "alfen_fw5": [("BackOffice-Path-wired", "/steve/ws"), ("BackOffice-URL-wired", "wss://new.example")],
    "growatt_thor": [("G_ServerURL", "wss://new.example/steve/ws/")],
}

CATALOGUE = load_catalogue()
WRITING = [profile for profile in CATALOGUE.profiles if profile.method is Method.CHANGE_CONFIGURATION]
VISITING = [profile for profile in CATALOGUE.profiles if profile.method is Method.VISIT]


def name_of(profile: Profile) -> str:
    return profile.name


@pytest.mark.parametrize(
    "file", sorted(f.name for f in (files("vendor_profiles") / "catalogue").iterdir() if f.name.endswith(".yaml"))
)
def test_every_packaged_file_is_sound(file: str) -> None:
    text = (files("vendor_profiles") / "catalogue" / file).read_text(encoding="utf-8")

    reading = read_profiles(text, file=file)

    assert not reading.problems, "\n".join(map(str, reading.problems))
    assert reading.profiles


def test_every_profile_that_writes_has_a_golden_rendering() -> None:
    assert {profile.name for profile in WRITING} == set(GOLDEN_PLAIN) == set(HELD)


@pytest.mark.parametrize("profile", WRITING, ids=name_of)
def test_a_station_is_sent_exactly_what_its_sources_say(profile: Profile) -> None:
    unit = prepare(profile, PLAIN, "CP1", HELD[profile.name])

    assert [(write.key, write.new) for write in unit] == GOLDEN_PLAIN[profile.name]


@pytest.mark.parametrize("name", GOLDEN_SECURE)
def test_a_move_to_tls_and_a_long_path_keeps_each_familys_form(name: str) -> None:
    profile = CATALOGUE.get(name)
    assert profile is not None

    unit = prepare(profile, SECURE, "CP1", HELD[name])

    assert [(write.key, write.new) for write in unit] == GOLDEN_SECURE[name]


@pytest.mark.parametrize("profile", WRITING, ids=name_of)
def test_undo_puts_every_old_value_back_in_reverse(profile: Profile) -> None:
    now = dict(HELD[profile.name])
    unit = prepare(profile, PLAIN, "CP1", now)
    now.update({write.key: write.new for write in unit})

    back = undo(unit, now)
    now.update({write.key: write.new for write in back})

    changed = [write.key for write in unit if write.old != write.new]
    assert [write.key for write in back] == list(reversed(changed))
    assert now == HELD[profile.name]


@pytest.mark.parametrize("profile", WRITING, ids=name_of)
def test_every_key_that_is_written_was_asked_for_before(profile: Profile) -> None:
    unit = prepare(profile, PLAIN, "CP1", HELD[profile.name])

    assert {write.key for write in unit} <= set(profile.reads)


def test_only_families_that_keep_the_old_backend_promise_to_return_by_themselves() -> None:
    automatic = {profile.name for profile in CATALOGUE.profiles if profile.rollback is Rollback.AUTOMATIC}

    assert automatic == {"openocpp", "amina_fw3", "amina_fw4"}


@pytest.mark.parametrize("profile", VISITING, ids=name_of)
def test_a_visit_tells_the_crew_the_address_or_how_to_find_the_form(profile: Profile) -> None:
    steps = visit_steps(profile, SECURE, "CP1")

    assert any("new.example" in step for step in steps)
    assert not any("${" in step for step in steps)
    assert len(steps) >= 3


@pytest.mark.parametrize("profile", CATALOGUE.profiles, ids=name_of)
def test_every_profile_names_its_sources_and_says_what_is_not_known(profile: Profile) -> None:
    assert profile.sources
    assert profile.notes


BOOTS = {
    "Wall Box Chargers": "wallbox",
    "Schneider Electric": "schneider_evlink",
    "Bender GmbH Co. KG": "bender_cc61x",
    "Webasto": "bender_cc61x",
    "Keba AG": "keba_p30x",
    "EV-BOX": "evbox",
    "EVBOX": "evbox",
    "EVBox": "evbox",
    "Autel": "autel_maxicharger",
    "TEISON": "teison",
    "go-e": "go_e",
    "VESTEL": "vestel_evc04",
    "BS AC EV Charger": "ocular_bs",
    "EN+": "enplus",
    "OpenEVSE": "microocpp",
}
BOOTS_BY_MODEL = {
    ("ABB", "CDT_TACW22::NET_WIFI"): "abb_terra_ac",
    ("ABB", "CDT_TACW22::NET_ETH"): "abb_terra_ac",
    ("ABB", "CDT_TACW7::NET_WIFI"): "abb_terra_ac",
    ("ABB", "CDT_TACW11"): "abb_terra_ac",
    ("United Chargers", "GRS-*"): "grizzl_e",
    ("Schneider Electric", "EVlink Pro AC"): "schneider_evlink_pro",
    ("Schneider Electric", "City (On Street)"): None,  # its firmware is not known
    ("Alfen BV", "NG910-60023"): "alfen_fw5",
    ("Alfen BV", "EVe-dual"): "alfen_fw5",
}
BOOTS_BY_FIRMWARE = {"7.4.5-4415": "alfen_fw6", "5.8.1-4123": "alfen_fw5"}


def test_every_boot_seen_in_the_field_gets_its_profile_or_an_honest_none(shared_data: Path) -> None:
    with (shared_data / "boot_strings.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))

    for row in rows:
        vendor, model, firmware = row["vendor"], row["model"], row["firmwareVersion"]
        expected = BOOTS_BY_FIRMWARE.get(firmware, BOOTS_BY_MODEL.get((vendor, model), BOOTS.get(vendor)))
        match = CATALOGUE.match(vendor, model, firmware)
        assert (match.profile.name if match.profile else None) == expected, (vendor, model, firmware, match.why)
        assert match.why

    assert len(rows) > 90
