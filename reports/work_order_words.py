"""The words on a work order: why somebody is sent, what to do where no profile knows, what to photograph, what may come back.

Read at a kerb, in the rain, by somebody who has never seen this tool: short
sentences, no word of ours that has no meaning there.  Where nothing is known
of a vendor, that is said; no step is invented.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from migrate.domain.attempt import State
from migrate.domain.record import Direction, Event, EventKind
from migrate.domain.visit import Ground, OrderState
from reports.redaction import redact_document
from reports.timeline import summarise
from reports.words import STATES, Colour, Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Why a crew goes there: in one line, in plain words, and what that makes of the order.

    ``priority`` is 1 for a station that may serve nobody at this moment, 3
    for one that works where it is.  ``first`` is what to look at before
    anything is changed.
    """

    label: str
    sentence: str
    priority: int
    first: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of the checklist; ``expected`` is what should be seen afterwards, where that is known."""

    text: str
    expected: str = ""


_POWER = (
    Step(
        text="See that it has power (breaker, main switch, display) and a connection (SIM, antenna, cable, Wi-Fi).",
        expected="it is on, and online or with a signal",
    ),
)
_HELD = Step(text="Before anything is changed, write down the backend address that it holds now.")

WHYS: Mapping[Ground, Why] = {
    Ground.VISIT_ONLY: Why(
        label="Set by hand only",
        sentence="No command can change the backend address of this equipment from afar. Nothing has been tried.",
        priority=3,
    ),
    Ground.NO_PROFILE: Why(
        label="Unknown equipment",
        sentence="What this equipment can do from afar is not known, so nothing has been tried.",
        priority=3,
    ),
    Ground.OFFLINE: Why(
        label="Could not be reached",
        sentence="It was not connected in all the time that was allowed, so no command could be sent to it.",
        priority=2,
        first=_POWER,
    ),
    Ground.NEVER_FREE: Why(
        label="Was never free",
        sentence="Whenever it was tried, somebody was charging, or the station said so. A driver is never cut off.",
        priority=2,
        first=(
            Step(
                text="See whether somebody is charging now. If so, wait; if nobody is, note what the display says.",
                expected="it is free",
            ),
        ),
    ),
    Ground.FAILED: Why(
        label="Did not take the change",
        sentence="Commands were sent and did not take. It is where it was before, with the address that it had.",
        priority=3,
    ),
    Ground.REVERTED: Why(
        label="Came back by itself",
        sentence="It was sent over and returned. It is where it was before, with the address that it had.",
        priority=3,
    ),
    Ground.STUCK: Why(
        label="Stuck half way",
        sentence="The change could be neither proven nor undone. It may hold either address; what is on record says where it was last.",
        priority=1,
        first=(_HELD,),
    ),
    Ground.LOST: Why(
        label="Gone missing",
        sentence="It left one backend for the other and has been seen by neither since. Nobody can reach it from afar.",
        priority=1,
        first=(*_POWER, _HELD),
    ),
}

PRIORITIES: Mapping[int, tuple[str, str]] = {
    1: ("1 · first", "It may serve nobody at this moment."),
    2: ("2 · soon", "Its state is not known."),
    3: ("3 · in turn", "It works where it is."),
}

BACK = "This order brings the station BACK to its old backend."

SAFETY = (
    "Only a person qualified and authorised for this equipment opens it. What can be set from outside is set closed.",
    "Before opening: switch off, lock off, prove that it is dead; expect a second feed and charged capacitors. The maker's "
    "manual and the site's rules go before this page.",
    "Safety shoes, eye protection and insulating gloves as the work demands; a barrier where vehicles or people pass.",
    "Never end a driver's charging session. Damage, heat, smell, water: do not touch it, fence it off, call the desk.",
)

PHOTOGRAPHS = ("type plate, serial legible", "settings as found", "settings as left", "display at the end")
"""Photographs show equipment, never faces, number plates or passwords."""

ORDER_STATES: Mapping[OrderState, Word] = {
    OrderState.ISSUED: Word(
        letter="I", shape="△", colour=Colour.AMBER, label="issued", sentence="A crew is asked to go there."
    ),
    OrderState.RETURNED: Word(
        letter="R",
        shape="◒",
        colour=Colour.BLUE,
        label="returned, awaiting evidence",
        sentence="The crew says it is done; the station has not been seen where it belongs yet.",
    ),
    OrderState.UNDONE: Word(
        letter="U",
        shape="✕",
        colour=Colour.RED,
        label="returned undone",
        sentence="The crew came back without doing it.",
    ),
    OrderState.CLOSED: Word(
        letter="C", shape="●", colour=Colour.GREEN, label="closed", sentence="The station was seen where it belongs."
    ),
    OrderState.WITHDRAWN: Word(
        letter="X",
        shape="–",
        colour=Colour.GREY,
        label="withdrawn",
        sentence="Needed no more: the station was given up, or moved the other way.",
    ),
}

_PLATE = Step(text="Compare the serial number on the plate with this order; another one: stop, call the desk.")
_LEAVE = Step(text="Before leaving, call the desk: the order closes when the station is seen there, not before.")


def generic_steps(url: str, identity: str) -> tuple[Step, ...]:
    """What any station needs, for families of which no source says how: honest about what is not known."""
    return (
        Step(
            text="Open the settings with the maker's tool or app. No steps are on record for this equipment: its manual counts.",
            expected="the backend (OCPP) settings",
        ),
        Step(text="Photograph the backend settings as they are."),
        Step(
            text=f"Enter the backend address {url} and the identity {identity}, letter by letter; capitals count. The manual "
            "says whether the identity belongs at the end of the address.",
            expected="both as entered",
        ),
        Step(text="Restart the station in the way its manual says.", expected="it shows that it is online"),
    )


def steps_for(ground: Ground, own: tuple[str, ...], url: str, identity: str) -> tuple[Step, ...]:
    """The whole checklist of one order: what its ground asks to see first, its family's own steps or the generic ones."""
    told = tuple(Step(text=text) for text in own) or generic_steps(url, identity)
    plate, rest = (told[:1], told[1:]) if _is_about_the_plate(told[0]) else ((_PLATE,), told)
    return (*plate, *WHYS[ground].first, *rest, _LEAVE)


