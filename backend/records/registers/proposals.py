"""Proposals and their approvals. Law: a signer's approval of a proposal is kept once."""

import json
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Engine, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from backend.protocol.proposals import Approval, Proposal
from backend.records.paging import Page, Part, read_page
from backend.records.tables.approvals import approvals, proposals

OPEN: Final = ("open", "approved", "scheduled")


def proposal_of(row: Any) -> Proposal:
    """Return what a row's signers sign."""
    return Proposal.from_message(json.loads(row.proposal))


class Proposals:
    """The register of proposals. Rows have the names of backend/records/tables/approvals.py."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, proposal: Proposal, values: dict[str, Any]) -> None:
        """Write a proposal; a repeat of its id keeps the first."""
        row = values | {"proposal": json.dumps(proposal.message())}
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(proposals).values(row))
        except IntegrityError:
            if self.get(values["id"]) is None:
                raise

    def get(self, proposal_id: bytes) -> Row[Any] | None:
        """Return a proposal."""
        query = select(proposals).where(proposals.c.id == proposal_id)
        with self._engine.connect() as connection:
            return connection.execute(query).first()

    def list(self, status: str | None, page: Page) -> Part:
        """Return proposals, the newest first."""
        query = select(proposals)
        if status is not None:
            query = query.where(proposals.c.status == status)
        with self._engine.connect() as connection:
            return read_page(connection, query, proposals.c.sequence, page)

    def all_open(self) -> Sequence[Row[Any]]:
        """Return all that may still be executed."""
        query = select(proposals).where(proposals.c.status.in_(OPEN))
        with self._engine.connect() as connection:
            return connection.execute(query.order_by(proposals.c.sequence)).all()

    def set_status(self, proposal_id: bytes, status: str, ts_ms: int) -> None:
        """Write how far a proposal has come."""
        self._update(proposal_id, status=status, updated_ts_ms=ts_ms)

    def set_tx_hash(self, proposal_id: bytes, tx_hash: bytes, ts_ms: int) -> None:
        """Write which transaction was sent last for a proposal."""
        self._update(proposal_id, tx_hash=tx_hash, updated_ts_ms=ts_ms)

    # Approvals

    def approve(
        self, proposal_id: bytes, approval: Approval, approver_key: str, ts_ms: int
    ) -> bool:
        """Keep an approval; return False if the signer's is there already."""
        values = {
            "proposal_id": proposal_id,
            "signer": approval.signer,
            "signature": approval.signature,
            "approver_key": approver_key,
            "created_ts_ms": ts_ms,
        }
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(approvals).values(values))
        except IntegrityError:
            return False
        return True

    def approvals(self, proposal_id: bytes) -> Sequence[Row[Any]]:
        """Return the approvals of a proposal, the oldest first."""
        query = select(approvals).where(approvals.c.proposal_id == proposal_id)
        with self._engine.connect() as connection:
            return connection.execute(query.order_by(approvals.c.created_ts_ms)).all()

    def _update(self, proposal_id: bytes, **values: Any) -> None:
        statement = update(proposals).where(proposals.c.id == proposal_id).values(**values)
        with self._engine.begin() as connection:
            connection.execute(statement)
