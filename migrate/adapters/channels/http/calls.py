"""The requests of one command, in order, with what each reply gives to the next.

Here a status becomes a meaning: done, not now, refused, or not known.  What
has no effect is asked again by itself when it got no answer; what has one is
sent once, and never after the time in which an order may go out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt

from migrate.adapters.channels.http.filling import VALUE_JSON, Request, fill, names_of
from migrate.adapters.channels.http.login import TOKEN, Account, Logins, NotTaken, sign_of
from migrate.adapters.channels.http.meaning import Asked, judge
from migrate.adapters.channels.http.picks import NoDocument, NotThere, as_text, parsed, pick
from migrate.adapters.channels.http.reach import Base
from migrate.adapters.channels.http.turns import Patience, TooLate, TooLong, Turns, pause_of
from migrate.adapters.channels.http.wire import Reply, Sign, Wire
from migrate.adapters.confided import confide
from migrate.domain.errors import Mismatch, Refused, Unreachable
from migrate.domain.secrecy import unsaid
from migrate.domain.ways import Call, HttpApi, HttpAuth, Until
from migrate.ports import Clock, Dice

READS = ("GET", "HEAD")
VALUES = frozenset({"value", VALUE_JSON})
TOO_MANY = 429
BUSY_WITH_OTHERS = (TOO_MANY, 503)

READ_PATIENCE_S = 60.0
ORDER_PATIENCE_S = 2.0
"""An order that was not sent this soon after it was recorded is not sent any more (real seconds)."""

TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What all doors of a campaign share."""

    wire: Wire
    turns: Turns
    logins: Logins
    clock: Clock
    dice: Dice


@dataclass(slots=True, kw_only=True)
class Errand:
    """One command on its way: what can be named by now, how long it may wait, and whether it has had an effect."""

    names: dict[str, Any] = field(repr=False)
    patience: Patience
    has_told: bool = False
    private: tuple[str, ...] = field(default=(), repr=False)  # what no reply may be quoted with


