"""What is looked at before a wave: who is left out waits outside the gate, what stops it lets nobody begin."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from batches.findings import Finding, Severity
from batches.incidents import incidents
from batches.ordered import Order
from batches.outlook import Outlook
from migrate.domain.attempt import State
from migrate.domain.errors import SettingsProblem
from migrate.domain.record import Approval, EventKind
from migrate.domain.wave import Deferral
from tests.doubles.rehearsal import Rehearsal


@dataclass
class Lookout:
    """A person in front of a screen: finds what a test has planted in a wave, until it is mended."""

    found: dict[int, tuple[Finding, ...]] = field(default_factory=dict)
    looked: list[int] = field(default_factory=list)

    async def ahead(self, wave: int) -> Outlook:
        self.looked.append(wave)
        return Outlook(findings=self.found.get(wave, ()))


def leaves_out(*identities: str) -> Finding:
    text = f"{len(identities)} stations may not know the root"
    return Finding(code="root-new", severity=Severity.EXCLUDE, text=text, identities=identities, hint="Install it.")


def stops(code: str = "certificate-name") -> Finding:
    return Finding(code=code, severity=Severity.STOP, text="the certificate is for another", hint="Renew it.")


def commands(rehearsal: Rehearsal, identities: Collection[str]) -> list[str]:
    return [
        line.event.identity
        for line in rehearsal.journal.lines
        if line.event.kind is EventKind.COMMAND and line.event.identity in identities
    ]


async def test_each_wave_is_looked_ahead_of_before_any_of_its_stations_is_touched() -> None:
    async with Rehearsal.of(1, 2) as rehearsal:
        rehearsal.foresight = lookout = Lookout()

        assert await rehearsal.run() == "done"

        assert lookout.looked == [0, 1]
        lines = [line.event for line in rehearsal.journal.lines]
        looks = [n for n, event in enumerate(lines) if event.kind is EventKind.OUTLOOK]
        first = [
            next(n for n, e in enumerate(lines) if e.kind is EventKind.COMMAND and e.identity == i)
            for i in ("AC1", "AC2")
        ]
        assert looks[0] < first[0] < looks[1] < first[1]


async def test_a_station_that_is_left_out_is_not_touched_waits_outside_the_gate_and_the_others_go_on() -> None:
    async with Rehearsal.of(2, 2) as rehearsal:
        rehearsal.foresight = Lookout({0: (leaves_out("AC2"),)})

        ended = await rehearsal.run()

        assert ended == "stopped"
        assert await rehearsal.states() == {"AC1": "settled", "AC2": "deferred", "AC3": "settled", "AC4": "settled"}
        left_out = await rehearsal.attempt("AC2")
        assert left_out.deferral is Deferral.CHECKS
        assert left_out.reason == "check root-new: may not know the root"
        assert not commands(rehearsal, {"AC2"})


async def test_what_was_mended_is_taken_up_by_the_next_run() -> None:
    async with Rehearsal.of(2) as rehearsal:
        rehearsal.foresight = lookout = Lookout({0: (leaves_out("AC2"),)})
        await rehearsal.run()

        lookout.found.clear()
        ended = await rehearsal.run()

        assert ended == "done"
        assert await rehearsal.states() == {"AC1": "settled", "AC2": "settled"}


@pytest.mark.parametrize(("code", "word"), [("certificate-name", "unsound"), ("target-away", "away")])
async def test_a_wave_that_a_check_stops_begins_nobody_and_says_so(code: str, word: str) -> None:
    async with Rehearsal.of(1, 2) as rehearsal:
        rehearsal.foresight = lookout = Lookout()

        async def ahead(wave: int) -> Outlook:
            return Outlook(findings=(stops(code),) if wave == 1 else ())

        lookout.ahead = ahead  # type: ignore[method-assign]
        ended = await rehearsal.run()

        assert ended == word
        assert await rehearsal.states() == {"AC1": "settled"}
        assert not commands(rehearsal, {"AC2", "AC3"})
        incidents = [line.event.data for line in rehearsal.journal.lines if line.event.kind is EventKind.INCIDENT]
        assert [i["title"] for i in incidents] == ["checks stop wave 1"]
        assert incidents[0]["detail"] == "the certificate is for another. Renew it."


async def test_once_it_is_mended_the_stopped_wave_runs_and_the_incident_is_over() -> None:
    async with Rehearsal.of(1) as rehearsal:
        rehearsal.foresight = lookout = Lookout({0: (stops(),)})
        first = await rehearsal.run()

        lookout.found.clear()
        second = await rehearsal.run()

        assert (first, second) == ("unsound", "done")
        assert await rehearsal.states() == {"AC1": "settled"}
        incidents = [line.event.data for line in rehearsal.journal.lines if line.event.kind is EventKind.INCIDENT]
        assert [i["over"] for i in incidents] == [False, True]


async def test_a_check_that_stopped_a_wave_of_an_older_plan_is_over_once_the_new_plan_passes_it() -> None:
    async with Rehearsal.of(1) as rehearsal:
        rehearsal.foresight = lookout = Lookout({0: (stops(),)})
        await rehearsal.run()

        rehearsal.plan = replace(rehearsal.plan, fingerprint="another plan, with the address mended")
        for wave in (None, 0):
            await rehearsal.journal.approve(
                Approval(fingerprint=rehearsal.plan.fingerprint, wave=wave, by="ann", at=rehearsal.clock.now())
            )
        lookout.found.clear()
        ended = await rehearsal.run()

        assert ended == "done"
        assert [i.ended_at is None for i in incidents(rehearsal.journal.lines)] == [False]


async def test_a_wave_that_stays_stopped_is_one_incident_and_another_ground_is_another() -> None:
    async with Rehearsal.of(1) as rehearsal:
        rehearsal.foresight = lookout = Lookout({0: (stops(),)})
        await rehearsal.run()
        await rehearsal.run()

        lookout.found[0] = (replace(stops(), text="the certificate has run out"),)
        await rehearsal.run()

        told = [(i.detail, i.ended_at is None) for i in incidents(rehearsal.journal.lines)]
        assert told == [
            ("the certificate is for another. Renew it.", False),
            ("the certificate has run out. Renew it.", True),
        ]


async def test_a_station_that_a_dead_run_left_in_flight_comes_to_rest_although_its_wave_is_stopped() -> None:
    async with Rehearsal.of(2) as rehearsal:
        rehearsal.world.stations["AC2"].restart_s = 10.0
        with pytest.raises(TimeoutError):
            await rehearsal.run(within=timedelta(seconds=30))
        in_flight = {
            i for i, state in (await rehearsal.states()).items() if state in ("restarting", "departed", "written")
        }
        assert in_flight

        rehearsal.foresight = Lookout({0: (stops(),)})
        ended = await rehearsal.run()

        assert ended == "unsound"
        states = await rehearsal.states()
        assert all(states[identity] in ("confirmed", "settled") for identity in in_flight)


async def test_another_process_keeps_to_what_was_found_although_it_has_not_looked_itself() -> None:
    async with Rehearsal.of(2) as rehearsal:
        rehearsal.foresight = Lookout({0: (leaves_out("AC2"),)})
        await rehearsal.run()

        rehearsal.foresight = None
        async with rehearsal.process() as campaign:
            await asyncio.sleep(2 * 3600)  # until long after it was to be looked at again

            assert campaign.foreseen.of(0).excluded == {"AC2": "check root-new: may not know the root"}
        assert (await rehearsal.attempt("AC2")).state is State.DEFERRED
        assert not commands(rehearsal, {"AC2"})


async def test_a_retry_that_is_ordered_looks_again_at_what_left_the_station_out() -> None:
    async with Rehearsal.of(2) as rehearsal:
        rehearsal.foresight = lookout = Lookout({0: (leaves_out("AC2"),)})
        await rehearsal.run()
        lookout.found.clear()

        await rehearsal.send_order(Order.RETRY, "AC2")
        ended = await rehearsal.carry_out("AC2")

        assert ended == "done"
        assert (await rehearsal.attempt("AC2")).state is State.SETTLED


async def test_a_list_that_cannot_be_read_ends_the_run_with_its_own_words_and_begins_nobody() -> None:
    async with Rehearsal.of(1) as rehearsal:
        rehearsal.foresight = lookout = Lookout()

        async def ahead(wave: int) -> Outlook:
            raise SettingsProblem("target.known: identities.txt cannot be read.")

        lookout.ahead = ahead  # type: ignore[method-assign]
        ended = await rehearsal.run()

        assert ended == "ending"
        assert "identities.txt" in str(rehearsal.campaign.broken)
        assert not commands(rehearsal, {"AC1"})
