"""Deploys the platform's contracts with the platform's own keys: for the command line and ape.

On local chains the chain's development accounts pay for gas; all other keys come from the key
store, where `causeway up` finds them again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from backend.config import Settings
from backend.console.wallets import give_gas_money
from backend.keys import SCRYPT_N_DEVELOPMENT, SCRYPT_N_PRODUCTION, KeyStore
from backend.protocol.errors import ChainUnavailable
from backend.protocol.signing import PrivateKey
from backend.protocol.types import Address, addresses_from_text
from backend.settlement.anvil import LOCAL_CHAIN_IDS, dev_key
from backend.settlement.client import ChainClient
from backend.settlement.deployment import (
    LOCAL_TOKENS,
    Deployed,
    NoNode,
    deploy,
    token_at,
)
from backend.settlement.deployment_file import (
    LOCAL_PARAMETERS,
    PUBLIC_PARAMETERS,
    Deployment,
    Parameters,
    Roles,
    load_deployment,
)
from backend.settlement.deployment_steps import DeploymentFailed

LOCAL_TREASURERS: Final = ("treasurer-1", "treasurer-2", "treasurer-3")


TURNOVER_ATTESTORS: Final = 2


class NotDeployed(Exception):
    """There is no deployment for the chain."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} holds no deployment for this chain. Run `causeway deploy`.")


@dataclass(frozen=True, slots=True)
class PlatformKeys:
    """Who signs what. The first three pay for gas; one key is never used for two of these."""

    deployer: PrivateKey  # also admin, lister, and minter of our own tokens
    submitter: PrivateKey
    operator: PrivateKey  # settles
    attestor: PrivateKey
    guardian: PrivateKey
    fee_owner: PrivateKey
    sequencer: PrivateKey
    turnover_attestors: tuple[PrivateKey, ...]  # sign what people paid, for bonuses
    validators: tuple[PrivateKey, ...]  # in ascending order of address, as L1 keeps them
    successors: tuple[PrivateKey, ...]  # validators of later epochs
    treasurers: tuple[Address, ...]  # whose keys are not ours, but on local chains
    returns: Address  # gets the least amount of a payout's line that is skipped

    @property
    def roles(self) -> Roles:
        """The same as addresses."""
        deployer = self.deployer.address
        return Roles(
            admin=deployer,
            lister=deployer,
            validators=tuple(key.address for key in self.validators),
            attestor=self.attestor.address,
            guardian=self.guardian.address,
            minter=deployer,
            fee_owner=self.fee_owner.address,
            treasurers=self.treasurers,
        )


def key_store(settings: Settings, folder: str = "keys") -> KeyStore:
    """Return the store of this platform's keys, or of those in another folder of its data."""
    is_production = settings.environment == "production"
    scrypt_n = SCRYPT_N_PRODUCTION if is_production else SCRYPT_N_DEVELOPMENT
    passphrase = settings.keys_passphrase.get_secret_value()
    return KeyStore(settings.data_dir / folder, passphrase, scrypt_n)


def platform_keys(settings: Settings, chain_id: int) -> PlatformKeys:
    """Return all keys, made the first time; a repeat gives the same ones."""
    store = key_store(settings)
    if chain_id in LOCAL_CHAIN_IDS:
        payers = [dev_key(index) for index in range(3)]
    else:
        payers = [store.load_or_create(name) for name in ("deployer", "submitter", "operator")]
    names = [validator_name(place) for place in range(settings.validator_count)]
    validators = [store.load_or_create(name) for name in names]
    successors = [store.load(name) for name in validator_names(store) if name not in names]
    deployer, submitter, operator = payers
    return PlatformKeys(
        deployer=deployer,
        submitter=submitter,
        operator=operator,
        attestor=store.load_or_create("attestor"),
        guardian=store.load_or_create("guardian"),
        fee_owner=store.load_or_create("fee-owner"),
        sequencer=store.load_or_create("sequencer"),
        turnover_attestors=tuple(
            store.load_or_create(f"turnover-{index}") for index in range(TURNOVER_ATTESTORS)
        ),
        validators=tuple(sorted(validators, key=lambda key: key.address)),
        successors=tuple(successors),
        treasurers=_treasurers(settings, store, chain_id),
        returns=_address_of(store, "returns"),
    )


def validator_name(place: int) -> str:
    """Return the name of a validator's key; later epochs' follow those of the first."""
    return f"validator-{place}"


def validator_names(store: KeyStore) -> list[str]:
    """Return the names of all validators' keys that were made."""
    return [name for name in store.names() if name.startswith("validator-")]


def _address_of(store: KeyStore, name: str) -> Address:
    """Return a key's address, which takes no time once the key is there."""
    is_there = name in store.names()
    return store.address(name) if is_there else store.load_or_create(name).address


def _treasurers(settings: Settings, store: KeyStore, chain_id: int) -> tuple[Address, ...]:
    """Return who signs for the treasury: keys of ours on local chains, elsewhere the settings'."""
    if chain_id in LOCAL_CHAIN_IDS:
        return tuple(_address_of(store, name) for name in LOCAL_TREASURERS)
    signers = addresses_from_text(settings.treasury_signers, "treasury_signers")
    if len(signers) == 1:
        raise DeploymentFailed("a treasury of one signer protects nothing: name two or more")
    return signers


def parameters_of(settings: Settings, chain_id: int) -> Parameters:
    """Return section 11 of PROTOCOL.md for this chain."""
    if chain_id not in LOCAL_CHAIN_IDS:
        return replace(PUBLIC_PARAMETERS, kyc_level_needed=settings.kyc_level_needed)
    return replace(
        LOCAL_PARAMETERS,
        confirmations=settings.confirmations,
        kyc_level_needed=settings.kyc_level_needed,
    )


async def find_deployment(settings: Settings, client: ChainClient) -> Deployment:
    """Return the deployment on the settings' chain. Raises NotDeployed, ChainUnavailable."""
    deployment = load_deployment(settings.deployments_dir / f"{await client.chain_id()}.json")
    if deployment is None:
        raise NotDeployed(settings.deployments_dir)
    return deployment


async def deploy_to(
    url: str, settings: Settings, token_addresses: Sequence[Address] = ()
) -> Deployed:
    """As `deploy_platform`, with a connection of its own to the node at `url`."""
    client = ChainClient(url)
    try:
        return await deploy_platform(client, settings, token_addresses)
    finally:
        await client.close()


async def deploy_platform(
    client: ChainClient, settings: Settings, token_addresses: Sequence[Address] = ()
) -> Deployed:
    """Deploy to the client's chain, or resume, or find all there and change nothing.

    Without token addresses a local chain gets USDX, EURX and BOND. Raises NoNode, DeploymentFailed.
    """
    try:
        chain_id = await client.chain_id()
        keys = platform_keys(settings, chain_id)
        balance_wei = await client.balance_wei(keys.deployer.address)
        tokens = [await token_at(client, address) for address in token_addresses]
    except ChainUnavailable as error:
        raise NoNode(client.url) from error
    if not balance_wei:
        raise DeploymentFailed(
            f"the deployer 0x{keys.deployer.address.hex()} has no money for gas on chain "
            f"{chain_id}. Send it some."
        )
    if not tokens and chain_id in LOCAL_CHAIN_IDS:
        tokens = list(LOCAL_TOKENS)
    parameters = parameters_of(settings, chain_id)
    folder = settings.deployments_dir
    deployed = await deploy(client, keys.deployer, keys.roles, parameters, tokens, folder)
    if chain_id in LOCAL_CHAIN_IDS:
        await give_gas_money(client, keys.attestor.address)  # it pays for revocations
    return deployed
