"""What a person at the terminal sees of a run."""

from __future__ import annotations

import asyncio
import io
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from migrate.cli.live import (
    LiveTree,
    PlainLines,
    Silent,
    changes,
    keep_looking,
    next_commands,
    open_progress,
    recap,
    summary,
)
from migrate.cli.tree import bar, tree
from migrate.domain.attempt import State
from migrate.domain.errors import JournalError
from migrate.domain.wave import (
    Incident,
    Mode,
    Reason,
    Ruling,
    Standing,
    StationStanding,
    Verdict,
    WaveStanding,
    WaveState,
)
from tests.reports.standings import AT, a_standing, a_station

HOSTILE = "[/red]\x1b[2J\u202e<script>"


def standing(*stations: StationStanding, verdict: Verdict = Verdict.HOLD, **given: Any) -> Standing:
    totals = {state: sum(s.state is state for s in stations) for state in State}
    ruling = Ruling(verdict=verdict, reasons=(Reason(text="2 of 4 still pending"),))
    wave = WaveStanding(number=0, state=WaveState.RUNNING, totals=totals, ruling=ruling, size=len(stations))
    return a_standing(*stations, **{"at": AT + timedelta(minutes=3), "waves": (wave,), **given})


def drawn(facts: Standing, width: int = 100, **given: Any) -> str:
    out = io.StringIO()
    Console(file=out, width=width, color_system=None).print(tree(facts, width=width, **given))
    return out.getvalue()


def terminal(**given: Any) -> Console:
    return Console(file=io.StringIO(), width=100, force_terminal=True, **given)


# ── the tree ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_tree_never_grows_wider_than_the_terminal(width: int) -> None:
    facts = standing(*(a_station("X" * 48, state, reason="y" * 300) for state in State), campaign="c" * 200)

    lines = drawn(facts, width).splitlines()

    assert max(cell_len(line) for line in lines) <= width
    assert any("needs a person: 2" in line for line in lines)


def test_a_station_in_flight_shows_its_state_age_and_reason() -> None:
    text = drawn(standing(a_station("AC-17", State.DEPARTED, reason="Reset unanswered")))

    line = next(line for line in text.splitlines() if "AC-17" in line)
    assert "departed" in line
    assert "3 min" in line
    assert "Reset unanswered" in line


def test_the_oldest_in_flight_come_first_and_the_rest_is_counted() -> None:
    flying = [a_station(f"AC-{n:02}", State.DEPARTED, updated_at=AT + timedelta(seconds=n)) for n in range(40)]

    text = drawn(standing(*reversed(flying)), height=60)

    assert text.index("AC-00") < text.index("AC-14")
    assert "AC-15" not in text
    assert "and 25 more" in text


def test_a_small_terminal_still_shows_the_oldest_and_whoever_needs_a_person() -> None:
    stations = [a_station(f"F{n}", State.WRITING) for n in range(30)] + [
        a_station(f"L{n}", State.LOST) for n in range(30)
    ]

    text = drawn(standing(*stations), 80, height=24)

    assert len(text.splitlines()) <= 24
    assert "F0" in text
    assert "L0" in text


def test_a_gate_says_why_it_holds() -> None:
    text = drawn(standing(a_station("AC-1", State.WRITING)))

    assert "gate ◐ hold" in text
    assert "2 of 4 still pending" in text


def test_hostile_strings_are_shown_as_text() -> None:
    facts = standing(
        a_station(HOSTILE, State.LOST, reason=HOSTILE),
        a_station("AC-2", State.DEFERRED, reason=HOSTILE),
        campaign=HOSTILE,
        incidents=(Incident(at=AT, title=HOSTILE, detail=HOSTILE),),
    )

    text = drawn(facts)

    assert "[/red]<script>" in text
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_one_lost_station_among_thousands_has_a_cell_of_its_own() -> None:
    text = bar({State.SETTLED: 9_999, State.LOST: 1}, 20).plain

    assert text == "█" * 19 + "!"


def test_a_terminal_without_unicode_gets_letters() -> None:
    text = bar({State.SETTLED: 3, State.CONFIRMED: 1, State.LOST: 1}, 10, ascii_only=True).plain

    assert text.isascii()
    assert "!" in text


