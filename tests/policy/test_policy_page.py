"""docs/policy.md tells the truth: its examples are clean, its lists complete."""

import re
from pathlib import Path

import pytest

from idp.policy import lint, rule_file
from idp.policy.conditions import OPERATORS
from idp.policy.facts import FACTS, Event
from idp.policy.rules import EffectKind

PAGE = (Path(__file__).parents[2] / "docs" / "policy.md").read_text()
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_clean(example: str) -> None:
    assert lint.check(rule_file.read(example)) == []


def test_every_fact_operator_event_and_effect_is_on_the_page() -> None:
    words = {*FACTS, *Event, *EffectKind, *(operator for kind in OPERATORS.values() for operator in kind)}

    assert not [word for word in sorted(words) if not re.search(rf"(?<![\w.]){re.escape(word)}(?!\w)", PAGE)]
    assert len(EXAMPLES) == 2
