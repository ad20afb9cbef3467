"""A cited sentence says what its passage says, or it is marked."""

import pytest

from conversations.citing.supporting import SupportGate, check_support, leave_out, list_statements

ENGLISH = (
    "Our shops > Who is who",
    "Branch manager in Tidewell is Ottilie Brandt; in Carrow, Desmond Achebe. The shop opens at 9 am and closes at "
    "6 pm. Dogs are welcome in the Tidewell shop. Engraved cups cannot be returned unless they are faulty. "
    "The Torre TN-45M weighs 24 kg and costs £1,640.00. We keep parcels for two weeks.",
)
GERMAN = (
    "Bürgerservice > Reisepass",
    "Der Reisepass kostet 70,00 € und gilt zehn Jahre. Das Standesamt leitet Malte Brodersen. "
    "Kinder unter sechs Jahren zahlen im Hallenbad keinen Eintritt. Mit Kreditkarte können Sie nicht bezahlen.",
)


@pytest.mark.parametrize(
    ("sentence", "why"),
    [
        ("Ottilie Brandt is the manager of the Tidewell branch.", ""),
        ("The branch in Carrow is managed by Desmond Achebe.", ""),
        ("Fenella Roe manages the branch in Carrow.", "words"),
        ("The branch in Carrow is managed by Fenella Roe.", "name"),
        ("The shop closes at 6 pm.", ""),
        ("The shop closes at 7 pm.", "number"),
        ("It weighs 24 kg and costs £1640.", ""),
        ("It costs £1,460.", "number"),
        ("The TN-45M weighs 24 kg.", ""),
        ("The TN-46M weighs 24 kg.", "name"),
        ("Parcels are kept for 2 weeks.", ""),
        ("Parcels are kept for three weeks.", "number"),
        ("Dogs are welcome in the Tidewell shop.", ""),
        ("Dogs are not welcome in the Tidewell shop.", "negation"),
        ("Engraved cups can be returned unless they are faulty.", "negation"),
        ("You can't return engraved cups unless they are faulty.", ""),
        ("Whales migrate every summer towards colder arctic waters.", "words"),
        ("Yes.", ""),
    ],
)
def test_english(sentence, why):
    [support] = check_support(f"{sentence} [1]", [ENGLISH], "")
    expected = {"words": {"words", "name"}}.get(why, {why})
    assert support.why in expected


@pytest.mark.parametrize(
    ("sentence", "why"),
    [
        ("Ein Reisepass kostet 70 €.", ""),
        ("Ein Reisepass kostet 37 €.", "number"),
        ("Er gilt 10 Jahre.", ""),
        ("Malte Brodersen leitet das Standesamt.", ""),
        ("Das Standesamt leitet Anna Berger.", "name"),
        ("Mit Kreditkarte können Sie nicht bezahlen.", ""),
        ("Mit Kreditkarte können Sie bezahlen.", "negation"),
        ("Kinder unter sechs Jahren zahlen im Hallenbad Eintritt.", "negation"),
        ("Wale ziehen jeden Sommer durch kalte arktische Gewässer.", "words"),
    ],
)
def test_german(sentence, why):
    [support] = check_support(f"{sentence} [1]", [GERMAN], "")
    assert support.why == why


def test_of_a_translation_numbers_and_codes_are_compared():
    right, wrong = check_support(
        "Die Maschine wiegt insgesamt nicht mehr als 24 kg. [1] Die Maschine wiegt 25 kg. [1]",
        [ENGLISH],
        "",
    )
    assert (right.why, wrong.why) == ("", "number")


def test_what_the_question_names_may_be_repeated():
    answer = "For 30 people at Initech the shop opens at 9 am. [1]"
    assert check_support(answer, [ENGLISH], "Is Initech with 30 people welcome?")[0].is_supported
    assert not check_support(answer, [ENGLISH], "")[0].is_supported


def test_a_sentence_may_rest_on_several_passages():
    answer = "The shop opens at 9 am, and the passport costs 70 €. [1][2]"
    assert check_support(answer, [ENGLISH, GERMAN], "")[0].is_supported
    assert not check_support(answer.replace("[2]", ""), [ENGLISH, GERMAN], "")[0].is_supported


def test_a_mark_stands_before_or_behind_the_full_stop_or_an_item():
    answer = "Hello. It is red [1]. It is blue. [2][3]\n\n- first item [1]\n2. second item [2]\n\nThat is all."
    assert [(each.text, each.numbers) for each in list_statements(answer)] == [
        ("It is red", (1,)),
        ("It is blue.", (2, 3)),
        ("first item", (1,)),
        ("second item", (2,)),
    ]


@pytest.mark.parametrize("answer", ["", "[1]", "No marks at all.", "[1] [2]", "x [9]", "… [1] !"])
def test_any_answer_can_be_checked(answer):
    assert all(each.is_supported for each in check_support(answer, [ENGLISH, GERMAN], ""))


FALSE = "The shop closes at 7 pm"
TRUE = "The shop opens at 9 am"


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        (f"{TRUE}. [1] {FALSE}. [1]", f"{TRUE}. [1]"),
        (f"{FALSE}. [1] {TRUE}. [1]", f"{TRUE}. [1]"),
        (f"{TRUE} [1]. {FALSE} [1]. Ask us.", f"{TRUE} [1]. Ask us."),
        (f"{TRUE} [1], and it closes at 7 pm [1].", f"{TRUE} [1]."),
        (
            f"Hours:\n- {TRUE} [1]\n- {FALSE} [1]\n- {TRUE} [1]",
            f"Hours:\n- {TRUE} [1]\n- {TRUE} [1]",
        ),
        (f"{FALSE}. [1]", ""),
    ],
)
def test_what_is_not_supported_can_be_left_out(answer, left):
    wrong = [each.statement for each in check_support(answer, [ENGLISH], "") if each.why]
    assert leave_out(answer, wrong).strip() == left


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_a_gate_lets_through_what_is_supported_however_the_answer_is_cut(size):
    answer = f"{TRUE}. [1] {FALSE}. [1][2] {TRUE}. [1]\n\nThat is all."
    gate = SupportGate([ENGLISH, GERMAN], "")
    pieces = [gate.feed(answer[at : at + size]) for at in range(0, len(answer), size)]
    assert "".join([*pieces, gate.flush()]) == f"{TRUE}. [1] {TRUE}. [1]\n\nThat is all."
    assert [each.is_supported for each in gate.found] == [True, False, True]


def test_a_gate_shows_a_statement_as_soon_as_it_is_whole():
    gate = SupportGate([ENGLISH], "")
    assert gate.feed(f"{TRUE}. [1]") == ""
    assert gate.feed(" Dogs") == f"{TRUE}. [1]"
