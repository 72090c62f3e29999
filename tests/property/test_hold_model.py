"""Holds against a plain model of them, on a real node behind the real API.

- any order of making, paying in, capturing, releasing, waiting: each is answered as the model says
- whatever happens, the ledger has the model's balances to the unit, and no money is lost or made
"""

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from tests.unit.access.custody.scenes import (
    balance,
    call,
    fund,
    hold,
    now_s,
    pass_time,
    signature_of,
    tick,
)
from tests.unit.access.scenes import PAYEE_TEXT, PAYER_TEXT, get
from tests.unit.access.world import FUNDS, running_world

FEE = 10  # of each order
RESERVE = 20
STEP_S = 1_000  # all times are apart by more than a test takes


@dataclass
class Model:
    """A hold as a person would keep its books. Amounts are minor units."""

    id: str
    account: str
    amount: int
    expires_ts_s: int
    held: int = 0
    captured: int = 0
    is_released: bool = False
    has_moved: bool = False

    @property
    def total(self) -> int:
        return self.amount + RESERVE

    def is_over(self, ts_s: int) -> bool:
        return self.has_moved or self.is_released or ts_s > self.expires_ts_s

    def status(self, ts_s: int) -> str:
        if self.captured:
            return "captured"
        if self.has_moved or (self.is_over(ts_s) and self.held < self.total):
            return "released" if self.is_released else "expired"
        return "authorised" if self.held >= self.total else "created"

    def refusal(self, ts_s: int) -> str | None:
        if self.has_moved or self.is_released:
            return "HOLD_ENDED"
        return "HOLD_EXPIRED" if ts_s > self.expires_ts_s else None

    def capture(self, amount: int) -> int:
        """Return what goes back."""
        rest = self.held - amount - FEE
        back = 0 if rest <= FEE else rest - FEE
        self.held, self.captured, self.has_moved = 0, amount, True
        return back

    def give_back(self) -> int:
        """Return what goes back."""
        if self.held <= FEE:
            return 0
        back, self.held, self.has_moved = self.held - FEE, 0, True
        return back


class HoldMachine(RuleBasedStateMachine):
    """What clients and time may do to holds."""

    holds: Bundle[Model] = Bundle("holds")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.running = running_world(Path(self.folder.name))
        self.world = self.runner.run(self.running.__aenter__())
        self.payer, self.payee, self.calls = FUNDS, FUNDS, 0
        self.models: list[Model] = []

    def teardown(self) -> None:
        self.runner.run(self.running.__aexit__(None, None, None))
        self.runner.close()
        self.folder.cleanup()

    def _call(self, path: str, body: Any) -> Any:
        self.calls += 1
        return self.runner.run(call(self.world, path, body, f"call {self.calls}"))

    def _now_s(self) -> int:
        return now_s(self.world)

    @rule(target=holds, amount=st.integers(1, 2_000), steps=st.integers(1, 3))
    def make(self, amount: int, steps: int) -> Model:
        self.calls += 1
        expires_ts_s = self._now_s() + steps * STEP_S - STEP_S // 2
        made = self.runner.run(
            hold(
                self.world,
                f"call {self.calls}",
                amount=str(amount),
                expires_at=str(expires_ts_s),
            )
        ).json()
        model = Model(made["id"], made["account"], amount, expires_ts_s)
        self.models.append(model)
        return model

    @rule(model=holds)
    def authorize(self, model: Model) -> None:
        path = f"/v1/holds/{model.id}"
        shown = self.runner.run(get(self.world, path))
        signature = signature_of(shown) if shown["order"] else "0x" + "11" * 64 + "1b"
        response = self.runner.run(
            self.world.post(f"{path}/authorization", {"signature": signature})
        )
        refusal = model.refusal(self._now_s())
        if refusal is not None:
            assert response.json()["error"]["code"] == refusal
        else:
            assert response.json()["status"] == "authorised"
            if model.held < model.total:
                self.payer -= model.total + FEE
                model.held += model.total

    @rule(model=holds, amount=st.integers(1, 3_000))
    def pay_in(self, model: Model, amount: int) -> None:
        self.runner.run(fund(self.world, model.account, amount))
        self.payer -= amount + FEE
        model.held += amount

    @rule(model=holds, amount=st.one_of(st.none(), st.integers(1, 2_100)))
    def capture(self, model: Model, amount: int | None) -> None:
        body = {} if amount is None else {"amount": str(amount)}
        response = self._call(f"/v1/holds/{model.id}/capture", body)
        wanted = model.amount if amount is None else amount
        refusal = model.refusal(self._now_s())
        if refusal is None and model.held < model.total:
            refusal = "HOLD_NOT_AUTHORISED"
        if refusal is None and wanted > model.amount:
            refusal = "CAPTURE_TOO_LARGE"
        if refusal is not None:
            assert response.json()["error"]["code"] == refusal
            return
        assert response.json()["captured"] == str(wanted)
        self.payer += model.capture(wanted)
        self.payee += wanted

    @rule(model=holds)
    def release(self, model: Model) -> None:
        status = model.status(self._now_s())
        response = self._call(f"/v1/holds/{model.id}/release", None)
        if status in ("captured", "expired"):
            assert response.json()["error"]["code"] == "HOLD_ENDED"
            return
        model.is_released = True
        self.payer += model.give_back()
        assert response.json()["status"] == "released"

    @rule()
    def wait(self) -> None:
        """Let time pass, and the runner do all that has to be done by then."""
        pass_time(self.world, STEP_S)
        for _ in range(2):  # a hold that has ended is opened again first
            self.runner.run(tick(self.world))
        for model in self.models:
            if model.is_over(self._now_s()):
                self.payer += model.give_back()

    @invariant()
    def agrees(self) -> None:
        assert self.runner.run(balance(self.world, PAYER_TEXT)) == self.payer
        assert self.runner.run(balance(self.world, PAYEE_TEXT)) == self.payee
        for model in self.models:
            shown = self.runner.run(get(self.world, f"/v1/holds/{model.id}"))
            assert shown["status"] == model.status(self._now_s())
            assert (shown["held"], shown["captured"]) == (str(model.held), str(model.captured))


TestHoldModel = HoldMachine.TestCase
TestHoldModel.settings = settings(
    max_examples=12,
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
