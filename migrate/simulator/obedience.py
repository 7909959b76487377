"""How a simulated station obeys its backend: every manner in which real ones were seen to do so.

One method for each command.  Each writes into the wire log what was asked and
what was answered, as the station itself saw it.
"""

from __future__ import annotations

import asyncio
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from migrate.simulator.armour import Armour
from migrate.simulator.body import Body, Talk
from migrate.simulator.dialect import NoAnswer, Refusal
from migrate.simulator.downloading import Order
from migrate.simulator.flash import ACCEPTED, NOT_SUPPORTED, REJECTED, Shown, TooManyKeys
from migrate.simulator.habits import Apply, Flashing, Resetting, Trigger, Writing
from migrate.simulator.wirelog import Kind
from migrate.simulator.world import SHORTEST_S

LONGEST_NAME = 100
ROOT = "CentralSystemRootCertificate"
SHOW_CERTIFICATES = "GetInstalledCertificateIds"
NOT_IMPLEMENTED = "NotImplemented"
TRIGGERED = ("BootNotification", "Heartbeat", "StatusNotification")
WORDS = {
    Flashing.SILENT: (),
    Flashing.FAILS: ("Downloading", "DownloadFailed"),
    Flashing.PRETENDS: ("Downloading", "Downloaded", "Installing", "Installed"),
    Flashing.UPDATES: ("Downloading", "Downloaded", "Installing"),
}
"""What is said of new firmware; `Installed` comes after the boot where something was installed."""


