"""What a deployment is, and its file `deployments/<chainId>.json`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from backend.files import write_atomically
from backend.protocol.hashing import Digest
from backend.protocol.types import Address, address_from_text, address_text, digest_text
from backend.settlement.artifacts import artifact
from backend.settlement.chain import Contract

_VERSION: Final = 3
_DAY_S: Final = 24 * 3600


@dataclass(frozen=True, slots=True)
class Parameters:
    """Section 11 of PROTOCOL.md, and the level of customer checks that deposits need."""

    challenge_window_s: int
    timestamp_lag_s: int
    confirmations: int | None  # blocks; None: whatever the chain calls finalised
    answer_window_s: int
    exit_deadline_s: int
    deposit_timeout_s: int
    silence_deadline_s: int
    stake_wei: int
    gas_price_floor_wei: int = 10**9
    kyc_level_needed: int = 1
    treasury_timelock_s: int = 0  # between the approval of a governed call and its execution

    @property
    def windows(self) -> tuple[int, ...]:
        """The struct `Windows` of IRollup."""
        return (
            self.challenge_window_s,
            self.answer_window_s,
            self.exit_deadline_s,
            self.deposit_timeout_s,
            self.silence_deadline_s,
            self.timestamp_lag_s,
            self.gas_price_floor_wei,
        )


# Whoever develops may leave blocks unposted for long, or put the chain's clock ahead.
LOCAL_PARAMETERS: Final = Parameters(
    challenge_window_s=60,
    timestamp_lag_s=365 * _DAY_S,
    confirmations=1,
    answer_window_s=60,
    exit_deadline_s=600,
    deposit_timeout_s=600,
    silence_deadline_s=7 * _DAY_S,
    stake_wei=10**18,
)
PUBLIC_PARAMETERS: Final = Parameters(
    challenge_window_s=7 * _DAY_S,
    timestamp_lag_s=17 * _DAY_S,
    confirmations=None,
    answer_window_s=2 * _DAY_S,
    exit_deadline_s=3 * _DAY_S,
    deposit_timeout_s=3 * _DAY_S,
    silence_deadline_s=7 * _DAY_S,
    stake_wei=10 * 10**18,
    treasury_timelock_s=_DAY_S,
)


@dataclass(frozen=True, slots=True)
class Roles:
    """Who may do what. Nobody here has power over deposited money but a quorum of validators."""

    admin: Address  # owns the committee and the registry, and our own tokens
    lister: Address
    validators: tuple[Address, ...]  # 3f + 1 of them
    attestor: Address | None = None
    guardian: Address | None = None
    minter: Address | None = None
    fee_owner: Address | None = None
    treasurers: tuple[Address, ...] = ()  # sign for the treasury; none: there is no treasury


@dataclass(frozen=True, slots=True)
class ContractRecord:
    """A contract that was created; `code_hash` is None until it has been seen on the chain."""

    artifact: str
    address: Address
    nonce: int
    init_code_hash: bytes
    code_hash: bytes | None


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """A listed token."""

    symbol: str
    address: Address
    decimals: int
    unit: int
    asset_id: int
    level_needed: int = 0
    """The level in the KYC registry that a holder needs: above 0, the asset is regulated."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where the contracts of one chain are. Events begin after `block_number`."""

    chain_id: int
    genesis_hash: bytes
    block_number: int
    parameters: Parameters
    roles: Roles
    contracts: Mapping[str, ContractRecord]
    tokens: tuple[TokenRecord, ...]

    @property
    def rollup(self) -> Contract:
        """The rollup. Its ABI also knows the errors of committee, registry and tokens."""
        names = ("Committee", "KycRegistry", "Stablecoin", "RegulatedAsset")
        others = (artifact(name).abi for name in names)
        return Contract(self.address("Rollup"), artifact("Rollup").abi.joined(*others))

    def core(self, name: str) -> Contract:
        """Exits, Disputes or Challenges. The ABI also knows the errors of rollup and committee."""
        others = (artifact(other).abi for other in ("Rollup", "Committee", "Exits", "Disputes"))
        return Contract(self.address(name), artifact(name).abi.joined(*others))

    @property
    def kyc_registry(self) -> Contract:
        return Contract(self.address("KycRegistry"), artifact("KycRegistry").abi)

    @property
    def committee(self) -> Contract:
        return Contract(self.address("Committee"), artifact("Committee").abi)

    @property
    def rollup_code_hash(self) -> Digest:
        """keccak of the rollup's code: part of the ordering log's identity."""
        return Digest(self.contracts["Rollup"].code_hash or bytes(32))

    def address(self, name: str) -> Address:
        """Return the address of a contract of ours."""
        return self.contracts[name].address

    def token(self, symbol: str) -> Contract:
        """Return a listed token by its symbol. Raises KeyError."""
        token = {token.symbol: token for token in self.tokens}[symbol]
        name = "RegulatedAsset" if token.level_needed else "Stablecoin"
        return Contract(token.address, artifact(name).abi)


