"""Which command lines are checks, so that their exit code is evidence."""

import pytest

from assent_core.consent.checks import hides, is_check

CHECKS = """
pytest -q
python -m pytest
python3 -m unittest -q
cd x && pytest
FOO=1 timeout 60 pytest tests
uv run pytest -q
uv run --with x python -m pytest
poetry run pytest
npx jest
npm test
npm run build
npm run test:unit -- --watch=false
make
make -j4 check
sh -c 'python3 -m unittest'
bash -lc "cd a && pytest -q"
bash -ec 'pytest; echo ok'
set -o pipefail; pytest | tail -5
set -e; pytest; ls
(cd x; pytest) 2>&1
pytest > log 2>&1
time pytest
cargo clippy
go test ./...
ruff check .
black --check .
tsc --noEmit
node --test
tox -e py311
coverage run -m pytest
./scripts/test
python tests/run_tests.py
python manage.py test
""".strip().splitlines()
OTHERS = """
ls
true
cat test.log
echo pytest
grep -r test .
sed -i s/test/x/ tests/a.py
cp test.py b.py
rm -rf build
test -f x
[ -f test ]
git test
python script.py
pip install pytest
npm install
npm run dev
make clean
make -n test
make -i test
cargo run
go run test.go
black .
pytest --collect-only
pytest --help
pytest || true
pytest; ls
pytest | tail -5
! pytest
pytest &
if true; then pytest; fi
for i in 1 2; do pytest && break; done
sh -c 'pytest | tail'
sh -c "echo 'x; pytest'"
$X
sh -c "$X pytest
""".strip().splitlines()


@pytest.mark.parametrize("command", CHECKS)
def test_a_check_is_known_by_what_its_exit_code_says(command: str):
    assert is_check(command)


@pytest.mark.parametrize("command", OTHERS)
def test_what_checks_nothing_or_hides_how_it_ended_is_none(command: str):
    assert not is_check(command)


def test_a_line_too_long_to_be_read_is_no_check():
    assert not is_check("pytest " + "x" * 10_000)


def test_shells_within_shells_are_looked_into_to_a_depth():
    assert is_check("""sh -c "bash -c 'pytest -q'" """)
    assert not is_check("env " * 30 + "pytest")


@pytest.mark.parametrize(
    ("command", "hidden"),
    [
        ("sh -c 'python3 -m unittest 2>&1 | tail -5'", True),
        ("pytest | tee log", True),
        ("pytest", False),
        ("set -o pipefail; pytest | tail", False),
        ("sh -c 'set -o pipefail; pytest | tail'", False),
    ],
)
def test_a_pipe_that_hides_an_exit_code_is_seen(command: str, hidden: bool):
    assert hides(command) is hidden
