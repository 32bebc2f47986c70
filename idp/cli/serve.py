"""`idp serve` and `idp dev`: run the provider, in one process or several."""

import asyncio
import os
import signal
import ssl
import subprocess
import sys
import tempfile
from types import FrameType
from typing import Any

import click
import uvicorn
from starlette.types import ASGIApp

from idp import logs, metrics, settings
from idp.app import create_app
from idp.cli import demo
from idp.cli.http_protocol import BoundedProtocol
from idp.cli.running import is_current, read_settings
from idp.settings import BadSettings, Settings
from idp.wiring import Site, build

KEEP_ALIVE_SECONDS = 30


def application() -> ASGIApp:
    """Return the application of one worker process; settings come from the environment it inherited."""
    options = settings.load()
    logs.configure(options.log_level)
    return create_app(options)


@click.command()
@click.pass_context
def serve(context: click.Context) -> None:
    """Serve the identity provider."""
    options = read_settings(context)
    prepare(options)
    logs.configure(options.log_level)
    run(options)


def prepare(options: Settings) -> None:
    """Refuse to start with a configuration that may not serve people; in dev and test bring the schema up to date."""
    faults = settings.production_faults(options)
    if options.is_dev and not asyncio.run(is_current(options)):
        _upgrade_apart()
    try:
        asyncio.run(_try_out(options))
    except BadSettings as error:
        faults = list(dict.fromkeys([*faults, *error.faults]))
    if faults:
        raise BadSettings(faults)


def _upgrade_apart() -> None:
    """Migrate in a process of its own, so that a serving one never carries the weight of the migrations."""
    done = subprocess.run([sys.executable, "-m", "idp", "db", "upgrade"], stdout=subprocess.DEVNULL)
    if done.returncode != 0:
        raise SystemExit(done.returncode)


async def _try_out(options: Settings) -> None:
    site: Site = await build(options)
    try:
        await site.keys.ensure()
    finally:
        await site.close()


def run(options: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then finish what was begun."""
    for wanted in (signal.SIGTERM, signal.SIGINT):
        signal.signal(wanted, _leave)
    host, _, port = options.bind.rpartition(":")
    if options.workers > 1 and metrics.MULTIPROCESS_VARIABLE not in os.environ:
        os.environ[metrics.MULTIPROCESS_VARIABLE] = tempfile.mkdtemp(prefix="idp-metrics-")
    uvicorn.run(
        "idp.cli.serve:application",
        factory=True,
        host=host.strip("[]"),
        port=int(port),
        workers=options.workers if options.workers > 1 else None,
        http=BoundedProtocol,
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=int(options.drain.total_seconds()),
        **tls_of(options),
    )


def tls_of(options: Settings) -> dict[str, Any]:
    """Return how this process ends TLS, nothing if a proxy does; who has a certificate may show it (RFC 8705 §2)."""
    if options.tls_cert_file is None:
        return {}
    asks = options.tls_client_ca_file is not None
    return {
        "ssl_certfile": str(options.tls_cert_file),
        "ssl_keyfile": str(options.tls_key_file) if options.tls_key_file else None,
        "ssl_ca_certs": str(options.tls_client_ca_file) if asks else None,
        "ssl_cert_reqs": ssl.CERT_OPTIONAL if asks else ssl.CERT_NONE,
    }


def _leave(_number: int, _frame: FrameType | None) -> None:
    """End with exit code 0: uvicorn repeats the signal once it has finished what was begun."""
    raise SystemExit(0)


@click.command()
@click.option("--no-demo", is_flag=True, help="do not start the demo relying party")
@click.pass_context
def dev(context: click.Context, no_demo: bool) -> None:
    """Run everything on this machine: provider, demo users and demo relying party."""
    options = read_settings(context, mode="dev")
    prepare(options)
    logs.configure(options.log_level)
    seeded = asyncio.run(demo.seed(options))
    child = None if no_demo else demo.start(options, seeded)
    click.echo(demo.welcome(options, seeded, with_demo=child is not None))
    try:
        run(options)
    finally:
        if child is not None and child.poll() is None:
            child.send_signal(signal.SIGTERM)
            child.wait(10)
