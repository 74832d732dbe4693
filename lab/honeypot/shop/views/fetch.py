"""Server-side request forgery, emulated: `/fetch/?url=` shows what `outside` has for an address. Nothing is fetched."""

from django.http import HttpResponse

from shop import file_tree, outside


def fetch(request):
    """Shows the canary for inside addresses, a file of the fake tree for `file:`, and 502 for the rest."""
    url = request.GET.get("url", "")
    try:
        if url.lower().startswith("file:"):
            text = file_tree.read(url[5:].removeprefix("//").removeprefix("localhost")).decode("utf-8", "replace")
        else:
            text = outside.fetch(url)
    except (outside.Refused, file_tree.NoFile) as error:
        answer = HttpResponse(f"fetch failed: {error}\n", status=502, content_type="text/plain")
        answer.reason_for_log = f"fetch refused: {error}"
        return answer
    return HttpResponse(text, content_type="text/plain; charset=utf-8")
