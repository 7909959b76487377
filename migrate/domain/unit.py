"""The unit: the writes of one station that succeed or are undone together.

Fills a profile's templates for one station, judges what a read-back shows, and
says which writes put the old values back.  It sends nothing: snapshots come
in, writes go out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from string import Template

from migrate.domain.address import Backend
from migrate.domain.errors import Mismatch, ProfileProblem
from migrate.domain.profile import Profile, Readback, Write


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedWrite:
    """One write with its value filled in, and the value it replaces (``None``: the station hides or lacks it)."""

    key: str
    new: str
    old: str | None
    readback: Readback = Readback.EXACT


def prepare(
    profile: Profile, backend: Backend, identity: str, snapshot: Mapping[str, str | None]
) -> tuple[PreparedWrite, ...]:
    """The unit of writes that moves one station, in order, the URL last.

    ``snapshot`` is what the station holds now.  Raises ``Mismatch`` when the
    station lacks a key the profile needs, names its slots differently, or
    shows that it finds its backend by some other setting; ``ProfileProblem``
    when a value does not fit the protocol.  An identity that cannot be
    printed is never put into a value.
    """
    if not identity.isprintable():
        raise Mismatch(
            f"{identity!r} holds control characters: it is put into no value.",
            identity=identity,
            hint="Mend the identity in the inventory.",
        )
    names = _names(profile, backend, identity, snapshot)
    unit = tuple(_filled(profile, write, names, snapshot) for write in profile.writes)
    if unit and unit[-1].old == "":
        raise Mismatch(
            f"{identity} holds nothing in {unit[-1].key}: it finds its backend by another setting.",
            identity=identity,
            hint=f"Profile {profile.name} would change nothing; probe the station before planning it again.",
        )
    return unit


def visit_steps(profile: Profile, backend: Backend, identity: str) -> tuple[str, ...]:
    """What the crew does at one station, with the address and identity to enter written out."""
    shown = identity if identity.isprintable() else repr(identity)
    names = _named(profile, backend, shown)
    return tuple(Template(step).safe_substitute(names) for step in profile.visit)


_MASK = re.compile(r"[*•●xX#]{3,}|Dummy\w*")


def is_mask(value: str | None) -> bool:
    """Whether a value read is a stand-in for one that the station does not show.

    Seen: rows of asterisks, and libocpp's literal ``DummyAuthorizationKey``.
    """
    return value is not None and _MASK.fullmatch(value.strip()) is not None


def _filled(
    profile: Profile, write: Write, names: Mapping[str, str], snapshot: Mapping[str, str | None]
) -> PreparedWrite:
    key = _known_key(profile, write, names, snapshot)
    value = Template(write.value).substitute(names)
    if write.within:
        value = _replaced(key, write.within, value, snapshot[key], identity=names["identity"])
    if len(value) > profile.max_value_length:
        raise ProfileProblem(
            f"The value for {key} is {len(value)} characters, {profile.name} allows {profile.max_value_length}.",
            hint="Shorten the target URL.",
        )
    if write.readback is Readback.EXACT and is_mask(snapshot[key]):
        raise Mismatch(
            f"{names['identity']} hides the value of {key}: what it holds could be neither proven nor put back.",
            identity=names["identity"],
            hint="Move it by a visit, or by a profile of its own whose read-back is declared masked.",
        )
    old = snapshot[key] if write.readback is Readback.EXACT else None  # a mask is no value to put back
    return PreparedWrite(key=key, new=value, old=old, readback=write.readback)


def _known_key(profile: Profile, write: Write, names: Mapping[str, str], snapshot: Mapping[str, str | None]) -> str:
    candidates = [Template(name).substitute(names) for name in write.names]
    known = [key for key in candidates if key in snapshot]
    if len(known) != 1:
        said = "does not know the key" if not known else "knows more than one of"
        raise Mismatch(
            f"{names['identity']} {said} {' or '.join(candidates)} of profile {profile.name}.",
            identity=names["identity"],
            hint="Its firmware or build differs; probe it before planning.",
        )
    return known[0]


def _replaced(key: str, within: str, value: str, held_now: str | None, *, identity: str) -> str:
    """A packed value with one of its fields replaced, everything else as the station holds it."""
    pattern = rf"(?<!\w){re.escape(within)}{{[^{{}}]*}}"
    packed, fields = re.subn(pattern, lambda _: f"{within}{{{value}}}", held_now or "")
    if fields != 1 or "{" in value or "}" in value:
        raise Mismatch(
            f"{identity} holds {key} in a form in which {within}{{…}} cannot be replaced.",
            identity=identity,
            hint="Read the key on the station and compare it with the profile.",
        )
    return packed


def _names(profile: Profile, backend: Backend, identity: str, snapshot: Mapping[str, str | None]) -> dict[str, str]:
    active, free = _slots(profile, identity, snapshot)
    return {**_named(profile, backend, identity), "free_slot": free, "active_slot": active}


def _named(profile: Profile, backend: Backend, identity: str) -> dict[str, str]:
    return {
        "url": backend.url(profile.slash),
        "full_url": backend.url_of(identity),
        "origin": backend.origin,
        "scheme": backend.scheme,
        "host": backend.host,
        "port": str(backend.effective_port),
        "path": backend.path_with(profile.slash),
        "tls": "true" if backend.is_tls else "false",
        "identity": identity,
    }


def _slots(profile: Profile, identity: str, snapshot: Mapping[str, str | None]) -> tuple[str, str]:
    if profile.slots is None:
        return "", ""
    order = [part.strip() for part in (snapshot.get(profile.slots.priority_key) or "").split(profile.slots.separator)]
    active = order[0] if order else ""
    if active not in profile.slots.keys:
        raise Mismatch(
            f"{identity} reports {profile.slots.priority_key} = {order!r}, which names none of its slots.",
            identity=identity,
            hint="Look at the station before it is planned again.",
        )
    return active, next(key for key in profile.slots.keys if key != active)


class Held(StrEnum):
    """What a station holds of a unit of writes."""

    NEW = "new"  # every value is the new one
    OLD = "old"  # every value is the one before
    PARTLY = "partly"
    UNKNOWN = "unknown"  # a key could not be read


def held(unit: Sequence[PreparedWrite], now: Mapping[str, str | None]) -> Held:
    """Judge a read-back.  Keys that mask their value say nothing; a unit of only such keys is unknown.

    Comparison is exact: a truncated or normalised value is not the value that was sent.
    """
    telling = [write for write in unit if write.readback is Readback.EXACT]
    if not telling or any(now.get(write.key) is None for write in telling):
        return Held.UNKNOWN
    if all(now[write.key] == write.new for write in telling):
        return Held.NEW
    if all(now[write.key] == write.old for write in telling):
        return Held.OLD
    return Held.PARTLY


def undo(unit: Sequence[PreparedWrite], now: Mapping[str, str | None]) -> tuple[PreparedWrite, ...]:
    """The writes that put the old values back: only what differs, last written first.

    A key whose old value is unknown cannot be put back and is left out; the
    caller sees it as a read-back that stays wrong.
    """
    differing = [w for w in unit if w.old is not None and w.old != w.new and now.get(w.key) != w.old]
    return tuple(PreparedWrite(key=w.key, new=w.old or "", old=w.new, readback=w.readback) for w in reversed(differing))
