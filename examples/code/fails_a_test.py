def solve(numbers):
    return [42] + sorted(set(numbers))