def save_deployment(path: Path, deployment: Deployment) -> None:
    """Write the file so that a crash leaves the old or the new one, never half of either."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(_to_json(deployment), indent=2) + "\n"
    write_atomically(path, [text.encode()])


class DeploymentOutdated(Exception):
    """The file was written by an earlier release, whose contracts are other ones."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} describes contracts of an earlier release. A release is a deployment of its "
            "own: move this file and the data folder away, and deploy anew."
        )


def load_deployment(path: Path) -> Deployment | None:
    """Return the deployment that a file describes; None if there is no file.

    Raises DeploymentOutdated.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    found = json.loads(text)
    if found["version"] != _VERSION:
        raise DeploymentOutdated(path)
    return _from_json(found)


def _to_json(deployment: Deployment) -> dict[str, Any]:
    parameters, roles = deployment.parameters, deployment.roles
    return {
        "version": _VERSION,
        "chainId": deployment.chain_id,
        "genesisHash": digest_text(deployment.genesis_hash),
        "blockNumber": deployment.block_number,
        "parameters": {
            "challengeWindow": parameters.challenge_window_s,
            "timestampLag": parameters.timestamp_lag_s,
            "confirmations": parameters.confirmations,
            "answerWindow": parameters.answer_window_s,
            "exitDeadline": parameters.exit_deadline_s,
            "depositTimeout": parameters.deposit_timeout_s,
            "silenceDeadline": parameters.silence_deadline_s,
            "stakeWei": str(parameters.stake_wei),
            "gasPriceFloorWei": str(parameters.gas_price_floor_wei),
            "kycLevelNeeded": parameters.kyc_level_needed,
            "treasuryTimelock": parameters.treasury_timelock_s,
        },
        "roles": {
            "admin": address_text(roles.admin),
            "lister": address_text(roles.lister),
            "validators": [address_text(each) for each in roles.validators],
            "attestor": _optional(roles.attestor),
            "guardian": _optional(roles.guardian),
            "minter": _optional(roles.minter),
            "feeOwner": _optional(roles.fee_owner),
            "treasurers": [address_text(each) for each in roles.treasurers],
        },
        "contracts": {
            name: {
                "artifact": record.artifact,
                "address": address_text(record.address),
                "nonce": record.nonce,
                "initCodeHash": digest_text(record.init_code_hash),
                "codeHash": None if record.code_hash is None else digest_text(record.code_hash),
            }
            for name, record in deployment.contracts.items()
        },
        "tokens": [
            {
                "symbol": token.symbol,
                "address": address_text(token.address),
                "decimals": token.decimals,
                "unit": token.unit,
                "assetId": token.asset_id,
                "levelNeeded": token.level_needed,
            }
            for token in deployment.tokens
        ],
    }


def _from_json(found: Any) -> Deployment:
    parameters, roles = found["parameters"], found["roles"]
    return Deployment(
        chain_id=found["chainId"],
        genesis_hash=_bytes(found["genesisHash"]),
        block_number=found["blockNumber"],
        parameters=Parameters(
            challenge_window_s=parameters["challengeWindow"],
            timestamp_lag_s=parameters["timestampLag"],
            confirmations=parameters["confirmations"],
            answer_window_s=parameters["answerWindow"],
            exit_deadline_s=parameters["exitDeadline"],
            deposit_timeout_s=parameters["depositTimeout"],
            silence_deadline_s=parameters["silenceDeadline"],
            stake_wei=int(parameters["stakeWei"]),
            gas_price_floor_wei=int(parameters["gasPriceFloorWei"]),
            kyc_level_needed=parameters["kycLevelNeeded"],
            treasury_timelock_s=parameters["treasuryTimelock"],
        ),
        roles=Roles(
            admin=address_from_text(roles["admin"]),
            lister=address_from_text(roles["lister"]),
            validators=tuple(map(address_from_text, roles["validators"])),
            attestor=_address(roles["attestor"]),
            guardian=_address(roles["guardian"]),
            minter=_address(roles["minter"]),
            fee_owner=_address(roles["feeOwner"]),
            treasurers=tuple(map(address_from_text, roles["treasurers"])),
        ),
        contracts={
            name: ContractRecord(
                artifact=record["artifact"],
                address=address_from_text(record["address"]),
                nonce=record["nonce"],
                init_code_hash=_bytes(record["initCodeHash"]),
                code_hash=None if record["codeHash"] is None else _bytes(record["codeHash"]),
            )
            for name, record in found["contracts"].items()
        },
        tokens=tuple(
            TokenRecord(
                symbol=token["symbol"],
                address=address_from_text(token["address"]),
                decimals=token["decimals"],
                unit=token["unit"],
                asset_id=token["assetId"],
                level_needed=token["levelNeeded"],
            )
            for token in found["tokens"]
        ),
    )


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def _optional(address: Address | None) -> str | None:
    return None if address is None else address_text(address)


def _address(text: str | None) -> Address | None:
    return None if text is None else address_from_text(text)
