"""What treasurers do: propose payouts, approve, execute; for the command line and the console.

Law: whoever signs sees what he signs. A proposal's digest is made here, of what is shown; its
effects are asked of the chain from here; and a payout's root and sums are made anew from its lines.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from backend.access.payouts.lines import COLUMNS, Parties, PayoutLine, payout_id, read_csv
from backend.access.payouts.orders import PayoutOrders, Terms
from backend.access.texts import memo_of, ts_s_of
from backend.console.actions import Actions
from backend.console.amounts import amount_text, readable
from backend.console.errors import ActionError, PreparedWrong
from backend.console.posting import wait_for
from backend.deploying import LOCAL_TREASURERS, key_store
from backend.protocol.eip712 import Domain, ledger_domain
from backend.protocol.errors import NoTreasury
from backend.protocol.hashing import ZERO_DIGEST, Digest
from backend.protocol.proposals import Call, Proposal, cancellation_id, treasury_domain
from backend.protocol.signing import PrivateKey
from backend.protocol.types import (
    Address,
    address_from_text,
    address_text,
    digest_from_text,
    digest_text,
)
from backend.settlement.dry_run import DryRun
from causeway import Payout, PayoutReport
from causeway import Proposal as ShownProposal

FINISHED: Final = ("done", "failed")


class FileUnreadable(ActionError):
    """A file of payees can't be read as text."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} can't be read ({reason}). It has to be CSV in UTF-8.")


