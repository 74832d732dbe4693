"""Command injection, emulated: `/ping/?host=` puts the host into a command line of the shell that only pretends."""

from django.shortcuts import render

from shop import shell_emulator


def ping(request):
    """Shows what `ping -c 1 HOST` prints."""
    host = request.GET.get("host", "")
    output = shell_emulator.answer(f"ping -c 1 {host}") if host else ""
    return render(request, "shop/ping.html", {"host": host, "output": output})
