"""SQL injection: two pages that glue what they were given into a query, one as a number, one as a text.

SQLite's error goes to the page, as a careless developer leaves it there.
"""

import sqlite3

from django.shortcuts import render

from shop import weak_query


def product(request):
    """`/product/?id=`: a number, without quotes around it."""
    wanted = request.GET.get("id", "1")
    sql = f"SELECT id, name, description, price, stock FROM products WHERE id = {wanted}"
    return _answer(request, sql, "Product")


def category(request):
    """`/category/?name=`: a text between quotes."""
    wanted = request.GET.get("name", "chairs")
    sql = f"SELECT id, name, description, price, stock FROM products WHERE category = '{wanted}' ORDER BY name"
    return _answer(request, sql, "Category")


def broken(request, error: sqlite3.Error, sql: str):
    """The page for a query that SQLite refused, with its words as a traceback has them."""
    reason = f"sqlite3.{type(error).__name__}: {error}"
    answer = render(request, "shop/broken_query.html", {"error": reason, "sql": sql}, status=500)
    answer.reason_for_log = reason
    return answer


def _answer(request, sql: str, title: str):
    try:
        columns, rows = weak_query.run(sql)
    except sqlite3.Error as error:
        return broken(request, error, sql)
    if not rows:
        return render(request, "shop/message.html", {"title": title, "text": "Nothing of this kind is on our shelves."}, status=404)
    # Whatever the query gave is shown, in the order of the columns.
    names = ("id", "name", "description", "price", "stock")
    shown = [dict(zip(names, (_shown(name, value) for name, value in zip(names, row)))) for row in rows]
    return render(request, "shop/rows.html", {"title": title, "rows": shown})


def _shown(name: str, value):
    """Writes a price as a price, and leaves everything else as it came."""
    return f"{value:.2f}" if name == "price" and isinstance(value, float) else value
