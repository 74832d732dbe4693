"""Path traversal and file inclusion. Both read the fake tree only, see `file_tree`."""

import base64
import binascii
from urllib.parse import unquote

from django.http import HttpResponse
from django.shortcuts import render

from shop import file_tree

FILTER = "php://filter/"


def download(request):
    """`/download/?file=`: a name below the shop's files, with `..` and absolute paths let through."""
    try:
        content = file_tree.read(request.GET.get("file", "catalogue.txt"), file_tree.DOWNLOAD_FOLDER)
    except file_tree.NoFile as error:
        return HttpResponse(f"download failed: {error}\n", status=404, content_type="text/plain")
    return HttpResponse(content, content_type="text/plain; charset=utf-8")


def page(request):
    """`/page/?name=`: a page of the tree, decoded once too often and cut at NUL, as old programs do."""
    name = unquote(request.GET.get("name", "about")).split("\0", 1)[0]
    try:
        content, status = _include(name), 200
    except file_tree.NoFile as error:
        content, status = f"include failed: {error}", 404
    return render(request, "shop/page.html", {"content": content}, status=status)


def _include(name: str) -> str:
    """Gives what would be included: a file, a file through a filter, or data of the address itself."""
    scheme, _, rest = name.partition(":")
    if scheme.lower() == "data":
        head, _, data = rest.removeprefix("//").partition(",")
        try:
            return base64.b64decode(data, validate=False).decode("utf-8", "replace") if "base64" in head else data
        except (binascii.Error, ValueError):
            return ""
    if name.lower().startswith(FILTER):
        head, _, resource = name[len(FILTER):].partition("resource=")
        content = _read(resource)
        return base64.b64encode(content).decode("ascii") if "base64-encode" in head.lower() else content.decode("utf-8", "replace")
    if scheme.lower() == "file":
        return _read(rest.removeprefix("//")).decode("utf-8", "replace")
    if "://" in name:
        raise file_tree.NoFile("remote include is off")
    return _read(name).decode("utf-8", "replace")


def _read(name: str) -> bytes:
    try:
        return file_tree.read(name, file_tree.PAGE_FOLDER)
    except file_tree.NoFile:
        return file_tree.read(f"{name}.html", file_tree.PAGE_FOLDER)
