"""Batches: each rule of a header, and who may submit.

- submit: batch 1, the next ones, another carrier's limits aside → tip, slot, event
- submit: number, epoch, parent shown, parent hash, pre-root, cursor, pin, last block, timestamp:
  one wrong → reverts; each bound itself → succeeds
- submit: signed by too few, or signed another header → reverts
- submit: by a contract, by an account with delegated code → reverts; by anybody else → succeeds
"""

import pytest
from eth_utils import keccak

from tests.contracts.core import WINDOWS, Windows, deploy_core, stake_for
from tests.contracts.rollup.operator import AcceptedBatch, addresses_of, member_keys

ONES = b"\x11" * 32
HISTORY = "0x0000F90827F1C53a10cb7A02335B175320002935"


@pytest.fixture
def empty_chunks(ledger):
    return [ledger.chunk()]


@pytest.fixture
def posted(operator, empty_chunks):
    """Batch 1, without operations."""
    return operator.post(empty_chunks)


def test_submit_batch__first__succeeds(rollup, operator, empty_chunks, chain):
    header = operator.header(empty_chunks)

    receipt = operator.submit_calldata(empty_chunks, header)

    [event] = receipt.decode_logs(rollup.BatchPosted)
    now = chain.provider.get_block(receipt.block_number).timestamp
    digest = header.digest(operator.domain)
    assert (event.number, event.headerHash, event.postRoot) == (1, digest, header.post_root)
    assert (event.acceptedTsS, event.signers) == (now, 0b111)
    assert (rollup.tip(), rollup.frontier()) == (1, 0)
    accepted = AcceptedBatch(header, now, 0b111)
    assert rollup.batchSlot(1) == accepted.slot(operator.domain)
    assert rollup.headerHash(header) == digest


def test_submit_batch__next__succeeds(rollup, operator, posted, empty_chunks):
    operator.post(empty_chunks)

    assert rollup.tip() == 2


def test_submit_batch__by_anybody__succeeds(rollup, operator, empty_chunks, attacker):
    operator.submit_calldata(empty_chunks, sender=attacker)

    assert rollup.tip() == 1


def test_submit_batch__same_again__reverts(rollup, operator, empty_chunks, reverts):
    header = operator.header(empty_chunks)
    operator.submit_calldata(empty_chunks, header)

    with reverts(rollup, "BatchOutOfOrder", expected=2, actual=1):
        operator.submit_calldata(empty_chunks, header)


def test_submit_batch__deposits_consumed__succeeds(
    rollup, operator, token, asset_id, deposit, ledger, payer
):
    deposit(token, 10)
    deposit(token, 20)
    ledger.open(2, payer.address, asset_id).deposit(2, 10).deposit(2, 20)

    batch = operator.post([ledger.chunk()])

    assert batch.header.deposit_cursor == 2


@pytest.mark.parametrize(
    ("changes", "error", "values"),
    [
        ({"number": 1}, "BatchOutOfOrder", {"expected": 2, "actual": 1}),
        ({"number": 3}, "BatchOutOfOrder", {"expected": 2, "actual": 3}),
        ({"epoch": 0}, "EpochMismatch", {"expected": 1, "actual": 0}),
        ({"epoch": 2}, "EpochMismatch", {"expected": 1, "actual": 2}),
        ({"parent_hash": ONES}, "ParentHashMismatch", {"expected": ..., "actual": ONES}),
        ({"pre_root": ONES}, "PreRootMismatch", {"expected": ..., "actual": ONES}),
        (
            {"deposit_cursor": 1},
            "DepositCursorOutOfRange",
            {"minimum": 0, "maximum": 0, "actual": 1},
        ),
        ({"last_block_number": 0}, "LastBlockNumberBehind", {"minimum": 1, "actual": 0}),
        (
            {"last_block_number": 1, "last_block_hash": ONES},
            "LastBlockHashMismatch",
            {"expected": keccak(text="block 1"), "actual": ONES},
        ),
        ({"l1_block_hash": ONES}, "L1BlockHashMismatch", {"expected": ..., "actual": ONES}),
        ({"l1_block_number": 10**6}, "L1BlockUnavailable", {"number": 10**6}),
    ],
)
def test_submit_batch__wrong_field__reverts(
    rollup, operator, posted, empty_chunks, reverts, changes, error, values
):
    header = operator.header(empty_chunks, **changes)

    with reverts(rollup, error, **values):
        operator.submit_calldata(empty_chunks, header)


