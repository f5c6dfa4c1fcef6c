"""What is judged of chat messages for reasoning-gym: the same for every data set."""

from types import SimpleNamespace

import pytest

SAID = "<think>so</think><answer>42</answer>"
ANSWER = "<answer>42</answer>"


def by(role="assistant", content=SAID, **fields):
    return {"role": role, "content": content, **fields}


COMPLETIONS = [
    # Parts that are not text are left out.
    ([by(content=[{"type": "image"}, {"type": "text", "text": SAID}])], 1.0),
    ([by(content=[{"text": None}, {"text": SAID[:9]}, {"text": SAID[9:]}])], 1.0),
    ([by(content=[SimpleNamespace(text=SAID)])], 1.0),
    ([by(content=[{"type": "image"}])], 0.0),
    ([by(content=[])], 0.0),
    ([by(content=None)], 0.0),
    ([{"role": "assistant"}], 0.0),
    # Other names of the assistant, where no message has that.
    ([by("user", "?"), by("model")], 1.0),
    ([by("gpt"), by("human", "?")], 1.0),
    ([by("model"), by(content="42")], 0.0),
    ([by(content="42"), by("gpt")], 0.0),
    ([by("Assistant")], 1.0),
    # What others say is no answer.
    ([by("user")], 0.0),
    ([by("TOOL")], 0.0),
    ([by("Tool_Response")], 0.0),
    ([by("observation"), by("env")], 0.0),
    ([by("model", "42"), by("user")], 0.0),
    ([], 0.0),
    # The last thinking that is not empty.
    ([by(content=ANSWER, reasoning_content="so")], 1.0),
    ([by(content=ANSWER, reasoning="so", thinking="")], 1.0),
    ([by(content=ANSWER, reasoning="so", thinking=None)], 1.0),
    ([by(content=ANSWER, reasoning="</think>", thinking="so")], 1.0),
    ([by(content=ANSWER, thinking="</think>", reasoning_content="so")], 1.0),
    ([by(content=ANSWER, reasoning_content="so", reasoning="</think>")], 0.0),
    ([by(content=ANSWER, reasoning=[{"type": "image"}, {"text": "so"}])], 1.0),
    ([by(content=ANSWER, reasoning="")], 0.0),
    ([by(content=ANSWER, reasoning=" ")], 0.0),
    ([by(content=SAID, reasoning="so")], 0.0),
    # Mappings, objects, any iterable of them.
    ((by("user", "?"), by()), 1.0),
    ([SimpleNamespace(role="assistant", content=SAID)], 1.0),
    ([SimpleNamespace(role="assistant", content=ANSWER, reasoning="so", thinking="")], 1.0),
    # Unusable, wherever it stands.
    ([{"content": SAID}], None),
    ([{"content": "?"}, by()], None),
    ([by(None)], None),
    ([by(3, "?"), by()], None),
    ([by(content=42)], None),
    ([by(content={"text": SAID})], None),
    ([by(content=SAID.encode())], None),
    ([by(content=ANSWER, reasoning=3)], None),
    ([SAID], None),
    (by(), None),
]


@pytest.fixture
def data_sets(module):
    """One data set that a spec scores, and one with rules of its own."""

    class ProceduralDataset:
        def score_answer(self, answer, entry):
            raise AssertionError

    class OneAnswer(ProceduralDataset):
        pass

    class OwnRules(ProceduralDataset):
        def score_answer(self, answer, entry):
            return float(answer.split() == entry["answer"].split())

    module("reasoning_gym.dataset", ProceduralDataset=ProceduralDataset)
    return OneAnswer(), OwnRules()


@pytest.mark.parametrize(("completion", "expected"), COMPLETIONS)
def test_reasoning_gym_judges_the_same_text_of_every_data_set(data_sets, completion, expected):
    from goldstone import reasoning_gym

    entry = {"question": "6 * 7?", "answer": "42"}
    for data in data_sets:
        assert reasoning_gym.score(data, entry, completion) == expected
    if isinstance(completion, list):
        again = iter(completion)
        assert reasoning_gym.score(data_sets[1], entry, again) == expected


@pytest.mark.parametrize(
    ("template", "content"),
    [
        ("text", "42"),
        ("r1", ANSWER),
        ("r1_prefill", ANSWER),
        ("think_text", "42"),
        ("think_text_prefill", "42"),
        ("think_optional", "42"),
        ("think_boxed", r"\boxed{42}"),
        ("magistral", "42"),
        ("kimi", "42"),
        ("ether0", "<|answer_start|>42<|answer_end|>"),
        ("harmony", "42"),
        ("r1_zh", "<回答>42</回答>"),
    ],
)
def test_reasoning_gym_puts_thinking_where_the_template_has_it(data_sets, template, content):
    from goldstone import reasoning_gym

    entry = {"question": "6 * 7?", "answer": "42"}
    spec = reasoning_gym.SPEC.replace('"r1"', f'"{template}"')
    found = []
    for thinking in ("so", "\n so", " ", "", None):
        completion = [by(content=content, reasoning_content=thinking)]
        options = {"spec": spec, "template": template}
        one, own = (reasoning_gym.score(data, entry, completion, **options) for data in data_sets)
        assert one == own, thinking
        found.append(one)
    assert found[:2] == [1.0, 1.0]
    for wrong in (content.replace("42", "41"), ""):
        for data in data_sets:
            completion = [by(content=wrong, reasoning_content="so")]
            assert reasoning_gym.score(data, entry, completion, **options) == 0.0
