"""Answers template injection without ever running a template that a stranger wrote.

What stands in `{{ }}` is read with Python's parser and walked here: numbers, texts, lists and arithmetic are computed within
limits, so `{{7*7}}` is 49. Names and attribute chains, by which an attacker climbs to the interpreter, get answers that look
right. A chain that ends in a call for a command gets what the emulated shell prints. There is no `eval`, and no attribute of
any Python object is ever looked up.
"""

import ast
import re

from shop import file_tree, shell_emulator

# An expression that climbs to a command has 200 characters.
EXPRESSION_CHARACTERS_MAX = 600

# Expressions in one text.
EXPRESSIONS_MAX = 20

# The longest text and the largest number that arithmetic may make.
TEXT_CHARACTERS_MAX = 1_000
NUMBER_MAX = 10**18

EXPRESSION = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
STATEMENT = re.compile(r"\{%.*?%\}|\{#.*?#\}", re.DOTALL)

# Calls that run a command, and calls that read a file, by the last name before the parenthesis.
COMMAND_CALLS = {"popen", "system", "check_output", "getoutput", "Popen", "run", "call"}
FILE_CALLS = {"open", "file", "FileLoader", "get_data"}

CANNED_NAMES = {
    "config": "<Config {'ENV': 'production', 'DEBUG': False, 'SECRET_KEY': 'lab-canary', 'DATABASE_URI': 'sqlite:///shop.sqlite3'}>",
    "settings": "<LazySettings 'shop.settings'>",
    "self": "<TemplateReference None>",
    "request": "<Request 'http://lab-shop/greet/' [GET]>",
    "session": "<SecureCookieSession {}>",
    "cycler": "<class 'jinja2.utils.Cycler'>",
    "joiner": "<class 'jinja2.utils.Joiner'>",
    "namespace": "<class 'jinja2.utils.Namespace'>",
    "lipsum": "<function generate_lorem_ipsum>",
    "url_for": "<function url_for>",
    "get_flashed_messages": "<function get_flashed_messages>",
    "range": "<class 'range'>",
    "dict": "<class 'dict'>",
    "g": "<flask.g of 'shop'>",
}

CANNED_ATTRIBUTES = {
    "__class__": "<class 'str'>",
    "__base__": "<class 'object'>",
    "__bases__": "(<class 'object'>,)",
    "__mro__": "(<class 'str'>, <class 'object'>)",
    "__subclasses__": "[<class 'type'>, <class 'int'>, <class 'os._wrap_close'>, <class 'subprocess.Popen'>]",
    "__globals__": "{'__name__': 'jinja2.utils', 'os': <module 'os'>}",
    "__builtins__": "{'__name__': 'builtins', '__import__': <built-in function __import__>}",
    "__init__": "<slot wrapper '__init__'>",
    "__dict__": "{}",
    "SECRET_KEY": "lab-canary",
    "items": "dict_items([('DEBUG', False), ('SECRET_KEY', 'lab-canary')])",
    "environ": "{'HOME': '/home/shop', 'SHOP_KEY': 'lab-canary'}",
}


class Refused(Exception):
    """The expression is none that is answered; the text is a template engine's error."""


def render(text: str) -> str:
    """Fills in every `{{ }}` of a text. Raises `Refused` as an engine raises a syntax error."""
    count = 0

    def one(match: re.Match) -> str:
        nonlocal count
        count += 1
        return evaluate(match.group(1)) if count <= EXPRESSIONS_MAX else ""

    return EXPRESSION.sub(one, STATEMENT.sub("", text))


