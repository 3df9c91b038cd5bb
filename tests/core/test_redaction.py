"""Secrets do not leave in text."""

import json
import tracemalloc
from pathlib import Path

import pytest

from assent_core.consent.ledger import Entry, Grant, Ledger
from assent_core.events import Performed, Prompted, Said, Staged, Texted, Thought
from assent_core.redaction.formats import formats
from assent_core.redaction.known import (
    secrets_of_env_file,
    secrets_of_environment,
    secrets_of_folder,
    secrets_of_remotes,
)
from assent_core.redaction.redactor import Flow, Redactor, by_lines, by_words
from assent_core.redaction.values import redacted, redacted_item
from assent_core.telling import Telling
from assent_sandbox.policy import Widening

KEYS = {
    "OpenAI, Anthropic, DeepSeek and others": "sk-proj-" + "a1B2" * 10,
    "GitHub": "ghp_" + "a1B2" * 9,
    "GitLab": "glpat-" + "a1B2" * 5,
    "AWS access key ids": "AKIA" + "A1B2" * 4,
    "AWS secret access keys, by the name before them": "aws_secret_access_key = " + "a1B/" * 10,
    "Google API keys": "AIza" + "a1B2-" * 7,
    "Google OAuth client secrets": "GOCSPX-" + "a1B2" * 7,
    "Slack": "xoxb-" + "1234-" * 5 + "abc",
    "Slack webhooks": "hooks.slack.com/services/T" + "A1B2" * 2 + "/B" + "A1B2" * 2 + "/" + "a1B2" * 6,
    "Stripe": "sk_live_" + "a1B2" * 6,
    "npm": "npm_" + "a1B2" * 9,
    "PyPI": "pypi-AgEIcHlwaS5vcmc" + "a1B2" * 12,
    "Hugging Face": "hf_" + "aBcD" * 9,
    "SendGrid": "SG." + "a" * 22 + "." + "b" * 43,
    "Groq": "gsk_" + "a1B2" * 13,
    "DigitalOcean": "dop_v1_" + "a1b2" * 16,
    "Docker Hub": "dckr_pat_" + "a1B2" * 7,
    "HashiCorp Vault": "hvs." + "a1B2" * 7,
    "Grafana": "glsa_" + "a1B2" * 8 + "_1a2b3c4d",
    "Databricks": "dapi" + "a1b2" * 8,
    "Telegram bots": "123456789:AA" + "a1B" * 11,
    "Azure storage and service bus, by the name before them": "AccountKey=" + "a1B/" * 21 + "==",
    "age": "AGE-SECRET-KEY-1" + "A1B2" * 14,
    "JSON web tokens": "eyJ" + "a1B2" * 5 + ".eyJ" + "a1B2" * 5 + "." + "a1B2" * 5,
    "private keys in PEM": "-----BEGIN RSA PRIVATE KEY-----\n" + "a1B2" * 16 + "\n-----END RSA PRIVATE KEY-----",
}
KEYS |= {
    "Heroku": "HRKU-AA" + "a1B2" * 14,
    "Shopify": "shpat_" + "a1B2" * 8,
    "Atlassian": "ATATT3xFfGF0" + "a1B2" * 40 + "=1A2B3C4D",
    "xAI": "xai-" + "a1B2" * 20,
    "Replicate": "r8_" + "a1B2" * 9 + "c",
    "Perplexity, NVIDIA, Cerebras and Fireworks": "pplx-" + "a1B2" * 12,
    "Notion": "ntn_" + "a1B2" * 11 + "ab",
    "Linear": "lin_api_" + "a1B2" * 10,
    "Figma": "figd_" + "a1B2" * 10,
    "Postman": "PMAK-" + "a1b2" * 6 + "-" + "a1b2" * 8 + "ab",
    "Pulumi": "pul-" + "a1b2" * 10,
    "RubyGems": "rubygems_" + "a1b2" * 12,
    "crates.io": "cio" + "a1B2" * 8,
    "Sentry": "sntryu_" + "a1b2" * 16,
    "Square": "EAAA" + "a1B2" * 15,
    "Twilio": "SK" + "a1b2" * 8,
    "Mailgun": "key-" + "a1b2" * 8,
    "Mailchimp": "a1b2" * 8 + "-us11",
    "New Relic": "NRAK-" + "A1B2" * 6 + "A1B",
    "Dynatrace": "dt0c01." + "A1B2" * 6 + "." + "A1B2" * 16,
    "Airtable": "pat" + "a1B2" * 3 + "a1." + "a1b2" * 16,
    "Discord webhooks": "discord.com/api/webhooks/123456789012345678/" + "a1B2" * 17,
    "Terraform Cloud": "a1B2" * 3 + "a1.atlasv1." + "a1B2" * 17,
    "Google OAuth access tokens": "ya29." + "a1B2" * 10,
    "Artifactory": "AKC" + "a1B2" * 17,
    "SonarQube": "squ_" + "a1b2" * 10,
    "Supabase and Doppler": "sbp_" + "a1b2" * 10,
    "Fly.io": "fm2_" + "a1B2" * 25,
    "PlanetScale": "pscale_tkn_" + "a1B2" * 10,
    "Netlify, CircleCI and Buildkite": "nfp_" + "a1B2" * 10,
    "1Password": "ops_eyJ" + "a1B2" * 60,
    "Tailscale": "tskey-auth-" + "a1B2" * 4 + "-" + "a1B2" * 6,
    "Cloudflare": "cfat_" + "a1B2" * 12,
    "Azure client secrets": "abc8Q~" + "a1B2" * 8,
    "Vercel": "vcp_" + "a1B2" * 6,
}
KEY = "Zq7-vR2mXw9tLb4e"
AMONG = {
    "passwords in URLs": ("https://ada:", "@example.org/x.git"),
    "passwords with marks of their own in URLs": ("postgres://ada:a/", "@db.example.org:5432/x"),
    "keys in the place of a user in URLs": ("https://Zq7", "a1B2c3@example.org/x.git"),
    "Authorization headers": ('-H "Authorization: Basic ', '" https://example.org'),
    "Bearer tokens": ("sent Bearer ", " twice"),
    "headers that hold a key": ("X-Api-Key: ", "\nHost: x"),
    ".npmrc": ("//registry.example.org/:_authToken=", "\n"),
    ".pypirc": ("[pypi]\nusername = ada\npassword = ", "\n"),
    ".netrc": ("machine example.org\n  login ada\n  password ", "\nmachine other"),
    "passwords given to curl": ("curl -s -u ada:", " https://example.org"),
    "passwords in connection strings": ("Server=db;User=ada;Password=", ";Timeout=3"),
    "passwords of Go data sources": ('"ada:', '@tcp(db:3306)/x"'),
    "Heroku, by the name before them": ("HEROKU_API_KEY=", " set"),
}
"""What stands before and behind a key that is known by what is around it."""
UUID = "0a1b2c3d-4e5f-6a7b-8c9d-0e1f2a3b4c5d"


