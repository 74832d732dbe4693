"""All addresses of the shop. Each line names the weakness that lives there; whatever is not here is a 404."""

from django.urls import path

from shop.views import account, catalogue, command, fetch, files, interface, query, reflected, template, upload

urlpatterns = [
    path("", catalogue.home),
    path("about/", catalogue.about),
    path("robots.txt", catalogue.robots),
    path("static/shop.css", catalogue.stylesheet),
    path("search/", reflected.search),  # reflected cross-site scripting
    path("review/", reflected.review),  # stored cross-site scripting
    path("go/", reflected.go),  # open redirect
    path("product/", query.product),  # SQL injection, number
    path("category/", query.category),  # SQL injection, text
    path("login/", account.login),  # SQL injection, weak passwords
    path("logout/", account.logout),
    path("account/", account.account),
    path("admin/", account.admin),
    path("ping/", command.ping),  # command injection, emulated
    path("download/", files.download),  # path traversal
    path("page/", files.page),  # file inclusion
    path("greet/", template.greet),  # template injection, emulated
    path("fetch/", fetch.fetch),  # server-side request forgery, emulated
    path("upload/", upload.upload),  # unrestricted upload
    path("uploads/<str:name>", upload.uploaded),  # the web shell, emulated
    path("api/products", interface.products),  # query operators from outside
    path("xml/", interface.order),  # XML external entities, emulated
]

handler404 = "shop.views.catalogue.not_found"
handler500 = "shop.views.catalogue.server_error"
