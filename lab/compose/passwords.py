#!/usr/bin/env python3
"""Makes the password of the compose lab: one word of its own for each lab, so that none is known from this repository.

    python3 compose/passwords.py [--new]

Writes `.env` beside compose.yaml, from which `docker compose` takes the word, and into `compose/secret` the two files in which it must
stand otherwise: the indexer's users (as a hash) and the dashboard's way to the manager's API. Where they are there already it changes
nothing: indexer and manager keep the first word that they start with. `--new` makes others all the same; `docker compose down -v`
before that, or nobody knows anybody. Exit codes: 0 done, 3 this machine can't make the hash.
"""

import argparse
import ctypes
import ctypes.util
import os
import secrets
import string
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent

# Wazuh's API wants small and capital letters, digits and a sign, 8 to 64 in all. A hyphen passes through shells, YAML and sed as it is.
ALPHABET = string.ascii_letters + string.digits
LETTERS = 24

# bcrypt's cost as powers of two: a quarter of a second, once.
COST = 12

# bcrypt has letters of its own for base 64. 22 hold the 16 bytes of a salt; the last one has bits to spare, which `.` leaves at nought.
SALT_ALPHABET = "./" + string.ascii_uppercase + string.ascii_lowercase + string.digits

TEMPLATES = ("internal_users.yml", "wazuh.yml")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--new", action="store_true", help="make another password in place of the one that is there")
    parser.add_argument("--lab", type=Path, default=HERE.parent, help=argparse.SUPPRESS)
    options = parser.parse_args()
    env = options.lab / ".env"
    folder = options.lab / "compose" / "secret"
    there = [path for path in (env, *(folder / name for name in TEMPLATES)) if path.exists()]
    if len(there) == 1 + len(TEMPLATES) and not options.new:
        print(f"there is a password already, in {env}; --new makes another")
        return 0
    word = password()
    try:
        hashed = bcrypt_hash(word)
    except OSError as error:
        print(f"passwords: {error}\nhint: install the Python package `bcrypt`, or run this on a Linux machine", file=sys.stderr)
        return 3
    # Whoever may not look into the folder can't open what lies in it, but containers, which get file by file, can, whatever user they run as.
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in TEMPLATES:
        text = (HERE / name).read_text(encoding="utf-8")
        filled = text.partition("\n\n")[2].replace("@PASSWORD@", word).replace("@HASH@", hashed)
        write(folder / name, f"# Written by compose/passwords.py from compose/{name}, which says why.\n{filled}", 0o644)
    # Last: while it is missing compose.yaml refuses to start, so nothing starts with half of it.
    write(env, f"LAB_PASSWORD={word}\n", 0o600)
    print(f"user admin, password {word} (kept in {env})")
    return 0


def password() -> str:
    """Gives a word with all that Wazuh's API asks for."""
    while True:
        letters = "".join(secrets.choice(ALPHABET) for _ in range(LETTERS))
        if all(any(kind(letter) for letter in letters) for kind in (str.islower, str.isupper, str.isdigit)):
            return f"{letters[:8]}-{letters[8:]}"


def bcrypt_hash(word: str) -> str:
    """Hashes as the indexer reads it, with a salt of its own. Raises OSError where this machine can't."""
    salt = "".join(secrets.choice(SALT_ALPHABET) for _ in range(21)) + "."
    return hash_with(word, f"$2b${COST}${salt}")


def hash_with(word: str, setting: str) -> str:
    """Hashes with the system's own library, or the package `bcrypt`. Raises OSError where neither can."""
    name = ctypes.util.find_library("crypt")
    if name is not None:
        library = ctypes.CDLL(name)
        library.crypt.restype = ctypes.c_char_p
        library.crypt.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
        hashed = library.crypt(word.encode(), setting.encode())
        # A library that doesn't know the method answers with nothing or with `*0`.
        if hashed and hashed.startswith(b"$2b$"):
            return hashed.decode()
    try:
        import bcrypt
    except ImportError:
        raise OSError("neither the system's library nor a package can make a bcrypt hash") from None
    return bcrypt.hashpw(word.encode(), setting.encode()).decode()


def write(path: Path, text: str, mode: int) -> None:
    """Writes a file that is there with its mode, or not at all."""
    beside = path.with_name(f"{path.name}.new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)
    beside.replace(path)


if __name__ == "__main__":
    sys.exit(main())