def among(of: str) -> tuple[str, str]:
    """A text that holds a key of a format among other words, and the key."""
    before, after = AMONG[of]
    key = UUID if of.startswith("Heroku") else KEY
    return f"{before}{key}{after}", key


HARMLESS = """
.sk-fading-circle-of-many-words { risk-assessment-2024-for-everybody: task-0123456789-and-so-on; }
import disk_usage_of_sk_learn; digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
if text.startswith("-----BEGIN RSA PRIVATE KEY-----"): load(text)
const eyJustATest = "eyJhbGciOiJub25lIn0"; sha = "sha512-Ab1/" + "x"; uuid = 123e4567-e89b-12d3-a456-426614174000
npm_config_registry=https://registry.example.org hf_hub_download SG.size AKIAS AIzawa MAKIAFOOBARBAZ12345678
"""


def test_a_known_value_is_taken_out_also_as_json_or_a_url_writes_it():
    redact = Redactor(['pa"ss\\word'])
    assert redact('it is pa"ss\\word') == "it is [redacted]"
    assert redact(r'{"it": "pa\"ss\\word"}') == '{"it": "[redacted]"}'
    assert redact("https://me:pa%22ss%5Cword@host") == "https://me:[redacted]@host"


def test_the_longer_of_two_values_goes_first():
    assert Redactor(["abcdefgh", "abcdefghij"])("abcdefghij") == "[redacted]"


