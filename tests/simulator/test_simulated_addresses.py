"""How makers spell a backend, and that the simulated firmware reads it back."""

import pytest

from migrate.simulator.address import Layout, Slash, addresses, base_of, dial_url, spelling
from migrate.simulator.behaviour import FAMILIES, behaviour

URLS = ["ws://127.0.0.1:9016/ocpp", "wss://new.example/a/b", "ws://h:80"]


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("family", [f for f in FAMILIES if f != "keba"])
def test_every_maker_dials_what_a_person_entered(family: str, url: str) -> None:
    ways = behaviour(family)

    spelled = spelling(ways.layout, ways.backend_keys, url, ways.slash)
    (address,) = addresses(ways.layout, ways.backend_keys, spelled)

    assert dial_url(address, "AB 1", ways.slash) == f"{url}/AB%201"
    assert base_of(dial_url(address, "AB 1", ways.slash)) == url


def test_keba_needs_host_and_port_and_path_and_takes_tls_from_a_fourth_key() -> None:
    names = behaviour("keba").backend_keys

    spelled = spelling(Layout.HOST_PORT_PATH, names, "ws://csms.example:8080/ocpp", Slash.IF_MISSING)
    plain = addresses(Layout.HOST_PORT_PATH, names, spelled)
    secure = addresses(Layout.HOST_PORT_PATH, names, spelled | {"SetSecureOutgoingConnection": "true"})

    assert spelled == dict(zip(names, ("csms.example", "8080", "/ocpp"), strict=True))
    assert (plain, secure) == (("ws://csms.example:8080/ocpp",), ("wss://csms.example:8080/ocpp",))


def test_a_slot_station_tries_its_slots_in_the_order_of_priority() -> None:
    names = behaviour("amina").backend_keys
    flash = dict(
        zip(names, ("ws://old", "ws://new", "NetworkConnectionProfile2,NetworkConnectionProfile1"), strict=True)
    )

    assert addresses(Layout.SLOTS, names, flash) == ("ws://new", "ws://old")


@pytest.mark.parametrize("priority", ["", "NetworkConnectionProfile9", ",,", "2,1"])
def test_a_priority_that_names_no_slot_leaves_nothing_to_dial(priority: str) -> None:
    names = behaviour("amina").backend_keys

    assert addresses(Layout.SLOTS, names, dict(zip(names, ("ws://old", "ws://new", priority), strict=True))) == ()


def test_a_packed_profile_is_read_by_its_field_and_not_by_its_place() -> None:
    held = {"BackOfficeNetworkProfile1": "securityProfile{0}ocppCsmsUrl{ws://new/ocpp}ocppVersion{OCPP16}"}

    assert addresses(Layout.PACKED, ("BackOfficeNetworkProfile1",), held) == ("ws://new/ocpp",)


@pytest.mark.parametrize(
    ("slash", "address", "dialled"),
    [
        (Slash.IF_MISSING, "ws://h/ocpp/", "ws://h/ocpp/A"),
        (Slash.ALWAYS, "ws://h/ocpp/", "ws://h/ocpp//A"),
        (Slash.NEVER, "ws://h/ocpp", "ws://h/ocppA"),
    ],
)
def test_each_firmware_has_its_own_idea_of_the_slash(slash: Slash, address: str, dialled: str) -> None:
    assert dial_url(address, "A", slash) == dialled
