"""The ledger: applies blocks to balances. Law: an asset's balances add up to what came in less
what went out, and what is valid in two phases is valid in sequence with the same result.
"""

from backend.engine.ledger.errors import (
    BlockTooLarge,
    DepositInvalid,
    InvalidBlock,
    L1PointBehind,
    ListingInvalid,
    OrderNotExecutable,
    RejectionUnjustified,
    RootInvalid,
)
from backend.engine.ledger.execution import ExecutedDeposit, ExecutedOrder, Execution, execute
from backend.engine.ledger.judge import Judged, MayHold, Pending, check_record
from backend.engine.ledger.selection import Selection, check_rejections, select
from backend.engine.ledger.snapshot import decode_snapshot, encode_snapshot
from backend.engine.ledger.state import GENESIS_LEAF, SUPPLY_MINOR_LIMIT, Changes, Ledger
from backend.engine.ledger.sweeps import Sweep, sweeps_of

__all__ = [
    "GENESIS_LEAF",
    "SUPPLY_MINOR_LIMIT",
    "BlockTooLarge",
    "Changes",
    "DepositInvalid",
    "ExecutedDeposit",
    "ExecutedOrder",
    "Execution",
    "InvalidBlock",
    "Judged",
    "L1PointBehind",
    "Ledger",
    "ListingInvalid",
    "MayHold",
    "OrderNotExecutable",
    "Pending",
    "RejectionUnjustified",
    "RootInvalid",
    "Selection",
    "Sweep",
    "check_record",
    "check_rejections",
    "decode_snapshot",
    "encode_snapshot",
    "execute",
    "select",
    "sweeps_of",
]
