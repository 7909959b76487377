"""The target's root on a station: seen by its hash, installed on order, in 1.6 and in 2.0.1."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from migrate.adapters.certificates import fingerprint
from migrate.adapters.channels.certificates import CertificateDoor, CertificateDoors
from migrate.domain.errors import Mismatch, Refused, SettingsProblem
from migrate.domain.evidence import Side
from migrate.domain.station import Station
from migrate.simulator.armour import Armour, Commissioned
from migrate.simulator.authority import Authority
from migrate.simulator.behaviour import behaviour
from migrate.simulator.faults import Fault
from migrate.simulator.flash import Flash
from tests.adapters.channels.conftest import Site
from tests.adapters.ocpp.wire import Peer
from tests.doubles.catalogue import a_profile

OLD, NEW, OTHER = (Authority(f"{name} root") for name in ("Old", "New", "Other"))
KEY = "CSMSRootCertificate"
ACME = a_profile(writes=())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return NEW.write_root(tmp_path / "new-root.pem")


def holding(*roots: Authority) -> Armour:
    """A station that says what it holds by an implementation of its own."""
    flash = Flash(behaviour("everest"), "AC1", "ws://127.0.0.1:1/ocpp", Fault.NONE)
    return Armour(Commissioned(roots=tuple(one.root for one in roots)), behaviour("everest"), flash)


def spelt(one: dict[str, str]) -> dict[str, str]:
    names = ("hashAlgorithm", "issuerNameHash", "issuerKeyHash", "serialNumber")
    return dict(zip(names, one.values(), strict=True))


def answers_16(armour: Armour, action: str, payload: dict[str, Any]) -> dict[str, Any]:
    if action == "GetConfiguration":
        return {"unknownKey": payload["key"]}
    assert payload["certificateType"] == "CentralSystemRootCertificate"
    if action == "InstallCertificate":
        return {"status": armour.install(payload["certificate"])}
    found = [spelt(one) for one in armour.installed()]
    return {"status": "Accepted", "certificateHashData": found} if found else {"status": "NotFound"}


def answers_201(armour: Armour, action: str, payload: dict[str, Any]) -> dict[str, Any]:
    if action == "GetVariables":
        return {
            "getVariableResult": [{**one, "attributeStatus": "UnknownVariable"} for one in payload["getVariableData"]]
        }
    if action == "InstallCertificate":
        assert payload["certificateType"] == "CSMSRootCertificate"
        return {"status": armour.install(payload["certificate"])}
    assert payload["certificateType"] == ["CSMSRootCertificate"]
    chain = [
        {"certificateType": "CSMSRootCertificate", "certificateHashData": spelt(one)} for one in armour.installed()
    ]
    return {"status": "Accepted", "certificateHashDataChain": chain} if chain else {"status": "NotFound"}


Answers = Callable[[Armour, str, dict[str, Any]], dict[str, Any]]


async def obey(peer: Peer, armour: Armour, answers: Answers) -> None:
    while True:
        _, number, action, payload = await peer.hear()
        peer.say(3, number, answers(armour, action, payload))


@pytest.fixture
async def open_door(site: Site, root: Path) -> AsyncIterator[Callable[..., Any]]:
    """A station with these roots, and the door to it."""
    tasks: list[asyncio.Task[None]] = []

    async def build(armour: Armour, *, protocol: str = "ocpp1.6", answers: Answers = answers_16) -> CertificateDoor:
        peer = await site.raw_station("AC1", protocol=protocol)
        tasks.append(asyncio.create_task(obey(peer, armour, answers)))
        return CertificateDoors(site.client, root, timeout_s=5.0).to(Station(identity="AC1"), ACME, Side.SOURCE)

    yield build
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize(
    ("protocol", "answers"),
    [pytest.param("ocpp1.6", answers_16, id="1.6"), pytest.param("ocpp2.0.1", answers_201, id="2.0.1")],
)
async def test_a_root_is_absent_then_installed_then_seen(
    open_door: Callable[..., Any], root: Path, protocol: str, answers: Answers
) -> None:
    door = await open_door(holding(OLD, OTHER), protocol=protocol, answers=answers)

    before = await door.read("AC1", [KEY])
    said = await door.write("AC1", KEY, fingerprint(root))
    after = await door.read("AC1", [KEY])

    assert (before, said, after) == ({KEY: ""}, "Accepted", {KEY: fingerprint(root)})


def one_alone_16(value: object) -> Answers:
    def answers(armour: Armour, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        if action == "GetConfiguration":
            return {"configurationKey": [{"key": key, "readonly": True, "value": value} for key in payload["key"]]}
        return answers_16(armour, action, payload)

    return answers


def one_alone_201(value: object) -> Answers:
    def answers(armour: Armour, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        if action == "GetVariables":
            said = {"attributeStatus": "Accepted", "attributeValue": value}
            return {"getVariableResult": [{**one, **said} for one in payload["getVariableData"]]}
        return answers_201(armour, action, payload)

    return answers


@pytest.mark.parametrize(
    ("protocol", "answers"),
    [
        pytest.param("ocpp1.6", one_alone_16("TRUE "), id="1.6"),
        pytest.param("ocpp1.6", one_alone_16(True), id="1.6, bare"),
        pytest.param("ocpp2.0.1", one_alone_201("true"), id="2.0.1"),
    ],
)
async def test_a_station_that_would_lose_the_root_of_the_source_is_given_none(
    open_door: Callable[..., Any], protocol: str, answers: Answers
) -> None:
    lacking = await open_door(holding(OLD), protocol=protocol, answers=answers)

    with pytest.raises(Mismatch, match="AdditionalRootCertificateCheck"):
        await lacking.read("AC1", [KEY])


@pytest.mark.parametrize(
    ("protocol", "answers"),
    [
        pytest.param("ocpp1.6", one_alone_16("false"), id="1.6"),
        pytest.param("ocpp1.6", one_alone_16(None), id="1.6, hidden"),
        pytest.param("ocpp2.0.1", one_alone_201("false"), id="2.0.1"),
    ],
)
async def test_a_station_that_holds_several_roots_is_given_another(
    open_door: Callable[..., Any], protocol: str, answers: Answers
) -> None:
    door = await open_door(holding(OLD), protocol=protocol, answers=answers)

    assert await door.read("AC1", [KEY]) == {KEY: ""}


async def test_a_station_that_takes_one_root_and_has_none_yet_is_given_it(open_door: Callable[..., Any]) -> None:
    door = await open_door(holding(), answers=one_alone_16("true"))

    assert await door.read("AC1", [KEY]) == {KEY: ""}


async def test_a_station_that_holds_one_root_alone_and_it_is_the_targets_is_moved(
    open_door: Callable[..., Any], root: Path
) -> None:
    door = await open_door(holding(NEW), answers=one_alone_16("true"))

    assert await door.read("AC1", [KEY]) == {KEY: fingerprint(root)}


async def test_a_station_without_any_root_holds_nothing(open_door: Callable[..., Any]) -> None:
    door = await open_door(holding())

    assert await door.read("AC1", [KEY]) == {KEY: ""}


async def test_a_name_in_capitals_with_zeros_before_it_is_the_same_certificate(
    open_door: Callable[..., Any], root: Path
) -> None:
    def loud(armour: Armour, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        said = answers_16(armour, action, payload)
        for one in said["certificateHashData"]:
            one |= {name: one[name].upper() for name in ("issuerNameHash", "issuerKeyHash")}
            one["serialNumber"] = "0x00" + one["serialNumber"].lower()
        return said

    door = await open_door(holding(NEW), answers=loud)

    assert await door.read("AC1", [KEY]) == {KEY: fingerprint(root)}


@pytest.mark.parametrize("status", ["Rejected", "Failed"])
async def test_a_root_that_is_not_taken_is_a_refusal(open_door: Callable[..., Any], root: Path, status: str) -> None:
    door = await open_door(holding(), answers=lambda *_: {"status": status})

    with pytest.raises(Refused, match=status):
        await door.write("AC1", KEY, fingerprint(root))


async def test_a_root_that_was_exchanged_since_the_plan_is_not_installed(open_door: Callable[..., Any]) -> None:
    door = await open_door(holding())

    with pytest.raises(Mismatch, match="plan again"):
        await door.write("AC1", KEY, "f" * 64)


async def test_nonsense_in_place_of_a_list_names_no_certificate(open_door: Callable[..., Any]) -> None:
    odd = {"status": "Accepted", "certificateHashData": [None, {"hashAlgorithm": 7}, {"hashAlgorithm": "MD5"}, "x"]}
    door = await open_door(holding(), answers=lambda *_: odd)

    assert await door.read("AC1", [KEY]) == {KEY: ""}


async def test_a_station_that_knows_no_certificates_is_told_so_for_good(site: Site, root: Path) -> None:
    peer = await site.raw_station("AC1")
    door = CertificateDoors(site.client, root, timeout_s=5.0).to(Station(identity="AC1"), ACME, Side.SOURCE)

    asked = asyncio.create_task(door.read("AC1", [KEY]))
    _, number, _, _ = await peer.hear()
    peer.say(4, number, "NotImplemented", "", {})

    with pytest.raises(Mismatch, match="does not say which certificates"):
        await asked


async def test_a_campaign_without_a_root_has_no_such_door(site: Site) -> None:
    with pytest.raises(Mismatch, match="names none"):
        CertificateDoors(site.client, None).to(Station(identity="AC1"), ACME, Side.SOURCE)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(lambda: OLD.root + NEW.root, "holds 2 certificates", id="two"),
        pytest.param(OLD.for_backend().chain.decode, "issued by another", id="a leaf"),
        pytest.param(lambda: "no certificate", "holds no certificate", id="none"),
    ],
)
def test_a_file_that_is_no_single_root_is_refused(tmp_path: Path, text: Callable[[], str], says: str) -> None:
    path = tmp_path / "root.pem"
    path.write_text(text())

    with pytest.raises(SettingsProblem, match=says):
        fingerprint(path)
