"""What the package offers, and what it answers to honest use and to mistakes."""

from __future__ import annotations

import copy
import doctest
import json
import pickle
from pathlib import Path

import pytest

import goldstone
from conftest import GROUPED


def test_a_right_answer_is_paid_and_a_wrong_one_is_not(scorer, right, wrong):
    score = scorer.score(right)
    assert (score.reward, score.status, score.error) == (2.0, "ok", None)
    assert score.terms["accuracy"].reason == "rational"
    assert score.terms["accuracy"].detail["answer"] == "42"
    score = scorer.score(wrong)
    assert (score.reward, score.terms["accuracy"].verdict) == (1.0, "wrong")


def test_three_outcomes_are_never_mixed(right):
    accuracy = goldstone.Scorer("version = 1\n[rewards.accuracy]\nmath = {}")
    undecided = {"completion": r"\boxed{\int_0^1 x dx}", "reference": "7"}
    score = accuracy.score(undecided)
    assert (score.reward, score.status, score.error) == (None, "abstain", None)
    score = accuracy.score({"completion": "7", "reference": ""})
    assert (score.reward, score.status) == (None, "error")
    assert score.error.kind == "data"
    score = accuracy.score({"completion": "7"})
    assert score.reward is None
    assert score.error.message == "field `/reference` is missing; reward `accuracy` needs it"
    assert (score.error.field, score.error.term) == ("/reference", "accuracy")


def test_a_scorer_says_what_its_spec_is(scorer):
    assert scorer.name
    assert scorer.description
    assert scorer.rewards == ("accuracy", "choice", "format")
    assert scorer.weights == {"accuracy": 1.0, "choice": 1.0, "format": 1.0}
    assert not scorer.needs_groups
    assert len(scorer.sha256) == 64
    assert goldstone.shipped_specs()["r1-zero"] == scorer.text


def test_a_score_is_the_same_as_json_dict_and_pickle(scorer, right):
    score = scorer.score(right)
    assert json.loads(score.to_json()) == score.to_dict()
    assert list(score.to_dict()) == ["id", "group", "reward", "status", "terms"]
    again = pickle.loads(pickle.dumps(score))
    assert (again, hash(again), repr(again)) == (score, hash(score), repr(score))
    assert again.terms["accuracy"].detail == score.terms["accuracy"].detail
    assert goldstone.Score.from_json(score.to_json()) == score
    with pytest.raises(ValueError, match="not the JSON of a score"):
        goldstone.Score.from_json(b"{}")


def test_scores_cannot_be_changed(scorer, right):
    score = scorer.score(right)
    with pytest.raises(AttributeError):
        score.reward = 3.0
    with pytest.raises(TypeError):
        score.terms["accuracy"] = None
    with pytest.raises(AttributeError):
        score.terms["accuracy"].value = 3.0


def test_all_forms_of_a_batch_give_the_same_scores(scorer, right, wrong):
    rows = [right, wrong, right | {"id": "c", "reference": None}]
    expected = scorer.score_batch(rows)
    assert [score.id for score in expected] == ["1", "2", "c"]
    assert [score.reward for score in expected] == [2.0, 1.0, None]
    columns = {
        "completion": [row["completion"] for row in rows],
        "reference": ("42", "42", None),
    }
    assert [s.reward for s in scorer.score_batch(columns)] == [2.0, 1.0, None]
    assert scorer.score_batch(iter(rows)) == expected
    lines = scorer.score_json([json.dumps(row) for row in rows])
    assert lines == [score.to_json() for score in expected]
    assert scorer.score_batch([]) == []
    assert scorer.score_batch({}) == []
    assert scorer.score_json([]) == []


def test_groups_are_scored_whole():
    scorer = goldstone.Scorer(GROUPED)
    assert scorer.needs_groups
    rows = [
        {"group": "a", "completion": r"\boxed{1}", "reference": "1", "n_tokens": tokens}
        for tokens in (100, 300)
    ]
    assert [score.reward for score in scorer.score_batch(rows)] == [1.25, 0.75]
    alone = scorer.score(rows[0])
    assert (alone.reward, alone.terms["brevity"].reason) == (None, "needs_group")


def test_a_grammar_goes_with_the_pickle(tmp_path: Path):
    grammars = Path(__file__).resolve().parents[2] / "examples/grammars"
    for file in grammars.iterdir():
        (tmp_path / file.name).write_text(file.read_text())
    spec = tmp_path / "search.toml"
    spec.write_text(
        'version = 1\n[format]\ngrammar = "search.pest"\nanswer = "answer"\n'
        "[rewards.format]\nformat = {}\n"
    )
    scorer = goldstone.Scorer(spec)
    row = {"completion": "nothing of that form"}
    expected = scorer.score(row)
    pickled = pickle.dumps(scorer)
    for file in tmp_path.iterdir():
        file.unlink()
    again = pickle.loads(pickled)
    assert again.sha256 == scorer.sha256
    assert again.score(row) == expected


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("r1-zer", "there is no spec `r1-zer`; did you mean `r1-zero`?"),
        ("/no/such/spec.toml", "there is no spec `/no/such/spec.toml`"),
        ("/", "cannot read the spec `/`: Is a directory"),
        ("version = 1\nversio = 2", "unknown key `versio`"),
        ("version = 1\n[rewards.a]\nmath = { percnt = 1 }", "did you mean `percent`"),
        ('version = 1\n[format]\ngrammar = "no.pest"\nanswer = "a"', "no.pest"),
    ],
)
def test_a_spec_with_mistakes_is_refused_at_once(spec, said):
    with pytest.raises(goldstone.SpecError) as raised:
        goldstone.Scorer(spec)
    assert said in str(raised.value)
    assert isinstance(raised.value, (goldstone.GoldstoneError, ValueError))


