"""Handles: something of the candidate's that is no plain data, as tests hold it."""

from _harness.exceptions import BadTests


class Handle:
    """Something of the candidate's that is no plain data; it acts where it lives."""

    __slots__ = ("__dict__",)

    def __getattr__(self, name):
        return asked(self, "getattr", name)

    def __setattr__(self, name, value):
        asked(self, "setattr", name, value)

    def __delattr__(self, name):
        asked(self, "delattr", name)

    def __call__(self, *args, **kwargs):
        own = vars(self)
        opaque = own["_owner"].objects == "build"
        return own["_owner"].operate("call", own["_number"], args, kwargs, opaque)

    def __repr__(self):
        return str(asked(self, "repr"))

    def __str__(self):
        return str(asked(self, "str"))

    def __bool__(self):
        return asked(self, "bool") is True

    # A handle is equal to no plain data, whatever its class says.
    def __eq__(self, other):
        if type(other) is not Handle:
            closed(self)
            return False
        return asked(self, "eq", other) is True

    def __ne__(self, other):
        if type(other) is not Handle:
            closed(self)
            return True
        return asked(self, "ne", other) is True

    def __hash__(self):
        return hash(vars(self)["_number"])

    def __iter__(self):
        value = asked(self, "iter")
        return value if type(value) is Handle else iter(value)

    def __instancecheck__(self, value):
        return type(value) is Handle and asked(value, "isinstance", self) is True

    def __enter__(self):
        return asked(self, "enter")

    def __exit__(self, *error):
        asked(self, "exit")


def forward(operation):
    def act(self, *args):
        return asked(self, operation, *args)
    return act


for _slot, _operation in {
    "add": "add", "sub": "sub", "mul": "mul", "truediv": "truediv", "floordiv": "floordiv",
    "mod": "mod", "pow": "pow", "matmul": "matmul", "and": "and_", "or": "or_", "xor": "xor",
    "lshift": "lshift", "rshift": "rshift", "neg": "neg", "pos": "pos", "invert": "invert",
    "lt": "lt", "le": "le", "gt": "gt", "ge": "ge", "contains": "contains", "getitem": "getitem",
    "setitem": "setitem", "delitem": "delitem", "len": "len", "abs": "abs", "int": "int",
    "float": "float", "next": "next", "radd": "radd", "rsub": "rsub", "rmul": "rmul",
    "rtruediv": "rtruediv", "rpow": "rpow", "divmod": "divmod", "round": "round",
}.items():
    setattr(Handle, "__%s__" % _slot, forward(_operation))


def handle(owner, number, name):
    made = object.__new__(Handle)
    vars(made).update(_owner=owner, _number=number, _name=name)
    return made


# A tester that was not told to hold objects may still build them and hand them
# back; what it could learn from them would be the candidate's word.
BUILDING = frozenset(("getattr", "setattr", "getitem", "setitem"))


def closed(self):
    own = vars(self)
    if own["_owner"].objects == "build":
        raise BadTests("`%s` is the solution's: judging it needs object mode" % own["_name"])


def asked(self, operation, *args):
    own = vars(self)
    owner = own["_owner"]
    if operation not in BUILDING:
        closed(self)
    opaque = owner.objects == "build" and operation.startswith("get")
    return owner.operate(operation, own["_number"], args, opaque=opaque)
