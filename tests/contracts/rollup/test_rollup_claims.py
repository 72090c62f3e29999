"""Claims: a withdrawal of a settled batch is paid to its owner, once.

- claim_withdrawal: settled batch, or the next one whose window has passed → paid, event, once
- claim_withdrawal: amount without the fee, whole units, any sender, several of one payer in one
  chunk, later chunk, leaf changed since by others
- claim_withdrawal: window open, not the next batch, other batch shown → reverts
- proof: slot past the batch, chunk of another size, changed, of another place; second half,
  payment, deposit, no-op, open account; leaf with one field wrong; owner zero → reverts
- claims of a committee that lies: twice the same, nonce below the count, unlisted asset, more
  than was deposited → reverts
"""

import pytest

from backend.protocol.operations import slot
from backend.protocol.types import BRIDGE, BRIDGE_OWNER, Leaf, address_from_text
from tests.contracts.rollup.ledger import Ledger, withdrawal_proof

PAYER, PAYEE = 0x07000002, 3
MINT = 1_000
ZERO_ADDRESS = "0x" + "00" * 20
PAID = "0x" + "00" * 19 + "01"


@pytest.fixture
def funded(ledger, token, asset_id, deposit, payer, payee) -> Ledger:
    """The payer has 1,000 in the ledger; payer and payee have accounts."""
    deposit(token, MINT)
    return (
        ledger.open(PAYER, payer.address, asset_id)
        .open(PAYEE, payee.address, asset_id)
        .deposit(PAYER, MINT)
    )


FIRST_FREE_SLOT = 5  # two openings and a deposit stand before it


@pytest.fixture
def settled(operator, pass_window):
    """Post chunks and let their window pass."""

    def _settled(*chunks):
        batch = operator.post(list(chunks))
        pass_window()
        return batch

    return _settled


def replaced(proof, **changes):
    names = ("slot_number chunk chunk_path owner asset_id nonce balance_minor leaf_path").split()
    return tuple({**dict(zip(names, proof, strict=True)), **changes}.values())


def test_claim_withdrawal__settled_batch__succeeds(
    rollup, token, funded, settled, payer, attacker, project, asset_id
):
    chunks = [funded.withdraw(PAYER, 300, fee_byte=5 << 3).chunk()]
    batch = settled(*chunks)
    rollup.settle([batch], sender=attacker)

    receipt = rollup.claimWithdrawal(
        batch, withdrawal_proof(chunks, FIRST_FREE_SLOT, PAYER), sender=attacker
    )

    assert token.balanceOf(payer) == 300
    assert token.balanceOf(rollup) == MINT - 300
    assert rollup.assets(asset_id).outstandingMinor == MINT - 300
    [event] = receipt.decode_logs(rollup.WithdrawalClaimed)
    assert (event.owner, event.assetId, event.nonce) == (payer, asset_id, 0)
    assert (event.token, event.amount) == (token, 300)
    assert (event.batchNumber, event.slotNumber) == (1, FIRST_FREE_SLOT)
    harness = attacker.deploy(project.ProtocolHarness)
    assert event.key == harness.claimKey(payer, 0, token, 300)
    assert rollup.claimantOf(event.key) == PAID


def test_claim_withdrawal__next_batch_to_settle__settles_it_holds(
    rollup, token, funded, settled, payer, attacker
):
    chunks = [funded.withdraw(PAYER, 300).chunk()]
    batch = settled(*chunks)

    receipt = rollup.claimWithdrawal(
        batch, withdrawal_proof(chunks, FIRST_FREE_SLOT, PAYER), sender=attacker
    )

    assert rollup.frontier() == 1
    assert [event.number for event in receipt.decode_logs(rollup.BatchSettled)] == [1]
    assert token.balanceOf(payer) == 300


def test_claim_withdrawal__twice__reverts(rollup, token, funded, settled, payer, reverts):
    chunks = [funded.withdraw(PAYER, 300).chunk()]
    batch = settled(*chunks)
    proof = withdrawal_proof(chunks, FIRST_FREE_SLOT, PAYER)
    rollup.claimWithdrawal(batch, proof, sender=payer)

    with reverts(rollup, "AlreadyClaimed", key=...):
        rollup.claimWithdrawal(batch, proof, sender=payer)
    assert token.balanceOf(payer) == 300


