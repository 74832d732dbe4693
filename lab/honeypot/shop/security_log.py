"""The shop's own log of what matters for security: one JSON object a line, in `security.log`.

A line is appended with a single write, so that lines of several threads never mix, and it has a largest size, because what
it quotes was written by strangers.
"""

import json
import os
from datetime import datetime, timezone

from django.conf import settings

APP = "quell-lab-shop"

# Wazuh's collector takes 65 kB a line, and alerts quote it twice. 500 characters of a path or a name tell enough.
FIELD_CHARACTERS_MAX = 500


def record(request, event: str, status: int, user: str | None = None, detail: str | None = None) -> None:
    """Appends one line. `event` is login_failed, login_succeeded, upload, error or review."""
    line = {
        "time": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
        "app": APP,
        "event": event,
        "srcip": request.client_address,
        "path": request.get_full_path()[:FIELD_CHARACTERS_MAX],
        "status": status,
        "user_agent": request.headers.get("User-Agent", "")[:FIELD_CHARACTERS_MAX],
    }
    if user is not None:
        line["user"] = user[:FIELD_CHARACTERS_MAX]
    if detail is not None:
        line["detail"] = detail[:FIELD_CHARACTERS_MAX]
    # ASCII escapes keep one event one line, whatever line ends a stranger thinks of.
    text = json.dumps(line, ensure_ascii=True) + "\n"
    handle = os.open(settings.LAB_DATA / "security.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(handle, text.encode("ascii"))
    finally:
        os.close(handle)