def test_lab_is_marked_on_the_screen() -> None:
    assert "LAB" in drawn(standing(lab=True))


# ── which one ───────────────────────────────────────────────────────────────


@pytest.fixture
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.mark.usefixtures("_bare_environment")
def test_a_terminal_gets_the_tree_and_a_pipe_gets_lines() -> None:
    live = open_progress(terminal())
    live.close()

    assert isinstance(live, LiveTree)
    assert isinstance(open_progress(Console(file=io.StringIO(), force_terminal=False)), PlainLines)
    assert isinstance(open_progress(terminal(), quiet=True), Silent)


@pytest.mark.usefixtures("_bare_environment")
@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_a_terminal_that_asks_for_plain_text_gets_lines(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)

    assert isinstance(open_progress(terminal()), PlainLines)


@pytest.mark.usefixtures("_bare_environment")
def test_the_live_tree_shows_the_last_standing_when_it_closes() -> None:
    console = terminal()
    progress = LiveTree(console)

    progress.update(standing(a_station("AC-17", State.DEPARTED)))
    progress.say("a sentence [/red]")
    progress.update(standing(a_station("AC-18", State.LOST)))
    progress.close()

    out = console.file
    assert isinstance(out, io.StringIO)
    assert "AC-18" in out.getvalue()
    assert "a sentence [/red]" in out.getvalue()


# ── plain lines ─────────────────────────────────────────────────────────────


def lines_of(*standings: Standing) -> list[str]:
    out = io.StringIO()
    progress = PlainLines(Console(file=out, width=80, color_system=None))
    for facts in standings:
        progress.update(facts)
    return out.getvalue().splitlines()


def test_the_same_standing_twice_says_nothing_new() -> None:
    facts = standing(a_station("AC-1", State.WRITING))

    assert lines_of(facts, facts) == lines_of(facts)


def test_a_station_that_is_lost_is_one_line_with_its_reason() -> None:
    before = standing(a_station("AC-17", State.DEPARTED))

    lines = changes(before, standing(a_station("AC-17", State.LOST, reason="seen nowhere")))

    assert lines == ["AC-17 lost (E0): seen nowhere"]


def test_every_way_a_batch_lets_go_of_a_station_is_told() -> None:
    told = [State.CONFIRMED, State.FAILED, State.REVERTED, State.SKIPPED, State.STUCK, State.LOST, State.VISITING]
    before = standing(*(a_station(state.value, State.PLANNED) for state in told))

    lines = changes(before, standing(*(a_station(state.value, state) for state in told)))

    assert [line.split()[0] for line in lines] == [state.value for state in told]


def test_settling_and_deferring_are_told_together() -> None:
    before = standing(*(a_station(f"A{n}", State.CONFIRMED) for n in range(3)), a_station("B", State.PLANNED))
    now = standing(
        *(a_station(f"A{n}", State.SETTLED) for n in range(3)),
        a_station("B", State.DEFERRED, reason="not connected"),
    )

    assert changes(before, now) == ["1 deferred: not connected", "wave 0: 3 settled"]


def test_a_gate_that_shuts_is_told_with_its_reason() -> None:
    before = standing(a_station("AC-1", State.LOST))

    lines = changes(before, replace(before, waves=standing(a_station("AC-1", State.LOST), verdict=Verdict.SHUT).waves))

    assert lines == ["wave 0 gate shut: 2 of 4 still pending"]


@pytest.mark.parametrize(("number", "said"), [(1, "1 visit"), (2, "2 visits")])
def test_the_tree_counts_visits_as_one_says_it(number: int, said: str) -> None:
    facts = standing(*(a_station(f"AC-{n}", State.VISITING) for n in range(number)))

    assert re.search(rf"{said}(?!s)", drawn(facts))


def test_an_incident_is_told_when_it_begins_and_when_it_is_over() -> None:
    quiet = standing()
    begun = standing(incidents=(Incident(at=AT, title="target down"),))
    over = standing(incidents=(Incident(at=AT, title="target down", ended_at=AT),))

    assert changes(quiet, begun) == ["incident began: target down"]
    assert changes(begun, over) == ["incident over: target down"]


