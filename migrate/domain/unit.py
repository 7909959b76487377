"""The unit: the writes of one station that succeed or are undone together.

Fills a profile's templates for one station, judges what a read-back shows, and
says which writes put the old values back.  It sends nothing: snapshots come
in, writes go out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from string import Template
from urllib.parse import unquote

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
    wanted = [write for write in profile.writes if not write.only_with or snapshot.get(write.only_with)]
    unit = tuple(_filled(profile, write, names, snapshot) for write in wanted)
    if profile.writes and (not unit or unit[-1].old == ""):
        keys = unit[-1].key if unit else " or ".join(dict.fromkeys(write.only_with for write in profile.writes))
        raise Mismatch(
            f"{identity} holds nothing in {keys}: it finds its backend by another setting.",
            identity=identity,
            hint=f"Profile {profile.name} would change nothing; probe the station before planning it again.",
        )
    return unit


def taken_back(
    profile: Profile, changed: Sequence[PreparedWrite], now: Mapping[str, str | None]
) -> tuple[PreparedWrite, ...]:
    """The unit that takes a station back: what it held before ``changed`` was written, in the same order.

    Its own old values, and not those that a profile would fill in: a legacy
    URL may hold a token of this station alone.  The slot in use is never
    written, so of a station with slots only their order is put back.  Nothing,
    where an old value was never seen or the station shows a key no more: then
    a profile has to say what the source is called.
    """
    slots = profile.slots.keys if profile.slots else ()
    unit = [write for write in changed if write.key not in slots]
    if any(write.old is None or write.key not in now for write in unit):
        return ()
    return tuple(replace(write, new=write.old or "", old=now[write.key]) for write in unit)


def unfit(profile: Profile, backend: Backend, identity: str) -> str:
    """Why an address can never be written to a station of this family, whatever it holds; empty where it can.

    What ``prepare`` would refuse one station at a time in the night is known
    when the plan is made.
    """
    names = {**_named(profile, backend, identity), "free_slot": "", "active_slot": ""}
    for write in profile.writes:
        length = len(Template(write.value).substitute(names))
        if length > profile.max_value_length:
            return f"{write.key} would hold {length} characters, {profile.name} allows {profile.max_value_length}"
    return ""


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
    if write.keeps_form:
        _judge_form(profile, key, value, snapshot[key], names["identity"])
    old = snapshot[key] if write.readback is Readback.EXACT else None  # a mask is no value to put back
    return PreparedWrite(key=key, new=value, old=old, readback=write.readback)


def _judge_form(profile: Profile, key: str, value: str, held_now: str | None, identity: str) -> None:
    """A base address where the station wants its identity in it, or the reverse, strands it: nobody dials what is left."""
    if held_now and ends_with(held_now, identity) is not ends_with(value, identity):
        has = "holds its identity" if ends_with(held_now, identity) else "does not hold its identity"
        raise Mismatch(
            f"{identity} {has} at the end of {key}, and profile {profile.name} expects otherwise.",
            identity=identity,
            hint="Its firmware or build differs; read the key on the station before planning it again.",
        )


def ends_with(address: str, identity: str) -> bool:
    """Whether the last segment of an address is this identity, percent-encoded or not.

    >>> ends_with("wss://csms.example/ocpp/AC%201", "AC 1"), ends_with("wss://csms.example/ocpp/", "AC 1")
    (True, False)
    """
    return unquote(address.rstrip("/").rpartition("/")[2]).casefold() == identity.casefold()


def _known_key(profile: Profile, write: Write, names: Mapping[str, str], snapshot: Mapping[str, str | None]) -> str:
    candidates = [Template(name).substitute(names) for name in write.names]
    known = [key for key in candidates if key in snapshot]
    if len(known) != 1:
        said = "does not know the key" if not known else "knows more than one of"
        raise Mismatch(
            f"{names['identity']} {said} {' or '.join(candidates)} of profile {profile.name}.",
            identity=names["identity"],
            hint="Its firmware or build is not the profile's: `migrate station` shows what it answered.",
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


def undo(
    unit: Sequence[PreparedWrite], now: Mapping[str, str | None], doubtful: Collection[str] = ()
) -> tuple[PreparedWrite, ...]:
    """The writes that put the old values back: only what differs or is ``doubtful``, last written first.

    A key whose old value is unknown cannot be put back and is left out; the
    caller sees it as a read-back that stays wrong.
    """
    changed = [w for w in unit if w.old is not None and w.old != w.new]
    differing = [w for w in changed if now.get(w.key) != w.old or w.key in doubtful]
    return tuple(PreparedWrite(key=w.key, new=w.old or "", old=w.new, readback=w.readback) for w in reversed(differing))
