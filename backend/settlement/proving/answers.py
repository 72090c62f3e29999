"""Challenges of who authorised an operation, and their answers (docs/PROTOCOL.md, section 9, 5).

Law: `objection` is None exactly if L1 takes the answer that `answer` makes of the same evidence.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass
from typing import Final

from backend.protocol.authorised import PROOF_NODES_MAX
from backend.protocol.batches import CHUNK_SLOTS, positions_of, slot_number
from backend.protocol.eip712 import Domain
from backend.protocol.errors import (
    GroupInvalid,
    InvariantViolated,
    PaymentError,
    check_invariant,
)
from backend.protocol.evidence import Evidence
from backend.protocol.hashing import ZERO_DIGEST, Digest
from backend.protocol.money import AMOUNT_MINOR_MAX
from backend.protocol.operations import SLOT_BYTES, Payment, Withdrawal
from backend.protocol.order_records import (
    AuthorisedOrder,
    OrderGroup,
    OrderRecord,
    RootedOrder,
    authorised_orders,
)
from backend.protocol.orders import Order, PaymentOrder
from backend.protocol.types import ZERO_ADDRESS, AccountId, Address, Asset, Leaf
from backend.settlement.proving.proofs import Arguments, chunk_proof, multiproof
from backend.settlement.proving.replay import ReplayedBatch

_NO_FEE_BYTE: Final = 0
_LEGS_MAX: Final = 16
"""Shown by one transaction. A challenge may ask for all of a chunk's 64 slots: with the longest
proofs they are above what a transaction may hold."""
_FIRST_ANSWER_GAS: Final = 110_000
_LEG_GAS: Final = 97_000 + PROOF_NODES_MAX * 1_100
_BOND_FACTOR: Final = 2
_GROUP_LEGS_MAX: Final = 8


@dataclass(frozen=True, slots=True)
class Authority:
    """What L1 knows of who authorised what.

    `has_root` says whether the owner authorised the orders under a root, `may_sweep` whether an
    exit lets the owner's account be swept in a batch of this timestamp.
    """

    domain: Domain
    assets: Mapping[int, Asset]
    has_root: Callable[[Address, Digest], bool]
    may_sweep: Callable[[AccountId, Address, int], bool]


def bond_wei(count: int, price_wei: int) -> int:
    """Return the least bond of a challenge of so many slots. What `Challenges.bond` answers won't
    do: nodes take the base fee for 0 in a call that names no gas price."""
    legs = min(count, CHUNK_SLOTS // _GROUP_LEGS_MAX) * _GROUP_LEGS_MAX
    return _BOND_FACTOR * (_FIRST_ANSWER_GAS + legs * _LEG_GAS) * price_wei


def challenge(batch: ReplayedBatch, slots: Iterable[int]) -> Arguments:
    """Return the arguments of Challenges.challenge for slots of one chunk, by their numbers in the
    batch."""
    slots = sorted(slots)
    index = _chunk_of(slots)
    return batch.posted.accepted.arguments(), _chunk_proof(batch, index), positions_of(slots)


def unanswerable(
    batch: ReplayedBatch, evidence: Mapping[int, Evidence], authority: Authority
) -> Iterator[tuple[int, str]]:
    """Yield the slot of each payment and withdrawal that nothing in `evidence` answers for, and
    what doesn't fit: these are to be challenged."""
    for index in range(len(batch.chunks)):
        accounts = _Accounts(batch, index)
        for position in accounts.ordered:
            slot = slot_number(index, position)
            found = evidence.get(slot)
            reason: str | None = "nothing is known of it"
            if found is not None:
                reason = accounts.objection(position, found, authority)
            if reason is not None:
                yield slot, reason


