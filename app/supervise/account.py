"""Under whose name the database server runs. PostgreSQL refuses to run as root, and root must not be asked
to change the permissions of anybody's folders.

- An ordinary user: as is.
- Root, with user namespaces: the server believes it is user 1000; its files stay root's.
- Root without them (some containers): an account `tallyhouse` is made; the server's binaries and data
  live under `/var/lib/tallyhouse`, which that account can reach.
"""

import hashlib
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from app.supervise.process import Account

SYSTEM_ACCOUNT = "tallyhouse"
SYSTEM_HOME = Path("/var/lib/tallyhouse")
_NAMESPACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000", "--")


@dataclass(frozen=True)
class ServerAccount:
    """Account of the server, and where its data folder is."""

    account: Account
    cluster: Path
    programs: Path | None = None
    """Where binaries are copied for an account that cannot reach ours; None when it can."""

    def program(self, path: Path) -> Path:
        """`path` as the account can run it, copied with its whole installation when need be.

        The installation is `<packages>/<package>/<version>/bin`; its programs look for their libraries in
        `<packages>/<package>.libs`, so both are copied and keep their places to each other.
        """
        if self.programs is None:
            return path
        package = path.parents[2]
        installation, libraries = path.parents[1], package.with_name(f"{package.name}.libs")
        state = path.stat()
        mark = f"{installation} {state.st_size} {state.st_mtime_ns}"
        copy = self.programs / hashlib.sha256(mark.encode()).hexdigest()[:12]
        if not copy.exists():
            half = copy.with_suffix(".new")
            shutil.rmtree(half, ignore_errors=True)
            shutil.copytree(installation, half / package.name / installation.name)
            if libraries.is_dir():
                shutil.copytree(libraries, half / libraries.name)
            half.rename(copy)
        return copy / package.name / installation.name / "bin" / path.name

    def empty_folder(self, folder: Path) -> None:
        """Make `folder` anew, private to the account."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700)
        self._give(folder)

    def readable_copy(self, path: Path) -> Path:
        """A secret as the account can read it."""
        if self.programs is None:
            return path
        copy = self.cluster.parent / path.name
        copy.touch(mode=0o600)
        copy.write_bytes(path.read_bytes())
        self._give(copy)
        return copy

    def forget_copy(self, path: Path) -> None:
        """Remove what `readable_copy` made."""
        if self.programs is not None:
            (self.cluster.parent / path.name).unlink(missing_ok=True)

    def _give(self, path: Path) -> None:
        if self.account.user_id is not None and self.account.group_id is not None:
            os.chown(path, self.account.user_id, self.account.group_id)


def account_for(home: Path) -> ServerAccount:
    """The account for a server whose files belong under `home`."""
    if os.geteuid() != 0:
        return ServerAccount(Account(), home / "cluster")
    if namespaces_work():
        return ServerAccount(Account(prefix=_NAMESPACE), home / "cluster")
    return system_account(home)


def namespace_account() -> Account:
    """For programs that may run as root but need not: in a user namespace when root can have one."""
    return Account(prefix=_NAMESPACE) if os.geteuid() == 0 and namespaces_work() else Account()


def namespaces_work() -> bool:
    """True when this machine lets us make a user namespace."""
    if shutil.which("unshare") is None:
        return False
    probe = subprocess.run([*_NAMESPACE, "true"], capture_output=True, check=False)  # noqa: S603
    return probe.returncode == 0


def system_account(home: Path) -> ServerAccount:
    """The `tallyhouse` account of this machine, made when missing, with a folder per `home`."""
    try:
        entry = pwd.getpwnam(SYSTEM_ACCOUNT)
    except KeyError:
        subprocess.run(  # noqa: S603 - fixed words
            ["useradd", "--system", "--user-group", "--no-create-home", SYSTEM_ACCOUNT],  # noqa: S607
            check=True,
        )
        entry = pwd.getpwnam(SYSTEM_ACCOUNT)
    place = SYSTEM_HOME / hashlib.sha256(str(home).encode()).hexdigest()[:12]
    for folder in (SYSTEM_HOME, SYSTEM_HOME / "programs", place):
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    return ServerAccount(
        Account(user_id=entry.pw_uid, group_id=entry.pw_gid), place / "cluster", SYSTEM_HOME / "programs"
    )
