"""Customers' checks: the provider decides, the attestor signs, the register remembers.

Statuses: pending → approved | rejected → expired | revoked. Law: a provider's message never
decides by itself; it makes us ask the provider. A verdict that falls after an approval revokes it.
"""

import hashlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from starlette.concurrency import run_in_threadpool

from backend.access.ports import Attestor, Chain, KycProvider
from backend.access.settings import ApiSettings
from backend.protocol.errors import (
    ApplicantNotFound,
    KycExpired,
    KycRequired,
    KycRevoked,
)
from backend.protocol.types import Address
from backend.records.registers.applicants import Applicant, Applicants

# Applicants made again with the same key are the same applicant.
_NAMESPACE: Final = uuid.UUID("6f3f3c8e-6f0b-5d57-9a55-6b1c35d2a3c1")


class KycDesk:
    """Everything that happens to an applicant."""

    def __init__(
        self,
        applicants: Applicants,
        provider: KycProvider,
        attestor: Attestor,
        chain: Chain,
        settings: ApiSettings,
        clock_ms: Callable[[], int],
    ) -> None:
        self._applicants = applicants
        self._provider = provider
        self._attestor = attestor
        self._chain = chain
        self._settings = settings
        self._clock_ms = clock_ms

    async def apply(
        self, scope: str, external_id: str, person: bytes, details: Mapping[str, str]
    ) -> Applicant:
        """Begin a check. `scope` is the request's key: a repeat returns the same applicant."""
        applicant_id = f"app_{uuid.uuid5(_NAMESPACE, scope).hex}"
        reference = self._provider.start(applicant_id, external_id, details)
        ts_ms = self._clock_ms()
        applicant = Applicant(
            applicant_id,
            self._provider.name,
            reference,
            external_id,
            person,
            self._settings.kyc_level,
            "pending",
            (),
            ts_ms,
            ts_ms,
        )
        added = await run_in_threadpool(self._applicants.add, applicant)
        return await self._follow_provider(added)

    async def take_message(self, raw: bytes, headers: Mapping[str, str]) -> Applicant | None:
        """Take a provider's message; None if it is about nobody we know. A repeat changes nothing,
        whenever it comes, unless the first one was not dealt with.

        Raises SignatureInvalid or MalformedRequest.
        """
        provider = self._provider
        reference = provider.read_message(raw, headers)
        found = await run_in_threadpool(self._applicants.of_reference, provider.name, reference)
        if found is None:
            return None
        raw_sha256 = hashlib.sha256(raw).digest()
        if await run_in_threadpool(self._applicants.knows_event, provider.name, raw_sha256):
            return found
        provider.take_message(raw)
        applicant = await self._follow_provider(found)
        await run_in_threadpool(
            self._applicants.note_event, provider.name, raw_sha256, reference, self._clock_ms()
        )
        return applicant

    async def get(self, applicant_id: str) -> Applicant:
        """Return an applicant. Raises ApplicantNotFound."""
        found = await run_in_threadpool(self._applicants.get, applicant_id)
        if found is None:
            raise ApplicantNotFound(applicant_id)
        return found

    async def refreshed(self, applicant_id: str) -> Applicant:
        """Return an applicant, having asked the provider if nothing is decided yet."""
        found = await self.get(applicant_id)
        return await self._follow_provider(found) if found.status == "pending" else found

    async def revoke(self, applicant_id: str) -> Applicant:
        """Revoke an approval, here first and then on the chain. A repeat asks the chain again.

        Raises ApplicantNotFound, KycRequired if there is no approval, ChainUnavailable.
        """
        applicant = await self.get(applicant_id)
        if applicant.issued_ts_s is None:
            raise KycRequired()
        return await self._revoke(applicant, "revoked")

    async def approved(self, person: bytes) -> Applicant:
        """Return the approval that lets a person's deposits in.

        Raises KycRequired, KycExpired or KycRevoked, as the newest verdict says.
        """
        for applicant in await run_in_threadpool(self._applicants.of_person, person):
            status = self.status_of(applicant)
            if status == "approved" and applicant.level >= self._settings.kyc_level:
                return await self._attested(applicant)
            if status == "expired":
                raise KycExpired(applicant.expiry_ts_s or 0)
            if status == "revoked":
                raise KycRevoked()
            if status == "rejected":
                raise KycRequired()
        raise KycRequired()

    def evidence(self, applicant: Applicant) -> bytes:
        """Return what shows the chain an approval, as a deposit carries it."""
        return self._attestor.evidence(
            applicant.person,
            applicant.level,
            applicant.expiry_ts_s or 0,
            applicant.issued_ts_s or 0,
            applicant.signature or b"",
        )

    def status_of(self, applicant: Applicant) -> str:
        """Return an applicant's status now: an approval expires by itself."""
        is_over = (applicant.expiry_ts_s or 2**63) < self._clock_ms() // 1000
        return "expired" if applicant.status == "approved" and is_over else applicant.status

    async def _follow_provider(self, applicant: Applicant) -> Applicant:
        """Ask the provider, and do what its decision asks for."""
        result = await run_in_threadpool(self._provider.fetch, applicant.provider_reference)
        if applicant.revoked_ts_s is not None and applicant.revocation_tx_hash is None:
            applicant = await self._revoke_on_chain(applicant)  # it failed the last time
        if applicant.status == "revoked" or result is None or result.decision == applicant.status:
            return applicant
        if applicant.status == "approved":
            return await self._revoke(replace(applicant, reasons=result.reasons), result.decision)
        changed = replace(
            applicant,
            status=result.decision,
            reasons=result.reasons,
            updated_ts_ms=self._clock_ms(),
        )
        if result.decision == "approved":
            return await self._attest(changed)
        await run_in_threadpool(self._applicants.save, changed)
        return changed

    async def _attested(self, applicant: Applicant) -> Applicant:
        return applicant if applicant.signature is not None else await self._attest(applicant)

    async def _attest(self, applicant: Applicant) -> Applicant:
        """Sign the approval, all in L1 time: the registry refuses what is ahead of it."""
        l1_ts_s = await self._chain.latest_ts_s()
        earlier = await run_in_threadpool(self._applicants.of_person, applicant.person)
        last_ts_s = max(
            (max(one.issued_ts_s or 0, one.revoked_ts_s or 0) for one in earlier), default=0
        )
        issued_ts_s = max(l1_ts_s, last_ts_s + 1)
        expiry_ts_s = l1_ts_s + self._settings.kyc_validity_s
        changed = replace(
            applicant,
            issued_ts_s=issued_ts_s,
            expiry_ts_s=expiry_ts_s,
            revoked_ts_s=None,
            revocation_tx_hash=None,
            signature=self._attestor.attest(
                applicant.person, applicant.level, expiry_ts_s, issued_ts_s
            ),
        )
        await run_in_threadpool(self._applicants.save, changed)
        return changed

    async def _revoke(self, applicant: Applicant, status: str) -> Applicant:
        now_ts_ms = self._clock_ms()
        changed = replace(
            applicant,
            status=status,
            revoked_ts_s=applicant.revoked_ts_s or now_ts_ms // 1000,
            updated_ts_ms=now_ts_ms,
            signature=None,
        )
        await run_in_threadpool(self._applicants.save, changed)
        return await self._revoke_on_chain(changed)

    async def _revoke_on_chain(self, applicant: Applicant) -> Applicant:
        tx_hash = await self._chain.revoke_person(Address(applicant.person))
        # The registry counts in L1 time, which may be ahead of ours.
        revoked_ts_s = max(applicant.revoked_ts_s or 0, await self._chain.latest_ts_s())
        changed = replace(applicant, revocation_tx_hash=tx_hash, revoked_ts_s=revoked_ts_s)
        await run_in_threadpool(self._applicants.save, changed)
        return changed
