"""The packaged catalogue: every file is sound, and every profile writes what its sources say."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from migrate.domain.address import parse_backend
from migrate.domain.errors import Mismatch
from migrate.domain.filling import Goal, prepare, visit_steps
from migrate.domain.profile import Method, Profile, Proof, Rollback
from migrate.domain.unit import undo
from vendor_profiles import load_catalogue, on_request, read_profiles

PLAIN = parse_backend("ws://new.example:8080/ocpp")
SECURE = parse_backend("wss://new.example/steve/ws/")

PACKED = "ocppVersion{OCPP16}ocppCsmsUrl{%s}messageTimeout{10}securityProfile{0}ocppInterface{Wired0}"

HELD: dict[str, dict[str, str | None]] = {
    "microocpp": {"Cst_BackendUrl": "ws://old/ocpp"},
    "openevse": {"Cst_BackendUrl": "ws://old/ocpp"},
    "everest_libocpp16": {"CentralSystemURI": "old/ocpp/CP1"},
    "openocpp": {"CentralSystemURL": "ws://old/ocpp"},
    "open_ocpp_eviq": {"ConnexionUrl": "ws://old/ocpp/"},
    "keba_p30x": {
        "CentralSystemAddress": "old",
        "CentralSystemPort": "80",
        "CentralSystemPath": "/ocpp",
        "SetSecureOutgoingConnection": "false",
    },
    "alfen_fw5": {
        "BackOffice-URL-wired": "ws://old:80",
        "BackOffice-Path-wired": "/ocpp",
        "BackOffice-URL-APN": "",
        "BackOffice-Path-APN": "",
    },
    "alfen_fw6": {"BackOfficeNetworkProfile1": PACKED % "ws://old/ocpp"},
    "amina_fw4": {
        "NetworkConnectionProfile1": "ws://old/ocpp",
        "NetworkConnectionProfile2": "",
        "NetworkConfigurationPriority": "NetworkConnectionProfile1,NetworkConnectionProfile2",
    },
    "growatt_thor": {"G_ServerURL": "ws://old/ocpp/"},
    "open_ocpp": {"ConnexionUrl": "wss://old:8080/openocpp/"},
    "vestel_evc04": {"ConnectionURL": "wss://old.example/CP1"},
    "vestel_evc03": {"VEC_ocppServerURL": "ws://old.example/"},
    "schneider_evlink_fw33": {"ocppcentraladdress": "ws://old.example/steve/websocket/CentralSystemService"},
    "grizzl_e": {"ServerUrl": "wss://old.example:9000/"},
    "evnex": {"OCPPEndPoint": "wss://old.example/ocpp"},
}
HELD["amina_fw3"] = {
    "NetworkConnectionProfile1": "",
    "NetworkConnectionProfile2": "ws://old/ocpp",
    "NetworkConfigurationPriority": "NetworkConnectionProfile2",
}

GOLDEN_PLAIN: dict[str, list[tuple[str, str]]] = {
    "microocpp": [("Cst_BackendUrl", "ws://new.example:8080/ocpp")],
    "openevse": [("Cst_BackendUrl", "ws://new.example:8080/ocpp")],
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
    "open_ocpp": [("ConnexionUrl", "ws://new.example:8080/ocpp/")],
    "vestel_evc04": [("ConnectionURL", "ws://new.example:8080/ocpp/CP1")],
    "vestel_evc03": [("VEC_ocppServerURL", "ws://new.example:8080/ocpp/")],
    "schneider_evlink_fw33": [("ocppcentraladdress", "ws://new.example:8080/ocpp")],
    "grizzl_e": [("ServerUrl", "ws://new.example:8080/ocpp/")],
    "evnex": [("OCPPEndPoint", "ws://new.example:8080/ocpp")],
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
    "vestel_evc04": [("ConnectionURL", "wss://new.example/steve/ws/CP1")],
    "vestel_evc03": [("VEC_ocppServerURL", "wss://new.example/steve/ws/")],
    "schneider_evlink_fw33": [("ocppcentraladdress", "wss://new.example/steve/ws")],
    "grizzl_e": [("ServerUrl", "wss://new.example/steve/ws/")],
    "evnex": [("OCPPEndPoint", "wss://new.example/steve/ws/")],
}

CATALOGUE = load_catalogue()
EVERY = (*CATALOGUE.profiles, *on_request().profiles)
WRITING = [profile for profile in CATALOGUE.profiles if profile.method is Method.CHANGE_CONFIGURATION]


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
    unit = prepare(profile, Goal(backend=PLAIN, identity="CP1"), HELD[profile.name])

    assert [(write.key, write.new) for write in unit] == GOLDEN_PLAIN[profile.name]


@pytest.mark.parametrize("name", GOLDEN_SECURE)
def test_a_move_to_tls_and_a_long_path_keeps_each_familys_form(name: str) -> None:
    profile = CATALOGUE.get(name)
    assert profile is not None

    unit = prepare(profile, Goal(backend=SECURE, identity="CP1"), HELD[name])

    assert [(write.key, write.new) for write in unit] == GOLDEN_SECURE[name]


@pytest.mark.parametrize("profile", WRITING, ids=name_of)
def test_undo_puts_every_old_value_back_in_reverse(profile: Profile) -> None:
    now = dict(HELD[profile.name])
    unit = prepare(profile, Goal(backend=PLAIN, identity="CP1"), now)
    now.update({write.key: write.new for write in unit})

    back = undo(unit, now)
    now.update({write.key: write.new for write in back})

    changed = [write.key for write in unit if write.old != write.new]
    assert [write.key for write in back] == list(reversed(changed))
    assert now == HELD[profile.name]


@pytest.mark.parametrize("profile", WRITING, ids=name_of)
def test_every_key_that_is_written_was_asked_for_before(profile: Profile) -> None:
    unit = prepare(profile, Goal(backend=PLAIN, identity="CP1"), HELD[profile.name])

    assert {write.key for write in unit} <= set(profile.reads)


def test_only_families_that_keep_the_old_backend_promise_to_return_by_themselves() -> None:
    automatic = {profile.name for profile in CATALOGUE.profiles if profile.rollback is Rollback.AUTOMATIC}

    assert automatic == {"openocpp", "openocpp201", "everest_libocpp201", "amina_fw3", "amina_fw4"}


@pytest.mark.parametrize("profile", EVERY, ids=name_of)
def test_a_visit_tells_the_crew_the_address_or_how_to_find_the_form(profile: Profile) -> None:
    steps = visit_steps(profile, SECURE, "CP1")

    assert any("new.example" in step for step in steps)
    assert any("CP1" in step for step in steps), "the crew must know which station it is"
    assert not any("${" in step for step in steps)
    assert len(steps) >= 4
    assert "this order" in " ".join(steps), "an order is closed by what is seen, not by what was done"


@pytest.mark.parametrize("profile", EVERY, ids=name_of)
def test_every_profile_names_its_sources_and_says_what_is_not_known(profile: Profile) -> None:
    assert profile.sources
    assert profile.notes


def test_every_family_has_steps_of_its_own() -> None:
    """The first step, the plate, is common; a crew that reads another maker's steps stands before the wrong menu."""
    routes = {profile.name: profile.visit[1:] for profile in EVERY}

    alike = [(a, b) for a in routes for b in routes if a < b and routes[a] == routes[b]]

    assert not alike


