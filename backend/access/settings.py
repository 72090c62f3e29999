"""What the access plane is told at its start."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from backend.protocol.eip712 import Domain
from backend.protocol.money import FEE_MINOR_MAX, fee_minor_up
from backend.protocol.types import Address

BODY_BYTES_MAX: Final = 64 * 1024  # a line of a bulk request is a body, too
BULK_BYTES_MAX: Final = 16 * 1024 * 1024
BULK_LINES_MAX: Final = 10_000
WAIT_FINAL_MS_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class FeePolicy:
    """What an order of an asset has to pay at least: a minimum, or a share of the amount."""

    minimum_minor: int = 0
    bps: int = 0

    def needed_minor_up(self, amount_minor: int) -> int:
        """Return what is asked for an amount at least; never more than a fee can be."""
        share = -(-amount_minor * self.bps // 10_000)
        return min(max(self.minimum_minor, share), FEE_MINOR_MAX)

    def fee_minor_up(self, amount_minor: int) -> int:
        """Return the least fee for an amount that an order can carry."""
        return fee_minor_up(self.needed_minor_up(amount_minor))


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """Values of the deployment and of its operator. Times and durations carry their unit."""

    domain: Domain  # of orders: chain id and rollup
    kyc_registry: Address
    exits: Address
    challenge_window_ms: int
    exit_deadline_ms: int
    block_interval_ms: int = 50
    batch_interval_ms: int = 60_000
    default_fee: FeePolicy = FeePolicy()
    fees: Mapping[int, FeePolicy] = field(default_factory=dict)  # by asset id
    levels_needed: Mapping[int, int] = field(default_factory=dict)  # of regulated assets, by id
    kyc_level: int = 1
    kyc_validity_s: int = 365 * 24 * 3600
    order_life_s: int = 600
    group_life_s: int = 3600  # people sign one after the other
    public_url: str = "http://127.0.0.1:8000"
    bootstrap_api_key: str = field(default="", repr=False)
    requests_per_s_max: int = 0  # of one API key; 0: no limit
    heartbeat_ms: int = 15_000

    def fee_policy(self, asset_id: int, takes_fee: bool) -> FeePolicy:
        """Return what orders of an asset pay; an asset without a fee account takes nothing."""
        return self.fees.get(asset_id, self.default_fee) if takes_fee else FeePolicy()

    def level_needed(self, asset_id: int) -> int:
        """Return the level in the KYC registry that an asset's holders need; 0: none."""
        return self.levels_needed.get(asset_id, 0)
