"""How long a campaign of a story waits: long where a slow machine needs it, short where nothing will come."""

from __future__ import annotations

from importlib.resources import files

PATIENT = ('appear = "10m"', 'appear = "40m"\narrive = "30m"\nrestart = "30m"\nidle = "1h"\ndefer = "30m"')
"""Where a station needs its time, on a machine that needs its own; and how long one that cannot now is put off."""

PUT_OFF_ALL_NIGHT = (PATIENT[0], PATIENT[1].replace('defer = "30m"', 'defer = "6h"'))
"""The same where processes die, or files are loaded: who is put off for that is not given up for it."""

ANSWERS_WITHIN_S = 5
"""Real seconds, however fast the campaign runs: on the loopback, who has said nothing by then says nothing."""


def impatient(file: str, way: str) -> str:
    """A packaged profile as it is, but for how long an answer of this way is waited for; it stands in for its original."""
    lines = (files("vendor_profiles") / file).read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith("      timeout:")]
    at = kept.index(f"    {way}:") + 1
    return "\n".join([*kept[:at], f"      timeout: {ANSWERS_WITHIN_S}s", *kept[at:]]) + "\n"
