"""What is done after the move, on order only: a higher security profile, a new password; judged by the stations' log."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from migrate.domain.attempt import State
from migrate.simulator.wirelog import Kind, Side, WireEvent, commands_repeated_without_read, last_side
from tests.stories.conftest import LENIENT_POLICY, Field
from tests.stories.secured import Secured, a_secured_field, spec_of
from tests.stories.test_security_profiles import leaks

pytestmark = pytest.mark.story

NEW_PASSWORD = "a new one, of 20 too"


def told(log: list[WireEvent], identity: str, key: str) -> list[WireEvent]:
    """Every time a station was told a value for a key."""
    return [e for e in log if e.identity == identity and e.kind is Kind.COMMAND and e.key == key]


def last_address(log: list[WireEvent], identity: str) -> str:
    return [e.value for e in log if e.identity == identity and e.kind is Kind.CONNECTED][-1]


async def moved(site: Field) -> None:
    ended = await (await site.run()).ended()
    assert ended.code == 0, ended.err


async def finished(site: Field, what: str, names: str, *words: str) -> Any:
    reason = ("--reason", "change 4711", "--no-input", "--json")
    return await site.says("finish", what, "--stations", names, *reason, *words)


async def test_a_security_profile_is_raised_on_order_at_settled_stations_and_nowhere_else() -> None:
    def fleet(secured: Secured) -> None:
        for name in ("UP-1", "UP-2", "STAYS"):
            secured.station(spec_of(name), 1)
        secured.station(spec_of("NO-STEP", "microocpp", "MicroOcpp"), 1)

    async with a_secured_field(fleet, policy=LENIENT_POLICY) as site:
        too_early = await finished(site, "raise_security", "UP-1", "--accept-one-way", "1")
        await moved(site)
        asked = await finished(site, "raise_security", "UP-1,UP-2,NO-STEP", "--dry-run")
        miscounted = await finished(site, "raise_security", "UP-1,UP-2", "--accept-one-way", "1")
        untouched = [e for e in site.log() if e.key == "SecurityProfile"]

        raised = await finished(site, "raise_security", "UP-1,UP-2,NO-STEP", "--accept-one-way", "2")
        again = await finished(site, "raise_security", "UP-1", "--accept-one-way", "1")

        back = await site.says("rollback", "--stations", "UP-1", "--reason", "trial", "--yes", "--no-input")

        log = site.log()
        assert back.code == 65
        assert "takes it back no more since raise_security" in back.err
        assert too_early.code == 65
        assert (asked.code, asked.document["one_way"]) == (2, 2)
        assert miscounted.code == 4
        assert not untouched
        assert raised.code == 0, raised.err
        assert raised.document["outcomes"] == {"done": 2}
        assert [p["identity"] for p in raised.document["passed_over"]] == ["NO-STEP"]
        assert again.document["outcomes"] == {"already": 1}
        for name in ("UP-1", "UP-2"):
            assert len(told(log, name, "SecurityProfile")) == 1
            assert last_address(log, name).startswith("wss://")
        assert not told(log, "STAYS", "SecurityProfile")
        assert last_address(log, "STAYS").startswith("ws://")
        assert set(last_side(log).values()) == {Side.TARGET}
        assert {s.state for s in (await site.standing()).stations} == {State.SETTLED}


async def test_a_raise_that_was_killed_after_the_write_is_looked_at_and_ended_by_the_next_order() -> None:
    def fleet(secured: Secured) -> None:
        secured.station(spec_of("KILLED"), 1)

    async with a_secured_field(fleet, policy=LENIENT_POLICY) as site:
        await moved(site)
        words = ("finish", "raise_security", "--stations", "KILLED", "--reason", "change 4711", "--accept-one-way", "1")
        first = await site.migrate(*words, "--no-input")
        await site.until(lambda _: bool(told(site.log(), "KILLED", "SecurityProfile")), within_s=90)

        first.send(signal.SIGKILL)
        await first.ended()
        again = await finished(site, "raise_security", "KILLED", "--accept-one-way", "1")

        assert again.code == 0, again.err
        assert len(told(site.log(), "KILLED", "SecurityProfile")) == 1
        assert last_address(site.log(), "KILLED").startswith("wss://")
        assert commands_repeated_without_read(site.log()) == 0


async def test_a_station_that_refuses_the_raise_stays_as_it_was() -> None:
    """It was never given a root: it takes no profile with TLS (OCPP 1.6 whitepaper, A05.FR.02)."""

    def fleet(secured: Secured) -> None:
        secured.station(spec_of("ROOTLESS"), 1, knows=())

    async with a_secured_field(fleet, policy=LENIENT_POLICY) as site:
        await moved(site)

        refused = await finished(site, "raise_security", "ROOTLESS", "--accept-one-way", "1")

        assert refused.code == 1, refused.err
        assert refused.document["outcomes"] == {"refused": 1}
        assert last_address(site.log(), "ROOTLESS").startswith("ws://")
        assert last_side(site.log()) == {"ROOTLESS": Side.TARGET}


async def test_a_new_password_reaches_the_station_in_its_makers_spelling_and_nobody_else() -> None:
    passwords: list[str] = [NEW_PASSWORD]

    def fleet(secured: Secured) -> None:
        secured.secrets = {"acme_password": NEW_PASSWORD}
        secured.station(spec_of("ROTATES"), 2)
        passwords.extend(filter(None, secured.keys.passwords.values()))

    async with a_secured_field(fleet, policy=LENIENT_POLICY) as site:
        await moved(site)
        await site.simulator("csms_password", side="target", identity="ROTATES", password=NEW_PASSWORD)

        changed = await finished(site, "password", "ROTATES", "--accept-one-way", "1")

        assert changed.code == 0, changed.err
        assert changed.document["outcomes"] == {"done": 1}
        known = len(boots(site.log()))
        await site.simulator("power_cycle", identity="ROTATES")
        await site.until(lambda _: len(boots(site.log())) > known)
        assert len(told(site.log(), "ROTATES", "AuthorizationKey")) == 1
        assert not [e for e in site.log() if e.kind is Kind.REFUSED and e.side is Side.TARGET]
        assert not leaks(site.stage.folder, passwords)


def boots(log: list[WireEvent]) -> list[WireEvent]:
    return [e for e in log if e.kind is Kind.BOOT_ACCEPTED and e.side is Side.TARGET]
