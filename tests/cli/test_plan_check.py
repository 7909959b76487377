"""``migrate plan check`` on a set-up with one defect planted in it, over real sockets; and on a sound one.

The numbers are those of the list in docs/checks.md, "Planted and found".
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from batches.outlook import Outlook
from migrate.adapters.clock import CampaignClock
from migrate.adapters.journal.journal import open_journal
from migrate.cli import call
from migrate.cli.plan_check import ports_of
from migrate.domain.station import Station
from migrate.simulator.authority import Authority
from migrate.wiring import open_campaign
from migrate.wiring.lookahead import Lookahead
from tests.doubles.backend import Manners, backend
from tests.doubles.issuer import Issuer, Wish

OURS, THEIRS = Issuer("ours"), Issuer("theirs")

CAMPAIGN = """
name = "cutover"
[source]
url = "wss://localhost:{source}/ocpp"
{source_more}
[source.relay]
listen = "127.0.0.1:{listen}"
upstream = "wss://localhost:{source}/ocpp"
upstream_ca = "roots.pem"
[target]
url = "wss://localhost:{dialled}/ocpp"
known = "identities.txt"
knock_as = "TEST-1"
root = "target-root.pem"
{target_more}
[target.relay]
listen = "127.0.0.1:0"
upstream = "wss://localhost:{target}/ocpp"
upstream_ca = "roots.pem"
{relay_more}
[waves]
canary_per_profile = 6
sizes = ["rest"]
{more}
[drill]
since = {now}
"""

SOUND = [
    Station(identity=f"MO-{n}", vendor="MicroOcpp", model="Bench", firmware="1.2", serial=f"S-{n}", security_profile=2)
    for n in range(3)
]

BY_HTTP = """
schema: migrate.profile-file/1
family: Acme
profiles:
  - name: acme_box
    title: Acme box
    selector: {vendors: ["Acme"], ocpp_versions: ["*"]}
    method: http
    rollback: remote
    turning_point: write
    proof: {level: documented}
    restart: none
    writes:
      - {key: url, value: "${url}"}
    http:
      base: "http://${ip}"
      auth: basic
      user: admin
      secret: acme_door
      keys:
        url:
          read: [{path: /config, picks: {value: url}}]
          write: [{path: /config, method: POST, json: {url: "${value}"}}]
    visit: ["Enter the address ${url}."]
    sources: ["a bench"]
"""


@dataclass(kw_only=True)
class Setup:
    """Everything that a check looks at.  As it stands, it is sound."""

    folder: Path
    stack: ExitStack
    stations: list[Station] = field(default_factory=lambda: list(SOUND))
    source: Manners = field(default_factory=Manners)
    target: Manners = field(default_factory=Manners)
    wish: Wish = field(default_factory=Wish)
    issuer: Issuer = OURS
    root: Issuer = OURS
    known: Sequence[str] | None = None  # as listed; else everybody
    is_target_up: bool = True
    listen: int = 0
    source_more: str = ""
    target_more: str = ""
    relay_more: str = ""
    more: str = ""
    dialled: int = 0  # what stations dial; else the backend itself
    plants: Callable[[Path], object] | None = None  # in the folder, before the check

    def write(self) -> None:
        source = self.stack.enter_context(backend(self._room("source"), self.source, OURS.issue()))
        target = self._target()
        now = datetime.now(UTC).isoformat()
        addresses = {"source": source, "target": target, "dialled": self.dialled or target}
        text = CAMPAIGN.format(now=now, **addresses, **self._told())
        (self.folder / "campaign.toml").write_text(text)
        roots = [one.write_root(self.folder / f"{one.name}.pem").read_text() for one in (OURS, self.issuer)]
        (self.folder / "roots.pem").write_text("".join(dict.fromkeys(roots)))
        self.root.write_root(self.folder / "target-root.pem")
        known = self.known if self.known is not None else [s.target_identity or s.identity for s in self.stations]
        (self.folder / "identities.txt").write_text("\n".join(known))
        asyncio.run(self._store())

    def _room(self, name: str) -> Path:
        room = self.folder.parent / name
        room.mkdir()
        return room

    def _target(self) -> int:
        if self.is_target_up:
            shown = self.issuer.issue(self.wish)
            return self.stack.enter_context(backend(self._room("target"), self.target, shown))
        with closing(socket.socket()) as nobody:
            nobody.bind(("127.0.0.1", 0))
            return int(nobody.getsockname()[1])

    def _told(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("listen", "source_more", "target_more", "relay_more", "more")}

    async def _store(self) -> None:
        journal = open_journal(f"sqlite:///{self.folder / 'campaign.db'}", "test", CampaignClock())
        await journal.store_stations(self.stations)
        await journal.close()


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Setup]:
    folder = tmp_path / "campaign"
    folder.mkdir()
    monkeypatch.chdir(folder)
    with ExitStack() as stack:
        yield Setup(folder=folder, stack=stack)


def check(setup: Setup, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code, and the findings by their code."""
    setup.write()
    if setup.plants is not None:
        setup.plants(setup.folder)
    assert call(["plan", "make", "--json"]) == 0, capsys.readouterr().err
    capsys.readouterr()
    code = call(["plan", "check", "--json", *words])
    said = capsys.readouterr()
    assert said.out, said.err
    return code, {found["code"]: found for found in json.loads(said.out)["findings"]}