def test_short_values_and_the_mark_itself_stay():
    assert Redactor(["true", "redacted"])("true [redacted]") == "true [redacted]"


@pytest.mark.parametrize("of", KEYS)
def test_a_key_of_each_format_is_taken_out_wherever_it_stands(of):
    key = KEYS[of]
    first = key.split("\n")[0]
    for before, after in (
        ("", ""),
        ("key=", "."),
        ('"', '"'),
        ("\x1b[32m", "\x1b[0m"),
        ("a b\\n", " c"),
        ("%3D", "&x=1"),
    ):
        clean = Redactor()(f"{before}{key}{after}")
        assert clean.startswith(f"{before}[redacted]"), clean
        assert first not in clean
        assert clean.endswith(after)


def test_every_format_names_its_source():
    assert all(one.source.startswith("https://") for one in formats())
    assert {one.of for one in formats()} == {*KEYS, *AMONG}


@pytest.mark.parametrize("of", AMONG)
def test_a_key_among_other_words_is_taken_out_and_they_stay(of):
    text, key = among(of)
    for before, after in (("", ""), ("\x1b[32m", "\x1b[0m"), ("a b\n", " c")):
        clean = Redactor()(f"{before}{text}{after}")
        assert key not in clean and "[redacted]" in clean, clean
        assert clean.startswith(before + AMONG[of][0][:8]) and clean.endswith(AMONG[of][1][-6:] + after)
        assert Redactor()(clean) == clean


@pytest.mark.parametrize("of", AMONG)
@pytest.mark.parametrize("ends", [by_lines, by_words])
@pytest.mark.parametrize("size", [1, 3, 17, 64])
def test_a_key_among_other_words_is_never_given_on_in_pieces(of, ends, size):
    redact, (text, key) = Redactor(), among(of)
    whole = f"it said so:\n{text}\nand so on, at the end of it\n"
    flow = Flow(redact, ends)
    pieces = [flow.feed(whole[at : at + size]) for at in range(0, len(whole), size)]
    assert "".join(pieces) + flow.end() == redact(whole)
    assert key not in redact(whole)


PLACEHOLDERS = """
https://user:password@host/ https://x-access-token:${GITHUB_TOKEN}@github.com/ postgres://postgres:postgres@db/x
https://<user>:<password>@host redis://:{password}@cache amqp://guest:guest@mq https://u:%(password)s@h https://me:xxx@h
Authorization: Bearer ${TOKEN} "Authorization": f"Bearer {token}" headers["Authorization"] = "Bearer " + token
Authorization: Bearer YOUR_TOKEN Authorization: Basic <credentials> an authorization token is needed
//registry.example.org/:_authToken=${NPM_TOKEN} self._password = password; _auth = read(x)
machine learning needs a password that is long; default login and password for it
curl -u user:$PASS https://example.org; curl -u "$USER:$PASS"; Password=${DB_PASSWORD};
heroku: run the app; cache-key: v1-linux-0123456789abcdef; restore-token: none
ssh://git@github.com/a/b git@github.com:a/b.git http://[::1]:8080/@scope/name http://localhost:3000/@fs/x.js
"""


def test_words_and_variables_that_stand_for_a_key_are_left_alone():
    assert Redactor()(PLACEHOLDERS) == PLACEHOLDERS


