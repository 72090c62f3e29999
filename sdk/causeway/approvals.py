"""Proposals and payouts: models, and the resources of both clients."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from causeway.models import Model
from causeway.resource import AsyncResource, Resource
from causeway.signing import Address, address_text, to_text
from causeway.transport import Request, parsed, post


@dataclass(frozen=True)
class Proposal(Model):
    """Calls that the treasury's signers approve. In lists, what the chain says is left out."""

    id: str
    status: str
    kind: str
    purpose: str
    proposer: str
    calls: list[dict[str, Any]]
    deadline: str
    tx_hash: str | None
    needs: dict[str, Any] | None
    weight: "int"
    approvals: list[dict[str, Any]] | None
    ready_at: str | None
    dry_run: dict[str, Any] | None
    typed_data: dict[str, Any] | None
    cancellation_typed_data: dict[str, Any] | None

    @property
    def weight_needed(self) -> int:
        """How much its approvals have to weigh; 0 if that is not known."""
        return int((self.needs or {}).get("weight", 0))


@dataclass(frozen=True)
class Payout(Model):
    """Many payments of one owner: proposed, paying, done, or failed."""

    id: str
    status: str
    owner: str
    asset: str
    line_count: "int"
    total: "int"
    fees: "int"
    paid_count: "int"
    paid_total: "int"
    skipped_count: "int"
    root: str
    nonce_first: "int"
    returns: str
    skip_fee: "int"
    call: dict[str, Any]
    proposal_id: str | None
    valid_until: str


@dataclass(frozen=True)
class PayoutLine(Model):
    """One payee: waiting, skipping, paid, or skipped with a `code`."""

    index: "int"
    number: "int"
    payee: str
    amount: "int"
    fee: "int"
    memo: str
    reference: str
    follows: str | None
    status: str
    code: str | None
    order_id: str | None


@dataclass(frozen=True)
class PayoutReport(Model):
    """The sums of a payout."""

    id: str
    status: str
    paid: dict[str, Any]
    skipped: dict[str, Any]
    waiting: dict[str, Any]


def _signer(signer: Address) -> str:
    return signer if isinstance(signer, str) else to_text(signer)


def _proposal(
    proposer: Address,
    calls: Iterable[Mapping[str, Any]],
    purpose: str,
    deadline: str | None,
    key: str | None,
) -> Request:
    body = {"proposer": _signer(proposer), "calls": [*calls], "purpose": purpose}
    if deadline is not None:
        body["deadline"] = deadline
    return post("/v1/proposals", body, key=key)


def _approval(proposal_id: str, signer: Address, signature: Address, key: str | None) -> Request:
    body = {"signer": _signer(signer), "signature": _signer(signature)}
    return post(f"/v1/proposals/{proposal_id}/approvals", body, key=key)


def _cancellation(
    proposal_id: str, approvals: Iterable[tuple[Address, Address]], key: str | None
) -> Request:
    shown = [
        {"signer": _signer(signer), "signature": _signer(signature)}
        for signer, signature in approvals
    ]
    return post(f"/v1/proposals/{proposal_id}/cancel", {"approvals": shown}, key=key)


def _payout(
    asset: str,
    csv: str | None,
    lines: Sequence[Mapping[str, str]] | None,
    proposer: Address | None,
    owner: Address | None,
    key: str | None,
) -> Request:
    body: dict[str, Any] = {"asset": asset}
    if csv is not None:
        body["csv"] = csv
    if lines is not None:
        body["lines"] = [dict(line) for line in lines]
    if proposer is not None:
        body["proposer"] = _signer(proposer)
    if owner is not None:
        body["owner"] = address_text(owner)
    return post("/v1/payouts", body, key=key)


class Proposals(Resource):
    """What the treasury shall do."""

    def create(
        self,
        *,
        proposer: Address,
        calls: Iterable[Mapping[str, Any]],
        purpose: str,
        deadline: str | None = None,
        idempotency_key: str | None = None,
    ) -> Proposal:
        """Propose calls ({"target", "value", "data"}); `proposer` is a signer, who signs too."""
        request = _proposal(proposer, calls, purpose, deadline, idempotency_key)
        return self._client.run(parsed(Proposal.parse, request))

    def get(self, proposal_id: str) -> Proposal:
        """Get a proposal as the chain has it now. Raises NotFound."""
        return self._client.get(Proposal, f"/v1/proposals/{proposal_id}")

    def list(self, *, status: str | None = None) -> Iterator[Proposal]:
        """Iterate over proposals, the newest first."""
        return self._client.pages(Proposal, "/v1/proposals", {"status": status})

    def approve(
        self,
        proposal_id: str,
        *,
        signer: Address,
        signature: Address,
        idempotency_key: str | None = None,
    ) -> Proposal:
        """Hand in a signer's signature of the proposal's typed data."""
        request = _approval(proposal_id, signer, signature, idempotency_key)
        return self._client.run(parsed(Proposal.parse, request))

    def execute(self, proposal_id: str, *, idempotency_key: str | None = None) -> Proposal:
        """Have an approved proposal executed, or scheduled. It is executed once."""
        request = post(f"/v1/proposals/{proposal_id}/execute", {}, key=idempotency_key)
        return self._client.run(parsed(Proposal.parse, request))

    def cancel(
        self,
        proposal_id: str,
        approvals: Iterable[tuple[Address, Address]] = (),
        *,
        idempotency_key: str | None = None,
    ) -> Proposal:
        """End a proposal, by (signer, signature) of its cancellation once it is approved."""
        request = _cancellation(proposal_id, approvals, idempotency_key)
        return self._client.run(parsed(Proposal.parse, request))


