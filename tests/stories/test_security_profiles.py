"""Stations of every security profile over real TLS, moved and taken back, judged by what they wrote down themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate.domain.attempt import State
from migrate.domain.evidence import Grade
from migrate.simulator.wirelog import Kind, Side, WireEvent, commands_repeated_without_read, last_side
from tests.stories.conftest import LENIENT_POLICY, Field
from tests.stories.secured import Secured, a_secured_field, leaks, spec_of

pytestmark = pytest.mark.story

PROFILES = (0, 1, 2, 3)


def schemes(log: list[WireEvent], identity: str, side: Side) -> set[str]:
    """How a station dialled a side, by its own log."""
    seen = [e for e in log if e.identity == identity and e.kind is Kind.CONNECTED and e.side is side]
    return {e.value.partition("://")[0] for e in seen}


def refusals(log: list[WireEvent]) -> list[str]:
    """Why the target was not reached, as the stations saw it."""
    return [e.status for e in log if e.kind is Kind.REFUSED and e.side is Side.TARGET]


async def test_stations_of_profiles_0_to_3_move_over_the_line_they_had_and_come_back(tmp_path: Path) -> None:
    passwords: list[str] = []

    def fleet(secured: Secured) -> None:
        for profile in PROFILES:
            secured.station(spec_of(f"SP{profile}-everest"), profile)
            secured.station(spec_of(f"SP{profile}-mongoose", "microocpp", "MicroOcpp"), profile)
        passwords.extend(filter(None, secured.keys.passwords.values()))

    async with a_secured_field(fleet, policy=LENIENT_POLICY) as site:
        moved = await (await site.run()).ended()
        there = await site.standing()
        lives_there = last_side(site.log())
        names = ",".join(s.identity for s in site.plan.stations)
        back = await site.says("rollback", "--stations", names, "--reason", "trial", "--yes", "--json", "--no-input")

        log, after = site.log(), await site.standing()
        assert moved.code == 0, moved.err
        assert {s.state for s in there.stations} == {State.SETTLED}
        assert set(lives_there.values()) == {Side.TARGET}
        for profile in PROFILES:
            for family in ("everest", "mongoose"):
                assert schemes(log, f"SP{profile}-{family}", Side.TARGET) == {"wss" if profile >= 2 else "ws"}
        assert back.code == 0, back.err
        assert set(last_side(log).values()) == {Side.SOURCE}
        assert {s.state for s in after.stations} == {State.REVERTED}
        assert commands_repeated_without_read(log) == 0
        assert not leaks(site.stage.folder, passwords)


async def test_how_each_station_came_is_in_the_journal_and_reaches_what_was_planned() -> None:
    def fleet(secured: Secured) -> None:
        for profile in PROFILES:
            secured.station(spec_of(f"SP{profile}"), profile)

    async with a_secured_field(fleet, policy=LENIENT_POLICY) as site:
        await (await site.run()).ended()

        for profile in PROFILES:
            told = (await site.says("station", f"SP{profile}", "--json")).document
            boots = [e["data"] for e in told["events"] if e["kind"] == "sighting" and e["data"]["kind"] == "boot"]
            assert {boot["security"] for boot in boots} == {profile}
            assert told["evidence"] == str(Grade.E4)


async def test_an_unknown_root_is_installed_before_the_address_is_written() -> None:
    def fleet(secured: Secured) -> None:
        secured.installs_root = True
        secured.station(spec_of("NEW-ROOT"), 2, knows=[Side.SOURCE])
        secured.station(spec_of("KNOWS-BOTH"), 2)

    async with a_secured_field(fleet, policy=LENIENT_POLICY) as site:
        ended = await (await site.run()).ended()

        log = site.log()
        commands = {
            name: [e.action for e in log if e.identity == name and e.kind is Kind.COMMAND and e.action in WRITES]
            for name in ("NEW-ROOT", "KNOWS-BOTH")
        }
        assert ended.code == 0, ended.err
        assert set(last_side(log).values()) == {Side.TARGET}
        assert commands["NEW-ROOT"] == ["InstallCertificate", "ChangeConfiguration"]
        assert commands["KNOWS-BOTH"] == ["ChangeConfiguration"]
        assert not refusals(log)


WRITES = ("InstallCertificate", "ChangeConfiguration")


async def test_a_root_that_nobody_installed_leaves_a_station_lost_and_never_confirmed() -> None:
    """It refuses the target's certificate and dials on; nobody sees it, so it is lost, which is no success."""

    def fleet(secured: Secured) -> None:
        secured.station(spec_of("NO-ROOT"), 2, knows=[Side.SOURCE])

    async with a_secured_field(fleet, policy=LENIENT_POLICY) as site:
        ended = await (await site.run()).ended(150)

        assert ended.code == 5, ended.err
        assert refusals(site.log()) == ["UnknownRoot"]
        assert {s.state for s in (await site.standing()).stations} == {State.LOST}


async def test_a_password_that_the_target_does_not_know_is_refused_at_its_door_and_needs_a_person() -> None:
    passwords: list[str] = []

    def fleet(secured: Secured) -> None:
        secured.station(spec_of("WRONG"), 2)
        secured.station(spec_of("RIGHT"), 2)
        secured.otherwise = {"WRONG": "what the target believes"}
        passwords.extend([*filter(None, secured.keys.passwords.values()), "what the target believes"])

    async with a_secured_field(fleet, policy=[*LENIENT_POLICY, QUICK_ARRIVAL]) as site:
        ended = await (await site.run()).ended(150)

        states = {s.identity: (s.state, s.reason) for s in (await site.standing()).stations}
        assert ended.code == 5, ended.err
        assert states["RIGHT"][0] is State.SETTLED
        assert states["WRONG"][0] is State.STUCK
        assert "401" in states["WRONG"][1] or "401" in (await site.says("station", "WRONG")).out
        assert refusals(site.log()) == ["401"]
        assert not leaks(site.stage.folder, passwords)


QUICK_ARRIVAL = ('appear = "10m"', 'appear = "10m"\narrive = "4m"')


async def test_the_certificate_of_another_station_is_refused_by_the_relay_and_seen_as_that() -> None:
    """Both are known to the makers' authority; the relay alone can tell that the name is not its own."""

    def fleet(secured: Secured) -> None:
        secured.station(spec_of("HONEST"), 3)
        stolen = secured.keys.stations.for_station("SN-HONEST")
        liar = secured.station(spec_of("LIAR"), 2)
        assert liar.security is not None
        secured.liar = secured.keys.with_certificate(liar.security, stolen)  # type: ignore[attr-defined]

    async with a_secured_field(fleet, policy=LENIENT_POLICY) as site:
        await (await site.run()).ended()
        assert await _knocks_with_anothers(site) == "403"

        told = (await site.says("station", "LIAR")).out
        assert "refused on the target, answered 403" in told
        assert "SN-HONEST" in told


async def _knocks_with_anothers(site: Field) -> str:
    """Somebody who holds a certificate of HONEST calls himself LIAR at the target's door."""
    import ssl  # noqa: PLC0415

    from migrate.simulator.dialling import DialFailed, dial  # noqa: PLC0415

    store = site.stage.folder / "certificates"
    context = ssl.create_default_context(cafile=str(store / "target-root.pem"))
    context.load_cert_chain(store / "station-00002.pem", store / "station-00002.key")
    try:
        await dial(f"wss://127.0.0.1:{site.stage.target_port}/ocpp/LIAR", tls=context)
    except DialFailed as error:
        return error.status
    return "taken"
