"""The shop's tables. Their names are short and plain, since attackers read them: `users`, `products`, `categories`, `reviews`.

Passwords are stored as they were typed. That is one of the weaknesses.
"""

from django.db import models


class Category(models.Model):
    name = models.CharField(max_length=60, unique=True)
    description = models.CharField(max_length=200)

    class Meta:
        db_table = "categories"


class Product(models.Model):
    name = models.CharField(max_length=80)
    category = models.CharField(max_length=60)
    description = models.CharField(max_length=300)
    price = models.DecimalField(max_digits=8, decimal_places=2)
    stock = models.IntegerField()

    class Meta:
        db_table = "products"


class User(models.Model):
    username = models.CharField(max_length=40, unique=True)
    password = models.CharField(max_length=40)
    email = models.CharField(max_length=80)
    is_admin = models.BooleanField(default=False)
    card = models.CharField(max_length=25)

    class Meta:
        db_table = "users"


class Review(models.Model):
    product = models.CharField(max_length=80)
    author = models.CharField(max_length=40)
    text = models.CharField(max_length=2000)
    written_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "reviews"
