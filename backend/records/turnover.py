"""How much a person has paid to others, for bonuses that ask for it.

Law: money that comes back doesn't count. What a person paid to each counterparty less what came
back from it, if that is above 0, adds up to his turnover: so neither payments to oneself nor round
trips between two accounts make any.
"""

from sqlalchemy import Engine, func, select

from backend.records.tables.projections import credits, payments


class Turnovers:
    """Sums over final payments. Each call blocks: ask from a thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def since_deposit(self, person: bytes, asset_id: int, deposit_index: int) -> int:
        """Return the turnover in minor units since the ledger credited a deposit; fees are none of
        it. 0 before the deposit is credited.
        """
        with self._engine.connect() as connection:
            credited = select(credits.c.block_number).where(
                credits.c.deposit_index == deposit_index
            )
            from_block = connection.execute(credited).scalar()
            if from_block is None:
                return 0
            is_later = (payments.c.asset_id == asset_id) & (payments.c.block_number >= from_block)
            amount_minor = func.sum(payments.c.amount_minor)
            paid = select(payments.c.payee, amount_minor).where(
                is_later, payments.c.payer == person
            )
            came = select(payments.c.payer, amount_minor).where(
                is_later, payments.c.payee == person
            )
            paid_to = connection.execute(paid.group_by(payments.c.payee)).all()
            came = came.group_by(payments.c.payer)
            came_from = {payer: minor for payer, minor in connection.execute(came)}
        return sum(
            max(0, minor - came_from.get(counterparty, 0))
            for counterparty, minor in paid_to
            if counterparty != person
        )
