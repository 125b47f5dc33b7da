"""Options of a plugin, declared once: with defaults, ranges and what they mean.

    class Options(archwright.Options):
        \"\"\"Options of regularized evolution.\"\"\"

        population_size = option.integer(100, minimum=1, maximum=100_000, doc="Architectures alive at once.")

`archwright plugin inspect` shows them, and the host checks what a person gives against them.
"""

import json

from .plugin import InvalidOptions

_REQUIRED = object()


class _Option:
    """One option. Without a default it has to be given."""

    def __init__(self, schema, default, doc):
        if doc:
            schema = {"description": doc, **schema}
        if default is not _REQUIRED:
            schema = {**schema, "default": default}
        self.schema = schema
        self.default = default

    def __set_name__(self, owner, name):
        if self.default is not _REQUIRED:
            self.check(name, self.default, ValueError)

    def check(self, name, value, error=InvalidOptions):
        """Refuses a value of another type, or out of range."""
        problem = _problem(self.schema, value)
        if problem:
            raise error(f"`{name}` is {json.dumps(value, default=repr)}, not {problem}")


def _range(low, high, low_excluded, high_excluded):
    bounds = {"minimum": low, "maximum": high, "exclusiveMinimum": low_excluded, "exclusiveMaximum": high_excluded}
    return {keyword: bound for keyword, bound in bounds.items() if bound is not None}


def integer(default=_REQUIRED, *, minimum=None, maximum=None, doc=""):
    """A whole number."""
    return _Option({"type": "integer", **_range(minimum, maximum, None, None)}, default, doc)


def real(default=_REQUIRED, *, minimum=None, maximum=None, above=None, below=None, doc=""):
    """A number. `minimum` and `maximum` are accepted themselves, `above` and `below` are not."""
    return _Option({"type": "number", **_range(minimum, maximum, above, below)}, default, doc)


def flag(default=_REQUIRED, *, doc=""):
    """True or false."""
    return _Option({"type": "boolean"}, default, doc)


def text(default=_REQUIRED, *, doc=""):
    """Any text."""
    return _Option({"type": "string"}, default, doc)


def choice(default=_REQUIRED, *, among, doc=""):
    """One of these texts."""
    return _Option({"type": "string", "enum": list(among)}, default, doc)


def _problem(schema, value):
    """What the value should be, where it is something else."""
    kind = schema["type"]
    if kind == "boolean":
        return None if isinstance(value, bool) else "true or false"
    if kind == "string":
        among = schema.get("enum")
        if among is not None and value not in among:
            return "one of " + ", ".join(json.dumps(one) for one in among)
        return None if isinstance(value, str) else "a text"
    whole = kind == "integer"
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        return "a whole number" if whole else "a number"
    # Written so that NaN is within no range.
    holds = {
        "minimum": lambda bound: value >= bound,
        "maximum": lambda bound: value <= bound,
        "exclusiveMinimum": lambda bound: value > bound,
        "exclusiveMaximum": lambda bound: value < bound,
    }
    words = {"minimum": "at least", "maximum": "at most", "exclusiveMinimum": "above", "exclusiveMaximum": "below"}
    bounds = [keyword for keyword in words if keyword in schema]
    if all(holds[keyword](schema[keyword]) for keyword in bounds):
        return None
    return " and ".join(f"{words[keyword]} {schema[keyword]}" for keyword in bounds)


class Options:
    """Base of a plugin's options. An instance has a value for each; those not given have their defaults."""

    def __init__(self, **given):
        options = self._options()
        for name in given:
            if name not in options:
                raise InvalidOptions(f"there is no option `{name}`; there are {', '.join(options) or 'none'}")
        for name, option in options.items():
            value = given.get(name, option.default)
            if value is _REQUIRED:
                raise InvalidOptions(f"the option `{name}` is missing")
            option.check(name, value)
            setattr(self, name, float(value) if option.schema["type"] == "number" else value)

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"

    @classmethod
    def _options(cls):
        classes = reversed(cls.__mro__)
        return {name: one for base in classes for name, one in vars(base).items() if isinstance(one, _Option)}

    @classmethod
    def schema(cls):
        """Their JSON Schema."""
        options = cls._options()
        schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": cls.__name__, "type": "object"}
        if cls.__doc__ and cls is not Options:
            schema["description"] = cls.__doc__.strip()
        schema["properties"] = {name: option.schema for name, option in options.items()}
        required = [name for name, option in options.items() if option.default is _REQUIRED]
        if required:
            schema["required"] = required
        schema["additionalProperties"] = False
        return schema