@pytest.mark.parametrize(
    ("changes", "error", "values"),
    [
        ({"number": 0}, "BatchOutOfOrder", {"expected": 1, "actual": 0}),
        ({"parent_hash": ONES}, "ParentHashMismatch", {"expected": bytes(32), "actual": ONES}),
        ({"pre_root": bytes(32)}, "PreRootMismatch", {"expected": ..., "actual": bytes(32)}),
        (
            {"last_block_number": 0, "last_block_hash": ONES},
            "LastBlockHashMismatch",
            {"expected": bytes(32), "actual": ONES},
        ),
    ],
)
def test_submit_batch__first_not_from_genesis__reverts(
    rollup, operator, empty_chunks, reverts, changes, error, values
):
    header = operator.header(empty_chunks, **changes)

    with reverts(rollup, error, **values):
        operator.submit_calldata(empty_chunks, header)


def test_submit_batch__no_new_block__succeeds(rollup, operator, posted, empty_chunks):
    operator.post(
        empty_chunks,
        last_block_number=posted.header.last_block_number,
        last_block_hash=posted.header.last_block_hash,
    )

    assert rollup.tip() == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda batch: batch._replace(accepted_ts_s=batch.accepted_ts_s + 1),
        lambda batch: batch._replace(signers=0b1110),
        lambda batch: batch._replace(header=batch.header._replace(post_root=ONES)),
        lambda batch: AcceptedBatch(),
    ],
    ids=["time", "signers", "header", "nothing"],
)
def test_submit_batch__other_parent_shown__reverts(
    rollup, operator, posted, empty_chunks, reverts, change
):
    shown = change(posted)
    slots = {
        "expectedSlot": posted.slot(operator.domain),
        "actualSlot": shown.slot(operator.domain),
    }

    with reverts(rollup, "BatchNotAccepted", number=1, **slots):
        operator.submit_calldata(empty_chunks, parent=shown)


def test_submit_batch__cursor_goes_back__reverts(
    rollup, operator, token, asset_id, deposit, ledger, payer, reverts
):
    deposit(token, 10)
    ledger.open(2, payer.address, asset_id).deposit(2, 10)
    chunks = [ledger.chunk()]
    operator.post(chunks)

    header = operator.header(chunks, deposit_cursor=0)
    with reverts(rollup, "DepositCursorOutOfRange", minimum=1, maximum=1, actual=0):
        operator.submit_calldata(chunks, header)


def test_submit_batch__timestamp_before_parent__reverts(
    rollup, operator, posted, empty_chunks, reverts
):
    parent_ts = posted.header.timestamp
    header = operator.header(empty_chunks, timestamp=parent_ts - 1)

    with reverts(
        rollup, "TimestampOutOfRange", minimum=parent_ts, maximum=..., actual=parent_ts - 1
    ):
        operator.submit_calldata(empty_chunks, header)


def test_submit_batch__timestamp_of_parent__succeeds(rollup, operator, posted, empty_chunks):
    operator.post(empty_chunks, timestamp=posted.header.timestamp)

    assert rollup.tip() == 2


@pytest.mark.parametrize("offset", [-WINDOWS.timestamp_lag_s, 900])
def test_submit_batch__timestamp_at_bound__succeeds(rollup, operator, empty_chunks, chain, offset):
    now = chain.pending_timestamp + 100
    header = operator.header(empty_chunks, timestamp=now + offset)
    chain.pending_timestamp = now

    operator.submit_calldata(empty_chunks, header)

    assert rollup.tip() == 1


@pytest.mark.parametrize("offset", [-WINDOWS.timestamp_lag_s - 1, 901])
def test_submit_batch__timestamp_past_bound__reverts(
    rollup, operator, empty_chunks, chain, reverts, offset
):
    now = chain.pending_timestamp + 100
    header = operator.header(empty_chunks, timestamp=now + offset)
    chain.pending_timestamp = now

    values = {
        "minimum": now - Windows().timestamp_lag_s,
        "maximum": now + 900,
        "actual": now + offset,
    }
    with reverts(rollup, "TimestampOutOfRange", **values):
        operator.submit_calldata(empty_chunks, header)


