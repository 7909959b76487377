"""When the campaign will be done, if the days to come are like the days that were.

A bootstrap over the daily counts, with whole dates for an answer.  It refuses
to guess: fewer than ten whole days, or days that do not belong to one steady
process, give words instead of a date.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

DAYS_NEEDED = 10
_RUNS = 10_000
_HORIZON_DAYS = 3650
_XMR = 2.66  # natural process limits lie this many mean moving ranges from the mean (Shewhart's XmR chart)


class Outlook(StrEnum):
    DONE = "done"
    NOT_ENOUGH_DATA = "not enough data"
    UNSTABLE = "unstable"
    FORECAST = "forecast"


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """``p50`` is as likely too early as too late; ``p85`` holds in 85 of 100 runs."""

    outlook: Outlook
    text: str
    days: int
    remaining: int
    p50: date | None = None
    p85: date | None = None
    p95: date | None = None
    switch_off: date | None = None
    chance: float | None = None  # of being done on the day before the legacy switch-off
    has_passed: bool = False  # the switch-off has come and stations are left: missed, whatever a projection says


def forecast(daily: Sequence[int], *, remaining: int, today: date, switch_off: date | None = None) -> Forecast:
    """Project the finish.  ``daily`` are the whole days so far, ``remaining`` the stations still to settle."""
    silent = _no_forecast(daily, remaining)
    if silent:
        outlook, text = silent
        has_passed = switch_off is not None and today >= switch_off and remaining > 0
        return Forecast(
            outlook=outlook,
            text=text,
            days=len(daily),
            remaining=remaining,
            switch_off=switch_off,
            chance=0.0 if has_passed else None,
            has_passed=has_passed,
        )
    needed = _simulate(daily, remaining)
    p50, p85, p95 = (today + timedelta(days=int(np.ceil(np.percentile(needed, q)))) for q in (50, 85, 95))
    chance = None if switch_off is None else float(np.mean(needed < (switch_off - today).days))
    text = f"Done by {p50} as likely as not; by {p85} in 85 of 100 runs; by {p95} in 95 of 100."
    return Forecast(
        outlook=Outlook.FORECAST,
        text=text,
        days=len(daily),
        remaining=remaining,
        p50=p50,
        p85=p85,
        p95=p95,
        switch_off=switch_off,
        chance=chance,
        has_passed=switch_off is not None and today >= switch_off,
    )


def _no_forecast(daily: Sequence[int], remaining: int) -> tuple[Outlook, str] | None:
    if remaining <= 0:
        return Outlook.DONE, "No station is left to settle."
    if len(daily) < DAYS_NEEDED:
        return Outlook.NOT_ENOUGH_DATA, f"Not enough data: {len(daily)} of {DAYS_NEEDED} whole days needed."
    if sum(daily) <= 0:
        return Outlook.NOT_ENOUGH_DATA, f"Not enough data: nothing settled in {len(daily)} days."
    if not _is_steady(daily):
        return (
            Outlook.UNSTABLE,
            "Unstable: the daily counts do not belong to one steady pace, so no date would be honest.",
        )
    return None


def _is_steady(daily: Sequence[int]) -> bool:
    days = np.asarray(daily, dtype=float)
    reach = _XMR * float(np.mean(np.abs(np.diff(days))))
    return bool(np.all(np.abs(days - days.mean()) <= reach + 1e-9))


def _simulate(daily: Sequence[int], remaining: int) -> NDArray[np.int64]:
    # Seeded by the data itself: the same facts must give the same report.
    dice = np.random.default_rng([remaining, *(abs(n) for n in daily)])
    pool = np.asarray(daily, dtype=np.int64)
    done = np.zeros(_RUNS, dtype=np.int64)
    needed = np.full(_RUNS, _HORIZON_DAYS, dtype=np.int64)
    for day in range(1, _HORIZON_DAYS):
        done += dice.choice(pool, size=_RUNS)
        needed[(done >= remaining) & (needed == _HORIZON_DAYS)] = day
        if np.all(needed < _HORIZON_DAYS):
            break
    return needed
