"""The flavour table: how each kind of station behaves, as the wire showed it.

For and against are written out beside every word, so that nobody has to trust
a rounding; *unknown* is what nobody has seen, and is never taken for *no*.
Each word has a letter in a frame of its own: the table says the same without colour.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from migrate.domain.flavour import Count, Flavour, Lapse, Shown, Spread, Trait, measured
from migrate.domain.profile import Profile, Quirks

TRAITS: Mapping[Trait, tuple[str, str]] = {
    Trait.BOOT_AFTER_LINK_LOSS: (
        "Boots after link loss",
        "A BootNotification of its own within 60 s of dialling again, when neither we nor an update restarted it.",
    ),
    Trait.STATUS_AFTER_STOP: (
        "Status after a stop",
        "A StatusNotification of that connector within 60 s of StopTransaction.",
    ),
    Trait.STATUS_AFTER_START: (
        "Status after a start",
        "A StatusNotification of that connector within 60 s of StartTransaction.",
    ),
    Trait.STATUS_AFTER_LINK_LOSS: (
        "Status after link loss",
        "A StatusNotification of a connector within 60 s of dialling again.",
    ),
    Trait.STATUS_AFTER_FIRMWARE: (
        "Status after an update",
        "A StatusNotification of a connector within 60 s of a firmware update's end or first boot.",
    ),
    Trait.STAYS_FAULTED: (
        "Stays faulted",
        "A connector that was Faulted with PowerMeterFailure was still so at the next restart, or ten minutes later.",
    ),
    Trait.ANSWERS_TRIGGER: (
        "Boots when asked",
        "TriggerMessage(BootNotification) brought a boot within two minutes; refused or ignored counts against.",
    ),
    Trait.BOOTS_ON_ARRIVAL: (
        "Boots on arrival",
        "A boot of its own within 60 s of its first session after a write or Reset of ours.",
    ),
}
"""Heading and rule of each trait, in the order of the table."""

LAPSES: Mapping[Lapse, tuple[str, str]] = {
    Lapse.RESET_TO_DROP: ("Reset to drop", "From a Reset of ours until its session ended."),
    Lapse.AWAY_AFTER_CHANGE: ("Away after a change", "From the drop that we caused to the first sign of it anywhere."),
    Lapse.AWAY_AFTER_LINK_LOSS: ("Away after link loss", "From a drop that nobody caused to the first sign of it."),
    Lapse.CONNECT_TO_BOOT: ("Connect to boot", "From dialling again until it booted by itself."),
}
"""Heading and rule of each time that was measured; all in seconds of campaign time."""

LETTERS: Mapping[Shown, str] = {Shown.YES: "Y", Shown.NO: "N", Shown.MIXED: "M", Shown.UNKNOWN: "–"}


def flavour_document(flavour: Flavour, profile: Profile | None) -> dict[str, Any]:
    """One kind as data.  ``contradicts`` says where the wire overrules the profile that fits it."""
    return {
        "vendor": flavour.vendor,
        "model": flavour.model,
        "firmware": flavour.firmware,
        "stations": flavour.stations,
        "profile": profile.name if profile else None,
        "traits": {trait.value: _count(flavour.trait(trait)) for trait in TRAITS},
        "lapses": {lapse.value: _spread(flavour.lapse(lapse)) for lapse in LAPSES},
        "max_keys": flavour.max_keys,
        "contradicts": list(_contradictions(flavour, profile.quirks)) if profile else [],
    }


def _count(count: Count) -> dict[str, Any]:
    return {"shown": count.shown.value, "for": count.yes, "against": count.no}


def _spread(spread: Spread) -> dict[str, Any]:
    if not spread.count:
        return {"observations": 0, "least_s": None, "half_s": None, "most_of_them_s": None, "most_s": None}
    return {
        "observations": spread.count,
        "least_s": round(spread.least_s, 1),
        "half_s": round(spread.within_s(50), 1),
        "most_of_them_s": round(spread.within_s(95), 1),
        "most_s": round(spread.most_s, 1),
    }


def _contradictions(flavour: Flavour, says: Quirks) -> Iterator[str]:
    """Where what was measured is acted on against the profile's word."""
    shows = measured(says, flavour)
    if shows.triggers_boot is not says.triggers_boot:
        seen = "was seen to answer" if shows.triggers_boot else "never answered"
        yield f"{seen} TriggerMessage(BootNotification) ({_of(flavour, Trait.ANSWERS_TRIGGER)})"
    if shows.boots_on_reconnect is not says.boots_on_reconnect:
        seen = "boots by itself" if shows.boots_on_reconnect else "does not boot by itself"
        yield f"{seen} on reconnect ({_of(flavour, Trait.BOOT_AFTER_LINK_LOSS)})"
    if says.max_keys is not None and shows.max_keys != says.max_keys:
        yield f"takes {shows.max_keys} keys at a time"


def _of(flavour: Flavour, trait: Trait) -> str:
    count = flavour.trait(trait)
    return f"{count.yes:,} of {count.of:,}"


def count_text(count: Mapping[str, Any]) -> str:
    """A counted trait in one cell.

    >>> count_text({"shown": "mixed", "for": 11, "against": 1}), count_text({"shown": "unknown", "for": 0, "against": 0})
    ('mixed (11 of 12)', 'unknown')
    """
    seen = count["for"] + count["against"]
    return f"{count['shown']} ({count['for']:,} of {seen:,})" if seen else str(count["shown"])


def spread_text(spread: Mapping[str, Any]) -> str:
    """A measured time in one cell: shortest to longest, and over how many.

    >>> spread_text({"observations": 2, "least_s": 0.4, "most_s": 40.0}), spread_text({"observations": 0})
    ('0.4–40 s (2)', '')
    """
    if not spread["observations"]:
        return ""
    least, most = seconds_text(spread["least_s"]), seconds_text(spread["most_s"])
    return f"{least if least == most else f'{least}–{most}'} s ({spread['observations']:,})"


def seconds_text(seconds: float) -> str:
    """Seconds as precise as anybody needs them.

    >>> seconds_text(0.42), seconds_text(1250.4)
    ('0.4', '1,250')
    """
    return f"{seconds:.1f}" if seconds < 10 else f"{seconds:,.0f}"
