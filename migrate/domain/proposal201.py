"""What would be written to a station of OCPP 2.0.1 or 2.1: its free network profile, as the one in use reads.

The version itself says how (2.0.1 part 2, B09 and B10): a slot that is not in
use, then the order, then a restart.  What it does not say, interface and
transport, is taken from the slot in use where the station shows it, and from
nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from migrate.domain.address import Backend
from migrate.domain.probe import Picture
from migrate.domain.profile import Readback, Slots, Write
from migrate.domain.spelling import Form, Spelt, spelt

ACTIVE_KEY = "OCPPCommCtrlr.ActiveNetworkProfile"


PRIORITY_KEY = "OCPPCommCtrlr.NetworkConfigurationPriority"


def slots_of(picture: Picture) -> Slots | None:
    """The slots in its order and, where that names one alone, the other of the first two: it has two at least (B09.FR.06)."""
    heard = picture.heard
    order = [name for part in (heard.value(PRIORITY_KEY) or "").split(",") if (name := part.strip()).isdigit()]
    names = tuple(dict.fromkeys((*order, "1", "2")))[: max(2, len(order))] if order else ()
    if not names:
        return None
    active = ACTIVE_KEY if heard.value(ACTIVE_KEY) else ""
    keys = tuple(f"NetworkProfile[{name}]" for name in names)
    return Slots(keys=keys, priority_key=PRIORITY_KEY, names=names, active_key=active)


def slot_in_use(picture: Picture, slots: Slots) -> str:
    """The key of the slot in use: by its own word, else the first in its order."""
    heard = picture.heard
    by_name = {slots.name_of(key): key for key in slots.keys}
    active = (heard.value(ACTIVE_KEY) or "").strip()
    first = (heard.value(slots.priority_key) or "").split(slots.separator)[0].strip()
    return by_name.get(active) or by_name.get(first, "")


def slot_writes(picture: Picture, slots: Slots, source: Backend) -> tuple[tuple[Write, ...], Spelt | None, str]:
    """The writes and how the address is spelt there; or the reason for which there are none."""
    if any(e.readonly for e in picture.heard.entries if e.key.casefold() == slots.priority_key.casefold()):
        return (
            (),
            None,
            f"{slots.priority_key} is read-only on this station: its order of slots cannot be turned round.",
        )
    used = slot_in_use(picture, slots)
    held = _object(picture.heard.value(used)) if used else {}
    if not held:
        return (), None, f"It does not show its network profiles: the interface of {used or 'the one in use'} is open."
    found = spelt(held.get("ocppCsmsUrl", ""), source, picture.heard.identity)
    if found is None or found.form not in (Form.URL, Form.FULL_URL):
        return (), None, f"{used} is in use and does not hold the backend's address in a form that is known."
    told = {"ocppCsmsUrl": found.form.template, "securityProfile": "${security_profile}"}
    fields = {name: told.get(name, value.replace("$", "$$")) for name, value in held.items()} | told
    sep = slots.separator
    return (
        (
            Write(key="${free_slot}", fields=fields, readback=Readback.MASKED, stays=True),
            Write(key=slots.priority_key, value=f"${{free_slot}}{sep}${{active_slot}}"),
        ),
        found,
        "",
    )


def _object(text: str | None) -> Mapping[str, str]:
    """A slot as the station shows it; only plain fields, of which a profile can say how they are written."""
    try:
        shown = json.loads(text or "")
    except ValueError:
        return {}
    if not isinstance(shown, dict):
        return {}
    return {str(name): str(value) for name, value in shown.items() if isinstance(value, str | int) and value != ""}
