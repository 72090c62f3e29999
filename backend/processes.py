"""Which processes are ours and still there. Law: a number that another program got is not ours."""

import os
from pathlib import Path


def is_running(pid: int, word: str) -> bool:
    """Return whether `pid` is a living process whose command names `word`, alone or as a file.

    A child of ours that has ended is reaped. Without /proc, as on macOS, the number alone must do.
    """
    try:
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return False
    except ChildProcessError:
        pass  # another process of ours started it
    if Path("/proc/self").exists():
        return _command_names(pid, word)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _command_names(pid: int, word: str) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        threads = list(Path(f"/proc/{pid}/task").iterdir())
    except (FileNotFoundError, ProcessLookupError):
        return False
    # Its first thread may have ended before others, which still hold its ports.
    is_over = state == "Z" and len(threads) == 1
    # A process has no command line in the instants in which it begins and ends.
    is_named = any(part.rpartition(b"/")[2] == word.encode() for part in command)
    return not is_over and (is_named or not command[0])
