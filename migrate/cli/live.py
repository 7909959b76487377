"""Progress of a run for the person before it: a live tree on a terminal, plain lines elsewhere.

Both are drawn from standings only and hold no decision.  What they show goes
to the console they were given (stderr); data never passes here.
"""

from __future__ import annotations

import asyncio
import os
import shlex
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

from rich.console import Console, RenderableType
from rich.live import Live

from migrate.cli.tree import next_due, tree
from migrate.domain.attempt import BATCH_ENDS, State
from migrate.domain.counted import counted
from migrate.domain.errors import JournalError
from migrate.domain.wave import Mode, Standing, StationStanding, WaveStanding, WaveState
from reports.redaction import redact
from reports.status import incident_told
from reports.words import MODES, STATES, VERDICTS, command, display


class Progress(Protocol):
    """Someone who is told how a run goes."""

    def update(self, standing: Standing) -> None: ...

    def say(self, text: str) -> None:
        """One sentence of talk, beside the picture."""
        ...

    def close(self) -> None: ...


def open_progress(console: Console, *, quiet: bool = False) -> Progress:
    """The tree where it can be drawn; lines for pipes, ``TERM=dumb`` and ``NO_COLOR``; nothing when quiet."""
    if quiet:
        return Silent()
    if console.is_terminal and not console.is_dumb_terminal and not os.environ.get("NO_COLOR"):
        return LiveTree(console)
    return PlainLines(console)


async def keep_looking(look: Callable[[], Awaitable[None]], every_s: float) -> None:
    """Look again and again until it is cancelled; rarer when that itself is work, as with ten thousand stations.

    A look that the journal cannot give is left out; any other error ends it.
    """
    loop = asyncio.get_running_loop()
    while True:
        began = loop.time()
        with suppress(JournalError):
            await look()
        await asyncio.sleep(max(every_s, 10 * (loop.time() - began)))


class Silent:
    """Says nothing."""

    def update(self, standing: Standing) -> None:
        """Nothing is shown."""

    def say(self, text: str) -> None:
        """Nothing is said."""

    def close(self) -> None:
        """Nothing is open."""


class LiveTree:
    """A tree that is redrawn in place four times a second, however often it is updated."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._ascii = not (console.encoding or "").lower().startswith("utf")
        self._standing: Standing | None = None
        self._live = Live(console=console, get_renderable=self._draw, refresh_per_second=4, redirect_stdout=False)
        self._live.start()

    def update(self, standing: Standing) -> None:
        self._standing = standing

    def _draw(self) -> RenderableType:
        if self._standing is None:
            return ""
        size = self._console.size
        return tree(self._standing, width=size.width, height=size.height, ascii_only=self._ascii)

    def say(self, text: str) -> None:
        _print(self._console, text)

    def close(self) -> None:
        self._live.stop()


class PlainLines:
    """One line per change: for pipes, logs and screen readers.  The same standing twice says nothing."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._before: Standing | None = None

    def update(self, standing: Standing) -> None:
        lines = changes(self._before, standing)
        self._before = standing
        for line in lines:
            self.say(f"{standing.at:%H:%M:%S}Z {line}")

    def say(self, text: str) -> None:
        _print(self._console, text)

    def close(self) -> None:
        """Nothing is open."""


def _print(console: Console, text: str) -> None:
    console.print(display(text, limit=1000), markup=False, highlight=False, emoji=False, soft_wrap=True)


# Settling comes to a whole wave at once and is told as one line; the rest of a station's way is told one by one.
_TOLD = BATCH_ENDS - {State.SETTLED, State.DEFERRED}


def changes(before: Standing | None, now: Standing) -> list[str]:
    """What a reader of lines wants to know since the standing before."""
    if before is None:
        return [f"{now.campaign}: {MODES[now.mode].label}, {summary(now)}", *_wave_changes({}, now)]
    mode = [f"campaign {MODES[now.mode].label}"] if now.mode is not before.mode else []
    return [
        *mode,
        *_wave_changes({wave.number: wave for wave in before.waves}, now),
        *_station_changes(before, now),
        *_incident_changes(before, now),
    ]


def _wave_changes(before: dict[int, WaveStanding], now: Standing) -> list[str]:
    lines = []
    for wave in now.waves:
        was = before.get(wave.number)
        if wave.state is not (was.state if was else WaveState.WAITING):
            lines.append(f"wave {wave.number} {wave.state.value} ({counted(sum(wave.totals.values()), 'station')})")
        if was and wave.ruling.verdict is not was.ruling.verdict:
            why = "; ".join(display(reason.text) for reason in wave.ruling.reasons)
            lines.append(f"wave {wave.number} gate {VERDICTS[wave.ruling.verdict].label}" + (f": {why}" if why else ""))
    return lines


def _station_changes(before: Standing, now: Standing) -> list[str]:
    was = {s.identity: s.state for s in before.stations}
    moved = [s for s in now.stations if s.state is not was.get(s.identity, State.PLANNED)]
    settled = Counter(s.wave for s in moved if s.state is State.SETTLED)
    together = [f"wave {wave}: {number} settled" for wave, number in sorted(settled.items())]
    return [*(_told(s) for s in moved if s.state in _TOLD), *_put_off(moved), *together]