def _is_about_the_plate(step: Step) -> bool:
    """Families whose steps begin with the serial number need not be asked for it twice."""
    return "serial" in step.text.lower()


def side_words(direction: Direction) -> tuple[str, str]:
    """Which backend the station shall be on in the end, and which it leaves."""
    return ("new", "old") if direction is Direction.FORWARD else ("old", "new")


def told_plainly(event: Event, direction: Direction, *, known: str = "") -> str:
    """One event of the station's story as somebody outside the desk understands it; a reason already ``known`` is not repeated."""
    data = redact_document(event.data, keep=event.identity)
    if event.kind is EventKind.MOVED and data.get("to") in set(State):
        why = f" ({data['reason']})" if data.get("reason") and event.data["reason"] != known else ""
        goal, origin = side_words(direction)
        sentence = STATES[State(data["to"])].sentence
        return (
            sentence.replace("the source", f"the {origin} backend").replace("the target", f"the {goal} backend") + why
        )
    if event.kind is EventKind.ANSWER:
        text = f": {data['text']}" if data.get("text") and event.data["text"] != known else ""
        return (
            f"To {data.get('action', 'a command')} {data.get('key') or ''}".rstrip()
            + f" it answered {data.get('status', '?')}{text}"
        )
    if event.kind is EventKind.RESOLVED:
        return f"{data.get('by', 'A person')} said: {data.get('as', '?')} ({data.get('reason', '')})"
    return summarise(event, event.identity)
