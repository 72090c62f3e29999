"""What proofs, challenges and answers cost at worst, and how large the contracts are.

- the dearest of each kind → as in tests/gas_snapshot.json, within half of what a transaction may
  use (EIP-7825), also at 64 gas for a byte of calldata; within what nodes pass on
- each kind of answer, of accounts far apart → uses no more than it earns, and earns little more
  than it uses; of two accounts → as in the snapshot
- runtime code stays below 20,000 bytes
"""

import random

import pytest

from backend.protocol.hashing import keccak
from backend.protocol.operations import OpenAccount, Payment, slot
from backend.protocol.orders import PaymentOrder, WithdrawalOrder, linked
from backend.protocol.signing import PrivateKey
from backend.protocol.state_tree import StateTree
from backend.protocol.types import (
    BRIDGE,
    BRIDGE_OWNER,
    Leaf,
    address_from_text,
    fee_account_id,
)
from tests.contracts.core import WINDOWS
from tests.contracts.disputes.book import PEOPLE
from tests.contracts.disputes.evidence import FOREVER, Answer, by_root, by_signature
from tests.contracts.disputes.test_dispute_data import blobs_for, post_blobs, proof_of  # noqa: F401
from tests.contracts.disputes.test_dispute_equivocation import BLOCK, OTHER, encoded

pytestmark = pytest.mark.usefixtures("first_book")

RUNTIME_SIZE_BYTES_MAX = 20_000
GAS_MAX = 2**23
TRANSACTION_BYTES_MAX = 131_072
ENVELOPE_BYTES_MAX = 300  # of a transaction besides its calldata
ANSWER_LEGS_MAX = 16  # in one answer of our own
PAY_FACTOR_MAX = 1.6
FEE_ASSETS = (0x1111, 0x5111, 0x9111, 0xD111)
FEE_BYTE = 31 << 3 | 7
FEE_MINOR = 310_000_000


class Crowd:
    """Accounts as far from one another as can be, and no empty subtree beside their paths."""

    def __init__(self, count, owner_of, asset_of):
        self.random = random.Random(count)
        bits = (count - 1).bit_length()
        spread = 32 - bits
        self.ids = [i << spread | self.random.randrange(2, 2**spread) for i in range(count)]
        self.random.shuffle(self.ids)
        self.leaves = {
            each: Leaf(owner_of(i), asset_of(i), 2**62 + i, 2**62 + self.random.randrange(2**40))
            for i, each in enumerate(self.ids)
        }

    def owner(self):
        return bytes(self.random.randrange(1, 256) for _ in range(20))

    def tree(self, **more):
        """Return the tree of these accounts, and of one in each subtree beside their paths."""
        leaves = self.leaves | more.get("leaves", {})
        filled = {}
        for each in leaves:
            for level in range(32):
                place = (each >> level ^ 1) << level
                filled[place | self.random.randrange(2**level)] = Leaf(self.owner(), 1, 1, 1)
        return StateTree({BRIDGE: Leaf(BRIDGE_OWNER, 0, 2**40, 0)} | filled | leaves)


def within(function, arguments, receipt, gas_max=GAS_MAX):
    """The transaction can be sent, today and if a byte of calldata costs 64 gas."""
    size_bytes = len(function.encode_input(*arguments))
    assert size_bytes + ENVELOPE_BYTES_MAX <= TRANSACTION_BYTES_MAX
    assert receipt.gas_used <= gas_max
    assert 21_000 + 64 * size_bytes <= gas_max


def test_deploy__runtime_size__holds(chain, disputes, challenges):
    for contract in (disputes, challenges):
        assert len(chain.provider.get_code(contract.address)) <= RUNTIME_SIZE_BYTES_MAX


