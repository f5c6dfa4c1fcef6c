"""Bytes that may be anything, read as marshalled plain data."""

import struct

from _harness.plain import DEPTH, NODES, NotPlain


class Reader:
    """Marshalled plain data from a candidate: bytes that may be anything.

    `marshal.loads` trusts its input, this does not.
    """

    def __init__(self, data):
        self.data = data
        self.at = 0
        self.nodes = 0

    def take(self, size):
        end = self.at + size
        if size < 0 or end > len(self.data):
            raise NotPlain("a cut reply")
        piece = self.data[self.at:end]
        self.at = end
        return piece

    def count(self):
        return int.from_bytes(self.take(4), "little", signed=True)

    def many(self, depth):
        count = self.count()
        if count < 0:
            raise NotPlain("a bad reply")
        return [self.value(depth + 1) for _ in range(count)]

    def value(self, depth=0):
        self.nodes += 1
        if depth > DEPTH or self.nodes > NODES:
            raise NotPlain("too deep or too large")
        tag = self.take(1)
        if tag == b"i":
            return self.count()
        if tag == b"u":
            return self.take(self.count()).decode("utf-8", "surrogatepass")
        if tag == b"N":
            return None
        if tag == b"T":
            return True
        if tag == b"F":
            return False
        if tag == b"g":
            return float_of(self.take(8))
        if tag == b"y":
            return complex(float_of(self.take(8)), float_of(self.take(8)))
        if tag == b"s":
            return self.take(self.count())
        if tag == b"l":
            return self.long()
        if tag == b"[":
            return self.many(depth)
        if tag == b"(":
            return tuple(self.many(depth))
        if tag == b"<":
            return set(self.many(depth))
        if tag == b">":
            return frozenset(self.many(depth))
        if tag == b"{":
            pairs = {}
            while self.data[self.at:self.at + 1] != b"0":
                key = self.value(depth + 1)
                pairs[key] = self.value(depth + 1)
            self.at += 1
            return pairs
        raise NotPlain("a bad reply")

    def long(self):
        count = self.count()
        digits = self.take(2 * abs(count))
        bits = []
        for index in range(len(digits) - 2, -2, -2):
            digit = int.from_bytes(digits[index:index + 2], "little")
            if digit >> 15:
                raise NotPlain("a bad reply")
            bits.append(format(digit, "015b"))
        number = int("".join(bits) or "0", 2)
        return -number if count < 0 else number


def float_of(data, unpack=struct.Struct("<d").unpack):
    return unpack(data)[0]


def read(data):
    reader = Reader(data)
    try:
        value = reader.value()
    except (TypeError, UnicodeDecodeError, MemoryError, RecursionError):
        raise NotPlain("a bad reply") from None
    if reader.at != len(data):
        raise NotPlain("a bad reply")
    return value
