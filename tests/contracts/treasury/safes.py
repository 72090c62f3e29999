"""A Safe of several owners, from the bytecode that its makers publish (npm, version 1.5.0)."""

import json

from ape.contracts import ContractContainer
from eth_abi import encode
from ethpm_types import ContractType

from backend.toolchain import PROJECT_ROOT
from tests.contracts.treasury.desk import ZERO

_ARTIFACTS = PROJECT_ROOT / "node_modules/@safe-global/safe-smart-account/build/artifacts/contracts"
_SAFE_TX = [
    {"name": "to", "type": "address"},
    {"name": "value", "type": "uint256"},
    {"name": "data", "type": "bytes"},
    {"name": "operation", "type": "uint8"},
    {"name": "safeTxGas", "type": "uint256"},
    {"name": "baseGas", "type": "uint256"},
    {"name": "gasPrice", "type": "uint256"},
    {"name": "gasToken", "type": "address"},
    {"name": "refundReceiver", "type": "address"},
    {"name": "nonce", "type": "uint256"},
]
_SAFE_MESSAGE = [{"name": "message", "type": "bytes"}]


def _container(path):
    artifact = json.loads((_ARTIFACTS / path).read_text())
    return ContractContainer(
        ContractType.model_validate(
            {
                "contractName": artifact["contractName"],
                "abi": artifact["abi"],
                "deploymentBytecode": {"bytecode": artifact["bytecode"]},
                "runtimeBytecode": {"bytecode": artifact["deployedBytecode"]},
            }
        )
    )


class Safe:
    """A Safe and its owners' keys; the first `threshold` of them sign, unless others are named."""

    def __init__(self, chain, operator, owners, threshold):
        self.chain = chain
        self.operator = operator
        self.owners = owners
        self.threshold = threshold
        singleton = operator.deploy(_container("Safe.sol/Safe.json"))
        factory = operator.deploy(_container("proxies/SafeProxyFactory.sol/SafeProxyFactory.json"))
        handler = operator.deploy(
            _container("handler/CompatibilityFallbackHandler.sol/CompatibilityFallbackHandler.json")
        )
        addresses = [owner.address for owner in owners]
        setup = singleton.setup.encode_input(
            addresses, threshold, ZERO, b"", handler.address, ZERO, 0, ZERO
        )
        receipt = factory.createProxyWithNonce(singleton, setup, 0, sender=operator)
        [created] = receipt.decode_logs(factory.ProxyCreation)
        self.contract = _container("Safe.sol/Safe.json").at(created.proxy)
        self.address = self.contract.address

    def _signatures(self, kind, fields, message, owners):
        """Return the owners' EIP-712 signatures, in order of their addresses, as a Safe wants."""
        domain = {"chainId": self.chain.chain_id, "verifyingContract": self.address}
        ordered = sorted(owners, key=lambda owner: int(owner.address, 16))
        signed = [owner.sign_typed_data(domain, {kind: fields}, message) for owner in ordered]
        return b"".join(bytes(each.signature) for each in signed)

    def act(self, calls, owners=None):
        """Make each call by a transaction of its own, which the owners sign."""
        owners = self.owners[: self.threshold] if owners is None else owners
        for target, value, data in calls:
            head = (target, value, data, 0, 0, 0, 0, ZERO, ZERO)
            names = [field["name"] for field in _SAFE_TX]
            message = dict(
                zip(names, (*head, self.contract.call_view_method("nonce")), strict=True)
            )
            signatures = self._signatures("SafeTx", _SAFE_TX, message, owners)
            self.contract.execTransaction(*head, signatures, sender=self.operator)

    def signature(self, digest, owners=None):
        """Return what the Safe's ERC-1271 takes for a digest."""
        owners = self.owners[: self.threshold] if owners is None else owners
        message = {"message": encode(["bytes32"], [digest])}
        return self._signatures("SafeMessage", _SAFE_MESSAGE, message, owners)
