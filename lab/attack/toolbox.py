"""Where the real tools are: Debian's in the path, PyPI's in private folders that `tools.sh` makes."""

import os
import shutil

# One folder for each Python tool: their requirements contradict each other.
PRIVATE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".venv-attack")


def find(tool: str) -> str | None:
    """Gives the path of a tool's program, or nothing where it isn't installed."""
    private = os.path.join(PRIVATE, tool, "bin", tool)
    if os.access(private, os.X_OK):
        return os.path.abspath(private)
    return shutil.which(tool)


def word_list(name: str) -> list[str]:
    """Gives the words of one of dirb's own lists."""
    for folder in ("/usr/share/dirb/wordlists", "/usr/share/wordlists/dirb"):
        path = os.path.join(folder, name)
        if os.path.exists(path):
            with open(path, encoding="latin-1") as file:
                return [word for word in file.read().splitlines() if word and not word.startswith("#")]
    return []