def test_claim_withdrawal__several_in_a_chunk__nonces_counted_back_holds(
    rollup, token, funded, settled, payer
):
    # The second half carries the payer's id and looks like another withdrawal of his.
    lookalike = slot(PAYER, 0, 99, 0)
    chunk = (
        funded.withdraw(PAYER, 100)
        .pay(PAYER, PAYEE, 50)
        .raw(slot(1, 9, 1 << 32, 0))
        .raw(lookalike)
        .withdraw(PAYER, 100)
        .pay(PAYEE, PAYER, 10)
        .chunk()
    )
    batch = settled(chunk)

    nonces = []
    for position in (FIRST_FREE_SLOT, FIRST_FREE_SLOT + 4):
        receipt = rollup.claimWithdrawal(
            batch, withdrawal_proof([chunk], position, PAYER), sender=payer
        )
        nonces += [event.nonce for event in receipt.decode_logs(rollup.WithdrawalClaimed)]

    assert nonces == [0, 2]
    assert token.balanceOf(payer) == 200


def test_claim_withdrawal__last_slot_of_later_chunk__succeeds(
    rollup, token, funded, settled, payer
):
    chunks = [funded.withdraw(PAYER, 100).chunk()]
    for _ in range(63):
        funded.raw(bytes(15))
    chunks += [funded.withdraw(PAYER, 200).chunk(), funded.withdraw(PAYER, 300).chunk()]
    batch = settled(*chunks)

    receipt = rollup.claimWithdrawal(batch, withdrawal_proof(chunks, 127, PAYER), sender=payer)

    [event] = receipt.decode_logs(rollup.WithdrawalClaimed)
    assert (event.nonce, event.amount) == (1, 200)


def test_claim_withdrawal__eighteen_decimals__pays_base_units_holds(
    project, rollup, lister, list_asset, deposit, ledger, settled, payer
):
    token = lister.deploy(project.ReturnBoolToken, "Ether", "ETH", 18)
    asset_id = list_asset(token, unit=10**12)
    deposit(token, 5 * 10**18)
    ledger.open(2, payer.address, asset_id).deposit(2, 5 * 10**6).withdraw(2, 3 * 10**6)
    chunk = ledger.chunk()

    rollup.claimWithdrawal(settled(chunk), withdrawal_proof([chunk], 3, 2), sender=lister)

    assert token.balanceOf(payer) == 3 * 10**18
    assert rollup.assets(asset_id).outstandingMinor == 2 * 10**6


def test_claim_withdrawal__window_open__reverts(rollup, funded, operator, payer, reverts):
    chunks = [funded.withdraw(PAYER, 300).chunk()]
    batch = operator.post(chunks)

    with reverts(rollup, "WindowOpen", settlesAtTsS=batch.accepted_ts_s + 60, actualTsS=...):
        rollup.claimWithdrawal(
            batch, withdrawal_proof(chunks, FIRST_FREE_SLOT, PAYER), sender=payer
        )


def test_claim_withdrawal__batch_before_unsettled__reverts(
    rollup, funded, operator, settled, payer, reverts
):
    operator.post([funded.chunk()])
    chunks = [funded.withdraw(PAYER, 300).chunk()]
    batch = settled(*chunks)

    with reverts(rollup, "BatchNotSettled", frontier=0, actual=2):
        rollup.claimWithdrawal(batch, withdrawal_proof(chunks, 0, PAYER), sender=payer)


def test_claim_withdrawal__other_batch_shown__reverts(rollup, funded, settled, payer, reverts):
    chunks = [funded.withdraw(PAYER, 300).chunk()]
    batch = settled(*chunks)
    forged = batch._replace(header=batch.header._replace(chunks_root=bytes(32)))

    with reverts(rollup, "BatchNotAccepted", number=1, expectedSlot=..., actualSlot=...):
        rollup.claimWithdrawal(
            forged, withdrawal_proof(chunks, FIRST_FREE_SLOT, PAYER), sender=payer
        )


@pytest.mark.parametrize("slot_number", [64, 1 << 20, 2**256 - 1])
def test_claim_withdrawal__slot_past_the_batch__reverts(
    rollup, funded, settled, payer, reverts, slot_number
):
    chunks = [funded.withdraw(PAYER, 300).chunk()]
    batch = settled(*chunks)
    proof = replaced(withdrawal_proof(chunks, FIRST_FREE_SLOT, PAYER), slot_number=slot_number)

    with reverts(rollup, "SlotOutOfRange", limit=64, actual=slot_number):
        rollup.claimWithdrawal(batch, proof, sender=payer)


