"""Which slot a station dials, and which it may be told to dial next.

OCPP 2.0.1 keeps several addresses in numbered slots and dials them in an order
(B09); some 1.6 stations have two of their own.  A move fills a slot beside the
one in use, so that the old one stays as the way back.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from migrate.domain.errors import Mismatch
from migrate.domain.profile import Profile


def slots_of(profile: Profile, identity: str, snapshot: Mapping[str, str | None]) -> tuple[str, str]:
    """The slot in use and a free one, by their keys; both empty for a profile without slots.

    What the station says is in use counts before the order does.  Raises
    ``Mismatch`` when neither names one of its slots, or when none is free.
    """
    slots = profile.slots
    if slots is None:
        return "", ""
    keys = {slots.name_of(key): key for key in slots.keys}
    order = [part.strip() for part in (snapshot.get(slots.priority_key) or "").split(slots.separator)]
    active = (snapshot.get(slots.active_key) or "").strip() if slots.active_key else ""
    active = active or (order[0] if order else "")
    if active not in keys:
        raise Mismatch(
            f"{identity} reports {slots.priority_key} = {order!r}, which names none of its slots.",
            identity=identity,
            hint="Look at the station before it is planned again.",
        )
    return keys[active], _free_slot(
        profile, identity, keys[active], [keys[name] for name in order if name in keys], snapshot
    )


def _free_slot(
    profile: Profile, identity: str, active: str, ordered: Collection[str], snapshot: Mapping[str, str | None]
) -> str:
    """A slot that nobody dials.

    One that stands in the order behind the slot in use is a way back of its
    owner's: it is overwritten only if it can be put back, or if the station
    shows its slots and shows nothing in this one.
    """
    others = [key for key in profile.slots.keys if key != active] if profile.slots else []
    unused = [key for key in others if key not in ordered]
    if unused:
        return unused[0]
    is_left = any(write.key == "${free_slot}" and write.is_left for write in profile.writes)
    empty = [key for key in others if snapshot.get(key) is None and snapshot.get(active) is not None]
    if is_left and not empty:
        raise Mismatch(
            f"{identity} has no free slot: each of them stands in its order, and what it holds could not be put back.",
            identity=identity,
            hint="If the others are of no use, leave the slot in use alone in the order, and plan again.",
        )
    return empty[0] if is_left else others[0]
