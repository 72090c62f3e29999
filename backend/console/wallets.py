"""People's own transactions on the chain; on local chains also money to begin with."""

from typing import Any, Final

from eth_account.messages import encode_typed_data

from backend.console.errors import TransactionFailed, TransactionUnknown
from backend.protocol.hashing import Digest, keccak
from backend.protocol.signing import PrivateKey
from backend.protocol.types import Address
from backend.settlement.anvil import LOCAL_CHAIN_IDS
from backend.settlement.chain import Contract, Done, Receipt, Refused
from backend.settlement.client import ChainClient
from backend.settlement.deployment_file import Deployment
from backend.settlement.sender import Sender

Attestation = tuple[Address, int, int, int]
"""Person, level, expiry and issued, the last two in seconds: as the registry takes them."""

_GAS_MONEY_WEI: Final = 10**18
_GAS_MONEY_WEI_MIN: Final = 10**17


class Wallets:
    """Sends transactions with keys that are here."""

    def __init__(self, chain: ChainClient, deployment: Deployment) -> None:
        self._chain = chain
        self._deployment = deployment

    @property
    def is_local(self) -> bool:
        """Whether it is a development chain, where money is worth nothing."""
        return self._deployment.chain_id in LOCAL_CHAIN_IDS

    async def send(
        self,
        key: PrivateKey,
        contract: Contract,
        data: bytes,
        what: str,
        value_wei: int = 0,
    ) -> Receipt:
        """Send a transaction and wait until it is mined. Not idempotent.

        Raises TransactionFailed, TransactionUnknown, or ChainUnavailable with nothing sent.
        """
        sender = Sender(self._chain, key)
        outcome = await sender.send(contract.address, data, abi=contract.abi, value_wei=value_wei)
        if isinstance(outcome, Done):
            return outcome.receipt
        if isinstance(outcome, Refused):
            raise TransactionFailed(what, outcome.reason)
        raise TransactionUnknown(what, outcome.tx_hash)

    async def balance(self, token: Contract, owner: Address) -> int:
        """Return a wallet's tokens in base units."""
        return int(await self._chain.read(token, "balanceOf", owner))

    async def give_gas_money(self, address: Address) -> bool:
        """Let a local chain give an address its own coin; return whether it had too little."""
        return await give_gas_money(self._chain, address)

    async def give_tokens(
        self, minter: PrivateKey, symbol: str, owner: Address, amount: int
    ) -> int:
        """Mint what a wallet lacks of `amount` base units, if the token is one of our own.

        Returns how much was given.
        """
        token = self._deployment.token(symbol)
        is_ours = symbol in self._deployment.contracts
        missing = amount - await self.balance(token, owner)
        if not self.is_local or not is_ours or missing <= 0:
            return 0
        data = token.abi.call_data("mint", owner, missing)
        await self.send(minter, token, data, f"gift of {symbol}")
        return missing

    async def record_attestation(
        self, key: PrivateKey, attestation: Attestation, signature: bytes
    ) -> bool:
        """Have the registry record what an attestor signed; return whether it was news to it.

        Anyone may send it. Raises what `send` raises.
        """
        registry = self._deployment.kyc_registry
        person, _, _, issued_ts_s = attestation
        known = await self._chain.read(registry, "statusOf", person)
        if max(known["issued"], known["revokedAt"]) >= issued_ts_s:
            return False
        data = registry.abi.call_data("attest", attestation, signature)
        await self.send(key, registry, data, "attestation")
        return True


async def give_gas_money(chain: ChainClient, address: Address) -> bool:
    """Let a local chain give an address its own coin; return whether it had too little."""
    is_local = await chain.chain_id() in LOCAL_CHAIN_IDS
    if not is_local or await chain.balance_wei(address) >= _GAS_MONEY_WEI_MIN:
        return False
    # The only name of this call that anvil and Hardhat both know.
    await chain.rpc("hardhat_setBalance", "0x" + address.hex(), hex(_GAS_MONEY_WEI))
    return True


def sign_typed_data(key: PrivateKey, typed_data: dict[str, Any]) -> bytes:
    """Return the key's signature of typed data (EIP-712), as wallets make it."""
    message = encode_typed_data(full_message=typed_data)
    return key.sign_digest(
        Digest(keccak(b"\x19" + message.version + message.header + message.body))
    )
