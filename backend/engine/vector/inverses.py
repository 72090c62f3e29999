"""Inverses modulo a prime, by Fermat: a^(m−2), with a window of four bits.

It takes some 330 products, so a batch inverts but once: all its numbers' product. Zero gives zero.
"""

from dataclasses import dataclass
from typing import Final, Protocol

from backend.engine.vector.field import ELEMENT_BYTES, PRIME, Element
from backend.engine.vector.ir import Function
from backend.engine.vector.scalars import MONTGOMERY, ORDER, Scalar

_WINDOW_BITS: Final = 4
_WINDOWS: Final = 256 // _WINDOW_BITS
_POWERS: Final = 1 << _WINDOW_BITS


class _Number(Protocol):
    def store(self, pointer: str, offset: int = 0) -> None: ...


@dataclass(frozen=True, slots=True)
class Ring:
    """Whole numbers modulo a prime, as functions in memory: `product`(to, a, b), `inverse`(to, a).

    Both may write where they read.
    """

    name: str
    modulus: int

    @property
    def product(self) -> str:
        return f"product_{self.name}"

    @property
    def inverse(self) -> str:
        return f"inverse_{self.name}"

    def one(self, function: Function) -> _Number:
        """Return 1 as the ring's products want it."""
        if self is FIELD:
            return Element.constant(function, 1)
        return Scalar.constant(function, MONTGOMERY)

    def text(self) -> str:
        """Return both functions."""
        return self._digits_text() + self._product_text() + self._inverse_text()

    def _product_text(self) -> str:
        function = Function(self.product, "ptr %to, ptr %a, ptr %b")
        if self is FIELD:
            Element.load(function, "%a").times(Element.load(function, "%b")).store("%to")
        else:
            Scalar.load(function, "%a").times(Scalar.load(function, "%b")).store("%to")
        return function.text()

    def _digits_text(self) -> str:
        exponent = self.modulus - 2
        digits = [exponent >> _WINDOW_BITS * index & _POWERS - 1 for index in range(_WINDOWS)]
        shown = ", ".join(f"i8 {digit}" for digit in reversed(digits))
        return f"@exponent_{self.name} = internal constant [{_WINDOWS} x i8] [{shown}]\n"

    def _inverse_text(self) -> str:
        function = Function(self.inverse, "ptr %to, ptr %a")
        powers = function.reserve(_POWERS * ELEMENT_BYTES)
        result = function.reserve(ELEMENT_BYTES)
        self.one(function).store(powers)
        self.one(function).store(result)

        def next_power(index: str) -> None:
            power = function.element(powers, index, ELEMENT_BYTES)
            following = function.at(power, ELEMENT_BYTES)
            function.call(self.product, f"ptr {following}", f"ptr {power}", "ptr %a")

        def square(_: str) -> None:
            function.call(self.product, f"ptr {result}", f"ptr {result}", f"ptr {result}")

        def window(index: str) -> None:
            function.loop(_WINDOW_BITS, square)
            place = function.at(f"@exponent_{self.name}", index)
            digit = function.value(f"load i8, ptr {place}")
            wide = function.value(f"zext i8 {digit} to i64")
            power = function.element(powers, wide, ELEMENT_BYTES)
            function.call(self.product, f"ptr {result}", f"ptr {result}", f"ptr {power}")

        function.loop(_POWERS - 1, next_power)
        function.loop(_WINDOWS, window)
        function.call(self.product, "ptr %to", f"ptr {result}", f"ptr {powers}")
        return function.text()


FIELD: Final = Ring("p", PRIME)
SCALARS: Final = Ring("n", ORDER)
