"""The unit: the writes of one station that succeed or are undone together.

Judges what a read-back shows, and says which writes put the old values back.
It sends nothing and fills in nothing (``filling`` does): snapshots come in,
writes go out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from migrate.domain.profile import Profile, Readback
from migrate.domain.ways import Encoding, Way


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedWrite:
    """One write with its value filled in, and the value it replaces (``None``: the station hides or lacks it).

    Where ``secret`` is set, ``new`` says only that it is one: the value is taken
    from the vault, in its ``encoding``, at the moment it is sent.
    """

    key: str
    new: str
    old: str | None
    readback: Readback = Readback.EXACT
    via: Way = Way.OCPP
    stays: bool = False
    secret: str = ""
    encoding: Encoding = Encoding.PLAIN


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
    unit = [write for write in changed if write.key not in slots and not write.stays]
    if any(write.old is None or write.key not in now for write in unit):
        return ()
    return tuple(replace(write, new=write.old or "", old=now[write.key]) for write in unit)


_MASK = re.compile(r"[*•●xX#]{3,}|Dummy\w*")


def is_mask(value: str | None) -> bool:
    """Whether a value read is a stand-in for one that the station does not show.

    Seen: rows of asterisks, and libocpp's literal ``DummyAuthorizationKey``.
    """
    return value is not None and _MASK.fullmatch(value.strip()) is not None


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
    telling = [write for write in unit if write.readback is Readback.EXACT and not write.secret]
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
    caller sees it as a read-back that stays wrong.  What stays is not undone.
    """
    changed = [w for w in unit if w.old is not None and w.old != w.new and not w.stays]
    differing = [w for w in changed if now.get(w.key) != w.old or w.key in doubtful]
    return tuple(replace(w, new=w.old or "", old=w.new) for w in reversed(differing))
