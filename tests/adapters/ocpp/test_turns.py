"""Turns: one call open per station, and nothing of the CSMS's is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from migrate.adapters.ocpp.turns import Turns

steps = st.lists(st.sampled_from(["ask", "send", "end", "csms", "csms answered", "tick"]), max_size=60)


@given(steps)
def test_no_two_calls_are_ever_open_and_every_held_byte_comes_out_in_order(script: list[str]) -> None:
    turns, now, ours, csms = Turns(30.0, 1 << 20), 0.0, 0, 0
    sent, answered, held_or_sent = set(), set(), b""
    out = b""
    for step in script:
        now += 1.0 if step != "tick" else 31.0
        if step == "ask":
            ours += 1
            turns.waiting.append(f"m{ours}")
        elif step == "send":
            before = turns.open
            if turns.next(now):
                assert not before
                assert all(now - at >= 30.0 for id_, at in sent if id_ not in answered)
        elif step == "end" and turns.open:
            turns.drop(turns.open)
            if not turns.is_holding:
                out += turns.release(now)
        elif step == "csms":
            csms += 1
            raw = f"<c{csms}>".encode()
            held_or_sent += raw
            if turns.is_holding:
                assert turns.hold(raw) or True
                turns.held_call(f"c{csms}")
            else:
                out += raw
                turns.csms_called(f"c{csms}", now)
                sent.add((f"c{csms}", now))
        elif step == "csms answered" and csms:
            turns.csms_answered(f"c{csms}")
            answered.add(f"c{csms}")

    assert out + turns.release(now) == held_or_sent


def test_a_call_given_up_before_it_was_sent_leaves_no_trace() -> None:
    turns = Turns(30.0, 100)
    turns.waiting += ["m1", "m2"]

    turns.drop("m1")

    assert turns.next(0.0) == "m2"


def test_there_is_an_end_to_what_may_be_held() -> None:
    turns = Turns(30.0, 10)

    assert turns.hold(b"12345")
    assert not turns.hold(b"678901")
    assert turns.release(0.0) == b"12345678901"
