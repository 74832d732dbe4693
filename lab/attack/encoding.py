"""How attackers write one thing in many ways. Each function gives text that may stand in a query as it is."""

from urllib.parse import quote, quote_plus


def percent(text: str) -> str:
    """Everything but letters, digits and `_.-~` as `%XX`: what most tools send."""
    return quote(text, safe="")


def plus(text: str) -> str:
    """As a browser's form sends it: blanks as `+`."""
    return quote_plus(text)


def twice(text: str) -> str:
    """Percent-encoded twice, for a server behind another that decodes too."""
    return percent(percent(text))


def all_of_it(text: str) -> str:
    """Every character as `%xx`, letters too, in small letters."""
    return "".join(f"%{byte:02x}" for byte in text.encode())


def loose(text: str) -> str:
    """Only what would break the request line is encoded; quotes, brackets and the rest go out raw."""
    return "".join(f"%{ord(character):02X}" if character in ' #&%+\n\r\t"' else character for character in text)


def mixed_case(text: str) -> str:
    """Every other letter large."""
    return "".join(character.upper() if index % 2 else character.lower() for index, character in enumerate(text))


def commented(text: str) -> str:
    """SQL comments instead of blanks."""
    return text.replace(" ", "/**/")


def unicode_escaped(text: str) -> str:
    """Non-letters as `\\u00XX`, which some decoders further in understand."""
    return "".join(character if character.isalnum() else f"%5Cu{ord(character):04x}" for character in text)
