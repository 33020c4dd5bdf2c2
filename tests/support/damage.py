"""Damaged certificates, chains and other documents, the same ones for the same seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

_MAX_CHAIN = 5


def damaged_chains(chains: Sequence[Sequence[bytes]], seed: int) -> Iterator[list[bytes]]:
    """Yield chains without end: of the given ones (DER, leaf first), each with some of its certificates damaged."""
    random = Random(seed)
    material = [encoded for chain in chains for encoded in chain]
    while True:
        chain = list(random.choice(chains))[:_MAX_CHAIN]
        for _ in range(random.randint(1, 2)):
            place = random.randrange(len(chain))
            chain[place] = _damaged(chain[place], random.choice(material), random)
        if random.random() < 0.1:
            chain.insert(random.randrange(len(chain) + 1), random.choice(material))
        yield chain


def damaged_documents(documents: Sequence[bytes], seed: int) -> Iterator[bytes]:
    """Yield documents without end: each one of the given ones, damaged."""
    random = Random(seed)
    while True:
        yield _damaged(random.choice(documents), random.choice(documents), random)


def _damaged(encoded: bytes, other: bytes, random: Random) -> bytes:
    if not encoded:
        return other
    kind = random.randrange(5)
    changed = bytearray(encoded)
    if kind <= 1:
        for _ in range(random.randint(1, 3)):
            changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    elif kind == 2:
        return encoded[: random.randrange(len(encoded))]
    elif kind == 3:
        begin, end = sorted(random.randrange(len(encoded) + 1) for _ in range(2))
        start = random.randrange(len(other) + 1)
        return encoded[:begin] + other[start : start + end - begin] + encoded[end:]
    else:
        begin = random.randrange(len(encoded))
        del changed[begin : begin + random.randint(1, 8)]
    return bytes(changed)