class Payouts(Resource):
    """Many payments by one approval."""

    def create(
        self,
        *,
        asset: str,
        csv: str | None = None,
        lines: Sequence[Mapping[str, str]] | None = None,
        proposer: Address | None = None,
        owner: Address | None = None,
        idempotency_key: str | None = None,
    ) -> Payout:
        """Take a payout in: a CSV text, or lines in minor units. A repeat pays nobody twice."""
        request = _payout(asset, csv, lines, proposer, owner, idempotency_key)
        return self._client.run(parsed(Payout.parse, request))

    def get(self, payout_id: str) -> Payout:
        """Get a payout. Raises NotFound."""
        return self._client.get(Payout, f"/v1/payouts/{payout_id}")

    def list(self) -> Iterator[Payout]:
        """Iterate over payouts, the newest first."""
        return self._client.pages(Payout, "/v1/payouts", {})

    def lines(self, payout_id: str, *, status: str | None = None) -> Iterator[PayoutLine]:
        """Iterate over a payout's lines in the order of its file."""
        path = f"/v1/payouts/{payout_id}/lines"
        return self._client.pages(PayoutLine, path, {"status": status})

    def report(self, payout_id: str) -> PayoutReport:
        """Get the sums of a payout."""
        return self._client.get(PayoutReport, f"/v1/payouts/{payout_id}/report")

    def cancel(self, payout_id: str, *, idempotency_key: str | None = None) -> Payout:
        """Give a payout of another owner than the treasury up."""
        request = post(f"/v1/payouts/{payout_id}/cancel", {}, key=idempotency_key)
        return self._client.run(parsed(Payout.parse, request))


class AsyncProposals(AsyncResource):
    """What the treasury shall do."""

    async def create(
        self,
        *,
        proposer: Address,
        calls: Iterable[Mapping[str, Any]],
        purpose: str,
        deadline: str | None = None,
        idempotency_key: str | None = None,
    ) -> Proposal:
        """Propose calls ({"target", "value", "data"}); `proposer` is a signer, who signs too."""
        request = _proposal(proposer, calls, purpose, deadline, idempotency_key)
        return await self._client.run(parsed(Proposal.parse, request))

    async def get(self, proposal_id: str) -> Proposal:
        """Get a proposal as the chain has it now. Raises NotFound."""
        return await self._client.get(Proposal, f"/v1/proposals/{proposal_id}")

    def list(self, *, status: str | None = None) -> AsyncIterator[Proposal]:
        """Iterate over proposals, the newest first."""
        return self._client.pages(Proposal, "/v1/proposals", {"status": status})

    async def approve(
        self,
        proposal_id: str,
        *,
        signer: Address,
        signature: Address,
        idempotency_key: str | None = None,
    ) -> Proposal:
        """Hand in a signer's signature of the proposal's typed data."""
        request = _approval(proposal_id, signer, signature, idempotency_key)
        return await self._client.run(parsed(Proposal.parse, request))

    async def execute(self, proposal_id: str, *, idempotency_key: str | None = None) -> Proposal:
        """Have an approved proposal executed, or scheduled. It is executed once."""
        request = post(f"/v1/proposals/{proposal_id}/execute", {}, key=idempotency_key)
        return await self._client.run(parsed(Proposal.parse, request))

    async def cancel(
        self,
        proposal_id: str,
        approvals: Iterable[tuple[Address, Address]] = (),
        *,
        idempotency_key: str | None = None,
    ) -> Proposal:
        """End a proposal, by (signer, signature) of its cancellation once it is approved."""
        request = _cancellation(proposal_id, approvals, idempotency_key)
        return await self._client.run(parsed(Proposal.parse, request))


class AsyncPayouts(AsyncResource):
    """Many payments by one approval."""

    async def create(
        self,
        *,
        asset: str,
        csv: str | None = None,
        lines: Sequence[Mapping[str, str]] | None = None,
        proposer: Address | None = None,
        owner: Address | None = None,
        idempotency_key: str | None = None,
    ) -> Payout:
        """Take a payout in: a CSV text, or lines in minor units. A repeat pays nobody twice."""
        request = _payout(asset, csv, lines, proposer, owner, idempotency_key)
        return await self._client.run(parsed(Payout.parse, request))

    async def get(self, payout_id: str) -> Payout:
        """Get a payout. Raises NotFound."""
        return await self._client.get(Payout, f"/v1/payouts/{payout_id}")

    def list(self) -> AsyncIterator[Payout]:
        """Iterate over payouts, the newest first."""
        return self._client.pages(Payout, "/v1/payouts", {})

    def lines(self, payout_id: str, *, status: str | None = None) -> AsyncIterator[PayoutLine]:
        """Iterate over a payout's lines in the order of its file."""
        path = f"/v1/payouts/{payout_id}/lines"
        return self._client.pages(PayoutLine, path, {"status": status})

    async def report(self, payout_id: str) -> PayoutReport:
        """Get the sums of a payout."""
        return await self._client.get(PayoutReport, f"/v1/payouts/{payout_id}/report")

    async def cancel(self, payout_id: str, *, idempotency_key: str | None = None) -> Payout:
        """Give a payout of another owner than the treasury up."""
        request = post(f"/v1/payouts/{payout_id}/cancel", {}, key=idempotency_key)
        return await self._client.run(parsed(Payout.parse, request))
