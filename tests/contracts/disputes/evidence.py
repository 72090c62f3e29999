"""Orders, and what answers a challenge with them, as the tuples that ape takes."""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.protocol.batches import CHUNK_SLOTS
from backend.protocol.hashing import ZERO_DIGEST
from backend.protocol.orders import PaymentOrder, WithdrawalOrder
from backend.protocol.types import ZERO_ADDRESS, address_from_text, address_text
from tests.contracts.disputes.book import PEOPLE, Book
from tests.contracts.disputes.proofs import chunk_proof, multiproof

FOREVER = 2**64 - 1


@dataclass(frozen=True)
class Answer:
    """IChallenges.Answer."""

    slot_number: int
    legs: Sequence[PaymentOrder | WithdrawalOrder] = ()
    leg: int = 0
    signature: bytes = b""
    root: bytes = ZERO_DIGEST
    proof: Sequence[bytes] = ()

    def tuple(self) -> tuple:
        legs = [_order_tuple(each) for each in self.legs]
        return self.slot_number, legs, self.leg, self.signature, self.root, list(self.proof)


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

    def signed(self, slot_number: int, *legs, leg: int = 0, signer: int | None = None) -> Answer:
        """An answer by the payer's signature, or another person's."""
        key = next(each for each in PEOPLE if each.address == legs[leg].payer)
        key = key if signer is None else PEOPLE[signer]
        signature = key.sign_digest(self.digest(legs[leg]))
        return Answer(slot_number, legs, leg, signature)

    def digest(self, order: PaymentOrder | WithdrawalOrder) -> bytes:
        return order.digest(self.book.operator.domain)

    def bond(self) -> int:
        return self.challenges.bond()

    def challenge(self, slot_number: int, sender, **options):
        """Challenge a slot of the batch; bond, batch and chunk may be others."""
        chunk = options.get("chunk", slot_number // CHUNK_SLOTS)
        return self.challenges.challenge(
            options.get("batch", self.book.batch),
            chunk_proof(self.book.chunks, chunk) if isinstance(chunk, int) else chunk,
            slot_number,
            sender=sender,
            value=options.get("value", self.bond()),
        )

    def answer(self, answers: Sequence[Answer], account_ids: Sequence[int], sender, **options):
        """Answer; these accounts are shown under the root of the chunk of the first."""
        arguments = self.answer_arguments(answers, account_ids, **options)
        return self.challenges.answer(*arguments, sender=sender)

    def answer_arguments(
        self, answers: Sequence[Answer], account_ids: Sequence[int], **options
    ) -> tuple:
        index = answers[0].slot_number // CHUNK_SLOTS
        return (
            options.get("batch", self.book.batch),
            options.get("chunk", chunk_proof(self.book.chunks, index)),
            options.get("accounts", multiproof(self.book.chunks[index].tree, account_ids)),
            [each.tuple() for each in answers],
        )

    def _token(self, i: int) -> bytes:
        return address_from_text(self.tokens[i].address)
