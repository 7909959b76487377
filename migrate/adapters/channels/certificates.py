"""The target's root certificate as a value that a station holds: looked for by its hash, installed by an order.

Speaks OCPP through the relay of the side that the station is on: 1.6 with the
security extension, 2.0.1 and 2.1.  It installs the one root that the campaign
names and nothing else, and takes none away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cryptography import x509

from migrate.adapters.certificates import ALGORITHMS, HashData, hash_data_of_root, pem_of, print_of, read_root
from migrate.adapters.ocpp import dialect16, dialect201
from migrate.adapters.ocpp.client import ListenClient
from migrate.adapters.ocpp.messages import Answer, list_of
from migrate.adapters.ocpp.replies import accepted, agreed, refusal, status_of
from migrate.domain.errors import Mismatch, Refused
from migrate.domain.evidence import Side
from migrate.domain.profile import Profile, Restart
from migrate.domain.station import Station

VERSIONS_2 = ("ocpp2.0.1", "ocpp2.1")
ROOT_16, ROOT_2 = "CentralSystemRootCertificate", "CSMSRootCertificate"
ONE_ALONE_16 = "AdditionalRootCertificateCheck"
ONE_ALONE_2 = dialect201.Variable("SecurityCtrlr", ONE_ALONE_16)
"""True at a station that holds one root alone: the old one has to have signed the new, which replaces it (1.6 security whitepaper)."""
INSTALL, SHOW = "InstallCertificate", "GetInstalledCertificateIds"


class CertificateDoors:
    """Implements ``migrate.ports.Doors``.  ``root`` is the campaign's ``[target] root``, if it has one."""

    def __init__(self, client: ListenClient, root: Path | None, *, timeout_s: float = 30.0) -> None:
        self._client, self._root, self._timeout_s = client, root, timeout_s

    def to(self, station: Station, profile: Profile, side: Side) -> CertificateDoor:
        """The door to one station on a side; raises ``Mismatch`` where the campaign names no root."""
        if self._root is None:
            raise Mismatch(
                f"{station.identity} is to be given a root certificate, and the campaign names none.",
                identity=station.identity,
                hint="Set [target] root, see docs/security_profiles.md.",
            )
        return CertificateDoor(self._client, side, read_root(self._root), timeout_s=self._timeout_s)

    async def close(self) -> None:
        """Nothing was opened: the line to the listening process is its owner's."""


class CertificateDoor:
    """Implements ``migrate.ports.Door``: its only value is the root's fingerprint, empty where the station lacks it."""

    def __init__(self, client: ListenClient, side: Side, root: x509.Certificate, *, timeout_s: float) -> None:
        self._client, self._side, self._root, self._timeout_s = client, side, root, timeout_s

    async def read(
        self,
        identity: str,
        keys: Sequence[str],
        *,
        max_keys: int | None = None,
    ) -> Mapping[str, str | None]:
        """The fingerprint of the campaign's root, if the station says that it holds it, else nothing.

        Raises ``Mismatch`` for a station that knows no such question, and for
        one that would lose the root of the source over it: by this way they
        can be given none.
        """
        named = await self._named(identity)
        holds = bool(named) and await asyncio.to_thread(self._is_among, named or ())
        if named is not None and not holds and await self._holds_one_alone(identity):
            raise Mismatch(
                f"{identity} holds one root alone ({ONE_ALONE_16}): the target's would take the place of the source's, if it took it at all.",
                identity=identity,
                hint="There would be no way back. Give the target a certificate under the root that it has, or move it by a visit.",
            )
        return dict.fromkeys(keys, print_of(self._root) if holds else "")

    async def _holds_one_alone(self, identity: str) -> bool:
        """Few stations know the setting; one that says nothing of it is taken to hold several."""
        said: str | None
        try:
            if await self._speaks_2(identity):
                asked = dialect201.get_variables([ONE_ALONE_2])
                answer = await self._call(identity, asked.action, asked.payload)
                said = dialect201.told(identity, [ONE_ALONE_2], answer).values.get(ONE_ALONE_2)
            else:
                asked = dialect16.get_configuration([ONE_ALONE_16])
                answer = await self._call(identity, asked.action, asked.payload)
                said = dialect16.configuration(identity, [ONE_ALONE_16], answer).values.get(ONE_ALONE_16)
        except (Refused, Mismatch):
            return False
        return (said or "").strip().lower() == "true"

    async def _named(self, identity: str) -> Sequence[HashData] | None:
        """The roots that a station says it holds; ``None`` where it says that there are none."""
        is_2 = await self._speaks_2(identity)
        asked: Any = [ROOT_2] if is_2 else ROOT_16
        try:
            result = accepted(identity, SHOW, await self._call(identity, SHOW, {"certificateType": asked}))
        except Refused as error:
            raise Mismatch(
                f"{identity} does not say which certificates it holds ({error.status}).",
                identity=identity,
                hint="Install the root by its maker's way and use a profile without it, or move it by a visit.",
            ) from error
        status = status_of(result)
        if status == "NotFound":
            return None
        if status != "Accepted":
            raise refusal(identity, SHOW, status)
        return _listed_2(result.payload) if is_2 else _listed_16(result.payload)

    def _is_among(self, named: Sequence[HashData]) -> bool:
        own = {one: hash_data_of_root(self._root, one) for one in ALGORITHMS}
        return any(own[one.algorithm].is_same(one) for one in named if one.algorithm in own)

    async def write(self, identity: str, key: str, value: str) -> str:
        """InstallCertificate.  Raises ``Mismatch`` when the file holds another root than the plan was made with."""
        if value != print_of(self._root):
            raise Mismatch(
                f"{identity} was to be given the root {value[:16]}…, and [target] root holds {print_of(self._root)[:16]}… now.",
                identity=identity,
                hint=f"Put the file back, or plan again. {key} was not touched.",
            )
        kind = ROOT_2 if await self._speaks_2(identity) else ROOT_16
        payload = {"certificateType": kind, "certificate": pem_of(self._root)}
        return agreed(identity, INSTALL, await self._call(identity, INSTALL, payload))

    async def restart(self, identity: str, kind: Restart) -> None:
        raise Mismatch(
            f"{identity} is to be restarted ({kind.value}) by a certificate, which restarts nothing.",
            identity=identity,
            hint="Mend restart_via in its profile.",
        )

    async def _speaks_2(self, identity: str) -> bool:
        session = (await self._client.presence(identity)).on(self._side)
        return session is not None and session.protocol in VERSIONS_2

    async def _call(self, identity: str, action: str, payload: Mapping[str, Any]) -> Answer:
        return await self._client.inject(self._side, identity, action, payload, timeout_s=self._timeout_s)


def _listed_16(payload: Mapping[str, Any]) -> list[HashData]:
    return [found for one in list_of(payload.get("certificateHashData")) if (found := _hash_data(one))]


def _listed_2(payload: Mapping[str, Any]) -> list[HashData]:
    chains = [one for one in list_of(payload.get("certificateHashDataChain")) if isinstance(one, dict)]
    return [found for one in chains if (found := _hash_data(one.get("certificateHashData")))]


def _hash_data(entry: object) -> HashData | None:
    """One name of a certificate; what is no text names none."""
    if not isinstance(entry, dict):
        return None
    said = [entry.get(name) for name in ("hashAlgorithm", "issuerNameHash", "issuerKeyHash", "serialNumber")]
    if not all(isinstance(one, str) for one in said):
        return None
    algorithm, name, key, serial = map(str, said)
    return HashData(algorithm=algorithm.upper(), issuer_name_hash=name, issuer_key_hash=key, serial_number=serial)