@pytest.mark.parametrize("mistake", [None, 7, b"r1-zero", ["r1-zero"]])
def test_a_spec_is_a_text_or_a_path(mistake):
    with pytest.raises(TypeError, match="a spec is a name"):
        goldstone.Scorer(mistake)


@pytest.mark.parametrize("jobs", [-1, 1.5, "2", True, 1025])
def test_jobs_are_a_number(jobs):
    with pytest.raises(ValueError, match="jobs"):
        goldstone.Scorer("r1-zero", jobs=jobs)


def test_one_answer_is_judged_as_the_command_does():
    verdict = goldstone.verify_math("0.5", r"\frac{1}{2}")
    assert verdict
    assert (verdict.outcome, verdict.reason, verdict.gold) == ("correct", "rational", "1/2")
    verdict = goldstone.verify_math("10%", "10")
    assert not verdict
    assert (verdict.outcome, verdict.credit) == ("wrong", 0.0)
    assert goldstone.verify_math("12", r"So it is \boxed{12}.", response=True)
    # What nobody can decide is not true.
    verdict = goldstone.verify_math("7", r"\int_0^1 x dx")
    assert (bool(verdict), verdict.outcome) == (False, "unknown")
    assert goldstone.verify_math("28%", "28", percent="bare_if_reference_percent")
    with pytest.raises(goldstone.BadReferenceError, match="holds no answer"):
        goldstone.verify_math("", "1")
    with pytest.raises(goldstone.OptionError, match="unknown field `percnt`"):
        goldstone.verify_math("1", "1", percnt="value")
    with pytest.raises(goldstone.OptionError, match="no JSON form"):
        goldstone.verify_math("1", "1", fuel=float("nan"))
    with pytest.raises(TypeError, match="`gold` is a string"):
        goldstone.verify_math(1, "1")


def test_a_language_is_measured():
    german = "Wir addieren beide Zahlen und teilen dann durch ihre Anzahl."
    assert goldstone.language(german, "de").value == 1.0
    assert goldstone.language(german, "en").value == 0.0
    found = goldstone.language("$x^2$", "de")
    assert (found.value, found.reason) == (None, "no_words")
    with pytest.raises(goldstone.OptionError, match="klingon"):
        goldstone.language(german, "klingon")
    with pytest.raises(goldstone.OptionError, match="unknown field"):
        goldstone.language(german, "de", min_word=3)


def test_a_completion_is_parsed():
    parsed = goldstone.parse("<think>2 + 2</think> <answer> 4 </answer>")
    assert parsed
    assert (parsed.think, parsed.answer, parsed.tag_score) == ("2 + 2", "4", 1.0)
    parsed = goldstone.parse("<think>2 + 2</think> <answer>4</answer> or 5")
    assert not parsed
    assert (parsed.answer, parsed.violation) == (None, "trailing_text")
    with pytest.raises(goldstone.OptionError, match="unknown variant `r2`"):
        goldstone.parse("4", "r2")


def test_the_examples_of_the_documentation():
    for module in (goldstone, goldstone._scorer, goldstone._functions):
        failures, tried = doctest.testmod(module)
        assert failures == 0
        assert tried > 0


def test_what_nobody_can_decide_may_pay_as_what_is_wrong():
    spec = "version = 1\n[rewards.accuracy]\nmath = { wrong = -1.0 }"
    row = {"completion": r"\boxed{\int_0^1 x dx}", "reference": "7"}
    assert goldstone.Scorer(spec).score(row).reward is None
    scorer = pickle.loads(pickle.dumps(goldstone.Scorer(spec, unknown="wrong")))
    assert scorer.score(row).reward == -1.0
    assert scorer.score({"completion": "7"}).reward is None
    with pytest.raises(ValueError, match="unknown is 'right'"):
        goldstone.Scorer(spec, unknown="right")


def test_what_a_spec_says_of_its_total():
    assert goldstone.Scorer("r1-zero").solvers == ("accuracy", "choice")
    assert goldstone.Scorer("r1-zero").adds_up
    clipped = "version = 1\n[combine]\nclip = [0.0, 1.0]\n[rewards.accuracy]\nmath = {}"
    assert not goldstone.Scorer(clipped).adds_up


def test_parts_of_a_score_go_into_pickles(scorer, right):
    term = scorer.score(right).terms["accuracy"]
    error = scorer.score({"reference": "42"}).error
    for copied in (pickle.loads(pickle.dumps(term)), copy.deepcopy(term)):
        assert repr(copied) == repr(term)
        assert (copied.verdict, copied.detail) == ("correct", term.detail)
    for copied in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):
        assert (copied.kind, copied.message) == (error.kind, error.message)
        assert (copied.field, copied.term) == ("/completion", None)


def test_half_of_a_surrogate_pair_is_read_as_rows_are(scorer):
    text = "\ud83d\ude00 \ud800"
    assert goldstone.verify_math("1", text).outcome == "wrong"
    assert goldstone.verify_math("1", "1\ud800").outcome != "correct"
    assert goldstone.parse(text).at == scorer.score({"completion": text}).terms["format"].detail["at"]
    assert goldstone.parse(f"<think>{text}</think><answer>4</answer>").answer == "4"
    assert goldstone.run_code(text, completion=True).verdict == "no_answer"