def test_submit_batch__lag_longer_than_time__succeeds(
    project, lister, keys, gate, operator, empty_chunks
):
    windows = Windows(timestamp_lag_s=2**63)
    operator.rollup = deploy_core(project, lister, gate, addresses_of(keys), windows).rollup

    operator.post(empty_chunks, timestamp=0)

    assert operator.rollup.tip() == 1


@pytest.mark.long
def test_submit_batch__pin_out_of_reach__reverts(rollup, operator, empty_chunks, chain, reverts):
    header = operator.header(empty_chunks)
    for _ in range(8):
        chain.mine(1_024)

    with reverts(rollup, "L1BlockUnavailable", number=header.l1_block_number):
        operator.submit_calldata(empty_chunks, header)


def test_submit_batch__old_pin__succeeds(rollup, operator, empty_chunks, chain):
    header = operator.header(empty_chunks)
    chain.mine(300)  # BLOCKHASH reaches 256

    operator.submit_calldata(empty_chunks, header)

    assert rollup.tip() == 1


def test_submit_batch__no_history_contract__succeeds(rollup, operator, empty_chunks, chain):
    chain.provider.make_request("anvil_setCode", [HISTORY, "0x"])

    operator.post(empty_chunks)

    assert rollup.tip() == 1


def test_submit_batch__no_history_contract_old_pin__reverts(
    rollup, operator, empty_chunks, chain, reverts
):
    chain.provider.make_request("anvil_setCode", [HISTORY, "0x"])
    header = operator.header(empty_chunks)
    chain.mine(300)

    with reverts(rollup, "L1BlockUnavailable", number=header.l1_block_number):
        operator.submit_calldata(empty_chunks, header)


def test_submit_batch__too_few_signers__reverts(committee, keys, operator, empty_chunks, reverts):
    header = operator.header(empty_chunks)

    with reverts(committee, "QuorumNotReached", needed=3, actual=2):
        operator.submit_calldata(empty_chunks, header, signatures=operator.sign(header, keys[:2]))


def test_submit_batch__signed_another_header__reverts(committee, operator, empty_chunks, reverts):
    header = operator.header(empty_chunks)
    signatures = operator.sign(header._replace(post_root=ONES))

    with reverts(committee, "SignerNotMember", signer=...):
        operator.submit_calldata(empty_chunks, header, signatures=signatures)


def test_submit_batch__signed_for_another_rollup__reverts(
    project, lister, committee, keys, gate, operator, empty_chunks, reverts
):
    header = operator.header(empty_chunks)
    signatures = operator.sign(header)
    other = deploy_core(project, lister, gate, addresses_of(keys)).rollup

    with reverts(committee, "SignerNotMember", signer=...):
        other.submitBatchCalldata(
            header, AcceptedBatch(), signatures, empty_chunks[0].data, sender=lister
        )


def test_submit_batch__new_committee__succeeds(
    rollup, committee, lister, operator, posted, empty_chunks
):
    operator.keys = member_keys(7, seed=1)
    committee.beginEpoch(addresses_of(operator.keys), sender=lister)
    stake_for(addresses_of(operator.keys), committee, lister)
    operator.epoch = 2

    batch = operator.post(empty_chunks)

    assert batch.signers == 0b11111


def test_submit_batch__epoch_gone_by__reverts(
    rollup, committee, lister, operator, empty_chunks, reverts
):
    header = operator.header(empty_chunks)
    committee.beginEpoch(addresses_of(operator.keys), sender=lister)

    with reverts(rollup, "EpochMismatch", expected=2, actual=1):
        operator.submit_calldata(empty_chunks, header)


def test_submit_batch__by_contract__reverts(
    project, rollup, operator, empty_chunks, attacker, reverts
):
    relay = attacker.deploy(project.Relay)
    header = operator.header(empty_chunks)
    data = rollup.submitBatchCalldata.encode_input(
        header, AcceptedBatch(), operator.sign(header), empty_chunks[0].data
    )

    with reverts(rollup, "SenderNotOrigin", expected=attacker, actual=relay):
        relay.call(rollup, data, sender=attacker)


def test_submit_batch__delegated_account__reverts(
    project, rollup, operator, empty_chunks, attacker, chain, reverts
):
    relay = attacker.deploy(project.Relay)
    delegation = "0xef0100" + relay.address[2:]
    chain.provider.make_request("anvil_setCode", [attacker.address, delegation])

    with reverts(rollup, "SenderHasCode", sender=attacker):
        operator.submit_calldata(empty_chunks, sender=attacker)
