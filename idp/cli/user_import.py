"""`idp user import`: people from a file, with the password hashes that another system made."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from idp.cli.running import fail, json_option, show, with_site
from idp.factors.foreign_hashes.firebase import FirebaseProject, read_project
from idp.factors.foreign_hashes.recipe import Unverifiable
from idp.flows.user_import import ImportStopped, Options, Outcome, Progress, UserImport
from idp.flows.user_import_file import BadFile, Form, PeopleFile
from idp.flows.user_import_report import BadReport, ImportReport
from idp.flows.user_import_trial import ImportTrial
from idp.wiring import Site

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
ENDINGS = {".csv": Form.CSV, ".jsonl": Form.JSONL, ".ndjson": Form.JSONL}


@click.command("import")
@click.argument("path", metavar="FILE", type=FILE)
@click.option("--format", "form", type=click.Choice([form.value for form in Form]), help="instead of the file's ending")
@click.option("--keep-ids", is_flag=True, help="the field `id` becomes the account's id; it must look like one of ours")
@click.option("--firebase-parameters", type=FILE, help="password hash parameters of the Firebase project, as a file")
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="where refused lines are written")
@click.option("--dry-run", is_flag=True, help="check every line and store nothing")
@click.option("--again", is_flag=True, help="begin at the first line, even if this file was imported before")
@json_option
@click.pass_context
def import_(context: click.Context, /, path: Path, as_json: bool, **given: Any) -> None:
    """Make accounts from a file of CSV or JSON lines; docs/import.md names the fields and the password hashes.

    Each line is taken or refused by itself; the report says which and why. After an interruption the same command goes
    on where it stopped. Exit 1 if any line was refused.
    """
    options = Options(
        _form(path, given["form"]), keep_ids=given["keep_ids"], project=_project(given["firebase_parameters"])
    )
    kind = "dry-run" if given["dry_run"] else "refused"
    report_path: Path = given["report"] or path.with_name(f"{path.name}.{kind}.jsonl")
    try:
        with PeopleFile(path, Form(options.form)) as file, ImportReport(report_path) as report:
            outcome = _run(context, file, options, report, is_trial=given["dry_run"], again=given["again"])
            document = _document(file, report, outcome, is_trial=given["dry_run"])
    except (BadFile, ImportStopped) as error:
        raise fail(f"{path}: {error}") from error
    except BadReport as error:
        raise fail(str(error)) from error
    except OSError as error:
        raise fail(f"{error.filename or path}: {error.strerror or error}") from error
    show(as_json, document, _said(outcome, document))
    if outcome.refused:
        context.exit(1)


def _form(path: Path, given: str | None) -> Form:
    form = Form(given) if given is not None else ENDINGS.get(path.suffix.lower())
    if form is None:
        raise click.UsageError("the file ends neither in .csv nor in .jsonl; say --format csv or --format jsonl")
    return form


def _project(path: Path | None) -> FirebaseProject | None:
    if path is None:
        return None
    try:
        return read_project(path.read_text(encoding="utf-8"))
    except (Unverifiable, UnicodeDecodeError, OSError) as error:
        reason = str(error) if isinstance(error, Unverifiable) else "cannot be read"
        raise click.UsageError(f"{path}: {reason}") from error


def _run(
    context: click.Context, file: PeopleFile, options: Options, report: ImportReport, *, is_trial: bool, again: bool
) -> Outcome:
    async def work(site: Site) -> Outcome:
        with _bar(file.size) as progress:
            if is_trial:
                return await ImportTrial(site.transactions, site.clock).run(file, options, report, progress=progress)
            importing = UserImport(site.transactions, site.hasher, site.clock)
            return await importing.run(file, options, report, again=again, progress=progress)

    return with_site(context, work)


@contextmanager
def _bar(size: int) -> Iterator[Progress]:
    """Draw how far the file has been read, if standard error is a terminal."""
    hidden = not sys.stderr.isatty()
    with click.progressbar(length=max(1, size), label="importing", file=sys.stderr, hidden=hidden) as bar:
        yield lambda done: bar.update(done - bar.pos)


def _document(file: PeopleFile, report: ImportReport, outcome: Outcome, *, is_trial: bool) -> dict[str, Any]:
    return {
        "sha256": file.digest, "imported": outcome.imported, "refused": outcome.refused, "began_at": outcome.began_at,
        "was_finished": outcome.was_finished, "dry_run": is_trial,
        "report": None if report.is_empty else str(report.path),
    }  # fmt: skip


def _said(outcome: Outcome, document: dict[str, Any]) -> str:
    verb = "would be imported" if document["dry_run"] else "imported"
    text = f"{outcome.imported} people {verb}, {outcome.refused} lines refused"
    if document["report"] is not None:
        text += f": {document['report']}"
    if outcome.was_finished:
        return f"this file was imported before ({text}); --again begins anew"
    return text if outcome.began_at == 1 else f"{text}; went on at line {outcome.began_at}"
