"""The traffic light, by a published rule.

Every condition is listed in the report with whether it applies and the fact
it was judged by, so that nobody has to believe a colour.  The worst condition
that applies sets the light; nobody can override it here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from migrate.domain.attempt import State
from migrate.domain.wave import Mode, Standing, Verdict, WaveState
from reports.forecast import Forecast, Outlook
from reports.rates import percent
from reports.words import Colour, Word

MAX_SETBACK_SHARE = 0.05

LIGHTS: dict[Colour, Word] = {
    Colour.RED: Word(
        label="Off course",
        sentence="A decision is needed before it can go on.",
        letter="R",
        shape="■",
        colour=Colour.RED,
    ),
    Colour.AMBER: Word(
        label="At risk",
        sentence="Feasible, but something needs attention.",
        letter="A",
        shape="▲",
        colour=Colour.AMBER,
    ),
    Colour.GREEN: Word(
        label="On course", sentence="No rule below speaks against it.", letter="G", shape="●", colour=Colour.GREEN
    ),
    Colour.GREY: Word(
        label="Not begun", sentence="No station has been attempted yet.", letter="N", shape="○", colour=Colour.GREY
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    colour: Colour
    rule: str
    applies: bool
    fact: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    colour: Colour
    conditions: tuple[Condition, ...]

    @property
    def grounds(self) -> tuple[Condition, ...]:
        """The conditions that made it this colour."""
        return tuple(c for c in self.conditions if c.applies and c.colour is self.colour)


def judge(standing: Standing, outlook: Forecast, *, stopped: int = 0) -> Light:
    """Red outranks amber outranks green; a campaign that has not begun is grey unless something is already wrong.

    ``stopped`` are the models and profiles that were stopped alone.
    """
    conditions = (*_red(standing, outlook), *_amber(standing, outlook, stopped))
    worst = next((c.colour for c in conditions if c.applies), None)
    return Light(colour=worst or (Colour.GREEN if _has_begun(standing) else Colour.GREY), conditions=conditions)


def _has_begun(standing: Standing) -> bool:
    return any(count for state, count in standing.totals.items() if state is not State.PLANNED)


def _red(standing: Standing, outlook: Forecast) -> Iterator[Condition]:
    shut = [
        str(w.number)
        for w in standing.waves
        if w.state is WaveState.SHUT or _is_shut_running(w.state, w.ruling.verdict)
    ]
    yield _condition(Colour.RED, "The gate of a wave is shut.", shut, f"wave {', '.join(shut)}" if shut else "none")
    yield _condition(
        Colour.RED, "The campaign is halted.", standing.mode is Mode.HALTED, f"it is {standing.mode.value}"
    )
    missed = outlook.chance is not None and outlook.chance < 0.5
    yield _condition(Colour.RED, "The legacy switch-off is more likely missed than met.", missed, _chance(outlook))


def _is_shut_running(state: WaveState, verdict: Verdict) -> bool:
    return verdict is Verdict.SHUT and state in (WaveState.RUNNING, WaveState.SOAKING)


def _amber(standing: Standing, outlook: Forecast, stopped: int) -> Iterator[Condition]:
    people = standing.totals.get(State.STUCK, 0) + standing.totals.get(State.LOST, 0)
    yield _condition(
        Colour.AMBER, "A station is stuck or lost.", people > 0, f"{people:,} of {sum(standing.totals.values()):,}"
    )
    paused = [w for w in standing.waves if w.state is WaveState.PAUSED]
    yield _condition(
        Colour.AMBER,
        "The campaign or a wave is paused.",
        standing.mode is Mode.PAUSED or paused,
        f"it is {standing.mode.value}" + "".join(f", wave {w.number} paused" for w in paused),
    )
    ongoing = [i for i in standing.incidents if i.ended_at is None]
    yield _condition(Colour.AMBER, "An incident is open.", ongoing, f"{len(ongoing)} open")
    yield _condition(Colour.AMBER, "A model or a profile was stopped alone.", stopped, f"{stopped} stopped")
    yield _setbacks(standing)
    tight = outlook.chance is not None and outlook.chance < 0.85
    yield _condition(
        Colour.AMBER, "The legacy switch-off is met in fewer than 85 of 100 projections.", tight, _chance(outlook)
    )


def _setbacks(standing: Standing) -> Condition:
    back = standing.totals.get(State.FAILED, 0) + standing.totals.get(State.REVERTED, 0)
    ended = back + sum(standing.totals.get(s, 0) for s in (State.CONFIRMED, State.SETTLED, State.STUCK, State.LOST))
    share = back / ended if ended else 0.0
    return _condition(
        Colour.AMBER,
        f"More than {MAX_SETBACK_SHARE:.0%} of the stations with a result failed or were reverted.",
        share > MAX_SETBACK_SHARE,
        f"{back:,} of {ended:,}" + (f" = {share:.1%}" if ended else ""),
    )


def _chance(outlook: Forecast) -> str:
    if outlook.switch_off is None:
        return "no switch-off date is set"
    if outlook.has_passed:
        return f"{outlook.switch_off} has come with {outlook.remaining:,} still to settle"
    if outlook.chance is None:
        return outlook.outlook.value if outlook.outlook is not Outlook.DONE else "all done"
    return f"met in {percent(round(outlook.chance * 10_000), 10_000)} of projections"


def _condition(colour: Colour, rule: str, applies: object, fact: str) -> Condition:
    return Condition(colour=colour, rule=rule, applies=bool(applies), fact=fact)
