"""The five contracts that hold the money and judge the batches, deployed together."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from eth_utils import to_bytes, to_checksum_address

from backend.settlement.deployment_steps import created_address

CHALLENGE_WINDOW_S = 60
STAKE_WEI = 10**18
NAMES = ("Committee", "Rollup", "Exits", "Disputes", "Challenges")


class Windows(NamedTuple):
    """IRollup.Windows: seconds, and wei."""

    challenge_s: int = CHALLENGE_WINDOW_S
    answer_s: int = 40
    exit_s: int = 600
    deposit_s: int = 700
    silence_s: int = 7 * 86_400
    timestamp_lag_s: int = 30 * 86_400
    gas_price_floor_wei: int = 10**9


WINDOWS = Windows()


class Core(NamedTuple):
    committee: Any
    rollup: Any
    exits: Any
    disputes: Any
    challenges: Any


def deploy_core(
    project: Any,
    deployer: Any,
    gate: Any,
    members: Sequence[Any],
    windows: Windows = WINDOWS,
    stake_wei: int = STAKE_WEI,
) -> Core:
    """Deploy all of them; the deployer is owner and lister, and stakes for each member."""
    creator = to_bytes(hexstr=deployer.address)
    addresses = [
        to_checksum_address(created_address(creator, deployer.nonce + i)) for i in range(len(NAMES))
    ]
    committee, rollup, exits, disputes, challenges = addresses
    parts = (committee, gate, deployer, exits, disputes, challenges)
    core = Core(
        deployer.deploy(project.Committee, deployer, rollup, list(members), stake_wei),
        deployer.deploy(project.Rollup, parts, windows),
        deployer.deploy(project.Exits, rollup),
        deployer.deploy(project.Disputes, rollup),
        deployer.deploy(project.Challenges, rollup),
    )
    assert [contract.address for contract in core] == addresses
    stake_for(members, core.committee, deployer)
    return core


def stake_for(members: Sequence[Any], committee: Any, payer: Any) -> None:
    """Give each member a whole stake."""
    for member in members:
        committee.stake(member, sender=payer, value=committee.stakeWei())
