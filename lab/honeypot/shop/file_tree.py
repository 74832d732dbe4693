"""The fake file tree: what an attacker who climbs out of the shop's folder gets to see.

It lies in `LAB_DATA/root`. Paths are resolved as text, so `..` can't leave it, and each part of a path is opened beneath the
one before without following links, so that even a link planted there leads nowhere. Nothing in it is real: the accounts,
keys and passwords were made up for this file.
"""

import errno
import os
import stat
from pathlib import Path

from django.conf import settings

# Where the shop's downloads lie in the tree, and where the emulated shell stands.
DOWNLOAD_FOLDER = "/srv/shop/files"
PAGE_FOLDER = "/srv/shop/pages"
HOME_FOLDER = "/srv/shop"

# The largest file of the tree has 4 kB; a bigger one was not made here.
FILE_BYTES_MAX = 256 * 1024

# Deeper than any path that Linux takes (4,096 bytes) makes sense.
PATH_PARTS_MAX = 512

# Names that a command may list or match at once. The tree has 90.
ENTRIES_MAX = 500

# Files that the shop's user may not read, as on a real machine.
UNREADABLE = {"/etc/shadow", "/etc/sudoers"}

PASSWD = """\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
bin:x:2:2:bin:/bin:/usr/sbin/nologin
sys:x:3:3:sys:/dev:/usr/sbin/nologin
mail:x:8:8:mail:/var/mail:/usr/sbin/nologin
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
sshd:x:101:65534::/run/sshd:/usr/sbin/nologin
shop:x:1000:1000:Lab shop,,,:/home/shop:/bin/bash
backup-canary:x:1001:1001:not a real account:/home/backup:/bin/sh
"""

FILES = {
    "/etc/passwd": PASSWD,
    "/etc/shadow": "root:!:20000:0:99999:7:::\nshop:$6$lab$notarealhash:20000:0:99999:7:::\n",
    "/etc/sudoers": "root ALL=(ALL:ALL) ALL\n",
    "/etc/group": "root:x:0:\ndaemon:x:1:\nwww-data:x:33:\nshop:x:1000:\n",
    "/etc/hostname": "lab-shop\n",
    "/etc/hosts": "127.0.0.1\tlocalhost\n127.0.1.1\tlab-shop\n192.0.2.10\tlab-shop.example\n",
    "/etc/issue": "Debian GNU/Linux 12 \\n \\l\n",
    "/etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n',
    "/etc/debian_version": "12.9\n",
    "/etc/resolv.conf": "nameserver 192.0.2.53\n",
    "/etc/services": "ssh\t\t22/tcp\nhttp\t\t80/tcp\nhttps\t\t443/tcp\n",
    "/etc/crontab": "SHELL=/bin/sh\n17 *\t* * *\troot\trun-parts --report /etc/cron.hourly\n",
    "/etc/nginx/nginx.conf": "user www-data;\nhttp {\n  access_log /var/log/nginx/access.log;\n  include sites-enabled/*;\n}\n",
    "/etc/apache2/apache2.conf": "ServerRoot /etc/apache2\nErrorLog /var/log/apache2/error.log\n",
    "/etc/ssh/sshd_config": "Port 22\nPermitRootLogin no\nPasswordAuthentication yes\n",
    "/etc/mysql/my.cnf": "[client]\nuser = shop\npassword = lab-not-a-secret\n",
    "/home/shop/.bash_history": "ls\ncd /srv/shop\npython3 manage.py migrate\nexit\n",
    "/home/shop/.ssh/id_rsa": "-----BEGIN LAB KEY-----\nthis is no key, it is bait\n-----END LAB KEY-----\n",
    "/home/shop/.ssh/authorized_keys": "ssh-ed25519 bait shop@lab-shop\n",
    "/home/shop/.aws/credentials": "[default]\naws_access_key_id = LABCANARYNOTAKEY\naws_secret_access_key = lab-canary\n",
    "/proc/version": "Linux version 6.1.0-lab-amd64 (lab@example) #1 SMP PREEMPT_DYNAMIC\n",
    "/proc/cpuinfo": "processor\t: 0\nmodel name\t: Lab CPU\n",
    "/proc/self/environ": "PATH=/usr/local/bin:/usr/bin:/bin\0HOME=/home/shop\0SHOP_KEY=lab-canary\0",
    "/proc/self/cmdline": "gunicorn\0honeypot.wsgi\0",
    "/proc/self/status": "Name:\tgunicorn\nPid:\t412\nUid:\t1000\t1000\t1000\t1000\n",
    "/srv/shop/.env": "DEBUG=0\nDATABASE_URL=sqlite:///shop.sqlite3\nSHOP_KEY=lab-canary\n",
    "/srv/shop/manage.py": "#!/usr/bin/env python3\nimport sys\n# The lab shop's command line.\n",
    "/srv/shop/settings.py": "# The lab shop\nSECRET_KEY = 'lab-canary'\nDATABASE_PASSWORD = 'lab-not-a-secret'\n",
    "/srv/shop/files/catalogue.txt": "Lab shop, catalogue of this season\n\nForty things for a home. Ask for prices.\n",
    "/srv/shop/files/price-list.csv": "article,price\nOak chair,89.00\nBrass lamp,45.50\nUnion Jack flag,12.00\n",
    "/srv/shop/files/terms.txt": "Terms of sale\n\nThis is a laboratory. Nothing is sold here.\n",
    "/srv/shop/files/delivery.txt": "We deliver nothing, everywhere, at once.\n",
    "/srv/shop/pages/about.html": "<p>A small shop for a home laboratory. Nothing here is for sale.</p>\n",
    "/srv/shop/pages/contact.html": "<p>Write to shop@lab-shop.example. Nobody answers.</p>\n",
    "/srv/shop/pages/delivery.html": "<p>Two to three working days, if there were anything to deliver.</p>\n",
    "/srv/shop/pages/returns.html": "<p>Thirty days to change your mind.</p>\n",
    "/tmp/.keep": "",
    "/var/backups/shop.sql.bak": "-- backup of the lab shop\nINSERT INTO users VALUES ('canary','canary');\n",
    "/var/log/auth.log": "Nov 24 14:16:02 lab-shop sshd[311]: Server listening on 0.0.0.0 port 22.\n",
    "/var/log/apache2/access.log": '192.0.2.7 - - [24/Nov/2026:14:16:37 +0000] "GET / HTTP/1.1" 200 512 "-" "-"\n',
    "/var/log/nginx/access.log": '192.0.2.7 - - [24/Nov/2026:14:16:37 +0000] "GET / HTTP/1.1" 200 512 "-" "-"\n',
    "/var/www/html/index.php": "<?php include($_GET['page'] . '.html'); ?>\n",
    "/var/www/html/config.php": "<?php $password = 'lab-not-a-secret'; ?>\n",
    "/windows/win.ini": "; for 16-bit app support\n[fonts]\n[extensions]\n",
}
# Empty programs, so that `ls /bin` and patterns such as `/???/c?t` find what they look for.
PROGRAMS = ["bash", "cat", "echo", "grep", "head", "id", "ls", "ping", "ps", "sh", "sleep", "tail", "uname", "whoami"]
FOLDERS = ["/dev", "/home/backup", "/opt", "/root", "/run", "/sbin", "/usr/lib", "/var/lib"]


