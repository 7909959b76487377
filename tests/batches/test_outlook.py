"""What was looked at before a wave, judged: every kind of finding, and who is stopped or left out by it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from batches.findings import Finding, Severity
from batches.outlook import BLOCKING, Outlook, outlook
from batches.prospects import Facts, Prospect
from migrate.domain.address import parse_backend
from migrate.domain.bandwidth import Load
from migrate.domain.evidence import Side
from migrate.domain.profile import Method, Profile, Write
from migrate.domain.station import Lifecycle, Station
from migrate.domain.survey import Certificate, Doorstep, HostSight, Knock, Knocked, SecretShape, TlsSight, Unreached
from migrate.domain.ways import Encoding, Finish, Firmware, Way
from tests.doubles.scene import ACME

AT = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
YEARS = timedelta(days=3650)
OLD, NEW = parse_backend("wss://old.example/ocpp"), parse_backend("wss://csms.new.example/ocpp")


def a_certificate(name: str, issuer: str, **changes: Any) -> Certificate:
    usual: dict[str, Any] = {
        "subject": f"CN={name}",
        "issuer": f"CN={issuer}",
        "common_name": name,
        "names": (name,),
        "not_before": AT - YEARS,
        "not_after": AT + YEARS,
        "key": "RSA",
        "key_bits": 2048,
        "hash": "sha256",
        "fingerprint": f"f-{name}",
    }
    return Certificate(**(usual | changes))


def a_root(name: str = "Root") -> Certificate:
    return a_certificate(name, name, names=())


def tls(own: Certificate | None = None, **changes: Any) -> TlsSight:
    usual: dict[str, Any] = {"chain": (own or a_certificate("csms.new.example", "Root"),), "anchor": a_root()}
    return TlsSight(**(usual | changes))


def a_prospect(identity: str = "AC1", profile: Profile | None = ACME, **station: Any) -> Prospect:
    return Prospect(
        station=Station(identity=identity, vendor="Acme", model="AC22", **station),
        method=profile.method if profile else Method.VISIT,
        profile=profile,
        source=OLD,
        target=NEW,
    )


def facts(*prospects: Prospect, **changes: Any) -> Facts:
    """A sound set-up, unless a test plants something in it."""
    standing = prospects or (a_prospect(),)
    usual: dict[str, Any] = {
        "at": AT,
        "ends_at": AT + timedelta(days=30),
        "prospects": standing,
        "everyone": tuple(p.station for p in standing),
        "targets": (Doorstep(backend=NEW, status=426, ahead=timedelta(0), tls=tls()),),
        "sources": (Doorstep(backend=OLD, status=426, tls=tls(a_certificate("old.example", "Root"))),),
        "upstreams": {side: Doorstep(backend=OLD, status=426, ahead=timedelta(0)) for side in Side},
        "root": "f-Root",
        "host": HostSight(free_bytes=10**10),
        "known": frozenset(p.new_name for p in standing),
        "known_from": "identities.txt",
    }
    return Facts(**(usual | changes))


def codes(seen: Outlook) -> dict[str, Severity]:
    return {found.code: found.severity for found in seen.findings}


def shown(own: Certificate | None = None, **changes: Any) -> dict[str, Any]:
    """A target that shows this."""
    return {"targets": (Doorstep(backend=NEW, status=426, tls=tls(own, **changes)),)}


def test_a_sound_set_up_has_no_finding() -> None:
    assert outlook(facts()).findings == ()


OWN = a_certificate("csms.new.example", "Root")
STOP, EXCLUDE, WARNING = Severity.STOP, Severity.EXCLUDE, Severity.WARNING

DOORS = [
    pytest.param(shown(replace(OWN, names=("*.new.example",), common_name="*.new.example")), {"certificate-wildcard": WARNING}, id="a wildcard alone covers the name"),
    pytest.param(shown(replace(OWN, names=("*.example",), common_name="x")), {"certificate-name": STOP}, id="a wildcard stands for one label"),
    pytest.param(shown(replace(OWN, names=("csms.new.example.",), common_name="CSMS.NEW.EXAMPLE")), {}, id="capitals and a dot at the end change no name"),
    pytest.param(shown(replace(OWN, common_name="Operator Ltd")), {"certificate-cn": WARNING}, id="old stations look at the CN"),
    pytest.param(shown(replace(OWN, names=())), {"certificate-cn": WARNING}, id="new stations look at the SAN"),
    pytest.param(shown(replace(OWN, not_before=AT + timedelta(hours=1))), {"certificate-dates": STOP}, id="not valid yet"),
    pytest.param(shown(replace(OWN, not_after=AT + timedelta(days=6))), {"certificate-dates": STOP}, id="expires this week"),
    pytest.param(shown(replace(OWN, not_after=AT + timedelta(days=29))), {"certificate-dates": WARNING}, id="expires before the campaign ends"),
    pytest.param(shown(replace(OWN, not_after=AT + timedelta(days=31))), {}, id="expires after it"),
    pytest.param(shown(anchor=replace(a_root(), not_after=AT - timedelta(days=1))), {"certificate-dates": STOP}, id="the root has expired"),
    pytest.param(shown(replace(OWN, hash="sha1")), {"certificate-hash": STOP}, id="signed with SHA-1"),
    pytest.param(shown(replace(OWN, key="EC", key_bits=256)), {}, id="an EC key of 256 bits"),
    pytest.param(shown(replace(OWN, key="EC", key_bits=192)), {"certificate-key": STOP}, id="an EC key of 192 bits"),
    pytest.param(shown(replace(OWN, key="Ed25519", key_bits=256)), {"certificate-key": STOP}, id="a key that stations do not know"),
    pytest.param(shown(is_ordered=False), {"chain-order": WARNING}, id="sent out of order"),
    pytest.param(shown(takes_rsa=False), {"tls-ecdsa-only": STOP}, id="ECDSA alone"),
    pytest.param(shown(takes_12=False, takes_rsa=False), {"tls-version": STOP}, id="TLS 1.3 alone"),
    pytest.param(shown(beside=tls(replace(OWN, key="EC", key_bits=256))), {}, id="a sound chain of either kind"),
    pytest.param(shown(beside=tls(replace(OWN, not_after=AT))), {"certificate-dates": STOP}, id="the chain of the other kind has expired"),
    pytest.param(shown(anchor=None, missing="CN=Between"), {"chain-incomplete": STOP}, id="an issuer is missing"),
    pytest.param(shown(anchor=a_root("Other")), {"root-other": STOP}, id="another root than the one to be installed"),
    pytest.param({"targets": (Doorstep(backend=NEW, failure="refused"),)}, {"target-away": STOP}, id="nobody is there"),
    pytest.param({"targets": (Doorstep(backend=NEW, failure="refused", is_ours=True),)}, {"target-unseen": Severity.NOTE}, id="the relay is not up yet"),
    pytest.param({"targets": (Doorstep(backend=NEW, status=502),)}, {"target-away": STOP}, id="a balancer with nobody behind it"),
    pytest.param({"upstreams": {Side.SOURCE: Doorstep(backend=OLD, failure="refused")}}, {"source-away": STOP}, id="the source is gone"),
    pytest.param({"targets": (Doorstep(backend=NEW, ahead=timedelta(seconds=-40)),)}, {"clock": WARNING}, id="a clock 40 s behind"),
    pytest.param({"targets": (Doorstep(backend=NEW, ahead=timedelta(minutes=6)),)}, {"clock": STOP}, id="a clock 6 min ahead"),
    pytest.param({"host": HostSight(free_bytes=10**6)}, {"disk": STOP}, id="a full disk"),
    pytest.param({"host": HostSight(free_bytes=10**10, stale_lists={"target.relay.client_crl": "should be newer"})}, {"revocations-stale": WARNING}, id="a list that should be newer"),
    pytest.param({"host": HostSight(free_bytes=10**10, taken={"target.relay.listen": "Address already in use"})}, {"port-taken": STOP}, id="a port that is held"),
    pytest.param({"test_knock": (Knock(identity="T", found=Knocked.SILENT),)}, {"handshake": STOP}, id="no answer to the test handshake"),
    pytest.param({"test_knock": (Knock(identity="T", found=Knocked.CREDENTIALS, status=401),)}, {}, id="a target that asks for a password says nothing"),
    pytest.param({"first_on_target": 10, "last_on_source": 9}, {}, id="numbers that follow on"),
    pytest.param({"first_on_target": 9, "last_on_source": 9}, {"transaction-numbers": STOP}, id="a number that both give"),
]  # fmt: skip


@pytest.mark.parametrize(("planted", "found"), DOORS)
def test_each_defect_of_a_backend_or_of_this_host_is_found_and_nothing_else(
    planted: dict[str, Any], found: dict[str, Severity]
) -> None:
    assert codes(outlook(facts(**planted))) == found


def test_of_two_chains_a_finding_says_which_it_is_about_and_what_both_have_is_told_once() -> None:
    both = replace(OWN, common_name="x")
    other = tls(replace(both, key="EC", key_bits=256, hash="sha1"))

    told = [one.text for one in outlook(facts(**shown(both, beside=other))).findings]

    assert [text for text in told if "(its chain with the" in text] == [
        "CN=csms.new.example of wss://csms.new.example/ocpp is signed with SHA1, which newer stations refuse "
        "(its chain with the EC key)"
    ]
    assert sum("as its CN" in text for text in told) == 1


def test_a_private_root_that_was_never_named_is_asked_for() -> None:
    chain = (OWN, a_certificate("Between", "Private"))

    seen = outlook(facts(**shown(chain=chain, anchor=None, missing="CN=Private"), root=""))

    assert codes(seen) == {"root-unknown": STOP}


# ── roots that stations have to trust ──────────────────────────────────────

CERTIFYING = replace(
    ACME, writes=(Write(key="CSMSRootCertificate", value="${root}", via=Way.CERTIFICATE), *ACME.writes)
)
ELSEWHERE = {"sources": (Doorstep(backend=OLD, tls=tls(a_certificate("old.example", "Old"), anchor=a_root("Old"))),)}


def test_a_new_private_root_leaves_out_whom_nothing_gives_it_to() -> None:
    seen = outlook(facts(a_prospect("AC1"), a_prospect("AC2", CERTIFYING), **ELSEWHERE))

    assert list(seen.excluded) == ["AC1"]
    assert "root CN=Root" in seen.excluded["AC1"]


def test_a_new_public_root_is_a_warning_because_stations_may_have_it() -> None:
    seen = outlook(facts(**ELSEWHERE, **shown(is_public=True), root=""))

    assert codes(seen) == {"root-new": WARNING}


def test_a_station_that_came_in_the_clear_has_never_needed_a_root() -> None:
    seen = outlook(facts(replace(a_prospect(), source=parse_backend("ws://old.example/ocpp"))))

    assert codes(seen)["root-new"] is EXCLUDE


def test_a_crew_brings_the_root_along() -> None:
    assert outlook(facts(a_prospect(profile=None), **ELSEWHERE)).findings == ()


# ── stations ───────────────────────────────────────────────────────────────


def shape(octets: int, *, is_text: bool = True, is_hex: bool = False) -> dict[str, Any]:
    return {"secrets": {"pw": SecretShape(octets=octets, is_text=is_text, is_hex=is_hex)}}


def with_password(encoding: Encoding = Encoding.PLAIN, *, later: bool = False) -> Profile:
    write = Write(key="AuthorizationKey", secret="pw", encoding=encoding)
    return replace(ACME, finish={Finish.PASSWORD: (write,)}) if later else replace(ACME, writes=(write, *ACME.writes))


STATIONS = [
    pytest.param([a_prospect("A:1", security_profile=1)], {}, {"identity-colon": EXCLUDE}, id="a colon before a password"),
    pytest.param([a_prospect("A:1", security_profile=3)], {}, {}, id="a colon beside a certificate"),
    pytest.param([a_prospect("A 1")], {}, {"identity-encoded": WARNING}, id="a blank in the identity"),
    pytest.param([a_prospect("A" * 29)], {"longest_identity": 28}, {"identity-long": EXCLUDE}, id="longer than the target stores"),
    pytest.param([a_prospect("AC1"), a_prospect("ac1")], {}, {"identity-case": WARNING}, id="capitals alone tell them apart"),
    pytest.param([a_prospect("AC1")], {"known": frozenset({"ac1", "SOUND"})}, {"identity-unknown": EXCLUDE}, id="registered with other capitals"),
    pytest.param([a_prospect("AC1")], {"known": None}, {}, id="nobody said whom the target knows"),
    pytest.param([a_prospect("AC1")], {"knocks": {"AC1": Knock(identity="AC1", found=Knocked.UNKNOWN, status=404)}}, {"identity-unknown": EXCLUDE}, id="refused at the door"),
    pytest.param([a_prospect("AC1")], {"knocks": {"AC1": Knock(identity="AC1", found=Knocked.NO_DIALECT)}}, {"subprotocol": EXCLUDE}, id="its dialect is not taken"),
    pytest.param([a_prospect("AC1", security_profile=0)], {"knocks": {"AC1": Knock(identity="AC1", found=Knocked.CREDENTIALS)}}, {"password": EXCLUDE}, id="no password where one is asked for"),
    pytest.param([a_prospect("AC1", security_profile=1)], {"knocks": {"AC1": Knock(identity="AC1", found=Knocked.CREDENTIALS)}}, {}, id="a password where one is asked for"),
    pytest.param([a_prospect("AC1")], {"knocks": {"AC1": Knock(identity="AC1", found=Knocked.SILENT)}}, {"knock-unanswered": WARNING}, id="no answer to a knock"),
    pytest.param([a_prospect("AC1", lifecycle=Lifecycle.OFFLINE)], {}, {"offline-long": WARNING}, id="offline by the list"),
    pytest.param([a_prospect("AC1", last_seen_at="2026-11-01T10:00:00+01:00")], {}, {}, id="seen lately"),
    pytest.param([a_prospect("AC1")], {"dialects": {"AC1": "ocpp2.0.1"}}, {"dialect": EXCLUDE}, id="speaks another version"),
    pytest.param([a_prospect("AC1")], {"dialects": {"AC1": "ocpp1.6"}}, {}, id="speaks its profile's version"),
    pytest.param([a_prospect("AC1")], {"lacks": {"AC1": "AC1 has no ip_address."}}, {"way-lacking": EXCLUDE}, id="no address for its own interface"),
    pytest.param([a_prospect("AC1")], {"unfit": {"AC1": "AC1 does not know the key X."}}, {"not-as-planned": EXCLUDE}, id="without the key"),
    pytest.param([a_prospect("AC1")], {"unreached": {"AC1": Unreached(way="ssh", where="10.0.0.1", why="no answer")}}, {"ssh-unreached": EXCLUDE}, id="SSH does not answer"),
    pytest.param([a_prospect("AC1", with_password())], {"secrets": {"pw": None}}, {"secret-missing": EXCLUDE}, id="a secret that is nowhere"),
    pytest.param([a_prospect("AC1", with_password())], {"secrets": {"pw/AC1": None}}, {"secret-missing": EXCLUDE}, id="a station without its own secret"),
    pytest.param([a_prospect("AC1", with_password())], {"secrets": {"pw/AC1": SecretShape(octets=3, is_text=True, is_hex=False)}}, {"password": EXCLUDE}, id="a station whose own password is too short"),
    pytest.param([a_prospect("AC1", with_password())], {"secrets": {"pw/AC2": None}}, {}, id="another station without its own secret"),
    pytest.param([a_prospect("AC1", with_password(later=True))], {"secrets": {"pw": None}}, {}, id="a secret that only a later step needs"),
    pytest.param([a_prospect("AC1", with_password())], shape(15), {"password": EXCLUDE}, id="I77 a password of 15 characters"),
    pytest.param([a_prospect("AC1", with_password())], shape(41), {"password": EXCLUDE}, id="I77 a password of 41 characters"),
    pytest.param([a_prospect("AC1", with_password(), ocpp_version="2.1")], shape(41), {}, id="41 characters in OCPP 2.1"),
    pytest.param([a_prospect("AC1", with_password())], shape(32, is_hex=True), {"password": WARNING}, id="I77 plain, and reads as hexadecimal"),
    pytest.param([a_prospect("AC1", with_password(Encoding.HEX))], shape(20, is_text=False), {}, id="I77 20 octets in hex"),
    pytest.param([a_prospect("AC1", with_password(Encoding.HEX))], shape(21), {"password": EXCLUDE}, id="I77 21 octets in hex"),
    pytest.param([a_prospect("AC1", with_password(Encoding.HEX))], shape(15), {"password": EXCLUDE}, id="I77 15 octets in hex"),
    pytest.param([a_prospect("AC1", with_password())], shape(20, is_text=False), {"password": EXCLUDE}, id="I77 no text, to be written as it is"),
    pytest.param([a_prospect("AC1", with_password(later=True))], shape(3), {"password": WARNING}, id="a bad password for a later step"),
]  # fmt: skip


@pytest.mark.parametrize(("prospects", "planted", "found"), STATIONS)
def test_each_defect_of_a_station_is_found_and_nothing_else(
    prospects: list[Prospect], planted: dict[str, Any], found: dict[str, Severity]
) -> None:
    seen = outlook(facts(a_prospect("SOUND"), *prospects, **({"known": None} | planted)))

    assert codes(seen) == found
    assert "SOUND" not in {identity for one in seen.findings for identity in one.identities}


LOADING = replace(ACME, firmware=Firmware(steps=("5.0",), within=timedelta(minutes=10)))


def loading(*prospects: Prospect, size_bytes: int, **planted: Any) -> Facts:
    loads = {p.identity: Load(identity=p.identity, group="apn:iot", sizes=(None, size_bytes)) for p in prospects}
    return facts(a_prospect("SOUND"), *prospects, loads=loads, rate_bytes_per_s=1000, **planted)


def test_a_firmware_that_starves_beside_others_is_not_begun() -> None:
    prospects = [a_prospect(f"AC{n}", LOADING) for n in range(4)]

    alone = outlook(loading(*prospects, size_bytes=200_000, at_once=2))
    crowded = outlook(loading(*prospects, size_bytes=200_000, at_once=4))

    assert alone.findings == ()  # 200 kB at half of 1 kB/s: 400 s of 600 s
    assert sorted(crowded.excluded) == ["AC0", "AC1", "AC2", "AC3"]
    assert "for 13 min" in crowded.findings[0].text


def test_more_places_than_stations_share_the_rate_among_those_that_are_there() -> None:
    assert outlook(loading(a_prospect("AC1", LOADING), size_bytes=500_000, at_once=50)).findings == ()


def test_a_firmware_file_for_nobody_is_noted() -> None:
    seen = outlook(facts(idle_files=("a.bin is for no station of the inventory.",)))

    assert codes(seen) == {"firmware-idle": Severity.NOTE}


def test_two_stations_that_would_be_one_on_the_target_are_both_left_out_also_when_one_is_of_another_wave() -> None:
    moving, staying = a_prospect("AC1", target_identity="N1"), Station(identity="N1")

    seen = outlook(facts(a_prospect("AC2"), moving, everyone=(moving.station, staying)))

    assert list(seen.excluded) == ["AC1"]


def test_stations_with_one_ground_are_told_together_without_their_own_names() -> None:
    prospects = [a_prospect(f"AC{n}", ip_address=f"10.0.0.{n}") for n in range(3)]
    lacks = {p.identity: f"{p.identity} at {p.station.ip_address} has no script." for p in prospects}

    (found,) = outlook(facts(a_prospect("SOUND"), *prospects, lacks=lacks)).findings

    assert found.text == "3 stations: … at … has no script"
    assert found.count == 3


# ── what comes of it ───────────────────────────────────────────────────────


def test_a_wave_in_which_nobody_is_left_stops_because_nothing_of_nothing_would_open_its_gate() -> None:
    seen = outlook(facts(a_prospect("AC1"), a_prospect("AC2"), unfit={"AC1": "no slot", "AC2": "no slot"}))

    assert codes(seen)["nobody-left"] is STOP
    assert not seen.is_sound


def test_the_last_of_a_wave_is_left_out_without_stopping_it_because_others_have_proven_it() -> None:
    seen = outlook(facts(a_prospect("AC1"), unfit={"AC1": "no slot"}, begun=5))

    assert list(codes(seen)) == ["not-as-planned"]


def test_a_crew_alone_keeps_a_wave_from_being_about_nobody() -> None:
    seen = outlook(facts(a_prospect("AC1", None), unfit={}))

    assert seen.findings == ()


def test_an_accepted_finding_warns_and_is_charged_to_nobody() -> None:
    planted = facts(a_prospect("AC1"), a_prospect("SOUND"), unfit={"AC1": "no slot"})

    seen = outlook(planted, {"not-as-planned": "seen on the bench, ann"})

    assert (codes(seen), seen.excluded) == ({"not-as-planned": WARNING}, {})
    assert "accepted: seen on the bench, ann" in seen.findings[0].text


def test_only_backends_that_are_away_can_be_waited_for() -> None:
    away = Doorstep(backend=NEW, failure="refused")

    assert outlook(facts(targets=(away,))).is_away
    assert not outlook(facts(targets=(away,), host=HostSight(free_bytes=1))).is_away


def test_an_address_that_is_looked_at_twice_is_told_once() -> None:
    gone = Doorstep(backend=NEW, failure="refused")

    seen = outlook(facts(targets=(gone, gone)))

    assert len(seen.findings) == 1


def test_whatever_stops_or_excludes_can_be_accepted_by_its_name() -> None:
    blocking = {
        found
        for _, planted, told in (p.values for p in STATIONS)
        for found, severity in told.items()
        if severity in (STOP, EXCLUDE)
    }
    blocking |= {found for _, told in (p.values for p in DOORS) for found, s in told.items() if s in (STOP, EXCLUDE)}

    assert blocking <= BLOCKING


def test_a_finding_says_what_to_do() -> None:
    every = [
        *(outlook(facts(**p.values[0])) for p in DOORS),
        *(outlook(facts(*p.values[0], **({"known": None} | p.values[1]))) for p in STATIONS),
    ]

    mute = [found for seen in every for found in seen.findings if not found.hint]

    assert every
    assert mute == []


def test_the_reason_of_a_station_that_waits_names_the_finding_and_no_count() -> None:
    found = Finding(code="root-new", severity=EXCLUDE, text="12 stations may not know the root", identities=("A",))

    assert Outlook(findings=(found,)).excluded == {"A": "check root-new: may not know the root"}
