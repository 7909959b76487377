"""What a move asks of one station in OCPP 2.0.1 or 2.1.

It repeats no command; a read that a station answers in part is asked again
variable by variable, because reading changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from migrate.adapters.channels.dialogue import Send
from migrate.adapters.ocpp import dialect201, network_profile
from migrate.adapters.ocpp.dialect201 import Variable, Variables
from migrate.adapters.ocpp.replies import agreed, refusal
from migrate.domain.errors import Refused
from migrate.domain.profile import Restart

MAX_KNOWN = 20_000  # stations whose limits are remembered; beyond it the oldest is asked again
CAREFUL_PAGE = 4  # for a station that does not say how many variables it takes; OCTT asks for no more at once

WELL_KNOWN = (
    "OCPPCommCtrlr.NetworkConfigurationPriority",
    "OCPPCommCtrlr.ActiveNetworkProfile",
    "OCPPCommCtrlr.NetworkProfileConnectionAttempts",
    "SecurityCtrlr.SecurityProfile",
    "SecurityCtrlr.Identity",
    "SecurityCtrlr.OrganizationName",
    "SecurityCtrlr.BasicAuthPassword",
    "NetworkProfile[1]",
    "NetworkProfile[2]",
    dialect201.ITEMS_PER_GET,
    dialect201.BYTES_PER_GET,
)
"""What is asked for when nothing is named: no single call of 2.0.1 lists everything that a station has."""


Limits = tuple[int, int]
"""Variables and bytes that a station takes in one GetVariables; 0 bytes: it names no such limit."""


class Dialogue201:
    """One station, as long as it is spoken to in 2.0.1 or 2.1."""

    def __init__(self, identity: str, send: Send, protocol: str, limits: dict[str, Limits] | None = None) -> None:
        self._identity, self._send, self._protocol = identity, send, protocol
        self._known = {} if limits is None else limits

    async def read(self, keys: Sequence[str], *, max_keys: int | None = None) -> Mapping[str, str | None]:
        """GetVariables, in pages the station can take.

        Keys that are no name of this version are absent.  A slot that the
        station does not show is hidden, ``None``, and never absent: that it
        has slots its priority says.
        """
        asked = tuple(dict.fromkeys(keys)) or WELL_KNOWN
        slots = {key: slot for key in asked if (slot := network_profile.slot_of(key)) is not None}
        plain = {key: one for key in asked if (one := dialect201.variable(key))}
        addresses = {slot: network_profile.variables_of(slot).pop(network_profile.DECISIVE) for slot in slots.values()}
        values = dict(await self._values([*plain.values(), *addresses.values()], max_keys))
        shown = [slot for slot, address in addresses.items() if values.get(address) is not None]
        if shown:
            values |= await self._values(_the_rest_of(shown), max_keys)
        found = {key: values[one] for key, one in plain.items() if one in values}
        found |= {key: network_profile.shown(slot, values) for key, slot in slots.items()}
        return {key: found[key] for key in asked if key in found}

    async def _values(self, wanted: Sequence[Variable], max_keys: int | None) -> Mapping[Variable, str | None]:
        items, size_bytes = await self._limits(wanted, max_keys)
        values: dict[Variable, str | None] = {}
        for page in dialect201.pages(wanted, items=items, size_bytes=size_bytes):
            values |= await self._whole_page(page)
        return values

    async def _limits(self, wanted: Sequence[Variable], max_keys: int | None) -> Limits:
        """How many variables and bytes it takes at once, by its own word; few of them need no question.

        What it said is remembered for as long as the channel lives: a page that
        turns out to be too large is asked for one by one.
        """
        if len(wanted) <= CAREFUL_PAGE or max_keys:
            return max_keys or CAREFUL_PAGE, 0
        if self._identity not in self._known:
            said = await self._ask_limits()
            if len(self._known) >= MAX_KNOWN:
                self._known.pop(next(iter(self._known)), None)
            self._known[self._identity] = said
        return self._known[self._identity]

    async def _ask_limits(self) -> Limits:
        keys = (dialect201.ITEMS_PER_GET, dialect201.BYTES_PER_GET)
        asked = [one for key in keys if (one := dialect201.variable(key))]
        values = await self._whole_page(asked)
        said = [dialect201.limit(values.get(one)) for one in asked]
        return said[0] or CAREFUL_PAGE, said[1]

    async def _whole_page(self, page: Sequence[Variable]) -> Mapping[Variable, str | None]:
        """One page; what was passed over in silence, or all of a page refused, is asked for one by one."""
        try:
            told = await self._page(page)
        except Refused:
            if len(page) == 1:
                raise
            told = Variables({}, tuple(page))
        values = dict(told.values)
        if len(page) > 1:
            for one in told.unanswered:
                values |= (await self._page([one])).values
        return values

    async def _page(self, page: Sequence[Variable]) -> Variables:
        answer = await self._send(dialect201.get_variables(page))
        return dialect201.told(self._identity, page, answer)

    async def write(self, key: str, value: str) -> str:
        """SetNetworkProfile for a slot, SetVariables for anything else: ``Accepted`` or ``RebootRequired``."""
        slot = network_profile.slot_of(key)
        if slot is not None:
            command = network_profile.set_network_profile(self._identity, slot, value, self._protocol)
            return agreed(self._identity, f"SetNetworkProfile of slot {slot}", await self._send(command))
        one = dialect201.variable(key)
        if one is None:
            raise refusal(self._identity, f"SetVariables of {key}", "UnknownVariable", "no Component.Variable")
        return dialect201.changed(self._identity, key, await self._send(dialect201.set_variable(one, value)))

    async def restart(self, kind: Restart) -> None:
        """Reset.  *Scheduled* is a yes: it restarts when it is idle."""
        dialect201.will_restart(self._identity, await self._send(dialect201.reset(kind)))

    async def trigger_boot(self) -> None:
        """TriggerMessage(BootNotification); the relay marks the boot that follows as solicited."""
        agreed(self._identity, "TriggerMessage", await self._send(dialect201.trigger_boot()))


def _the_rest_of(slots: Iterable[int]) -> list[Variable]:
    shown = [network_profile.variables_of(slot) for slot in slots]
    return [one for fields in shown for name, one in fields.items() if name != network_profile.DECISIVE]
