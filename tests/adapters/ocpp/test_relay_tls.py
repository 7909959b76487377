"""Stations over TLS, in the clear beside them, with certificates of their own or of others; and a CSMS over wss."""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from migrate.adapters.ocpp.guests import Directory
from migrate.adapters.ocpp.limits import Limits
from migrate.adapters.ocpp.tls import Files
from migrate.domain.errors import NotAllowed, SettingsProblem
from migrate.domain.evidence import Kind, Side
from migrate.domain.station import Station
from migrate.simulator.authority import Authority, Credential
from tests.adapters.ocpp.wire import PATIENCE_S, Csms, Field

BASIC = f"Authorization: Basic {b64encode(b'AC1:a password of AC1').decode()}\r\n"
Build = Callable[..., Awaitable[Field]]

NEW_ROOT = Authority("Root of the relay")
STATIONS = Authority("Root of the stations")


@pytest.fixture
def files(tmp_path: Path) -> Files:
    certificate, key = NEW_ROOT.for_backend().write(tmp_path, "relay")
    return Files(
        side="target",
        certificates=(certificate,),
        keys=(key,),
        client_ca=STATIONS.write_root(tmp_path / "stations.pem"),
    )


def trusting(root: Authority = NEW_ROOT, own: Credential | None = None, folder: Path | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=root.root)
    if own is not None and folder is not None:
        context.load_cert_chain(*own.write(folder, "station"))
    return context


