"""What the platform's parts are told and given: settings, keys, databases, connections."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

from backend.access.api import Dependencies
from backend.access.ports import Node, Poster
from backend.access.prizes.ports import PrizeNeeds
from backend.access.services import Registers
from backend.access.settings import ApiSettings, FeePolicy
from backend.approvals import approval_needs
from backend.bonus_keeper import BonusKeeper, served_sponsors
from backend.compliance.kyc import Attestor, SandboxProvider
from backend.config import Settings
from backend.custody import Custody, custody_store
from backend.deploying import PlatformKeys, find_deployment, platform_keys
from backend.engine.batch.desk import BatchDesk
from backend.engine.node_types import NodeConfig
from backend.engine.rounds import Committee
from backend.exit_kits import ExitKits
from backend.keys import SCRYPT_N_DEVELOPMENT, SCRYPT_N_PRODUCTION, KeyStore
from backend.protocol.eip712 import Domain, kyc_domain, ledger_domain
from backend.protocol.log_entries import IdentityEntry
from backend.records.database import Databases, open_databases, sqlite_url
from backend.records.event_stream import EventStream
from backend.records.reader import Reader
from backend.records.registers.api_keys import ApiKeys
from backend.records.registers.applicants import Applicants
from backend.records.registers.collecting import CollectingRegisters
from backend.records.registers.custody import CustodyRegisters
from backend.records.registers.idempotency import IdempotencyKeys
from backend.records.registers.prizes import Prizes as PrizeRegister
from backend.records.turnover import Turnovers
from backend.settlement.bonuses import Bonuses
from backend.settlement.building import SubmitterSettings
from backend.settlement.client import ChainClient
from backend.settlement.deployment_file import Deployment
from backend.settlement.prizes import Prizes
from backend.settlement.queries import ChainQueries
from backend.settlement.sender import Sender
from backend.settlement.watcher import Watcher

ARCHIVE_FOLDER: Final = "archive"
CUSTODY_FOLDER: Final = "custody"


@dataclass(frozen=True, slots=True)
class Ground:
    """What all parts stand on."""

    settings: Settings
    api_settings: ApiSettings
    client: ChainClient
    deployment: Deployment
    keys: PlatformKeys
    domain: Domain
    databases: Databases
    watcher: Watcher
    operator: Sender  # one for all: it gives out the nonces of its key
    bonuses: Bonuses | None  # None: the deployment has no campaigns
    turnovers: Turnovers
    clock_ms: Callable[[], int]


async def open_ground(
    settings: Settings, stack: AsyncExitStack, clock_ms: Callable[[], int]
) -> Ground:
    """Connect to chain and databases; `stack` closes them. Raises NotDeployed and the like."""
    client = ChainClient(settings.rpc_url)
    stack.push_async_callback(client.close)
    deployment = await find_deployment(settings, client)
    keys = platform_keys(settings, deployment.chain_id)
    databases = _open_databases(settings)
    stack.callback(databases.dispose)
    operator = Sender(client, keys.operator)
    has_campaigns = "BonusCampaigns" in deployment.contracts
    return Ground(
        settings=settings,
        api_settings=api_settings_of(settings, deployment),
        client=client,
        deployment=deployment,
        keys=keys,
        domain=ledger_domain(deployment.chain_id, deployment.address("Rollup")),
        databases=databases,
        watcher=Watcher(client, deployment),
        operator=operator,
        bonuses=Bonuses(client, deployment, operator) if has_campaigns else None,
        turnovers=Turnovers(databases.projections),
        clock_ms=clock_ms,
    )


def dependencies(
    ground: Ground,
    node: Node,
    desk: BatchDesk,
    poster: Poster,
    stream: EventStream,
    problems: Callable[[], list[str]],
) -> Dependencies:
    """Return what the API needs of all other planes."""
    settings, deployment, keys = ground.settings, ground.deployment, ground.keys
    registers = _registers(ground.databases)
    reader = Reader(ground.databases.projections)
    return Dependencies(
        settings=ground.api_settings,
        node=node,
        chain=ChainQueries(ground.client, deployment, Sender(ground.client, keys.attestor)),
        proofs=desk,
        exit_kits=ExitKits(ground.client, deployment, ground.watcher, desk, reader),
        poster=poster,
        reader=reader,
        stream=stream,
        registers=registers,
        kyc_provider=SandboxProvider(settings.kyc_webhook_secret.get_secret_value()),
        attestor=Attestor(
            kyc_domain(deployment.chain_id, deployment.address("KycRegistry")), keys.attestor
        ),
        custody=Custody(
            _custody_store(settings, ground.domain),
            registers.custody.key_uses,
            ground.domain,
            ground.clock_ms,
        ),
        approvals=approval_needs(
            ground.client,
            deployment,
            ground.operator,
            ground.databases.registers,
            ground.watcher,
            keys.returns,
            ground.clock_ms,
        ),
        bonuses=ground.bonuses,
        turnovers=ground.turnovers,
        clock_ms=ground.clock_ms,
        problems=problems,
        frozen_ts_s=ground.watcher.frozen_ts_s,
        prizes=_prize_needs(ground),
    )


def bonus_keeper(ground: Ground) -> BonusKeeper | None:
    """Return who serves the campaigns, if there are any."""
    if ground.bonuses is None:
        return None
    serves = served_sponsors(ground.settings, ground.deployment)
    attestors = ground.keys.turnover_attestors
    return BonusKeeper(ground.bonuses, ground.turnovers, attestors, serves)


def _prize_needs(ground: Ground) -> PrizeNeeds | None:
    if "Prizes" not in ground.deployment.contracts:
        return None
    register = PrizeRegister(ground.databases.registers)
    return PrizeNeeds(register, Prizes(ground.client, ground.deployment))


def _open_databases(settings: Settings) -> Databases:
    folder = settings.data_dir
    return open_databases(
        settings.registers_url or sqlite_url(folder / "registers.sqlite"),
        settings.projections_url or sqlite_url(folder / "projections.sqlite"),
    )


def _registers(databases: Databases) -> Registers:
    engine = databases.registers
    return Registers(
        ApiKeys(engine),
        Applicants(engine),
        IdempotencyKeys(engine),
        CollectingRegisters.of(engine),
        CustodyRegisters.of(engine),
    )


def open_api_keys(settings: Settings) -> tuple[ApiKeys, Callable[[], None]]:
    """Return the register of API keys, and what closes it."""
    databases = _open_databases(settings)
    return ApiKeys(databases.registers), databases.dispose


def _custody_store(settings: Settings, domain: Domain) -> KeyStore:
    is_production = settings.environment == "production"
    return custody_store(
        settings.data_dir / CUSTODY_FOLDER,
        settings.keys_passphrase.get_secret_value(),
        domain,
        SCRYPT_N_PRODUCTION if is_production else SCRYPT_N_DEVELOPMENT,
    )


def node_config(settings: Settings, deployment: Deployment, keys: PlatformKeys) -> NodeConfig:
    """Return what the engine is told: whose ledger it is, and whose keys are here."""
    rollup = deployment.address("Rollup")
    committee = Committee(
        ledger_domain(deployment.chain_id, rollup),
        1,
        deployment.roles.validators,
        (keys.sequencer.address,),
    )
    return NodeConfig(
        identity=IdentityEntry(deployment.chain_id, rollup, deployment.rollup_code_hash),
        committee=committee,
        validator_keys=keys.validators + keys.successors,
        sequencer_keys=(keys.sequencer,),
        snapshot_folder=settings.data_dir / "snapshots",
        order_wait_ms_max=settings.order_wait_ms_max,
        verifier=settings.verifier,
        idle_ms_max=deployment.parameters.silence_deadline_s * 1000 // 4,
    )


def submitter_settings(settings: Settings, deployment: Deployment) -> SubmitterSettings:
    """Return when batches are posted, and how."""
    return SubmitterSettings(
        carrier=settings.batch_carrier,
        operations=settings.batch_operations,
        age_ms_max=settings.batch_age_ms_max,
        stuck_ms=settings.submission_stuck_ms,
        confirmations=deployment.parameters.confirmations,
        silence_s_max=deployment.parameters.silence_deadline_s // 2,
    )


def api_settings_of(settings: Settings, deployment: Deployment) -> ApiSettings:
    """Return what the API is told."""
    return ApiSettings(
        domain=ledger_domain(deployment.chain_id, deployment.address("Rollup")),
        kyc_registry=deployment.address("KycRegistry"),
        exits=deployment.address("Exits"),
        challenge_window_ms=deployment.parameters.challenge_window_s * 1000,
        exit_deadline_ms=deployment.parameters.exit_deadline_s * 1000,
        batch_interval_ms=settings.batch_age_ms_max,
        default_fee=FeePolicy(settings.fee_minor_min, settings.fee_bps),
        levels_needed={token.asset_id: token.level_needed for token in deployment.tokens},
        kyc_level=deployment.parameters.kyc_level_needed,
        kyc_validity_s=settings.kyc_validity_s,
        bootstrap_api_key=settings.api_key.get_secret_value(),
        public_url=settings.public_url or settings.api_url,
    )