class Obedience:
    """What one session does with what it is told."""

    def __init__(self, session: Talk) -> None:
        self._session = session

    @property
    def _station(self) -> Body:
        return self._session.station

    def _asked(self, action: str, **facts: str | tuple[str, ...]) -> None:
        self._session.log(Kind.COMMAND, action=action, **facts)
        if action != "Reset" and self._station.ways.mute_until_restart and self._station.flash.waits_for_restart:
            raise self._refusal(action, "InternalError", "a restart is due before anything else")

    def _said(self, action: str, status: str, key: str = "") -> str:
        self._session.log(Kind.ANSWER, action=action, key=key, status=status)
        return status

    def _refusal(self, action: str, code: str, why: str) -> Refusal:
        self._said(action, code)
        return Refusal(code, why)

    async def change(self, key: str, value: str) -> str:
        station, name = self._station, key[:LONGEST_NAME]
        is_address = station.flash.is_backend_key(key)
        shown = value if is_address else station.world.wire.veil(value)
        self._asked("ChangeConfiguration", key=name, value=shown)
        if is_address and self._is_lost():
            raise NoAnswer
        status = station.flash.write(key, value)
        if is_address and status not in (REJECTED, NOT_SUPPORTED):
            self._session.log(Kind.STORED, value=station.held)
            self._apply_at_once()
        if is_address and station.ways.writing is Writing.STORES_SILENTLY:
            raise NoAnswer
        return self._said("ChangeConfiguration", status, name)

    def _is_lost(self) -> bool:
        is_first, self._station.was_written = not self._station.was_written, True
        writing = self._station.ways.writing
        return writing is Writing.IGNORES or (writing is Writing.LOSES_FIRST and is_first)

    def _apply_at_once(self) -> None:
        if self._station.ways.apply is Apply.AT_ONCE:
            asyncio.get_running_loop().call_later(SHORTEST_S, self._session.move)

    async def show(self, keys: list[str]) -> tuple[list[Shown], list[str]]:
        self._asked("GetConfiguration", keys=tuple(key[:LONGEST_NAME] for key in keys))
        if not keys and not self._station.ways.lists_all:
            raise NoAnswer
        try:
            known, unknown = self._station.flash.read(keys)
        except TooManyKeys:
            self._said("GetConfiguration", "too many keys")
            raise
        self._said("GetConfiguration", f"{len(known)} known, {len(unknown)} unknown")
        return known, unknown

    async def reset(self, kind: str) -> str:
        self._asked("Reset", key=kind[:LONGEST_NAME])
        return await self._restart(kind)

    async def _restart(self, kind: str) -> str:
        station, session = self._station, self._session
        if station.ways.reset_needs_boot and station.boot_due:
            raise self._refusal("Reset", "InternalError", "its boot is not accepted yet")
        match station.ways.resetting:
            case Resetting.NOTHING:
                return self._said("Reset", ACCEPTED)
            case Resetting.REJECTED:
                return self._said("Reset", REJECTED)
            case Resetting.CLOSES:
                session.restart_at_once(kind)
                raise NoAnswer
            case Resetting.TWO_SOCKETS if kind == "Hard":
                session.keeps_socket = True
                session.restart_at_once(kind)
                raise NoAnswer
        session.aside(session.restart_soon(kind))
        if station.ways.resetting is Resetting.UNANSWERED:
            raise NoAnswer
        return self._said("Reset", ACCEPTED)

    async def trigger(self, action: str) -> str:
        self._asked("TriggerMessage", key=action[:LONGEST_NAME])
        ways = self._station.ways
        if ways.trigger is Trigger.ERROR:
            raise self._refusal("TriggerMessage", "InternalError", "it cannot be triggered")
        status = self._said("TriggerMessage", self._trigger_status(action), action[:LONGEST_NAME])
        if status == ACCEPTED and ways.trigger is not Trigger.SILENT:
            sent = "Heartbeat" if ways.trigger is Trigger.OTHER_NAME else action
            self._session.aside(self._send_triggered(sent, 0.0 if ways.trigger_first else SHORTEST_S))
            await asyncio.sleep(0)  # with trigger_first the CALL leaves before our CALLRESULT
        return status

    def _trigger_status(self, action: str) -> str:
        station, trigger = self._station, self._station.ways.trigger
        if station.is_on_probation(self._session.side):
            return REJECTED
        if trigger is Trigger.UNTIL_RECONNECT and station.has_reconnected:
            return REJECTED
        if trigger is Trigger.NO_BOOT and action == "BootNotification":
            return REJECTED
        is_able = trigger is not Trigger.NEVER
        return ACCEPTED if is_able and action in TRIGGERED else NOT_IMPLEMENTED

    async def _send_triggered(self, action: str, after_s: float) -> None:
        if after_s:
            await asyncio.sleep(after_s)
        if action == "BootNotification":
            await self._session.boot("Triggered")
        elif action == "Heartbeat":
            await self._session.beat()
        else:
            await self._session.report_connectors()

    async def update_firmware(self, order: Order, action: str = "UpdateFirmware") -> str:
        """Take an order of firmware; the word for yes is used where the command has a status."""
        name = PurePosixPath(urlsplit(order.location).path).name
        self._asked(action, key=name[:LONGEST_NAME])  # without the location: it may hold a password
        flashing, loader = self._station.ways.flashing, self._station.loader
        if flashing is Flashing.NOT_SUPPORTED:
            raise self._refusal(action, NOT_SUPPORTED, "no remote update")
        if flashing is Flashing.REJECTS and order.request is not None:
            return self._said(action, REJECTED)
        if flashing in (Flashing.NOT_IMPLEMENTED, Flashing.REJECTS):
            raise self._refusal(action, NOT_IMPLEMENTED, "no remote update")
        said = self._said(action, "AcceptedCanceled" if loader.is_busy else ACCEPTED)
        if flashing is Flashing.LOADS:
            loader.take(order)
        else:
            version = PurePosixPath(name).stem if flashing is Flashing.UPDATES else ""
            self._session.flash_firmware(WORDS[flashing], version)
        return said

    async def install_certificate(self, kind: str, pem: str) -> str:
        """A root for its backend; makers without the security extension know nothing of it."""
        armour = self._armour("InstallCertificate", kind)
        status = armour.install(pem) if kind == ROOT else REJECTED
        return self._said("InstallCertificate", status, kind[:LONGEST_NAME])

    async def show_certificates(self, kind: str) -> list[dict[str, str]]:
        armour = self._armour(SHOW_CERTIFICATES, kind)
        found = armour.installed() if kind == ROOT else []
        self._said(SHOW_CERTIFICATES, f"{len(found)} found", kind[:LONGEST_NAME])
        return found

    def _armour(self, action: str, kind: str) -> Armour:
        named = kind[:LONGEST_NAME]
        self._asked(action, keys=(named,)) if action == SHOW_CERTIFICATES else self._asked(action, key=named)
        if self._station.armour is None or not self._station.ways.security_extension:
            raise self._refusal(action, NOT_IMPLEMENTED, "no security extension")
        return self._station.armour

    async def answered(self, action: str, message_id: str) -> None:
        """One stack was seen to answer a message twice, in two ways, and to crash over it."""
        if self._station.ways.answers_twice == action and not self._station.has_crashed:
            self._station.has_crashed = True
            await self._session.end.contradict(message_id)
            self._session.crash()

    def refuse(self, action: str) -> str:
        self._session.log(Kind.COMMAND, action=action)
        return self._said(action, REJECTED)
