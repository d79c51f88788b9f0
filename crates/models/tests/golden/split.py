"""Prints the rows that tests/split.rs pins, from a second implementation.

    python split.py

PCG XSL RR 128/64 (O'Neill 2014), Fisher-Yates from the front, Lemire's bounded numbers (2019), written from their
definitions; fractions are exact, and quotas go row by row as the documentation has it.
"""

from fractions import Fraction

MASK = 2**128 - 1
STREAM = 0x0A02BDBF7BB3C0A7AC28FA16A64ABF96


class Pcg64:
    def __init__(self, seed):
        self.increment = (STREAM << 1 | 1) & MASK
        self.state = (seed + self.increment) & MASK
        self.step()

    def step(self):
        self.state = (self.state * 0x2360ED051FC65DA44385DF649FCCF645 + self.increment) & MASK

    def word(self):
        self.step()
        xored, turn = (self.state >> 64 ^ self.state) % 2**64, self.state >> 122
        return (xored >> turn | xored << (64 - turn)) % 2**64

    def below(self, bound):
        while True:
            product = self.word() * bound
            if product % 2**64 >= 2**64 % bound:
                return product >> 64

    def shuffled(self, items):
        items = list(items)
        for i in range(len(items) - 1):
            j = i + self.below(len(items) - i)
            items[i], items[j] = items[j], items[i]
        return items


def share(n, part):
    return int(n * part + Fraction(1, 2))


def quotas(sizes, part, most):
    total = min(max(share(sum(sizes), part), len(sizes)), sum(most))
    given = [min(max(int(n * part), 1), m) for n, m in zip(sizes, most)]
    while sum(given) != total:
        add = sum(given) < total
        open_ = [c for c in range(len(sizes)) if (given[c] < most[c] if add else given[c] > 1)]
        rank = lambda c: (sizes[c] * part - given[c], -c)  # of equal ones the lower label is the greater
        c = max(open_, key=rank) if add else min(open_, key=rank)
        given[c] += 1 if add else -1
    return given


def classes(labels, seed):
    generator = Pcg64(seed)
    return [generator.shuffled(i for i, x in enumerate(labels) if x == label) for label in sorted(set(labels))]


def stratified(labels, parts, seed):
    """Rows of each part but the last, which takes the rest; every class keeps a row for each part that follows."""
    rows, found = classes(labels, seed), []
    sizes = [len(c) for c in rows]
    for number, part in enumerate(parts):
        most = [len(c) - (len(parts) - number) for c in rows]
        given = quotas(sizes, part, most)
        found.append(sorted(row for c, n in zip(rows, given) for row in c[:n]))
        rows = [c[n:] for c, n in zip(rows, given)]
    return found


def shuffled(n, parts, seed):
    rows, found = Pcg64(seed).shuffled(range(n)), []
    for number, part in enumerate(parts):
        given = min(max(share(n, part), 1), len(rows) - (len(parts) - number))
        found.append(sorted(rows[:given]))
        rows = rows[given:]
    return found


def runs(n, k):
    return [fold for fold in range(k) for _ in range(n // k + (fold < n % k))]


def shuffled_folds(n, k, seed):
    of_row = [0] * n
    for row, fold in zip(Pcg64(seed).shuffled(range(n)), runs(n, k)):
        of_row[row] = fold
    return of_row


def stratified_folds(labels, k, seed):
    of_row = [0] * len(labels)
    for place, row in enumerate(row for c in classes(labels, seed) for row in c):
        of_row[row] = place % k
    return of_row


def checksum(numbers):
    """Of a long list: FNV-1a, 64 bits, of the numbers as little-endian words of 4 bytes."""
    value = 0xCBF29CE484222325
    for byte in b"".join(n.to_bytes(4, "little") for n in numbers):
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:#018x}"


def main():
    tenths = lambda n: Fraction(n, 10)
    short, uneven = [row % 3 for row in range(30)], [row * row % 7 for row in range(30)]
    cifar = [row * 7919 % 10 for row in range(50_000)]
    for seed in (0, 1, 2**64 - 1):
        print("stratified_split", seed, stratified(short, [tenths(3)], seed)[0])
        print("shuffled_split", seed, shuffled(30, [tenths(3)], seed)[0])
        test, validation = stratified(uneven, [tenths(2), tenths(3)], seed)
        print("stratified_three_way_split", seed, "validation", validation, "test", test)
        test, validation = shuffled(30, [tenths(2), tenths(3)], seed)
        print("shuffled_three_way_split", seed, "validation", validation, "test", test)
        print("shuffled folds", seed, shuffled_folds(23, 5, seed))
        print("stratified folds", seed, stratified_folds(uneven[:23], 5, seed))
    rows = stratified(cifar, [tenths(1)], 0)[0]
    print("large split", rows[:8], rows[-4:], sum(rows), checksum(rows))
    test, validation = stratified(cifar, [tenths(2), tenths(1)], 0)
    print("large three-way split", checksum(validation), checksum(test))
    print("large folds", checksum(shuffled_folds(50_000, 5, 0)), checksum(stratified_folds(cifar, 5, 0)))


main()
