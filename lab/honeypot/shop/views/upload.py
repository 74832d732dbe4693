"""Unrestricted upload, and the web shell that follows from it. A file is stored and shown, never run.

Where its name looks like a program of a web server, `?cmd=` is answered by the emulated shell: to an attacker the upload
seems to have worked.
"""

import os
import re

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import render

from shop import security_log, shell_emulator

NAME_CHARACTERS_MAX = 100
PROGRAM_ENDINGS = (".php", ".php5", ".phtml", ".phar", ".py", ".jsp", ".jspx", ".asp", ".aspx", ".cgi", ".pl")


def upload(request):
    """`/upload/`: keeps any file, up to a size."""
    if request.method != "POST":
        return render(request, "shop/upload.html")
    given = request.FILES.get("file")
    if given is None:
        return render(request, "shop/upload.html", {"message": "No file was sent."}, status=400)
    name = safe_name(given.name)
    if given.size > settings.LAB_UPLOAD_BYTES_MAX:
        security_log.record(request, "upload", 413, detail=f"refused, too large: {name}")
        return render(request, "shop/upload.html", {"message": "The file is too large."}, status=413)
    folder = settings.LAB_DATA / "uploads"
    _make_room(folder, name)
    # A new file each time: an old one is unlinked, so that nothing that lies under its name is written through.
    (folder / name).unlink(missing_ok=True)
    handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    with os.fdopen(handle, "wb") as file:
        file.write(given.read(settings.LAB_UPLOAD_BYTES_MAX))
    security_log.record(request, "upload", 200, user=request.session.get("user"), detail=name)
    return render(request, "shop/upload.html", {"message": f"Stored as /uploads/{name}", "link": f"/uploads/{name}"})


def uploaded(request, name: str):
    """`/uploads/NAME`: the file as text, or the emulated shell's answer."""
    path = settings.LAB_DATA / "uploads" / safe_name(name)
    if safe_name(name) != name or path.is_symlink() or not path.is_file():
        raise Http404
    command = request.GET.get("cmd") or request.POST.get("cmd")
    if command and name.lower().endswith(PROGRAM_ENDINGS):
        return HttpResponse(shell_emulator.answer(command), content_type="text/plain; charset=utf-8")
    return HttpResponse(path.read_bytes(), content_type="text/plain; charset=utf-8")


def safe_name(name: str) -> str:
    """Keeps the last part of a name, and of it letters, digits, dot, dash and underscore."""
    last = re.split(r"[/\\]", name)[-1]
    return re.sub(r"[^A-Za-z0-9._-]", "_", last).lstrip(".")[-NAME_CHARACTERS_MAX:] or "file"


def _make_room(folder, name: str) -> None:
    """Deletes the oldest files, so that a new one stays within the limit."""
    files = sorted((path for path in folder.iterdir() if path.name != name), key=lambda path: path.lstat().st_mtime)
    for path in files[: max(0, len(files) - settings.LAB_UPLOADS_MAX + 1)]:
        path.unlink(missing_ok=True)
