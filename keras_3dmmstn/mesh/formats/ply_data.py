"""The data of a PLY file, element by element, as text or binary."""

from typing import NamedTuple

import numpy as np

from keras_3dmmstn.number_texts import number, whole_number


class Property(NamedTuple):
    """A property of an element: numbers of a NumPy type, or lists whose length has a type."""

    name: str
    type: str
    length_type: str | None


class Element(NamedTuple):
    """A table of the file: `rows` rows of properties."""

    name: str
    rows: int
    properties: list[Property]


class AsciiData:
    """Data as text, word by word."""

    def __init__(self, body: memoryview):
        self._words, self._place = bytes(body).split(), 0

    def columns(self, element: Element, names: tuple[str, ...]) -> list[list[float]]:
        """Returns properties that are no lists, one after the other, and passes the element."""
        places = _places(element, names)
        if any(part.length_type for part in element.properties):
            raise ValueError(f"lists in the element {element.name}")
        width = len(element.properties)
        table = self._take(element.rows * width)
        return [[number(word) for word in table[place::width]] for place in places]

    def lists(self, element: Element, name: str) -> tuple[list[int], list[int]]:
        """Returns sizes and items of a list property, and passes the element."""
        sizes: list[int] = []
        items: list[int] = []
        self._check_left(element.rows * len(element.properties))
        for _ in range(element.rows):
            for part in element.properties:
                size = whole_number(self._take(1)[0]) if part.length_type else 1
                words = self._take(size)
                if part.name == name:
                    sizes.append(size)
                    items += map(whole_number, words)
        return sizes, items

    def skip(self, element: Element) -> None:
        """Passes an element."""
        if element.properties:
            self.lists(element, "")

    def _take(self, count):
        self._check_left(count)
        self._place += count
        return self._words[self._place - count : self._place]

    def _check_left(self, count):
        left = len(self._words) - self._place
        if not 0 <= count <= left:
            raise ValueError(f"{count:,} numbers were expected, {left:,} are left")


class BinaryData:
    """Data as bytes, in one byte order."""

    def __init__(self, body: memoryview, order: str):
        self._body, self._order, self._place = body, order, 0

    def columns(self, element: Element, names: tuple[str, ...]) -> list[np.ndarray]:
        """Returns properties that are no lists, one after the other, and passes the element."""
        places = _places(element, names)
        if any(part.length_type for part in element.properties):
            raise ValueError(f"lists in the element {element.name}")
        table = self._table(element.rows, [self._order + p.type for p in element.properties])
        return [table[f"f{place}"] for place in places]

    def lists(self, element: Element, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Returns sizes and items of a list property, and passes the element."""
        least = sum(int((part.length_type or part.type)[1]) for part in element.properties)
        self._check_left(element.rows * least)
        start = self._place
        fast = self._lists_of_one_size(element, name)
        if fast is not None:
            return fast
        self._place = start
        sizes: list[int] = []
        items: list[np.ndarray] = []
        for _ in range(element.rows):
            for part in element.properties:
                numbers = self._numbers(part)
                if part.name == name:
                    sizes.append(len(numbers))
                    items.append(numbers.astype(np.int64))
        return np.array(sizes, np.int64), np.concatenate([np.zeros(0, np.int64), *items])

    def skip(self, element: Element) -> None:
        """Passes an element."""
        if element.properties:
            self.lists(element, "")

    def _lists_of_one_size(self, element, name):
        """Returns the same as `lists`, or None if the lists differ in length."""
        types, start = [], self._place
        for part in element.properties if element.rows else ():
            size = len(self._numbers(part))
            if part.length_type:
                types.append(self._order + part.length_type)
            kind = self._order + part.type
            types.append((kind, (size,)) if part.length_type else kind)
        self._place = start
        width = sum(np.dtype(kind).itemsize for kind in types)
        if not types or element.rows * width > len(self._body) - start:
            return None
        table, place, found = self._table(element.rows, types), 0, None
        for part in element.properties:
            if part.length_type:
                if (table[f"f{place}"] != table[f"f{place}"][0]).any():
                    return None
                place += 1
                if part.name == name:
                    found = table[f"f{place}"].astype(np.int64)
            place += 1
        if found is None:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        return np.full(element.rows, found.shape[1]), found.ravel()

    def _numbers(self, part):
        """Reads one number or one list."""
        count = 1
        if part.length_type:
            (count,) = self._read(part.length_type, 1).tolist()
        return self._read(part.type, count)

    def _read(self, kind, count):
        size = int(kind[1]) * count
        self._check_left(size)
        self._place += size
        return np.frombuffer(self._body, self._order + kind, count, self._place - size)

    def _table(self, count, types):
        """Reads rows of the types, as a structured array with fields f0, f1 and so on."""
        pairs = [(kind,) if isinstance(kind, str) else kind for kind in types]
        dtype = np.dtype([(f"f{number}", *pair) for number, pair in enumerate(pairs)])
        self._check_left(count * dtype.itemsize)
        self._place += count * dtype.itemsize
        return np.frombuffer(self._body, dtype, count, self._place - count * dtype.itemsize)

    def _check_left(self, count):
        left = len(self._body) - self._place
        if not 0 <= count <= left:
            raise ValueError(f"{count:,} bytes were expected, {left:,} are left")


def _places(element, names):
    """Returns the positions of the named properties among an element's properties."""
    held = [part.name for part in element.properties]
    missing = [name for name in names if name not in held]
    if missing:
        raise ValueError(f"the element {element.name} has no {', '.join(missing)}")
    return [held.index(name) for name in names]