def test_an_incident_says_which_backend_it_is_about() -> None:
    down = Incident(at=AT, title="CSMS down", detail="nobody listens there", side="source")

    assert changes(standing(), standing(incidents=(down,))) == [
        "incident began: CSMS down (source): nobody listens there"
    ]


def test_a_hostile_line_stays_one_line() -> None:
    before = standing(a_station("AC-1\n00:00:00Z AC-2 confirmed", State.DEPARTED))
    now = standing(a_station("AC-1\n00:00:00Z AC-2 confirmed", State.LOST, reason=HOSTILE))

    lines = lines_of(before, now)

    assert len(lines) == len(lines_of(before)) + 1
    assert "[/red]<script>" in lines[-1]
    assert lines[-1].isprintable()


# ── the end of a run ────────────────────────────────────────────────────────


def test_the_recap_sums_up_names_the_lost_and_says_what_to_do_next() -> None:
    facts = standing(
        *(a_station(f"S{n}", State.SETTLED) for n in range(52)),
        *(a_station(f"R{n}", State.REVERTED) for n in range(3)),
        a_station("AC-17", State.LOST),
        *(a_station(f"V{n}", State.VISITING) for n in range(3)),
    )

    text = recap(facts, report="out/reports/progress.html")

    assert summary(facts) == "52 settled, 3 reverted, 1 lost (AC-17), 3 visits"
    assert "  wave 0   running   3 visiting, 52 settled, 3 reverted, 1 lost; gate hold" in text
    assert "Report: out/reports/progress.html" in text
    assert "Next:   migrate explain AC-17" in text


def test_the_first_due_time_of_the_deferred_is_told_at_the_end_and_in_the_tree() -> None:
    due = [AT + timedelta(minutes=m) for m in (9, 4)]
    facts = standing(*(replace(a_station(f"D{m}", State.DEFERRED), due_at=at) for m, at in enumerate(due)))

    for text in (recap(facts), drawn(facts)):
        assert f"next due {due[1]:%Y-%m-%d %H:%M:%S}Z, in " in text


def test_a_summary_loses_no_station() -> None:
    facts = standing(*(a_station(state.value, state) for state in State))

    numbers = [int(part.split()[0]) for part in summary(facts).replace("(lost)", "").replace("(stuck)", "").split(", ")]

    assert sum(numbers) == len(State)


@pytest.mark.parametrize(
    ("facts", "commands"),
    [
        pytest.param(standing(a_station("a", State.SETTLED)), [], id="done"),
        pytest.param(
            standing(a_station("a", State.DEFERRED), mode=Mode.IDLE),
            ["migrate run --plan a3f9"],
            id="deferred",
        ),
        pytest.param(standing(a_station("a", State.DEFERRED)), [], id="deferred, a run waits for it"),
        pytest.param(
            standing(a_station("a", State.PLANNED), mode=Mode.HALTED),
            ['migrate resume --reason "…"'],
            id="halted",
        ),
        pytest.param(standing(a_station("a b", State.STUCK)), ["migrate explain 'a b'"], id="stuck"),
    ],
)
def test_the_next_command_fits_the_standing(facts: Standing, commands: list[str]) -> None:
    assert next_commands(facts) == commands


class Looks:
    """What each look comes to, in turn; a look that is none of these never ends."""

    def __init__(self, *outcomes: Exception | None) -> None:
        self._outcomes = list(outcomes)
        self.last = asyncio.Event()

    async def __call__(self) -> None:
        if not self._outcomes:
            self.last.set()
            await asyncio.Event().wait()
        if outcome := self._outcomes.pop(0):
            raise outcome


async def test_a_look_that_the_journal_cannot_give_is_not_the_last() -> None:
    looks = Looks(None, JournalError("The journal is locked."), None)
    showing = asyncio.ensure_future(keep_looking(looks, 0.0))

    async with asyncio.timeout(60):
        await asyncio.wait({showing, asyncio.ensure_future(looks.last.wait())}, return_when=asyncio.FIRST_COMPLETED)

    assert looks.last.is_set()
    showing.cancel()
    await asyncio.gather(showing, return_exceptions=True)


async def test_any_other_error_of_a_look_is_told_to_who_waits() -> None:
    with pytest.raises(ZeroDivisionError):
        await keep_looking(Looks(None, ZeroDivisionError()), 0.0)
