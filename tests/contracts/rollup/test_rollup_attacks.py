"""What a thief, a vandal or a fork might try, and in vain.

- genesis shown as a batch to claim from
- dirty upper bits in any small integer of a submission or a claim
- the largest amount of the largest unit, in and out
- more assets than there are ids
- a chain that split: signatures of the one don't count on the other
- a withdrawal of one asset shown as another's
"""

import pytest

from backend.protocol.eip712 import ledger_domain
from backend.protocol.types import address_from_text
from tests.contracts.rollup.ledger import withdrawal_proof
from tests.contracts.rollup.operator import NO_HEADER, AcceptedBatch, signatures_of

PAYER, FIRST_FREE_SLOT = 2, 3
WORD = 32
SMALL_HEADER_WORDS = (0, 1, 6, 8, 9, 11, 13)


@pytest.fixture
def withdrawn(ledger, operator, deposit, pass_window, payer):
    """Deposit and withdraw all of it; return the settled batch and the chunk."""

    def _withdrawn(token, asset_id, amount_minor, unit=1):
        deposit(token, amount_minor * unit)
        chunk = (
            ledger.open(PAYER, payer.address, asset_id)
            .deposit(PAYER, amount_minor)
            .withdraw(PAYER, amount_minor)
            .chunk()
        )
        batch = operator.post([chunk])
        pass_window()
        return batch, chunk

    return _withdrawn


def test_claim_withdrawal__genesis_as_a_batch__reverts(
    rollup, token, asset_id, withdrawn, attacker, reverts
):
    """Batch 0 is settled from the start, but has no slot that anything could fit."""
    batch, chunk = withdrawn(token, asset_id, 10)
    proof = withdrawal_proof([chunk], FIRST_FREE_SLOT, PAYER)
    forged = AcceptedBatch(batch.header._replace(number=0), batch.accepted_ts_s, batch.signers)

    for shown in (forged, AcceptedBatch(NO_HEADER, 0, 0)):
        with reverts(rollup, "BatchNotAccepted", number=0, expectedSlot=bytes(32), actualSlot=...):
            rollup.claimWithdrawal(shown, proof, sender=attacker)


def with_dirty_word(data: bytes, word: int) -> bytes:
    """Set the highest bit of an argument word, which no value that fits its type has."""
    at = 4 + word * WORD
    return data[:at] + bytes([data[at] | 0x80]) + data[at + 1 :]


@pytest.mark.parametrize("word", SMALL_HEADER_WORDS)
def test_submit_batch__dirty_header_word__reverts(
    rollup, operator, ledger, attacker, word, reverts
):
    """Otherwise one signed header could be shown in several spellings."""
    chunks = [ledger.chunk()]
    header = operator.header(chunks)
    arguments = (header, AcceptedBatch(), operator.sign(header), chunks[0].data)
    data = bytes(rollup.submitBatchCalldata.encode_input(*arguments))

    with reverts(rollup, ""):
        attacker.transfer(rollup, 0, data=with_dirty_word(data, word), gas_limit=2_000_000)
    assert rollup.tip() == 0
    attacker.transfer(rollup, 0, data=data, gas_limit=2_000_000)
    assert rollup.tip() == 1


@pytest.mark.parametrize("word", [*SMALL_HEADER_WORDS, 14])
def test_claim_withdrawal__dirty_batch_word__reverts(
    rollup, token, asset_id, withdrawn, attacker, payer, word, reverts
):
    batch, chunk = withdrawn(token, asset_id, 10)
    proof = withdrawal_proof([chunk], FIRST_FREE_SLOT, PAYER)
    data = bytes(rollup.claimWithdrawal.encode_input(batch, proof))

    with reverts(rollup, ""):
        attacker.transfer(rollup, 0, data=with_dirty_word(data, word), gas_limit=2_000_000)
    assert token.balanceOf(payer) == 0


