"""Writes functions of eight 64-bit lanes as LLVM IR text.

Law: each value carries the interval that the number in each of its lanes is in, worked out from its
operands when the text is written. An operation whose result might not fit 64 bits, or whose operand
might not fit the multiplier's 52, stops the writing: so no input can make one wrap round.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from backend.engine.vector.lanes import LANES
from backend.protocol.errors import check_invariant

LANES_BYTES: Final = 8 * LANES
LIMB_BITS: Final = 52
LIMB_MAX: Final = 2**LIMB_BITS - 1
WORD_MAX: Final = 2**64 - 1

_VECTOR: Final = "<8 x i64>"
_MASK: Final = "<8 x i1>"
# Two interleaved streams: how far the second one lags behind, and how short is not worth it.
_LAG: Final = 40
_STREAM_MIN: Final = 60

DECLARATIONS: Final = f"""
declare {_VECTOR} @llvm.x86.avx512.vpmadd52l.uq.512({_VECTOR}, {_VECTOR}, {_VECTOR})
declare {_VECTOR} @llvm.x86.avx512.vpmadd52h.uq.512({_VECTOR}, {_VECTOR}, {_VECTOR})
declare {_VECTOR} @llvm.fshl.v8i64({_VECTOR}, {_VECTOR}, {_VECTOR})
declare {_VECTOR} @llvm.abs.v8i64({_VECTOR}, i1)
declare {_VECTOR} @llvm.umax.v8i64({_VECTOR}, {_VECTOR})
declare {_VECTOR} @llvm.bswap.v8i64({_VECTOR})
declare void @llvm.prefetch.p0(ptr, i32, i32, i32)
"""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Lanes:
    """A number in each lane, from `low` to `high`; one below zero is in two's complement."""

    function: Function
    name: str
    low: int
    high: int

    def __post_init__(self) -> None:
        is_signed = -(2**63) <= self.low and self.high < 2**63
        is_unsigned = self.low >= 0 and self.high <= WORD_MAX
        check_invariant(
            self.low <= self.high and (is_signed or is_unsigned),
            "a lane might not hold its number",
            function=self.function.name,
            low=self.low,
            high=self.high,
        )

    def __add__(self, other: Lanes | int) -> Lanes:
        other = self._lanes(other)
        if self._is_zero():
            return other
        if other._is_zero():
            return self
        return self._operation("add", other, self.low + other.low, self.high + other.high)

    def __sub__(self, other: Lanes | int) -> Lanes:
        other = self._lanes(other)
        return self._operation("sub", other, self.low - other.high, self.high - other.low)

    def __and__(self, other: Lanes | int) -> Lanes:
        other = self._lanes(other)
        check_invariant(other.low >= 0, "bits of a number below zero")
        high = other.high if self.low < 0 else min(other.high, self.high)
        return self._operation("and", other, 0, high)

    def __or__(self, other: Lanes) -> Lanes:
        return self._operation("or", other, 0, self._bits_max(other))

    def __xor__(self, other: Lanes | int) -> Lanes:
        other = self._lanes(other)
        return self._operation("xor", other, 0, self._bits_max(other))

    def __lshift__(self, count: int) -> Lanes:
        if count == 0:
            return self
        low, high = self.low << count, self.high << count
        return self._operation("shl", self._lanes(count), low, high)

    def __rshift__(self, count: int) -> Lanes:
        """Divide by a power of two, rounding down."""
        if count == 0:
            return self
        check_invariant(self.low >= 0 or self.high < 2**63, "neither signed nor unsigned")
        name = "lshr" if self.low >= 0 else "ashr"
        return self._operation(name, self._lanes(count), self.low >> count, self.high >> count)

    def known(self, low: int, high: int) -> Lanes:
        """Return the same, for a reason that intervals can't see: the caller says which."""
        return Lanes(self.function, self.name, max(low, self.low), min(high, self.high))

    def plus_product(self, a: Lanes | Limb, b: Lanes | Limb, upper: bool = False) -> Lanes:
        """Add the lower 52 bits of the product of two limbs, or what is above them."""
        product = _limb(a).high * _limb(b).high
        added = product >> LIMB_BITS if upper else min(product, LIMB_MAX)
        text = self.function.value(
            f"call {_VECTOR} @llvm.x86.avx512.vpmadd52{'h' if upper else 'l'}.uq.512("
            f"{_VECTOR} {self.name}, {_VECTOR} {a.name}, {_VECTOR} {b.name})"
        )
        return Lanes(self.function, text, self.low, self.high + added)

    def limb(self) -> Limb:
        """Return the lower 52 bits, which are all that a multiplication reads."""
        return Limb(self.name, LIMB_MAX if self.low < 0 else min(self.high, LIMB_MAX))

    def followed_by(self, lower: Lanes, count: int) -> Lanes:
        """Return the 64 bits that begin `count` bits below the top of `lower`, upper bits first."""
        name = self.function.value(
            f"call {_VECTOR} @llvm.fshl.v8i64({_VECTOR} {self.name}, {_VECTOR} {lower.name}, "
            f"{_VECTOR} {_constant(count)})"
        )
        return Lanes(self.function, name, 0, WORD_MAX)

    def magnitude(self) -> Lanes:
        """Return the number without its sign."""
        name = self.function.value(f"call {_VECTOR} @llvm.abs.v8i64({_VECTOR} {self.name}, i1 0)")
        return Lanes(self.function, name, 0, max(-self.low, self.high))

    def at_least(self, least: int) -> Lanes:
        """Return the number or `least`, whichever is more."""
        check_invariant(self.low >= 0, "a number below zero where none may be")
        name = self.function.value(
            f"call {_VECTOR} @llvm.umax.v8i64({_VECTOR} {self.name}, {_VECTOR} {_constant(least)})"
        )
        return Lanes(self.function, name, max(self.low, least), max(self.high, least))

    def with_bytes_reversed(self) -> Lanes:
        name = self.function.value(f"call {_VECTOR} @llvm.bswap.v8i64({_VECTOR} {self.name})")
        return Lanes(self.function, name, 0, WORD_MAX)

    def shuffled(self, other: Lanes, indexes: list[int]) -> Lanes:
        """Return lanes of these (0 to 7) and of `other` (8 to 15)."""
        chosen = ", ".join(f"i32 {index}" for index in indexes)
        name = self.function.value(
            f"shufflevector {_VECTOR} {self.name}, {_VECTOR} {other.name}, <8 x i32> <{chosen}>"
        )
        return Lanes(self.function, name, min(self.low, other.low), max(self.high, other.high))

    def is_negative(self) -> Mask:
        check_invariant(self.high < 2**63, "the sign of an unsigned number")
        return self._comparison("slt", 0)

    def is_zero(self) -> Mask:
        return self._comparison("eq", 0)

    def is_nonzero(self) -> Mask:
        return self._comparison("ne", 0)

    def equals(self, number: int) -> Mask:
        return self._comparison("eq", number)

    def _operation(self, name: str, other: Lanes, low: int, high: int) -> Lanes:
        text = f"{name} {_VECTOR} {self.name}, {other.name}"
        return Lanes(self.function, self.function.value(text), low, high)

    def _comparison(self, condition: str, number: int) -> Mask:
        text = f"icmp {condition} {_VECTOR} {self.name}, {_constant(number)}"
        return Mask(self.function, self.function.value(text))

    def _lanes(self, operand: Lanes | int) -> Lanes:
        return self.function.constant(operand) if isinstance(operand, int) else operand

    def _is_zero(self) -> bool:
        return self.name == _constant(0)

    def _bits_max(self, other: Lanes) -> int:
        check_invariant(min(self.low, other.low) >= 0, "bits of a number below zero")
        return (1 << max(self.high.bit_length(), other.high.bit_length())) - 1


