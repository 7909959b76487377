"""A profile proposed from what one station showed: never more than it showed.

The address has to stand in a key that the station does not call read-only, in
a form that is known; otherwise the proposal is a visit that says what was
found.  What a probe cannot see (whether a write is taken, whether a restart
puts it in use, what brings the station back) becomes a note, and the proof is
*documented*: one station answered, nothing was moved.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from migrate.domain.address import Backend, Slash
from migrate.domain.answered import Entry, Taken
from migrate.domain.counted import counted
from migrate.domain.probe import Picture, Place
from migrate.domain.profile import (
    Method,
    Profile,
    Proof,
    Quirks,
    Restart,
    Rollback,
    Selector,
    Slots,
    TurningPoint,
    Write,
)
from migrate.domain.proposal201 import slot_writes, slots_of
from migrate.domain.spelling import Form, is_path
from migrate.domain.version import FirmwareRange, is_readable_version

BOOT = "BootNotification"


@dataclass(frozen=True, slots=True)
class Found:
    """The writes that would move the station, or why there are none; ``notes`` say what stays unknown of them."""

    writes: tuple[Write, ...] = ()
    slash: Slash = Slash.FORBID
    slots: Slots | None = None
    why_not: str = ""
    notes: tuple[str, ...] = ()


def proposed(picture: Picture, source: Backend) -> Profile | None:
    """The profile that this probe speaks for; nothing where the station never said who made it.

    ``source`` is the address that it dials today.
    """
    if not picture.heard.facts.vendor.strip():
        return None
    found = _found(picture, source)
    if found.why_not:
        return by_hand(picture, found.why_not)
    base = _base(picture)
    return replace(
        base,
        method=Method.NETWORK_PROFILE if picture.heard.protocol.startswith("ocpp2") else Method.CHANGE_CONFIGURATION,
        rollback=Rollback.REMOTE,
        turning_point=TurningPoint.RESTART,
        writes=found.writes,
        slash=found.slash,
        slots=found.slots,
        restart=Restart.SOFT,
        notes=(*found.notes, *_UNKNOWN_OF_WRITES, *base.notes),
    )


def by_hand(picture: Picture, why: str) -> Profile:
    """A visit, with the reason for which it is one."""
    base = _base(picture)
    return replace(base, visit=_VISIT, notes=(why, *base.notes))


_VISIT = (
    "Compare the serial number on the plate with this order and photograph the settings as they are.",
    "Enter the backend address ${url}; the identity stays ${identity}.",
    "Restart the station and wait until this order shows it where it belongs.",
)
_UNKNOWN_OF_WRITES = (
    "Unknown: whether a write of these keys is accepted, and when it is used; the probe wrote nothing.",
    "Unknown: the way back. Remote means that the new CSMS writes the old values; try it on a bench.",
)


# ── what would be written ──────────────────────────────────────────────────


def _found(picture: Picture, source: Backend) -> Found:
    places = picture.known_places
    if picture.heard.protocol.startswith("ocpp2"):
        return _of_ocpp_2(picture, source)
    if not places:
        return Found(why_not=_nothing_found(picture))
    if picture.slots is not None and any(place.key in picture.slots.keys for place in places):
        return _into_a_slot(picture, places)
    if locked := [place.key for place in places if place.readonly]:
        return Found(why_not=f"{_and(locked)} holds the backend's address and is read-only on this station.")
    whole = [p for p in places if p.spelt.form in (Form.URL, Form.FULL_URL, Form.NO_SCHEME)]
    if whole:
        return _whole_addresses(whole)
    return _in_parts(picture, places, source)


def _nothing_found(picture: Picture) -> str:
    if vague := [place.key for place in picture.places]:
        return f"{_and(vague)} holds the backend's host, in a form that is not known: look at it on the station."
    if picture.heard.all_at_once is not Taken.ANSWERED:
        return "No key that was asked for by name holds the backend's address, and the station lists none by itself."
    return "None of the keys that the station shows holds the backend's address."


def _of_ocpp_2(picture: Picture, source: Backend) -> Found:
    """Its free network profile; where none is shown, a variable of its own that holds the whole address."""
    slots = slots_of(picture)
    writes, found, why_not = slot_writes(picture, slots, source) if slots else ((), None, _nothing_found(picture))
    if found is not None:
        return Found(writes=writes, slash=found.slash, slots=slots, notes=_OF_SLOTS)
    own = [p for p in picture.known_places if not p.key.startswith("NetworkConfiguration[")]
    whole = [place for place in own if place.spelt.form in (Form.URL, Form.FULL_URL)]
    if not whole:
        return Found(why_not=why_not)
    if locked := [place.key for place in whole if place.readonly]:
        return Found(why_not=f"{_and(locked)} holds the backend's address and is read-only on this station.")
    plain = _whole_addresses(whole)
    return replace(
        plain, notes=(*plain.notes, "A variable of its maker holds the address; it showed no slot of its own.")
    )


_OF_SLOTS = (
    "Unknown: whether it returns to its other slot by itself; then rollback is automatic and falls_back is true.",
    "Unknown: whether it takes the free slot; a refusal leaves it as it is.",
    "Keep the security profile that it has: a higher one deletes the slot of the source (A05).",
)


def _into_a_slot(picture: Picture, places: tuple[Place, ...]) -> Found:
    slots = picture.slots
    assert slots is not None
    used = next(place for place in places if place.key in slots.keys)
    if locked := [e.key for e in picture.entries if e.readonly and e.key in (*slots.keys, slots.priority_key)]:
        return Found(why_not=f"{_and(locked)} belongs to the station's slots and is read-only.")
    sep = slots.separator
    writes = (
        Write(key="${free_slot}", value=used.spelt.form.template, within=used.spelt.field),
        Write(key=slots.priority_key, value=f"${{free_slot}}{sep}${{active_slot}}"),
    )
    if used.spelt.field:
        return Found(why_not=f"{used.key} is a slot that holds a packed value: an empty slot has nothing to replace.")
    note = "Unknown: whether it returns to its other slot by itself; then rollback is automatic and falls_back is true."
    return Found(writes=writes, slash=used.spelt.slash, slots=slots, notes=(note,))


def _whole_addresses(places: list[Place]) -> Found:
    if len({place.spelt.slash for place in places}) > 1:
        return Found(why_not=f"{_and([p.key for p in places])} hold the address, with and without a slash at its end.")
    writes = tuple(
        Write(
            key=place.key,
            value=place.spelt.form.template,
            within=place.spelt.field,
            keeps_form=not place.spelt.field and place.spelt.form is not Form.NO_SCHEME,
        )
        for place in places
    )
    notes = [f"{p.key} spells the address otherwise than the settings (case, default port)." for p in places
             if not p.spelt.is_exact]  # fmt: skip
    if len(places) > 1:
        notes.append("Several keys hold the address; which of them is dialled is not shown. All are written.")
    return Found(writes=writes, slash=places[0].spelt.slash, notes=tuple(notes))


def _in_parts(picture: Picture, places: tuple[Place, ...], source: Backend) -> Found:
    """Origin or host in one key, the rest of the address in others: each of them has to be found, and only once."""
    if len(places) != 1:
        return Found(why_not=f"{_and([p.key for p in places])} each hold a part of the address: which is used is open.")
    head = places[0]
    writes: list[Write] = []
    slash = Slash.FORBID
    for part, candidates in _parts(picture, head, source):
        if len(candidates) != 1:
            said = "no key" if not candidates else _and([entry.key for entry in candidates])
            return Found(why_not=f"{head.key} holds a part of the address; its {part} may be in {said}: not clear.")
        entry = candidates[0]
        if entry.readonly:
            return Found(why_not=f"{entry.key} holds the {part} of the address and is read-only on this station.")
        slash = (is_path(entry.value or "", source) or slash) if part == "path" else slash
        writes.append(Write(key=entry.key, value=f"${{{part}}}"))
    writes.append(Write(key=head.key, value=head.spelt.form.template))
    notes = tuple(_of_tls(picture)) if head.spelt.form is Form.HOST else ()
    return Found(writes=tuple(writes), slash=slash, notes=notes)


def _parts(picture: Picture, head: Place, source: Backend) -> Iterator[tuple[str, list[Entry]]]:
    others = [entry for entry in picture.heard.entries if entry.key != head.key]
    if source.path.strip("/"):
        yield "path", [e for e in others if e.value and is_path(e.value, source)]
    if head.spelt.form is Form.HOST:
        port = str(source.effective_port)
        yield "port", [e for e in others if e.value == port and "port" in e.key.casefold()]


def _of_tls(picture: Picture) -> Iterator[str]:
    """What may switch TLS on is named, never written: only the scheme that it has now is safe."""
    switches = [e.key for e in picture.heard.entries if e.value and e.value.casefold() in ("true", "false")]
    likely = [key for key in switches if re.search(r"tls|ssl|secure", key, re.IGNORECASE)]
    yield "Nothing here writes the scheme: for a change between ws and wss its key has to be added." + (
        f" {_and(likely)} may be it." if likely else ""
    )


def _and(keys: list[str]) -> str:
    return " and ".join(dict.fromkeys(keys))


# ── what is said of any probed station ─────────────────────────────────────


def _base(picture: Picture) -> Profile:
    heard, facts = picture.heard, picture.heard.facts
    version = "2.0.1" if heard.protocol == "ocpp2.0.1" else heard.protocol.removeprefix("ocpp") or "1.6"
    exact = is_readable_version(facts.firmware)
    witness = (
        f"probe of {heard.identity}, {heard.at:%Y-%m-%d %H:%M} UTC, OCPP {version}, "
        f"firmware {facts.firmware or 'not told'}, {counted(len(heard.entries), 'key')} shown"
    )
    return Profile(
        name=_slug(f"{facts.vendor} {facts.model}") + "_probed",
        title=" ".join(filter(None, (facts.vendor, facts.model, "as one station showed itself"))),
        selector=Selector(
            vendors=(facts.vendor.strip(),),
            models=(facts.model.strip() or "*",),
            firmware=FirmwareRange(at_least=facts.firmware.strip(), below=f"{facts.firmware.strip()}.0.0.1")
            if exact
            else FirmwareRange(),
            ocpp_versions=(version,),
        ),
        method=Method.VISIT,
        rollback=Rollback.VISIT,
        turning_point=TurningPoint.VISIT,
        proof=Proof.DOCUMENTED,
        quirks=_quirks(picture),
        evidence=tuple(_evidence(picture)),
        sources=(witness,),
        notes=tuple(_of_firmware(facts.firmware, exact=exact)),
    )


def _of_firmware(firmware: str, *, exact: bool) -> Iterator[str]:
    if exact:
        yield f"Only firmware {firmware} was looked at: widen the range when another one was."
    else:
        yield f"The firmware, {firmware or 'not told'}, cannot be compared: this fits any, though one was looked at."


def _evidence(picture: Picture) -> Iterator[str]:
    for place in picture.places:
        where = f"the field {place.spelt.field} of {place.key}" if place.spelt.field else place.key
        may = {True: "read-only", False: "not read-only", None: "not said whether read-only"}[place.readonly]
        yield f"{where} held the address that the station dials ({place.spelt.form.value}; {may})"
    for key in picture.identity_keys:
        yield f"{key} held the identity"


def _quirks(picture: Picture) -> Quirks:
    """What was measured; where nothing was, what the protocol leads one to expect."""
    heard = picture.heard
    asked, cut = heard.trigger(BOOT), heard.link_loss
    notes = []
    if heard.all_at_once in (Taken.UNANSWERED, Taken.REFUSED):
        notes.append(f"A GetConfiguration that names no key is {heard.all_at_once.value}.")
    if asked is None or asked.taken is Taken.NOT_ASKED:
        notes.append("Unknown: whether it boots when it is asked to.")
    if cut is None or cut.away_s is None:
        notes.append("Unknown: whether it boots after a lost line.")
    return Quirks(
        triggers_boot=asked.came if asked is not None and asked.taken is not Taken.NOT_ASKED else True,
        boots_on_reconnect=cut is not None and cut.boot_after_s is not None,
        max_keys=heard.max_keys,
        notes=tuple(notes),
    )


def _slug(text: str) -> str:
    words = re.findall(r"[a-z0-9]+", text.lower())
    slug = "_".join(words)[:50].rstrip("_") or "unnamed"
    return slug if slug[0].isalpha() else f"maker_{slug}"
