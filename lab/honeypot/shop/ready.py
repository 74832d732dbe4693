"""Says that the shop answers: on standard output for a person, in a file for a program that waits."""

import os
from pathlib import Path


def announce(port: int | None = None) -> None:
    """Prints the address and writes the file that `LAB_READY_FILE` names, in one step, so that nobody reads half of it."""
    address = os.environ.get("LAB_ADDRESS", "")
    if port is not None:
        address = address.replace("PORT", str(port))
    print(f"the lab shop answers at {address}/ (vulnerable on purpose)", flush=True)
    target = os.environ.get("LAB_READY_FILE")
    if target:
        draft = Path(f"{target}.new")
        draft.write_text(address + "\n", encoding="ascii")
        draft.replace(target)
