r"""The rehearsal: a scripted model on 127.0.0.1 that speaks the Responses API over real HTTP.

In a test: `async with Rehearsal.from_text(SCRIPT) as rehearsal:`, then `rehearsal.url` (a base URL), `rehearsal.requests`
(the bodies that came), `rehearsal.complaints` (what was wrong with them; to be empty). A script::

    [[worker]]
    think = "I look at the file first."
    read = "calc.py"

    [[worker]]
    when_input_matches = 'return (?P<left>\w) - (?P<right>\w)'
    patch = '''
    *** Begin Patch
    *** Update File: calc.py
    @@
    -    return ${left} - ${right}
    +    return ${left} + ${right}
    *** End Patch
    '''

    [[worker]]
    say = "Repaired."

From a shell: `python -m assent_core.rehearsal SCRIPT [--port N]` prints its URL and serves until it is ended;
SCRIPT is a file, or the name of a script that lies beside this one (`fix`).

A script is TOML. At its top, all optional:

- `latency` (seconds before the first event, 0), `tokens_per_second` (0: as fast as it goes), `key` (required as
  bearer; other requests get 401), `models` (ids that exist, others get 404; empty: every id exists), `shutdown` (a table
  of ids with the days that the list of models names),
  `encrypted` (false: `include` is refused with 400 as some servers do), `details` (false: usage details are null).

Then steps, `[[worker]]`, `[[scout]]` and `[[reviewer]]`, in order. A request that demands a JSON
schema is the reviewer's (`review`, `judge`) or the scout's, one with tools is the worker's, any other is told by whether its
model is a nano. **The first unused step whose conditions hold
answers and is used up**; the steps it passed over stay. Each conversation (`prompt_cache_key`) goes through the
script on its own. When no step is left, the answer is a plain message that says so.

Conditions (regular expressions, searched): `when_input_matches`, `unless_input_matches` look at what is newest, that is
everything after the last item that came from the model: the user's text, tool outputs; `when_history_matches` looks at
all input; `when_schema_is` is the name of the demanded schema. Named groups are remembered in the conversation and
stand as `${name}` in all texts of this step and the later ones. `repeat = true`: the step is never used up.

The answer, in this order on the wire: `think` (a reasoning item with that summary), `say` (a message) or `json` (a
message that is this JSON), then tool calls: `read`, `search` (a table of arguments, or a text that is the path, the
pattern), `patch` (V4A text, its common indentation removed), `shell` (a table, or a text that is the command),
`call = { name = ..., arguments = table or raw text }`. For several calls of a kind or another order:
`calls = [{ read = "a.py" }, { shell = "ls" }, { read = "b.py" }]`.

`items` (a list of whole output items) takes the place of all that; `usage` (input, cached, output, reasoning) and
`model` are told as they are.

`latency` and `tokens_per_second` can stand in a step. `fault` is a table with any of:

- `status` (an HTTP error instead of a stream), with `body` (table or text), `code` (makes the usual error body), `headers`
- `html = true`: a proxy's page with status 200 (or `status`); `hang_up = true`: the connection closes without an answer,
  `reset = true`: it is reset, `closed = true`: and from then on none is taken until `reopen()`
- `raw = TEXT`: these bytes (as Latin-1) in place of an HTTP answer, then the connection closes; `chatter = true`: a stream of
  comments only, for ever
- `cut_after = N`: the connection breaks after N events; `-1`: before the terminal event
- `end_after = N`: the stream ends properly after N events, without a terminal event; `-1` as above
- `stall_after = N`: nothing more comes after N events; `garbage_after = N`: a line that is not JSON
- `error_after = N` with `code`: an `error` event inside the stream (insufficient_quota if there is no `code`), nested as
  the service sends it, or `flat = true` as it is documented
- `incomplete = REASON`, `failed = CODE`: another terminal event; `duplicate = true`: every event twice
- `unknown = true`: events and fields of the future in between; `malformed = true`: the calls' arguments break off
"""

from assent_core.rehearsal.server import Rehearsal

__all__ = ["Rehearsal"]
