"""What stations have fetched: one story per file, told when something is to be told."""

from __future__ import annotations

from pathlib import Path

from migrate.adapters.files.fetched import STALL_S, Fetched, How, Word
from migrate.adapters.files.manifest import Entry
from migrate.adapters.files.store import FirmwareFile

FILE = FirmwareFile(
    entry=Entry(file="acme.bin", vendors=("Acme",), version="5.0", sha256="0" * 64),
    path=Path("x"),
    size=1000,
    mark=(1, 1, 1, 1),
)


class Watch:
    def __init__(self) -> None:
        self.now_s = 0.0
        self.words: list[Word] = []
        self.fetched = Fetched(self.words.append, lambda: self.now_s)

    def told(self) -> list[tuple[How, int]]:
        return [(word.how, word.loaded_bytes) for word in self.words]

    def wait(self, seconds: float) -> None:
        self.now_s += seconds
        self.fetched.look()


def test_a_line_that_is_open_and_brings_nothing_is_told_once_with_how_far_it_came() -> None:
    watch = Watch()
    watch.fetched.opened("AC1", FILE)
    watch.fetched.gave("AC1", FILE, 400, 400)

    watch.wait(STALL_S - 1)
    watch.wait(2)
    watch.wait(STALL_S)

    assert watch.told() == [(How.BEGUN, 0), (How.STALLED, 400)]


def test_one_that_goes_on_after_a_stall_comes_to_its_end() -> None:
    watch = Watch()
    watch.fetched.opened("AC1", FILE)
    watch.wait(STALL_S + 1)
    watch.fetched.gave("AC1", FILE, 1000, 1000)
    watch.fetched.closed("AC1", FILE)
    watch.wait(STALL_S + 1)

    assert watch.told() == [(How.BEGUN, 0), (How.STALLED, 0), (How.WHOLE, 1000)]


def test_a_broken_line_is_given_time_to_come_back_before_it_is_told() -> None:
    watch = Watch()
    watch.fetched.opened("AC1", FILE)
    watch.fetched.gave("AC1", FILE, 400, 400)
    watch.fetched.closed("AC1", FILE)
    watch.wait(STALL_S / 2)
    watch.fetched.opened("AC1", FILE)
    watch.fetched.gave("AC1", FILE, 700, 300)
    watch.fetched.closed("AC1", FILE)

    watch.wait(STALL_S + 1)

    assert watch.told() == [(How.BEGUN, 0), (How.BROKEN, 700)]


def test_a_station_that_loads_the_file_anew_begins_a_new_story() -> None:
    watch = Watch()
    for _ in range(2):
        watch.fetched.opened("AC1", FILE)
        watch.fetched.gave("AC1", FILE, 1000, 1000)
        watch.fetched.closed("AC1", FILE)

    assert [how for how, _ in watch.told()] == [How.BEGUN, How.WHOLE] * 2
