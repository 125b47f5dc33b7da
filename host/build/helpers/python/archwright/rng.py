"""Seeded random numbers: ChaCha with 8 rounds, the same values as the Rust SDK's and the JavaScript module's `Rng`."""

import math
import struct

_BLOCKS = 4
# A row holds its four words of all blocks in one integer, 64 bits a word, so that one operation of Python's works on
# all of them: the words of column 0 of every block first, then those of column 1, and so on. The upper half of each
# 64 bits takes the carry.
_LANES = 4 * _BLOCKS
_COLUMN = 64 * _BLOCKS
_ALL = (1 << 64 * _LANES) - 1
_LOW = sum(0xFFFFFFFF << 64 * lane for lane in range(_LANES))
_U64 = (1 << 64) - 1


def _row(words):
    """A row of these four words, the same in every block."""
    return sum(words[lane // _BLOCKS] << 64 * lane for lane in range(_LANES))


_CONSTANTS = _row(struct.unpack("<4I", b"expand 32-byte k"))


def _rotated(row, bits):
    """Every word rotated to the left."""
    return ((row << bits) | (row >> (32 - bits))) & _LOW


def _turned(row, columns):
    """The columns moved to the left, those that fall out coming back on the right."""
    return (row >> _COLUMN * columns) | (row << _COLUMN * (4 - columns)) & _ALL


def _quarter_rounds(a, b, c, d):
    a = (a + b) & _LOW
    d = _rotated(d ^ a, 16)
    c = (c + d) & _LOW
    b = _rotated(b ^ c, 12)
    a = (a + b) & _LOW
    d = _rotated(d ^ a, 8)
    c = (c + d) & _LOW
    b = _rotated(b ^ c, 7)
    return a, b, c, d


def _key(seed):
    """The words of a key of 256 bits from a seed of 64: PCG32, as `SeedableRng::seed_from_u64` of Rust's rand_core."""
    words = []
    for _ in range(8):
        seed = (seed * 6364136223846793005 + 11634580027462260723) & _U64
        word = ((seed >> 18 ^ seed) >> 27) & 0xFFFFFFFF
        turn = seed >> 59
        words.append((word >> turn | word << (32 - turn)) & 0xFFFFFFFF)
    return words


class Rng:
    """A random generator whose values never change.

    Python's `random` gives other values in every version of Python; this one gives the same everywhere.
    """

    __slots__ = ("_b", "_c", "_block", "_ready")

    def __init__(self, seed):
        """The generator of a seed from 0 to 2^64 - 1."""
        if not 0 <= seed <= _U64:
            raise ValueError(f"a seed is from 0 to 2^64 - 1, not {seed}")
        key = _key(seed)
        self._b = _row(key[:4])
        self._c = _row(key[4:])
        self._block = 0
        self._ready = []

    def _refill(self):
        counters = [self._block + block for block in range(_BLOCKS)]
        start = sum((counter & 0xFFFFFFFF) << 64 * block for block, counter in enumerate(counters))
        start |= sum((counter >> 32) << 64 * (_BLOCKS + block) for block, counter in enumerate(counters))
        self._block += _BLOCKS
        first = _CONSTANTS, self._b, self._c, start
        a, b, c, d = first
        for _ in range(4):
            a, b, c, d = _quarter_rounds(a, b, c, d)
            a, b, c, d = _quarter_rounds(a, _turned(b, 1), _turned(c, 2), _turned(d, 3))
            b, c, d = _turned(b, 3), _turned(c, 2), _turned(d, 1)
        rows = []
        for row, before in zip((a, b, c, d), first):
            row = (row + before) & _LOW
            # The words of columns 0 and 1, and of 2 and 3, make 64 bits each.
            row |= row >> (_COLUMN - 32)
            rows.append(struct.unpack(f"<{_LANES}Q", (row & _ALL).to_bytes(8 * _LANES, "little")))
        pairs = [row[column + block] for block in range(_BLOCKS) for row in rows for column in (0, 2 * _BLOCKS)]
        self._ready = pairs[::-1]

    def next_u64(self):
        """Any 64 bits, a seed for something else, say."""
        if not self._ready:
            self._refill()
        return self._ready.pop()

    def below(self, bound):
        """Uniform in `range(bound)`; 0 for a bound of 0."""
        if bound == 0:
            return 0
        # Draws beyond the last multiple of the bound are thrown away, so that every value is as likely.
        zone = _U64 - _U64 % bound
        while True:
            draw = self.next_u64()
            if draw < zone:
                return draw % bound

    def uniform(self):
        """Uniform in [0, 1)."""
        return (self.next_u64() >> 11) / (1 << 53)

    def choose(self, items):
        """One of these, evenly; `None` of nothing."""
        return items[self.below(len(items))] if items else None

    def normal(self):
        """The standard normal distribution (Box & Muller 1958). Between languages the last bits may differ: their
        logarithms and cosines do."""
        # In (0, 1]: the logarithm is finite.
        radius = math.sqrt(-2.0 * math.log(1.0 - self.uniform()))
        return radius * math.cos(2.0 * math.pi * self.uniform())

    def choose_weighted(self, weights):
        """A place in a list of weights, none below 0, with a probability that is proportional to its weight.

        Any place, evenly, where all are 0; `None` of no weights.
        """
        if not weights:
            return None
        # Added one by one: `sum` rounds in its own way.
        total = 0.0
        for weight in weights:
            total += weight
        if total <= 0.0:
            return self.below(len(weights))
        left = self.uniform() * total
        for place, weight in enumerate(weights):
            if left < weight:
                return place
            left -= weight
        return max(place for place, weight in enumerate(weights) if weight > 0.0)

    def sample(self, count, bound):
        """`count` different numbers of `range(bound)` in random order; all of them where `bound` is smaller."""
        # Fisher & Yates's shuffle, stopped once the first ones are settled. Numbers that were swapped away are
        # remembered alone.
        moved, drawn = {}, []
        for place in range(min(count, bound)):
            other = place + self.below(bound - place)
            here = moved.get(place, place)
            drawn.append(moved.get(other, other))
            moved[other] = here
        return drawn

    def shuffle(self, items):
        """Puts a list into a random order."""
        for last in range(len(items) - 1, 0, -1):
            other = self.below(last + 1)
            items[last], items[other] = items[other], items[last]
