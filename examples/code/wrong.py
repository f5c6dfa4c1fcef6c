def solve(numbers):
    numbers.sort(
    return [42] + numbers
