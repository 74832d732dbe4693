"""What happens to every request: whose it is, whether its body is small enough, and a record of what broke."""

from django.conf import settings
from django.http import HttpResponse

from shop import security_log
from shop.client import client_address

# A body may hold one upload and its form. More is refused unread.
BODY_BYTES_MAX = settings.LAB_UPLOAD_BYTES_MAX + 64 * 1024


class ClientAddress:
    """Puts the client's address on the request, as both logs name it."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        request.client_address = client_address(
            request.META.get("REMOTE_ADDR", ""),
            request.META.get("HTTP_X_FORWARDED_FOR", ""),
            settings.LAB_TRUST_FORWARDED,
        )
        return self.get_response(request)


class BodyLimit:
    """Refuses bodies that are too large. A body without a length is never read by Django, so it needs no limit."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdecimal() or int(length) > BODY_BYTES_MAX:
            answer = HttpResponse("the body is too large\n", status=413, content_type="text/plain")
            # The rest of the body is still on its way; the next request must not be read out of it.
            answer["Connection"] = "close"
            return answer
        return self.get_response(request)


class ErrorRecord:
    """Writes each answer of 500 and above into the security log."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        answer = self.get_response(request)
        if answer.status_code >= 500:
            security_log.record(request, "error", answer.status_code, detail=getattr(answer, "reason_for_log", None))
        return answer


def shop_context(request):
    """Gives every template the name of who is signed in."""
    return {"signed_in": request.session.get("user") if hasattr(request, "session") else None}
