"""A platform that kills itself: `python -m tests.faults.doomed_platform FILE`.

It runs as any other until it gets SIGUSR1, then reads a seed from FILE; if FILE is there from the
start, it is doomed from the start. The seed chooses a kind of point and how often it is passed
before the process dies (SIGKILL): before, in the middle of or after a write or an fsync of a log,
around a snapshot, a transaction sent, a commit of the records, or the desk's moving on. A write
may leave zeros where a disk had made room only.
"""

# The proof process imports this module again, so it imports nothing heavy itself.
import os
import signal
import sys
from pathlib import Path
from random import Random

_SECTOR_BYTES = 512
KINDS = {"log": 60, "snapshot": 4, "send": 3, "records": 30, "desk": 3, "journal": 5}
"""How often a kind's points may be passed before the end, at most."""


class Doom:
    """Counts the points of one kind that are passed, and dies at one."""

    def __init__(self) -> None:
        self._random = Random()
        self._kind = ""
        self._left = 0

    def begin(self, file: Path) -> None:
        """From now on the end is near."""
        seed = int(file.read_text())
        self._random = Random(seed)
        self._kind = self._random.choice(sorted(KINDS))
        self._left = self._random.randrange(1, KINDS[self._kind] + 1)
        os.write(1, f"doomed: seed {seed}, {self._kind} {self._left}\n".encode())

    def is_here(self, kind: str) -> bool:
        """Return True at the chosen point."""
        self._left -= kind == self._kind
        return kind == self._kind and self._left == 0

    def pass_point(self, kind: str) -> None:
        if self.is_here(kind):
            self.die()

    def die(self) -> None:
        os.write(1, b"doomed: dies\n")
        os.kill(os.getpid(), signal.SIGKILL)

    def around(self, kind, function):
        """Return `function` with a point before and a point after it."""

        def wrapped(*arguments, **options):
            self.pass_point(kind)
            result = function(*arguments, **options)
            self.pass_point(kind)
            return result

        return wrapped

    def around_async(self, kind, function):
        async def wrapped(*arguments, **options):
            self.pass_point(kind)
            result = await function(*arguments, **options)
            self.pass_point(kind)
            return result

        return wrapped

    def around_write(self, kind, write_all):
        def wrapped(file, parts, offset):
            if self.is_here(kind):
                write_all(file, self._torn(b"".join(parts)), offset)
                self.die()
            write_all(file, parts, offset)

        return wrapped

    def _torn(self, data: bytes) -> list[bytes]:
        """Return the first sectors of `data`, or all with zeros instead of some of them."""
        starts = range(0, len(data), _SECTOR_BYTES)
        sectors = [data[start : start + _SECTOR_BYTES] for start in starts]
        if self._random.randrange(2):
            return [self._random.choice([sector, bytes(_SECTOR_BYTES)]) for sector in sectors]
        return sectors[: self._random.randrange(len(sectors) + 1)]


class _Os:
    """The module os, with points around what makes a snapshot durable."""

    def __init__(self, doom: Doom) -> None:
        self.fsync = doom.around("snapshot", os.fsync)
        self.replace = doom.around("snapshot", os.replace)

    def __getattr__(self, name):
        return getattr(os, name)


def put_points(doom: Doom) -> None:
    """Put the points into the program."""
    from backend.engine import log, snapshots
    from backend.engine.batch.desk import BatchDesk
    from backend.records.projections import Projections
    from backend.settlement.client import ChainClient
    from backend.settlement.journal import SubmissionJournal

    log._write_all = doom.around_write("log", log._write_all)
    log._sync = doom.around("log", log._sync)
    snapshots.os = _Os(doom)
    ChainClient.send_raw = doom.around_async("send", ChainClient.send_raw)
    for owner, names, kind in (
        (Projections, ("apply_final_blocks", "apply_chain_event"), "records"),
        (SubmissionJournal, ("_append", "confirmed"), "journal"),
    ):
        for name in names:
            setattr(owner, name, doom.around(kind, getattr(owner, name)))
    BatchDesk.posted = doom.around_async("desk", BatchDesk.posted)


def main() -> int:
    doom, file = Doom(), Path(sys.argv[1])
    put_points(doom)
    if file.exists():
        doom.begin(file)
    signal.signal(signal.SIGUSR1, lambda *_: doom.begin(file))
    from backend.__main__ import main as run_platform

    return run_platform()


if __name__ == "__main__":
    sys.exit(main())
