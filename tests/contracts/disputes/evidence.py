"""Orders, and what answers a challenge with them, as the tuples that ape takes."""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.protocol.batches import CHUNK_SLOTS
from backend.protocol.hashing import ZERO_DIGEST
from backend.protocol.orders import PaymentOrder, WithdrawalOrder
from backend.protocol.types import ZERO_ADDRESS, address_from_text, address_text
from tests.contracts.core import WINDOWS
from tests.contracts.disputes.book import PEOPLE, Book
from tests.contracts.disputes.proofs import chunk_proof, multiproof

FOREVER = 2**64 - 1


FIRST_ANSWER_GAS, LEG_GAS, NODE_GAS = 110_000, 97_000, 1_100


def pay_wei(legs: int, nodes: int = 0, *, is_first: bool = True) -> int:
    """Return what an answer earns at the floor of the gas price."""
    gas = is_first * FIRST_ANSWER_GAS + legs * LEG_GAS + nodes * NODE_GAS
    return gas * WINDOWS.gas_price_floor_wei


def mask(*slot_numbers: int) -> int:
    """Return the positions of these slots in their chunk: bit p is position p."""
    return sum(1 << each % CHUNK_SLOTS for each in slot_numbers)


@dataclass(frozen=True)
class Answer:
    """IChallenges.Answer; each authorisation is (signature, root, proof)."""

    slot_number: int
    legs: Sequence[PaymentOrder | WithdrawalOrder] = ()
    authorisations: Sequence[tuple[bytes, bytes, list[bytes]]] = ()

    def tuple(self) -> tuple:
        return self.slot_number, [_order_tuple(each) for each in self.legs], self.authorisations


def by_signature(signature: bytes) -> tuple[bytes, bytes, list[bytes]]:
    return signature, ZERO_DIGEST, []


def by_root(root: bytes, proof: Sequence[bytes]) -> tuple[bytes, bytes, list[bytes]]:
    return b"", root, list(proof)


def _order_tuple(order: PaymentOrder | WithdrawalOrder) -> tuple:
    """Return Orders.PaymentOrder; a withdrawal is written as a payment to nobody."""
    payee, memo, link = ZERO_ADDRESS, ZERO_DIGEST, ZERO_DIGEST
    if isinstance(order, PaymentOrder):
        payee, memo, link = order.payee, order.memo, order.link
    parties = (address_text(each) for each in (order.payer, payee, order.asset))
    return (*parties, order.amount, order.fee, order.nonce, order.valid_until, memo, link)


@dataclass(frozen=True)
class Desk:
    """Makes orders of people, signs them, challenges and answers."""

    challenges: object
    book: Book
    tokens: Sequence[object]

    def payment(self, payer: int, payee: int, amount: int, nonce: int, **more) -> PaymentOrder:
        """An order of person `payer` to person `payee`, in the first token."""
        return PaymentOrder(
            PEOPLE[payer].address,
            PEOPLE[payee].address,
            self._token(0),
            amount,
            more.get("fee", 0),
            nonce,
            more.get("valid_until", FOREVER),
            more.get("memo", ZERO_DIGEST),
        )

    def withdrawal(self, payer: int, amount: int, nonce: int, **more) -> WithdrawalOrder:
        valid_until = more.get("valid_until", FOREVER)
        return WithdrawalOrder(
            PEOPLE[payer].address, self._token(0), amount, more.get("fee", 0), nonce, valid_until
        )

    def signed(self, slot_number: int, *legs, signer: int | None = None) -> Answer:
        """An answer by the payers' signatures, or another person's."""
        return Answer(slot_number, legs, [self._signed(each, signer) for each in legs])

    def _signed(self, order, signer: int | None) -> tuple:
        key = next(each for each in PEOPLE if each.address == order.payer)
        key = key if signer is None else PEOPLE[signer]
        return by_signature(key.sign_digest(self.digest(order)))

    def digest(self, order: PaymentOrder | WithdrawalOrder) -> bytes:
        return order.digest(self.book.operator.domain)

    def bond(self, count: int = 1) -> int:
        return self.challenges.bond(count)

    def challenge(self, slot_numbers: int | Sequence[int], sender, **options):
        """Challenge slots of a chunk of the batch; bond, batch and chunk may be others."""
        slots = [slot_numbers] if isinstance(slot_numbers, int) else slot_numbers
        chunk = options.get("chunk", slots[0] // CHUNK_SLOTS)
        return self.challenges.challenge(
            options.get("batch", self.book.batch),
            chunk_proof(self.book.chunks, chunk) if isinstance(chunk, int) else chunk,
            mask(*slots),
            sender=sender,
            value=options.get("value", self.bond(len(slots))),
        )

    def answer(self, answers: Sequence[Answer], account_ids: Sequence[int], sender, **options):
        """Answer; these accounts are shown under the root of the chunk of the first."""
        arguments = self.answer_arguments(answers, account_ids, **options)
        return self.challenges.answer(*arguments, sender=sender)

    def answer_arguments(
        self, answers: Sequence[Answer], account_ids: Sequence[int], **options
    ) -> tuple:
        """`challenged` is what the challenge goes by: else the slot of the first answer."""
        slot_number = options.get("challenged", answers[0].slot_number)
        index = slot_number // CHUNK_SLOTS
        return (
            options.get("batch", self.book.batch),
            options.get("chunk", chunk_proof(self.book.chunks, index)),
            options.get("accounts", multiproof(self.book.chunks[index].tree, account_ids)),
            slot_number,
            [each.tuple() for each in answers],
        )

    def _token(self, i: int) -> bytes:
        return address_from_text(self.tokens[i].address)