@pytest.mark.parametrize("size_bytes", [0, 991, 993])
def test_claim_withdrawal__chunk_of_other_size__reverts(
    rollup, funded, settled, payer, reverts, size_bytes
):
    chunks = [funded.withdraw(PAYER, 300).chunk()]
    batch = settled(*chunks)
    proof = replaced(
        withdrawal_proof(chunks, FIRST_FREE_SLOT, PAYER),
        chunk=chunks[0].data.ljust(993, b"\0")[:size_bytes],
    )

    with reverts(rollup, "ChunkSizeMismatch", expectedBytes=992, actualBytes=size_bytes):
        rollup.claimWithdrawal(batch, proof, sender=payer)


def test_claim_withdrawal__chunk_changed__reverts(rollup, funded, settled, payer, reverts):
    chunks = [funded.withdraw(PAYER, 300).chunk()]
    batch = settled(*chunks)
    changed = chunks[0].data.replace(slot(PAYER, 0, 300, 0), slot(PAYER, 0, 999, 0))
    proof = replaced(withdrawal_proof(chunks, FIRST_FREE_SLOT, PAYER), chunk=changed)

    with reverts(rollup, "ChunkNotInBatch", expectedRoot=batch.header.chunks_root, actualRoot=...):
        rollup.claimWithdrawal(batch, proof, sender=payer)


def test_claim_withdrawal__chunk_of_other_place__reverts(rollup, funded, settled, payer, reverts):
    chunks = [funded.withdraw(PAYER, 300).chunk(), funded.chunk()]
    batch = settled(*chunks)
    proof = replaced(
        withdrawal_proof(chunks, FIRST_FREE_SLOT, PAYER), slot_number=64 + FIRST_FREE_SLOT
    )

    with reverts(rollup, "ChunkNotInBatch", expectedRoot=batch.header.chunks_root, actualRoot=...):
        rollup.claimWithdrawal(batch, proof, sender=payer)


def test_claim_withdrawal__second_half__reverts(rollup, funded, settled, payer, reverts):
    funded.raw(slot(1, 9, 1 << 32, 0)).raw(slot(PAYER, 0, 300, 0))
    chunks = [funded.chunk()]
    batch = settled(*chunks)
    proof = withdrawal_proof(chunks, FIRST_FREE_SLOT + 1, PAYER)

    with reverts(rollup, "SlotIsSecondHalf", slotNumber=FIRST_FREE_SLOT + 1):
        rollup.claimWithdrawal(batch, proof, sender=payer)


def test_claim_withdrawal__after_second_half_that_opens__succeeds(
    rollup, token, funded, settled, payer
):
    # A second half that looks like an *open account* doesn't swallow the slot after it.
    funded.raw(slot(1, 9, 1 << 32, 0)).raw(slot(1, 9, 1 << 32, 0)).withdraw(PAYER, 300)
    chunks = [funded.chunk()]

    rollup.claimWithdrawal(
        settled(*chunks), withdrawal_proof(chunks, FIRST_FREE_SLOT + 2, PAYER), sender=payer
    )

    assert token.balanceOf(payer) == 300


@pytest.mark.parametrize(
    ("position", "payer_id", "payee_id", "amount"),
    [
        (0, 1, PAYER, ...),  # open account
        (4, 0, PAYER, MINT),  # deposit
        (5, PAYER, PAYEE, 50),  # payment
        (6, PAYER, 0, 0),  # nothing withdrawn
        (7, 0, 0, 5),  # withdrawal by BRIDGE
        (8, 1, 0, 5),  # withdrawal by REGISTRY
        (10, 0, 0, 0),  # no-op
    ],
)
def test_claim_withdrawal__other_operation__reverts(
    rollup, funded, settled, payer, reverts, position, payer_id, payee_id, amount
):
    funded.pay(PAYER, PAYEE, 50).raw(slot(PAYER, 0, 0, 0))
    funded.raw(slot(0, 0, 5, 0)).raw(slot(1, 0, 5, 0))
    chunks = [funded.chunk()]
    batch = settled(*chunks)
    proof = withdrawal_proof(chunks, position, PAYER)

    with reverts(rollup, "SlotNotWithdrawal", payer=payer_id, payee=payee_id, amountMinor=amount):
        rollup.claimWithdrawal(batch, proof, sender=payer)


