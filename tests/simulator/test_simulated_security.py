"""Simulated stations of every security profile: what they dial with, what they refuse, and what they can be told."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from migrate.simulator.armour import Armour, Commissioned
from migrate.simulator.authority import Authority
from migrate.simulator.behaviour import behaviour
from migrate.simulator.commissioning import Commissioning
from migrate.simulator.config import Config, CsmsConfig
from migrate.simulator.faults import Fault
from migrate.simulator.flash import Flash
from migrate.simulator.guarding import Guard
from migrate.simulator.wirelog import Kind, Side
from tests.simulator.conftest import Field, spec_of

pytestmark = pytest.mark.story

ROOT = Authority("A root")


def armour_of(family: str, given: Commissioned) -> tuple[Armour, Flash]:
    flash = Flash(behaviour(family), "SIM-1", "ws://127.0.0.1:1/ocpp", Fault.NONE)
    return Armour(given, behaviour(family), flash), flash


@pytest.mark.parametrize(
    ("family", "written", "sent"),
    [
        pytest.param("microocpp", b"sixteen bytes or more".hex()[:40], b"sixteen bytes or mor", id="hex is decoded"),
        pytest.param("openocpp", "sixteen characters or more", b"sixteen characters or more", id="plain stays"),
        pytest.param(
            "everest", b"printable password".hex(), b"printable password", id="either: printable hex is decoded"
        ),
        pytest.param("everest", "plain password", b"plain password", id="either: plain stays"),
        pytest.param("everest", "fffefdfcfbfafffefdfc", b"fffefdfcfbfafffefdfc", id="either: unprintable hex stays"),
    ],
)
def test_a_password_is_read_as_its_maker_reads_it(family: str, written: str, sent: bytes) -> None:
    armour, flash = armour_of(family, Commissioned(profile=1, password="before"))

    answer = flash.write(behaviour(family).authorization_key, written)

    assert answer in ("Accepted", "RebootRequired")
    assert b64decode(armour.headers("SIM-1")["Authorization"].split()[1]) == b"SIM-1:" + sent


@pytest.mark.parametrize(
    ("given", "raised_to", "answer"),
    [
        pytest.param(Commissioned(profile=1, password="p", roots=(ROOT.root,)), "2", "RebootRequired", id="one up"),
        pytest.param(Commissioned(profile=1, password="p"), "2", "Rejected", id="no root for TLS"),
        pytest.param(Commissioned(profile=0), "1", "Rejected", id="no password"),
        pytest.param(Commissioned(profile=2, password="p", roots=(ROOT.root,)), "1", "Rejected", id="down"),
        pytest.param(Commissioned(profile=2, password="p", roots=(ROOT.root,)), "2", "Rejected", id="the same"),
        pytest.param(Commissioned(profile=2, password="p", roots=(ROOT.root,)), "3", "Rejected", id="no certificate"),
        pytest.param(Commissioned(profile=1, password="p", roots=(ROOT.root,)), "high", "Rejected", id="no number"),
    ],
)
def test_a_security_profile_goes_up_only_and_only_with_what_it_needs(
    given: Commissioned, raised_to: str, answer: str
) -> None:
    _, flash = armour_of("everest", given)

    assert flash.write("SecurityProfile", raised_to) == answer


async def fielded(
    tmp_path: Path, profile: int, *, family: str = "everest", knows: Any = (Side.SOURCE, Side.TARGET), **doors: Guard
) -> Field:
    """One station of a profile, between two backends that ask for it."""
    pki = Commissioning(tmp_path)
    spec = pki.station(spec_of(family), profile, knows=knows)
    guards = {side: doors.get(side.value) or pki.guard(side) for side in (Side.SOURCE, Side.TARGET)}
    if profile < 2:
        guards = {side: replace(guard, certificate="", key="") for side, guard in guards.items()}
    if profile == 3:  # no relay between: the backend itself knows whose certificate it is
        root = str(pki.stations.write_root(tmp_path / "makers.pem"))
        guards = {side: replace(guard, client_ca=root) for side, guard in guards.items()}
    config = Config(
        stations=(spec,),
        speed=300.0,
        wire=tmp_path / "wire.jsonl",
        csms={side: CsmsConfig(guard=guard) for side, guard in guards.items()},
    )
    from migrate.simulator.fleet import Fleet  # noqa: PLC0415

    fleet = Fleet(config)
    await fleet.open()
    fleet.start_stations()
    return Field(fleet, tmp_path / "wire.jsonl")


@pytest.mark.parametrize("profile", [0, 1, 2, 3])
async def test_a_station_of_each_profile_is_taken_where_it_shows_what_is_asked_for(
    tmp_path: Path, profile: int
) -> None:
    there = await fielded(tmp_path, profile)
    try:
        await there.until_side(Side.SOURCE)
        await there.until(lambda: bool(there.log(Kind.BOOT_ACCEPTED)))

        assert there.log(Kind.CONNECTED)[0].value.startswith("wss:" if profile >= 2 else "ws:")
    finally:
        await there.fleet.close()


@pytest.mark.parametrize(
    ("door", "status"),
    [
        pytest.param({"lasts": -timedelta(hours=2)}, "CertificateExpired", id="ended"),
        pytest.param({"begins": timedelta(hours=2)}, "CertificateNotYetValid", id="not begun"),
        pytest.param({"hosts": ("csms.example",)}, "WrongName", id="another name"),
    ],
)
async def test_a_backend_whose_certificate_does_not_hold_is_not_spoken_to(
    tmp_path: Path, door: dict[str, Any], status: str
) -> None:
    pki = Commissioning(tmp_path)
    spec = pki.station(spec_of("everest"), 2)
    certificate, key = pki.roots[Side.SOURCE].for_backend(**door).write(tmp_path, "bad")
    bad = Guard(certificate=str(certificate), key=str(key))
    there = await _alone(tmp_path, spec, bad)
    try:
        await there.until(lambda: bool(there.log(Kind.REFUSED)))

        assert there.log(Kind.REFUSED)[0].status == status
        assert not there.log(Kind.CONNECTED)
    finally:
        await there.fleet.close()


async def _alone(tmp_path: Path, spec: Any, source: Guard) -> Field:
    from migrate.simulator.fleet import Fleet  # noqa: PLC0415

    wire = tmp_path / "wire.jsonl"
    fleet = Fleet(Config(stations=(spec,), speed=300.0, wire=wire, csms={Side.SOURCE: CsmsConfig(guard=source)}))
    await fleet.open()
    fleet.start_stations()
    return Field(fleet, wire)


async def test_a_station_with_a_wrong_password_is_refused_and_says_so_once_it_is_taken_again(tmp_path: Path) -> None:
    pki = Commissioning(tmp_path)
    spec = pki.station(spec_of("everest"), 2)
    there = await _alone(tmp_path, spec, pki.guard(Side.SOURCE, **{"SIM-1": "another password"}))
    try:
        await there.until(lambda: bool(there.log(Kind.REFUSED)))
        assert there.log(Kind.REFUSED)[0].status == "401"

        there.source.guard = pki.guard(Side.SOURCE)

        await there.until(lambda: bool(there.log(Kind.SECURITY)))
        assert there.log(Kind.SECURITY)[0].status == "FailedToAuthenticateAtCentralSystem"
        assert pki.passwords["SIM-1"] not in (tmp_path / "wire.jsonl").read_text()
    finally:
        await there.fleet.close()


async def test_an_unknown_root_is_refused_until_it_is_installed_and_the_station_lists_it(tmp_path: Path) -> None:
    there = await fielded(tmp_path, 2, knows=(Side.SOURCE,))
    try:
        await there.until_side(Side.SOURCE)
        kind = "CentralSystemRootCertificate"
        root = (tmp_path / "target-root.pem").write_text(ROOT.root) and ROOT.root

        before = await there.source.call("SIM-1", "GetInstalledCertificateIds", {"certificateType": kind})
        installed = await there.source.call(
            "SIM-1", "InstallCertificate", {"certificateType": kind, "certificate": root}
        )
        after = await there.source.call("SIM-1", "GetInstalledCertificateIds", {"certificateType": kind})

        assert installed[2] == {"status": "Accepted"}
        assert len(before[2]["certificateHashData"]) == 1
        assert len(after[2]["certificateHashData"]) == 2
    finally:
        await there.fleet.close()


async def test_a_family_without_the_security_extension_knows_no_certificates(tmp_path: Path) -> None:
    there = await fielded(tmp_path, 2, family="microocpp")
    try:
        await there.until_side(Side.SOURCE)

        answer = await there.source.call(
            "SIM-1", "InstallCertificate", {"certificateType": "CentralSystemRootCertificate", "certificate": ROOT.root}
        )

        assert answer[2] == "NotImplemented"
    finally:
        await there.fleet.close()


async def test_a_station_dials_under_its_new_name_after_the_restart_and_not_before(field: Any, station_of: Any) -> None:
    there = await field([station_of("microocpp")])
    await there.source.call("SIM-1", "ChangeConfiguration", {"key": "Cst_ChargeBoxId", "value": "NL-1"})
    await there.point_to(there.target.url)
    assert there.fleet.stations["SIM-1"].called == "SIM-1"

    await there.reset()
    await there.until_side(Side.TARGET)

    assert there.log(Kind.CONNECTED)[-1].value == f"{there.target.url}/NL-1"
