"""What is said of a firmware on its way: the station's word, the bytes, and that neither is success."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from migrate.domain.firmware import Stage, Transfer
from reports.firmware_words import firmware_told

NOW = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)


def test_the_last_word_and_the_bytes_are_told_with_their_age() -> None:
    stands = Transfer(
        stage=Stage.UNDER_WAY,
        status="Downloading",
        at=NOW - timedelta(minutes=3),
        loaded_bytes=131_000,
        size_bytes=400_000,
    )

    said = firmware_told("5.10", stands, NOW)

    assert said.startswith(
        "Firmware 5.10 was ordered: its last word was Downloading, 131000 of 400000 bytes loaded, 3 min"
    )
    assert said.endswith("Only a boot with it is success.")


def test_a_station_that_says_nothing_is_said_to_say_nothing_and_an_order_that_never_went_out_is_none() -> None:
    assert "it has said no word of it" in firmware_told("5.10", Transfer(stage=Stage.UNDER_WAY, at=NOW), NOW)
    assert firmware_told("5.10", Transfer(stage=Stage.NOT_ORDERED, at=NOW), NOW) == ""
