"""Calls to stations through one relay, on behalf of whoever works on the campaign.

Finds the session that counts and hands the call to it; whether a call may go
out, and what comes of it, is the session's.  It repeats nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from migrate.adapters.ocpp.limits import REPORT_QUIET_S, REPORT_WITHIN_S, SEND_WITHIN_S
from migrate.adapters.ocpp.messages import Answer, Result
from migrate.adapters.ocpp.register import Register
from migrate.adapters.ocpp.reports import Reports
from migrate.adapters.ocpp.spoken import version_of
from migrate.domain.errors import CsmsUnavailable, Unreachable
from migrate.domain.evidence import Side, Sighting

READS = ("GetConfiguration", "GetVariables")
REPORT = "GetBaseReport"


class Commands:
    """One side's.  ``is_up``: absence of a station means something; ``see`` is told what an answer says of its station."""

    def __init__(
        self,
        side: Side,
        sessions: Register,
        is_up: Callable[[], bool],
        see: Callable[[Sighting], None],
        now: Callable[[], datetime],
    ) -> None:
        self._side, self._sessions, self._is_up, self._see, self._now = side, sessions, is_up, see, now
        self.reports = Reports()

    async def inject(
        self,
        identity: str,
        action: str,
        payload: Mapping[str, Any],
        *,
        timeout_s: float,
        send_within_s: float = SEND_WITHIN_S,
        not_after_s: float | None = None,
        protocol: str = "",
    ) -> Answer:
        """Call a station and return its own answer.

        ``not_after_s``, on the loop's clock, is for callers in another
        process, whose two seconds began before this one heard of them.  A
        payload of one ``protocol`` is not sent to a session of another: the
        station has come back since it was looked at.
        """
        loop = asyncio.get_running_loop()
        limit = loop.time() + send_within_s
        limit = limit if not_after_s is None else min(limit, not_after_s)
        session = self._sessions.newest(identity)
        if session is None and not self._is_up():
            raise CsmsUnavailable(
                f"The {self._side} CSMS cannot be dialled, therefore {identity} is not there.", side=self._side
            )
        speaks = version_of(session.subprotocol) if session else ""
        if session is None or loop.time() > limit or (protocol and protocol != speaks):
            why = "was asked too late" if loop.time() > limit else f"speaks {speaks}" if session else "has no session"
            raise Unreachable(
                f"{identity} {why} on the {self._side}.", identity=identity, sent=False, hint="Nothing was sent."
            )
        answer = await session.calls.inject(action, payload, timeout_s=timeout_s, not_after_s=limit)
        if action in READS and (told := session.tap.answered_us(answer, self._now())):
            self._see(told)
        return answer

    async def report(
        self,
        identity: str,
        base: str,
        *,
        timeout_s: float,
        quiet_s: float = REPORT_QUIET_S,
        within_s: float = REPORT_WITHIN_S,
        not_after_s: float | None = None,
        protocol: str = "",
    ) -> Answer:
        """Have a station report its device model: its answer, and with a yes what came of it.

        Its parts reach nobody else, however late they come.
        """
        report = self.reports.open(identity)
        payload = {"requestId": report.number, "reportBase": base}
        try:
            answer = await self.inject(
                identity, REPORT, payload, timeout_s=timeout_s, not_after_s=not_after_s, protocol=protocol
            )
            if isinstance(answer, Result) and answer.payload.get("status") == "Accepted":
                came = await report.collected(quiet_s=quiet_s, within_s=within_s)
                return Result(answer.id, {**answer.payload, **came})
            return answer
        finally:
            report.close()

    def drop(self, identity: str) -> None:
        """Hang up on a station without a word, as a lost line does: it will dial again.

        Raises ``Unreachable`` where there is nobody to hang up on.
        """
        session = self._sessions.newest(identity)
        if session is None:
            raise Unreachable(
                f"{identity} has no session on the {self._side}.",
                identity=identity,
                sent=False,
                hint="Nothing was cut.",
            )
        session.end("cut by a probe", abort=True)