@pytest.mark.parametrize("profile", EVERY, ids=name_of)
def test_a_step_is_short_enough_to_be_read_before_a_station(profile: Profile) -> None:
    steps = visit_steps(profile, PLAIN, "CP1")

    assert all(len(step) <= 260 for step in steps)
    assert all(step[0].isupper() and step[-1] != " " for step in steps)


def test_what_is_called_simulated_names_transcripts_that_exist() -> None:
    for profile in EVERY:
        if profile.proof is Proof.DOCUMENTED:
            assert not profile.evidence
            continue
        (evidence,) = profile.evidence
        folder = Path(str(files("vendor_profiles"))).parent / evidence.partition(":")[0]
        assert profile.proof is Proof.SIMULATED, profile.name
        assert {path.stem for path in folder.glob("*.jsonl")} >= {"accepted", "refused"}, profile.name


def test_a_family_is_one_file() -> None:
    found = [f for f in (files("vendor_profiles") / "catalogue").iterdir() if f.name.endswith(".yaml")]
    vendors = {}
    for file in found:
        for profile in read_profiles(file.read_text(encoding="utf-8"), file=file.name).profiles:
            for glob in profile.selector.vendors:
                vendors.setdefault(glob.casefold(), set()).add(file.name)

    shared = {glob: names for glob, names in vendors.items() if len(names) > 1}
    assert shared == {"webasto": {"bender.yaml", "vestel.yaml"}, "webasto *": {"bender.yaml", "vestel.yaml"}}


