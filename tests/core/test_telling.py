"""What readers of a turn get, and in which order."""

from assent_core.events import Texted, Thought
from assent_core.telling import Telling


def test_a_thought_is_told_whole_before_the_text_that_follows_it():
    telling = Telling(lambda text: text)
    events = (Thought(delta="look it "), Thought(delta="up."), Texted(delta="I would "), Texted(delta="like"))
    told = [heard for event in events for heard in telling(event)]
    kinds = [type(heard) for heard in told]
    assert kinds == sorted(kinds, key=[Thought, Texted].index)
    assert "".join(heard.delta for heard in told if isinstance(heard, Thought)) == "look it up."