class NoFile(Exception):
    """There is no such file in the tree, or it can't be read; the text is what a shell would say."""


def build(data: Path) -> None:
    """Makes the tree below `data/root`. What is there already stays."""
    programs = {f"{folder}/{name}": "" for folder in ("/bin", "/usr/bin") for name in PROGRAMS}
    for folder in FOLDERS:
        (data / "root" / folder[1:]).mkdir(parents=True, exist_ok=True)
    for name, text in (FILES | programs).items():
        path = data / "root" / name[1:]
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(text, encoding="utf-8")


def resolve(path: str, folder: str = "/") -> str:
    """Gives the absolute path inside the tree: `..` at the top stays at the top, as on a real machine."""
    if "\0" in path:
        raise NoFile("No such file or directory")
    parts: list[str] = []
    for part in (path if path.startswith("/") else f"{folder}/{path}").split("/"):
        if part == "..":
            parts[-1:] = []
        elif part not in ("", "."):
            parts.append(part)
    if len(parts) > PATH_PARTS_MAX:
        raise NoFile("File name too long")
    return "/" + "/".join(parts)


def read(path: str, folder: str = "/") -> bytes:
    """Reads one file of the tree."""
    absolute = resolve(path, folder)
    handle = _open(absolute)
    try:
        mode = os.fstat(handle).st_mode
        if stat.S_ISDIR(mode):
            raise NoFile("Is a directory")
        if absolute in UNREADABLE or not stat.S_ISREG(mode):
            raise NoFile("Permission denied")
        return os.read(handle, FILE_BYTES_MAX)
    finally:
        os.close(handle)


def is_folder(path: str, folder: str = "/") -> bool:
    """Tells whether the path is a folder of the tree."""
    return _mode(path, folder, stat.S_ISDIR)


def is_file(path: str, folder: str = "/") -> bool:
    """Tells whether the path is a file of the tree."""
    return _mode(path, folder, stat.S_ISREG)


def names(path: str, folder: str = "/") -> list[str]:
    """Lists one folder of the tree, in order."""
    handle = _open(resolve(path, folder))
    try:
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            raise NoFile("Not a directory")
        return sorted(os.listdir(handle))[:ENTRIES_MAX]
    finally:
        os.close(handle)


def _mode(path: str, folder: str, question) -> bool:
    try:
        handle = _open(resolve(path, folder))
    except NoFile:
        return False
    try:
        return question(os.fstat(handle).st_mode)
    finally:
        os.close(handle)


def _open(absolute: str) -> int:
    """Opens a path of the tree part by part. No part may be a link, the last one included."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    handle = os.open(settings.LAB_DATA / "root", flags | os.O_DIRECTORY)
    try:
        parts = [part for part in absolute.split("/") if part]
        for index, part in enumerate(parts):
            directory = os.O_DIRECTORY if index + 1 < len(parts) else 0
            try:
                below = os.open(part, flags | directory, dir_fd=handle)
            except OSError as error:
                raise NoFile(_reason(error)) from None
            except ValueError:
                raise NoFile("No such file or directory") from None
            os.close(handle)
            handle = below
        kept, handle = handle, -1
        return kept
    finally:
        if handle >= 0:
            os.close(handle)


def _reason(error: OSError) -> str:
    known = {errno.ENOTDIR: "Not a directory", errno.ENAMETOOLONG: "File name too long", errno.EACCES: "Permission denied"}
    return known.get(error.errno, "No such file or directory")