def answer(batch: ReplayedBatch, challenged: int, evidence: Mapping[int, Evidence]) -> Arguments:
    """Return the arguments of Challenges.answer, in the challenge that goes by the slot
    `challenged`, for slots of its chunk."""
    index = _chunk_of([challenged, *evidence])
    ordered = _Accounts(batch, index).ordered
    records = _records(evidence)
    shown = set[AccountId]()
    for first, record in records.items():
        for slot in range(first, first + _leg_count(record)):
            shown |= _accounts_of(ordered.get(slot - index * CHUNK_SLOTS))
    return (
        batch.posted.accepted.arguments(),
        _chunk_proof(batch, index),
        multiproof(batch.trees[index], shown),
        challenged,
        [_answer(first, record) for first, record in records.items()],
    )


def answers(
    batch: ReplayedBatch, challenged: int, evidence: Mapping[int, Evidence]
) -> Iterator[Arguments]:
    """Yield the arguments of as many calls of Challenges.answer as it takes."""
    part: dict[int, Evidence] = {}
    for slot, found in sorted(evidence.items()):
        longer = part | {slot: found}
        if part and sum(map(_leg_count, _records(longer).values())) > _LEGS_MAX:
            yield answer(batch, challenged, part)
            longer = {slot: found}
        part = longer
    if part:
        yield answer(batch, challenged, part)


def objection(
    batch: ReplayedBatch, slot: int, evidence: Evidence, authority: Authority
) -> str | None:
    """Return what of the evidence doesn't answer for the operation in a slot; None if all does."""
    index, position = divmod(slot, CHUNK_SLOTS)
    return _Accounts(batch, index).objection(position, evidence, authority)


class _Accounts:
    """A chunk's payments and withdrawals by position, and the accounts after the chunk."""

    def __init__(self, batch: ReplayedBatch, index: int) -> None:
        self.timestamp = batch.posted.header.timestamp
        self.slots = batch.chunks[index].slots
        self.tree = batch.trees[index]
        self.ordered: dict[int, Payment | Withdrawal] = {
            position: operation
            for position, operation in batch.chunks[index].operations()
            if isinstance(operation, Payment | Withdrawal)
        }
        self._judged: dict[tuple[int, OrderRecord], str | None] = {}

    def objection(self, position: int, evidence: Evidence, authority: Authority) -> str | None:
        """Return what of the evidence doesn't answer for the operation at a position."""
        record, leg = evidence.record, evidence.leg
        if record is None:
            return self._objection_to_sweep(position, authority)
        if not 0 <= leg < len(record.orders):
            return "leg"
        key = position - leg, record
        if key not in self._judged:
            self._judged[key] = self._objection_to_record(*key, authority)
        return self._judged[key]

    def _objection_to_record(
        self, first: int, record: OrderRecord, authority: Authority
    ) -> str | None:
        try:
            link = _link_of(record)
        except GroupInvalid:
            return "group"
        for place, order in enumerate(record.orders, first):
            field = self._misfit(place, order, link, authority.assets)
            if field is not None:
                return field
        legs = authorised_orders(record)
        is_authorised = all(_is_authorised(each, authority) for each in legs)
        return None if is_authorised else "authorisation"

    def _misfit(
        self, position: int, order: Order, link: Digest, assets: Mapping[int, Asset]
    ) -> str | None:
        """Return the first field of the order that isn't what the slot executed."""
        operation = self.ordered.get(position)
        if operation is None:
            return "slot"
        payer = self._leaf(operation.payer)
        asset = assets.get(payer.asset_id)
        if asset is None:
            return "asset"
        # The leaf counts what the payer did to the chunk's end; the order was signed before.
        nonce = payer.nonce - self._count_from(position, operation.payer)
        fits = {
            "payer": payer.owner,
            "asset": asset.token,
            "amount": operation.amount_minor * asset.unit,
            "fee": operation.fee_minor * asset.unit,
            "nonce": nonce,
            "valid_until": max(order.valid_until, self.timestamp),
        }
        if isinstance(operation, Payment):
            fits |= {"payee": self._leaf(operation.payee).owner, "link": link}
        for field, value in fits.items():
            if getattr(order, field, None) != value:
                return field
        is_kind = isinstance(order, PaymentOrder) == isinstance(operation, Payment)
        return None if is_kind else "payee"

    def _objection_to_sweep(self, position: int, authority: Authority) -> str | None:
        """Return why no exit authorises the operation in the slot."""
        operation = self.ordered.get(position)
        if not isinstance(operation, Withdrawal):
            return "slot"
        payer_id = operation.payer
        payer = self._leaf(payer_id)
        if self.slots[position * SLOT_BYTES + SLOT_BYTES - 1] != _NO_FEE_BYTE:
            return "fee"
        if self._count_from(0, payer_id) != 1:
            return "another operation"
        if operation.amount_minor != AMOUNT_MINOR_MAX and payer.balance_minor:
            return "amount"
        return None if authority.may_sweep(payer_id, payer.owner, self.timestamp) else "exit"

    def _count_from(self, position: int, payer_id: AccountId) -> int:
        """Return how many operations the account pays from a position to the chunk's end."""
        places = self.ordered.items()
        return sum(each.payer == payer_id for place, each in places if place >= position)

    def _leaf(self, account_id: AccountId) -> Leaf:
        leaf = self.tree.leaf(account_id)
        if leaf is None:
            raise InvariantViolated(f"a valid chunk names account {account_id}, which isn't open")
        return leaf


