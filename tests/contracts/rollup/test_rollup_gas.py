"""What transactions cost, and how large the contracts are.

- each function of rollup and committee in its usual cases → as in tests/gas_snapshot.json
- the largest batches stay below what one transaction may use (EIP-7825)
- a roll-back with the largest committee leaves half of that for the proof
- runtime code stays below 24,000 bytes: a chain refuses 24,577
"""

import pytest

from backend.protocol.batches import blobs_hash
from backend.protocol.hashing import keccak
from backend.protocol.state_tree import genesis_tree
from tests.contracts.core import stake_for
from tests.contracts.rollup.ledger import LedgerChunk, withdrawal_proof
from tests.contracts.rollup.operator import addresses_of, member_keys

RUNTIME_SIZE_BYTES_MAX = 24_000
TRANSACTION_GAS_MAX = 2**24
DOLLAR = 10**6


def noise_chunks(count):
    """Return chunks without zero bytes: nothing costs more."""
    noise = [b"".join(keccak(bytes([i, j])) for j in range(31)) for i in range(256)]
    return [LedgerChunk(noise[i % 256].replace(b"\0", b"\1"), genesis_tree()) for i in range(count)]


def test_deploy__runtime_size__holds(chain, core):
    for contract in core:
        assert len(chain.provider.get_code(contract.address)) <= RUNTIME_SIZE_BYTES_MAX


def test_deploy__gas__holds(gas_snapshot, rollup, committee):
    gas_snapshot("Rollup.constructor: usual", rollup.creation_metadata.receipt.gas_used)
    gas_snapshot(
        "Committee.constructor: four members", committee.creation_metadata.receipt.gas_used
    )


def test_begin_epoch__gas__holds(gas_snapshot, committee, lister):
    receipt = committee.beginEpoch(addresses_of(member_keys(4, seed=1)), sender=lister)

    gas_snapshot("Committee.beginEpoch: four members", receipt.gas_used)


def test_list_asset__gas__holds(gas_snapshot, rollup, token, lister, payee):
    receipt = rollup.listAsset(token, 1, payee, sender=lister)

    gas_snapshot("Rollup.listAsset: with fee owner", receipt.gas_used)


def test_deposit__gas__holds(gas_snapshot, deposit, token, asset_id):
    gas_snapshot("Rollup.deposit: first of an asset", deposit(token, DOLLAR).gas_used)
    gas_snapshot("Rollup.deposit: next", deposit(token, DOLLAR).gas_used)


def test_deposit_with_authorization__gas__holds(
    gas_snapshot, rollup, authorization_token, authorization, payer
):
    asset_id = rollup.assetIdOf(authorization_token)
    signed = authorization(payer.address)

    receipt = rollup.depositWithAuthorization(asset_id, payer, DOLLAR, b"", signed, sender=payer)

    gas_snapshot("Rollup.depositWithAuthorization: first of an asset", receipt.gas_used)


def test_authorize_orders__gas__holds(gas_snapshot, rollup, payer):
    for i, case in enumerate(("first of all", "next")):
        receipt = rollup.authorizeOrders(keccak(bytes([i])), sender=payer)
        gas_snapshot(f"Rollup.authorizeOrders: {case}", receipt.gas_used)


@pytest.mark.parametrize("chunk_count", [1, 120])
def test_submit_batch_calldata__gas__holds(gas_snapshot, operator, ledger, chunk_count):
    operator.post([ledger.chunk()])

    receipt = operator.submit_calldata(noise_chunks(chunk_count))

    gas_snapshot(f"Rollup.submitBatchCalldata: {chunk_count} chunks", receipt.gas_used)
    assert receipt.gas_used <= TRANSACTION_GAS_MAX


@pytest.mark.parametrize("chunk_count", [1, 128, 768])
def test_submit_batch_blobs__gas__holds(
    gas_snapshot, rollup, operator, ledger, blob_carrier, chunk_count
):
    operator.post([ledger.chunk()])
    chunks = noise_chunks(chunk_count)
    sidecar = blob_carrier.sidecar(chunks)
    header = operator.header(chunks, data_hash=blobs_hash(sidecar.versioned_hashes))
    hashes = [chunk.hash for chunk in chunks]

    receipt = blob_carrier.send(
        rollup, (header, operator.parent, operator.sign(header), hashes), sidecar
    )

    assert receipt["status"] == 1
    gas_snapshot(f"Rollup.submitBatchBlobs: {chunk_count} chunks", receipt["gasUsed"])
    assert receipt["gasUsed"] <= TRANSACTION_GAS_MAX


def test_roll_back__largest_committee__leaves_gas_for_a_proof_holds(
    gas_snapshot, core, lister, operator, ledger, accounts
):
    operator.keys, operator.epoch = member_keys(256, seed=2), 2
    core.committee.beginEpoch(addresses_of(operator.keys), sender=lister)
    stake_for(addresses_of(operator.keys[:171]), core.committee, lister)
    batch = operator.post([ledger.chunk()])
    judge = accounts.impersonate_account(core.disputes.address)
    judge.balance = 10**18

    receipt = core.rollup.rollBack(batch, lister, sender=judge)

    gas_snapshot("Rollup.rollBack: 171 of 256 members signed", receipt.gas_used)
    assert receipt.gas_used <= TRANSACTION_GAS_MAX // 2


@pytest.mark.parametrize("batch_count", [1, 10])
def test_settle__gas__holds(
    gas_snapshot, rollup, operator, ledger, pass_window, payer, batch_count
):
    operator.post([ledger.chunk()])
    pass_window()
    rollup.settle([operator.parent], sender=payer)
    batches = [operator.post([ledger.chunk()]) for _ in range(batch_count)]
    pass_window()

    receipt = rollup.settle(batches, sender=payer)

    gas_snapshot(f"Rollup.settle: {batch_count} batches", receipt.gas_used)


def test_claim_withdrawal__gas__holds(
    gas_snapshot, rollup, operator, ledger, deposit, token, asset_id, pass_window, payer
):
    deposit(token, 10 * DOLLAR)
    ledger.open(2, payer.address, asset_id).deposit(2, 10 * DOLLAR)
    for i in range(100, 120):  # other accounts, so that the path isn't empty
        ledger.open(i, payer.address, asset_id)
    chunks = [ledger.withdraw(2, DOLLAR).withdraw(2, DOLLAR).withdraw(2, DOLLAR).chunk()] * 2
    batch = operator.post(chunks)
    pass_window()

    def claim(slot_number):
        proof = withdrawal_proof(chunks, slot_number, 2)
        return rollup.claimWithdrawal(batch, proof, sender=payer).gas_used

    gas_snapshot("Rollup.claimWithdrawal: new holder, settles the batch", claim(43))
    gas_snapshot("Rollup.claimWithdrawal: old holder", claim(44))
