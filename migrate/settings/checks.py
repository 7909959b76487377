"""What the checks before a wave are told: ``[checks]``, and what a person knows of either CSMS.

Understands its values.  It opens no list and judges no station.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from batches.outlook import BLOCKING
from migrate.domain.identity import LONGEST, read_identity
from migrate.settings import kinds as k

_LONGEST_REASON = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSettings:
    """``known`` is a list of the identities that the target knows, ``knock_as`` one that is knocked with before each wave.

    ``last_on_source`` and ``first_on_target`` are transaction numbers, read by
    a person in both databases.  ``accepted`` are findings that shall only
    warn, each with its reason.
    """

    accepted: Mapping[str, str] = field(default_factory=dict)
    known: Path | None = None
    knock_as: str | None = None
    longest_identity: int = LONGEST
    last_on_source: int | None = None
    first_on_target: int | None = None


def parse_accepted(value: Any) -> dict[str, str]:
    """Findings that a person lets pass, each with who, when and why; only what would stop or exclude can be accepted."""
    if not isinstance(value, dict):
        raise k.Bad('wants a table such as root-new = "installed by the portal on 2026-11-18, ann"')
    for code, reason in value.items():
        if code not in BLOCKING:
            near = get_close_matches(str(code), BLOCKING, n=1)
            meant = f"; did you mean {near[0]}?" if near else "; see docs/checks.md"
            raise k.Bad(f"names {code!r:.60}, which is no finding that stops or excludes{meant}")
        if (
            not isinstance(reason, str)
            or not reason.strip()
            or not reason.isprintable()
            or len(reason) > _LONGEST_REASON
        ):
            raise k.Bad(f"gives no reason for {code}: write who accepts it, when and why")
    return {code: reason.strip() for code, reason in value.items()}


def parse_known_identity(value: Any) -> str:
    """One identity, as a station would dial it."""
    read = read_identity(k.parse_text(value))
    if any(finding.code.startswith("E-") for finding in read.findings):
        raise k.Bad(f"is no identity: {read.findings[0].message.rstrip('.')}")
    return read.value


CHECK_KEYS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "checks.accepted": (parse_accepted, {}),
    "target.known": (k.parse_path, None),
    "target.knock_as": (parse_known_identity, None),
    "target.longest_identity": (k.count(1), LONGEST),
    "source.last_transaction": (k.count(0), None),
    "target.first_transaction": (k.count(0), None),
}


def check_settings(folder: Path, values: Mapping[str, Any]) -> CheckSettings:
    """A relative list lies in the campaign folder."""
    known = values["target.known"]
    return CheckSettings(
        accepted=values["checks.accepted"],
        known=known and folder / known,
        knock_as=values["target.knock_as"],
        longest_identity=values["target.longest_identity"],
        last_on_source=values["source.last_transaction"],
        first_on_target=values["target.first_transaction"],
    )
