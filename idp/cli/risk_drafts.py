"""`idp risk words|guidance|recommend`: what is drafted for operators, and counts once a person approved it.

Exit 0 done, 1 refused, 2 cannot run. These need the database. All of them work without a model; with one, its name
stands beside what it wrote.
"""

from collections.abc import Sequence
from datetime import datetime

import click

from idp.cli.policy_site import OpenSite, mover, open_site
from idp.cli.running import fail, json_option, show
from idp.domain.json import Json
from idp.domain.refusal import Refusal
from idp.flows import recommendations
from idp.flows.drafts import CODES, Drafts, TooManyWords
from idp.flows.recommendations import Advised
from idp.risk.drafting import FEWEST, ApprovedFact, FactKind
from idp.risk.wording import Language
from idp.storage.drafts import DraftKind, StoredDraft

WITHOUT_MODEL = click.option("--without-model", is_flag=True, help="ask no model, even if one is set")


def _drafts(opened: OpenSite, *, without_model: bool = False) -> Drafts:
    return Drafts(opened.site.transactions, None if without_model else opened.site.writer)


def _now(opened: OpenSite) -> datetime:
    return opened.site.clock.now()


@click.group()
def words() -> None:
    """Words that no password may be made of: suggested from names that everybody here knows, each one approved."""


@words.command("suggest")
@click.option("--product", "products", multiple=True, help="a product of yours")
@click.option("--brand", "brands", multiple=True, help="a name that you trade under")
@click.option("--city", "cities", multiple=True, help="where people are")
@WITHOUT_MODEL
@json_option
@click.pass_context
def suggest(
    context: click.Context, products: tuple[str, ...], brands: tuple[str, ...], cities: tuple[str, ...],
    without_model: bool, as_json: bool,
) -> None:  # fmt: skip
    """Suggest words from names; you approve these names by typing them, and a model is told them if one is set."""
    by = mover().by
    named = ((FactKind.PRODUCT, products), (FactKind.BRAND, brands), (FactKind.CITY, cities))
    try:
        facts = [ApprovedFact(kind, name, by) for kind, names in named for name in names]
        if not facts:
            raise click.UsageError("say --product, --brand or --city NAME")
        with open_site(context) as opened:
            found = opened.run(_drafts(opened, without_model=without_model).suggest_words(facts, _now(opened)))
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    _show(as_json, found, "no words wait", "idp risk words approve WORD… takes them; until then they count for nothing")


@words.command("list")
@json_option
@click.pass_context
def list_words(context: click.Context, as_json: bool) -> None:
    """List the words, approved ones and those that wait."""
    with open_site(context) as opened:
        _show(as_json, opened.run(_drafts(opened).all(DraftKind.WORD)), "no words yet")


@words.command("approve")
@click.argument("names", metavar="WORD…", nargs=-1, required=True)
@json_option
@click.pass_context
def approve_words(context: click.Context, names: tuple[str, ...], as_json: bool) -> None:
    """Let no new password be made of these words, from half a minute on."""
    _approve(context, DraftKind.WORD, tuple(name.casefold() for name in names), as_json)


@words.command("remove")
@click.argument("names", metavar="WORD…", nargs=-1, required=True)
@json_option
@click.pass_context
def remove_words(context: click.Context, names: tuple[str, ...], as_json: bool) -> None:
    """Throw words away, approved or not."""
    _remove(context, DraftKind.WORD, tuple(name.casefold() for name in names), as_json)


@click.group()
def guidance() -> None:
    """What a refused password's owner is told besides: written once per reason and language, read by a person first."""


@guidance.command("draft")
@click.option(
    "--code", "codes", type=click.Choice([code.value for code in CODES]), multiple=True, help="all by default"
)
@click.option("--language", "languages", type=click.Choice([each.value for each in Language]), multiple=True,
              help="all by default")  # fmt: skip
@json_option
@click.pass_context
def draft_guidance(context: click.Context, codes: tuple[str, ...], languages: tuple[str, ...], as_json: bool) -> None:
    """Have the model word the shipped advice; without a model the shipped words stand, and there is nothing to do."""
    chosen = [Refusal(code) for code in codes] or list(CODES)
    spoken = [Language(each) for each in languages] or list(Language)
    with open_site(context) as opened:
        if opened.site.writer is None:
            click.echo("idp: no model is set: the shipped words stand", err=True)
        found = opened.run(_drafts(opened).draft_guidance(chosen, spoken, _now(opened)))
    _show(as_json, found, "no texts wait", "idp risk guidance approve CODE:LANGUAGE… shows them to people")


