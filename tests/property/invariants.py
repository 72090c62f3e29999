"""The laws, each once: used by unit, property and end-to-end tests."""

from collections.abc import Iterable, Mapping, Sequence

from backend.engine.batch import BlockOperations, WithdrawalProof
from backend.engine.ledger import Changes, Execution, Ledger
from backend.protocol.batches import (
    CHUNK_SLOTS,
    FEE_ACCOUNTS_MAX,
    BatchHeader,
    Chunk,
    chunk_hashes,
)
from backend.protocol.hashing import Digest, keccak
from backend.protocol.operations import (
    NoOp,
    OpenAccount,
    Operation,
    Payment,
    Withdrawal,
    read_slots,
)
from backend.protocol.order_records import OrderGroup, OrderRecord
from backend.protocol.state_tree import StateTree, chunks_root, leaf_hash, root_from_path
from backend.protocol.transition import L1Facts, apply_in_sequence
from backend.protocol.types import BRIDGE, FEE_PARTITION, REGISTRY, DepositRecord, fee_account_id


def money_is_conserved(
    ledger: Ledger, deposits: Iterable[DepositRecord], withdrawn: Iterable[tuple[int, int]]
) -> None:
    """An asset's balances add up to its deposits less its withdrawals (asset id, minor units)."""
    expected = dict.fromkeys(ledger.assets, 0)
    for record in deposits:
        expected[record.asset_id] += record.amount_minor
    for asset_id, amount_minor in withdrawn:
        expected[asset_id] -= amount_minor
    balances = dict.fromkeys(ledger.assets, 0)
    for account_id, leaf in ledger.leaves.items():
        if account_id != BRIDGE:
            balances[leaf.asset_id] += leaf.balance_minor
    assert balances == expected == ledger.supply_minor
    ledger.check_conservation()


def accounts_are_well_formed(ledger: Ledger) -> None:
    """One account for each owner and asset, under an id that its owner has a right to."""
    owned = set()
    for account_id, leaf in ledger.leaves.items():
        if account_id == BRIDGE:
            continue
        assert account_id != REGISTRY
        assert (leaf.owner, leaf.asset_id) not in owned
        owned.add((leaf.owner, leaf.asset_id))
        assert ledger.account_ids[leaf.owner, leaf.asset_id] == account_id
        if ledger.assets[leaf.asset_id].fee_owner == leaf.owner:
            assert account_id == fee_account_id(leaf.asset_id)
        else:
            assert account_id >> 24 == keccak(leaf.owner)[-1] % 255 != FEE_PARTITION
    assert len(owned) == len(ledger.account_ids) == len(ledger.leaves) - 1


def sequence_gives_the_same(
    before: Ledger, changes: Changes, slots: bytes, deposits: Sequence[DepositRecord]
) -> None:
    """What is valid in two phases is valid in sequence, with the same result.

    A block may have more fee accounts than a chunk, so it is read operation by operation.
    """
    assets = before.assets | {asset.asset_id: asset for asset in changes.listings}
    by_index = dict(enumerate(deposits, before.deposit_count))
    facts = L1Facts(assets, by_index, before.deposit_count + len(deposits))
    leaves = dict(before.leaves)
    touched = set()
    for start, operation in read_slots(slots):
        end = start + (2 if isinstance(operation, OpenAccount) else 1)
        changed = apply_in_sequence(leaves.get, slots[start * 15 : end * 15], facts)
        leaves.update(changed)
        touched.update(changed)
    assert {account_id: leaves[account_id] for account_id in touched} == dict(changes.leaves)


def chunks_keep_l1_rules(chunks: Sequence[Chunk], before: StateTree) -> None:
    """Each chunk by itself: whole operations, and fees to at most four accounts.

    `before` is the state before them; accounts opened in the chunks are found there.
    """
    asset_of = {}

    def fee_account(operation: Operation) -> int | None:
        match operation:
            case OpenAccount(account_id, asset_id, _):
                asset_of[account_id] = asset_id
            case Payment(payer, _, _, fee) | Withdrawal(payer, _, fee) if fee:
                leaf = before.leaf(payer)
                return fee_account_id(asset_of[payer] if leaf is None else leaf.asset_id)
        return None

    for chunk in chunks:
        fees = {fee_account(operation) for _, operation in chunk.operations()} - {None}
        assert len(fees) <= FEE_ACCOUNTS_MAX


def chunks_give_their_roots(
    chunks: Sequence[Chunk], before: StateTree, facts: L1Facts
) -> StateTree:
    """Executed as L1 does, each chunk leads to the root it ends with. Return the last state."""
    tree = before
    for chunk in chunks:
        tree = tree.set_many(apply_in_sequence(tree.leaf, chunk.slots, facts))
        assert tree.root == chunk.root
    return tree


def chunks_are_the_blocks(chunks: Sequence[Chunk], blocks: Iterable[BlockOperations]) -> None:
    """A batch without its no-ops is exactly the operations of its blocks, in order."""
    packed = [o for chunk in chunks for _, o in chunk.operations() if not isinstance(o, NoOp)]
    assert packed == [o for block in blocks for _, o in read_slots(block.slots)]


def groups_are_whole(records: Sequence[OrderRecord], execution: Execution) -> None:
    """The legs of each group, and they alone, are noted as one, side by side."""
    executed = iter(execution.orders)
    groups = {}
    for record in records:
        slots = [next(executed).slot for _ in record.orders]
        assert slots == list(range(slots[0], slots[0] + len(slots)))
        if isinstance(record, OrderGroup):
            groups[slots[0]] = len(slots)
    assert next(executed, None) is None
    assert dict(execution.groups) == groups


def groups_stand_in_one_chunk(
    blocks: Iterable[BlockOperations], placed: Mapping[Digest, int]
) -> None:
    """`placed` are the payments' slot numbers in the batch that holds these blocks."""
    for block in blocks:
        payment_at = {slot: payment_id for payment_id, slot in block.payments}
        for start, leg_count in block.groups.items():
            slots = [placed[payment_at[start + leg]] for leg in range(leg_count)]
            assert slots == list(range(slots[0], slots[0] + leg_count))
            assert slots[0] // CHUNK_SLOTS == slots[-1] // CHUNK_SLOTS


def header_covers_its_chunks(header: BatchHeader, chunks: Sequence[Chunk]) -> None:
    """The fields that follow from the chunks alone."""
    assert header.chunk_count == len(chunks)
    assert header.chunks_root == chunks_root(chunk_hashes(chunks))
    assert header.post_root == chunks[-1].root


def withdrawal_proof_holds(proof: WithdrawalProof, header: BatchHeader) -> None:
    """The proof leads to the header by the public functions alone, as `claimWithdrawal` asks."""
    index, position = divmod(proof.slot_number, CHUNK_SLOTS)
    chunk = Chunk.decode(proof.chunk)
    withdrawal = dict(chunk.operations())[position]
    assert withdrawal == Withdrawal(
        proof.payer_id, proof.amount_minor, getattr(withdrawal, "fee_minor", None)
    )
    assert root_from_path(index, chunk.hash(), proof.chunk_path) == header.chunks_root
    leaf_root = root_from_path(proof.payer_id, leaf_hash(proof.leaf), proof.leaf_path)
    assert leaf_root == chunk.root
    later = [
        o
        for at, o in chunk.operations()
        if at >= position and getattr(o, "payer", None) == proof.payer_id
    ]
    assert proof.nonce == proof.leaf.nonce - len(later)
