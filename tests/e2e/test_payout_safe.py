"""A payout whose owner is a real 2-of-3 Safe, in place of the treasury.

- the platform shows the call; the Safe makes it with two owners' signatures; everybody is paid
- one owner's signature authorises nothing, and nobody is paid
- another payout of the Safe waits until this one has ended or is given up
"""

import asyncio
import json

import pytest

from backend.console.wallets import sign_typed_data
from backend.protocol.hashing import keccak
from backend.protocol.types import Address, address_from_text, address_text
from backend.settlement.abi import ContractAbi
from backend.settlement.anvil import dev_key
from backend.settlement.chain import Contract, Done, Refused
from backend.settlement.client import ChainClient
from backend.settlement.deployment_steps import created_address
from backend.settlement.sender import Sender
from backend.toolchain import NODE_MODULES_DIR
from tests.e2e.commands import Commands

ARTIFACTS = NODE_MODULES_DIR / "@safe-global/safe-smart-account/build/artifacts/contracts"
OWNERS = sorted(map(dev_key, range(20, 23)), key=lambda key: key.address)
SENDER = dev_key(9)
NOBODY = bytes(20)
SAFE_TX = (
    ("address", "to"),
    ("uint256", "value"),
    ("bytes", "data"),
    ("uint8", "operation"),
    ("uint256", "safeTxGas"),
    ("uint256", "baseGas"),
    ("uint256", "gasPrice"),
    ("address", "gasToken"),
    ("address", "refundReceiver"),
    ("uint256", "nonce"),
)


class Safe:
    """A Safe on the platform's chain, made from the bytecode that its makers publish."""

    def __init__(self, client: ChainClient) -> None:
        self._client, self._sender = client, Sender(client, SENDER)

    async def make(self) -> Address:
        """Deploy the Safe; return its address."""
        singleton = await self._deploy("Safe.sol/Safe.json")
        factory = await self._deploy("proxies/SafeProxyFactory.sol/SafeProxyFactory.json")
        owners = [key.address for key in OWNERS]
        setup = singleton.abi.call_data("setup", owners, 2, NOBODY, b"", NOBODY, NOBODY, 0, NOBODY)
        arguments = (singleton.address, setup, 7)
        proxy = await self._client.read(factory, "createProxyWithNonce", *arguments)
        outcome = await self._sender.call(factory, "createProxyWithNonce", *arguments)
        assert isinstance(outcome, Done)
        self.contract = Contract(proxy, singleton.abi)
        return Address(proxy)

    async def execute(self, to: bytes, data: bytes, signers) -> Done | Refused:
        """Make a call with the signatures of some owners."""
        nonce = await self._client.read(self.contract, "nonce")
        plain = (to, 0, data, 0, 0, 0, 0, NOBODY, NOBODY)
        typed = {
            "types": {
                "EIP712Domain": [
                    {"name": "chainId", "type": "uint256"},
                    {"name": "verifyingContract", "type": "address"},
                ],
                "SafeTx": [{"name": name, "type": kind} for kind, name in SAFE_TX],
            },
            "primaryType": "SafeTx",
            "domain": {
                "chainId": await self._client.chain_id(),
                "verifyingContract": address_text(self.contract.address),
            },
            "message": {
                name: address_text(value) if kind == "address" else value
                for (kind, name), value in zip(SAFE_TX, (*plain, nonce), strict=True)
            },
        }
        signatures = b"".join(sign_typed_data(key, typed) for key in signers)
        outcome = await self._sender.call(self.contract, "execTransaction", *plain, signatures)
        assert isinstance(outcome, Done | Refused)
        return outcome

    async def _deploy(self, path: str) -> Contract:
        made = json.loads((ARTIFACTS / path).read_text())
        nonce = await self._sender.next_nonce()
        outcome = await self._sender.send(None, bytes.fromhex(made["bytecode"][2:]))
        assert isinstance(outcome, Done)
        return Contract(created_address(SENDER.address, nonce), ContractAbi(made["abi"]))


@pytest.fixture
def runner():
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def safe(running_platform, runner):
    client = ChainClient(running_platform.settings.rpc_url)
    safe = Safe(client)
    runner.run(safe.make())
    yield safe
    runner.run(client.close())


def test_payout__of_a_safe__pays_when_two_owners_sign_succeeds(
    running_platform, runner, safe, tmp_path
):
    commands = Commands(running_platform.settings)
    safe_text = address_text(safe.contract.address)
    commands.run("account", "new", "founder")
    commands.run("kyc", "apply", "founder")
    commands.run("deposit", "founder", "100", "USDX")
    commands.run("pay", "founder", safe_text, "50", "USDX", "--fee-max", "1")
    payees = [address_text(keccak(b"member %d" % number)[:20]) for number in range(20)]
    file = tmp_path / "shares.csv"
    file.write_text("payee,amount\n" + "".join(f"{payee},1.25\n" for payee in payees))
    words = ("payout", "create", str(file), "--asset", "USDX", "--owner", safe_text)

    payout = commands.json(*words)
    call = payout["call"]
    to, data = address_from_text(call["target"]), bytes.fromhex(call["data"][2:])
    alone = runner.run(safe.execute(to, data, OWNERS[:1]))
    other = tmp_path / "other.csv"
    other.write_text(f"payee,amount\n{payees[0]},1\n")
    waits = commands.json(
        *("payout", "create", str(other), "--asset", "USDX", "--owner", safe_text), exit_code=1
    )
    assert payout["proposal_id"] is None
    assert isinstance(alone, Refused)
    assert waits["error"]["code"] == "PAYOUT_IN_PROGRESS"
    assert commands.json("payout", "show", payout["id"])["status"] == "proposed"

    both = runner.run(safe.execute(to, data, OWNERS[:2]))
    done = commands.json("payout", "show", payout["id"], "--wait")

    assert isinstance(both, Done)
    assert (done["status"], done["paid_count"]) == ("done", "20")
    assert commands.json(*words)["status"] == "done"