def test_there_are_thirty_families_and_every_method_is_among_them() -> None:
    makers = {profile.selector.vendors[0].casefold() for profile in EVERY}

    assert len(makers) >= 30
    assert {profile.method for profile in EVERY} == set(Method)


SIM_ONLY = {
    "BackOffice-URL-wired": "",
    "BackOffice-Path-wired": "",
    "BackOffice-URL-APN": "ws://10.1.1.1:80",
    "BackOffice-Path-APN": "/ocpp",
}


@pytest.mark.parametrize(
    ("held", "written"),
    [
        (SIM_ONLY, [("BackOffice-Path-APN", "/ocpp"), ("BackOffice-URL-APN", "ws://new.example:8080")]),
        (
            SIM_ONLY | {"BackOffice-URL-wired": "ws://old:80"},
            [
                ("BackOffice-Path-wired", "/ocpp"),
                ("BackOffice-Path-APN", "/ocpp"),
                ("BackOffice-URL-wired", "ws://new.example:8080"),
                ("BackOffice-URL-APN", "ws://new.example:8080"),
            ],
        ),
        (
            {"BackOffice-URL-wired": "ws://old:80", "BackOffice-Path-wired": ""},
            [("BackOffice-Path-wired", "/ocpp"), ("BackOffice-URL-wired", "ws://new.example:8080")],
        ),
    ],
    ids=["by SIM", "both pairs hold an address", "a build without the -APN pair"],
)
def test_an_alfen_is_written_the_pair_it_uses(held: dict[str, str | None], written: list[tuple[str, str]]) -> None:
    profile = CATALOGUE.get("alfen_fw5")
    assert profile is not None

    unit = prepare(profile, Goal(backend=PLAIN, identity="CP1"), held)

    assert [(write.key, write.new) for write in unit] == written


def test_an_alfen_that_holds_no_address_in_either_pair_is_not_written_to() -> None:
    profile = CATALOGUE.get("alfen_fw5")
    assert profile is not None

    with pytest.raises(Mismatch, match="BackOffice-URL-wired or BackOffice-URL-APN"):
        prepare(profile, Goal(backend=PLAIN, identity="CP1"), dict.fromkeys(SIM_ONLY, ""))


@pytest.mark.parametrize(
    ("name", "held", "says"),
    [
        ("vestel_evc04", {"ConnectionURL": "wss://old.example/ocpp"}, "does not hold its identity"),
        ("evnex", {"OCPPEndPoint": "wss://old.example/ocpp/CP1"}, "holds its identity"),
        ("grizzl_e", {"ServerUrl": "wss://old.example:9000/cp1/"}, "holds its identity"),
    ],
)
def test_a_station_that_finds_its_backend_in_another_form_is_not_written_to(
    name: str, held: dict[str, str | None], says: str
) -> None:
    profile = CATALOGUE.get(name)
    assert profile is not None

    with pytest.raises(Mismatch, match=says):
        prepare(profile, Goal(backend=PLAIN, identity="CP1"), held)
