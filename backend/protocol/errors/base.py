"""What a refusal is.

A `PaymentError` is expected and shown to the client; it says what to do. `MalformedBytes` is for
whoever reads bytes of somebody else's. `InvariantViolated` is a bug of ours: nobody catches it.
"""

import re
from dataclasses import dataclass
from inspect import get_annotations
from typing import Any, ClassVar, dataclass_transform

from backend.protocol.times import time_text

__all__ = [
    "InvariantViolated",
    "MalformedBytes",
    "PaymentError",
    "check_invariant",
    "error_class",
    "error_classes",
]


class InvariantViolated(Exception):
    """The program contradicts itself. Business code never catches this; the process stops."""


def check_invariant(condition: bool, message: str, **values: object) -> None:
    """Raise InvariantViolated with `values` unless `condition` (`assert` vanishes under -O)."""
    if not condition:
        shown = ", ".join(f"{name}={value!r}" for name, value in values.items())
        raise InvariantViolated(f"{message} ({shown})" if shown else message)


class MalformedBytes(ValueError):
    """Bytes that are not what docs/PROTOCOL.md says they should be."""


_YEAR_10000_TS_S = 253_402_300_800
_BY_NUMBER: dict[int, type["PaymentError"]] = {}


@dataclass_transform(eq_default=False)
class PaymentError(Exception):
    """A refusal. `code` is for programs, `number` (u16) for block bodies, `str()` for people.

    A subclass names its number and its values (as in a dataclass); its code is its name.
    """

    code: ClassVar[str]
    number: ClassVar[int]
    message: ClassVar[str]
    _names: ClassVar[tuple[str, ...]]

    def __init_subclass__(cls, *, number: int) -> None:
        check_invariant(number not in _BY_NUMBER, "two errors of one number", number=number)
        cls.number = number
        cls.code = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).upper()
        cls._names = tuple(get_annotations(cls))
        _BY_NUMBER[number] = dataclass(eq=False)(cls)

    @property
    def values(self) -> dict[str, Any]:
        """The named values, which the message shows."""
        return {name: getattr(self, name) for name in self._names}

    def __str__(self) -> str:
        return self.message.format(
            **{name: _readable(name, value) for name, value in self.values.items()}
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(self.values.values())


def _readable(name: str, value: Any) -> Any:
    """Return a value as people read it: times as such, if a calendar has them."""
    if not name.endswith("ts_s") or not 0 <= value < _YEAR_10000_TS_S:
        return value
    return time_text(value)


def error_class(number: int) -> type[PaymentError]:
    """Return the class of a block body's rejection code. Raises MalformedBytes if it has none."""
    error = _BY_NUMBER.get(number)
    if error is None:
        raise MalformedBytes(f"{number} is no error of this version")
    return error


def error_classes() -> tuple[type[PaymentError], ...]:
    """Return all of them, by number."""
    return tuple(_BY_NUMBER[number] for number in sorted(_BY_NUMBER))