@pytest.mark.parametrize(
    ("headers", "is_tls", "has_certificate", "security"),
    [
        pytest.param("", False, False, 0, id="profile 0"),
        pytest.param(BASIC, False, False, 1, id="profile 1"),
        pytest.param(BASIC, True, False, 2, id="profile 2"),
        pytest.param("", True, True, 3, id="profile 3"),
        pytest.param("", True, False, 0, id="TLS that shows nothing of the station"),
    ],
)
async def test_how_a_station_came_is_known_of_its_session_and_of_its_sightings(
    field_with: Build,
    files: Files,
    tmp_path: Path,
    headers: str,
    is_tls: bool,
    has_certificate: bool,
    security: int,
) -> None:
    own = STATIONS.for_station("AC1") if has_certificate else None
    field = await field_with(tls=Files(**{**_as_dict(files), "takes_plain": True}))

    _, peer = await field.knock("/any/AC1", headers=headers, tls=trusting(own=own, folder=tmp_path) if is_tls else None)
    assert peer is not None
    peer.say(2, "1", "BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
    backend = await field.csms.peer("AC1")
    await backend.hear()
    backend.say(3, "1", {"status": "Accepted"})

    assert await peer.hear() == [3, "1", {"status": "Accepted"}]
    assert (await field.sees(Kind.CONNECTED)).security == security
    assert (await field.sees(Kind.BOOT)).security == security
    session = field.relay.session("AC1")
    assert session is not None
    assert session.security == security


def _as_dict(files: Files) -> dict[str, object]:
    return {name: getattr(files, name) for name in Files.__slots__}


async def test_a_password_passes_to_the_csms_over_tls_as_it_came(field_with: Build, files: Files) -> None:
    field = await field_with(tls=files)

    await field.knock("/any/AC1", headers=BASIC, tls=trusting())
    await field.csms.peer("AC1")

    assert BASIC.strip() in field.csms.heads[-1].split("\r\n")


async def test_what_a_station_says_over_tls_reaches_the_csms_byte_for_byte(field_with: Build, files: Files) -> None:
    field = await field_with(tls=files)
    _, peer = await field.knock("/any/AC1", tls=trusting())
    assert peer is not None
    backend = await field.csms.peer("AC1")

    for number in range(200):
        peer.say(2, str(number), "MeterValues", {"connectorId": 1, "text": "x" * 3000})

    for number in range(200):
        assert (await backend.hear())[1] == str(number)


async def test_a_tls_door_does_not_talk_to_stations_in_the_clear(field_with: Build, files: Files) -> None:
    field = await field_with(tls=files)

    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await field.knock("/any/AC1")

    assert field.relay.counts["in_the_clear"] == 1
    assert not field.csms.heads


async def test_a_certificate_of_a_stranger_is_refused_before_anything_is_said(
    field_with: Build, files: Files, tmp_path: Path
) -> None:
    field = await field_with(tls=files)
    stranger = Authority("Root of nobody").for_station("AC1")

    with pytest.raises((ssl.SSLError, asyncio.IncompleteReadError, ConnectionError)):
        await field.knock("/any/AC1", tls=trusting(own=stranger, folder=tmp_path))

    assert not field.csms.heads


async def test_the_certificate_of_another_station_is_refused_at_the_door_and_the_csms_never_hears_of_it(
    field_with: Build, files: Files, tmp_path: Path
) -> None:
    field = await field_with(tls=files)
    other = trusting(own=STATIONS.for_station("AC2"), folder=tmp_path)

    head, peer = await field.knock("/any/AC1", tls=other)

    assert peer is None
    assert head.startswith("HTTP/1.1 403 ")
    refused = await field.sees(Kind.REFUSED)
    assert (refused.identity, refused.answer) == ("AC1", "403")
    assert "AC2" in refused.detail
    assert not field.csms.heads


async def test_a_certificate_may_name_the_serial_number_that_the_inventory_knows(
    field_with: Build, files: Files, tmp_path: Path
) -> None:
    directory = Directory([Station(identity="AC1", serial="SN-0417")])
    field = await field_with(tls=files, directory=directory)

    _, peer = await field.knock("/any/AC1", tls=trusting(own=STATIONS.for_station("SN-0417"), folder=tmp_path))

    assert peer is not None


async def test_the_relay_vouches_towards_the_csms_for_stations_whose_certificate_it_has_seen_and_for_nobody_else(
    csms: Csms, field_with: Build, files: Files, tmp_path: Path
) -> None:
    await csms.down()
    backend, relays = Authority("Root of the CSMS"), Authority("Root of the relays")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=relays.root)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_cert_chain(*backend.for_backend().write(tmp_path, "csms"))
    csms.port, csms.tls = 0, context
    await csms.up()
    certificate, key = relays.for_station("relay of the move").write(tmp_path, "vouching")
    more = {
        "upstream_ca": backend.write_root(tmp_path / "csms-root.pem"),
        "upstream_certificate": certificate,
        "upstream_key": key,
    }
    tls = Files(**{**_as_dict(files), **more})
    field = await field_with(upstream=f"wss://127.0.0.1:{csms.port}/ocpp", tls=tls)

    await field.knock("/any/AC1", tls=trusting(own=STATIONS.for_station("AC1"), folder=tmp_path))
    await field.knock("/any/AC2", headers=BASIC, tls=trusting())

    assert field.relay.is_up
    assert (("commonName", "relay of the move"),) in csms.shown["AC1"]["subject"]
    assert not csms.shown["AC2"]


async def test_a_csms_whose_certificate_nobody_vouches_for_is_not_dialled_and_counts_as_down(
    csms: Csms, field_with: Build, tmp_path: Path
) -> None:
    await csms.down()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*Authority("Somebody").for_backend().write(tmp_path, "csms"))
    csms.port, csms.tls = 0, context
    await csms.up()
    known = Files(side="target", upstream_ca=NEW_ROOT.write_root(tmp_path / "root.pem"))
    field = await field_with(upstream=f"wss://127.0.0.1:{csms.port}/ocpp", tls=known)

    head, _ = await field.knock("/any/AC1")

    assert head.startswith("HTTP/1.1 503 ")
    assert not field.relay.is_up
    assert "certificate" in (await field.sees(Kind.CSMS_DOWN)).detail.lower()


async def test_a_renewed_certificate_is_shown_to_whoever_connects_next_and_the_others_stay(
    field_with: Build, files: Files, tmp_path: Path
) -> None:
    field = await field_with(tls=files)
    _, before = await field.knock("/any/AC1", tls=trusting())
    later = Authority("Next year's root")
    later.for_backend().write(tmp_path, "relay")

    field.relay.contexts.read_anew()
    _, after = await field.knock("/any/AC2", tls=trusting(later))

    assert before is not None
    assert after is not None
    before.say(2, "1", "Heartbeat", {})
    assert await (await field.csms.peer("AC1")).hear() == [2, "1", "Heartbeat", {}]


