"""Calls as OpenRLHF 0.11.2 makes them: lists of one, prompt and response as one text."""

import pickle

import pytest
from goldstone import openrlhf
from goldstone.openrlhf import NoResponseError, response

PROMPT = "<|im_start|>user\nHow much is 6 * 7?<|im_end|>\n<|im_start|>assistant\n"
RIGHT = "<think>6 * 7</think><answer>42</answer>"
WRONG = "<think>6 * 7</think><answer>41</answer>"
# A prompt that ends as it begins.
QUESTION = "How much is six times seven? Write it as in this line: the answer is \\boxed{42}"
TWICE = QUESTION + "\n\nRead the question again:\n" + QUESTION


@pytest.mark.parametrize(
    "query, prompt, expected",
    [
        (PROMPT + "42", PROMPT, "42"),
        (PROMPT + "42<|im_end|>", PROMPT, "42"),
        (PROMPT + "42<|im_end|><|endoftext|>", PROMPT, "42"),
        (PROMPT, PROMPT, ""),
        ("<s>" + PROMPT + "42</s>", PROMPT, "42"),
        ("<|begin_of_text|>How much?42<|eot_id|>", "How much?", "42"),
        ("[gMASK]<sop>How much?42", "How much?", "42"),
        # The prompt again, in the response, is the response's.
        (PROMPT + PROMPT + "42", PROMPT, PROMPT + "42"),
        # A tokenizer that normalises.
        ("caf\u00e9?42", "cafe\u0301?", "42"),
        # One that does not keep white space.
        ("How much , then ? 42", "How much, then?", " 42"),
        # A prompt that was cut at the front, in the middle of a character too.
        (PROMPT[9:] + "42", PROMPT, "42"),
        ("\ufffd" + PROMPT[9:] + "42", PROMPT, "42"),
        # Not the second question of a prompt that lost a line, but the whole of it.
        (TWICE.replace("\n\n", "\n") + " 41", TWICE, " 41"),
        (TWICE.replace("\n\n", "\u00c9") + "41", TWICE.replace("\n\n", "E\u0301"), "41"),
        (TWICE[20:] + " 41", TWICE, " 41"),
        ("no prompt, no question", "", "no prompt, no question"),
    ],
)
def test_the_response_is_what_stands_behind_the_prompt(query, prompt, expected):
    assert response(query, prompt) == expected


@pytest.mark.parametrize(
    "query, prompt",
    [
        ("42", PROMPT),
        ("It is 42. " + PROMPT + "41", PROMPT),
        # What is left of the prompt is too little to be sure.
        ("<|im_start|>assistant\n42", PROMPT),
        ("How much? 42", "How many?"),
        # Cut and changed: this may be the first question, and the second no response.
        (TWICE.replace("\n\n", "\n")[20:] + " ", TWICE),
        (TWICE[5:] + " ", TWICE.replace("six times", "six  times", 1)),
    ],
)
def test_no_part_of_a_prompt_is_taken_for_the_response(query, prompt):
    with pytest.raises(NoResponseError):
        response(query, prompt)


def test_an_answer_in_the_prompt_earns_nothing():
    shot = "Example: <think>6 * 7</think><answer>42</answer>\n"
    (found,) = openrlhf.reward("r1-zero").scores([shot + "I do not know."], [shot], ["42"])
    assert found.reward == 0.0
    (found,) = openrlhf.reward("r1-zero").scores([RIGHT], [shot], ["42"])
    assert found.status == "error"
    assert "completion" in found.error.message


def test_an_empty_response_behind_a_prompt_that_says_the_answer_twice_earns_nothing():
    function = openrlhf.reward("math")
    for query in [TWICE + " ", TWICE.replace("\n\n", "\n") + " "]:
        (found,) = function.scores([query], [TWICE], ["42"])
        assert found.reward == 0.0, query
    (found,) = function.scores([TWICE.replace("\n\n", "\n") + "\\boxed{42}"], [TWICE], ["42"])
    assert found.reward == 1.0