def test_passwords_of_remotes_are_known_values_as_they_are_written_and_meant():
    said = "\0".join(
        (
            "remote.origin.url\nhttps://ada:en%20gine-1843@example.org/x.git",
            "remote.up.pushurl\nhttps://a1B2c3D4e5F6g7H8i9J0@example.org/y.git",
            "url.https://x:inside-of-1@example.org/.insteadof\nexample:",
            "http.https://example.org/.extraheader\nAUTHORIZATION: basic QWxhZGRpbjpvcGVu",
            "remote.ssh.url\ngit@example.org:x.git",
            "remote.bad.url\nhttp://[bad",
        )
    )
    assert set(secrets_of_remotes(said)) == {
        "en%20gine-1843", "en gine-1843", "a1B2c3D4e5F6g7H8i9J0", "inside-of-1", "QWxhZGRpbjpvcGVu",
    }  # fmt: skip


def test_code_and_names_that_only_look_like_keys_are_left_alone():
    assert Redactor()(HARMLESS) == HARMLESS


def test_lines_keep_their_numbers():
    pem = KEYS["private keys in PEM"]
    clean = Redactor(["two\nlines of it"])(f"1\n{pem}\n4\ntwo\nlines of it\n7")
    assert clean.split("\n")[3:5] == ["", "4"] or clean.split("\n")[3] == "4"
    assert clean.count("\n") == f"1\n{pem}\n4\ntwo\nlines of it\n7".count("\n")
    assert "a1B2" not in clean and "two" not in clean


def test_values_added_later_count_too():
    redact = Redactor()
    redact.add(["later-secret"])
    assert redact("a later-secret b") == "a [redacted] b"


def test_variables_are_secret_by_their_names_and_paths_words_and_names_of_people_are_not():
    environment = {
        "API_KEY": "abcdefghi1",
        "SSH_AUTH_SOCK": "/run/agent",
        "LANG": "en_US.UTF-8",
        "GIT_AUTHOR_NAME": "Ada Lovelace",
        "KEYBOARD_LAYOUT": "de-latin1-nodeadkeys",
        "AUTH_MODE": "required",
        "DATABASE_URL": "postgres://ada:engine-1843@db.example.org/x",
    }
    found = secrets_of_environment(environment)
    assert found == ("abcdefghi1", "engine-1843", "postgres://ada:engine-1843@db.example.org/x")


def test_an_env_file_gives_its_secret_values_without_quotes_and_comments():
    text = (
        "DEBUG=1\n# OLD_TOKEN=xxxxxxxxxx\nDB_PASSWORD=\"hunter2hunter2\"\nexport GH_TOKEN='abc def 12'\nNODE_ENV=development\n"
        'A_KEY=with-comment-1 # of it\nPEM_KEY="one\\ntwo three"\nNAMELESS=Zm9vYmFyYmF6cXV4cXV1eA1\nREGION=eu-west-1\n'
    )
    assert secrets_of_env_file(text) == (
        "hunter2hunter2", "abc def 12", "with-comment-1", "one\\ntwo three", "one\ntwo three", "Zm9vYmFyYmF6cXV4cXV1eA1",
    )  # fmt: skip


def test_env_files_are_found_in_folders_and_examples_are_passed_over(tmp_path: Path):
    for name, value in ((".env", "root-secret"), ("api/.env.local", "deep-secret"), (".env.example", "put-yours-here")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"THE_SECRET={value}\n")
    (tmp_path / ".envrc").symlink_to(tmp_path / "nowhere")
    assert secrets_of_folder(tmp_path, (".env.example",)) == ("root-secret", "deep-secret")


@pytest.mark.parametrize("ends", [by_lines, by_words])
@pytest.mark.parametrize("size", [1, 3, 7, 64])
def test_what_comes_in_pieces_comes_out_as_if_it_were_whole(ends, size):
    redact = Redactor(["several words as one secret", "line one\nline two"])
    pem = KEYS["private keys in PEM"]
    text = f"it is several words as one secret and {KEYS['GitHub']}, then\n{pem}\nline one\nline two\nline one again\nthe end"
    flow = Flow(redact, ends)
    pieces = [flow.feed(text[at : at + size]) for at in range(0, len(text), size)]
    assert "".join(pieces) + flow.end() == redact(text)