@dataclass(frozen=True, slots=True)
class Limb:
    """Lanes of which a multiplication reads the lower 52 bits."""

    name: str
    high: int


def _limb(operand: Lanes | Limb) -> Limb:
    if isinstance(operand, Lanes):
        check_invariant(
            operand.low >= 0 and operand.high <= LIMB_MAX,
            "a factor might not fit 52 bits",
            function=operand.function.name,
            high=operand.high,
        )
        return operand.limb()
    return operand


@dataclass(frozen=True, slots=True)
class Mask:
    """Yes or no in each lane."""

    function: Function
    name: str

    def __and__(self, other: Mask) -> Mask:
        return self._operation("and", other)

    def __or__(self, other: Mask) -> Mask:
        return self._operation("or", other)

    def choose(self, yes: Lanes | int, no: Lanes | int) -> Lanes:
        yes = self.function.constant(yes) if isinstance(yes, int) else yes
        no = self.function.constant(no) if isinstance(no, int) else no
        text = f"select {_MASK} {self.name}, {_VECTOR} {yes.name}, {_VECTOR} {no.name}"
        name = self.function.value(text)
        return Lanes(self.function, name, min(yes.low, no.low), max(yes.high, no.high))

    def _operation(self, name: str, other: Mask) -> Mask:
        value = self.function.value(f"{name} {_MASK} {self.name}, {other.name}")
        return Mask(self.function, value)


