"""Laws over stored backends: the slot in use is the way back, and nothing overwrites it."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.domain.profile import Method, Profile
from vendor_profiles.laws.breach import Breach, all_writes, carries_url, is_security


def _slots_keep_the_way_back(profile: Profile) -> Iterator[Breach]:
    """With slots the priority goes last, and the slot in use is never overwritten."""
    slots = profile.slots
    if slots is None:
        return
    if len(set(slots.keys)) < 2 or len(set(slots.keys)) != len(slots.keys):
        yield Breach("slots.keys", "Slots are at least two different keys.")
    if slots.names and (len(slots.names) != len(slots.keys) or len(set(slots.names)) != len(slots.names)):
        yield Breach("slots.names", "Each slot has a name of its own.", "Name as many as there are keys, or none.")
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
    if not any(write.key == "${free_slot}" and carries_url(write) for write in profile.writes):
        yield Breach("writes", "No write puts the URL into the free slot.", "Write ${url} to ${free_slot}.")
    for i, write in enumerate(profile.writes):
        if write.key in slots.keys:
            yield Breach(f"writes[{i}].key", f"{write.key} may be the slot in use.", "Write to ${free_slot}.")


def _slots_keep_their_security(profile: Profile) -> Iterator[Breach]:
    """A station that raises its security profile drops the slots below it, and with them its way back.

    OCPP 2.0.1, B09.FR.04 and A05: a slot of a lower security profile is refused or no longer used.
    """
    for i, write in enumerate(profile.writes):
        for name, text in (write.fields or {}).items():
            if is_security(name) and text != "${security_profile}":
                yield Breach(
                    f"writes[{i}].fields.{name}",
                    "The new slot has another security profile than the one in use.",
                    "Write ${security_profile}; a raise is a step of finish.",
                )
        if any(is_security(name) for name in (*write.names, write.within)):
            yield Breach(
                f"writes[{i}].key",
                "A move leaves the security profile as it is.",
                "A raise is one-way: put it into finish.raise_security.",
            )


def _a_network_profile_has_slots(profile: Profile) -> Iterator[Breach]:
    if profile.method is not Method.NETWORK_PROFILE:
        return
    if not all(version.startswith("2.") for version in profile.selector.ocpp_versions):
        yield Breach("selector.ocpp_versions", "Network profiles belong to OCPP 2.", 'Write ["2.0.1"].')
    if profile.slots is None and not any("slot" in note.casefold() for note in profile.notes):
        yield Breach("slots", "A network profile goes into a free slot.", "Declare slots, or say in notes why not.")


def _clean_up_empties_the_old_slot(profile: Profile) -> Iterator[Breach]:
    """After the move the slot in use is the new one: nothing of it is touched."""
    for at, write in all_writes(profile):
        if not at.startswith("finish.clean_up"):
            continue
        if profile.slots is None:
            yield Breach(at, "There is no slot to clean up.", "Declare the slots of this family.")
        elif write.key == "${active_slot}" or write.key in profile.slots.keys or carries_url(write):
            yield Breach(f"{at}.key", "This would change the slot in use.", "Empty ${free_slot}, or the priority.")


LAWS = (
    _slots_keep_the_way_back,
    _slots_keep_their_security,
    _a_network_profile_has_slots,
    _clean_up_empties_the_old_slot,
)
