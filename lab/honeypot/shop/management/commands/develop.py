"""`manage.py develop`: Django's development server, which says when it listens. Its log lines are its own."""

from django.core.management.commands.runserver import Command as RunServer

from shop.ready import announce


class Command(RunServer):
    help = __doc__

    def check_migrations(self):
        """Nothing: `lab/run.py` has just migrated, and the warning would go into the access log."""

    def on_bind(self, server_port):
        announce(server_port)
