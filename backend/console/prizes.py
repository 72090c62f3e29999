"""What sponsors and winners do with prizes, for the command line and the console alike.

Law: whoever signs sees what he signs. The prize's id, root and sum are made here, of the file.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from backend.access.payouts.lines import Parties, PayoutLine, read_csv
from backend.access.prizes.terms import (
    entries_of,
    purse_orders,
    purse_terms,
    salt_of,
    terms_hash,
)
from backend.console.actions import Actions
from backend.console.amounts import fee_max_minor
from backend.console.approvals import read_file
from backend.console.errors import ActionError, PreparedWrong
from backend.console.people import Person, Who
from backend.console.posting import wait_for
from backend.console.prepared import check_sequence
from backend.protocol.eip712 import ledger_domain
from backend.protocol.hashing import Digest
from backend.protocol.money import to_base
from backend.protocol.prizes import PrizePayout, prize_id, prize_tree
from backend.protocol.types import Address, address_from_text, digest_from_text, digest_text
from backend.settlement.artifacts import artifact
from backend.settlement.chain import Contract
from causeway import Asset, PreparedPrize, Prize, PrizeEntry
from causeway.flows import FEE_SHARE

_DAY_S: Final = 24 * 3600


class NothingToClaim(ActionError):
    """Somebody has no entry that waits."""

    def __init__(self, person: str, found_id: str) -> None:
        super().__init__(
            f"Nothing waits for {person} in {found_id}. `causeway prize entries` shows who gets "
            "what, and what is paid."
        )


class ClaimRefused(ActionError):
    """The contract would refuse a claim now."""

    def __init__(self, obstacle: str) -> None:
        super().__init__(f"The claim would be refused now: {obstacle}. Nothing was sent.")


class EndsLater(ActionError):
    """The same list was prepared before, with a later end."""

    def __init__(self, ends_at: str) -> None:
        super().__init__(
            f"This list was prepared before, to end at {ends_at}: later than asked for. Ask for "
            "more days, or give it another text of terms."
        )


@dataclass(frozen=True, slots=True)
class PrizeWish:
    """A prize in people's words: `payout` is wallet, account or orders."""

    path: Path
    asset: str
    payout: str
    days: int = 30
    terms_text: str = ""
    fee_max: str | None = None  # of each order