def _told(station: StationStanding) -> str:
    reason = display(redact(station.reason, keep=station.identity))
    return f"{display(station.identity)} {STATES[station.state].label} ({station.evidence})" + (
        f": {reason}" if reason else ""
    )


def _put_off(moved: list[StationStanding]) -> list[str]:
    reasons = Counter(display(s.reason) or "no reason" for s in moved if s.state is State.DEFERRED)
    return [f"{number} deferred: {reason}" for reason, number in reasons.most_common()]


def _incident_changes(before: Standing, now: Standing) -> list[str]:
    known = {(i.at, i.title, i.side): i for i in before.incidents}
    lines = []
    for incident in now.incidents:
        was = known.get((incident.at, incident.title, incident.side))
        if was is None or (was.ended_at is None and incident.ended_at is not None):
            lines.append(f"incident {'over' if incident.ended_at else 'began'}: {incident_told(incident)}")
    return lines


_SUMMARY: tuple[tuple[tuple[State, ...], str], ...] = (
    ((State.SETTLED,), "settled"),
    ((State.CONFIRMED,), "confirmed"),
    ((State.REVERTED,), "reverted"),
    ((State.FAILED,), "failed"),
    ((State.LOST,), "lost"),
    ((State.STUCK,), "stuck"),
    ((State.VISITING,), "visits"),
    ((State.DEFERRED,), "deferred"),
    ((State.SKIPPED,), "skipped"),
    (tuple(s for s in State if s not in BATCH_ENDS and s is not State.PLANNED), "in flight"),
    ((State.PLANNED,), "still to come"),
)
_NAMED = 3


def summary(standing: Standing) -> str:
    """The whole standing in one line; stations that need a person are named.

    Like "52 settled, 3 reverted, 1 lost (AC-17), 3 visits".
    """
    parts = []
    for states, label in _SUMMARY:
        if number := sum(standing.totals.get(state, 0) for state in states):
            word = "visit" if label == "visits" and number == 1 else label
            parts.append(f"{number:,} {word}{_names(standing, states[0]) if label in ('lost', 'stuck') else ''}")
    return ", ".join(parts) or "no stations"


def _names(standing: Standing, state: State) -> str:
    names = [display(s.identity) for s in standing.stations if s.state is state]
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return f" ({', '.join(names[:_NAMED])}{more})" if names else ""


def recap(standing: Standing, *, report: str = "") -> str:
    """The end of a run: a line per wave, the sum, where the report is, and what to do next."""
    lines = [f"{display(standing.campaign)}: campaign {standing.mode.value}"]
    lines += [_recap_wave(wave) for wave in standing.waves]
    lines += [f"  {display(notice, limit=400)}" for notice in standing.notices]
    lines += [f"  incident: {incident_told(incident)}" for incident in standing.incidents if incident.ended_at is None]
    told = summary(standing) if standing.fingerprint else "No plan yet."
    lines += ["", "; ".join(filter(None, (told, next_due(standing))))]
    lines += [f"Report: {display(report, limit=1000)}"] if report else []
    lines += [f"Next:   {line}" for line in next_commands(standing)]
    return "\n".join(lines) + "\n"


def _recap_wave(wave: WaveStanding) -> str:
    told = [f"{n} {STATES[state].label}" for state in State if (n := wave.totals.get(state, 0))]
    gate = "" if wave.state is WaveState.WAITING else f"; gate {VERDICTS[wave.ruling.verdict].label}"
    why = "; ".join(display(r.text) for r in wave.ruling.reasons) if wave.state is WaveState.SHUT else ""
    return f"  wave {wave.number:<3} {wave.state.value:<9} {', '.join(told)}{gate}{f' ({why})' if why else ''}"


def next_commands(standing: Standing) -> list[str]:
    """What a person would type now, most urgent first; nothing when all is done."""
    people = [s.identity for s in standing.stations if s.state in (State.LOST, State.STUCK)]
    lines = [command("explain", people[0])] if people else []
    shut = any(wave.state is WaveState.SHUT for wave in standing.waves)
    ahead = next((w for w in standing.waves if w.state not in (WaveState.OPEN, WaveState.DONE)), None)
    plan = shlex.quote(display(standing.fingerprint))
    if shut or standing.mode in (Mode.PAUSED, Mode.HALTED):
        lines.append('migrate resume --reason "…"')
    elif ahead and ahead.state is WaveState.WAITING:
        lines.append(f"migrate plan approve {plan}" + (f" --wave {ahead.number}" if ahead.number else ""))
    elif _has_more(standing) and standing.mode is not Mode.RUNNING:
        lines.append(f"migrate run --plan {plan}")
    return lines


def _has_more(standing: Standing) -> bool:
    ongoing = set(State) - BATCH_ENDS | {State.DEFERRED, State.CONFIRMED}
    return any(standing.totals.get(state, 0) for state in ongoing)