def test_a_line_without_an_end_is_given_on_and_no_key_in_it_is_cut():
    flow = Flow(Redactor(), by_lines)
    key = KEYS["GitHub"]
    given = [
        flow.feed(" ".join(["x" * 100] * 700)),
        flow.feed(f" y={key[:10]}"),
        flow.feed(f"{key[10:]} z" + "." * 70_000),
    ]
    assert len(given[0]) > 65_000
    whole = "".join(given) + flow.end()
    assert key not in whole and key[:10] not in whole
    assert "y=[redacted] z" in whole


def test_memory_is_in_proportion_to_the_text_and_what_nearly_matches_takes_no_longer():
    redact = Redactor([f"value-number-{number}" for number in range(20)])
    for piece in (
        "an ordinary line of a log\n",
        "sk-",
        "eyJ",
        "eyJ.",
        "-----BEGIN PRIVATE KEY-----",
        "AKIA",
        "ghp_a",
        "://a:",
        "://",
        "Authorization: ",
        "Bearer ",
        "machine a login ",
        "[a]\nusername = b\n",
        "curl -u a",
        "-token: ",
        "_auth=",
        "A1B2",
        "heroku",
    ):
        text = piece * ((1 << 19) // len(piece))
        tracemalloc.start()
        redact(text)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 4 * len(text) + (1 << 20), piece


def test_a_value_of_events_is_cleaned_field_by_field_and_its_own_words_stay():
    redact = Redactor(["performed", "prompted"])
    event = Performed(id="1", ok=True, told="it was performed", paths=("a/prompted.txt",))
    clean = redacted(event, redact)
    assert clean == Performed(id="1", ok=True, told="it was [redacted]", paths=("a/[redacted].txt",))
    assert redacted(clean, redact) is clean


def test_items_on_the_wire_keep_what_a_service_must_get_back_and_arguments_stay_json():
    key = KEYS["GitHub"]
    item = {
        "type": "function_call",
        "call_id": key,
        "encrypted_content": key,
        "arguments": json.dumps({"command": f'echo "{key}"', "more": [key]}),
    }
    clean = redacted_item(item, Redactor())
    assert clean["call_id"] == clean["encrypted_content"] == key
    assert json.loads(clean["arguments"]) == {"command": 'echo "[redacted]"', "more": ["[redacted]"]}
    assert redacted_item({"content": [{"type": "input_text", "text": key}]}, Redactor()) == {
        "content": [{"type": "input_text", "text": "[redacted]"}]
    }
    assert redacted_item({"arguments": f"half {key}"}, Redactor()) == {"arguments": "half [redacted]"}


def test_readers_get_words_of_a_stream_whole_and_nothing_of_a_secret():
    telling = Telling(Redactor(["open sesame"]))
    events = [Texted(delta=piece) for piece in ("The wo", "rd is op", "en ses", "ame, they", " said")]
    told = [shown for event in (*events, Said(text="The word is open sesame, they said")) for shown in telling(event)]
    assert "".join(one.delta for one in told[:-1]) == "The word is [redacted], they "
    assert told[-1] == Said(text="The word is [redacted], they said")
    thoughts = [
        shown for event in (Thought(delta="hm"), Staged(paths=(), added=0, removed=0)) for shown in telling(event)
    ]
    assert thoughts == [Thought(delta="hm"), Staged(paths=(), added=0, removed=0)]
    assert list(telling(Prompted(turn=1, text="open sesame"))) == [Prompted(turn=1, text="[redacted]")]


def test_the_ledger_keeps_no_secret_but_what_a_grant_is_for(tmp_path: Path):
    ledger = Ledger(tmp_path / "ledger", Redactor(["open sesame"]))
    wide = Widening("host", "open sesame:443")
    ledger.append(
        Entry(
            time=1, session="s", root="/r", what="say open sesame", widenings=(wide,), allowed=True, by="user", why=""
        )
    )
    ledger.append(Grant(id="g", widening=wide, scope="project", root="/r", time=1, until=2e10, why="open sesame"))
    assert ledger.grants("/r")[0].widening == wide
    assert (tmp_path / "ledger").read_text().count("open sesame") == 1
