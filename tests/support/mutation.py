"""Mutants of files: a byte or a number changed, a part cut out, doubled or moved."""

import io
import re
import zipfile

import numpy as np

_NUMBERS = [0, 1, 2, 3, 255, 256, 32767, 32768, 65535, 2**31 - 1, 2**31, 2**32 - 1, 10**9]
_WORDS = b"-1 0 1 2 7 255 65536 999999999 2147483648 1e9 1e38 1e400 nan inf -inf 0x10 x".split()


def mutant(content: bytes, rng: np.random.Generator) -> bytes:
    """Returns a file's bytes with one to four changes, or, of an archive, those of a member."""
    if content[:2] == b"PK" and rng.random() < 0.7:
        return _with_a_changed_member(content, rng)
    for _ in range(rng.integers(1, 5)):
        content = _changed(bytearray(content), rng)
    return content


def _changed(content, rng):
    """Makes one change."""
    if not content:
        return b"x"
    at = int(rng.integers(len(content)))
    length = int(min(2 ** rng.integers(0, 9), len(content)))
    part = bytes(content[at : at + length])
    kind = rng.integers(9)
    if kind == 0:
        content[at] ^= 1 << int(rng.integers(8))
    elif kind == 1:
        content[at] = int(rng.choice([0, 1, 0x7F, 0x80, 0xFF]))
    elif kind == 2:
        size, order = int(rng.choice([2, 4, 8])), str(rng.choice(["little", "big"]))
        number = int(rng.choice(_NUMBERS)) % 2 ** (8 * size)
        content[at : at + size] = number.to_bytes(size, order)
    elif kind == 3:
        del content[at:]
    elif kind == 4:
        del content[at : at + length]
    elif kind == 5:
        content[at:at] = part
    elif kind == 6:
        to = int(rng.integers(len(content)))
        content[to : to + length] = part
    else:
        return _with_a_changed_word(bytes(content), rng)
    return bytes(content)


def _with_a_changed_word(content, rng):
    """Puts a word in the place of a number that is written as text."""
    numbers = list(re.finditer(rb"-?\d+(\.\d+)?", content[: 2**20]))
    if not numbers:
        return _changed(bytearray(content), rng)
    number = numbers[rng.integers(len(numbers))]
    word = bytes(_WORDS[rng.integers(len(_WORDS))])
    return content[: number.start()] + word + content[number.end() :]


def _with_a_changed_member(content, rng):
    """Changes one member of a zip archive, so that its check sum is right."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    chosen = list(members)[rng.integers(len(members))]
    # What decides is the header, which is short.
    head = members[chosen][:128] if rng.random() < 0.7 else members[chosen]
    members[chosen] = _changed(bytearray(head), rng) + members[chosen][len(head) :]
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return written.getvalue()
