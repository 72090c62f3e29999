"""A submitter with a ledger, a journal and a clock that the test owns."""

from dataclasses import dataclass, field

from backend.settlement.building import SubmitterSettings
from backend.settlement.submitter import Progress, Submitter
from backend.settlement.watcher import Watcher
from tests.e2e.settlement.chain import OWNER, SUBMITTER, VALIDATORS, Chain
from tests.e2e.settlement.tiny_ledger import MemoryLog, PowerCut, TinyLedger

STEPS_MAX = 60


@dataclass
class Posting:
    """One operator's settlement of one chain. `restart` forgets all but log and ledger."""

    l1: Chain
    kzg: object
    settings: SubmitterSettings
    ledger: TinyLedger
    log: MemoryLog = field(default_factory=MemoryLog)
    now_ms: int = 10**12

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.submitter = Submitter(
            self.l1.rollup,
            SUBMITTER,
            self.ledger,
            self.log,
            self.kzg,
            self.settings,
            now_ms=lambda: self.now_ms,
        )

    async def advance(self) -> Progress:
        return await self.submitter.advance()

    async def advance_to(self, wanted: Progress) -> list[Progress]:
        """Take steps until one is `wanted`; a block comes with each step that waits."""
        taken = []
        while len(taken) < STEPS_MAX:
            taken.append(await self.advance())
            if taken[-1] is wanted:
                return taken
            if taken[-1] in (Progress.WAITING, Progress.MINED):
                await self.l1.mine()
        raise AssertionError(f"never {wanted}: {taken}")

    async def advance_through_power_cuts(self, wanted: Progress) -> list[Progress]:
        """The same, with a restart after each step, and after each power cut."""
        for _ in range(STEPS_MAX):
            try:
                taken = await self.advance()
            except PowerCut:
                self.log.fails_before = self.log.fails_after = None
                self.restart()
                continue
            if taken is wanted:
                return
            await self.l1.mine()
            self.restart()
        raise AssertionError(f"never {wanted}")

    @property
    def current(self):
        return self.submitter.journal.current


async def opened(l1: Chain, kzg, carrier: str = "auto", **settings) -> Posting:
    """Return a posting with a deposit of OWNER waiting to be posted."""
    await l1.fund(OWNER, 100_000_000)
    await l1.deposit(OWNER, 5_000_000)
    await l1.mine()
    ledger = TinyLedger(l1.rollup.domain, VALIDATORS, (await l1.client.latest()).ts_s)
    ledger.credit(await first_deposit(l1))
    options = {"operations": 1, "age_ms_max": 1_000, "stuck_ms": 30_000, **settings}
    return Posting(l1, kzg, SubmitterSettings(carrier=carrier, **options), ledger)


async def first_deposit(l1: Chain, index: int = 0):
    watcher = Watcher(l1.client, l1.deployment)
    await watcher.poll()
    return watcher.deposits(index, watcher.confirmed().number)[0]


async def posted_numbers(l1):
    rollup = l1.rollup.contract
    head = await l1.client.latest()
    logs = await l1.client.logs([rollup.address], 0, head.number, [rollup.abi.topic("BatchPosted")])
    return [int.from_bytes(log.topics[1]) for log in logs]


async def is_posted_once(posting, number=1):
    nonce = await posting.l1.client.nonce(SUBMITTER.address)
    return (await posted_numbers(posting.l1)).count(number) == 1 and nonce == number


async def stop_mining(l1):
    """Let blocks come by `mine` alone."""
    await l1.set_automine(False)
    await l1.client.rpc("evm_setIntervalMining", 0)