def test_prove_invalid_chunk__gas__holds(gas_snapshot, disputes, prover, book):
    """64 payments with fees to four accounts: 132 accounts, of which no two are near."""
    crowd = Crowd(128, lambda i: keccak(bytes([i]))[:20], lambda i: FEE_ASSETS[i // 2 % 4])
    fee_accounts = {
        fee_account_id(each): Leaf(keccak(each.to_bytes(2))[:20], each, 2**62, 2**62)
        for each in FEE_ASSETS
    }
    tree = crowd.tree(leaves=fee_accounts)
    pairs = zip(crowd.ids[::2], crowd.ids[1::2], strict=True)
    slots = b"".join(slot(*pair, 2**47 + 0x111111111, FEE_BYTE) for pair in pairs)
    book.claim(b"", tree=tree).claim(slots, root=keccak(b"false"))
    for _ in range(117):
        book.claim(b"")
    book.post(deposit_cursor=2)
    arguments = book.invalid_chunk(2)
    assert len(arguments[3][0]) == 132

    receipt = disputes.proveInvalidChunk(*arguments, sender=prover)

    gas_snapshot("Disputes.proveInvalidChunk: 132 accounts", receipt.gas_used)
    within(disputes.proveInvalidChunk, arguments, receipt)


def test_prove_invalid_chunk__deposits__gas__holds(
    gas_snapshot, rollup, disputes, prover, book, tokens
):
    """62 deposits, each with its record."""
    holder = book.operator.account
    tokens[0].mint(holder, 62_000, sender=holder)
    tokens[0].approve(rollup, 62_000, sender=holder)
    for _ in range(62):
        rollup.deposit(1, holder, 1000, b"", sender=holder)
    owner = address_from_text(holder.address)
    crowd = Crowd(64, lambda _: owner, lambda _: 1)
    tree = crowd.tree().set_many({BRIDGE: Leaf(BRIDGE_OWNER, 0, 4, 0)})
    book.claim(b"", tree=tree)
    slots = b"".join(slot(BRIDGE, each, 1000, 0) for each in crowd.ids[:62])
    book.claim(slots, root=keccak(b"false")).post(deposit_cursor=66)
    arguments = book.invalid_chunk(2)

    receipt = disputes.proveInvalidChunk(*arguments, sender=prover)

    gas_snapshot("Disputes.proveInvalidChunk: 62 deposits", receipt.gas_used)
    within(disputes.proveInvalidChunk, arguments, receipt)


def test_prove_data_mismatch__gas__holds(
    gas_snapshot,
    disputes,
    prover,
    book,
    post_blobs,  # noqa: F811
):
    book.honest(Payment(2, 3, 1))
    [blob] = blobs_for(book)
    sidecar = post_blobs(book, [blob[:9] + b"\x55" + blob[10:]])
    arguments = proof_of(book, sidecar, 0)

    receipt = disputes.proveDataMismatch(*arguments, sender=prover)

    gas_snapshot("Disputes.proveDataMismatch: any", receipt.gas_used)
    within(disputes.proveDataMismatch, arguments, receipt)


def test_prove_header_mismatch__gas__holds(chain, gas_snapshot, disputes, prover, book):
    book.post(post_root=keccak(b"false"))
    receipt = disputes.provePostRootMismatch(*book.last_chunk(), sender=prover)
    gas_snapshot("Disputes.provePostRootMismatch: any", receipt.gas_used)


def test_prove_cursor_mismatch__gas__holds(gas_snapshot, disputes, prover, book):
    book.post(deposit_cursor=3)
    receipt = disputes.proveCursorMismatch(*book.cursor(), sender=prover)
    gas_snapshot("Disputes.proveCursorMismatch: any", receipt.gas_used)


def test_prove_duplicate_account__gas__holds(gas_snapshot, disputes, prover, book):
    book.honest(OpenAccount(2**31, 1, PEOPLE[0].address)).post()
    receipt = disputes.proveDuplicateAccount(*book.duplicate(1, 0, 2, 2**31), sender=prover)
    gas_snapshot("Disputes.proveDuplicateAccount: both shown", receipt.gas_used)


def test_prove_double_vote__gas__holds(gas_snapshot, disputes, prover, keys, operator):
    votes = [(encoded(v), keys[0].sign_digest(v.digest(operator.domain))) for v in (BLOCK, OTHER)]

    receipt = disputes.proveDoubleVote(*votes[0], *votes[1], sender=prover)

    gas_snapshot("Disputes.proveDoubleVote: two blocks", receipt.gas_used)


def test_commit__gas__holds(gas_snapshot, disputes, prover):
    receipt = disputes.commit(keccak(b"a proof"), sender=prover)

    gas_snapshot("Disputes.commit: first", receipt.gas_used)


@pytest.fixture
def answered(challenges, desk, attacker):
    """Answer, and check the pay: no challenge costs an honest operator anything, and none pays
    much more than answers take of accounts far apart. Returns the gas used."""

    def _answered(answers, account_ids, challenged):
        arguments = desk.answer_arguments(answers, account_ids, challenged=challenged)
        owed_wei = challenges.owedWei(attacker)

        receipt = challenges.answer(*arguments, sender=attacker)

        within(challenges.answer, arguments, receipt)
        pay_gas = (challenges.owedWei(attacker) - owed_wei) // WINDOWS.gas_price_floor_wei
        assert receipt.gas_used <= pay_gas <= PAY_FACTOR_MAX * receipt.gas_used
        return receipt.gas_used

    return _answered


def test_challenge__gas__holds(gas_snapshot, challenges, book, desk, prover, answered):
    book.post()
    slot_number = 16
    receipt = desk.challenge(slot_number, prover)
    gas_snapshot("Challenges.challenge: one, first of a batch", receipt.gas_used)

    answer = desk.signed(slot_number, desk.payment(0, 1, 1, nonce=0, fee=10))
    used = answered([answer], [2, 3], slot_number)
    gas_snapshot("Challenges.answer: one, signed", used)

    receipt = challenges.withdrawBonds(sender=prover)
    gas_snapshot("Challenges.withdrawBonds: all", receipt.gas_used)


def test_expire__gas__holds(chain, gas_snapshot, challenges, book, desk, prover):
    book.post()
    opened = desk.challenge(16, prover).timestamp
    chain.pending_timestamp = opened + WINDOWS.answer_s

    receipt = challenges.expire(book.batch, 16, sender=prover)
    gas_snapshot("Challenges.expire: rolls back", receipt.gas_used)


def test_release_bond__gas__holds(gas_snapshot, disputes, challenges, book, desk, prover):
    book.post(post_root=keccak(b"false"))
    desk.challenge(16, prover)
    disputes.provePostRootMismatch(*book.last_chunk(), sender=prover)

    receipt = challenges.releaseBond(book.header_hash, 16, sender=prover)
    gas_snapshot("Challenges.releaseBond: one", receipt.gas_used)


def signed_by(desk, keys, legs):
    """Return the signatures of the payers of these orders."""
    return [by_signature(keys[leg.payer].sign_digest(desk.digest(leg))) for leg in legs]


@pytest.fixture
def rooted_by(rollup, desk, accounts):
    """Authorise orders of one payer, each by a proof of 32 nodes of its own."""

    def _rooted(legs):
        found = []
        for leg in legs:
            proof = [keccak(leg.encode() + bytes([i])) for i in range(32)]
            root = desk.digest(leg)
            for node in proof:
                root = keccak(min(root, node) + max(root, node))
            rollup.authorizeOrders(root, sender=accounts[5])
            found.append(by_root(root, proof))
        return found

    return _rooted


@pytest.mark.parametrize("is_by_root", [False, True], ids=["signed", "by roots"])
def test_answer__groups__gas__holds(
    gas_snapshot, book, desk, tokens, prover, accounts, rooted_by, answered, is_by_root
):
    """Groups of eight legs, each of accounts far apart. One group is challenged alone, by a
    position, and two of them together, after a third in the same challenge."""
    people = [PrivateKey(keccak(b"one of 64" + bytes([i]))) for i in range(64)]
    keys = {each.address: each for each in people}
    owner = address_from_text(accounts[5].address)
    crowd = Crowd(64, lambda i: owner if is_by_root else people[i].address, lambda _: 1)
    pairs = list(zip(crowd.ids[::2], crowd.ids[1::2], strict=True))
    amount = 2**47 + 0x111111111
    slots = b"".join(slot(*pair, amount, FEE_BYTE) for pair in pairs)
    book.claim(slots, tree=crowd.tree()).post(deposit_cursor=2)
    asset = address_from_text(tokens[0].address)
    answers = []
    for first in range(0, len(pairs), 8):
        leaves = [[crowd.leaves[each] for each in pair] for pair in pairs[first : first + 8]]
        legs = linked(
            [
                PaymentOrder(
                    *(payer.owner, payee.owner, asset, amount, FEE_MINOR),
                    *(payer.nonce - 1, FOREVER, keccak(b"memo")),
                )
                for payer, payee in leaves
            ]
        )
        shown = rooted_by(legs) if is_by_root else signed_by(desk, keys, legs)
        answers.append(Answer(64 + first, legs, shown))
    desk.challenge(64 + 3, prover)
    desk.challenge([64 + 8, 64 + 16, 64 + 31], prover)
    how = "by roots" if is_by_root else "signed"

    used = answered(answers[:1], crowd.ids[:16], 64 + 3)
    gas_snapshot(f"Challenges.answer: group of eight, {how}", used)

    answered(answers[1:2], crowd.ids[16:32], 64 + 8)
    used = answered(answers[2:], crowd.ids[32:], 64 + 8)
    gas_snapshot(f"Challenges.answer: two groups of eight, {how}", used)


@pytest.fixture
def withdrawals(book, desk, tokens):
    """A chunk of withdrawals of 64 people far apart: the accounts, and the answers."""
    people = [PrivateKey(keccak(b"one of 64" + bytes([i]))) for i in range(64)]
    crowd = Crowd(64, lambda i: people[i].address, lambda _: 1)
    amount = 2**47 + 0x111111111
    slots = b"".join(slot(each, BRIDGE, amount, FEE_BYTE) for each in crowd.ids)
    book.claim(slots, tree=crowd.tree()).post(deposit_cursor=2)
    asset = address_from_text(tokens[0].address)
    answers = []
    for i, each in enumerate(crowd.ids):
        nonce = crowd.leaves[each].nonce - 1
        payer = next(one for one in people if one.address == crowd.leaves[each].owner)
        order = WithdrawalOrder(payer.address, asset, amount, FEE_MINOR, nonce, FOREVER)
        signature = payer.sign_digest(desk.digest(order))
        answers.append(Answer(64 + i, [order], [by_signature(signature)]))
    return crowd.ids, answers


def test_answer__64_withdrawals__gas__holds(gas_snapshot, desk, prover, withdrawals, answered):
    ids, answers = withdrawals
    receipt = desk.challenge(range(64, 128), prover)
    gas_snapshot("Challenges.challenge: all of a chunk", receipt.gas_used)

    gas_snapshot("Challenges.answer: 64 withdrawals, signed", answered(answers, ids, 64))


def test_answer__64_payments_of_two_accounts__gas__holds(
    gas_snapshot, book, desk, prover, attacker
):
    """The cheapest to answer: few leaves are shown, and all in one transaction. What the pay is
    above it, an operator gains who withholds the orders of true operations of his own."""
    book.honest(*[Payment(2, 3, 1)] * 64).post()
    desk.challenge(range(64, 128), prover)
    answers = [desk.signed(64 + i, desk.payment(0, 1, 1, nonce=1 + i)) for i in range(64)]

    receipt = desk.answer(answers, [2, 3], attacker)

    gas_snapshot("Challenges.answer: 64 payments of two accounts, signed", receipt.gas_used)


def test_answer__64_withdrawals_in_parts__gas__holds(
    gas_snapshot, desk, prover, withdrawals, answered
):
    """Each part pays for itself."""
    ids, answers = withdrawals
    desk.challenge(range(64, 128), prover)

    for first in range(0, 64, ANSWER_LEGS_MAX):
        part = slice(first, first + ANSWER_LEGS_MAX)
        used = answered(answers[part], ids[part], 64)
    gas_snapshot("Challenges.answer: 16 withdrawals, signed", used)
