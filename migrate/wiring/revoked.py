"""The lists of revoked certificates that the settings name, and which of them should be newer."""

from __future__ import annotations

from datetime import UTC, datetime

from migrate.adapters.revocations import NOBODY, Revocations, read_revocations
from migrate.domain.evidence import Side
from migrate.settings import RelaySettings, Settings


def revocations_of(relay: RelaySettings, side: Side) -> Revocations:
    """Whose certificates one relay takes no more.  Raises ``SettingsProblem``."""
    if relay.client_crl is None or relay.client_ca is None:
        return NOBODY
    return read_revocations(relay.client_crl, relay.client_ca, where=f"{side.value}.relay.client_crl")


def stale_lists(settings: Settings) -> dict[str, str]:
    """By their setting.  Real time: a drill's clock says nothing about them."""
    now = datetime.now(UTC)
    found = {side: revocations_of(settings.side(side).relay, side).stale_in_words(now) for side in Side}
    return {f"{side.value}.relay.client_crl": said for side, said in found.items() if said}