class Calls:
    """Sends the declared requests of one profile to one place, on behalf of one station."""

    def __init__(self, identity: str, api: HttpApi, base: Base, account: Account, tools: Tools) -> None:
        self._identity, self._api, self._base, self._account, self._tools = identity, api, base, account, tools

    @property
    def identity(self) -> str:
        """The station's name as it may be printed."""
        return self._identity

    async def run(self, calls: Iterable[Call], errand: Errand) -> None:
        """Every request in order; what they pick is added to the errand's names."""
        for call in calls:
            errand.names |= await (self._polled(call, call.until, errand) if call.until else self._once(call, errand))

    async def _once(self, call: Call, errand: Errand) -> Mapping[str, Any]:
        request = fill(call, errand.names, self._identity)
        reply = await self._answered(call, request, errand)
        return self._picked(call, reply)

    async def _polled(self, call: Call, until: Until, errand: Errand) -> Mapping[str, Any]:
        """Ask until the value reads as wanted; an answer that does not come is waited for as well."""
        clock, last, said = self._tools.clock, "nothing", "nothing"
        give_up_at = clock.now() + until.within
        while True:
            try:
                picked = await self._once(call, errand)
                last = as_text(picked[until.pick])
                said = unsaid(last, self._private(errand))
            except Unreachable:
                picked = {}
            if picked and last in until.is_one_of:
                return picked
            if picked and last in until.failed:
                raise Refused(
                    f"{self._identity}: {call.method} {call.path} ends with {until.pick} = {said!r:.80}.",
                    identity=self._identity,
                    status=f"{until.pick} = {said!r:.80}",
                )
            if clock.now() >= give_up_at:
                raise Unreachable(
                    f"{self._identity}: {until.pick} is {said!r:.80} after {until.within}, and not what was waited for.",
                    identity=self._identity,
                    sent=errand.has_told,
                )
            await clock.sleep(until.every)

    # ── one request ────────────────────────────────────────────────────────

    async def _answered(self, call: Call, request: Request, errand: Errand) -> Reply:
        has_effect = _has_effect(call)
        if has_effect:
            return await self._judged(call, request, errand, has_effect=True)
        async for attempt in AsyncRetrying(
            stop=stop_after_attempt(TRIES),
            retry=retry_if_exception_type(Unreachable),
            wait=self._between_tries,
            reraise=True,
        ):
            with attempt:
                return await self._judged(call, request, errand, has_effect=False)
        raise AssertionError("unreachable: tenacity returns or raises")

    def _between_tries(self, state: RetryCallState) -> float:
        return self._tools.dice.between(0.1, 0.4) * float(2**state.attempt_number)

    async def _judged(self, call: Call, request: Request, errand: Errand, *, has_effect: bool) -> Reply:
        """One request, and what its status means; a pause that is short enough is sat out, for everybody."""
        while True:
            try:
                reply = await self._signed(call, request, errand)
            except Unreachable as error:
                error.sent = errand.has_told or (has_effect and error.sent)
                raise
            if reply.status not in BUSY_WITH_OTHERS or reply.status in (*call.expect, *call.busy):
                break
            self._heed_pause(reply)
            if reply.status != TOO_MANY:
                break  # only 429 says that nothing was done
        asked = Asked(self._identity, self._base.url, request.shown, has_effect=has_effect, has_told=errand.has_told)
        judge(asked, call, reply, self._private(errand))
        if has_effect:
            errand.has_told = True
            errand.patience.is_out(READ_PATIENCE_S)
        return reply

    async def _signed(self, call: Call, request: Request, errand: Errand) -> Reply:
        """A request with our name on it; a token that ran out is replaced once."""
        self._tools.logins.judge(self._account, self._identity)
        if not self._api.login:
            reply = await self._sent(request, self._sign(""), errand)
            if reply.status == 401 and 401 not in (*call.expect, *call.busy):
                self._tools.logins.refuse(self._account, f"It answered {request.shown} with HTTP 401.")
            return reply
        for is_last in (False, True):
            picked = await self._tools.logins.of(self._account, lambda: self._log_in(errand.patience), self._identity)
            token = as_text(picked.get(TOKEN, ""))
            errand.private = (*errand.private, token)
            reply = await self._sent(request, self._sign(token), errand)
            if reply.status != 401 or is_last:
                break
            self._tools.logins.forget(self._account, picked)
        return reply

    async def _log_in(self, patience: Patience) -> Mapping[str, Any]:
        """Run the login; everything that says no to it means that our credentials are not taken."""
        names: dict[str, Any] = {"user": self._account.user, "secret": self._account.secret}
        picked: dict[str, Any] = {}
        for call in self._api.login:
            request = fill(call, {**names, **picked}, self._identity)
            reply = await self._sent(request, Sign(), Errand(names={}, patience=patience))
            self._heed_pause(reply)
            asked = Asked(self._identity, self._base.url, request.shown, has_effect=False, has_told=False)
            try:
                judge(asked, call, reply, [self._account.secret])
            except (Refused, Mismatch) as error:
                if not 400 <= reply.status < 500:
                    raise
                raise NotTaken(
                    error.message, identity=self._identity, hint="Look at the user and the secret of this profile."
                ) from error
            picked |= self._picked(call, reply)
        confide(as_text(picked.get(TOKEN, "")))
        return picked

    def _sign(self, token: str) -> Sign:
        bearer = token or self._account.secret
        if self._api.auth is HttpAuth.BEARER and not (bearer.isascii() and bearer.isprintable()):
            source = f"the login at {self._base.url}" if token else f"the secret {self._api.secret}"
            raise Mismatch(
                f"{self._identity}: {source} brings a token that no header may hold.",
                identity=self._identity,
                hint="A token is one line of plain characters.",
            )
        return sign_of(self._api.auth, self._account, token)

    async def _sent(self, request: Request, sign: Sign, errand: Errand) -> Reply:
        timeout_s = self._api.timeout.total_seconds()
        try:
            async with self._tools.turns.turn(self._base.url, errand.patience, is_shared=self._base.is_shared):
                return await self._tools.wire.send(
                    self._base,
                    request,
                    sign,
                    identity=self._identity,
                    timeout_s=timeout_s,
                    send_by=errand.patience.until_s,
                )
        except TooLate as error:
            said = f"{self._identity}: {request.shown} was not sent: it was recorded too long ago."
            hint = (
                "What goes before it, a look, a login or the connection itself, takes too long: look at the way to it."
            )
            raise Unreachable(said, identity=self._identity, sent=False, hint=hint) from error
        except TooLong as error:
            raise Unreachable(
                f"{self._identity}: {self._base.url} is not asked for another {error.wait_s:.0f} s, "
                f"so {request.shown} was not sent.",
                identity=self._identity,
                sent=False,
                hint="It has asked for peace, or too many wait before this one: see [http] at_once.",
            ) from error

    def _heed_pause(self, reply: Reply) -> None:
        """Everybody leaves this host alone for as long as it asks; an overloaded one that names no time is not sat out."""
        if reply.status == TOO_MANY or (reply.status in BUSY_WITH_OTHERS and reply.retry_after):
            self._tools.turns.pause(self._base.url, pause_of(reply.retry_after), is_shared=self._base.is_shared)

    # ── what came back ─────────────────────────────────────────────────────

    def _picked(self, call: Call, reply: Reply) -> dict[str, Any]:
        if not call.picks:
            return {}
        try:
            document = parsed(reply.body)
        except NoDocument as error:
            raise self._unlike(call, f"a reply that cannot be read: {error}") from error
        picked: dict[str, Any] = {}
        for name, path in call.picks.items():
            try:
                picked[name] = pick(document, path)
            except NotThere as error:
                raise self._unlike(call, f"a reply without {path}, where {name} was looked for") from error
        return picked

    def _unlike(self, call: Call, what: str) -> Mismatch:
        return Mismatch(
            f"{self._identity} answers {call.method} {call.path} with {what}.",
            identity=self._identity,
            hint="Its firmware or its interface is not the profile's: look at the station before it is planned again.",
        )

    def _private(self, errand: Errand) -> list[str]:
        pair = f"{self._account.user}:{self._account.secret}"
        return [*filter(None, (self._account.secret, self._account.secret and pair)), *filter(None, errand.private)]


def _has_effect(call: Call) -> bool:
    """Whether a request tells the station something; some makers do it with a GET."""
    return call.method not in READS or bool(VALUES & names_of(call))