def test_a_sound_set_up_has_no_finding_at_all(setup: Setup, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = check(setup, capsys)

    assert found == {}
    assert code == 0
    assert "TEST-1" in setup.target.handshakes
    assert set(setup.target.handshakes) == {"TEST-1"}, "no station's name was used at the target's door"


# ── backends and certificates ──────────────────────────────────────────────


def planted(**changes: Any) -> Callable[[Setup], None]:
    def plant(setup: Setup) -> None:
        for name, value in changes.items():
            setattr(setup, name, value)

    return plant


DAY = timedelta(days=1)
IN_THREE_MONTHS = f'[deadline]\nlegacy_switch_off = "{datetime.now(UTC) + 90 * DAY:%Y-%m-%d}"'

BACKENDS = [
    pytest.param(planted(is_target_up=False), "target-away", "stop", 69, id="01 nobody answers at the target"),
    pytest.param(planted(target=Manners(status=503)), "target-away", "stop", 69, id="02 nobody behind the target's balancer"),
    pytest.param(planted(wish=Wish(sends_intermediate=False)), "chain-incomplete", "stop", 65, id="03 intermediate missing"),
    pytest.param(planted(wish=Wish(name="other.example", names=("other.example",))), "certificate-name", "stop", 65, id="04 for another name"),
    pytest.param(planted(wish=Wish(name="Our new backend")), "certificate-cn", "warning", 0, id="05 name not in the CN"),
    pytest.param(planted(wish=Wish(lasts=-DAY)), "certificate-dates", "stop", 65, id="06 expired"),
    pytest.param(planted(target=Manners(beside=OURS.issue(Wish(kind="EC", lasts=-DAY)))), "certificate-dates", "stop", 65, id="06 expired, of two"),
    pytest.param(planted(wish=Wish(lasts=40 * DAY), more=IN_THREE_MONTHS), "certificate-dates", "warning", 0, id="07 expires in the campaign"),
    pytest.param(planted(wish=Wish(bits=1024)), "certificate-key", "stop", 65, id="08 RSA key of 1024 bits"),
    pytest.param(planted(wish=Wish(kind="EC")), "tls-ecdsa-only", "stop", 65, id="09 ECDSA alone"),
    pytest.param(planted(target=Manners(min_version=ssl.TLSVersion.TLSv1_3)), "tls-version", "stop", 65, id="10 no TLS 1.2"),
    pytest.param(planted(root=THEIRS), "root-other", "stop", 65, id="11 another root would be installed"),
    pytest.param(planted(issuer=THEIRS, root=THEIRS), "root-new", "exclude", 65, id="12 a new root that nothing installs"),
    pytest.param(planted(target=Manners(ahead=timedelta(minutes=10))), "clock", "stop", 65, id="13 clocks ten minutes apart"),
    pytest.param(planted(target=Manners(subprotocols=("ocpp2.0.1",))), "subprotocol", "stop", 65, id="14 the target does not speak 1.6"),
    pytest.param(planted(target=Manners(known=frozenset())), "handshake", "stop", 65, id="15 the test identity is refused"),
]  # fmt: skip


@pytest.mark.parametrize(("plant", "code", "severity", "exit_code"), BACKENDS)
def test_what_is_wrong_with_a_backend_is_found_with_what_to_do(
    setup: Setup,
    capsys: pytest.CaptureFixture[str],
    plant: Callable[[Setup], None],
    code: str,
    severity: str,
    exit_code: int,
) -> None:
    plant(setup)

    ended, found = check(setup, capsys)

    assert code in found, found
    assert (found[code]["severity"], ended) == (severity, exit_code)
    assert found[code]["hint"]
    assert set(found) - {code} <= {"nobody-left", "target-unseen"}, "nothing else is wrong with it"


# ── stations, secrets, ways, this host ─────────────────────────────────────


def with_station(**changes: Any) -> Callable[[Setup], None]:
    """The first station, changed."""
    return lambda setup: setup.stations.__setitem__(0, replace(setup.stations[0], **changes))


def by_http(**changes: Any) -> Callable[[Setup], None]:
    """One station that is moved over its own HTTP interface."""

    def plant(setup: Setup) -> None:
        usual = {"vendor": "Acme", "model": "Box", "ip_address": "127.0.0.1"}
        told = usual | {name: value for name, value in changes.items() if name != "secret"}
        setup.stations[0] = replace(setup.stations[0], **told)
        setup.plants = lambda folder: _box(folder, changes.get("secret", "open"))

    return plant


def _box(folder: Path, secret: str) -> None:
    (folder / "profiles").mkdir()
    (folder / "profiles" / "acme.yaml").write_text(BY_HTTP)
    if secret:
        (folder / "secrets").mkdir(mode=0o700)
        (folder / "secrets" / "acme_door").write_text(secret)
        (folder / "secrets" / "acme_door").chmod(0o600)


def a_held_port(setup: Setup) -> None:
    held = setup.stack.enter_context(closing(socket.socket()))
    held.bind(("127.0.0.1", 0))
    held.listen(1)
    setup.listen = held.getsockname()[1]


def nobody_at_the_box(setup: Setup) -> None:
    by_http()(setup)
    with closing(socket.socket()) as nobody:
        nobody.bind(("127.0.0.1", 0))
        setup.more = f"[http]\nport = {nobody.getsockname()[1]}"


STATIONS = [
    pytest.param(planted(known=["MO-1", "MO-2"]), "identity-unknown", "exclude", ["MO-0"], id="16 not known by the target"),
    pytest.param(planted(known=["mo-0", "MO-1", "MO-2"]), "identity-unknown", "exclude", ["MO-0"], id="17 known with other capitals"),
    pytest.param(with_station(target_identity="MO:0"), "identity-colon", "exclude", ["MO-0"], id="18 a colon before a password"),
    pytest.param(with_station(target_identity="MO-1"), "identity-twice", "exclude", ["MO-0", "MO-1"], id="19 two become one"),
    pytest.param(planted(target_more="longest_identity = 3"), "identity-long", "exclude", ["MO-0", "MO-1", "MO-2"], id="20 too long for the target"),
    pytest.param(with_station(serial="S-1"), "serial-twice", "warning", ["MO-0", "MO-1"], id="21 a serial number twice"),
    pytest.param(with_station(last_seen_at="2020-01-01"), "offline-long", "warning", ["MO-0"], id="22 long offline"),
    pytest.param(with_station(timezone="Mars/Olympus"), "unknown-timezone", "exclude", ["MO-0"], id="23 a window that never opens"),
    pytest.param(by_http(secret=""), "secret-missing", "exclude", ["MO-0"], id="24 a secret that is nowhere"),
    pytest.param(by_http(ip_address=""), "way-lacking", "exclude", ["MO-0"], id="25 no address for its own interface"),
    pytest.param(nobody_at_the_box, "http-unreached", "exclude", ["MO-0"], id="26 its own interface is not reached"),
    pytest.param(planted(source_more="last_transaction = 500", target_more="first_transaction = 1"), "transaction-numbers", "stop", [], id="27 transaction numbers meet"),
    pytest.param(a_held_port, "port-taken", "stop", [], id="28 a relay's port is taken"),
]  # fmt: skip


@pytest.mark.parametrize(("plant", "code", "severity", "who"), STATIONS)
def test_what_is_wrong_with_stations_names_them(
    setup: Setup,
    capsys: pytest.CaptureFixture[str],
    plant: Callable[[Setup], None],
    code: str,
    severity: str,
    who: list[str],
) -> None:
    plant(setup)

    ended, found = check(setup, capsys)

    assert code in found, found
    assert (found[code]["severity"], sorted(found[code]["identities"])) == (severity, who)
    assert ended == (0 if severity == "warning" else 65)


# ── how it is asked, and what it says ──────────────────────────────────────


def test_people_read_what_which_stations_and_what_to_do(setup: Setup, capsys: pytest.CaptureFixture[str]) -> None:
    setup.known = ["MO-2"]
    check(setup, capsys)

    assert call(["plan", "check"]) == 65

    said = capsys.readouterr()
    assert "exclude  identity-unknown: 2 stations are not in identities.txt" in said.out
    assert "MO-0" in said.out
    assert "Register them on the target" in said.out
    assert "Looking at backends" in said.err


def test_offline_it_dials_nobody_and_still_finds_what_files_tell(
    setup: Setup, capsys: pytest.CaptureFixture[str]
) -> None:
    setup.known = ["MO-2"]
    setup.wish = Wish(name="other.example", names=("other.example",))

    ended, found = check(setup, capsys, "--offline")

    assert ended == 65
    assert set(found) == {"identity-unknown"}
    assert not setup.target.requests
    assert not setup.target.handshakes


def test_while_the_relay_is_not_up_its_own_certificate_is_read_from_the_file(
    setup: Setup, capsys: pytest.CaptureFixture[str]
) -> None:
    OURS.issue(Wish(lasts=-DAY)).write(setup.folder, "relay")
    setup.relay_more = 'certificate = "relay.pem"\nkey = "relay.key"'
    with closing(socket.socket()) as nobody:
        nobody.bind(("127.0.0.1", 0))
        setup.dialled = nobody.getsockname()[1]

    ended, found = check(setup, capsys)

    assert ended == 65
    assert set(found) == {"certificate-dates", "target-unseen"}
    assert "expired" in found["certificate-dates"]["text"]


def test_of_a_relay_that_is_not_up_every_file_is_read(setup: Setup, capsys: pytest.CaptureFixture[str]) -> None:
    OURS.issue(Wish(kind="EC")).write(setup.folder, "ecdsa")
    OURS.issue(Wish(lasts=-DAY)).write(setup.folder, "rsa")
    setup.relay_more = 'certificate = ["ecdsa.pem", "rsa.pem"]\nkey = ["ecdsa.key", "rsa.key"]'
    with closing(socket.socket()) as nobody:
        nobody.bind(("127.0.0.1", 0))
        setup.dialled = nobody.getsockname()[1]

    _, found = check(setup, capsys)

    assert set(found) == {"certificate-dates", "target-unseen"}
    assert "its chain with the RSA key" in found["certificate-dates"]["text"]


def test_a_relay_that_is_going_to_show_ecdsa_alone_is_found_before_it_is_up(
    setup: Setup, capsys: pytest.CaptureFixture[str]
) -> None:
    OURS.issue(Wish(kind="EC")).write(setup.folder, "ecdsa")
    setup.relay_more = 'certificate = "ecdsa.pem"\nkey = "ecdsa.key"'
    with closing(socket.socket()) as nobody:
        nobody.bind(("127.0.0.1", 0))
        setup.dialled = nobody.getsockname()[1]

    ended, found = check(setup, capsys)

    assert ended == 65
    assert set(found) == {"tls-ecdsa-only", "target-unseen"}


@pytest.mark.parametrize(("lasts", "codes"), [(DAY, set()), (-DAY, {"revocations-stale"})], ids=["in force", "stale"])
def test_a_list_of_revoked_certificates_that_should_be_newer_warns_and_stops_no_wave(
    setup: Setup, capsys: pytest.CaptureFixture[str], lasts: timedelta, codes: set[str]
) -> None:
    makers = Authority("Makers of stations")
    makers.write_root(setup.folder / "makers.pem")
    (setup.folder / "revoked.pem").write_text(makers.revoking(lasts=lasts))
    OURS.issue().write(setup.folder, "relay")
    setup.relay_more = (
        'certificate = "relay.pem"\nkey = "relay.key"\nclient_ca = "makers.pem"\nclient_crl = "revoked.pem"'
    )

    ended, found = check(setup, capsys)

    assert (ended, set(found)) == (0, codes)


def test_an_accepted_finding_warns_and_shows_who_accepted_it(setup: Setup, capsys: pytest.CaptureFixture[str]) -> None:
    setup.issuer = setup.root = THEIRS
    setup.more = '[checks.accepted]\nroot-new = "installed by the portal, ann"'

    ended, found = check(setup, capsys)

    assert ended == 0
    assert found["root-new"]["severity"] == "warning"
    assert "(accepted: installed by the portal, ann)" in found["root-new"]["text"]


def test_a_wave_that_the_plan_has_not_is_refused(setup: Setup, capsys: pytest.CaptureFixture[str]) -> None:
    check(setup, capsys)

    assert call(["plan", "check", "--wave", "7"]) == 65
    assert "no wave 7" in capsys.readouterr().err


def test_a_knock_needs_somebody_who_sees_whom_not_to_knock_at(setup: Setup, capsys: pytest.CaptureFixture[str]) -> None:
    check(setup, capsys)

    assert call(["plan", "check", "--knock"]) == 69
    assert call(["plan", "check", "--knock", "--offline"]) == 64
    assert set(setup.target.handshakes) == {"TEST-1"}


def test_a_backend_that_is_away_for_a_moment_stops_no_wave(setup: Setup, capsys: pytest.CaptureFixture[str]) -> None:
    check(setup, capsys)
    setup.target.unwell_for = 2  # the address and the CSMS behind the relay are asked once each

    async def look() -> Outlook:
        async with open_campaign(setup.folder) as wired, ports_of(wired, is_listening=False) as ports:
            return await Lookahead(wired, await wired.current_plan(), ports, is_listening=True).ahead(0)

    seen = asyncio.run(look())

    assert seen.stops == ()
    assert setup.target.unwell_for == 0


def test_a_list_that_is_not_there_is_an_error_that_names_it(setup: Setup, capsys: pytest.CaptureFixture[str]) -> None:
    setup.plants = lambda folder: (folder / "identities.txt").unlink()
    setup.write()
    setup.plants(setup.folder)
    assert call(["plan", "make"]) == 0

    assert call(["plan", "check"]) == 65

    assert "target.known" in capsys.readouterr().err
