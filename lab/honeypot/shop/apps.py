"""The application's name for Django."""

from django.apps import AppConfig


class ShopConfig(AppConfig):
    name = "shop"
