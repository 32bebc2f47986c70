"""The command line: `idp COMMAND`. Every command takes --json, says what is wrong in one line, and exits 0, 1 or 2."""

import os
import sys
from pathlib import Path

import click

from idp.cli import (
    accounts,
    admin,
    audit,
    clients,
    configuration,
    db,
    doctor,
    keys,
    passwords,
    policy,
    risk,
    serve,
    sweep,
)
from idp.settings import BadSettings
from idp.storage.database import DatabaseAway

USAGE = 2
FAILED = 1


@click.group()
@click.option("--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="TOML file with settings")
@click.version_option(package_name="idp", message="%(version)s")
@click.pass_context
def idp(context: click.Context, config: Path | None) -> None:
    """A self-hosted OAuth 2 and OpenID Connect identity provider."""
    context.obj = config


for command in (serve.dev, serve.serve, doctor.doctor, db.db, clients.client, accounts.user, admin.admin, audit.audit,
                keys.keys, passwords.passwords, policy.policy, risk.risk, sweep.sweep,
                configuration.apply, configuration.export_config):  # fmt: skip
    idp.add_command(command)


def keep_private() -> None:
    """Let nobody else read what this process writes, files or memory: databases, keys and core dumps hold secrets."""
    os.umask(0o077)
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Run the command line."""
    keep_private()
    try:
        sys.exit(idp(standalone_mode=False))  # what a command gave to context.exit is returned, not raised
    except BadSettings as error:
        for fault in error.faults:
            click.echo(f"idp: {fault}", err=True)
        sys.exit(USAGE)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
    except click.UsageError as error:
        click.echo(f"idp: {error.format_message()}", err=True)
        sys.exit(USAGE)
    except click.ClickException as error:
        click.echo(f"idp: {error.format_message()}", err=True)
        sys.exit(FAILED)
    except DatabaseAway as error:
        click.echo(f"idp: the database does not answer ({error})", err=True)
        sys.exit(FAILED)
