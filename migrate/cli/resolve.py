"""``migrate resolve``: a person's word on a stuck or lost station, or on a visit that was not done."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import click

from migrate.cli.options import Context, Reason, common_options
from migrate.cli.people import who
from migrate.domain.attempt import Fact, State
from migrate.domain.errors import RowProblem
from migrate.domain.record import Attempt, Change, Direction, Event, EventKind, move
from migrate.wiring import Wired, with_campaign
from reports.words import display

WORDS: dict[tuple[State, State], Fact] = {
    (State.STUCK, State.FAILED): Fact.UNDONE_BY_HAND,
    (State.STUCK, State.REVERTED): Fact.BACK_ON_SOURCE,
    (State.STUCK, State.DEPARTED): Fact.GONE,
    (State.LOST, State.SKIPPED): Fact.WRITTEN_OFF,
    (State.LOST, State.UNDOING): Fact.ON_SOURCE,
    (State.VISITING, State.FAILED): Fact.RETURNED_UNDONE,
}
"""What a person may say of a station: where it stands, where they say it is, and the fact that makes."""

_WORDS_BACK = {said: fact for said, fact in WORDS.items() if said != (State.STUCK, State.REVERTED)}
"""Of a rollback *failed* means that it is given up and the station stays on the target; on the source it is seen."""


@click.command()
@click.argument("identity")
@click.option(
    "--as",
    "state",
    required=True,
    type=click.Choice(sorted({to.value for _, to in WORDS})),
    help="What you know it to be.",
)
@click.option("--reason", type=Reason(), required=True, help="How you know; it goes into the journal with your name.")
@common_options
def resolve(context: Context, identity: str, *, state: str, reason: str) -> None:
    """Record what a person knows of a stuck or lost station, or of a visit that was not done.

    `migrate explain IDENTITY` says which words are possible where it stands.

    \b
    migrate resolve AC22-0417 --as failed --reason "undone on site by J. Bakker"
    migrate resolve AC22-0423 --as skipped --reason "burnt down"
    """
    said, by = State(state), who()

    async def record(wired: Wired) -> State:
        attempt = await _attempt_of(wired, identity)
        await wired.journal.commit(word_of(attempt, said, reason=reason, by=by, at=wired.clock.now()))
        return attempt.state

    before = with_campaign(context.campaign, record)
    context.say(f"{display(identity)}: {before.value} → {said.value}, recorded as said by {by}.")


async def _attempt_of(wired: Wired, identity: str) -> Attempt:
    attempts = await wired.journal.attempts(identities=[identity])
    if not attempts:
        raise RowProblem(
            f"Nothing was ever tried at {identity!r}.",
            hint="Identities are case-sensitive; see `migrate status --stations`.",
        )
    return attempts[-1]


def word_of(attempt: Attempt, said: State, *, reason: str, by: str, at: datetime) -> Change:
    """What a person's word makes of an attempt.  Raises ``RowProblem`` where the table gives it no meaning."""
    words = WORDS if attempt.direction is Direction.FORWARD else _WORDS_BACK
    fact = words.get((attempt.state, said))
    if fact is None:
        ways = [to.value for here, to in words if here is attempt.state]
        raise RowProblem(
            f"{attempt.identity!r} is {attempt.state.value}; it cannot be resolved as {said.value}.",
            hint=f"Possible now: {', '.join(ways) or 'nothing, it moves by what is seen of it'}.",
        )
    data = {"as": said.value, "by": by, "reason": reason}
    word = Event(kind=EventKind.RESOLVED, at=at, identity=attempt.identity, attempt=attempt.id, data=data)
    change = move(attempt, fact, at, reason=f"{reason} (said by {by})", left=attempt.left or said is State.REVERTED)
    return replace(change, events=(word, *change.events))