def read_file(path: Path) -> str:
    """Return the text of a file of payees. Raises FileUnreadable."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise FileUnreadable(path, (error.strerror or str(error)).lower()) from error
    except UnicodeDecodeError as error:
        raise FileUnreadable(path, f"byte {error.start} is no text in UTF-8") from error


@dataclass(frozen=True, slots=True)
class Checked:
    """A proposal as the platform shows it, and what the chain says that it would do."""

    shown: ShownProposal
    proposal: Proposal
    run: DryRun
    payout: Payout | None


class ApprovalActions:
    """Proposals and payouts, with the keys of treasurers who are here."""

    def __init__(self, actions: Actions) -> None:
        self._actions = actions
        self._client, self._deployment = actions.client, actions.deployment

    @property
    def treasury(self) -> Address:
        """The treasury's address. Raises NoTreasury."""
        if "Treasury" not in self._deployment.contracts:
            raise NoTreasury()
        return self._deployment.address("Treasury")

    @property
    def _domain(self) -> Domain:
        return treasury_domain(self._deployment.chain_id, self.treasury)

    def signer(self, name: str) -> PrivateKey:
        """Return the key of a treasurer: `treasurer-1` of a local chain, or anybody's here."""
        if name in LOCAL_TREASURERS:
            store = key_store(self._actions.settings)
            if name in store.names():
                return store.load(name)
        return self._actions.people.find(name).key

    # Payouts

    def run(
        self, path: Path, asset_name: str, *, proposer: str, owner: str | None = None
    ) -> Payout:
        """Take a file of payees in, and propose to pay it: the proposer signs at once. Another
        owner makes the payout's call himself. A repeat shows the payout that is there.
        """
        text = read_file(path)
        asset = self._actions.asset(asset_name)
        payouts = self._client.payouts
        if owner is not None:
            payer = address_from_text(owner, "owner")
            with readable(owner, asset):
                made = payouts.create(asset=asset.code, csv=text, owner=payer)
            self._check(made, text)
            self._check_asked(made, payer, asset.code)
            return made
        key = self.signer(proposer)
        with readable("treasury", asset):
            made = payouts.create(asset=asset.code, csv=text, proposer=key.address)
        self._check(made, text)
        self._check_asked(made, self.treasury, asset.code)
        if made.proposal_id is not None:
            self._sign_own(made, key)
        return made

    def show(self, found_id: str) -> Payout:
        """Return a payout; what its owner has to call is checked as long as it matters."""
        found = self._client.payouts.get(found_id)
        if found.status == "proposed" and found.proposal_id is None:
            self._check(found, None)
        return found

    def wait(self, found_id: str) -> Payout:
        """Wait until a payout has ended. Raises StillWaiting."""

        def look() -> Payout | None:
            found = self._client.payouts.get(found_id)
            return found if found.status in FINISHED else None

        return wait_for("the payout to end", look, self._actions.wait_s)

    def report(self, found_id: str, skipped_to: Path | None = None) -> PayoutReport:
        """Return a payout's sums; write its skipped lines to a file for the next payout."""
        report = self._client.payouts.report(found_id)
        if skipped_to is not None:
            payout = self._client.payouts.get(found_id)
            asset = self._actions.asset(payout.asset)
            with skipped_to.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(COLUMNS)
                for line in self._client.payouts.lines(found_id, status="skipped"):
                    amount = amount_text(asset, line.amount)
                    writer.writerow([line.payee, amount, line.memo, line.reference, found_id])
        return report

    # Proposals

    def look(self, proposal_id: str, path: Path | None = None) -> Checked:
        """Return a proposal that was checked: it is what its digest says; a payout's root is made
        of the payout's lines, and of those of the file, if there is one. Raises PreparedWrong.
        """
        shown = self._client.proposals.get(proposal_id)
        proposal = Proposal.from_message((shown.typed_data or {})["message"])
        if digest_text(proposal.digest(self._domain)) != shown.id or shown.id != proposal_id:
            raise PreparedWrong("another proposal")
        signed = (proposal.purpose, proposal.deadline)
        if signed != (memo_of(shown.purpose), ts_s_of(shown.deadline, "deadline")):
            raise PreparedWrong("another purpose or deadline than is signed")
        run = self._actions.dry_run(self.treasury, proposal.calls)
        payout = None
        if shown.kind == "payout":
            payout = self._payout_of(proposal, path)
        elif path is not None:
            raise PreparedWrong("no payout")
        return Checked(shown, proposal, run, payout)

    def approve(self, checked: Checked, signer: str) -> ShownProposal:
        """Approve what was looked at."""
        return self._approve(checked, self.signer(signer))

    def _approve(self, checked: Checked, key: PrivateKey) -> ShownProposal:
        digest = checked.proposal.digest(self._domain)
        signature = key.sign_digest(digest)
        return self._client.proposals.approve(
            checked.shown.id, signer=key.address, signature="0x" + signature.hex()
        )

    def cancel(self, proposal_id: str, signer: str | None = None) -> ShownProposal:
        """Cancel a proposal: by a signer's key on the chain, or without one while it is open."""
        if signer is None:
            return self._client.proposals.cancel(proposal_id)
        key = self.signer(signer)
        digest = cancellation_id(digest_from_text(proposal_id, "proposal_id"), self._domain)
        signature = "0x" + key.sign_digest(digest).hex()
        return self._client.proposals.cancel(proposal_id, [(key.address, signature)])

    def _sign_own(self, made: Payout, key: PrivateKey) -> None:
        """Sign the proposal of a payout that was checked: that one, and by its proposer alone."""
        checked = self.look(made.proposal_id or "")
        is_its = checked.payout is not None and checked.payout.root == made.root
        if not is_its or checked.proposal.proposer != key.address:
            raise PreparedWrong("another proposal than the payout's")
        signers = {one["signer"] for one in checked.shown.approvals or ()}
        is_open = checked.shown.status == "open"
        if is_open and address_text(key.address) not in signers:
            self._approve(checked, key)

    def _payout_of(self, proposal: Proposal, path: Path | None) -> Payout:
        payout = self._client.payouts.get(digest_text(proposal.purpose))
        self._check(payout, None if path is None else read_file(path))
        if address_from_text(payout.owner) != self.treasury:
            raise PreparedWrong("another owner's payout")
        if proposal.calls != (self._call(payout),):
            raise PreparedWrong("another call than the payout's")
        return payout

    def _call(self, payout: Payout) -> Call:
        rollup = self._deployment.rollup
        data = rollup.abi.call_data("authorizeOrders", digest_from_text(payout.root, "root"))
        return Call(Address(rollup.address), 0, data)

    def _check_asked(self, made: Payout, owner: Address, asset_code: str) -> None:
        if (address_from_text(made.owner), made.asset) != (owner, asset_code):
            raise PreparedWrong("a payout of another owner or asset")

    def _check(self, payout: Payout, text: str | None) -> None:
        """Make all that matters anew from the payout's lines, and the id from the file's text."""
        asset = self._actions.asset(payout.asset)
        token = address_from_text(asset.token)
        parties = Parties(address_from_text(payout.owner), address_from_text(payout.returns))
        pairs = self._lines(payout.id)
        terms = Terms(
            parties,
            token,
            asset.unit,
            payout.nonce_first,
            valid_until_ts_s(payout),
            payout.skip_fee,
        )
        domain = ledger_domain(self._deployment.chain_id, self._deployment.address("Rollup"))
        ids = {digest_text(payout_id(parties.owner, token, [line for line, _ in pairs]))}
        if text is not None:
            lines = read_csv(text, parties, asset.decimals, asset.unit)
            ids.add(digest_text(payout_id(parties.owner, token, lines)))
        root = digest_text(PayoutOrders(terms, pairs, domain).root)
        if ids != {payout.id} or root != payout.root:
            of_file = "" if text is None else ", or of other lines than your file"
            raise PreparedWrong(f"another payout{of_file}")
        fees = [fee for _, fee in pairs]
        sums = (len(pairs), sum(line.amount_minor for line, _ in pairs), sum(fees))
        if sums != (payout.line_count, payout.total, payout.fees):
            raise PreparedWrong("other sums than those of the payout's lines")
        if payout.skip_fee > min(fees):
            raise PreparedWrong("a line that is skipped costs more than one that is paid")
        if payout.call != self._call(payout).message():
            raise PreparedWrong("another call than the payout's")

    def _lines(self, found_id: str) -> Sequence[tuple[PayoutLine, int]]:
        return [
            (
                PayoutLine(
                    line.number,
                    address_from_text(line.payee),
                    line.amount,
                    line.memo,
                    line.reference,
                    Digest(digest_from_text(line.follows)) if line.follows else ZERO_DIGEST,
                ),
                line.fee,
            )
            for line in self._client.payouts.lines(found_id)
        ]


def valid_until_ts_s(payout: Payout) -> int:
    """Return until when the payout's orders are alive, in seconds."""
    return int(datetime.fromisoformat(payout.valid_until).timestamp())
