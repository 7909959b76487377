"""OCPP 1.6 in the few words that a move needs.

Builds the calls we send and reads the stations' answers.  It speaks to nobody.
What a station says is read leniently and judged strictly: anything but a clear
yes is a refusal, and a reply nobody knows is a mismatch, never success.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ocpp.charge_point import remove_nones, snake_to_camel_case
from ocpp.v16 import call
from ocpp.v16.enums import MessageTrigger, ResetType

from migrate.adapters.ocpp.messages import Answer, held_value, list_of
from migrate.adapters.ocpp.replies import Command, accepted, agreed, refusal, status_of
from migrate.domain.profile import Restart

MAX_KEYS = "GetConfigurationMaxKeys"


def _command(request: Any) -> Command:
    payload: Mapping[str, Any] = snake_to_camel_case(remove_nones(asdict(request)))
    return Command(type(request).__name__, payload)


def get_configuration(keys: Sequence[str]) -> Command:
    """Ask for some keys; for all of them when none is named."""
    return _command(call.GetConfiguration(key=list(keys) or None))


def change_configuration(key: str, value: str) -> Command:
    return _command(call.ChangeConfiguration(key=key, value=value))


def reset(kind: Restart) -> Command:
    return _command(call.Reset(type=ResetType.hard if kind is Restart.HARD else ResetType.soft))


def trigger_boot() -> Command:
    return _command(call.TriggerMessage(requested_message=MessageTrigger.boot_notification))


def update_firmware(location: str, retrieve_at: str, *, retries: int, retry_interval_s: int) -> Command:
    """Load and install a file; ``retrieve_at`` is an RFC 3339 text, and one that has passed means now (OCPP 1.6, 6.21)."""
    return _command(
        call.UpdateFirmware(
            location=location, retrieve_date=retrieve_at, retries=retries, retry_interval=retry_interval_s
        )
    )


def signed_update_firmware(
    request_id: int,
    location: str,
    retrieve_at: str,
    *,
    signing_certificate: str,
    signature: str,
    retries: int,
    retry_interval_s: int,
) -> Command:
    """The same with a signature that the station proves (OCPP 1.6 security whitepaper, SignedUpdateFirmware)."""
    firmware = {
        "location": location,
        "retrieveDateTime": retrieve_at,
        "signingCertificate": signing_certificate,
        "signature": signature,
    }
    payload = {"requestId": request_id, "firmware": firmware, "retries": retries, "retryInterval": retry_interval_s}
    return Command("SignedUpdateFirmware", payload)


def firmware_taken(identity: str, action: str, answer: Answer) -> str:
    """What a station says to an order of firmware.

    UpdateFirmware has no status in 1.6: an answer says that the order came,
    and nothing of what becomes of it.  The signed one has a status.
    """
    result = accepted(identity, action, answer)
    if action == "UpdateFirmware" and not status_of(result):
        return TAKEN
    return agreed(identity, action, answer, also=("AcceptedCanceled",))


TAKEN = "Taken"
"""Our word for an answer without one."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a station said of the keys it was asked for; ``unanswered`` are those it passed over in silence."""

    values: Mapping[str, str | None]
    unanswered: tuple[str, ...] = ()


def configuration(identity: str, asked: Sequence[str], answer: Answer) -> Configuration:
    """Read a GetConfiguration answer.

    Keys are compared without regard to case, as the standard wants, and
    reported as they were asked for.  Unknown keys are absent; a value that is
    missing or null is hidden: ``None``.
    """
    payload = accepted(identity, "GetConfiguration", answer).payload
    told = {name.lower(): value for name, value in _entries(payload.get("configurationKey"))}
    if not asked:
        return Configuration(dict(_entries(payload.get("configurationKey"))))
    unknown = {key.lower() for key in list_of(payload.get("unknownKey")) if isinstance(key, str)}
    values = {key: told[key.lower()] for key in asked if key.lower() in told}
    silent = tuple(key for key in asked if key.lower() not in told and key.lower() not in unknown)
    return Configuration(values, silent)


def _entries(listed: object) -> list[tuple[str, str | None]]:
    entries = [entry for entry in list_of(listed) if isinstance(entry, dict) and isinstance(entry.get("key"), str)]
    return [(entry["key"], held_value(entry.get("value"))) for entry in entries]


def page_size(values: Mapping[str, str | None], default: int) -> int:
    """How many keys a station takes at once, by its own GetConfigurationMaxKeys."""
    text = values.get(MAX_KEYS) or ""
    return max(1, min(int(text), 100)) if text.isascii() and text.isdigit() and len(text) < 6 else default


def changed(identity: str, key: str, answer: Answer) -> str:
    """``Accepted`` or ``RebootRequired``; everything else is a refusal."""
    status = status_of(accepted(identity, f"ChangeConfiguration of {key}", answer))
    if status not in ("Accepted", "RebootRequired"):
        raise refusal(identity, f"ChangeConfiguration of {key}", status)
    return status
