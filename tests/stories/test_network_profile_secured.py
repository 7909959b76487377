"""Stations of OCPP 2.x of every security profile: over TLS, with a root that they have to be given, and with a slot that keeps the profile."""

from __future__ import annotations

import pytest

from migrate.domain.attempt import State
from migrate.simulator.wirelog import Kind, Side, WireEvent, commands_repeated_without_read, last_side
from tests.stories.conftest import LENIENT_POLICY, Field
from tests.stories.secured import Secured, a_secured_field, leaks, spec_of

pytestmark = pytest.mark.story

PROFILES = (0, 1, 2, 3)
FAMILIES = {"everest201": "EVerest", "everest21": "EVerest", "openocpp201": "ChargeLab", "microocpp201": "MicroOcpp"}


def schemes(log: list[WireEvent], identity: str, side: Side) -> set[str]:
    seen = [e for e in log if e.identity == identity and e.kind is Kind.CONNECTED and e.side is side]
    return {e.value.partition("://")[0] for e in seen}


def commands(log: list[WireEvent], identity: str) -> list[str]:
    return [e.action for e in log if e.identity == identity and e.kind is Kind.COMMAND]


async def moved(site: Field) -> None:
    ended = await (await site.run()).ended(120)
    standing = await site.standing()
    assert ended.code == 0, f"{ended.err} {[(s.identity, s.state, s.reason) for s in standing.stations]}"


async def test_stations_of_profiles_0_to_3_move_by_slot_over_the_line_they_had_and_come_back() -> None:
    def fleet(secured: Secured) -> None:
        for profile in PROFILES:
            for family, vendor in FAMILIES.items():
                secured.station(spec_of(f"SP{profile}-{family}", family, vendor), profile)

    async with a_secured_field(fleet, policy=LENIENT_POLICY) as site:
        await moved(site)
        there = await site.standing()
        lives_there = last_side(site.log())
        names = ",".join(s.identity for s in site.plan.stations)
        back = await site.says("rollback", "--stations", names, "--reason", "trial", "--yes", "--json", "--no-input")

        log, after = site.log(), await site.standing()
        assert {s.state for s in there.stations} == {State.SETTLED}
        assert set(lives_there.values()) == {Side.TARGET}
        for profile in PROFILES:
            for family in FAMILIES:
                wanted = {"wss" if profile >= 2 else "ws"}
                assert schemes(log, f"SP{profile}-{family}", Side.TARGET) == wanted
        assert back.code == 0, back.err
        assert set(last_side(log).values()) == {Side.SOURCE}
        assert {s.state for s in after.stations} == {State.REVERTED}
        assert commands_repeated_without_read(log) == 0


async def test_a_root_that_a_station_lacks_is_installed_before_its_slot_is_written() -> None:
    def fleet(secured: Secured) -> None:
        secured.installs_root = True
        secured.station(spec_of("LACKS", "everest201", "EVerest"), 2, knows=(Side.SOURCE,))
        secured.station(spec_of("HAS", "everest21", "EVerest"), 3)

    async with a_secured_field(fleet, policy=LENIENT_POLICY) as site:
        await moved(site)

        log, standing = site.log(), await site.standing()
        effects = [
            one for one in commands(log, "LACKS") if one in ("InstallCertificate", "SetNetworkProfile", "SetVariables")
        ]
        assert {s.state for s in standing.stations} == {State.SETTLED}
        assert effects == ["InstallCertificate", "SetNetworkProfile", "SetVariables"]
        assert "InstallCertificate" not in commands(log, "HAS")
        assert "GetInstalledCertificateIds" in commands(log, "HAS")
        assert schemes(log, "LACKS", Side.TARGET) == {"wss"}


async def test_a_station_that_does_not_trust_the_target_comes_home_and_says_why() -> None:
    def fleet(secured: Secured) -> None:
        secured.station(spec_of("STRANGER", "everest201", "EVerest"), 2, knows=(Side.SOURCE,))

    async with a_secured_field(fleet, policy=LENIENT_POLICY) as site:
        await (await site.run()).ended(120)

        log, (station,) = site.log(), (await site.standing()).stations
        told = await site.wired.journal.timeline("STRANGER")
        assert station.state is State.REVERTED, station.reason
        assert last_side(log) == {"STRANGER": Side.SOURCE}
        assert any(e.kind is Kind.REFUSED and e.status == "UnknownRoot" for e in log)
        assert any("InvalidCsmsCertificate" in str(one.event.data) for one in told)


# ── a password for each slot (OCPP 2.1) ────────────────────────────────────

NEW = "a-new-password-of-24-letters"


def with_a_new_password(secured: Secured) -> None:
    """Two stations get a slot with a password of its own; the target believes in it for one of them."""
    for identity in ("KNOWN", "UNKNOWN"):
        secured.station(spec_of(identity, "everest21", "Acme Slots"), 2)
    secured.secrets = {"acme_slot": NEW}
    secured.otherwise = {"KNOWN": NEW, "UNKNOWN": "what-the-target-believes"}


async def test_a_slot_with_a_password_of_its_own_leaves_the_source_its_own_and_both_ways_back() -> None:
    passwords = [NEW]

    def fleet(secured: Secured) -> None:
        with_a_new_password(secured)
        passwords.extend(filter(None, secured.keys.passwords.values()))

    async with a_secured_field(fleet, policy=LENIENT_POLICY) as site:
        ended = await (await site.run()).ended(150)
        there = {s.identity: (s.state, s.reason) for s in (await site.standing()).stations}
        lives_there = last_side(site.log())
        back = await site.says("rollback", "--stations", "KNOWN", "--reason", "trial", "--yes", "--json", "--no-input")

        log = site.log()
        assert there["KNOWN"][0] is State.SETTLED, (there, ended.err)
        assert there["UNKNOWN"][0] is State.REVERTED, (there, ended.err)
        assert lives_there == {"KNOWN": Side.TARGET, "UNKNOWN": Side.SOURCE}
        assert {(e.identity, e.status) for e in log if e.kind is Kind.REFUSED and e.side is Side.TARGET} == {
            ("UNKNOWN", "401")
        }
        assert back.code == 0, back.err
        assert set(last_side(log).values()) == {Side.SOURCE}
        assert {e.key for e in log if e.kind is Kind.COMMAND and e.action in ("SetVariables", "SetNetworkProfile")} == {
            "NetworkProfile[2]",
            "OCPPCommCtrlr.NetworkConfigurationPriority",
        }
        assert not leaks(site.stage.folder, passwords)
