"""``migrate resolve``: a person's word on a stuck or lost station, or on a visit that was not done."""

from __future__ import annotations

import click

from migrate.cli.options import Context, common_options
from migrate.cli.people import who
from migrate.domain.attempt import Fact, State
from migrate.domain.errors import NotAllowed
from migrate.domain.record import Event, EventKind, move
from migrate.wiring import Wired, with_campaign

WORDS: dict[tuple[State, State], Fact] = {
    (State.STUCK, State.FAILED): Fact.UNDONE_BY_HAND,
    (State.STUCK, State.REVERTED): Fact.BACK_ON_SOURCE,
    (State.STUCK, State.DEPARTED): Fact.GONE,
    (State.LOST, State.SKIPPED): Fact.WRITTEN_OFF,
    (State.LOST, State.UNDOING): Fact.ON_SOURCE,
    (State.VISITING, State.FAILED): Fact.RETURNED_UNDONE,
}
"""What a person may say of a station: where it stands, where they say it is, and the fact that makes."""


@click.command()
@click.argument("identity")
@click.option(
    "--as",
    "state",
    required=True,
    type=click.Choice(sorted({to.value for _, to in WORDS})),
    help="What you know it to be.",
)
@click.option("--reason", required=True, help="How you know; it goes into the journal with your name.")
@common_options
def resolve(context: Context, identity: str, *, state: str, reason: str) -> None:
    """Record what a person knows of a stuck or lost station.

    \b
    migrate resolve AC22-0417 --as failed --reason "undone on site by J. Bakker"
    migrate resolve AC22-0423 --as skipped --reason "burnt down"
    """

    async def record(wired: Wired) -> str:
        attempts = await wired.journal.attempts(identities=[identity])
        if not attempts:
            raise NotAllowed(f"Nothing was ever tried at {identity!r}.", hint="Identities are case-sensitive.")
        attempt, said = attempts[-1], State(state)
        fact = WORDS.get((attempt.state, said))
        if fact is None:
            ways = (
                ", ".join(to.value for at, to in WORDS if at is attempt.state)
                or "nothing: it moves by what is seen of it"
            )
            raise NotAllowed(
                f"{identity} is {attempt.state.value}; it cannot be resolved as {state}.", hint=f"Possible now: {ways}."
            )
        now, by = wired.clock.now(), who()
        word = Event(
            kind=EventKind.RESOLVED,
            at=now,
            identity=identity,
            attempt=attempt.id,
            data={"as": state, "by": by, "reason": reason},
        )
        change = move(
            attempt, fact, now, reason=f"{reason} (said by {by})", left=attempt.left or said is State.REVERTED
        )
        await wired.journal.commit(type(change)(events=(word, *change.events), attempts=change.attempts))
        return f"{identity}: {attempt.state.value} → {said.value}, recorded as said by {by}."

    context.say(with_campaign(context.campaign, record))
