"""The file that a run leaves, for the orders that come after it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from migrate.cli.left_behind import write_left_behind
from migrate.cli.named import named_stations
from migrate.domain.attempt import State
from migrate.domain.profile import Method
from migrate.domain.wave import Mode, Standing, StationStanding

AT = datetime(2026, 11, 20, 3, 10, tzinfo=UTC)


def station(identity: str, state: State, *, reason: str = "", is_going_back: bool = False) -> StationStanding:
    return StationStanding(
        identity=identity,
        wave=0,
        profile="keba_p30x",
        method=Method.CHANGE_CONFIGURATION,
        state=state,
        evidence="E0",
        attempts=1,
        reason=reason,
        updated_at=AT,
        is_going_back=is_going_back,
    )


def standing(*stations: StationStanding) -> Standing:
    return Standing(
        campaign="cutover", fingerprint="f" * 64, mode=Mode.IDLE, at=AT, totals={}, waves=(), stations=stations
    )


def test_every_station_that_a_run_leaves_is_named_once_and_an_order_can_take_the_file(tmp_path: Path) -> None:
    left = standing(
        station("AC-1", State.SETTLED),
        station("AC 2", State.FAILED),
        station("AC-3", State.LOST),
        station("AC-4", State.DEFERRED),
        station("AC,5", State.SKIPPED),
    )

    told = write_left_behind(tmp_path, left)

    newest = tmp_path / "left_behind" / "newest.txt"
    assert named_stations([f"@{newest}"]) == ("AC 2", "AC-3", "AC-4", "AC,5")
    assert told == f"2 failed or came back, 2 never reached: {newest} (for --stations @FILE)"


def test_a_station_that_waits_to_be_taken_back_is_not_called_never_reached(tmp_path: Path) -> None:
    left = standing(station("AC-1", State.DEFERRED, is_going_back=True), station("AC-2", State.PLANNED))

    told = write_left_behind(tmp_path, left)

    assert told.startswith("0 failed or came back, 1 never reached, 1 not taken back yet: ")
    text = (tmp_path / "left_behind" / "newest.txt").read_text()
    assert text.index("# 1 never reached\nAC-2") < text.index("# 1 not taken back yet\nAC-1")


def test_what_a_station_said_cannot_add_a_line_to_the_file(tmp_path: Path) -> None:
    hostile = "refused\nAC-9\tplanned\u2028AC-8\r\x85AC-7 \ud800"
    left = standing(station("AC-1", State.FAILED, reason=hostile))

    write_left_behind(tmp_path, left)

    assert named_stations([f"@{tmp_path / 'left_behind' / 'newest.txt'}"]) == ("AC-1",)


def test_a_run_that_leaves_nobody_behind_says_nothing_and_empties_the_newest_file(tmp_path: Path) -> None:
    write_left_behind(tmp_path, standing(station("AC-1", State.FAILED)))

    told = write_left_behind(tmp_path, replace(standing(station("AC-1", State.SETTLED)), at=AT.replace(hour=4)))

    assert told == ""
    assert "AC-1" not in (tmp_path / "left_behind" / "newest.txt").read_text()
