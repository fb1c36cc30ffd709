"""An interpreter of the pickle format that can build only arrays and plain values."""

import codecs
import pickletools
from collections.abc import Callable
from io import BytesIO
from typing import Any

from keras_3dmmstn.mesh.formats.pickled_values import (
    Copies,
    Inert,
    Name,
    built,
    called,
    checked_key,
    named,
)

# One instruction makes at most one object of a few hundred bytes. FLAME needs some thousands.
MOST_OBJECTS = 1_000_000

_INSTRUCTIONS = {instruction.code: instruction for instruction in pickletools.opcodes}

_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "EMPTY_DICT": dict,
    "EMPTY_SET": set,
}
# Instructions whose argument is the value.
_LITERALS = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
_MEMO_PUTS = {"PUT", "BINPUT", "LONG_BINPUT"}
_MEMO_GETS = {"GET", "BINGET", "LONG_BINGET"}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_NOTHING_TO_DO = {"PROTO", "FRAME"}


class Damaged(ValueError):
    """A pickle that does not follow the format, or contains something not allowed."""


class PickleMachine:
    """Runs a pickle's instructions.

    The objects that a pickle names are made by `pickled_values`; no name is imported. The memo is
    a dictionary, and every length is checked against the number of bytes, so that memory is
    proportional to the pickle.

    Args:
        content: the pickle.
        copies: counts the bytes that are copied.
    """

    def __init__(self, content: bytes, copies: Copies):
        self._stream = BytesIO(content)
        self._copies = copies
        self._stack: list[Any] = []
        self._marked: list[list[Any]] = []
        self._memo: dict[int, Any] = {}

    def run(self) -> Any:
        """Returns the pickle's value, with arrays and stand-ins as `pickled_values` makes them.

        Raises:
            Exception: of almost any kind, if the pickle is damaged or contains something not
                allowed.
        """
        for _ in range(MOST_OBJECTS):
            code = self._stream.read(1).decode("latin1")
            instruction = _INSTRUCTIONS.get(code)
            if instruction is None:
                raise Damaged("it is cut off" if not code else f"no instruction {code!r}")
            argument = _argument(instruction, self._stream)
            if instruction.name == "STOP":
                return self._stack.pop()
            self._step(instruction.name, argument)
        raise Damaged(f"more than {MOST_OBJECTS:,} instructions")

    def _step(self, name, argument):
        """Runs one instruction."""
        if name in _LITERALS:
            self._stack.append(argument)
        elif name in _CONSTANTS:
            self._stack.append(_CONSTANTS[name]())
        elif name in _MEMO_PUTS:
            self._memo[argument] = self._stack[-1]
        elif name == "MEMOIZE":
            self._memo[len(self._memo)] = self._stack[-1]
        elif name in _MEMO_GETS:
            self._stack.append(self._memo[argument])
        elif name in _TUPLES:
            items = [self._stack.pop() for _ in range(_TUPLES[name])]
            self._stack.append(tuple(reversed(items)))
        elif name not in _NOTHING_TO_DO:
            step = getattr(self, f"_{name.lower()}", None)
            if step is None:
                raise Damaged(f"the instruction {name}, which no array needs")
            step(argument)

    def _mark(self, _):
        self._marked.append(self._stack)
        self._stack = []

    def _since_mark(self):
        """Returns what was pushed since the last mark, and removes the mark."""
        items, self._stack = self._stack, self._marked.pop()
        return items

    def _pop(self, _):
        if self._stack:
            self._stack.pop()
        else:
            self._since_mark()

    def _pop_mark(self, _):
        self._since_mark()

    def _dup(self, _):
        self._stack.append(self._stack[-1])

    def _tuple(self, _):
        items = tuple(self._since_mark())
        self._stack.append(items)

    def _list(self, _):
        items = self._since_mark()
        self._stack.append(items)

    def _dict(self, _):
        items = self._since_mark()
        self._stack.append({})
        self._set_items(items)

    def _frozenset(self, _):
        items = self._since_mark()
        self._stack.append({checked_key(item) for item in items})

    def _append(self, _):
        item = self._stack.pop()
        self._extend([item])

    def _appends(self, _):
        self._extend(self._since_mark())

    def _extend(self, items):
        target = self._stack[-1]
        if isinstance(target, list):
            target.extend(items)
        elif not isinstance(target, Inert):
            raise Damaged("items for something that is no list")

    def _setitem(self, _):
        value = self._stack.pop()
        self._set_items([self._stack.pop(), value])

    def _setitems(self, _):
        self._set_items(self._since_mark())

    def _set_items(self, items):
        target = self._stack[-1]
        if len(items) % 2:
            raise Damaged("a key without a value")
        if isinstance(target, dict):
            target.update(zip(map(checked_key, items[::2]), items[1::2], strict=True))
        elif not isinstance(target, Inert):
            raise Damaged("items for something that is no dictionary")

    def _additems(self, _):
        items = self._since_mark()
        if not isinstance(self._stack[-1], set):
            raise Damaged("items for something that is no set")
        self._stack[-1].update(map(checked_key, items))

    def _global(self, argument):
        self._stack.append(named(*argument.split(" ", 1)))

    def _stack_global(self, _):
        name, module = self._stack.pop(), self._stack.pop()
        self._stack.append(named(module, name))

    def _inst(self, argument):
        named(*argument.split(" ", 1))
        raise Damaged("an object of an old class")

    def _reduce(self, _):
        arguments, function = self._stack.pop(), self._stack.pop()
        self._stack.append(called(function, arguments, self._copies))

    def _newobj(self, _):
        arguments, kind = self._stack.pop(), self._stack.pop()
        if not isinstance(kind, Name) or not kind.is_inert:
            raise Damaged("an object that is neither an array nor a known stand-in")
        self._stack.append(called(kind, arguments, self._copies))

    def _build(self, _):
        state = self._stack.pop()
        self._stack[-1] = built(self._stack[-1], state, self._copies)


def _argument(instruction, stream):
    """Reads an instruction's argument; Python 2 strings are read as Latin-1."""
    if instruction.name == "STRING":
        line = stream.readline()
        text = line[:-1].strip()
        is_quoted = len(text) > 1 and text[:1] in b"'\"" and text[0] == text[-1]
        if not line.endswith(b"\n") or not is_quoted:
            raise Damaged("a string without quotes")
        return codecs.escape_decode(text[1:-1])[0].decode("latin1")
    return None if instruction.arg is None else instruction.arg.reader(stream)
