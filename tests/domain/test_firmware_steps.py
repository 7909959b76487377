"""Which version comes next, and where one stands: from what was told alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate.domain.firmware import Stage, is_downgrade, is_loading, newest_transfer, next_step, transfer
from migrate.domain.record import Event, EventKind
from migrate.domain.version import version_key
from migrate.domain.ways import Firmware

AT = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
STEPS = Firmware(steps=("5.8", "5.10", "6.0"))


@pytest.mark.parametrize(
    ("current", "wanted", "step"),
    [
        ("5.7", "6.0", "5.8"),
        ("5.8", "6.0", "5.10"),
        ("5.9", "6.0", "5.10"),
        ("5.10", "6.0", "6.0"),
        ("6.0", "6.0", ""),
        ("", "6.0", "5.8"),
        ("TAC3::V1.8", "6.0", "5.8"),
        ("5.7", "5.10", "5.8"),
    ],
    ids=["oldest", "a step", "between", "numbers are numbers", "there", "unknown", "unreadable", "not to the end"],
)
def test_no_intermediate_version_is_jumped_over(current: str, wanted: str, step: str) -> None:
    assert next_step(STEPS, current, wanted) == step


def test_a_newer_firmware_is_told_from_an_older_one_and_from_one_that_cannot_be_compared() -> None:
    assert is_downgrade("5.10", "5.9")
    assert not is_downgrade("5.9", "5.10")
    assert not is_downgrade("board:9", "5.9")


def test_the_newest_order_of_an_attempt_is_told_with_how_far_its_file_came() -> None:
    told = [
        Event(kind=EventKind.COMMAND, at=AT, attempt="AC1#1", data={"action": "UpdateFirmware", "value": "5.8"}),
        Event(kind=EventKind.FETCHED, at=AT, data={"version": "5.8", "loaded_bytes": 9, "size_bytes": 9}),
        Event(kind=EventKind.COMMAND, at=AT, attempt="AC1#1", data={"action": "UpdateFirmware", "value": "5.10"}),
        Event(kind=EventKind.SIGHTING, at=AT, data={"kind": "firmware", "detail": "Downloading"}),
        Event(kind=EventKind.FETCHED, at=AT, data={"version": "5.8", "loaded_bytes": 9, "size_bytes": 9}),
        Event(kind=EventKind.FETCHED, at=AT, data={"version": "5.10", "loaded_bytes": 3, "size_bytes": 9}),
    ]

    found = newest_transfer("AC1#1", told)

    assert found is not None
    version, stands = found
    assert (version, stands.status, stands.far, stands.is_loaded) == (
        "5.10",
        "Downloading",
        "3 of 9 bytes loaded",
        False,
    )
    assert newest_transfer("AC1#2", told) is None


versions = st.tuples(st.integers(0, 30), st.integers(0, 30)).map(lambda v: f"{v[0]}.{v[1]}")


@given(st.lists(versions, min_size=1, max_size=6, unique_by=version_key), versions)
def test_step_by_step_every_station_comes_to_the_last_version_and_never_goes_back(steps: list[str], own: str) -> None:
    firmware = Firmware(steps=tuple(sorted(steps, key=version_key)))
    taken = [own]
    while (step := next_step(firmware, taken[-1], firmware.steps[-1])) and len(taken) < 10:
        if is_downgrade(taken[-1], step):
            break
        taken.append(step)

    assert version_key(taken[-1]) >= version_key(firmware.steps[-1])
    assert [version_key(v) for v in taken] == sorted(version_key(v) for v in taken)


def told(what: EventKind, minute: int, attempt: str = "AC1#1", **data: Any) -> Event:
    return Event(kind=what, at=AT + timedelta(minutes=minute), identity="AC1", attempt=attempt, data=data)


def ordered(version: str, minute: int, attempt: str = "AC1#1") -> Event:
    return told(EventKind.COMMAND, minute, attempt, action="UpdateFirmware", value=version)


def said(status: str, minute: int) -> Event:
    return told(EventKind.SIGHTING, minute, "", kind="firmware", detail=status)


@pytest.mark.parametrize(
    ("story", "stage", "status"),
    [
        ([], Stage.NOT_ORDERED, ""),
        ([said("Downloading", 1)], Stage.NOT_ORDERED, ""),
        ([ordered("5.8", 1)], Stage.UNDER_WAY, ""),
        ([ordered("5.8", 1), said("Downloading", 2), said("Downloaded", 3)], Stage.UNDER_WAY, "Downloaded"),
        ([ordered("5.8", 1), said("Downloading", 2), said("DownloadFailed", 3)], Stage.FAILED, "DownloadFailed"),
        ([said("DownloadFailed", 0), ordered("5.8", 1)], Stage.UNDER_WAY, ""),
        ([ordered("5.8", 1), ordered("5.10", 2)], Stage.NOT_ORDERED, ""),
        ([ordered("5.8", 1, attempt="AC1#0")], Stage.NOT_ORDERED, ""),
        (
            [ordered("5.8", 1), told(EventKind.ANSWER, 1, action="UpdateFirmware", sent=False)],
            Stage.NOT_ORDERED,
            "",
        ),
    ],
    ids=[
        "nothing",
        "not ours",
        "ordered",
        "loaded",
        "failed",
        "failed before",
        "another version",
        "an attempt before",
        "never sent",
    ],
)
def test_where_a_version_stands_is_read_from_what_was_told_since_the_order(
    story: list[Event], stage: Stage, status: str
) -> None:
    stands = transfer("AC1#1", "5.8", story)

    assert (stands.stage, stands.status) == (stage, status)


def test_a_transfer_takes_bandwidth_until_the_station_says_that_it_has_the_file() -> None:
    assert [is_loading(s) for s in ("", "Downloading", "Downloaded", "Installing", "DownloadFailed")] == [
        True,
        True,
        False,
        False,
        False,
    ]