def _link_of(record: OrderRecord) -> Digest:
    """Return the link that each order of the record has to bear. Raises GroupInvalid."""
    if not isinstance(record, OrderGroup):
        return ZERO_DIGEST
    record.check()
    return record.link


def _is_authorised(authorised: AuthorisedOrder, authority: Authority) -> bool:
    order = authorised.order
    if isinstance(authorised, RootedOrder):
        is_known = authority.has_root(order.payer, authorised.root)
        return is_known and authorised.is_proven(order.digest(authority.domain))
    try:
        return authorised.signer(authority.domain) == order.payer
    except PaymentError:
        return False


def _accounts_of(operation: Payment | Withdrawal | None) -> set[AccountId]:
    """Return the accounts of the ledger that an answer for the operation shows."""
    match operation:
        case Payment(payer, payee):
            return {payer, payee}
        case Withdrawal(payer):
            return {payer}
        case None:
            return set()


def _records(evidence: Mapping[int, Evidence]) -> dict[int, OrderRecord | None]:
    """Return each record once, by the slot of its first leg."""
    return {slot - found.leg: found.record for slot, found in sorted(evidence.items())}


def _leg_count(record: OrderRecord | None) -> int:
    return 1 if record is None else len(record.orders)


def _chunk_of(slots: Iterable[int]) -> int:
    index, *others = {slot // CHUNK_SLOTS for slot in slots}
    check_invariant(not others, "slots of several chunks", slots=sorted(slots))
    return index


def _chunk_proof(batch: ReplayedBatch, index: int) -> Arguments:
    return chunk_proof(batch.chunks[index], batch.posted.chunk_hashes, index)


def _answer(slot: int, record: OrderRecord | None) -> Arguments:
    """Return the struct Answer."""
    if record is None:
        return slot, [], []
    legs = [_leg(order) for order in record.orders]
    return slot, legs, [_authorisation(each) for each in authorised_orders(record)]


def _authorisation(authorised: AuthorisedOrder) -> Arguments:
    """Return the struct Authorisation."""
    if isinstance(authorised, RootedOrder):
        return b"", authorised.root, list(authorised.proof)
    return authorised.signature, ZERO_DIGEST, []


def _leg(order: Order) -> Arguments:
    """Return the struct PaymentOrder; a withdrawal is a payment to nobody."""
    if isinstance(order, PaymentOrder):
        return astuple(order)
    to_nobody = PaymentOrder(
        order.payer,
        ZERO_ADDRESS,
        order.asset,
        order.amount,
        order.fee,
        order.nonce,
        order.valid_until,
    )
    return astuple(to_nobody)
