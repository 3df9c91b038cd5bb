"""The transcript is only ever added to, and whole before each request."""

from assent_core.context.transcript import Transcript, image_url, text_of

CALL = {"type": "function_call", "call_id": "c1", "name": "shell", "arguments": "{}"}
OTHER = {"type": "function_call", "call_id": "c2", "name": "shell", "arguments": "{}"}
REASONING = {"type": "reasoning", "id": "r1", "summary": [], "encrypted_content": "opaque"}


def kinds(transcript: Transcript) -> list[object]:
    return [item["type"] for item in transcript.items]


def test_items_of_the_model_are_kept_as_they_came():
    transcript = Transcript()
    transcript.add(REASONING)
    transcript.add(CALL)
    transcript.answer(CALL, "ok")
    assert transcript.items[:2] == (REASONING, CALL)
    assert transcript.items[2]["call_id"] == "c1"


def test_an_interruption_answers_the_calls_that_are_open():
    transcript = Transcript()
    transcript.add(CALL)
    transcript.add(OTHER)
    transcript.answer(CALL, "ok")
    transcript.mend("interrupted")
    assert kinds(transcript) == ["function_call", "function_call", "function_call_output", "function_call_output"]
    assert "interrupted" in str(transcript.items[-1])


def test_reasoning_that_led_nowhere_is_dropped():
    transcript = Transcript()
    transcript.say("hello")
    transcript.add(REASONING)
    transcript.mend("interrupted")
    assert kinds(transcript) == ["message"]


def test_mending_a_whole_transcript_changes_nothing():
    transcript = Transcript()
    transcript.add(REASONING)
    transcript.add(CALL)
    transcript.answer(CALL, "ok")
    before = transcript.items
    transcript.mend("interrupted")
    assert transcript.items == before


def test_a_call_is_answered_once():
    transcript = Transcript()
    transcript.add(CALL)
    transcript.answer(CALL, "first")
    transcript.answer(CALL, "second")
    assert len(transcript.items) == 2


def test_the_text_of_a_message_includes_a_refusal():
    content = [{"type": "output_text", "text": "No: "}, {"type": "refusal", "refusal": "I cannot."}]
    assert text_of({"type": "message", "content": content}) == "No: I cannot."
    assert text_of(CALL) == ""


def test_only_images_of_a_reasonable_size_are_images():
    assert image_url("a.png", b"x") == "data:image/png;base64,eA=="
    assert image_url("a.svg", b"x") == ""
    assert image_url("a.png", b"x" * (6 << 20)) == ""