def evaluate(expression: str) -> str:
    """Gives what the engine would print for one expression."""
    source = expression.strip()
    if not source or len(source) > EXPRESSION_CHARACTERS_MAX:
        raise Refused("TemplateSyntaxError: expected an expression")
    try:
        tree = ast.parse(source, mode="eval")
        value = _value(tree.body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise Refused(f"TemplateSyntaxError: unexpected token in '{source[:100]}'") from None
    except (TypeError, ZeroDivisionError, OverflowError) as error:
        raise Refused(f"{type(error).__name__}: {error}") from None
    return str(value)


def _value(node: ast.expr):
    """Computes numbers, texts and lists; everything else is a chain."""
    match node:
        case ast.Constant(value=int() | float() | str() | bool() | None as value):
            return value[:TEXT_CHARACTERS_MAX] if isinstance(value, str) else value
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return [_value(element) for element in elements]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_number(_value(operand))
        case ast.BinOp(left=left, op=operator, right=right) if not isinstance(operator, ast.BitOr):
            return _arithmetic(_value(left), operator, _value(right))
        case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]):
            return _value(left) == _value(right)
        case ast.Name() | ast.Attribute() | ast.Subscript() | ast.Call() | ast.BinOp():
            return _chain(node)
    raise Refused("TemplateSyntaxError: this expression is not supported")


def _arithmetic(left, operator: ast.operator, right):
    """Computes one operation. Sizes are checked before, never after."""
    if isinstance(operator, ast.Mult) and (isinstance(left, str) or isinstance(right, str)):
        text, times = (left, right) if isinstance(left, str) else (right, left)
        if not isinstance(times, int) or len(text) * max(0, times) > TEXT_CHARACTERS_MAX:
            raise Refused("OverflowError: the text is too long")
        return text * times
    if isinstance(operator, ast.Add) and isinstance(left, str) and isinstance(right, str):
        return (left + right)[:TEXT_CHARACTERS_MAX]
    left, right = _number(left), _number(right)
    match operator:
        case ast.Add():
            return _number(left + right)
        case ast.Sub():
            return _number(left - right)
        case ast.Mult():
            return _number(left * right)
        case ast.Div():
            return _number(left / right)
        case ast.FloorDiv():
            return _number(left // right)
        case ast.Mod():
            return _number(left % right)
        case ast.Pow() if abs(left) <= 1_000 and 0 <= right <= 6:
            return _number(left**right)
    raise Refused("OverflowError: the number is too large")


def _number(value):
    if not isinstance(value, int | float):
        raise Refused(f"TypeError: unsupported operand type: '{type(value).__name__}'")
    if abs(value) > NUMBER_MAX:
        raise Refused("OverflowError: the number is too large")
    return value


def _chain(node: ast.expr) -> str:
    """Answers names, attributes, filters, subscripts and calls."""
    called = _called_with_text(node)
    for name, argument in called:
        if name in COMMAND_CALLS:
            return shell_emulator.answer(argument)
        if name in FILE_CALLS:
            try:
                return file_tree.read(argument).decode("utf-8", "replace")
            except file_tree.NoFile as error:
                raise Refused(f"FileNotFoundError: {error}: '{argument[:100]}'") from None
    if isinstance(node, ast.Name):
        return CANNED_NAMES.get(node.id, "")
    # The last attribute that is known decides how the answer looks.
    last = ""
    for name in _names(node):
        last = CANNED_ATTRIBUTES.get(name, last)
    return last


def _called_with_text(node: ast.expr) -> list[tuple[str, str]]:
    """Gives the name and the first text argument of each call."""
    found = []
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call) and inner.args and isinstance(inner.args[0], ast.Constant):
            name, argument = "", inner.args[0].value
            if isinstance(inner.func, ast.Attribute):
                name = inner.func.attr
            elif isinstance(inner.func, ast.Name):
                name = inner.func.id
            elif isinstance(inner.func, ast.Subscript) and isinstance(inner.func.slice, ast.Constant):
                name = str(inner.func.slice.value)
            if isinstance(argument, str):
                found.append((name, argument))
    return found


def _names(node: ast.expr) -> list[str]:
    """Gives the attributes of a chain from the inside out, those that are given as text included."""
    names = []
    while True:
        match node:
            case ast.Attribute(value=value, attr=name):
                names.append(name)
                node = value
            case ast.Subscript(value=value, slice=ast.Constant(value=str() as name)):
                names.append(name)
                node = value
            case ast.Subscript(value=value):
                node = value
            case ast.Call(func=ast.Name(id="attr"), args=[ast.Constant(value=str() as name)]):
                names.append(name)
                break
            case ast.Call(func=function):
                node = function
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                names += _names(right)
                node = left
            case _:
                break
    return names[::-1]