@pytest.mark.parametrize(
    "changes",
    [
        {"owner": "0x" + "66" * 20},
        {"owner": ZERO_ADDRESS},
        {"asset_id": 2},
        {"nonce": 2},
        {"balance_minor": MINT},
        {"leaf_path": [b"\x11" * 32] * 32},
    ],
)
def test_claim_withdrawal__other_leaf__reverts(rollup, funded, settled, payer, reverts, changes):
    chunks = [funded.withdraw(PAYER, 300).chunk()]
    batch = settled(*chunks)
    proof = replaced(withdrawal_proof(chunks, FIRST_FREE_SLOT, PAYER), **changes)

    with reverts(rollup, "LeafNotInState", expectedRoot=chunks[0].root, actualRoot=...):
        rollup.claimWithdrawal(batch, proof, sender=payer)


def test_claim_withdrawal__leaf_of_somebody_else__reverts(rollup, funded, settled, payee, reverts):
    chunks = [funded.withdraw(PAYER, 300).chunk()]
    batch = settled(*chunks)
    payees = withdrawal_proof(chunks, FIRST_FREE_SLOT, PAYEE)

    with reverts(rollup, "LeafNotInState", expectedRoot=chunks[0].root, actualRoot=...):
        rollup.claimWithdrawal(batch, payees, sender=payee)


# What follows is in no valid batch: a lying committee signed it. The vault holds nevertheless.


def test_claim_withdrawal__empty_leaf__reverts(rollup, funded, settled, payer, reverts):
    chunks = [funded.raw(slot(77, 0, 300, 0)).chunk()]
    batch = settled(*chunks)
    proof = replaced(
        withdrawal_proof(chunks, FIRST_FREE_SLOT, PAYER),
        owner=ZERO_ADDRESS,
        nonce=1,
        leaf_path=chunks[0].tree.path(77),
    )

    with reverts(rollup, "OwnerZero"):
        rollup.claimWithdrawal(batch, proof, sender=payer)


def test_claim_withdrawal__nonce_below_count__reverts(rollup, funded, settled, payer, reverts):
    chunks = [funded.raw(slot(PAYER, 0, 300, 0)).chunk()]
    batch = settled(*chunks)

    with reverts(rollup, "NonceBelowCount", minimum=1, actual=0):
        rollup.claimWithdrawal(
            batch, withdrawal_proof(chunks, FIRST_FREE_SLOT, PAYER), sender=payer
        )


def test_claim_withdrawal__unlisted_asset__reverts(rollup, ledger, settled, payer, reverts):
    ledger.open(2, payer.address, 7)
    chunks = [
        ledger.put(2, Leaf(address_from_text(payer.address), 7, 0, 300)).withdraw(2, 300).chunk()
    ]
    batch = settled(*chunks)

    with reverts(rollup, "AssetUnknown", assetId=7):
        rollup.claimWithdrawal(batch, withdrawal_proof(chunks, 2, 2), sender=payer)


def test_claim_withdrawal__more_than_deposited__reverts(
    rollup, token, asset_id, funded, settled, payer, payee, reverts
):
    token.mint(rollup, 10 * MINT, sender=payee)  # a gift is nobody's deposit
    funded.deposit(PAYER, 1)
    funded.put(BRIDGE, Leaf(BRIDGE_OWNER, 0, 1, 0))
    chunks = [funded.withdraw(PAYER, MINT + 1).chunk()]
    batch = settled(*chunks)

    with reverts(rollup, "VaultShort", availableMinor=MINT, neededMinor=MINT + 1):
        rollup.claimWithdrawal(
            batch, withdrawal_proof(chunks, FIRST_FREE_SLOT + 1, PAYER), sender=payer
        )


def test_claim_withdrawal__posted_again_later__reverts(
    rollup, funded, operator, settled, payer, reverts
):
    chunks = [funded.withdraw(PAYER, 300).chunk()]
    first = operator.post(chunks)
    again = settled(*chunks)  # the same operation and nonce, in another batch
    proof = withdrawal_proof(chunks, FIRST_FREE_SLOT, PAYER)
    rollup.claimWithdrawal(first, proof, sender=payer)

    with reverts(rollup, "AlreadyClaimed", key=...):
        rollup.claimWithdrawal(again, proof, sender=payer)
