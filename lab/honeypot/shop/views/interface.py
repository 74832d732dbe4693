"""The shop's interface for programs: products with operators in the filter (as document databases take them), and orders as
XML with external entities. Both are emulated: no such database and no XML parser runs here.
"""

import json
import re

from django.http import HttpResponse, JsonResponse

from shop import file_tree, outside
from shop.models import Product

# An order with its entities has some kilobytes.
XML_BYTES_MAX = 16 * 1024

# Entities of one document, and the text that they may become: a document that grows without end stops here.
ENTITIES_MAX = 20
XML_TEXT_MAX = 16_000

ENTITY = re.compile(r"<!ENTITY\s+(?:%\s+)?([\w.-]{1,64})\s+(?:(?:SYSTEM|PUBLIC\s+[\"'][^\"']*[\"'])\s+)?[\"']([^\"']*)[\"']\s*>")
EXTERNAL = re.compile(r"<!ENTITY\s+(?:%\s+)?[\w.-]{1,64}\s+(?:SYSTEM|PUBLIC)\b")
DOCTYPE = re.compile(r"<!DOCTYPE\b[^\[>]*(?:\[.*?\]\s*)?>", re.DOTALL)
TAG = re.compile(r"<[^>]*>")


def products(request):
    """`/api/products?filter=`: a word, or a JSON object whose operators are believed."""
    wanted = request.GET.get("filter", "")
    everything = [
        {"id": item.id, "name": item.name, "category": item.category, "price": float(item.price), "stock": item.stock}
        for item in Product.objects.order_by("id")
    ]
    try:
        condition = json.loads(wanted[:4_000]) if wanted.startswith("{") else None
    except (ValueError, RecursionError) as error:
        return JsonResponse({"error": f"bad filter: {error}"}, status=400)
    if isinstance(condition, dict):
        found = [item for item in everything if _fits(item, condition)]
    else:
        found = [item for item in everything if wanted.lower() in f"{item['name']} {item['category']}".lower()]
    return JsonResponse({"count": len(found), "products": found})


def _fits(item: dict, condition: dict) -> bool:
    """Tells whether a product fits. `$where` holds code: it is not run, and always true."""
    for name, wanted in condition.items():
        value = item.get(name)
        if name.startswith("$"):
            continue
        if not isinstance(wanted, dict):
            if value != wanted:
                return False
            continue
        for operator, operand in wanted.items():
            comparable = isinstance(operand, int | float) and isinstance(value, int | float)
            if operator == "$ne" and value == operand:
                return False
            if operator == "$gt" and comparable and not value > operand:
                return False
            if operator == "$lt" and comparable and not value < operand:
                return False
    return True


def order(request):
    """`/xml/`: takes an order, and puts what its entities name into the answer."""
    if request.method != "POST":
        return HttpResponse("<error>POST an order</error>\n", status=405, content_type="application/xml")
    text = request.body[:XML_BYTES_MAX].decode("utf-8", "replace")
    try:
        text = _expand(text)
    except (file_tree.NoFile, outside.Refused) as error:
        answer = HttpResponse(f"<error>failed to load external entity: {error}</error>\n", status=500, content_type="application/xml")
        answer.reason_for_log = f"external entity: {error}"
        return answer
    words = " ".join(TAG.sub(" ", text).split())
    return HttpResponse(f"<order><status>received</status><text>{words}</text></order>\n", content_type="application/xml")


def _expand(text: str) -> str:
    """Replaces `&name;` by what the document declares, once: entities inside entities stay as they are."""
    values = {}
    for match in list(ENTITY.finditer(text))[:ENTITIES_MAX]:
        name, value = match.groups()
        values[name] = _load(value) if EXTERNAL.match(match.group()) else value
    body = DOCTYPE.sub("", text)
    expanded = re.sub(r"&([\w.-]{1,64});", lambda found: values.get(found.group(1), found.group()), body)
    return expanded[:XML_TEXT_MAX]


def _load(address: str) -> str:
    """Gives what an external entity names: a file of the fake tree, or the canary."""
    if address.lower().startswith(("http:", "https:")):
        return outside.fetch(address)
    path = re.sub(r"^file:(//)?", "", address, flags=re.IGNORECASE)
    return file_tree.read(path).decode("utf-8", "replace")
