"""Orders of firmware: the right file, a link of its own, the words of the version that the station speaks, or nothing at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from ocpp.messages import Call, validate_payload

from migrate.adapters.channels.firmware import Depot, FirmwareDoors
from migrate.adapters.clock import CampaignClock
from migrate.adapters.dice import SystemDice
from migrate.adapters.files.links import Links
from migrate.adapters.files.manifest import Entry
from migrate.adapters.files.store import FirmwareFile, FirmwareStore
from migrate.adapters.ocpp.messages import Answer, Error, Result
from migrate.domain.bandwidth import Share
from migrate.domain.errors import Mismatch, Refused, Unreachable
from migrate.domain.evidence import IdentityFacts, Side
from migrate.domain.profile import Method, Profile, Proof, Rollback, Selector, TurningPoint
from migrate.domain.station import Station
from migrate.domain.version import FirmwareRange
from migrate.domain.ways import Firmware
from migrate.ports import Presence, Session

KEY = b"k" * 32
STATION = Station(identity="AC1", vendor="Acme", model="X", firmware="4.0", apn="iot.example")
PROFILE = Profile(
    name="acme",
    title="Acme",
    selector=Selector(vendors=("Acme",)),
    method=Method.FIRMWARE,
    rollback=Rollback.REMOTE,
    turning_point=TurningPoint.RESTART,
    proof=Proof.DOCUMENTED,
    firmware=Firmware(steps=("5.0",), protocols=("https", "http", "ftp")),
)
BASES = {"http": "http://files.example:8080", "ftp": "ftp://192.0.2.10:2121"}
SIGNED = {"signature": "QUJD", "signing_certificate": "-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n"}


def file(name: str = "acme-5.0.bin", **more: Any) -> FirmwareFile:
    facts = {"vendors": ("Acme",), "version": "5.0", "sha256": "0" * 64} | more
    return FirmwareFile(entry=Entry(file=name, **facts), path=Path(name), size=100, mark=(1, 1, 1, 1))


class Keys:
    def secret(self, name: str) -> bytes:
        assert name == "link_key"
        return KEY


@dataclass
class Line:
    """A listening process with one station behind it."""

    protocol: str = "ocpp1.6"
    answer: Answer = field(default_factory=lambda: Result("1", {}))
    sent: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    async def presence(self, identity: str) -> Presence:
        now = datetime(2026, 11, 20, tzinfo=UTC)
        there = Session(id="s", connected_at=now, heard_at=now, protocol=self.protocol) if self.protocol else None
        return Presence(identity=identity, sessions={Side.SOURCE: there}, seen=frozenset({Side.SOURCE}))

    async def inject(
        self, side: Side, identity: str, action: str, payload: Mapping[str, Any], *, timeout_s: float
    ) -> Answer:
        self.sent.append((action, payload))
        return self.answer

    @property
    def location(self) -> str:
        ((_, payload),) = self.sent
        return str(payload.get("location") or payload["firmware"]["location"])


async def ordered(
    line: Line,
    *,
    files: tuple[FirmwareFile, ...] = (file(),),
    firmware: Firmware | None = None,
    bases: Mapping[str, str] = BASES,
    station: Station = STATION,
    said: IdentityFacts | None = None,
) -> str:
    async def facts(identity: str, side: Side) -> IdentityFacts:
        return said or IdentityFacts()

    depot = Depot(store=FirmwareStore(Path("firmware"), files), bases=bases, share=Share.APN)
    doors = FirmwareDoors(line, depot, Keys(), facts, clock=CampaignClock(), dice=SystemDice())
    profile = replace(PROFILE, firmware=firmware or PROFILE.firmware)
    return await doors.to(station, profile, Side.SOURCE).write(station.identity, "firmware", "5.0")


async def test_in_1_6_an_order_is_by_the_schema_and_its_answer_says_no_more_than_that_it_came() -> None:
    line = Line()

    said = await ordered(line)

    ((action, payload),) = line.sent
    await validate_payload(Call("1", action, dict(payload)), "1.6")
    assert (said, action) == ("Taken", "UpdateFirmware")
    assert (payload["retries"], payload["retryInterval"]) == (1, 180)


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_in_2_x_an_order_has_a_number_and_an_answer(version: str) -> None:
    line = Line(protocol=f"ocpp{version}", answer=Result("1", {"status": "Accepted"}))

    said = await ordered(line)

    ((action, payload),) = line.sent
    await validate_payload(Call("1", action, dict(payload)), version)
    assert (said, action) == ("Accepted", "UpdateFirmware")


async def test_signed_firmware_goes_out_with_its_certificate_and_signature() -> None:
    line = Line(answer=Result("1", {"status": "Accepted"}))

    await ordered(
        line, files=(file(**SIGNED),), firmware=replace(PROFILE.firmware or Firmware(steps=()), is_signed=True)
    )

    ((action, payload),) = line.sent
    assert action == "SignedUpdateFirmware"
    assert payload["firmware"]["signature"] == "QUJD"
    assert payload["firmware"]["signingCertificate"].startswith("-----BEGIN CERTIFICATE-----")


@pytest.mark.parametrize("status", ["Rejected", "InvalidCertificate", "RevokedCertificate"])
@pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.0.1"])
async def test_a_word_for_no_is_a_refusal(protocol: str, status: str) -> None:
    line = Line(protocol=protocol, answer=Result("1", {"status": status}))
    signed = replace(PROFILE.firmware or Firmware(steps=()), is_signed=True)

    with pytest.raises(Refused) as caught:
        await ordered(line, files=(file(**SIGNED),), firmware=signed)

    assert caught.value.status == status


async def test_an_order_that_takes_the_place_of_an_earlier_one_is_taken() -> None:
    assert await ordered(Line("ocpp2.0.1", Result("1", {"status": "AcceptedCanceled"}))) == "AcceptedCanceled"


async def test_a_station_that_knows_no_such_command_refuses() -> None:
    with pytest.raises(Refused, match="NotImplemented"):
        await ordered(Line(answer=Error("1", "NotImplemented")))


async def test_the_link_is_this_stations_alone_and_the_first_protocol_of_both() -> None:
    line = Line()

    await ordered(line)

    link = Links(KEY).read(urlsplit(line.location).path)
    assert line.location.startswith("http://files.example:8080/")
    assert link is not None
    assert (link.identity, link.file) == ("AC1", "acme-5.0.bin")


HOSTILE = ["AC 1", "a/../../b", "AC1?x=1#y", "@evil.example", "a:b@c", "$(id)", "{url}", "%2e%2e", "ä", "\\..\\x"]


@pytest.mark.parametrize("identity", HOSTILE)
async def test_whatever_an_identity_holds_the_link_leads_to_our_server_and_names_it_exactly(identity: str) -> None:
    line = Line()

    await ordered(line, station=replace(STATION, identity=identity))

    parts = urlsplit(line.location)
    assert (parts.netloc, parts.query, parts.fragment) == ("files.example:8080", "", "")
    assert len(parts.path.split("/")) == 5
    assert unquote(parts.path.split("/")[3]) == identity
    assert all("!" <= character <= "~" for character in line.location)


@pytest.mark.parametrize("identity", ["a/b", "100%"])
async def test_an_identity_that_no_ftp_path_can_hold_is_refused_before_anything_is_sent(identity: str) -> None:
    line = Line()

    with pytest.raises(Refused, match="no link"):
        await ordered(line, station=replace(STATION, identity=identity), bases={"ftp": BASES["ftp"]})

    assert not line.sent


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ((), "no sound file of firmware.toml brings version 5.0"),
        ((file(vendors=("Other",)),), "vendor 'Acme' is not Other"),
        ((file(from_versions=FirmwareRange(at_least="4.5")),), "firmware '4.0' is not >=4.5"),
    ],
    ids=["none", "another maker's", "a step left out"],
)
async def test_without_a_file_for_it_nothing_is_sent(files: tuple[FirmwareFile, ...], said: str) -> None:
    line = Line()

    with pytest.raises(Refused) as caught:
        await ordered(line, files=files)

    assert said in str(caught.value)
    assert not line.sent


async def test_an_unsigned_file_is_no_file_for_a_family_that_wants_a_signature() -> None:
    line = Line()

    with pytest.raises(Refused, match="has no signature"):
        await ordered(line, firmware=replace(PROFILE.firmware or Firmware(steps=()), is_signed=True))

    assert not line.sent


async def test_what_the_station_says_of_itself_counts_more_than_the_inventory() -> None:
    line = Line()
    newer = file("from5.bin", from_versions=FirmwareRange(at_least="4.9"))
    older = file("from4.bin", from_versions=FirmwareRange(below="4.9"))

    await ordered(line, files=(older, newer), said=IdentityFacts(vendor="Acme", model="X", firmware="4.9"))

    assert line.location.endswith("/from5.bin")


async def test_a_station_that_is_not_there_was_sent_nothing() -> None:
    with pytest.raises(Unreachable) as caught:
        await ordered(Line(protocol=""))

    assert not caught.value.sent


async def test_a_campaign_that_serves_nothing_that_the_family_takes_says_what_to_set() -> None:
    with pytest.raises(Mismatch, match=r"firmware\.listen"):
        await ordered(Line(), bases={})


async def test_nothing_is_read_and_nothing_restarted_by_this_door() -> None:
    line = Line()
    depot = Depot(store=FirmwareStore(Path("firmware"), ()), bases=BASES, share=Share.APN)

    async def facts(identity: str, side: Side) -> IdentityFacts:
        return IdentityFacts()

    doors = FirmwareDoors(line, depot, Keys(), facts, clock=CampaignClock(), dice=SystemDice())
    door = doors.to(STATION, PROFILE, Side.SOURCE)

    assert await door.read("AC1", ["firmware"]) == {}
    with pytest.raises(Mismatch):
        await door.write("AC1", "BackendUrl", "ws://x")
    assert not line.sent
