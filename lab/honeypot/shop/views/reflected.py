"""Text of strangers that comes back unescaped: search and reviews (cross-site scripting), and the redirect to anywhere."""

from django.http import HttpResponse
from django.shortcuts import redirect, render

from shop import security_log
from shop.models import Product, Review

# A review is a paragraph. The table keeps this many, so that a scanner can't fill the disk.
REVIEW_CHARACTERS_MAX = 2_000
REVIEWS_MAX = 500
REVIEWS_SHOWN = 50


def search(request):
    """`/search/?q=`: reflected cross-site scripting. The search itself is done properly."""
    wanted = request.GET.get("q", "")
    products = Product.objects.filter(name__icontains=wanted[:100].replace("\0", "")) if wanted else []
    return render(request, "shop/search.html", {"wanted": wanted, "products": products})


def review(request):
    """`/review/`: stored cross-site scripting. What is posted is shown to everyone as it is."""
    if request.method == "POST":
        text = request.POST.get("text", "")[:REVIEW_CHARACTERS_MAX].replace("\0", "")
        product = request.POST.get("product", "")[:80].replace("\0", "")
        if not text:
            return render(request, "shop/message.html", {"title": "No text", "text": "Please write something."}, status=400)
        Review.objects.create(product=product, author=request.session.get("user", "guest"), text=text)
        newest = list(Review.objects.order_by("-id").values_list("id", flat=True)[:REVIEWS_MAX])
        Review.objects.filter(id__lt=newest[-1]).delete()
        security_log.record(request, "review", 302, user=request.session.get("user"), detail=text)
        return redirect("/review/")
    reviews = Review.objects.order_by("-id")[:REVIEWS_SHOWN]
    return render(request, "shop/review.html", {"reviews": reviews})


def go(request):
    """`/go/?next=`: open redirect. Django would check the scheme, so the answer is made by hand."""
    target = request.GET.get("next", "/")
    if any(ord(character) < 32 for character in target):
        return HttpResponse("bad target\n", status=400, content_type="text/plain")
    answer = HttpResponse(status=302)
    answer["Location"] = target
    return answer
