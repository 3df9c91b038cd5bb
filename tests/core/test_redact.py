"""Secrets do not leave in text."""

from assent_core.memory.redact import Redactor, secrets_of_env_file, secrets_of_environment


def test_a_known_value_is_taken_out_also_as_json_escapes_it():
    redact = Redactor(['pa"ss\\word'])
    assert redact('it is pa"ss\\word') == "it is [redacted]"
    assert redact(r'{"it": "pa\"ss\\word"}') == '{"it": "[redacted]"}'


def test_the_longer_of_two_values_goes_first():
    assert Redactor(["abcdefgh", "abcdefghij"])("abcdefghij") == "[redacted]"


def test_short_values_stay_because_they_are_common():
    assert Redactor(["true"])("true") == "true"


def test_known_formats_are_taken_out():
    key = "sk-proj-" + "a1B2" * 10
    assert Redactor()(f"key={key}.") == "key=[redacted]."
    pem = "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----"
    assert Redactor()(f"x\n{pem}\ny") == "x\n[redacted]\ny"
    assert Redactor()("AKIA" + "A" * 16) == "[redacted]"


def test_values_added_later_count_too():
    redact = Redactor()
    redact.add(["later-secret"])
    assert redact("a later-secret b") == "a [redacted] b"


def test_secret_sounding_variables_are_secret_and_paths_are_not():
    environment = {"API_KEY": "abcdefghi", "SSH_AUTH_SOCK": "/run/agent", "LANG": "en_US.UTF-8"}
    assert secrets_of_environment(environment) == ("abcdefghi",)


def test_an_env_file_gives_its_secret_values_without_quotes():
    text = 'DEBUG=1\n# OLD_TOKEN=x\nDB_PASSWORD="hunter2hunter2"\nexport GH_TOKEN=abcdef\n'
    assert secrets_of_env_file(text) == ("hunter2hunter2", "abcdef")
