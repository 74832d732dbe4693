"""Template injection, emulated: `/greet/?name=` evaluates `{{ }}` in the name, see `template_evaluator`."""

from django.shortcuts import render

from shop import template_evaluator


def greet(request):
    """Greets, with the name as part of the template."""
    name = request.GET.get("name", "visitor")
    try:
        greeting = template_evaluator.render(f"Hello {name}!")
    except template_evaluator.Refused as error:
        answer = render(request, "shop/message.html", {"title": "Template error", "text": str(error)}, status=500)
        answer.reason_for_log = str(error)
        return answer
    return render(request, "shop/greet.html", {"greeting": greeting})
