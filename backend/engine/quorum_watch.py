"""Says whether enough validators answer."""

from backend.engine.rounds import Rounds
from backend.protocol.errors import NoQuorum


class QuorumWatch:
    """Notes since when the committee has owed its signatures for a decided round."""

    def __init__(self, rounds: Rounds, wait_ms_max: int) -> None:
        self._rounds = rounds
        self._wait_ms_max = wait_ms_max
        self._turn = (0, 0)
        self._decided_at_ms = 0

    def note(self, now_ms: int, has_read_all: bool = True) -> None:
        """Look at the rounds again. Validators who have not read all of the log owe nothing yet."""
        rounds = self._rounds
        turn = (rounds.number, rounds.round)
        if rounds.is_decided and (turn != self._turn or not has_read_all):
            self._turn, self._decided_at_ms = turn, now_ms

    def is_there(self, now_ms: int) -> bool:
        """Return False if a round has been decided for too long without a quorum's signatures."""
        rounds = self._rounds
        is_owed = rounds.is_decided and self._turn == (rounds.number, rounds.round)
        return not is_owed or now_ms - self._decided_at_ms <= self._wait_ms_max

    def check(self, now_ms: int) -> None:
        """Raise NoQuorum unless it is there."""
        if not self.is_there(now_ms):
            rounds = self._rounds
            answered = max(len(rounds.votes), len(rounds.next_rounds))
            raise NoQuorum(rounds.committee.quorum, answered)
