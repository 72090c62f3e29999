"""Typed structures.

- type strings: each one in docs/PROTOCOL.md has the hash that the code uses
- domains: the ledger's and the registry's differ, as do chain and contract
"""

import re

import pytest

from backend.protocol import batches, blocks, orders, votes
from backend.protocol.eip712 import kyc_domain, ledger_domain, type_hash
from backend.protocol.hashing import keccak
from backend.toolchain import PROJECT_ROOT
from tests.vectors.common import ROLLUP, address

TYPE_HASHES = {
    "BatchHeader": batches._HEADER_TYPE_HASH,
    "PaymentOrder": orders._PAYMENT_HEAD[:32],
    "WithdrawalOrder": orders._WITHDRAWAL_HEAD[:32],
    "Block": blocks._BLOCK_TYPE_HASH,
    "NextRound": votes._NEXT_ROUND_TYPE_HASH,
    "Timeout": votes._TIMEOUT_TYPE_HASH,
    "Proposal": votes._PROPOSAL_TYPE_HASH,
    "Seen": votes._SEEN_TYPE_HASH,
}


@pytest.mark.parametrize("name", TYPE_HASHES)
def test_type_hash__string_of_the_protocol__succeeds(name):
    law = (PROJECT_ROOT / "docs/PROTOCOL.md").read_text()
    (string,) = re.findall(rf"^({name}\([^)]*\))$", law, flags=re.MULTILINE)

    assert TYPE_HASHES[name] == keccak(string.encode())


def test_type_hash__members__succeeds():
    assert type_hash("A", (("uint8", "b"), ("bytes", "c"))) == keccak(b"A(uint8 b,bytes c)")


def test_domain__any_other_field__changes_holds():
    domains = [
        ledger_domain(1, ROLLUP),
        ledger_domain(2, ROLLUP),
        ledger_domain(1, address("other")),
        kyc_domain(1, ROLLUP),
    ]

    assert len({domain.separator for domain in domains}) == 4
    assert len({domain.digest(bytes(32)) for domain in domains}) == 4
    assert ledger_domain(1, ROLLUP) == domains[0]
