"""What answers for each operation of a batch.

- payments, withdrawals, openings before them, legs of a group, sweeps; nothing else has evidence
- each stands at its slot, whatever no-ops the packer put between
"""

import pytest

from backend.engine.batch.chunking import block_operations, lay_out, with_roots
from backend.engine.batch.evidence import batch_evidence
from backend.engine.recovery import block_at
from backend.protocol.batches import CHUNK_SLOTS
from backend.protocol.errors import InvariantViolated
from backend.protocol.evidence import Evidence
from backend.protocol.operations import Payment, Withdrawal, read_slots
from backend.protocol.state_tree import genesis_tree
from backend.protocol.transition import L1Facts
from tests.unit.engine.chamber import Chamber
from tests.unit.engine.committee import funded_l1, group, key, payment, withdrawal

PAYER, PAYEE, OTHER = key("payer"), key("payee"), key("other")


class Written:
    """A log in memory."""

    def __init__(self, entries):
        self.entries = entries

    def read(self, position):
        return (entry.encode() for entry in self.entries[position:])


def chunks_of(chamber):
    blocks = [
        block_operations(f.block, f.block_hash, f.body, f.execution, f.payment_ids, f.sweep_ids)
        for f in chamber.finals
    ]
    layout = lay_out(blocks, 120)
    deposits = dict(enumerate(record for block in blocks for record in block.deposits))
    facts = L1Facts(chamber.replica.ledger.assets, deposits, len(deposits))
    chunks, _ = with_roots(genesis_tree(), layout.chunk_slots, facts)
    return chunks


def test_batch_evidence__each_kind__stands_at_its_slot_holds():
    chamber = Chamber(funded_l1(PAYER.address, PAYEE.address))
    chamber.settle()
    single = payment(PAYER, OTHER.address, 5, 0)  # opens an account before it
    pair = group((PAYER, PAYEE.address, 6, 1), (PAYEE, PAYER.address, 7, 0))
    leaving = withdrawal(PAYER, 8, 2)
    chamber.order(single, pair, leaving)
    chamber.settle()
    account_id, _ = chamber.replica.ledger.account(PAYEE.address, 1)
    chamber.l1.request_exit(account_id, PAYEE.address)
    chamber.settle()

    chunks = chunks_of(chamber)
    blocks = [block_at(Written(chamber.entries), final.position) for final in chamber.finals]
    evidence = batch_evidence(chunks, blocks)

    operations = {
        index * CHUNK_SLOTS + position: operation
        for index, chunk in enumerate(chunks)
        for position, operation in read_slots(chunk.slots)
        if isinstance(operation, Payment | Withdrawal)
    }
    assert evidence.keys() == operations.keys()
    assert list(evidence.values()) == [
        Evidence(single, 0),
        Evidence(pair, 0),
        Evidence(pair, 1),
        Evidence(leaving, 0),
        Evidence(None, 0),
    ]
    for place, found in evidence.items():
        amounts = found.order.amount if found.order is not None else 1_000_000 + 6 - 7
        assert operations[place].amount_minor == amounts
    assert max(evidence) // CHUNK_SLOTS == 1


def test_block_at__entry_that_is_no_block__rejects():
    chamber = Chamber(funded_l1(PAYER.address))
    chamber.order(payment(PAYER, PAYEE.address, 5, 0))

    with pytest.raises(InvariantViolated):
        block_at(Written(chamber.entries), len(chamber.entries) - 1)
