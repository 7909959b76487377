"""What a later import changes: who came, who went, and whose cells differ.

An operator's list lives on while the campaign runs.  Importing it again is
ordinary; what must not happen unseen is that it forgets or alters a station
that is under way.  Only values go in and out here; the journal keeps them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum

from migrate.domain.attempt import IN_FLIGHT, NEEDS_A_PERSON, State
from migrate.domain.counted import counted
from migrate.domain.finding import Finding, quoted
from migrate.domain.identity import skeleton
from migrate.domain.station import Station

FOR_PEOPLE = frozenset(
    """site_name address postcode city country latitude longitude last_seen_at notes
    contact_name contact_phone contact_email access""".split()  # noqa: SIM905 - names, as the contract lists them
)
"""Fields that nobody but a crew reads: no station is driven, paced or recognised by them."""

NOT_SHOWN = "(not shown)"
UNSHOWN = frozenset({"access"})
"""Fields whose text opens doors."""

_NAMES = tuple(field.name for field in fields(Station))


class Change(StrEnum):
    """What one import did to one station."""

    ADDED = "added"
    CHANGED = "changed"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field before and after, as text; blank where it had no value."""

    field: str
    before: str
    after: str

    def to_json(self) -> dict[str, str]:
        return {"field": self.field, "before": self.before, "after": self.after}


@dataclass(frozen=True, slots=True, kw_only=True)
class StationChange:
    """One station that both lists have, and every field in which they differ."""

    identity: str
    fields: tuple[FieldChange, ...]

    @property
    def matters(self) -> bool:
        """Whether anything differs by which the station is driven, paced or recognised."""
        return any(change.field not in FOR_PEOPLE for change in self.fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryChanges:
    """A list against the one before it.  Identities stand in the order of their lists."""

    added: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    changed: tuple[StationChange, ...] = ()
    unchanged: int = 0

    @property
    def is_first(self) -> bool:
        return not (self.gone or self.changed or self.unchanged)

    @property
    def is_empty(self) -> bool:
        return not (self.added or self.gone or self.changed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One import as the journal remembers it; the counts are ``None`` where it was made before they were kept."""

    number: int
    at: datetime
    files: tuple[str, ...]
    by: str
    stations: int
    added: int | None
    changed: int | None
    gone: int | None
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A station as one import left it; ``station`` is what it was until then where the import dropped it."""

    number: int
    change: Change
    station: Station


def compare(before: Iterable[Station], after: Iterable[Station]) -> InventoryChanges:
    """A new list against the old one, field by field.  The order of rows is no change."""
    old = {station.identity: station for station in before}
    new = {station.identity: station for station in after}
    changed = [differences(old[name], station) for name, station in new.items() if name in old and old[name] != station]
    return InventoryChanges(
        added=tuple(name for name in new if name not in old),
        gone=tuple(name for name in old if name not in new),
        changed=tuple(changed),
        unchanged=sum(name in old for name in new) - len(changed),
    )


def differences(before: Station, after: Station) -> StationChange:
    """Every field in which two versions of a station differ."""
    parted = [name for name in _NAMES if getattr(before, name) != getattr(after, name)]
    return StationChange(
        identity=after.identity,
        fields=tuple(
            FieldChange(field=name, before=_shown(before, name), after=_shown(after, name)) for name in parted
        ),
    )


def _shown(station: Station, name: str) -> str:
    value = getattr(station, name)
    text = "" if value is None else str(value)
    return NOT_SHOWN if text and name in UNSHOWN else text


def disturbing(changes: InventoryChanges, states: Mapping[str, State]) -> Iterator[tuple[str, Finding]]:
    """What a person should look at before the next plan, by identity; what concerns the whole list has none."""
    yield from _another_list(changes)
    yield from _renamed(changes)
    for identity in changes.gone:
        if where := _stands(states.get(identity)):
            message = f"{quoted(identity)} is not in the list any more, and {where}."
            hint = "A new plan leaves it to a person. Put it back into the list, or finish it first: `migrate explain`."
            yield identity, Finding("W-IMPORT-GONE", message, hint)
    for change in changes.changed:
        where = _stands(states.get(change.identity))
        if where and change.matters:
            named = ", ".join(f.field for f in change.fields if f.field not in FOR_PEOPLE)
            message = f"{quoted(change.identity)} has changed in {named}, and {where}."
            hint = "Whoever arrives is compared with the list as it is now. See that the list is right."
            yield change.identity, Finding("W-IMPORT-CHANGED", message, hint)


def _stands(state: State | None) -> str:
    """Where a station stands that a list should not forget; nothing for one that was never touched or has ended."""
    if state in (State.CONFIRMED, State.SETTLED):
        return f"has already moved ({state.value})"
    if state is not None and (state in IN_FLIGHT or state is State.VISITING):
        return f"is under way ({state.value})"
    if state is not None and state in NEEDS_A_PERSON:
        return f"waits for a person ({state.value})"
    return ""


def _renamed(changes: InventoryChanges) -> Iterator[tuple[str, Finding]]:
    """A station that went and one that came under the same look: most likely typed anew, and another one to a CSMS."""
    went = {skeleton(identity): identity for identity in changes.gone}
    for identity in changes.added:
        if was := went.get(skeleton(identity)):
            message = f"{quoted(identity)} is new and looks like {quoted(was)}, which is not in the list any more."
            hint = "To a CSMS they are two stations. Put the old spelling back unless the station itself was renamed."
            yield identity, Finding("W-IMPORT-RENAMED", message, hint)


def _another_list(changes: InventoryChanges) -> Iterator[tuple[str, Finding]]:
    """Most of the known stations missing: an extract, or the list of another campaign."""
    known = len(changes.gone) + len(changes.changed) + changes.unchanged
    if len(changes.gone) >= max(2, known / 2):
        message = (
            f"{len(changes.gone):,} of the {counted(known, 'station')} that the campaign knew are not in this list."
        )
        hint = "Is it an extract, or the list of another campaign? `migrate inventory history` shows the imports."
        yield "", Finding("W-IMPORT-OTHER", message, hint)
