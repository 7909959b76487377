"""``migrate retry`` and ``migrate rollback`` from outside: whom they reach, what they ask, their codes and documents."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from migrate.adapters.journal.journal import SqlJournal
from migrate.cli import call
from migrate.domain.attempt import Fact, State
from migrate.domain.record import Attempt, Direction, EventKind, move
from migrate.domain.wave import Plan
from tests.cli.campaigns import ALFEN, AT, attempted, campaign, planned, with_journal

Capture = pytest.CaptureFixture[str]
WHY = ["--reason", "bills twice", "--no-input"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return campaign(tmp_path)


class Terminal(io.StringIO):
    """An empty input at which somebody sits."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def plan(folder: Path) -> Plan:
    return planned(folder, waves=[1, 2])


def kept_in(folder: Path) -> list[Attempt]:
    """The attempts in force, as the journal has them."""
    found = list[Attempt]()

    async def read(journal: SqlJournal) -> None:
        found.extend(await journal.attempts())

    with_journal(folder, read)
    return found


def ordered_while_a_run_is_up(folder: Path, arguments: list[str]) -> int:
    """The verb's code where a run holds the campaign: the order is journaled, and nothing is carried out."""
    codes = list[int]()

    async def hold(journal: SqlJournal) -> None:
        lease = await journal.acquire_lease()
        codes.append(await asyncio.to_thread(call, arguments))
        await journal.release_lease(lease)

    with_journal(folder, hold)
    return codes[0]


def document(capsys: Capture) -> dict[str, Any]:
    return dict(json.loads(capsys.readouterr().out))


# ── whom they reach ────────────────────────────────────────────────────────


@pytest.mark.parametrize("verb", ["retry", "rollback"])
def test_where_nothing_was_tried_there_is_nothing_to_do(folder: Path, plan: Plan, capsys: Capture, verb: str) -> None:
    assert call([verb, "--wave", "0", "--yes", *WHY]) == 65

    said = capsys.readouterr().err
    assert "There is nothing to" in said
    assert "Passed over" in said
    assert not kept_in(folder)


@pytest.mark.parametrize("verb", ["retry", "rollback"])
def test_a_wave_that_the_plan_has_not_is_named_with_the_last_one(plan: Plan, capsys: Capture, verb: str) -> None:
    assert call([verb, "--wave", "9", "--yes", *WHY]) == 65

    assert f"no wave 9, its last is {plan.waves[-1].number}" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["retry", "rollback"])
@pytest.mark.parametrize("words", [[], ["--wave", "0", "--stations", "ALF-1"]], ids=["neither", "both"])
def test_stations_are_named_in_one_way(plan: Plan, capsys: Capture, verb: str, words: list[str]) -> None:
    assert call([verb, *words, *WHY]) == 64

    assert "--wave N or --stations" in capsys.readouterr().err


def test_a_reason_is_asked_for(plan: Plan, capsys: Capture) -> None:
    assert call(["rollback", "--wave", "0", "--yes"]) == 64

    assert "--reason" in capsys.readouterr().err


def test_a_lost_station_and_a_stranger_among_the_named_are_passed_over_with_the_reason(
    folder: Path, plan: Plan, capsys: Capture
) -> None:
    attempted(folder, plan, "ALF-1", State.SETTLED)
    attempted(folder, plan, "ALF-2", State.LOST)
    names = "ALF-1,ALF-2,AL\x1b[31mF-9"

    code = ordered_while_a_run_is_up(folder, ["rollback", "--stations", names, "--yes", "--json", *WHY])

    captured = capsys.readouterr()
    told = json.loads(captured.out)
    assert code == 0
    assert [row["identity"] for row in told["stations"]] == ["ALF-1"]
    assert {p["identity"]: p["reason"].split(":")[0] for p in told["passed_over"]} == {
        "ALF-2": "it is lost",
        "AL\x1b[31mF-9": "the current plan does not hold it",
    }
    assert "\x1b" not in captured.err


def test_a_lost_station_is_not_tried_again_before_somebody_has_said_where_it_is(
    folder: Path, plan: Plan, capsys: Capture
) -> None:
    attempted(folder, plan, "ALF-2", State.LOST)

    assert call(["retry", "--stations", "ALF-2", "--yes", *WHY]) == 65

    assert "migrate resolve IDENTITY --as STATE" in capsys.readouterr().err


def test_a_file_names_one_to_a_line_with_remarks_behind_a_tab(folder: Path, plan: Plan, capsys: Capture) -> None:
    for name in ("ALF-1", "ALF-2"):
        attempted(folder, plan, name, State.FAILED)
    lines = ["# 2 failed, reverted, stuck or lost", "ALF-2\tfailed\tRejected, twice", "", " ALF-1 ", "ALF-2"]
    Path("left.txt").write_text("\ufeff" + "\r\n".join(lines), encoding="utf-8")

    code = ordered_while_a_run_is_up(folder, ["retry", "--stations", "@left.txt", "--yes", "--json", *WHY])

    assert code == 0
    assert [row["identity"] for row in document(capsys)["stations"]] == ["ALF-2", "ALF-1"]


@pytest.mark.parametrize(
    ("content", "words"), [(b"# nobody\n\n", "No station was named"), (b"ALF-\xff\xfe", "is no UTF-8 text")]
)
def test_a_file_that_names_nobody_is_said_to(plan: Plan, capsys: Capture, content: bytes, words: str) -> None:
    Path("left.txt").write_bytes(content)

    assert call(["rollback", "--stations", "@left.txt", "--yes", *WHY]) == 65

    assert words in capsys.readouterr().err


