"""Which stations need hands, and why; which papers that makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from batches.visits import Need, Past, need_of, needs, papers, past_of, wants_order
from migrate.domain.attempt import Fact, State
from migrate.domain.evidence import Kind, Side
from migrate.domain.order_book import fold_orders
from migrate.domain.policy import Policy, Retries
from migrate.domain.record import Attempt, Change, move
from migrate.domain.visit import Ground, OrderState, Result, Return, returning
from migrate.domain.wave import Cause, Deferral
from tests.doubles.papers import AT, a_task, an_order, issued, stored
from tests.doubles.scene import an_attempt

POLICY = Policy(retries=Retries(attempts=3))
TO_WRITING = (Fact.CHECKS_PASSED, Fact.WRITE_BEGUN)
TO_DEPARTED = (*TO_WRITING, Fact.READ_BACK_WHOLE, Fact.RESTART_BEGUN, Fact.GONE)


def after(facts: Sequence[Fact], *, deferral: Deferral | None = None, **opened: object) -> tuple[Attempt, Past]:
    """An attempt after a row of facts, and the past that the journal tells of it."""
    attempt, events = an_attempt(**opened), []  # type: ignore[arg-type]
    for fact in facts:
        change = move(attempt, fact, AT, **({"deferral": deferral} if fact is Fact.NOT_NOW else {}))
        events += change.events
        attempt = change.attempts[0]
    return attempt, past_of(stored(events))


GROUNDS = {
    "a visit is its only way": ((Fact.NEEDS_HANDS,), None, Ground.VISIT_ONLY),
    "offline until it was given up": ((Fact.NOT_NOW, Fact.DEADLINE), Deferral.OFFLINE, Ground.OFFLINE),
    "charging until it was given up": ((Fact.NOT_NOW, Fact.DEADLINE), Deferral.BUSY, Ground.NEVER_FREE),
    "refused": ((*TO_WRITING, Fact.REFUSED), None, Ground.FAILED),
    "lost": ((*TO_DEPARTED, Fact.DEADLINE), None, Ground.LOST),
    "stuck": ((*TO_WRITING, Fact.PARTLY_APPLIED, Fact.UNDO_REFUSED), None, Ground.STUCK),
}


@pytest.mark.parametrize(("facts", "deferral", "ground"), GROUNDS.values(), ids=GROUNDS)
def test_a_station_that_no_command_can_move_needs_hands(
    facts: Sequence[Fact], deferral: Deferral | None, ground: Ground
) -> None:
    attempt, past = after(facts, deferral=deferral)

    need = need_of(attempt, past, POLICY)

    assert need == Need(attempt=attempt, ground=ground)


def test_a_visit_without_a_profile_says_that_nobody_knows_the_equipment() -> None:
    attempt, past = after((Fact.NEEDS_HANDS,), profile="")

    assert need_of(attempt, past, POLICY) == Need(attempt=attempt, ground=Ground.NO_PROFILE)


ALONE = {
    "not begun": ((), None),
    "put off and due again": ((Fact.NOT_NOW,), Deferral.OFFLINE),
    "being written to": (TO_WRITING, None),
    "on its way": (TO_DEPARTED, None),
    "confirmed": ((*TO_DEPARTED, Fact.CONFIRMED_ON_TARGET), None),
    "never to be touched": ((Fact.NEVER,), None),
    "its model stopped for good": ((Fact.NOT_NOW, Fact.DEADLINE), Deferral.MODEL_STOPPED),
    "outside its window for good": ((Fact.NOT_NOW, Fact.DEADLINE), Deferral.WINDOW),
    "written off": ((*TO_DEPARTED, Fact.DEADLINE, Fact.WRITTEN_OFF), None),
}


@pytest.mark.parametrize(("facts", "deferral"), ALONE.values(), ids=ALONE)
def test_no_crew_is_sent_where_none_is_needed(facts: Sequence[Fact], deferral: Deferral | None) -> None:
    attempt, past = after(facts, deferral=deferral)

    assert need_of(attempt, past, POLICY) is None


REVERTED = (*TO_DEPARTED, Fact.ON_SOURCE, Fact.OLD_VALUES_AFTER_LEAVING)


def test_a_station_that_came_back_once_may_be_tried_again_from_here() -> None:
    attempt, past = after(REVERTED)

    need = need_of(attempt, past, POLICY)

    assert need == Need(attempt=attempt, ground=Ground.REVERTED, may_retry=True)


def test_a_station_that_came_back_as_often_as_the_budget_allows_needs_hands() -> None:
    events = []
    for number in (1, 2, 3):
        attempt = an_attempt(id=f"AC1#{number}", number=number)
        for fact in REVERTED:
            change = move(attempt, fact, AT)
            events += change.events
            attempt = change.attempts[0]

    need = need_of(attempt, past_of(stored(events)), POLICY)

    assert need == Need(attempt=attempt, ground=Ground.REVERTED)


def test_what_failed_while_a_csms_was_down_is_charged_to_no_station() -> None:
    attempt, past = after((*TO_WRITING, Fact.REFUSED))

    assert need_of(replace(attempt, cause=Cause.ENVIRONMENT), past, POLICY) is None


def test_a_lost_station_needs_hands_whoever_is_to_blame() -> None:
    attempt, past = after((*TO_DEPARTED, Fact.DEADLINE))

    assert need_of(replace(attempt, cause=Cause.ENVIRONMENT), past, POLICY) is not None


def test_the_newest_attempt_speaks_for_a_station() -> None:
    lost = an_attempt(State.LOST)
    again = an_attempt(State.CONFIRMED, id="AC1#2", number=2)

    assert needs([lost, again], Past(), POLICY) == {}


# ── orders ─────────────────────────────────────────────────────────────────

LOST = Need(attempt=an_attempt(State.LOST), ground=Ground.LOST)


def test_a_station_without_an_order_gets_one() -> None:
    assert wants_order(LOST, None)


@pytest.mark.parametrize("state", [OrderState.ISSUED, OrderState.RETURNED], ids=str)
@pytest.mark.parametrize("is_named", [False, True], ids=["by itself", "named"])
def test_no_second_order_is_issued_while_one_is_out(state: OrderState, *, is_named: bool) -> None:
    order = replace(an_order(), state=state)

    assert not wants_order(LOST, order, is_named=is_named)


@pytest.mark.parametrize("state", [OrderState.CLOSED, OrderState.WITHDRAWN], ids=str)
def test_a_need_that_comes_up_again_after_an_order_ended_gets_a_new_one(state: OrderState) -> None:
    assert wants_order(LOST, replace(an_order(), state=state))


def test_a_crew_that_came_back_undone_is_sent_again_only_by_name() -> None:
    undone = replace(an_order(), state=OrderState.UNDONE)

    assert not wants_order(LOST, undone)
    assert wants_order(LOST, undone, is_named=True)


def test_another_try_that_went_wrong_after_an_undone_order_is_a_new_ground() -> None:
    undone = replace(an_order(), state=OrderState.UNDONE)
    retried = Need(attempt=an_attempt(State.LOST, id="AC1#2", number=2), ground=Ground.LOST)

    assert wants_order(retried, undone)


def test_a_station_with_tries_left_gets_a_crew_only_by_name() -> None:
    need = replace(LOST, ground=Ground.REVERTED, may_retry=True)

    assert not wants_order(need, None)
    assert wants_order(need, None, is_named=True)


def test_printing_an_order_again_changes_nothing() -> None:
    task = a_task()

    events = papers([task], [an_order(task)], set(), by="maria", at=AT)

    assert events == ()


def test_an_order_whose_task_changed_is_revised_before_it_is_printed() -> None:
    task, moved = a_task(), a_task(address="Westerdoksdijk 99")

    events = papers([moved], [an_order(task)], set(), by="maria", at=AT)

    (order,) = fold_orders(stored([issued(task), *events]))
    assert (order.revision, order.digest) == (2, moved.digest)


async def test_the_boot_on_the_target_closes_the_order_and_the_crews_word_does_not() -> None:
    """The whole way: visiting, order, return, connection, boot; through the watch and the journal."""
    from tests.batches.test_watch import a_post  # noqa: PLC0415 - its post is the engine's way to feed a watch

    async with a_post(State.VISITING, side=None) as post:
        journal, scene = post.scene.journal, post.scene
        task = replace(a_task(state=State.VISITING, ground=Ground.VISIT_ONLY), attempt=await post.newest())
        await journal.commit(Change(events=papers([task], [], {"AC1"}, by="maria", at=scene.clock.now())))
        (order,) = fold_orders(journal.lines)
        done = returning(order, Return(result=Result.DONE, technician="A. Jansen"), by="maria", at=scene.clock.now())
        await journal.commit(Change(events=(done,)))
        assert fold_orders(journal.lines)[0].state is OrderState.RETURNED

        await post.world.tell("AC1", Side.TARGET, Kind.BOOT, answer="Accepted", facts=scene.station.facts, session="s9")
        await post.passes(seconds=10)

        (order,) = fold_orders(journal.lines)
        assert order.state is OrderState.CLOSED
        seen = next(line for line in journal.lines if line.seq == order.sighting)
        assert seen.event.data["kind"] == "boot"
