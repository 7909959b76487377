"""The laws a profile keeps, beyond having the right keys.

A profile can be well-formed and still strand a station: the URL written before
the port, a slot overwritten that was the way back, a promise of return that
nothing keeps.  Each law here is one function over a finished ``Profile``; it
opens no file and mends nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from string import Template

from migrate.domain.profile import (
    TEMPLATE_NAMES,
    Method,
    Profile,
    Proof,
    Restart,
    Rollback,
    TurningPoint,
)
from migrate.domain.version import is_readable_version, version_key

BUILT = frozenset({Method.CHANGE_CONFIGURATION, Method.VISIT})
"""The methods this release can carry out; the others are named in the domain and refused here."""

MAX_KEY = 50  # OCPP 1.6 edition 2, 7.29: CiString50Type
MAX_VALUE = 500  # OCPP 1.6 edition 2, 6.7: CiString500Type

_CARRIERS = frozenset({"url", "full_url", "origin", "host"})
_SLOT_NAMES = frozenset({"free_slot", "active_slot"})
_OCPP_VERSIONS = frozenset({"1.5", "1.6", "2.0.1", "2.1", "*"})
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_SECRET = re.compile(r"authorizationkey|password|passphrase|secret|pin$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Breach:
    """A law that a profile breaks; ``at`` is the place inside the profile, as in ``writes[1].key``."""

    at: str
    message: str
    hint: str = ""


def breaches(profile: Profile) -> tuple[Breach, ...]:
    """Every law that a profile breaks, in the order of the laws."""
    return tuple(breach for law in LAWS for breach in law(profile))


def _has_a_usable_name(profile: Profile) -> Iterator[Breach]:
    if not _NAME.fullmatch(profile.name) or len(profile.name) > 60:
        yield Breach("name", f"The name {profile.name!r} cannot stand in commands.", "Use a-z, digits and _.")


def _selects_with_care(profile: Profile) -> Iterator[Breach]:
    selector = profile.selector
    for i, glob in enumerate(selector.vendors):
        if not glob.replace("*", "").replace("?", "").strip():
            yield Breach(f"selector.vendors[{i}]", f"{glob!r} fits every vendor.", "Name the vendor.")
    for what, globs in (("vendors", selector.vendors), ("models", selector.models)):
        if not globs:
            yield Breach(f"selector.{what}", f"No {what} are named.", "Leave the key out, or name some.")
        for i, glob in enumerate(globs):
            if len(glob) > 100 or glob.count("*") > 3:
                yield Breach(f"selector.{what}[{i}]", "A glob has at most 100 characters and 3 asterisks.")
    for i, version in enumerate(selector.ocpp_versions):
        if version not in _OCPP_VERSIONS:
            yield Breach(f"selector.ocpp_versions[{i}]", f"{version!r} is no OCPP version.", 'Write "1.6" or "*".')


def _bounds_are_versions(profile: Profile) -> Iterator[Breach]:
    at_least, below = profile.selector.firmware.at_least, profile.selector.firmware.below
    for name, bound in (("at_least", at_least), ("below", below)):
        if bound and not is_readable_version(bound):
            yield Breach(f"selector.firmware.{name}", f"{bound!r} is no version that can be compared.")
    if at_least and below and version_key(at_least) >= version_key(below):
        yield Breach("selector.firmware", f"No version is {profile.selector.firmware}.", "Swap the bounds.")


def _uses_a_built_method(profile: Profile) -> Iterator[Breach]:
    if profile.method not in BUILT:
        yield Breach(
            "method",
            f"The method {profile.method} is not built yet.",
            "Use visit for now, and name the other route in the notes.",
        )


def _a_visit_is_a_visit(profile: Profile) -> Iterator[Breach]:
    if profile.method is not Method.VISIT:
        return
    if profile.writes or profile.slots:
        yield Breach("writes", "A visit writes nothing from afar.", "Move what the crew enters into visit.")
    if not profile.visit:
        yield Breach("visit", "A visit without steps leaves the crew guessing.", "Say what the crew does.")
    if not profile.rollback.is_one_way:
        yield Breach("rollback", f"A visit is not undone by {profile.rollback}.", "Use visit or impossible.")
    if profile.turning_point is not TurningPoint.VISIT:
        yield Breach("turning_point", "The turning point of a visit is the visit.")


def _turning_point_fits(profile: Profile) -> Iterator[Breach]:
    if profile.method is Method.VISIT:
        return
    at_once = profile.restart is Restart.NONE
    if profile.turning_point is TurningPoint.VISIT:
        yield Breach("turning_point", "Nobody visits this station: say write or restart.")
    if at_once and profile.turning_point is TurningPoint.RESTART:
        yield Breach("turning_point", "Without a restart the write itself is the turning point.")
    if profile.rollback is Rollback.BEFORE_RESTART and profile.turning_point is not TurningPoint.RESTART:
        yield Breach("rollback", "before_restart needs a restart as the turning point.")


def _rollback_is_kept(profile: Profile) -> Iterator[Breach]:
    if profile.rollback is Rollback.AUTOMATIC and not profile.quirks.falls_back:
        yield Breach("rollback", "automatic promises a return that nothing keeps.", "Set quirks.falls_back, or remote.")
    if profile.method is not Method.VISIT and profile.rollback.is_one_way and not profile.notes:
        yield Breach("rollback", f"{profile.rollback} is one-way: a note says why.", "Add it to notes.")


def _writes_something(profile: Profile) -> Iterator[Breach]:
    if profile.method is not Method.VISIT and not profile.writes:
        yield Breach("writes", "There is nothing to write.", "Name the key that carries the URL.")
    seen: set[str] = set()
    for i, write in enumerate(profile.writes):
        if again := seen.intersection(write.names):
            yield Breach(f"writes[{i}].key", f"{min(again)} is written twice.")
        seen.update(write.names)


def _templates_are_known(profile: Profile) -> Iterator[Breach]:
    for i, write in enumerate(profile.writes):
        for part, text in (("key", write.key), ("value", write.value)):
            yield from _judge_template(f"writes[{i}].{part}", text, has_slots=profile.slots is not None)
    for i, step in enumerate(profile.visit):
        yield from _judge_template(f"visit[{i}]", step, has_slots=False)


def _judge_template(at: str, text: str, *, has_slots: bool) -> Iterator[Breach]:
    if "{{" in text or "{%" in text:
        yield Breach(at, "Template code is not run here.", "Only ${name} is filled in.")
    elif not Template(text).is_valid():
        yield Breach(at, "A $ stands alone.", "Write ${name}, or $$ for a dollar sign.")
    else:
        names = set(Template(text).get_identifiers())
        for name in sorted(names - TEMPLATE_NAMES):
            yield Breach(at, f"${{{name}}} is unknown.", f"Known are {', '.join(sorted(TEMPLATE_NAMES))}.")
        if not has_slots and names & _SLOT_NAMES:
            yield Breach(at, f"${{{min(names & _SLOT_NAMES)}}} needs slots.", "Declare the slots of this family.")


def _keys_fit_the_protocol(profile: Profile) -> Iterator[Breach]:
    for at, key in _named_keys(profile):
        if len(key) > MAX_KEY:
            yield Breach(at, f"{key:.20}… has {len(key)} characters, OCPP allows {MAX_KEY}.")
        if not key or not key.isascii() or not key.isprintable() or " " in key:
            yield Breach(at, f"{key!r} is no key: it holds blanks or letters outside ASCII.")
        if _SECRET.search(key):
            yield Breach(at, f"{key} holds a secret, and profiles hold none.", "Leave it as the station has it.")
    if not 1 <= profile.max_value_length <= MAX_VALUE:
        yield Breach("max_value_length", f"A value has 1 to {MAX_VALUE} characters.")


def _named_keys(profile: Profile) -> Iterator[tuple[str, str]]:
    for i, write in enumerate(profile.writes):
        if write.key != "${free_slot}":
            yield f"writes[{i}].key", write.key
        for j, name in enumerate(write.also_named):
            yield f"writes[{i}].also_named[{j}]", name
    if profile.slots:
        yield from ((f"slots.keys[{i}]", key) for i, key in enumerate(profile.slots.keys))
        yield "slots.priority_key", profile.slots.priority_key


def _keys_are_read_before(profile: Profile) -> Iterator[Breach]:
    """A value that was not read cannot be put back."""
    for i, write in enumerate(profile.writes):
        if "$" in write.key and write.key != "${free_slot}":
            yield Breach(
                f"writes[{i}].key", "Only ${free_slot} may stand for a key.", "The active slot is the way back."
            )
        elif any("$" in name for name in write.also_named):
            yield Breach(f"writes[{i}].also_named", "Another name is a plain key.")
        elif write.key != "${free_slot}" and write.key not in profile.reads:
            yield Breach(f"writes[{i}].key", f"{write.key} is written but not read before.")
        if write.only_with and write.only_with not in profile.reads:
            yield Breach(f"writes[{i}].only_with", f"{write.only_with} is none of the keys that are read.")
        if write.within and not re.fullmatch(r"\w+", write.within, re.ASCII):
            yield Breach(f"writes[{i}].within", "A field of a packed value is one word.")


def _url_goes_last(profile: Profile) -> Iterator[Breach]:
    """Until the URL is written the station still lives where it was, whatever else was refused."""
    if not profile.writes or profile.slots:
        return
    carries = [bool(_CARRIERS & _names(write.value)) for write in profile.writes]
    if not any(carries):
        yield Breach(
            "writes", "No write carries the URL.", "One value names ${url}, ${full_url}, ${origin} or ${host}."
        )
    elif not all(carries[carries.index(True) :]):
        late = max(i for i, carrier in enumerate(carries) if not carrier)
        yield Breach(f"writes[{late}]", "This is written after the URL.", "Move the URL to the end.")


def _slots_keep_the_way_back(profile: Profile) -> Iterator[Breach]:
    """With slots the priority goes last, and the slot in use is never overwritten."""
    slots = profile.slots
    if slots is None:
        return
    if len(set(slots.keys)) < 2 or len(set(slots.keys)) != len(slots.keys):
        yield Breach("slots.keys", "Slots are at least two different keys.")
    if not slots.separator.strip():
        yield Breach("slots.separator", "The separator of the priority is missing.")
    if not profile.writes:
        return
    last = profile.writes[-1]
    if last.key != slots.priority_key or not last.value.startswith("${free_slot}"):
        yield Breach(
            f"writes[{len(profile.writes) - 1}]", "With slots the priority goes last, the new slot in front.",
            f"End with {slots.priority_key}: ${{free_slot}}{slots.separator}${{active_slot}}.",
        )  # fmt: skip
    if not any(write.key == "${free_slot}" and _CARRIERS & _names(write.value) for write in profile.writes):
        yield Breach("writes", "No write puts the URL into the free slot.", "Write ${url} to ${free_slot}.")
    for i, write in enumerate(profile.writes):
        if write.key in slots.keys:
            yield Breach(f"writes[{i}].key", f"{write.key} may be the slot in use.", "Write to ${free_slot}.")


def _is_proven_as_it_says(profile: Profile) -> Iterator[Breach]:
    if profile.proof is Proof.DOCUMENTED and not profile.sources:
        yield Breach("sources", "documented means that a source can be named.", "Name it.")
    if profile.proof is not Proof.DOCUMENTED and not profile.evidence:
        yield Breach("proof.evidence", f"{profile.proof} is earned by evidence.", "Name the transcript or report.")


def _names(template: str) -> set[str]:
    return set(Template(template).get_identifiers()) if Template(template).is_valid() else set()


LAWS: tuple[Callable[[Profile], Iterable[Breach]], ...] = (
    _has_a_usable_name,
    _selects_with_care,
    _bounds_are_versions,
    _uses_a_built_method,
    _a_visit_is_a_visit,
    _turning_point_fits,
    _rollback_is_kept,
    _writes_something,
    _templates_are_known,
    _keys_fit_the_protocol,
    _keys_are_read_before,
    _url_goes_last,
    _slots_keep_the_way_back,
    _is_proven_as_it_says,
)