def _constant(number: int) -> str:
    signed = number if number < 2**63 else number - 2**64
    return f"splat (i64 {signed})" if signed else "zeroinitializer"


class Function:
    """The text of one function without a result, while it is written.

    `arguments` are as in "ptr %state, i64 %count". A pointer or an index is the name of a value.
    """

    def __init__(self, name: str, arguments: str, is_exported: bool = False) -> None:
        self.name = name
        # Its body stays where it is called from, and vectors that don't fit registers lie aligned.
        linkage = "" if is_exported else "internal "
        self._head = (
            f"define {linkage}void @{name}({arguments}) nounwind noinline alignstack(64) {{"
        )
        self._reserved: list[str] = []
        self._lines: list[str] = []
        self._stream: list[str] | None = None
        self._count = 0

    def text(self) -> str:
        return "\n".join(
            [self._head, "entry:", *self._reserved, *self._lines, "  ret void", "}", ""]
        )

    def do(self, text: str) -> None:
        """Write an instruction that gives no value."""
        (self._lines if self._stream is None else self._stream).append(f"  {text}")

    def value(self, text: str) -> str:
        """Write an instruction; return the name of its value."""
        name = self._new_name()
        self.do(f"{name} = {text}")
        return name

    def _new_name(self) -> str:
        self._count += 1
        return f"%v{self._count}"

    def call(self, name: str, *arguments: str) -> None:
        """Call a function: arguments are as in "ptr %state"."""
        self.do(f"call void @{name}({', '.join(arguments)})")

    # lanes

    def constant(self, number: int) -> Lanes:
        return Lanes(self, _constant(number), number, number)

    def everywhere(self, number: str) -> Lanes:
        """Return an i64 in every lane."""
        first = self.value(f"insertelement {_VECTOR} poison, i64 {number}, i32 0")
        text = f"shufflevector {_VECTOR} {first}, {_VECTOR} poison, <8 x i32> zeroinitializer"
        return Lanes(self, self.value(text), 0, WORD_MAX)

    def load(
        self, pointer: str, offset: int = 0, *, low: int = 0, high: int, align: int = 64
    ) -> Lanes:
        """Load what was stored with these bounds, or what no bounds can be missed by."""
        place = self.at(pointer, offset)
        return Lanes(self, self.value(f"load {_VECTOR}, ptr {place}, align {align}"), low, high)

    def load_four(self, pointer: str) -> Lanes:
        """Load 32 bytes into the lower lanes; the others hold anything."""
        half = self.value(f"load <4 x i64>, ptr {pointer}, align 1")
        indexes = ", ".join([*(f"i32 {index}" for index in range(4)), *["i32 poison"] * 4])
        name = self.value(
            f"shufflevector <4 x i64> {half}, <4 x i64> poison, <8 x i32> <{indexes}>"
        )
        return Lanes(self, name, 0, WORD_MAX)

    def store(self, lanes: Lanes, pointer: str, offset: int = 0) -> None:
        self.do(f"store {_VECTOR} {lanes.name}, ptr {self.at(pointer, offset)}, align 64")

    # memory

    def reserve(self, size_bytes: int) -> str:
        """Return a pointer to memory of this call."""
        name = self._new_name()
        self._reserved.append(f"  {name} = alloca i8, i64 {size_bytes}, align 64")
        return name

    def at(self, pointer: str, offset: int | str) -> str:
        """Return a pointer so many bytes on."""
        if offset == 0:
            return pointer
        return self.value(f"getelementptr i8, ptr {pointer}, i64 {offset}")

    def element(self, pointer: str, index: str, size_bytes: int | str) -> str:
        """Return a pointer to an element of an array."""
        return self.at(pointer, self.product(index, size_bytes))

    def product(self, a: str, b: int | str) -> str:
        return self.value(f"mul i64 {a}, {b}")

    # control

    def loop(self, count: int | str, body: Callable[[str], None], downwards: bool = False) -> None:
        """Repeat `body`, which gets the index, from 0 on or down to it."""
        name = f"loop{len(self._lines)}"
        counter = self.reserve(8)
        self.do(f"store i64 0, ptr {counter}")
        is_any = self.value(f"icmp slt i64 0, {count}")
        self.do(f"br i1 {is_any}, label %{name}.body, label %{name}.end")
        self._label(f"{name}.body", falls_through=False)
        passed = self.value(f"load i64, ptr {counter}")
        index = passed
        if downwards:
            left = self.value(f"sub i64 {count}, {passed}")
            index = self.value(f"sub i64 {left}, 1")
        body(index)
        following = self.value(f"add i64 {passed}, 1")
        self.do(f"store i64 {following}, ptr {counter}")
        is_more = self.value(f"icmp slt i64 {following}, {count}")
        self.do(f"br i1 {is_more}, label %{name}.body, label %{name}.end")
        self._label(f"{name}.end", falls_through=False)

    def when(self, number: str, body: Callable[[], object]) -> None:
        """Do `body` if the i64 isn't zero."""
        name = f"when{len(self._lines)}"
        is_so = self.value(f"icmp ne i64 {number}, 0")
        self.do(f"br i1 {is_so}, label %{name}.body, label %{name}.end")
        self._label(f"{name}.body", falls_through=False)
        body()
        self._label(f"{name}.end")

    def interleave(self, count: int, body: Callable[[int], T]) -> list[T]:
        """Write `body` for each of one or two independent groups of lanes, mixed instruction by
        instruction: while one waits for a multiplication, the other has work."""
        check_invariant(self._stream is None and count <= 2, "streams within streams")
        streams: list[list[str]] = []
        results = []
        for index in range(count):
            self._stream = []
            results.append(body(index))
            streams.append(self._stream)
        self._stream = None
        self._lines.extend(_mixed(*streams) if count == 2 else streams[0])
        return results

    def _label(self, name: str, falls_through: bool = True) -> None:
        check_invariant(self._stream is None, "control flow within a stream")
        if falls_through:
            self.do(f"br label %{name}")
        self._lines.append(f"{name}:")


def _mixed(first: list[str], second: list[str]) -> list[str]:
    """Return both streams as one: the second follows the first at a distance."""
    if len(first) + len(second) <= _STREAM_MIN:
        return first + second
    mixed = first[:_LAG]
    ahead = first[_LAG:]
    for index in range(max(len(ahead), len(second))):
        mixed += ahead[index : index + 1] + second[index : index + 1]
    return mixed
