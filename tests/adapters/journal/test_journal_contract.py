"""What every journal promises: the real one and the double answer the same questions alike."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from migrate.adapters.journal.rows import sighting_change, sighting_event
from migrate.domain.attempt import Fact, State
from migrate.domain.errors import JournalError, Stale
from migrate.domain.evidence import Grade, IdentityFacts, Kind, Side
from migrate.domain.profile import Readback
from migrate.domain.record import (
    Approval,
    Change,
    Control,
    Direction,
    EventKind,
    Guard,
    Hold,
    Permit,
    Process,
    WaveMark,
    move,
)
from migrate.domain.unit import PreparedWrite
from migrate.domain.wave import Cause, Deferral, Mode
from tests.adapters.journal.builders import AT, a_sighting, an_attempt, an_event, checked, opening

# --- attempts ---------------------------------------------------------------


async def test_an_attempt_comes_back_as_it_was_stored(journal: Any) -> None:
    attempt = an_attempt(
        direction=Direction.BACK,
        state=State.WRITING,
        evidence=Grade.E2,
        reason="boot answered Pending, not Accepted",
        cause=Cause.ENVIRONMENT,
        deferral=Deferral.BACKOFF,
        due_at=AT + timedelta(minutes=5, microseconds=7),
        tries=2,
        left=True,
        unit=(PreparedWrite(key="Url", new="wss://new/ocpp", old=None, readback=Readback.MASKED),),
        source_session="s-1",
        confirmed_at=AT,
        fingerprint="f00d",
    )

    await journal.commit(opening(attempt))

    assert await journal.attempts() == [attempt]


async def test_a_commit_answers_with_the_place_of_its_last_event(journal: Any) -> None:
    seq = await journal.commit(Change(events=(an_event(), an_event(), an_event(key="last"))))

    (last,) = await journal.events(after=seq - 1, kinds=[EventKind.COMMAND])
    assert last.seq == seq
    assert last.event.data == {"key": "last"}


async def test_a_change_without_an_event_is_refused(journal: Any) -> None:
    with pytest.raises(JournalError):
        await journal.commit(Change(events=(), attempts=(an_attempt(),)))

    assert await journal.attempts() == []


async def test_a_move_from_an_older_version_is_stale_and_stores_nothing(journal: Any) -> None:
    attempt = an_attempt()
    await journal.commit(opening(attempt))
    await journal.commit(move(attempt, Fact.NOT_NOW, AT, deferral=Deferral.BUSY))
    events_before = await journal.timeline(attempt.identity)

    with pytest.raises(Stale) as stale:
        await journal.commit(move(attempt, Fact.NEVER, AT))

    assert stale.value.guard == "state"
    assert await journal.timeline(attempt.identity) == events_before
    assert [a.state for a in await journal.attempts()] == [State.DEFERRED]


async def test_a_move_that_skips_a_version_is_stale(journal: Any) -> None:
    attempt = an_attempt()
    await journal.commit(opening(attempt))

    with pytest.raises(Stale):
        await journal.commit(move(replace(attempt, version=2), Fact.NEVER, AT))


async def test_an_attempt_that_has_ended_never_moves_again(journal: Any) -> None:
    attempt = an_attempt(state=State.FAILED)
    await journal.commit(opening(attempt))

    with pytest.raises(Stale):
        await journal.commit(Change(events=(an_event(),), attempts=(replace(attempt, state=State.PLANNED, version=2),)))


async def test_a_station_has_one_attempt_in_flight(journal: Any) -> None:
    await journal.commit(opening(an_attempt(number=1)))

    with pytest.raises(Stale) as stale:
        await journal.commit(opening(an_attempt(number=2)))

    assert stale.value.guard == "state"


async def test_one_change_may_end_an_attempt_and_open_the_next(journal: Any) -> None:
    first = an_attempt()
    await journal.commit(opening(first))
    ending = move(first, Fact.NEVER, AT)
    second = opening(an_attempt(number=2))

    await journal.commit(Change(events=(*ending.events, *second.events), attempts=(*second.attempts, *ending.attempts)))

    assert [a.number for a in await journal.attempts()] == [2]


async def test_one_change_cannot_open_two_attempts_at_one_station(journal: Any) -> None:
    with pytest.raises(Stale):
        await journal.commit(opening(an_attempt(number=1), an_attempt(number=2)))

    assert await journal.attempts() == []


async def test_one_change_cannot_move_an_attempt_twice(journal: Any) -> None:
    first = an_attempt()

    with pytest.raises(Stale):
        await journal.commit(opening(first, move(first, Fact.NOT_NOW, AT).attempts[0]))
    with pytest.raises(Stale):
        await journal.commit(opening(first, first))


async def test_attempts_are_the_newest_of_each_station_in_the_order_they_were_opened(journal: Any) -> None:
    await journal.commit(opening(an_attempt("B", state=State.FAILED), an_attempt("A")))
    await journal.commit(opening(an_attempt("C", wave=1, batch="w1b0")))
    await journal.commit(opening(an_attempt("B", number=2, wave=1, batch="w1b1")))

    assert [a.id for a in await journal.attempts()] == ["A#1", "C#1", "B#2"]
    assert [a.id for a in await journal.attempts(wave=1)] == ["C#1", "B#2"]
    assert [a.id for a in await journal.attempts(batch="w1b1")] == ["B#2"]
    assert [a.id for a in await journal.attempts(states={State.FAILED})] == []
    assert [a.id for a in await journal.attempts(identities=["B", "A", "unheard of"])] == ["A#1", "B#2"]
    assert await journal.attempts(identities=[]) == []


async def test_a_thousand_stations_are_asked_for_by_name_at_once(journal: Any) -> None:
    names = [f"S{number:04}" for number in range(1200)]
    await journal.commit(opening(*(an_attempt(name) for name in names)))

    found = await journal.attempts(identities=names)

    assert [attempt.identity for attempt in found] == names


# --- guards -----------------------------------------------------------------


async def test_a_worker_that_was_taken_for_dead_can_store_nothing_more(journal: Any) -> None:
    attempt = an_attempt()
    await journal.commit(opening(attempt))
    old = await journal.take_batch("w0b0", "ex-1", AT)
    new = await journal.take_batch("w0b0", "ex-2", AT)

    with pytest.raises(Stale) as stale:
        await journal.commit(checked(attempt, batch="w0b0", epoch=old))

    assert stale.value.guard == "batch"
    assert new == old + 1
    await journal.commit(checked(attempt, batch="w0b0", epoch=new))


async def test_who_works_on_a_batch_is_known(journal: Any) -> None:
    await journal.take_batch("w0b0", "ex-1", AT)
    await journal.take_batch("w0b0", "ex-2", AT)

    assert await journal.batches() == {"w0b0": ("ex-2", 2)}


def a_halt(epoch: int) -> Control:
    hold = Hold(scope="site:44", mode=Mode.HALTED, reason="smoke in the cabinet", by="ines", at=AT)
    return Control(epoch=epoch, holds=(hold,), acknowledged={1: {"A#1": 4}})


async def test_an_order_fences_every_intent_that_has_not_seen_it(journal: Any) -> None:
    attempt = an_attempt()
    await journal.commit(opening(attempt))
    await journal.order(a_halt(1), Change(events=(an_event(EventKind.CONTROL),)))

    with pytest.raises(Stale) as stale:
        await journal.commit(checked(attempt, control_epoch=0))

    assert stale.value.guard == "control"
    await journal.commit(checked(attempt, control_epoch=1))


async def test_undoing_passes_a_halt(journal: Any) -> None:
    attempt = an_attempt(state=State.WRITTEN)
    await journal.commit(opening(attempt))
    await journal.order(a_halt(1), Change(events=(an_event(EventKind.CONTROL),)))

    await journal.commit(move(attempt, Fact.DEADLINE, AT, guard=Guard(control_epoch=None)))

    assert [a.state for a in await journal.attempts()] == [State.UNDOING]


async def test_standing_orders_come_back_as_they_were_given(journal: Any) -> None:
    await journal.order(a_halt(1), Change(events=(an_event(EventKind.CONTROL, reason="smoke"),)))

    assert await journal.control() == a_halt(1)
    assert [line.event.data for line in await journal.events(kinds=["control"])] == [{"reason": "smoke"}]


async def test_of_two_orders_given_at_once_the_second_must_look_again(journal: Any) -> None:
    await journal.order(a_halt(1), Change(events=(an_event(EventKind.CONTROL),)))

    with pytest.raises(Stale) as stale:
        await journal.order(Control(epoch=1), Change(events=(an_event(EventKind.CONTROL),)))

    assert stale.value.guard == "control"
    assert await journal.control() == a_halt(1)
    assert len(await journal.events(kinds=["control"])) == 1


async def test_a_full_scope_turns_the_next_station_away(journal: Any) -> None:
    site = Permit(scope="site:44", limit=2)
    attempts = [an_attempt(name) for name in "ABC"]
    await journal.commit(opening(*attempts))
    await journal.commit(checked(attempts[0], site))
    await journal.commit(checked(attempts[1], site))

    with pytest.raises(Stale) as stale:
        await journal.commit(checked(attempts[2], site))

    assert stale.value.guard == "permit"
    assert (await journal.attempts(identities=["C"]))[0].state is State.PLANNED


async def test_one_full_scope_leaves_the_others_untaken(journal: Any) -> None:
    full, free = Permit(scope="site:44", limit=0), Permit(scope="model:NG910", limit=1)
    first, second = an_attempt("A"), an_attempt("B")
    await journal.commit(opening(first, second))

    with pytest.raises(Stale):
        await journal.commit(checked(first, free, full))

    await journal.commit(checked(second, free))


async def test_a_permit_is_given_back_when_the_attempt_leaves_the_states_in_flight(journal: Any) -> None:
    site = Permit(scope="site:44", limit=1)
    first, second = an_attempt("A"), an_attempt("B")
    await journal.commit(opening(first, second))
    taken = checked(first, site)
    await journal.commit(taken)
    await journal.commit(move(taken.attempts[0], Fact.NOT_NOW, AT, deferral=Deferral.BUSY))

    await journal.commit(checked(second, site))

    assert [a.state for a in await journal.attempts()] == [State.DEFERRED, State.CHECKED]


async def test_a_station_that_holds_a_permit_does_not_stand_in_its_own_way(journal: Any) -> None:
    site = Permit(scope="site:44", limit=1)
    attempt = an_attempt()
    await journal.commit(opening(attempt))
    taken = checked(attempt, site)
    await journal.commit(taken)

    await journal.commit(move(taken.attempts[0], Fact.WRITE_BEGUN, AT, guard=Guard(permits=(site,))))

    assert [a.state for a in await journal.attempts()] == [State.WRITING]


async def test_a_lowered_cap_stops_starts_and_disturbs_nobody(journal: Any) -> None:
    first, second, third = (an_attempt(name) for name in "ABC")
    await journal.commit(opening(first, second, third))
    began = checked(first, Permit(scope="all", limit=2))
    await journal.commit(began)
    await journal.commit(checked(second, Permit(scope="all", limit=2)))
    lowered = Permit(scope="all", limit=1)

    await journal.commit(move(began.attempts[0], Fact.WRITE_BEGUN, AT, guard=Guard(permits=(lowered,))))

    with pytest.raises(Stale):
        await journal.commit(checked(third, lowered))


# --- sightings --------------------------------------------------------------


async def test_sightings_come_back_with_their_place(journal: Any) -> None:
    boot = a_sighting(solicited=True, lab=True, detail="second boot", connector=2, witness="sql")
    down = a_sighting(Kind.CSMS_DOWN, identity="", session="", side=Side.TARGET)

    seq = await journal.commit(sighting_change([boot, down]))

    assert await journal.tail_sightings(0) == [replace(boot, seq=seq - 1), replace(down, seq=seq)]
    assert await journal.tail_sightings(seq - 1) == [replace(down, seq=seq)]


async def test_source_facts_are_the_newest_boots_filled_up_with_older_ones(journal: Any) -> None:
    older = IdentityFacts(vendor="Alfen", iccid="8931", model="NG910")
    newer = IdentityFacts(vendor="Alfen BV", model="NG910")
    await journal.commit(sighting_change([a_sighting(facts=older), a_sighting(facts=newer)]))
    await journal.commit(sighting_change([a_sighting(side=Side.TARGET, facts=IdentityFacts(vendor="somebody else"))]))

    facts = await journal.facts("AC22-0417", Side.SOURCE)

    assert facts == IdentityFacts(vendor="Alfen BV", model="NG910", iccid="8931")
    assert await journal.facts("unheard of", Side.SOURCE) == IdentityFacts()


async def test_what_a_dead_process_never_read_is_what_was_seen_since_the_last_move(journal: Any) -> None:
    attempt = an_attempt()
    await journal.commit(sighting_change([a_sighting(session="before")]))
    await journal.commit(opening(attempt))
    await journal.commit(sighting_change([a_sighting(session="unread"), a_sighting(identity="another")]))

    missed = await journal.missed(attempt.identity)

    assert [sighting.session for sighting in missed] == ["unread"]
    assert await journal.missed("another") == []


@pytest.mark.parametrize(
    ("fact", "name", "sessions"),
    [
        (Fact.SEEN_ON_TARGET, "sighting", ["heeded", "before the move", "after the move"]),
        (Fact.CHECKS_PASSED, "heeded", ["before the move", "after the move"]),
        (Fact.CHECKS_PASSED, "", ["after the move"]),
    ],
    ids=["arrived", "elsewhere", "nothing was heeded"],
)
async def test_what_was_seen_between_the_last_sighting_heeded_and_the_move_was_missed_as_well(
    journal: Any, fact: Fact, name: str, sessions: list[str]
) -> None:
    attempt = an_attempt()
    await journal.commit(opening(attempt))
    heeded = await journal.commit(sighting_change([a_sighting(side=Side.TARGET, session="heeded")]))
    await journal.commit(sighting_change([a_sighting(session="before the move")]))
    await journal.commit(move(attempt, fact, AT, note={name: heeded} if name else {}))
    await journal.commit(sighting_change([a_sighting(Kind.HEARTBEAT, session="after the move")]))

    missed = await journal.missed(attempt.identity)

    assert [sighting.session for sighting in missed] == sessions


async def test_a_timeline_holds_one_station_only(journal: Any) -> None:
    await journal.commit(opening(an_attempt("A"), an_attempt("B")))
    await journal.commit(Change(events=(sighting_event(a_sighting(identity="A")),)))

    assert [line.event.kind for line in await journal.timeline("A")] == ["attempt_opened", "sighting"]


async def test_identities_are_case_sensitive(journal: Any) -> None:
    await journal.commit(opening(an_attempt("ac22"), an_attempt("AC22")))

    assert [a.identity for a in await journal.attempts(identities=["AC22"])] == ["AC22"]
    assert len(await journal.timeline("ac22")) == 1


HOSTILE = [
    "a\x00b",
    "half \ud83d",
    "\x1a[]",
    "ключ",
    "' OR 1=1 --",
    "=cmd|' /C calc'!A0",
    "x" * 10_000,
    "\x1b[2J",
    "🔌",
]


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
async def test_whatever_a_station_calls_itself_can_be_recorded_and_found_again(journal: Any, text: str) -> None:
    attempt = an_attempt(text, reason=text, source_session=text)
    boot = a_sighting(identity=text, session=text, facts=IdentityFacts(vendor=text), detail=text)

    await journal.commit(opening(attempt))
    await journal.commit(sighting_change([boot]))

    assert await journal.attempts(identities=[text]) == [attempt]
    assert [replace(s, seq=0) for s in await journal.tail_sightings(0)] == [boot]
    assert (await journal.facts(text, Side.SOURCE)).vendor == text
    assert len(await journal.timeline(text)) == 2


# --- campaign ---------------------------------------------------------------


async def test_approvals_are_kept_per_fingerprint_and_the_first_word_counts(journal: Any) -> None:
    whole = Approval(fingerprint="f00d", wave=None, by="mia", at=AT)
    wave = Approval(fingerprint="f00d", wave=1, by="mia", at=AT)

    for approval in (wave, whole, replace(whole, by="somebody later"), replace(wave, fingerprint="beef")):
        await journal.approve(approval)

    assert await journal.approvals("f00d") == [whole, wave]
    assert len(await journal.events(kinds=[EventKind.APPROVED])) == 3


async def test_the_newest_mark_of_a_wave_counts(journal: Any) -> None:
    running = WaveMark(wave=1, state="running", at=AT, started_at=AT)
    shut = replace(running, state="shut", ended_at=AT, reasons=("4 of 50 failed",))
    for mark in (running, shut):
        await journal.mark_wave("f00d", mark, Change(events=(an_event(EventKind.WAVE, state=mark.state),)))

    assert await journal.wave_marks("f00d") == {1: shut}
    assert await journal.wave_marks("beef") == {}
    assert [line.event.data["state"] for line in await journal.events(kinds=["wave"])] == ["running", "shut"]


async def test_a_process_is_as_old_as_its_last_sign_of_life(journal: Any) -> None:
    process = Process(executor="ex-1", role="run", host="ops1", pid=4711, started_at=AT, beat_at=AT)
    for seconds in (0, 5, 10):
        await journal.beat(replace(process, beat_at=AT + timedelta(seconds=seconds)))
    await journal.beat(replace(process, beat_at=AT + timedelta(seconds=11), ended=True))

    assert await journal.processes() == [replace(process, beat_at=AT + timedelta(seconds=11), ended=True)]
    assert len(await journal.events(kinds=[EventKind.PROCESS])) == 2


async def test_events_are_read_in_pages(journal: Any) -> None:
    await journal.commit(Change(events=tuple(an_event(number=number) for number in range(25))))

    first = await journal.events(limit=10, kinds=[EventKind.COMMAND])
    rest = await journal.events(after=first[-1].seq, kinds=[EventKind.COMMAND])

    assert [line.event.data["number"] for line in first + rest] == list(range(25))


async def test_of_many_who_want_the_last_place_at_once_exactly_one_gets_it(journal: Any) -> None:
    attempts = [an_attempt(f"S{number}") for number in range(60)]
    await journal.commit(opening(*attempts))
    place = Permit(scope="all", limit=1)

    outcomes = await asyncio.gather(*(journal.commit(checked(a, place)) for a in attempts), return_exceptions=True)

    assert sum(isinstance(outcome, int) for outcome in outcomes) == 1
    assert len(await journal.attempts(states={State.CHECKED})) == 1


# --- the way back -----------------------------------------------------------


def a_way_back(number: int, state: State, **settings: Any) -> Any:
    return an_attempt(number=number, direction=Direction.BACK, state=state, **settings)


async def test_a_settled_station_keeps_its_attempt_while_another_takes_it_back(journal: Any) -> None:
    await journal.commit(opening(an_attempt(state=State.SETTLED)))

    await journal.commit(opening(a_way_back(2, State.PLANNED)))

    assert [(a.number, a.state) for a in await journal.attempts()] == [(2, State.PLANNED)]
    assert [a.number for a in await journal.history("AC22-0417")] == [1, 2]


async def test_two_attempts_at_one_station_are_never_under_way_together(journal: Any) -> None:
    await journal.commit(opening(an_attempt(state=State.SETTLED)))
    await journal.commit(opening(a_way_back(2, State.DEFERRED)))

    with pytest.raises(Stale):
        await journal.commit(opening(an_attempt(number=3)))


@pytest.mark.parametrize("end", [State.FAILED, State.REVERTED, State.SKIPPED])
async def test_a_rollback_that_came_to_nothing_gives_its_station_back_to_the_attempt_before(
    journal: Any, end: State
) -> None:
    await journal.commit(opening(an_attempt(state=State.SETTLED)))
    await journal.commit(opening(a_way_back(2, end, left=end is State.REVERTED)))

    (stands,) = await journal.attempts(identities=["AC22-0417"])

    assert (stands.number, stands.state) == (1, State.SETTLED)
    assert stands.next_number == 3
    assert [a.number for a in await journal.rollbacks()] == [2]


async def test_one_that_was_lost_on_the_way_back_and_written_off_is_not_settled_again(journal: Any) -> None:
    await journal.commit(opening(an_attempt(state=State.SETTLED)))
    await journal.commit(opening(a_way_back(2, State.SKIPPED, left=True)))

    (stands,) = await journal.attempts()

    assert (stands.number, stands.state) == (2, State.SKIPPED)


async def test_what_a_station_said_is_kept_for_each_side(journal: Any) -> None:
    there = a_sighting(side=Side.TARGET, facts=IdentityFacts(vendor="Alfen BV", firmware="7.0"))
    await journal.commit(sighting_change([a_sighting(), there]))

    on_target = await journal.facts("AC22-0417", Side.TARGET)

    assert (on_target.firmware, on_target.serial) == ("7.0", "")
    assert (await journal.facts("AC22-0417", Side.SOURCE)).serial == "ACE0417"