async def test_a_key_that_others_may_read_opens_no_door(files: Files, csms: Csms) -> None:
    files.keys[0].chmod(0o640)

    with pytest.raises(NotAllowed, match="may be read by others"):
        await Field(csms).start(tls=files)


async def test_a_certificate_and_a_key_that_do_not_belong_together_are_named(
    files: Files, csms: Csms, tmp_path: Path
) -> None:
    files.keys[0].write_bytes(STATIONS.for_station("AC1").key)

    with pytest.raises(SettingsProblem, match=r"target\.relay"):
        await Field(csms).start(tls=files)


async def test_a_station_that_says_nothing_at_a_tls_door_is_let_go_and_keeps_nobody_else_out(
    field_with: Build, files: Files
) -> None:
    field = await field_with(tls=files, limits=Limits(handshake_s=0.3, sweep_s=0.02))
    _, mute = await asyncio.open_connection("127.0.0.1", field.relay.port)

    _, peer = await field.knock("/any/AC1", tls=trusting())

    assert peer is not None
    async with asyncio.timeout(PATIENCE_S):
        while not field.relay.counts["failed_handshakes"]:
            await asyncio.sleep(0.01)
    mute.close()


@pytest.mark.parametrize(
    ("side", "called", "identity"),
    [
        pytest.param(Side.TARGET, "NEW-1", "OLD-1", id="its new name on the target"),
        pytest.param(Side.TARGET, "OLD-1", "OLD-1", id="its old name on the target"),
        pytest.param(Side.SOURCE, "NEW-1", "OLD-1", id="thrown back with its new name"),
        pytest.param(Side.TARGET, "OLD-2", "OLD-3", id="a name that another has left"),
        pytest.param(Side.SOURCE, "OLD-2", "OLD-2", id="the same name on the source is the one who has it there"),
        pytest.param(Side.TARGET, "stranger", "stranger", id="nobody of the inventory"),
    ],
)
async def test_a_station_is_recognised_by_the_name_that_it_has_on_a_side(
    field_with: Build, side: Side, called: str, identity: str
) -> None:
    fleet = [
        Station(identity="OLD-1", target_identity="NEW-1"),
        Station(identity="OLD-2", target_identity="NEW-2"),
        Station(identity="OLD-3", target_identity="OLD-2"),
    ]
    field = await field_with(side=side, directory=Directory(fleet))

    await field.station(called)
    await field.csms.peer(called)

    seen = await field.sees(Kind.CONNECTED)
    assert (seen.identity, seen.name) == (identity, called)
    assert field.relay.session(identity) is not None


async def test_a_command_reaches_a_renamed_station_by_its_identity(field_with: Build) -> None:
    directory = Directory([Station(identity="OLD-1", target_identity="NEW-1")])
    field = await field_with(side=Side.TARGET, directory=directory)
    station = await field.station("NEW-1")
    await field.csms.peer("NEW-1")

    asked = asyncio.create_task(field.relay.inject("OLD-1", "Reset", {"type": "Soft"}, timeout_s=PATIENCE_S))
    _, number, action, _ = await station.hear()
    station.say(3, number, {"status": "Accepted"})

    assert action == "Reset"
    assert (await asked).payload == {"status": "Accepted"}


async def test_a_certificate_that_has_ended_is_no_way_to_the_csms(
    csms: Csms, field_with: Build, tmp_path: Path
) -> None:
    await csms.down()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*NEW_ROOT.for_backend(lasts=-timedelta(hours=1)).write(tmp_path, "csms"))
    csms.port, csms.tls = 0, context
    await csms.up()
    known = Files(side="target", upstream_ca=NEW_ROOT.write_root(tmp_path / "root.pem"))

    field = await field_with(upstream=f"wss://127.0.0.1:{csms.port}/ocpp", tls=known)

    assert not field.relay.is_up
