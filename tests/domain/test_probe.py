"""From a station's answers to a picture: what it has, what may be written, and nothing that is secret."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from migrate.domain.address import Backend
from migrate.domain.answered import Entry, Outage, Taken, Triggered
from migrate.domain.evidence import IdentityFacts
from migrate.domain.probe import Heard, picture
from migrate.domain.profile import Method, Profile, Proof, Rollback
from migrate.domain.proposal import proposed
from vendor_profiles import load_catalogue, read_profiles
from vendor_profiles.writer import profile_text

SOURCE = Backend(scheme="ws", host="old.example", path="/ocpp")
FACTS = IdentityFacts(vendor="Acme", model="AC22", firmware="4.2.1", serial="S-1")
URL = "ws://old.example/ocpp"
CATALOGUE = load_catalogue().profiles


def heard(*entries: tuple[str, str | None], readonly: tuple[str, ...] = (), **more: object) -> Heard:
    told = tuple(Entry(key=key, value=value, readonly=key in readonly) for key, value in entries)
    honest = Heard(
        identity="AC1",
        at=datetime(2026, 11, 20, 3, tzinfo=UTC),
        protocol="ocpp1.6",
        facts=FACTS,
        entries=told,
        all_at_once=Taken.ANSWERED,
        triggers=(Triggered(message="BootNotification", taken=Taken.ANSWERED, status="Accepted", after_s=2.0),),
    )
    return replace(honest, **more)  # type: ignore[arg-type]


def proposal(*entries: tuple[str, str | None], **more: object) -> Profile:
    found = proposed(picture(heard(*entries, **more), SOURCE, CATALOGUE), SOURCE)  # type: ignore[arg-type]
    assert found is not None
    reading = read_profiles(profile_text(found, family="Acme"), file="acme.yaml")
    assert reading.problems == ()
    assert reading.profiles == (found,)
    return found


def keys_of(profile: Profile) -> list[str]:
    return [write.key for write in profile.writes]


# ── OCPP 2 ─────────────────────────────────────────────────────────────────

PRIORITY = "OCPPCommCtrlr.NetworkConfigurationPriority"
SHOWN_SLOT = {"ocppCsmsUrl": URL, "ocppTransport": "JSON", "ocppInterface": "Wired0", "messageTimeout": 30,
              "securityProfile": 0}  # fmt: skip


def test_a_variable_of_its_maker_that_is_reported_read_only_is_for_a_crew() -> None:
    found = proposal(("SecurityCtrlr.CsmsUrl", URL), readonly=("SecurityCtrlr.CsmsUrl",), protocol="ocpp2.0.1")

    assert found.method is Method.VISIT
    assert found.notes[0] == "SecurityCtrlr.CsmsUrl holds the backend's address and is read-only on this station."


@pytest.mark.parametrize(("locked", "method"), [((), Method.NETWORK_PROFILE), ((PRIORITY,), Method.VISIT)])
def test_slots_whose_order_may_not_be_written_move_nobody(locked: tuple[str, ...], method: Method) -> None:
    held = [(PRIORITY, "1"), ("NetworkProfile[1]", json.dumps(SHOWN_SLOT))]

    found = proposal(*held, readonly=locked, protocol="ocpp2.0.1")

    assert found.method is method
    assert any("its order of slots cannot be turned round" in note for note in found.notes) is bool(locked)


def test_a_station_of_ocpp_2_says_how_many_variables_it_takes_and_what_it_can_do() -> None:
    told = heard(
        ("DeviceDataCtrlr.ItemsPerMessage[GetVariables]", "4"),
        ("SmartChargingCtrlr.Available", "true"),
        ("ReservationCtrlr.Available", "false"),
        ("Connector.Available", "true"),
        protocol="ocpp2.0.1",
    )

    seen = picture(told, SOURCE, CATALOGUE)

    assert (seen.heard.max_keys, seen.features) == (4, ("SmartChargingCtrlr",))


# ── what is proposed ───────────────────────────────────────────────────────


def test_a_key_that_holds_the_address_is_proposed_below_any_real_proof() -> None:
    found = proposal(("BackendUrl", URL), ("HeartbeatInterval", "30"))

    assert (keys_of(found), found.writes[0].value) == (["BackendUrl"], "${url}")
    assert (found.proof, found.rollback) == (Proof.DOCUMENTED, Rollback.REMOTE)
    assert found.selector.firmware.holds("4.2.1")
    assert not found.selector.firmware.holds("4.2.2")


def test_a_station_without_such_a_key_is_for_a_crew() -> None:
    found = proposal(("HeartbeatInterval", "30"))

    assert found.method is Method.VISIT
    assert found.notes[0] == "None of the keys that the station shows holds the backend's address."


def test_an_address_in_a_form_that_nobody_knows_is_for_a_crew() -> None:
    found = proposal(("BackendUrl", URL + "/a-token/of-its-own"))

    assert found.method is Method.VISIT
    assert "in a form that is not known" in found.notes[0]


def test_a_read_only_address_is_for_a_crew() -> None:
    found = proposal(("BackendUrl", URL), readonly=("BackendUrl",))

    assert found.method is Method.VISIT
    assert "read-only" in found.notes[0]


def test_host_port_and_path_are_one_unit_with_the_host_last() -> None:
    found = proposal(("Host", "old.example"), ("BackendPort", "80"), ("Path", "/ocpp"), ("UseTls", "false"))

    assert keys_of(found) == ["Path", "BackendPort", "Host"]
    assert any("UseTls may be it" in note for note in found.notes)


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ([("Path", "/ocpp")], "its port may be in no key"),
        ([("BackendPort", "80")], "its path may be in no key"),
        ([("Path", "/ocpp"), ("HttpPort", "80"), ("BackendPort", "80")], "its port may be in HttpPort and BackendPort"),
    ],
)
def test_parts_that_are_missing_or_there_twice_are_for_a_crew(others: list[tuple[str, str]], said: str) -> None:
    found = proposal(("Host", "old.example"), *others)

    assert found.method is Method.VISIT
    assert said in found.notes[0]


def test_slots_keep_the_one_in_use() -> None:
    found = proposal(
        ("NetworkProfile1", URL), ("NetworkProfile2", ""), ("NetworkPriority", "NetworkProfile1,NetworkProfile2")
    )

    assert keys_of(found) == ["${free_slot}", "NetworkPriority"]
    assert found.slots is not None
    assert found.slots.keys == ("NetworkProfile1", "NetworkProfile2")


def test_slots_that_the_order_calls_by_number_keep_their_numbers() -> None:
    found = proposal(("NetworkProfile1", URL), ("NetworkProfile2", ""), ("NetworkPriority", "1,2"))

    assert found.slots is not None
    assert found.slots.names == ("1", "2")


def test_what_it_was_seen_to_do_becomes_its_quirks() -> None:
    refused = (Triggered(message="BootNotification", taken=Taken.REFUSED, status="NotImplemented"),)
    back = Outage(status="Accepted", drop_after_s=0, away_s=12, boot_after_s=3, statuses=2)

    found = proposal(("BackendUrl", URL), ("GetConfigurationMaxKeys", "7"), triggers=refused, link_loss=back)

    assert (found.quirks.triggers_boot, found.quirks.boots_on_reconnect, found.quirks.max_keys) == (False, True, 7)


def test_a_page_kept_smaller_than_it_says_counts() -> None:
    found = proposal(("BackendUrl", URL), ("GetConfigurationMaxKeys", "60"), kept_to=4)

    assert found.quirks.max_keys == 4


def test_of_a_maker_that_is_unknown_nothing_is_proposed() -> None:
    nameless = heard(("BackendUrl", URL), facts=IdentityFacts())

    assert proposed(picture(nameless, SOURCE, CATALOGUE), SOURCE) is None


def test_a_firmware_that_is_no_version_leaves_the_range_open_and_says_so() -> None:
    found = proposal(("BackendUrl", URL), facts=replace(FACTS, firmware="TAC3::V1.8.21"))

    assert found.selector.firmware.is_open
    assert any("cannot be compared" in note for note in found.notes)


# ── OCPP 2.0.1 ─────────────────────────────────────────────────────────────

PRIORITY, ACTIVE = "OCPPCommCtrlr.NetworkConfigurationPriority", "OCPPCommCtrlr.ActiveNetworkProfile"
SLOT = '{"ocppVersion": "OCPP20", "ocppTransport": "JSON", "ocppCsmsUrl": "%s", "ocppInterface": "Wireless0"}'


def test_the_free_network_profile_is_written_as_the_one_in_use_reads() -> None:
    found = proposal(
        ("NetworkProfile[1]", None),
        ("NetworkProfile[2]", SLOT % URL),
        (PRIORITY, "2,1"),
        (ACTIVE, "2"),
        protocol="ocpp2.0.1",
    )

    assert found.method is Method.NETWORK_PROFILE
    assert found.slots is not None
    assert (found.slots.names, found.slots.active_key) == (("2", "1"), ACTIVE)
    assert keys_of(found) == ["${free_slot}", PRIORITY]
    assert found.writes[0].fields == {
        "ocppVersion": "OCPP20",
        "ocppTransport": "JSON",
        "ocppCsmsUrl": "${url}",
        "ocppInterface": "Wireless0",
        "securityProfile": "${security_profile}",
    }


def test_an_order_that_names_one_slot_leaves_the_other_of_the_first_two() -> None:
    found = proposal(("NetworkProfile[1]", SLOT % URL), (PRIORITY, "1"), protocol="ocpp2.0.1")

    assert found.slots is not None
    assert found.slots.names == ("1", "2")


def test_a_variable_of_its_maker_that_holds_the_address_is_written_where_no_slot_is_shown() -> None:
    found = proposal((PRIORITY, "1"), ("SecurityCtrlr.CsmsUrl", URL), protocol="ocpp2.0.1")

    assert (keys_of(found), found.slots) == (["SecurityCtrlr.CsmsUrl"], None)


def test_the_variable_of_a_slot_is_never_written_by_itself() -> None:
    found = proposal((PRIORITY, "1"), ("NetworkConfiguration[1].OcppCsmsUrl", URL), protocol="ocpp2.0.1")

    assert found.method is Method.VISIT


@pytest.mark.parametrize("held", [None, "", "nonsense", SLOT % "ws://elsewhere.example/ocpp"])
def test_a_network_profile_that_is_hidden_or_another_is_for_a_crew(held: str | None) -> None:
    found = proposal(("NetworkProfile[1]", held), ("NetworkProfile[2]", None), (PRIORITY, "1,2"), protocol="ocpp2.0.1")

    assert found.method is Method.VISIT


# ── which profiles it could follow ─────────────────────────────────────────


def test_a_profile_whose_keys_are_there_and_writable_is_named() -> None:
    seen = picture(heard(("CentralSystemURI", URL)), SOURCE, CATALOGUE)

    assert [one.profile for one in seen.follows if one.is_whole]


def test_a_profile_of_which_keys_are_missing_says_which() -> None:
    seen = picture(
        heard(("CentralSystemAddress", "old.example"), readonly=("CentralSystemAddress",)), SOURCE, CATALOGUE
    )

    (keba,) = [one for one in seen.follows if one.profile.startswith("keba")]
    assert not keba.is_whole
    assert keba.readonly == ("CentralSystemAddress",)
    assert "CentralSystemPort" in keba.missing


# ── what is shown ──────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("AuthorizationKey", "PLANTED7"),
        ("StationPassword", "PLANTED7"),
        ("WebSocketPassword", "PLANTED7"),
        ("GsmSimPin", "PLANTED7"),
        ("apnInfo", "internet,user,PLANTED7"),
        ("Nameless", "9f86d081884c7d659a2fPLANTED7"),
        ("Backup", "wss://user:PLANTED7@other.example/ocpp"),
        ("Backup", "wss://other.example/ocpp?token=PLANTED7"),
        ("Backup", "old.example/ocpp/PLANTED7"),
        ("BackendUrl", URL + "/PLANTED7/AC1"),
        ("Packed", "ocppCsmsUrl{wss://u:PLANTED7@old.example/ocpp}messageTimeout{10}"),
    ],
)
def test_a_secret_is_masked_wherever_a_station_shows_it(key: str, value: str) -> None:
    seen = picture(heard((key, value)), SOURCE, CATALOGUE)
    found = proposed(seen, SOURCE)

    assert "PLANTED7" not in repr([(e.key, e.value) for e in seen.entries])
    assert "PLANTED7" not in repr(found)


def test_a_secret_that_is_repeated_elsewhere_is_masked_there_too() -> None:
    seen = picture(heard(("StationPassword", "planted-7"), ("Remark", "the password is planted-7")), SOURCE, CATALOGUE)

    assert "planted-7" not in repr([(e.key, e.value) for e in seen.entries])


def test_what_is_no_secret_is_shown_as_it_is() -> None:
    seen = picture(heard(("BackendUrl", URL), ("HeartbeatInterval", "30"), ("Identity", "AC1")), SOURCE, CATALOGUE)

    assert [(e.key, e.value) for e in seen.entries] == [
        ("BackendUrl", URL),
        ("HeartbeatInterval", "30"),
        ("Identity", "AC1"),
    ]
    assert seen.identity_keys == ("Identity",)


def test_an_answer_held_in_memory_prints_no_value() -> None:
    assert "planted-7" not in repr(heard(("StationPassword", "planted-7")))
