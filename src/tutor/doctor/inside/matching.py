# mypy: ignore-errors
"""A text that a regular expression matches, put together from its parts."""

try:
    from re import _parser as parser
except ImportError:  # before Python 3.11
    import sre_parse as parser

SIGNS = "a1A-_. "
CATEGORIES = {"CATEGORY_DIGIT": "1", "CATEGORY_WORD": "a", "CATEGORY_SPACE": " "}


def text_for(pattern):
    """A text for a pattern, and what its named groups hold.

    Raises:
        ValueError: it has a part that we cannot write, such as a look ahead.
    """
    parsed = parser.parse(pattern)
    names = {index: name for name, index in parsed.state.groupdict.items()}
    held = {}
    return _joined(parsed, names, held), held


def _joined(parts, names, held):
    return "".join(_one(str(kind), value, names, held) for kind, value in parts)


def _one(kind, value, names, held):
    if kind == "LITERAL":
        return chr(value)
    if kind == "NOT_LITERAL":
        return next(sign for sign in SIGNS if ord(sign) != value)
    if kind == "ANY":
        return "a"
    if kind == "AT":
        return ""
    if kind == "IN":
        return _sign(value)
    if kind == "BRANCH":
        return _joined(value[1][0], names, held)
    if kind == "SUBPATTERN":
        text = _joined(value[-1], names, held)
        if value[0] in names:
            held[names[value[0]]] = text
        return text
    if kind in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        least, most, what = value
        # At least once, so that a group is there: it is left out by nobody's page.
        return _joined(what, names, held) * min(max(least, 1), int(most))
    raise ValueError(kind)


def _sign(allowed):
    """One sign of a class such as ``[A-Z_]``."""
    kinds = [(str(kind), value) for kind, value in allowed]
    if kinds[0][0] == "NEGATE":
        return next(sign for sign in SIGNS if not _is_in(sign, kinds[1:]))
    kind, value = kinds[0]
    if kind == "RANGE":
        return chr(value[0])
    if kind == "CATEGORY":
        found = CATEGORIES.get(str(value))
        return found or next(sign for sign in SIGNS if _is_in(sign, kinds))
    return chr(value)


def _is_in(sign, kinds):
    for kind, value in kinds:
        if kind == "LITERAL" and ord(sign) == value:
            return True
        if kind == "RANGE" and value[0] <= ord(sign) <= value[1]:
            return True
        if kind == "CATEGORY":
            plain, _, no = str(value).replace("NOT_", "!").partition("!")
            name = plain + no
            inside = {
                "CATEGORY_DIGIT": sign.isdigit(),
                "CATEGORY_WORD": sign.isalnum() or sign == "_",
                "CATEGORY_SPACE": sign.isspace(),
            }.get(name, False)
            if inside != bool(no):
                return True
    return False
