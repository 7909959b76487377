"""How far a firmware is on its way into a station, in a sentence."""

from __future__ import annotations

from datetime import datetime

from migrate.domain.firmware import Stage, Transfer
from migrate.domain.span import span
from reports.words import display


def firmware_told(version: str, stands: Transfer, now: datetime) -> str:
    """What was heard of a version that was ordered; nothing where the order never went out.

    A word is a word: the version in a boot is the only success.
    """
    if stands.stage is Stage.NOT_ORDERED or stands.at is None:
        return ""
    word = f"its last word was {display(stands.status)}" if stands.status else "it has said no word of it"
    told = ", ".join(filter(None, [word, stands.far]))
    return (
        f"Firmware {display(version)} was ordered: {told}, {span(now - stands.at)} ago. Only a boot with it is success."
    )
