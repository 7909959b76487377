"""``migrate run`` before it touches a station: what stops it, with which code, and what it asks for."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from migrate.adapters.journal.journal import SqlJournal
from migrate.cli import call
from migrate.cli.consent import Consent
from migrate.cli.exits import Exit
from migrate.cli.options import Context
from migrate.cli.run import code_for
from migrate.domain.attempt import State
from migrate.domain.errors import NotAllowed
from migrate.domain.profile import Method, Rollback
from migrate.domain.record import Process
from migrate.domain.wave import (
    Mode,
    Plan,
    PlannedStation,
    Ruling,
    Standing,
    Verdict,
    Wave,
    WaveStanding,
    WaveState,
)
from tests.cli.campaigns import ALFEN, AT, attempted, campaign, marked, planned, with_journal

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return campaign(tmp_path)


def test_without_a_fingerprint_it_says_what_it_would_do_and_changes_nothing(folder: Path, capsys: Capture) -> None:
    plan = planned(folder, approved=False)

    assert call(["run"]) == 2

    said = capsys.readouterr()
    assert plan.fingerprint in said.out
    assert f"migrate plan approve {plan.fingerprint[:16]}, then migrate run --plan" in said.err
    assert call(["run", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["fingerprint"] == plan.fingerprint
    assert not (folder / "listen.sock").exists()


def test_with_nothing_left_it_says_so(folder: Path, capsys: Capture) -> None:
    plan = planned(folder)
    for station in plan.stations:
        attempted(folder, plan, station.identity, State.SETTLED)

    assert call(["run"]) == 0
    assert "nothing is left" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("fingerprint", "words"), [("0" * 16, "The current plan is"), ("abc", "at least 8 characters")]
)
def test_another_fingerprint_is_not_run(folder: Path, capsys: Capture, fingerprint: str, words: str) -> None:
    planned(folder)

    assert call(["run", "--plan", fingerprint, "--yes"]) == 65
    assert words in capsys.readouterr().err


def test_an_unapproved_plan_is_not_run(folder: Path, capsys: Capture) -> None:
    plan = planned(folder, approved=False)

    assert call(["run", "--plan", plan.fingerprint, "--yes"]) == 4
    assert f"migrate plan approve {plan.fingerprint[:16]}" in capsys.readouterr().err


def test_a_stale_plan_is_not_run(folder: Path, capsys: Capture) -> None:
    plan = planned(folder)
    with_journal(folder, lambda journal: journal.store_stations(ALFEN))

    assert call(["run", "--plan", plan.fingerprint, "--yes"]) == 65
    assert "is stale" in capsys.readouterr().err


def test_a_wave_that_the_plan_has_not_is_not_run(folder: Path, capsys: Capture) -> None:
    plan = planned(folder)

    assert call(["run", "--plan", plan.fingerprint, "--wave", "9", "--yes"]) == 65
    assert "no wave 9" in capsys.readouterr().err


def test_a_campaign_that_another_run_holds_is_left_to_it(folder: Path, capsys: Capture) -> None:
    plan = planned(folder)
    codes: list[int] = []

    async def hold(journal: SqlJournal) -> None:
        await journal.acquire_lease()
        codes.append(await asyncio.to_thread(call, ["run", "--plan", plan.fingerprint, "--yes"]))

    with_journal(folder, hold)

    assert codes == [75]
    assert "is held by" in capsys.readouterr().err


def test_where_nobody_can_be_asked_nothing_is_touched_without_yes(folder: Path, capsys: Capture) -> None:
    plan = planned(folder)

    assert call(["run", "--plan", plan.fingerprint, "--wave", "0", "--no-input"]) == 4

    assert f"touches {plan.waves[0].size} stations up to wave 0" in capsys.readouterr().err
    assert not (folder / "listen.sock").exists()


def test_waves_that_are_done_are_not_asked_for_again(folder: Path, capsys: Capture) -> None:
    plan = planned(folder, waves=[1])
    marked(folder, plan, 0, WaveState.DONE)

    assert call(["run", "--plan", plan.fingerprint, "--no-input"]) == 4

    assert f"touches {plan.waves[1].size + plan.waves[2].size} stations up to wave 2" in capsys.readouterr().err


def test_a_worker_lends_no_hand_to_an_unapproved_plan(folder: Path, capsys: Capture) -> None:
    plan = planned(folder, approved=False)

    assert call(["worker"]) == 4
    assert f"migrate plan approve {plan.fingerprint[:16]}" in capsys.readouterr().err


# ── consent ────────────────────────────────────────────────────────────────


def a_plan(*waves: Sequence[tuple[Method, Rollback]]) -> Plan:
    return Plan(
        fingerprint="f" * 64,
        waves=tuple(
            Wave(
                number=number,
                stations=tuple(
                    PlannedStation(
                        identity=f"AC-{number}-{i}",
                        wave=number,
                        batch=0,
                        profile="acme",
                        method=method,
                        rollback=rollback,
                        site="S",
                        kind="Acme|A|1",
                    )
                    for i, (method, rollback) in enumerate(wave)
                ),
            )
            for number, wave in enumerate(waves)
        ),
    )


REMOTE = (Method.CHANGE_CONFIGURATION, Rollback.REMOTE)
ONE_WAY = (Method.CHANGE_CONFIGURATION, Rollback.IMPOSSIBLE)
BY_CREW = (Method.VISIT, Rollback.VISIT)
NOBODY = Context(campaign=Path(), may_ask=False, verbosity=0, log_file=None)


def agrees(
    plan: Plan, *, yes: bool = True, one_way: int | None = None, upto: int | None = None, done: Sequence[int] = ()
) -> bool:
    try:
        Consent(yes=yes, one_way=one_way).require(NOBODY, plan, upto=upto, done=set(done))
    except NotAllowed:
        return False
    return True


def test_yes_does_not_answer_for_one_way_stations() -> None:
    plan = a_plan([REMOTE, ONE_WAY, ONE_WAY])

    assert not agrees(plan)
    assert [n for n in range(5) if agrees(plan, one_way=n)] == [2]
    assert not agrees(plan, yes=False, one_way=2)


def test_the_count_is_the_plans_own_crews_included() -> None:
    plan = a_plan([ONE_WAY, BY_CREW, BY_CREW, REMOTE])

    assert [n for n in range(5) if agrees(plan, one_way=n)] == [3]


def test_stations_that_only_wait_for_a_crew_need_no_count_but_a_wrong_one_is_refused() -> None:
    plan = a_plan([REMOTE, BY_CREW])

    assert agrees(plan)
    assert agrees(plan, one_way=1)
    assert not agrees(plan, one_way=2)


def test_the_same_command_goes_through_again_after_a_crash_between_waves() -> None:
    plan = a_plan([ONE_WAY], [ONE_WAY, ONE_WAY])

    assert agrees(plan, one_way=3)
    assert agrees(plan, one_way=3, done=[0])
    assert agrees(plan, one_way=2, done=[0])
    assert not agrees(plan, one_way=1, done=[0])


def test_waves_beyond_the_one_asked_for_do_not_count() -> None:
    assert agrees(a_plan([REMOTE], [ONE_WAY]), upto=0)


def test_where_nothing_is_ahead_nothing_is_asked() -> None:
    assert agrees(a_plan([ONE_WAY]), yes=False, done=[0])


# ── how it ends ────────────────────────────────────────────────────────────


def a_standing(*, shut: bool = False, mode: Mode = Mode.IDLE, **totals: int) -> Standing:
    verdict = Verdict.SHUT if shut else Verdict.OPEN
    counted = {State(name): number for name, number in totals.items()}
    state = WaveState.SHUT if shut else WaveState.DONE
    wave = WaveStanding(number=0, state=state, totals=counted, ruling=Ruling(verdict=verdict))
    return Standing(campaign="c", fingerprint="f", mode=mode, at=AT, totals=counted, waves=(wave,))


@pytest.mark.parametrize(
    ("ended", "standing", "code"),
    [
        pytest.param("done", a_standing(settled=3), Exit.OK, id="all settled"),
        pytest.param("done", a_standing(settled=3, failed=1), Exit.SOME_FAILED, id="one failed"),
        pytest.param("done", a_standing(settled=3, reverted=1), Exit.SOME_FAILED, id="one reverted"),
        pytest.param("done", a_standing(settled=3, lost=1, failed=1), Exit.SOME_LOST, id="one lost"),
        pytest.param("done", a_standing(settled=3, stuck=1), Exit.SOME_LOST, id="one stuck"),
        pytest.param("shut", a_standing(shut=True, failed=9), Exit.STOPPED, id="gate shut"),
        pytest.param("shut", a_standing(shut=True, lost=1), Exit.SOME_LOST, id="gate shut by a lost one"),
        pytest.param("held", a_standing(settled=1, failed=1), Exit.STOPPED, id="gate never opens"),
        pytest.param("approval", a_standing(settled=3), Exit.NOT_ALLOWED, id="next wave not approved"),
        pytest.param("ending", a_standing(mode=Mode.PAUSED), Exit.STOPPED, id="paused"),
        pytest.param("ending", a_standing(mode=Mode.HALTED), Exit.STOPPED, id="halted"),
    ],
)
def test_the_higher_claim_on_attention_decides_the_code(ended: str, standing: Standing, code: Exit) -> None:
    assert code_for(ended, standing) == code
    assert code_for(ended, standing, interrupted=True) == Exit.INTERRUPTED


def test_a_run_that_was_killed_is_not_called_running(folder: Path, capsys: Capture) -> None:
    planned(folder)
    dead = subprocess.Popen(["/bin/true"])
    dead.wait()
    now = datetime.now(UTC)
    facts = {"role": "run", "host": socket.gethostname(), "started_at": now, "beat_at": now}

    def mode(pid: int) -> str:
        process = Process(executor=f"run-{pid}", pid=pid, **facts)  # type: ignore[arg-type]
        with_journal(folder, lambda journal: journal.beat(process))
        assert call(["status", "--json"]) == 0
        return str(json.loads(capsys.readouterr().out)["mode"])

    assert mode(dead.pid) == "idle"
    assert mode(os.getpid()) == "running"
