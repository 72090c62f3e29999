"""What the tests of settlement share: an anvil of their own, contracts on it, and role actors."""

from dataclasses import dataclass, field
from pathlib import Path

from backend.settlement.anvil import dev_key, increase_time, mine
from backend.settlement.chain import Contract, Done, Receipt
from backend.settlement.client import ChainClient
from backend.settlement.deployment import LOCAL_TOKENS, deploy
from backend.settlement.deployment_file import LOCAL_PARAMETERS, Deployment, Roles
from backend.settlement.rollup import Rollup
from backend.settlement.sender import Sender

DEPLOYER, SUBMITTER, OPERATOR, ATTESTOR = map(dev_key, range(4))
OWNER, OTHER_OWNER, FEE_OWNER = map(dev_key, range(4, 7))
VALIDATORS = sorted(map(dev_key, range(100, 104)), key=lambda key: key.address)
ROLES = Roles(
    admin=DEPLOYER.address,
    lister=DEPLOYER.address,
    validators=tuple(key.address for key in VALIDATORS),
    attestor=ATTESTOR.address,
    guardian=DEPLOYER.address,
    minter=DEPLOYER.address,
    fee_owner=FEE_OWNER.address,
)
KYC_EXPIRY_TS_S = 2**40


async def deployed(client: ChainClient, folder: Path) -> Deployment:
    made = await deploy(client, DEPLOYER, ROLES, LOCAL_PARAMETERS, LOCAL_TOKENS, folder)
    return made.deployment


@dataclass
class Chain:
    """A development chain with our contracts."""

    client: ChainClient
    deployment: Deployment
    pid_file: Path
    _senders: dict[bytes, Sender] = field(default_factory=dict)

    @property
    def rollup(self) -> Rollup:
        return Rollup(self.client, self.deployment)

    def sender(self, key) -> Sender:
        return self._senders.setdefault(key.address, Sender(self.client, key))

    async def call(self, key, contract: Contract, function: str, *arguments) -> Receipt:
        """Send a call as `key`; the test fails unless it is mined and succeeds."""
        outcome = await self.sender(key).call(contract, function, *arguments)
        assert isinstance(outcome, Done), outcome
        return outcome.receipt

    async def attest(self, owner) -> None:
        now = (await self.client.latest()).ts_s
        attestation = (owner.address, 1, KYC_EXPIRY_TS_S, now)
        await self.call(ATTESTOR, self.deployment.kyc_registry, "attest", attestation, b"")

    async def fund(self, owner, amount: int, symbol: str = "USDX") -> None:
        """Give a verified owner tokens that the rollup may take."""
        token = self.deployment.token(symbol)
        await self.attest(owner)
        await self.call(DEPLOYER, token, "mint", owner.address, amount)
        rollup = self.deployment.address("Rollup")
        await self.call(owner, token, "approve", rollup, amount)

    async def deposit(self, owner, amount: int, asset_id: int = 1) -> Receipt:
        contract = self.rollup.contract
        return await self.call(owner, contract, "deposit", asset_id, owner.address, amount, b"")

    async def mine(self, count: int = 1) -> None:
        await mine(self.client, count)

    async def set_base_fee(self, base_fee_wei: int) -> None:
        """Mine a block of this base fee."""
        await self.client.rpc("anvil_setNextBlockBaseFeePerGas", hex(base_fee_wei))
        await self.mine()

    async def pass_time(self, seconds: int) -> None:
        await increase_time(self.client, seconds)

    async def set_automine(self, is_on: bool) -> None:
        await self.client.rpc("evm_setAutomine", is_on)

    async def reorganise(self, depth: int) -> None:
        """Replace the newest blocks by empty ones; their transactions are gone."""
        await self.client.rpc("anvil_reorg", depth, [])

    async def drop(self, tx_hash: bytes) -> None:
        await self.client.rpc("anvil_dropTransaction", "0x" + tx_hash.hex())