@guidance.command("list")
@json_option
@click.pass_context
def list_guidance(context: click.Context, as_json: bool) -> None:
    """List the texts, approved ones and those that wait."""
    with open_site(context) as opened:
        _show(as_json, opened.run(_drafts(opened).all(DraftKind.GUIDANCE)), "no texts yet: the shipped words stand")


@guidance.command("approve")
@click.argument("names", metavar="CODE:LANGUAGE…", nargs=-1, required=True)
@json_option
@click.pass_context
def approve_guidance(context: click.Context, names: tuple[str, ...], as_json: bool) -> None:
    """Show these texts to people, said to be AI-written; nobody's refusal calls a model."""
    _approve(context, DraftKind.GUIDANCE, names, as_json)


@guidance.command("remove")
@click.argument("names", metavar="CODE:LANGUAGE…", nargs=-1, required=True)
@json_option
@click.pass_context
def remove_guidance(context: click.Context, names: tuple[str, ...], as_json: bool) -> None:
    """Throw texts away, approved or not; the shipped words stand."""
    _remove(context, DraftKind.GUIDANCE, names, as_json)


def _approve(context: click.Context, kind: DraftKind, names: tuple[str, ...], as_json: bool) -> None:
    with open_site(context) as opened:
        try:
            missing = opened.run(_drafts(opened).approve(kind, names, by=mover().by, now=_now(opened)))
        except TooManyWords as error:
            raise fail(str(error)) from error
    if missing:
        raise fail(f"nothing waits under {', '.join(missing)}; nothing was approved")
    show(as_json, {"approved": [*names]}, f"approved: {', '.join(names)}")


def _remove(context: click.Context, kind: DraftKind, names: tuple[str, ...], as_json: bool) -> None:
    with open_site(context) as opened:
        missing = opened.run(_drafts(opened).remove(kind, names, by=mover().by, now=_now(opened)))
    gone = [name for name in names if name not in missing]
    show(as_json, {"removed": gone, "missing": [*missing]}, f"removed: {', '.join(gone) or 'nothing'}")
    if missing:
        raise fail(f"there is no {', '.join(missing)}")


def _show(as_json: bool, found: Sequence[StoredDraft], nothing: str, more: str = "") -> None:
    documents: list[Json] = [
        {"name": each.name, "text": each.text, "model": each.model, "approved_by": each.approved_by,
         "approved_at": each.approved_at.isoformat() if each.approved_at is not None else None}
        for each in found
    ]  # fmt: skip
    lines = [_line(each) for each in found] or [nothing]
    show(as_json, documents, "\n".join([*lines, *([more] if more and found else [])]))


def _line(draft: StoredDraft) -> str:
    text = "" if draft.text == draft.name else f"  {draft.text}"
    state = f"approved by {draft.approved_by}" if draft.approved_by is not None else "waits"
    return f"{draft.name}{text}  ({f'AI-written by {draft.model}, ' if draft.model else ''}{state})"


@click.command()
@WITHOUT_MODEL
@json_option
@click.pass_context
def recommend(context: click.Context, without_model: bool, as_json: bool) -> None:
    """Say what the shares of all accounts speak for; a cell of fewer than fifty people is told to nobody."""
    with open_site(context) as opened:
        writer = None if without_model else opened.site.writer
        found = opened.run(recommendations.recommend(opened.site.transactions, _now(opened), writer=writer))
    document = {
        "people": found.people, "shares": {cell.value: share for cell, share in found.shares.items()},
        "too_small": [cell.value for cell in found.too_small],
        "not_counted": [cell.value for cell in found.not_counted],
        "recommendations": [
            {"measure": each.measure.value, "text": each.text, "percent": each.percent, "ai": each.is_ai_written}
            for each in found.recommendations
        ],
    }  # fmt: skip
    show(as_json, document, "\n".join(_told(found)))


def _told(found: Advised) -> list[str]:
    lines = [f"{each.text}{' (proposed by the model)' if each.is_ai_written else ''}" for each in found.recommendations]
    people = f"{found.people} accounts" if found.people is not None else f"fewer than {FEWEST} accounts"
    lines = lines or ["nothing to recommend"]
    lines.append(f"of {people}; shares in steps of 5 %")
    if found.too_small:
        lines.append(f"not told, fewer than {FEWEST} people: {', '.join(found.too_small)}")
    if found.not_counted:
        lines.append(f"not counted, since nothing is stored that would tell: {', '.join(found.not_counted)}")
    return lines


COMMANDS = (words, guidance, recommend)
