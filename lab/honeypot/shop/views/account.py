"""Signing in, with weak passwords, a query that can be injected, and no limit on attempts."""

import sqlite3

from django.shortcuts import redirect, render

from shop import security_log, weak_query
from shop.models import Review, User
from shop.views.query import broken

NAME_CHARACTERS_MAX = 4_000


def login(request):
    """`/login/`: the name goes into the query as it was typed."""
    if request.method != "POST":
        return render(request, "shop/login.html")
    name = request.POST.get("username", "")[:NAME_CHARACTERS_MAX]
    # The password is quoted properly: one weak field is enough.
    password = request.POST.get("password", "")[:NAME_CHARACTERS_MAX].replace("'", "''").replace("\0", "")
    sql = f"SELECT username, is_admin FROM users WHERE username = '{name}' AND password = '{password}'"
    try:
        _, rows = weak_query.run(sql)
    except sqlite3.Error as error:
        return broken(request, error, sql)
    if not rows:
        security_log.record(request, "login_failed", 200, user=name)
        return render(request, "shop/login.html", {"error": "Wrong name or password.", "name": name})
    account = str(rows[0][0])
    request.session["user"] = account
    request.session["is_admin"] = bool(rows[0][1]) if len(rows[0]) > 1 else False
    security_log.record(request, "login_succeeded", 302, user=name, detail=f"signed in as {account}")
    return redirect("/account/")


def logout(request):
    """Forgets who is signed in."""
    request.session.flush()
    return redirect("/")


def account(request):
    """`/account/`: the signed-in customer's data."""
    if "user" not in request.session:
        return redirect("/login/")
    customer = User.objects.filter(username=request.session["user"]).first()
    return render(request, "shop/account.html", {"customer": customer})


def admin(request):
    """`/admin/`: everything, for those who may see it."""
    if "user" not in request.session:
        return redirect("/login/")
    if not request.session.get("is_admin"):
        return render(request, "shop/message.html", {"title": "Not allowed", "text": "This page is for the shop's staff."}, status=403)
    return render(request, "shop/admin.html", {"customers": User.objects.all(), "reviews": Review.objects.count()})