# ── what they ask ──────────────────────────────────────────────────────────


@pytest.mark.parametrize(("verb", "state"), [("retry", State.FAILED), ("rollback", State.SETTLED)])
def test_where_nobody_can_be_asked_nothing_is_ordered_without_yes(
    folder: Path, plan: Plan, capsys: Capture, verb: str, state: State
) -> None:
    attempted(folder, plan, "ALF-1", state)

    assert call([verb, "--stations", "ALF-1", *WHY]) == 4

    assert "nobody can be asked here" in capsys.readouterr().err
    assert [(a.number, a.state) for a in kept_in(folder)] == [(1, state)]
    assert not (folder / "listen.sock").exists()


def test_a_retry_asks_for_the_waves_approval_and_a_rollback_never_does(folder: Path, capsys: Capture) -> None:
    plan = planned(folder, approved=False)
    attempted(folder, plan, "ALF-1", State.FAILED)
    attempted(folder, plan, "ALF-2", State.SETTLED)

    refused = call(["retry", "--stations", "ALF-1", "--yes", *WHY])
    taken = ordered_while_a_run_is_up(folder, ["rollback", "--stations", "ALF-2", "--yes", *WHY])

    assert (refused, taken) == (4, 0)
    assert f"migrate plan approve {plan.fingerprint[:16]} --wave" in capsys.readouterr().err


def test_a_stale_plan_retries_nobody_and_takes_back_whom_it_holds(folder: Path, plan: Plan, capsys: Capture) -> None:
    attempted(folder, plan, "ALF-1", State.FAILED)
    attempted(folder, plan, "ALF-5", State.SETTLED)
    with_journal(folder, lambda journal: journal.store_stations(ALFEN[:5]))  # ALF-5 is on the list no more

    refused = call(["retry", "--stations", "ALF-1", "--yes", *WHY])
    taken = ordered_while_a_run_is_up(folder, ["rollback", "--stations", "ALF-5", "--yes", *WHY])

    assert (refused, taken) == (65, 0)
    assert "is stale" in capsys.readouterr().err


# ── what they leave ────────────────────────────────────────────────────────


def test_while_a_run_is_up_the_order_is_journaled_and_left_to_it(folder: Path, plan: Plan, capsys: Capture) -> None:
    attempted(folder, plan, "ALF-1", State.SETTLED)

    code = ordered_while_a_run_is_up(folder, ["rollback", "--stations", "ALF-1", "--yes", "--json", *WHY])

    captured = capsys.readouterr()
    told, (back,) = json.loads(captured.out), kept_in(folder)
    assert code == 0
    assert "It takes them up at its next look" in captured.err
    assert (told["schema"], told["ended"], told["ordered"]) == ("migrate.rollback/1", "ordered", 1)
    assert told["outcomes"] == {"waiting": 1}
    assert (told["stations"][0]["direction"], told["stations"][0]["goal"]) == ("back", "source")
    assert (back.direction, back.state, back.number) == (Direction.BACK, State.DEFERRED, 2)


def test_the_same_order_given_again_takes_over_what_was_not_begun(folder: Path, plan: Plan, capsys: Capture) -> None:
    attempted(folder, plan, "ALF-1", State.SETTLED)
    order = ["rollback", "--stations", "ALF-1", "--yes", "--json", *WHY]

    codes = [ordered_while_a_run_is_up(folder, order) for _ in range(2)]

    capsys.readouterr()
    assert codes == [0, 0]
    assert [(a.number, a.state) for a in kept_in(folder)] == [(3, State.DEFERRED)]


def test_who_ordered_it_and_why_is_in_the_journal_and_no_colour_of_theirs_on_the_screen(
    folder: Path, plan: Plan, capsys: Capture
) -> None:
    attempted(folder, plan, "ALF-1", State.SETTLED)
    told = list[Any]()

    async def read(journal: SqlJournal) -> None:
        told.extend(await journal.events(kinds=[EventKind.ORDERED.value]))

    ordered_while_a_run_is_up(
        folder, ["rollback", "--stations", "ALF-1", "--yes", "--no-input", "--reason", "\x1b[2Jbills\x00"]
    )
    with_journal(folder, read)
    assert call(["status", "--stations"]) in (0, 3)

    captured = capsys.readouterr()
    assert [line.event.data["order"] for line in told] == ["rollback"]
    assert told[0].event.data["by"]
    assert "\x1b" not in captured.out + captured.err


def test_one_that_moves_while_the_question_is_being_answered_is_passed_over_and_stops_nobody_else(
    folder: Path, plan: Plan, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaving = attempted(folder, plan, "ALF-1", State.SETTLED)
    attempted(folder, plan, "ALF-2", State.SETTLED)

    def agree_late(*_: object, **__: object) -> str:
        gone = move(leaving, Fact.GONE, AT, left=True)
        leave = Thread(target=with_journal, args=(folder, lambda journal: journal.commit(gone)))
        leave.start()
        leave.join()
        return "2"

    monkeypatch.setattr("click.prompt", agree_late)
    monkeypatch.setattr("sys.stdin", Terminal())
    words = ["rollback", "--stations", "ALF-1,ALF-2", "--json", "--reason", "bills twice"]

    code = ordered_while_a_run_is_up(folder, words)

    told = document(capsys)
    assert code == 0
    assert [row["identity"] for row in told["stations"]] == ["ALF-2"]
    assert [(p["identity"], "has moved since" in p["reason"]) for p in told["passed_over"]] == [("ALF-1", True)]
    assert {a.identity: a.state for a in kept_in(folder)} == {"ALF-1": State.DEPARTED, "ALF-2": State.DEFERRED}