@pytest.mark.parametrize("name", ["owner", "assetId", "nonce", "balanceMinor"])
def test_claim_withdrawal__dirty_leaf_word__reverts(
    rollup, token, asset_id, withdrawn, attacker, payer, name, reverts
):
    batch, chunk = withdrawn(token, asset_id, 10)
    proof = withdrawal_proof([chunk], FIRST_FREE_SLOT, PAYER)
    data = bytes(rollup.claimWithdrawal.encode_input(batch, proof))
    # The batch has 16 words, and one says where the proof is; in it the path takes 10.
    place = 17 + 12 + ["owner", "assetId", "nonce", "balanceMinor"].index(name)

    with reverts(rollup, ""):
        attacker.transfer(rollup, 0, data=with_dirty_word(data, place), gas_limit=2_000_000)
    rollup.claimWithdrawal(batch, proof, sender=attacker)
    assert token.balanceOf(payer) == 10


def test_deposit_and_claim__largest_amount_of_largest_unit__succeeds(
    rollup, token, list_asset, withdrawn, attacker, payer
):
    amount_minor, unit = 2**48 - 1, 2**64 - 1
    asset_id = list_asset(token, unit=unit)
    batch, chunk = withdrawn(token, asset_id, amount_minor, unit)

    rollup.claimWithdrawal(
        batch, withdrawal_proof([chunk], FIRST_FREE_SLOT, PAYER), sender=attacker
    )

    assert token.balanceOf(payer) == amount_minor * unit
    assert rollup.assets(asset_id).outstandingMinor == 0


def test_list_asset__no_id_left__reverts(rollup, token, lister, chain, reverts):
    """The counter shares its slot with the tip: it must not spill over."""
    for slot in range(8):
        word = bytes(chain.provider.get_storage(rollup.address, slot))
        full = (0xFFFF << 64).to_bytes(WORD, "big")
        chain.provider.make_request(
            "anvil_setStorageAt", [rollup.address, hex(slot), "0x" + full.hex()]
        )
        if rollup.assetCount() == 0xFFFF:
            break
        chain.provider.make_request(
            "anvil_setStorageAt", [rollup.address, hex(slot), "0x" + word.hex()]
        )

    with reverts(rollup, "Panic", code=0x11):
        rollup.listAsset(token, 1, "0x" + "00" * 20, sender=lister)
    assert (rollup.assetCount(), rollup.tip(), rollup.frontier()) == (0xFFFF, 0, 0)


def test_submit_batch__signed_before_the_chain_split__reverts(
    rollup, committee, operator, ledger, attacker, chain, keys, reverts
):
    chunks = [ledger.chunk()]
    header = operator.header(chunks)
    rollup_address = address_from_text(rollup.address)
    elsewhere = ledger_domain(chain.chain_id + 1, rollup_address)
    signatures = signatures_of(keys[:3], header.digest(elsewhere))

    with reverts(committee, "SignerNotMember", signer=...):
        operator.submit_calldata(chunks, header, signatures=signatures, sender=attacker)
    assert rollup.tip() == 0


def test_claim_withdrawal__leaf_of_another_asset__reverts(
    rollup, project, token, asset_id, list_asset, withdrawn, lister, attacker, reverts
):
    """The leaf names the asset: a cheap token's withdrawal can't be paid in a dear one."""
    dear = lister.deploy(project.ReturnBoolToken, "Dear", "DEAR", 6)
    dear_id = list_asset(dear)
    dear.mint(rollup, 10, sender=lister)
    batch, chunk = withdrawn(token, asset_id, 10)
    proof = list(withdrawal_proof([chunk], FIRST_FREE_SLOT, PAYER))
    proof[4] = dear_id

    with reverts(rollup, "LeafNotInState", expectedRoot=chunk.root, actualRoot=...):
        rollup.claimWithdrawal(batch, tuple(proof), sender=attacker)
    assert dear.balanceOf(rollup) == 10
