"""What is known of a firmware on its way into a station.

A station says much while it loads and installs; only the version in a boot
proves anything (``docs/architecture.md``, Firmware).  This module reads what
was told since the order and says which version comes next, and where the
transfer stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from migrate.domain.record import Event, EventKind
from migrate.domain.version import is_readable_version, version_key
from migrate.domain.ways import Firmware, Way


class Stage(StrEnum):
    """Where one version stands at one station."""

    NOT_ORDERED = "not_ordered"
    UNDER_WAY = "under_way"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """``at`` is when the newest word of it was heard: the order itself, a status, or the file server's.

    The bytes are those that the file server has given out since the order;
    without one of ours nothing is known of them.
    """

    stage: Stage
    status: str = ""
    at: datetime | None = None
    loaded_bytes: int = 0
    size_bytes: int = 0

    @property
    def is_loaded(self) -> bool:
        """Whether it takes no bandwidth any more: the last byte has left, or the station says that it has it."""
        is_whole = 0 < self.size_bytes == self.loaded_bytes
        return is_whole or bool(self.status and not is_loading(self.status))

    @property
    def far(self) -> str:
        """How far the file came, in words; nothing where nobody knows."""
        return f"{self.loaded_bytes} of {self.size_bytes} bytes loaded" if self.size_bytes else ""


FAILURES = frozenset(
    {
        *("DownloadFailed", "InstallationFailed"),  # OCPP 1.6, 7.25
        *(
            "InvalidSignature",
            "InstallVerificationFailed",
            "InvalidCertificate",
            "RevokedCertificate",
        ),  # 1.6 security, 2.0.1
    }
)


_LOADED = frozenset(
    {"Downloaded", "Installing", "Installed", "SignatureVerified", "InstallRebooting", "InstallScheduled"}
)


def is_loading(status: str) -> bool:
    """Whether a station that says this may still be loading, so that it takes bandwidth."""
    return status not in _LOADED and status not in FAILURES


def next_step(firmware: Firmware, current: str, wanted: str) -> str:
    """The version to install next on the way to ``wanted``; empty when it is there.

    The first step that is newer than what the station runs, so that no
    intermediate version is jumped over.  A version that cannot be compared is
    known only if it is one of the steps.

    >>> next_step(Firmware(steps=("5.8", "5.10", "6.0")), "5.9", "6.0")
    '5.10'
    """
    if current == wanted:
        return ""
    steps = firmware.steps[: firmware.steps.index(wanted) + 1] if wanted in firmware.steps else (wanted,)
    if current in steps:
        return steps[steps.index(current) + 1]
    if not is_readable_version(current):
        return steps[0]
    later = (step for step in steps if version_key(step) > version_key(current))
    return next(later, wanted)


def is_downgrade(current: str, wanted: str) -> bool:
    """Whether ``wanted`` is older than what the station runs, as far as the two can be compared."""
    both = is_readable_version(current) and is_readable_version(wanted)
    return both and version_key(wanted) < version_key(current)


def transfer(attempt: str, version: str, told: Iterable[Event]) -> Transfer:
    """Where a version stands, from everything that was told of the station, oldest first."""
    found = Transfer(stage=Stage.NOT_ORDERED)
    for event in told:
        data = event.data
        is_order = event.kind is EventKind.COMMAND and data.get("action") == Way.FIRMWARE.action
        if is_order and event.attempt == attempt:
            is_this = data.get("value") == version
            found = Transfer(stage=Stage.UNDER_WAY if is_this else Stage.NOT_ORDERED, at=event.at)
        elif found.stage is Stage.NOT_ORDERED:
            continue
        elif event.kind is EventKind.ANSWER and data.get("action") == Way.FIRMWARE.action and data.get("sent") is False:
            found = Transfer(stage=Stage.NOT_ORDERED, at=event.at)
        elif event.kind is EventKind.SIGHTING and data.get("kind") == "firmware":
            status = str(data.get("detail", ""))
            stage = Stage.FAILED if status in FAILURES else Stage.UNDER_WAY
            found = replace(found, stage=stage, status=status, at=event.at)
        elif event.kind is EventKind.FETCHED and data.get("version") == version:
            loaded, size = data.get("loaded_bytes", 0), data.get("size_bytes", 0)
            found = replace(found, at=event.at, loaded_bytes=loaded, size_bytes=size)
    return found


def newest_transfer(attempt: str, told: Sequence[Event]) -> tuple[str, Transfer] | None:
    """The version that an attempt ordered last, and where it stands; ``None`` where it has ordered none."""
    orders = [
        str(event.data.get("value", ""))
        for event in told
        if event.kind is EventKind.COMMAND
        and event.attempt == attempt
        and event.data.get("action") == Way.FIRMWARE.action
    ]
    return (orders[-1], transfer(attempt, orders[-1], told)) if orders else None
