"""The pages without a weakness: home, about, style sheet, and what is shown for errors."""

from pathlib import Path

from django.http import HttpResponse
from django.shortcuts import render

from shop.models import Category, Product

STYLESHEET = (Path(__file__).parent.parent / "static" / "shop.css").read_text(encoding="utf-8")


def home(request):
    """All products, with links to the pages that are weak."""
    return render(request, "shop/home.html", {"products": Product.objects.order_by("id"), "categories": Category.objects.all()})


def about(request):
    """What this is."""
    return render(request, "shop/about.html")


def robots(request):
    """Tells robots, and attackers, where not to look."""
    return HttpResponse("User-agent: *\nDisallow: /admin/\nDisallow: /uploads/\n", content_type="text/plain")


def stylesheet(request):
    """The only style sheet."""
    return HttpResponse(STYLESHEET, content_type="text/css; charset=utf-8")


def not_found(request, exception=None):
    """The page for addresses that are not there."""
    return render(request, "shop/message.html", {"title": "Not found", "text": "There is no such page."}, status=404)


def server_error(request):
    """The page for what broke. It asks for nothing that could break again."""
    return HttpResponse("<h1>Internal server error</h1>", status=500)
