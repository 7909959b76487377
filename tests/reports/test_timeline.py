"""One station's story and the answer to why it stands so."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from migrate.domain.attempt import ENDS, TABLE, State
from migrate.domain.evidence import Grade
from migrate.domain.policy import Timeouts
from migrate.domain.profile import Method
from migrate.domain.record import Attempt, Event, EventKind, Hold, StoredEvent
from migrate.domain.wave import Cause, Deferral, Mode
from reports.explain import ANSWERS, Circumstances, explain
from reports.timeline import timeline_document, timeline_text

AT = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
HOSTILE = "AC\x1b[31m[/red]<script>\u202e17"


def attempt(state: State = State.DEPARTED, **given: Any) -> Attempt:
    facts: dict[str, Any] = {
        "id": "AC-17#1",
        "identity": "AC-17",
        "number": 1,
        "wave": 2,
        "batch": "w2b0",
        "profile": "acme",
        "method": Method.CHANGE_CONFIGURATION,
        "state": state,
        "opened_at": AT,
        "entered_at": AT,
    }
    return Attempt(**{**facts, **given})


def stored(kind_: EventKind, seq: int = 1, identity: str = "AC-17", **data: Any) -> StoredEvent:
    event = Event(kind=kind_, at=AT + timedelta(seconds=seq), identity=identity, attempt=f"{identity}#1", data=data)
    return StoredEvent(seq=seq, writer="w", link=seq, event=event, hash="h")


def circumstances(**given: Any) -> Circumstances:
    return Circumstances(**{"now": AT + timedelta(minutes=3), "zone": AMSTERDAM, **given})


STORY = [
    stored(EventKind.SNAPSHOT, 1, holds={"OCPPEndpoint": "ws://old.example/ocpp", "AuthorizationKey": "c0ffee"}),
    stored(
        EventKind.COMMAND, 2, action="ChangeConfiguration", key="OCPPEndpoint", value="wss://u:pw@new.example/x?t=1"
    ),
    stored(EventKind.ANSWER, 3, action="ChangeConfiguration", key="OCPPEndpoint", status="RebootRequired"),
    stored(EventKind.MOVED, 4, **{"fact": "gone", "from": "restarting", "to": "departed", "evidence": "E0"}),
    stored(EventKind.SIGHTING, 5, side="target", kind="boot", answer="Pending", session="s-1", facts={"model": "M"}),
]


# ── the story ───────────────────────────────────────────────────────────────


def test_the_story_tells_what_was_sent_answered_and_seen_in_order() -> None:
    text = timeline_text("AC-17", [attempt()], STORY, zone=AMSTERDAM)

    told = [line.split("  ", 2)[-1].strip() for line in text.splitlines() if line.startswith("  2026")]
    assert [line.split()[0] for line in told] == ["read", "sent", "answered", "state", "seen"]
    assert "ChangeConfiguration OCPPEndpoint = wss://***@new.example/x?***" in told[1]
    assert "RebootRequired to ChangeConfiguration OCPPEndpoint" in told[2]
    assert "restarting → departed (gone)" in told[3]
    assert "boot on the target, answered Pending" in told[4]


def test_times_are_told_in_the_campaigns_zone_with_utc_beside_them() -> None:
    text = timeline_text("AC-17", [attempt()], STORY, zone=AMSTERDAM)

    assert "2026-11-20 02:00:02 CET (01:00:02Z)" in text


def test_no_secret_is_in_the_story_nor_in_the_document() -> None:
    document = timeline_document("AC-17", [attempt()], STORY)
    text = timeline_text("AC-17", [attempt()], STORY, zone=AMSTERDAM)

    for shown in (json.dumps(document), text):
        assert "c0ffee" not in shown
        assert "u:pw" not in shown


def test_the_station_document_has_its_published_keys() -> None:
    document = timeline_document("AC-17", [attempt()], STORY)

    assert list(document) == ["schema", "identity", "state", "evidence", "attempts", "events", "target_identity"]
    assert document["schema"] == "migrate.station/1"
    assert document["state"] == "departed"
    assert [event["seq"] for event in document["events"]] == [1, 2, 3, 4, 5]
    assert document["events"][0]["at"] == "2026-11-20T01:00:01.000Z"


def test_a_station_that_is_called_otherwise_on_the_target_is_told_with_both_names() -> None:
    document = timeline_document("AC-17", [attempt()], STORY, target_identity="NL-17")
    text = timeline_text("AC-17", [attempt()], STORY, zone=AMSTERDAM, target_identity="NL-17")

    assert (document["identity"], document["target_identity"]) == ("AC-17", "NL-17")
    assert text.startswith("AC-17: ")
    assert "called NL-17 on the target" in text.splitlines()[1]


@pytest.mark.parametrize("kind", EventKind)
def test_an_event_of_any_kind_with_any_data_can_be_told(kind: EventKind) -> None:
    odd = stored(kind, kind="?", to="nowhere", nested={"a": [1, None, {"b": "c"}]}, text="\x1b[2Jx")

    text = timeline_text("AC-17", [], [odd], zone=UTC)

    assert "\x1b" not in text
    assert len(text.splitlines()) == 4


def test_a_station_without_any_record_says_so() -> None:
    assert "Nothing is on record" in timeline_text("AC-17", [], [], zone=UTC)
    assert timeline_document("AC-17", [], [])["state"] is None


def test_a_hostile_identity_cannot_act_in_the_story() -> None:
    events = [stored(EventKind.SIGHTING, identity=HOSTILE, side="target", kind="boot", detail="\x1b]0;t\x07\u2067x")]

    text = timeline_text(HOSTILE, [attempt(identity=HOSTILE, id=HOSTILE + "#1")], events, zone=UTC)

    assert all(character.isprintable() or character == "\n" for character in text)


# ── why, what next, what can I do ───────────────────────────────────────────


@pytest.mark.parametrize("state", State)
def test_every_state_answers_why_what_next_and_what_can_be_done(state: State) -> None:
    text = explain(attempt(state), circumstances())

    assert text.startswith(f"AC-17: {state.value} since 2026-11-20 02:00:00 CET (01:00:00Z), 3 min ago.")
    assert "\nWhy\n  - " in text
    assert "\nWhat happens next\n  - " in text
    assert "\nWhat you can do\n  - " in text
    assert "migrate station AC-17" in text


def test_the_answers_cover_the_table_of_states() -> None:
    assert set(ANSWERS) == set(State)


@pytest.mark.parametrize(
    ("state", "field"),
    [
        (State.WRITING, "write"),
        (State.WRITTEN, "idle"),
        (State.RESTARTING, "restart"),
        (State.UNDOING, "undo"),
        (State.DEPARTED, "appear"),
        (State.ARRIVED, "arrive"),
    ],
)
def test_a_state_with_a_deadline_says_when_it_ends_at_the_earliest(state: State, field: str) -> None:
    timeouts = Timeouts(**{field: timedelta(minutes=44)})

    text = explain(attempt(state), circumstances(timeouts=timeouts))

    assert "2026-11-20 02:44:00 CET (01:44:00Z) at the earliest (in 41 min)" in text


@pytest.mark.parametrize("state", [*sorted(ENDS), State.STUCK, State.LOST, State.VISITING, State.SETTLED])
def test_a_state_without_a_deadline_promises_none(state: State) -> None:
    assert "at the earliest" not in explain(attempt(state), circumstances())


def test_a_deferred_station_says_why_and_when_it_is_due() -> None:
    deferred = attempt(
        State.DEFERRED,
        deferral=Deferral.BUSY,
        due_at=AT + timedelta(minutes=8),
        reason="charging on connector 1",
        fingerprint="a3f9",
    )

    text = explain(deferred, circumstances())

    assert "charging on connector 1" in text
    assert "migrate run --plan a3f9" in text
    assert "Next due: 2026-11-20 02:08:00 CET (01:08:00Z), in 5 min." in text


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (State.STUCK, ("failed", "reverted", "departed")),
        (State.LOST, ("undoing", "skipped")),
        (State.VISITING, ("failed",)),
    ],
)
def test_a_station_that_needs_a_person_is_given_the_exact_command(state: State, words: tuple[str, ...]) -> None:
    text = explain(attempt(state), circumstances())

    assert {State(word) for word in words} <= set(TABLE[state].values())
    for word in words:
        assert f'migrate resolve AC-17 --as {word} --reason "…"' in text


@pytest.mark.parametrize("state", sorted(set(State) - {State.STUCK, State.LOST, State.VISITING}))
def test_no_other_station_is_offered_a_persons_word(state: State) -> None:
    assert "migrate resolve" not in explain(attempt(state), circumstances())


def test_an_order_that_lies_on_a_station_is_told_with_the_way_to_lift_it() -> None:
    hold = Hold(scope="model:NG 910", mode=Mode.HALTED, reason="plug stuck", by="anna", at=AT)

    text = explain(attempt(State.PLANNED), circumstances(hold=hold))

    assert "halted over model:NG 910 by anna" in text
    assert "plug stuck" in text
    assert "migrate resume --model='NG 910' --reason" in text


def test_a_failure_of_the_backend_is_not_charged_to_the_station() -> None:
    text = explain(attempt(State.FAILED, cause=Cause.ENVIRONMENT), circumstances())

    assert "not charged to the station" in text


def test_a_confirmed_station_tells_its_proof() -> None:
    text = explain(attempt(State.CONFIRMED, evidence=Grade.E3), circumstances())

    assert "Proven so far: E3." in text


def test_a_station_never_attempted_is_pointed_to_the_plan() -> None:
    assert "migrate plan show --stations" in explain(None, circumstances(), identity="AC-17")


def test_a_hostile_reason_and_identity_cannot_act_in_an_explanation() -> None:
    hostile = attempt(State.STUCK, identity=HOSTILE, reason="\x1b[2J dials wss://u:pw@h/x \u202e")

    text = explain(hostile, circumstances())

    assert all(character.isprintable() or character == "\n" for character in text)
    assert "u:pw" not in text
