"""What `migrate explain` proposes can be typed: every command exists, with these options, for any station."""

from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import UTC, datetime

import click
import pytest

from migrate.cli import cli
from migrate.domain.attempt import State
from migrate.domain.profile import Method
from migrate.domain.record import Attempt, Direction
from migrate.domain.wave import Deferral
from reports.explain import Circumstances, explain

AT = datetime(2026, 11, 20, 3, 10, tzinfo=UTC)
NAMES = ["AC22-0417", "-AC 1", "AC;1", "AC,1", "@AC1", "O'Hara"]


def attempt(state: State, identity: str = "AC22-0417", direction: Direction = Direction.FORWARD) -> Attempt:
    return Attempt(
        id=f"{identity}#1",
        identity=identity,
        number=1,
        wave=0,
        batch="0.1",
        profile="keba_p30x",
        method=Method.CHANGE_CONFIGURATION,
        state=state,
        direction=direction,
        opened_at=AT,
        entered_at=AT,
        fingerprint="f" * 64,
    )


def proposed(told: str) -> list[list[str]]:
    """The commands of an explanation, as a shell splits them."""
    return [shlex.split(line) for line in told.splitlines() if line.strip().startswith("migrate ")]


def parsed(words: list[str]) -> click.Context:
    """The command line as the program takes it, nothing being done.  Raises ``click.UsageError`` where it does not."""
    context = click.Context(cli, info_name="migrate")
    command: click.Command = cli
    rest = words[1:]
    while isinstance(command, click.Group):
        name, found, rest = command.resolve_command(context, rest)
        assert found is not None, words
        command, context = found, click.Context(found, parent=context, info_name=name)
    return command.make_context(context.info_name, rest, parent=context.parent)


@pytest.mark.parametrize("direction", Direction, ids=str)
@pytest.mark.parametrize("state", State, ids=str)
@pytest.mark.parametrize("identity", NAMES)
def test_every_command_that_is_proposed_is_one_that_the_program_takes(
    identity: str, state: State, direction: Direction
) -> None:
    told = explain(attempt(state, identity, direction), Circumstances(now=AT, zone=UTC))

    assert [parsed(words).command.name for words in proposed(told)]


@pytest.mark.parametrize(
    ("state", "verbs"),
    [
        (State.FAILED, ["retry", "profiles show", "visits export"]),
        (State.REVERTED, ["retry", "profiles show", "visits export"]),
        (State.SETTLED, ["rollback"]),
        (State.LOST, ["resolve", "visits export"]),
        (State.VISITING, ["visits export", "visits return", "resolve"]),
    ],
    ids=str,
)
def test_what_can_be_done_about_a_station_is_named_with_its_name(state: State, verbs: list[str]) -> None:
    told = explain(attempt(state), Circumstances(now=AT, zone=UTC))

    assert all(f"migrate {verb} " in told for verb in verbs)
    assert "--stations=AC22-0417" in told


def test_a_station_that_came_back_by_order_is_tried_again_and_not_taken_back() -> None:
    told = explain(attempt(State.SETTLED, direction=Direction.BACK), Circumstances(now=AT, zone=UTC))

    assert "migrate retry --stations=AC22-0417" in told
    assert "migrate rollback" not in told


def test_of_a_station_stuck_on_its_way_back_no_word_is_proposed_that_would_be_refused() -> None:
    told = explain(attempt(State.STUCK, direction=Direction.BACK), Circumstances(now=AT, zone=UTC))

    assert "--as failed" in told
    assert "--as reverted" not in told


def test_a_station_without_a_profile_is_sent_to_the_catalogue() -> None:
    told = explain(replace(attempt(State.FAILED), profile=""), Circumstances(now=AT, zone=UTC))

    assert "migrate profiles list" in told


def test_a_station_that_waits_for_its_profiles_proof_is_told_where_that_is_given() -> None:
    waiting = replace(attempt(State.DEFERRED), deferral=Deferral.UNPROVEN)

    told = explain(waiting, Circumstances(now=AT, zone=UTC))

    assert "[profiles.accepted] in campaign.toml" in told
    assert "must be lifted" not in told
