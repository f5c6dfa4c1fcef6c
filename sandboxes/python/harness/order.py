"""Order in tests: no `nan` passes a comparison that it has no place in."""


def ordered(value):
    """An operand of `<`, `<=`, `>` or `>=` in tests. A `nan` has no place in any order,
    and `not abs(got - expected) > limit` would take that for a pass."""
    if isinstance(value, float):
        if value != value:
            raise AssertionError("a nan where tests ask for an order")
    elif type(value).__module__ == "numpy" and getattr(getattr(value, "dtype", None), "kind", "") == "f":
        if (value != value).any():
            raise AssertionError("a nan where tests ask for an order")
    return value


def of_ordered(choose):
    """`max` or `min`, which pass over a `nan` that is not the first."""
    def chosen(*given, **options):
        items = list(given[0]) if len(given) == 1 else given
        for item in items:
            ordered(item)
        return choose(items, **options)
    return chosen


ORDER = {"__ordered__": ordered, "max": of_ordered(max), "min": of_ordered(min)}


def with_order(source):
    """Tests, with every operand of a comparison by order looked at."""
    if "<" not in source and ">" not in source:
        return source
    import ast

    def looked_at(operand):
        name = ast.copy_location(ast.Name("__ordered__", ast.Load()), operand)
        return ast.copy_location(ast.Call(name, [operand], []), operand)
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and any(
            isinstance(kind, (ast.Lt, ast.LtE, ast.Gt, ast.GtE)) for kind in node.ops
        ):
            node.left = looked_at(node.left)
            node.comparators = [looked_at(operand) for operand in node.comparators]
    return tree
