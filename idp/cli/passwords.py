"""`idp passwords`: the list of breached passwords, and what the policy says of one."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from idp.cli.running import default_mode, fail, json_option, read_settings, show
from idp.factors.breached import FilterWriter, Shape
from idp.factors.breached_list import DamagedLine, ListReader, count_lines
from idp.factors.password_judge import Appraisal
from idp.password_wiring import password_judge
from idp.policy.passwords import LONGEST_BYTES

Progress = Callable[[int], None]


@click.group()
def passwords() -> None:
    """Which passwords are acceptable."""


@passwords.command("import")
@click.argument("source", metavar="FILE", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="instead of IDP_BREACHED_PASSWORDS_FILE")
@click.option(
    "--false-positives", type=click.FloatRange(1e-9, 0.1), default=0.001, show_default=True,
    help="share of good passwords that may be taken for breached ones",
)  # fmt: skip
@click.option("--expected", type=click.IntRange(1), help="how many lines there will be; needed for standard input")
@click.option("--plain", is_flag=True, help="lines are passwords, not SHA-1 digests")
@click.option("--skip-damaged", is_flag=True, help="leave damaged lines out instead of stopping")
@json_option
@click.pass_context
def import_(
    context: click.Context,
    source: str,
    out: Path | None,
    false_positives: float,
    expected: int | None,
    plain: bool,
    skip_damaged: bool,
    as_json: bool,
) -> None:
    """Build the filter of breached passwords from a list, one `SHA1[:count]` a line; `-` reads standard input.

    Servers take the new filter up when they are started again.
    """
    out = out or read_settings(context, mode=default_mode()).breached_passwords_file
    if out is None:
        raise click.UsageError("say --out FILE, or set IDP_BREACHED_PASSWORDS_FILE")
    if source == "-" and expected is None:
        raise click.UsageError("say --expected N: standard input can be read only once")
    reader = ListReader(plain=plain, skip_damaged=skip_damaged)
    try:
        shape = Shape.fitting(expected or _count(source), false_positives)
        with FilterWriter(out, shape) as writer:
            with _opened(source, "reading") as (file, progress):
                writer.add_all(reader.digests(file, progress=progress))
            writer.finish()
    except DamagedLine as error:
        kind = "a password" if plain else "SHA1[:count]"
        raise fail(f"{source}: line {error.number} is not {kind}; nothing was changed") from error
    except OSError as error:
        raise fail(f"{source if error.filename == source else out}: {error.strerror or error}") from error
    rate = shape.rate_at(writer.count)
    document = {
        "file": str(out), "passwords": writer.count, "damaged": reader.damaged,
        "bytes": out.stat().st_size, "false_positives": round(rate, 9),
    }  # fmt: skip
    left_out = f", {reader.damaged} damaged lines left out" if reader.damaged else ""
    show(as_json, document, f"{out}: {writer.count} passwords{left_out}, {rate:.2g} false positives")
    if rate > 2 * false_positives:
        click.echo(f"idp: more lines came than expected; say --expected {writer.count}", err=True)


def _count(source: str) -> int:
    with _opened(source, "counting") as (file, progress):
        return count_lines(file, progress=progress)


@contextmanager
def _opened(source: str, label: str) -> Iterator[tuple[BinaryIO, Progress]]:
    """Yield the list and who hears how many bytes were read; the bar is drawn only on a terminal."""
    if source == "-":
        yield sys.stdin.buffer, lambda _size: None
        return
    with Path(source).open("rb") as file:
        length = max(1, Path(source).stat().st_size)
        hidden = not sys.stderr.isatty()
        with click.progressbar(length=length, label=label, file=sys.stderr, hidden=hidden) as bar:
            yield file, bar.update


@passwords.command()
@click.option("--own-word", "words", multiple=True, help="the person's name, e-mail address or username")
@click.option("--beside-second-factor", is_flag=True, help="the account has a second factor")
@json_option
@click.pass_context
def check(context: click.Context, words: tuple[str, ...], beside_second_factor: bool, as_json: bool) -> None:
    """Say whether the password on standard input could be chosen; exit 1 if not."""
    password = sys.stdin.readline(4 * LONGEST_BYTES).rstrip("\r\n")
    judge = password_judge(read_settings(context, mode=default_mode()))
    try:
        found: Appraisal = asyncio.run(
            judge.appraise(password, own_words=words, beside_second_factor=beside_second_factor)
        )
    finally:
        judge.close()
    document = {
        "acceptable": found.verdict.is_acceptable, "reason": found.verdict.refusal, "word": found.verdict.word,
        "score": found.score, "guesses_log10": round(found.strength.guesses_log10, 1),
    }  # fmt: skip
    word = f" ({found.verdict.word})" if found.verdict.word else ""
    show(as_json, document, "acceptable" if found.verdict.is_acceptable else f"{found.verdict.refusal}{word}")
    if not found.verdict.is_acceptable:
        context.exit(1)