class PrizeActions:
    """Prizes, with the keys of people who are here."""

    def __init__(self, actions: Actions) -> None:
        self._actions = actions

    @cached_property
    def _contract(self) -> Contract:
        others = (artifact(name).abi for name in ("Rollup", "KycRegistry", "Stablecoin"))
        abi = artifact("Prizes").abi.joined(*others)
        return Contract(self._actions.deployment.address("Prizes"), abi)

    # Sponsors

    def create(self, sponsor: Who, wish: PrizeWish) -> Prize:
        """Create a prize, paid in by the sponsor's wallet. The same file again shows the prize that
        is there, and pays nobody twice.

        Raises FileUnreadable, EndsLater, PreparedWrong, what sending raises.
        """
        text = read_file(wish.path)
        person, asset = self._actions.people.find(sponsor), self._actions.asset(wish.asset)
        end_ts_s = max(self._actions.l1_ts_s(), int(time.time())) + wish.days * _DAY_S
        prepared = self._actions.client.prizes.prepare(
            sponsor=person.address,
            asset=asset.code,
            payout=wish.payout,
            ends_at=str(end_ts_s),
            csv=text,
            terms_text=wish.terms_text,
        )
        expected, total_minor = self._expected(prepared, person, asset, wish, text, end_ts_s)
        if not prepared.transactions:
            return prepared.prize
        self._actions.fill_wallet(person, asset, total_minor)
        token = self._actions.deployment.token(asset.code)
        base = to_base(total_minor, asset.unit)
        approve = token.abi.call_data("approve", self._contract.address, base)
        check_sequence(prepared.transactions, token.address)
        for one in prepared.transactions:
            contract = token if one["purpose"] == "approve" else self._contract
            self._send(person, contract, one, approve if contract is token else expected)
        return self._wait(prepared.prize.id, "to be there", ("prepared",))

    def withdraw_rest(self, found_id: str) -> Prize:
        """Take back what nobody claimed in time, for the sponsor."""
        prize = self._actions.client.prizes.get(found_id)
        person = self._actions.people.find(prize.sponsor)
        (call,) = self._actions.client.prizes.prepare_call(found_id, "withdraw_rest").transactions
        data = self._contract.abi.call_data("withdrawRest", digest_from_text(found_id, "prize_id"))
        self._actions.fill_wallet(person, self._actions.asset(prize.asset), 0)
        self._send(person, self._contract, call, data)
        return self._actions.client.prizes.get(found_id)

    def wait(self, found_id: str) -> Prize:
        """Wait until a prize is paid out or lapsed. Raises StillWaiting."""
        return self._wait(found_id, "to end", ("prepared", "open", "over"))

    # Winners

    def claim(self, found_id: str, who: Who, sender: Who | None = None) -> list[PrizeEntry]:
        """Have a winner paid all his entries. Anyone may send it, by default he does. If his ledger
        account needs it, his check is put on the chain first.

        Raises NothingToClaim, ClaimRefused, PreparedWrong, what sending raises.
        """
        person = self._actions.people.find(who)
        sending = person if sender is None else self._actions.people.find(sender)
        asset = self._actions.asset(self._actions.client.prizes.get(found_id).asset)
        waiting = [one for one in self._entries(found_id, person) if one.status == "waiting"]
        if not waiting:
            raise NothingToClaim(str(person), found_id)
        self._actions.fill_wallet(sending, asset, 0)
        for entry in waiting:
            obstacle = entry.obstacle
            if obstacle is not None and obstacle.startswith("KycRequired("):
                self._actions.record_attestation(who, sending)
            elif obstacle is not None or entry.claim is None:
                raise ClaimRefused(obstacle or "it is paid in the ledger")
            self._send(sending, self._contract, entry.claim or {}, self._claim_data(entry, person))
        return self._entries(found_id, person)

    def _entries(self, found_id: str, person: Person) -> list[PrizeEntry]:
        return list(self._actions.client.prizes.entries(found_id, person=person.address))

    def _claim_data(self, entry: PrizeEntry, person: Person) -> bytes:
        proof = [digest_from_text(node, "proof") for node in entry.proof]
        words = (digest_from_text(entry.prize_id, "prize_id"), entry.index, person.address)
        return self._contract.abi.call_data("claim", *words, entry.amount, proof)

    def _wait(self, found_id: str, until: str, statuses: Sequence[str]) -> Prize:
        def look() -> Prize | None:
            found = self._actions.client.prizes.get(found_id)
            return None if found.status in statuses else found

        return wait_for(f"the prize {until}", look, self._actions.wait_s)

    # Checking

    def _send(
        self, person: Person, contract: Contract, transaction: dict[str, Any], expected: bytes
    ) -> None:
        """Send what was prepared if it is, or begins with, what was asked for."""
        to, data = address_from_text(transaction["to"]), bytes.fromhex(transaction["data"][2:])
        if to != contract.address or not data.startswith(expected):
            raise PreparedWrong(f"the {transaction['purpose']}")
        self._actions.send(person, contract, data, str(transaction["purpose"]))

    def _expected(
        self,
        prepared: PreparedPrize,
        sponsor: Person,
        asset: Asset,
        wish: PrizeWish,
        text: str,
        end_ts_s: int,
    ) -> tuple[bytes, int]:
        """Return how the creation's data begins by the file, and what has to be paid in."""
        prize, deployment = prepared.prize, self._actions.deployment
        payout, token = PrizePayout[wish.payout.upper()], address_from_text(asset.token)
        parties = Parties(sponsor.address, sponsor.address)
        lines = read_csv(text, parties, asset.decimals, asset.unit)
        hashed = terms_hash(lines, wish.terms_text)
        salt = salt_of(token, payout, hashed)
        found_id = prize_id(
            deployment.chain_id, Address(self._contract.address), sponsor.address, salt
        )
        deadline_ts_s = int(datetime.fromisoformat(prize.ends_at).timestamp())
        if prize.id != digest_text(found_id):
            raise PreparedWrong("another prize")
        if prepared.transactions and deadline_ts_s > end_ts_s:
            raise EndsLater(prize.ends_at)
        fees = [0] * len(lines)
        if payout == PrizePayout.ORDERS:
            fees = self._fees(prize, lines, fee_max_minor(asset, wish.fee_max))
            root = self._purse_root(found_id, sponsor.address, asset, deadline_ts_s, lines, fees)
        else:
            root = prize_tree(found_id, entries_of(lines)).root
        total_minor = sum(line.amount_minor for line in lines) + sum(fees)
        words = (asset.asset_id, payout, root, total_minor, deadline_ts_s, hashed, salt)
        data = self._contract.abi.call_data("createPrize", *words, b"")
        # What follows the words is evidence, which the gate checks.
        return data[: 4 + 32 * (len(words) + 1)], total_minor

    def _purse_root(
        self,
        found_id: Digest,
        sponsor: Address,
        asset: Asset,
        deadline_ts_s: int,
        lines: Sequence[PayoutLine],
        fees: Sequence[int],
    ) -> Digest:
        deployment, token = self._actions.deployment, address_from_text(asset.token)
        purse = Address(self._actions.read(self._contract, "purseOf", found_id))
        terms = purse_terms(purse, sponsor, token, asset.unit, deadline_ts_s)
        domain = ledger_domain(deployment.chain_id, deployment.address("Rollup"))
        _, orders = purse_orders(terms, list(zip(lines, fees, strict=True)), domain)
        return orders.root

    def _fees(self, prize: Prize, lines: Sequence[PayoutLine], limit: int | None) -> list[int]:
        """Return the fees of the orders, none above the limit: 1 % of its amount by default."""
        fees = [entry.fee for entry in self._actions.client.prizes.entries(prize.id)]
        if len(fees) != len(lines):
            raise PreparedWrong("another list")
        for line, fee in zip(lines, fees, strict=True):
            if fee > (line.amount_minor // FEE_SHARE if limit is None else limit):
                raise PreparedWrong(f"a fee of {fee} minor units in line {line.number}")
        return fees
