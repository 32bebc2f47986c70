"""Apache with mod_auth_openidc as a website in front of the provider: a process with a folder and port of its own."""

import asyncio
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.session import clean_environment, free_port, tail

PROGRAM = "/usr/sbin/apache2"
MODULES = Path("/usr/lib/apache2/modules")
NEEDED = ("mpm_event", "authn_core", "authz_core", "authz_user", "dir", "include", "mime", "auth_openidc")
WORKER = "www-data"  # who answers requests when the test runs as root
START_SECONDS = 20
STOP_SECONDS = 20

#: The page behind the sign-in: who came, as the module tells an application.
MEMBERS = """<!doctype html><html lang="en"><title>Members</title>
<h1>Members</h1>
<p id="user"><!--#echo var="REMOTE_USER" --></p>
<p id="name"><!--#echo var="OIDC_CLAIM_name" --></p>
<p id="email"><!--#echo var="OIDC_CLAIM_email" --></p>
<p id="acr"><!--#echo var="OIDC_CLAIM_acr" --></p>
"""
API = '{"client": "<!--#echo var="OIDC_CLAIM_client_id" -->", "sub": "<!--#echo var="OIDC_CLAIM_sub" -->"}'
CONFIGURATION = """
ServerName localhost
ServerRoot {folder}
Listen 127.0.0.1:{port}
PidFile {folder}/apache.pid
DefaultRuntimeDir {folder}
ErrorLog {folder}/error.log
LogLevel warn auth_openidc:info
DocumentRoot {folder}/site
StartServers 1
MinSpareThreads 1
MaxSpareThreads 25
ThreadsPerChild 25
MaxRequestWorkers 25
TypesConfig /dev/null
AddType text/html .html
AddType application/json .json
AddOutputFilter INCLUDES .html .json
Options +Includes
<Directory {folder}/site>
  Require all granted
</Directory>
<Location /members>
  AuthType openid-connect
  Require valid-user
</Location>
<Location /api>
  AuthType oauth20
  Require valid-user
</Location>
"""


@dataclass
class Apache:
    """A website; `options` are directives of mod_auth_openidc by name, and replace what `configure` sets."""

    folder: Path
    port: int = field(default_factory=free_port)

    @property
    def origin(self) -> str:
        """Its address."""
        return f"http://localhost:{self.port}"

    @property
    def redirect_uri(self) -> str:
        """Where the provider sends people back to, and where the module offers its own services."""
        return f"{self.origin}/members/callback"

    @property
    def members(self) -> str:
        """The page that asks for a sign-in."""
        return f"{self.origin}/members/index.html"

    @property
    def api(self) -> str:
        """The resource that asks for an access token."""
        return f"{self.origin}/api/me.json"

    @property
    def goodbye(self) -> str:
        """The page that anybody sees after signing out."""
        return f"{self.origin}/goodbye.html"

    @property
    def log(self) -> str:
        """The end of its error log."""
        return tail(self.folder / "error.log")

    def configure(self, issuer: str, options: Mapping[str, str]) -> None:
        """Write configuration and pages."""
        directives = {
            "OIDCProviderMetadataURL": f"{issuer}/.well-known/openid-configuration",
            "OIDCRedirectURI": self.redirect_uri,
            "OIDCCryptoPassphrase": secrets.token_urlsafe(32),
            "OIDCScope": '"openid profile email offline_access"',
            "OIDCPKCEMethod": "S256",
            "OIDCInfoHook": "access_token access_token_expires id_token refresh_token userinfo",
            **options,
        }
        modules = [f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in NEEDED]
        worker = [f"User {WORKER}", f"Group {WORKER}"]
        lines = [*modules, *worker, *(f"{name} {value}" for name, value in directives.items())]
        configuration = CONFIGURATION.format(folder=self.folder, port=self.port)
        (self.folder / "apache.conf").write_text("\n".join(lines) + configuration)
        for path, text in (
            ("members/index.html", MEMBERS),
            ("api/me.json", API),
            ("goodbye.html", '<!doctype html><title>Goodbye</title><h1 id="goodbye">Goodbye</h1>'),
        ):
            page = self.folder / "site" / path
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text(text)


@asynccontextmanager
async def apache_folder() -> AsyncIterator[Path]:
    """Yield a folder that Apache's workers can read; pytest's own are closed to other users."""
    folder = Path(tempfile.mkdtemp(prefix="idp-apache-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def running_apache(site: Apache, issuer: str, options: Mapping[str, str]) -> AsyncIterator[Apache]:
    """Run a website for the time of the block."""
    assert Path(PROGRAM).exists(), "Apache is missing: run tests/clients/install.sh"
    site.configure(issuer, options)
    process = subprocess.Popen(
        [PROGRAM, "-f", str(site.folder / "apache.conf"), "-DFOREGROUND"],
        env=clean_environment(),
        cwd=site.folder,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        await _wait_until_listening(process, site)
        yield site
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(process.wait, STOP_SECONDS)


async def _wait_until_listening(process: "subprocess.Popen[bytes]", site: Apache) -> None:
    async with asyncio.timeout(START_SECONDS):
        while process.poll() is None:
            try:
                _reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            await writer.wait_closed()
            return
    raise RuntimeError(f"Apache did not start: {site.log}")
