"""What a person agrees to before stations are touched.

Wave and count are typed back on a terminal; ``--yes`` answers that.  Steps
that cannot be taken back need their exact number, whoever asks.  Off a
terminal nobody can be asked, so nothing is touched without ``--yes``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import click

from migrate.cli.options import Context
from migrate.domain.counted import counted
from migrate.domain.errors import NotAllowed
from migrate.domain.profile import Method
from migrate.domain.wave import Plan, PlannedStation, Wave


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What the person has agreed to on the command line."""

    yes: bool
    one_way: int | None

    def require(self, context: Context, plan: Plan, *, upto: int | None, done: Collection[int]) -> None:
        """Go on only with consent for the waves ahead.  Raises ``NotAllowed`` otherwise."""
        asked = [w for w in plan.waves if upto is None or w.number <= upto]
        ahead = [w for w in asked if w.number not in done]
        if not ahead:
            return  # nothing but catching up
        self._require_one_way(ahead, asked)
        if not self.yes:
            _ask(context, ahead)

    def require_for(self, context: Context, stations: Sequence[PlannedStation], what: str) -> None:
        """Go on only with consent for named stations; ``what`` says what is done to ``{count}`` of them."""
        one_ways = one_way([s for s in stations if s.method is not Method.VISIT])
        if one_ways and self.one_way != one_ways:
            raise NotAllowed(
                f"One-way among them: {counted(one_ways, 'station')}. Once moved they cannot be brought back remotely.",
                hint=f"If that is understood: --accept-one-way {one_ways}",
            )
        if not self.yes:
            ask_for_count(context, len(stations), what)

    def _require_one_way(self, ahead: Sequence[Wave], asked: Sequence[Wave]) -> None:
        """N is the plan's own one-way count, of the waves still ahead or of all that were asked for.

        It is asked for only where one of those steps is taken from here: a
        crew on its way to a station can still be called back.
        """
        count = _one_way(ahead)
        if self.one_way in (count, _one_way(asked)) or (self.one_way is None and not _remote_one_way(ahead)):
            return
        raise NotAllowed(
            f"One-way in the waves ahead: {counted(count, 'station')}. Once moved they cannot be brought back remotely.",
            hint=f"See `migrate plan show`. If that is understood: --accept-one-way {count}",
        )


def one_way(stations: Sequence[PlannedStation]) -> int:
    """How many of them are one-way, as the plan counts."""
    return sum(s.rollback.is_one_way for s in stations)


def _one_way(waves: Sequence[Wave]) -> int:
    return sum(one_way(wave.stations) for wave in waves)


def _remote_one_way(waves: Sequence[Wave]) -> int:
    return sum(s.rollback.is_one_way and s.method is not Method.VISIT for w in waves for s in w.stations)


def ask_for_count(context: Context, count: int, what: str) -> None:
    """Have the number of stations typed back.  Raises ``NotAllowed`` where nobody can be asked, or says another."""
    if not context.may_ask:
        raise NotAllowed(
            f"This {what}, and nobody can be asked here.",
            hint="On a terminal the count is typed back; elsewhere say --yes.",
        )
    answer = click.prompt(f"This {what}. Type the count", err=True)
    if answer.strip() != str(count):
        raise NotAllowed(f"{answer!r} is not {count}; nothing was done.", hint="Look again: `migrate status`.")


def _ask(context: Context, ahead: Sequence[Wave]) -> None:
    last, count = ahead[-1].number, sum(w.size for w in ahead)
    if not context.may_ask:
        raise NotAllowed(
            f"This touches {counted(count, 'station')} up to wave {last}, and nobody can be asked here.",
            hint="On a terminal wave and count are typed back; elsewhere say --yes.",
        )
    answer = click.prompt(f"This touches {counted(count, 'station')} up to wave {last}. Type wave and count", err=True)
    if answer.split() != [str(last), str(count)]:
        raise NotAllowed(
            f"{answer!r} is not '{last} {count}'; nothing was done.", hint="Look again: `migrate plan show`."
        )
