"""The laws a profile keeps, beyond having the right keys.

A profile can be well-formed and still strand a station: the URL written before
the port, a slot overwritten that was the way back, a promise of return that
nothing keeps.  Each law is one function over a finished ``Profile``; it opens
no file and mends nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from migrate.domain.profile import Profile
from vendor_profiles.laws import finishing, firmware, http, script, slots, whole, writing
from vendor_profiles.laws.breach import Breach

__all__ = ["LAWS", "Breach", "breaches"]

LAWS: tuple[Callable[[Profile], Iterable[Breach]], ...] = (
    *whole.LAWS,
    *writing.LAWS,
    *slots.LAWS,
    *firmware.LAWS,
    *script.LAWS,
    *http.LAWS,
    *finishing.LAWS,
)


def breaches(profile: Profile) -> tuple[Breach, ...]:
    """Every law that a profile breaks, in the order of the laws."""
    return tuple(breach for law in LAWS for breach in law(profile))
