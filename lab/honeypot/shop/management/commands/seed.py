"""`manage.py seed`: fills the shop with products, categories, accounts and first reviews, and makes the fake file tree.

Running it again changes nothing that is there. All people, cards and passwords are invented.
"""

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction

from shop import file_tree
from shop.models import Category, Product, Review, User

CATEGORIES = {
    "chairs": "To sit on, at a desk or by the fire",
    "tables": "For breakfast, work and chess",
    "lamps": "Light where it is needed",
    "kitchen": "Pots, cups and sharp things",
    "garden": "For a bench and a patch of green",
    "posters": "Paper for bare walls",
}

# Name, category, price, stock. Some names are words that a careless rule takes for an attack: union, select, script.
PRODUCTS = [
    ("Oak chair", "chairs", "89.00", 12), ("Windsor chair", "chairs", "129.00", 5), ("Folding chair", "chairs", "24.50", 60),
    ("Reading chair, grey", "chairs", "249.00", 3), ("Bar stool & cushion", "chairs", "59.00", 18),
    ("Select beech rocking chair", "chairs", "179.00", 4), ("Children's chair", "chairs", "39.00", 21),
    ("Oak table", "tables", "349.00", 4), ("Side table", "tables", "69.00", 16), ("Desk with drawer", "tables", "219.00", 7),
    ("Drop table, walnut", "tables", "189.00", 6), ("Chess table", "tables", "159.00", 2), ("Trestle pair", "tables", "45.00", 30),
    ("Brass lamp", "lamps", "45.50", 14), ("Desk lamp", "lamps", "32.00", 25), ("Paper lantern", "lamps", "9.90", 80),
    ("Floor lamp, tall", "lamps", "119.00", 6), ("Bicycle lamp", "lamps", "19.00", 40), ("Union workshop lamp", "lamps", "75.00", 8),
    ("Candle, set of 6", "lamps", "7.50", 100), ("Copper pot", "kitchen", "64.00", 9), ("Iron pan, 26 cm", "kitchen", "38.00", 15),
    ("Tea cup", "kitchen", "8.00", 120), ("Teapot & lid", "kitchen", "28.00", 22), ("Bread knife", "kitchen", "22.00", 33),
    ("Wooden spoon", "kitchen", "3.50", 200), ("Salt mill <small>", "kitchen", "17.00", 26), ("Coffee grinder", "kitchen", "49.00", 11),
    ("Garden bench", "garden", "199.00", 3), ("Watering can", "garden", "21.00", 35), ("Spade", "garden", "27.00", 19),
    ("Tulip bulbs, 20", "garden", "6.90", 150), ("Bird house", "garden", "18.50", 24), ("Order of roses, 3 plants", "garden", "24.00", 17),
    ("Union Jack flag", "posters", "12.00", 44), ("Map of the moon", "posters", "15.00", 28), ("Script font poster", "posters", "14.00", 20),
    ("Where the wild birds are", "posters", "16.00", 13), ("Insert here: blank frame", "posters", "11.00", 50),
    ("Table of elements", "posters", "13.00", 31),
]

# The weak account of the contract comes first: a query that returns every row signs in as it.
USERS = [
    ("admin", "admin123", "admin@lab-shop.example", True), ("alice", "sunshine", "alice@lab-shop.example", False),
    ("bob", "letmein", "bob@lab-shop.example", False), ("carol", "qwerty", "carol@lab-shop.example", False),
    ("dave", "password1", "dave@lab-shop.example", False), ("erin", "dragon", "erin@lab-shop.example", False),
    ("frank", "football", "frank@lab-shop.example", False), ("grace", "hopper1906", "grace@lab-shop.example", False),
    ("support", "support", "support@lab-shop.example", True), ("test", "test", "test@lab-shop.example", False),
]

REVIEWS = [
    ("Oak chair", "alice", "Sturdy, and it arrived early. I would select it again."),
    ("Brass lamp", "bob", "Warm light. The switch is a little stiff & loud."),
    ("Union Jack flag", "carol", "Bright colours; where else would you find one this big?"),
]


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args, **options):
        settings.LAB_DATA.mkdir(parents=True, exist_ok=True)
        (settings.LAB_DATA / "uploads").mkdir(exist_ok=True)
        file_tree.build(settings.LAB_DATA)
        if Product.objects.exists():
            self.stdout.write("the shop has its goods already")
            return
        with transaction.atomic():
            Category.objects.bulk_create(Category(name=name, description=text) for name, text in CATEGORIES.items())
            Product.objects.bulk_create(
                Product(name=name, category=category, price=price, stock=stock, description=describe(name, category))
                for name, category, price, stock in PRODUCTS
            )
            User.objects.bulk_create(
                User(username=name, password=password, email=email, is_admin=is_admin, card=f"4000 0000 0000 {number:04}")
                for number, (name, password, email, is_admin) in enumerate(USERS)
            )
            for product, author, text in REVIEWS:
                Review.objects.create(product=product, author=author, text=text)
        self.stdout.write(f"{len(PRODUCTS)} products, {len(CATEGORIES)} categories, {len(USERS)} accounts")


def describe(name: str, category: str) -> str:
    """Gives a product's text, of its name and its category's."""
    return f"{name}. {CATEGORIES[category]}. Made to last, tried in our own laboratory."