def test_the_prompt_may_have_opened_the_thinking():
    prompt = PROMPT + "<think>"
    query = prompt + "6 * 7</think><answer>42</answer><|im_end|>"
    (found,) = openrlhf.reward("r1-zero").scores([query], [prompt], ["42"])
    assert found.reward == 2.0


def test_tensors_as_the_trainer_takes_them():
    torch = pytest.importorskip("torch")
    function = pickle.loads(pickle.dumps(openrlhf.reward("r1-zero")))
    for completion, label, total, right in [
        (RIGHT, "42", 2.0, 1.0),
        (WRONG, "42", 1.0, 0.0),
        (RIGHT, None, 0.0, 0.0),
    ]:
        found = function([PROMPT + completion + "<|im_end|>"], [PROMPT], [label])
        # `_process_response_into_experience` does this with them.
        assert torch.tensor([found["rewards"]]).tolist() == [total]
        assert torch.tensor([found["scores"]]).tolist() == [right]
        logs = {name: value.flatten()[0].item() for name, value in found["extra_logs"].items()}
        assert list(logs) == ["accuracy", "choice", "format", "abstain", "error"]
        assert logs["error"] == float(label is None)


def test_the_spec_of_the_environment(monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setattr(openrlhf, "_of_environment", None)
    monkeypatch.delenv("GOLDSTONE_SPEC", raising=False)
    with pytest.raises(ValueError, match="set GOLDSTONE_SPEC"):
        openrlhf.reward_func([PROMPT + RIGHT], [PROMPT], ["42"])
    monkeypatch.setenv("GOLDSTONE_SPEC", "gsm8k")
    found = openrlhf.reward_func([PROMPT + "#### 42"], [PROMPT], ["42"])
    assert found["rewards"].tolist() == [1.0]


@pytest.mark.parametrize("name", ["score", "reward", "error", "kl"])
def test_a_reward_by_a_name_of_the_trainers_is_refused(name):
    spec = f"version = 1\n[rewards.{name}]\nmath = {{}}\n"
    with pytest.raises(ValueError, match=f"`{name}`, but OpenRLHF keeps"):
        openrlhf.reward(spec)
    assert openrlhf.reward(spec.replace(f".{name}]", f".{name}_reward]"))


def test_accuracy_names_a_reward_that_judges_answers():
    torch = pytest.importorskip("torch")
    with pytest.raises(ValueError, match="`accuracies`.*are: `accuracy`, `choice`"):
        openrlhf.reward("r1-zero", accuracy="accuracies")
    for accuracy, right in [("accuracy", 1.0), ("choice", 0.0)]:
        found = openrlhf.reward("r1-zero", accuracy=accuracy)([PROMPT + RIGHT], [PROMPT], ["42"])
        assert torch.equal(found["scores"], torch.tensor([right]))


def test_a_reward_that_asks_the_length_in_tokens_is_refused():
    pytest.importorskip("torch")
    function = openrlhf.reward("dapo")
    with pytest.raises(ValueError, match="`overlong` asks how long .* OpenRLHF does not tell"):
        function([PROMPT + "Answer: 42"], [PROMPT], ["42"])


def test_nothing_is_solved_where_nothing_is_judged():
    pytest.importorskip("torch")
    spec = "version = 1\n[rewards.tidy]\nweight = 3.0\nrepetition = {}\n"
    function = openrlhf.reward(spec, on_error=5.0)
    found = function([PROMPT + "a " * 40, "something else"], [PROMPT] * 2, ["42"] * 2)
    assert found["scores"].tolist() == [0.0, 0.0]
    assert found["rewards"].tolist() == [pytest.approx(-3.0, abs=0.5), 5.0]
    assert found["extra_logs"]["error"].tolist() == [0.0, 1.0]
    assert found["extra_logs"]["tidy"].tolist()[1] == 0.0
