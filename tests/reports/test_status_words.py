"""What people read: every word there, every hostile string harmless."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate.domain.attempt import State
from migrate.domain.evidence import Grade
from migrate.domain.profile import Method, Rollback
from migrate.domain.span import span
from migrate.domain.wave import Deferral, Mode, Verdict, WaveState
from reports.redaction import MASK, redact, redact_document
from reports.words import (
    BANDS,
    DEFERRALS,
    GRADES,
    METHODS,
    MODES,
    ROLLBACKS,
    STATES,
    VERDICTS,
    WAVE_STATES,
    Band,
    Word,
    bands,
    command,
    display,
)

VOCABULARIES: list[tuple[type[Enum], Mapping[object, Word]]] = [
    (State, STATES),  # type: ignore[list-item]
    (Deferral, DEFERRALS),  # type: ignore[list-item]
    (Verdict, VERDICTS),  # type: ignore[list-item]
    (Grade, GRADES),  # type: ignore[list-item]
    (Rollback, ROLLBACKS),  # type: ignore[list-item]
    (WaveState, WAVE_STATES),  # type: ignore[list-item]
    (Mode, MODES),  # type: ignore[list-item]
    (Band, BANDS),  # type: ignore[list-item]
]


@pytest.mark.parametrize(("members", "words"), VOCABULARIES, ids=lambda v: getattr(v, "__name__", "words"))
def test_every_value_has_a_word_and_no_two_share_a_letter_or_a_shape(
    members: type[Enum], words: Mapping[object, Word]
) -> None:
    assert set(words) == set(members)
    assert len({word.letter for word in words.values()}) == len(words)
    assert len({word.shape for word in words.values()}) == len(words)
    assert all(word.sentence.endswith(".") for word in words.values())


def test_every_method_has_a_name() -> None:
    assert set(METHODS) == set(Method)


@given(st.dictionaries(st.sampled_from(State), st.integers(min_value=0, max_value=10_000)))
def test_gathering_states_into_bands_loses_no_station(totals: dict[State, int]) -> None:
    assert sum(bands(totals).values()) == sum(totals.values())


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        pytest.param("AC\x1b[31m-17\x1b[0m", "AC-17", id="colour"),
        pytest.param("AC\x1b]0;owned\x07-17", "AC-17", id="window title"),
        pytest.param("AC\x9b2J-17", "AC-17", id="C1 control"),
        pytest.param("AC\u202e71-\u2066x\u2069", "AC71-x", id="bidi"),
        pytest.param("AC\u200b-\ufeff17", "AC-17", id="invisible"),
        pytest.param("AC-17\r\nAC-18 confirmed", "AC-17 AC-18 confirmed", id="a second line"),
        pytest.param("AC\x00-\x7f17\ud800", "AC-17", id="null, delete, surrogate"),
        pytest.param("[/red]<b>", "[/red]<b>", id="markup stays for the renderer to escape"),
        pytest.param("x" * 300, "x" * 239 + "…", id="endless"),
    ],
)
def test_a_string_from_a_station_can_not_take_over_the_screen(hostile: str, shown: str) -> None:
    assert display(hostile) == shown


@given(st.text(max_size=60))
def test_whatever_is_shown_is_one_printable_line(text: str) -> None:
    shown = display(text)

    assert "\n" not in shown
    assert all(character.isprintable() or character.isspace() for character in shown)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        pytest.param("wss://u:p@h.example/ocpp", "wss://***@h.example/ocpp", id="user info"),
        pytest.param("wss://h.example/ocpp?token=abc#x", "wss://h.example/ocpp?***#***", id="query and fragment"),
        pytest.param("wss://h.example/a81f09c77d2e4b5590aa/AC-17", "wss://h.example/***/AC-17", id="token in the path"),
        pytest.param("wss://[h/x", "wss://***", id="an address that cannot be read"),
        pytest.param("'wss://u:p@h/x', then", "'wss://***@h/x', then", id="in a sentence"),
        pytest.param("ftp://u:p@ss@h/x", "ftp://***@h/x", id="an at sign in the password"),
        pytest.param("no address: Rejected", "no address: Rejected", id="ordinary text"),
    ],
)
def test_no_credential_of_an_address_is_shown(address: str, shown: str) -> None:
    assert redact(address) == shown


def test_a_long_identity_at_the_end_of_its_own_address_is_no_token() -> None:
    identity = "NL-ELAAD-000000000000417"

    assert redact(f"wss://h/ocpp/{identity}", keep=identity) == f"wss://h/ocpp/{identity}"


@pytest.mark.parametrize("order", ["key first", "value first"])
def test_a_secret_key_hides_its_value_in_any_order(order: str) -> None:
    pair = {"key": "AuthorizationKey", "value": "c0ffee"}
    document = pair if order == "key first" else dict(reversed(pair.items()))

    shown = redact_document({"sent": [document], "holds": {"AuthorizationKey": "c0ffee"}, "apn_password": "c0ffee"})

    assert "c0ffee" not in str(shown)
    assert str(shown).count(MASK) == 3


def test_a_proposed_command_survives_any_identity() -> None:
    assert command("explain", "AC-17; rm -rf /") == "migrate explain 'AC-17; rm -rf /'"
    assert command("explain", "-x") == "migrate explain -- -x"


@pytest.mark.parametrize(
    ("duration", "said"),
    [
        (timedelta(seconds=-4), "0 s"),
        (timedelta(seconds=59), "59 s"),
        (timedelta(minutes=61), "1 h 01 min"),
        (timedelta(days=2, hours=3), "2 d 3 h"),
    ],
)
def test_a_span_is_told_in_its_two_largest_units(duration: timedelta, said: str) -> None:
    assert span(duration) == said
