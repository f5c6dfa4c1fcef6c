"""Tests that are assertions, or a `check`; whatever their kind, they begin here."""

import builtins
import importlib
import sys
import types

from _harness.suite import run_unittest, solution_module


def run_tests(tester, kind, entry, module, prelude, setup, code, asserts):
    candidate, names = tester.candidate, tester.names
    if kind == "unittest":
        sys.modules[module] = solution_module(candidate, module)
        return run_unittest(tester, module, setup, code)
    if not tester.define(prelude, "prelude.py"):
        return
    for name in entry:
        names[name] = candidate.function(name)
    provided, modules = free_names("\n".join([setup, code] + asserts))
    for name in provided - set(entry):
        if type(names.get(name)) is types.FunctionType:
            names[name] = candidate.helper(name, names[name])
    for name in modules - set(names):
        names[name] = importlib.import_module(name)
    provided -= set(names)
    if candidate.objects is None and provided:
        candidate.objects = "build"
        for name in provided:
            names[name] = constructor(candidate, name)
    elif candidate.objects:
        for name in provided:
            names[name] = candidate.named(name)
    if tester.define(setup, "setup.py"):
        tester.each(pieces(tester, entry, code, asserts))


def pieces(tester, entry, code, asserts):
    """The tests of a program: its assertions, or its `check`."""
    if asserts:
        return [(text, tester.program(text)) for text in asserts]
    if not calls_check(code):
        code += "\n\ncheck(%s)\n" % entry[0]
    return [("check", tester.program(code))]


def calls_check(source):
    """Whether the tests call `check` by themselves."""
    import ast
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return True
    return any(
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name) and node.value.func.id == "check"
        for node in body
    )


def constructor(candidate, name):
    """A name of the solution's that tests may only build arguments with."""
    return candidate.operate("name", name, opaque=True)


def free_names(source):
    """The names that a program uses and nobody defines; and which of them must be
    modules of the standard library, used as `sys.maxsize` is."""
    import ast
    used, known, bases, bare = set(), set(vars(builtins)), set(), set()
    for node in ast.walk(ast.parse(source)):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Name):
                (bases if isinstance(node, ast.Attribute) else bare).add(child.id)
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else known).add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            known.add(node.name)
        elif isinstance(node, ast.arg):
            known.add(node.arg)
        elif isinstance(node, ast.alias):
            known.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.ExceptHandler) and node.name:
            known.add(node.name)
    used -= known
    modules = used & (bases - bare) & sys.stdlib_module_names
    return used - modules, modules
