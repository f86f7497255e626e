"""The command that loads a brand: what it prints, and how it ends."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from app.operators.passwords import is_password
from scripts.import_brand import main
from tests.brands import KEY, LANXU, copy_lanxu, edit


@pytest.fixture
def brand_dir(tmp_path: Path) -> Path:
    return copy_lanxu(tmp_path)


@pytest.fixture
def environment(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("SECRET_KEY", KEY)


def rows_of(database_url: str, table: str) -> int:
    engine = create_engine(database_url)
    with engine.connect() as connection:
        count = connection.execute(text(f"select count(*) from {table}")).scalar_one()
    engine.dispose()
    return int(count)


@pytest.mark.usefixtures("environment")
def test_the_command_counts_and_then_says_that_nothing_changed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(LANXU)]) == 0
    first = capsys.readouterr()
    assert "stores         11 new      0 changed      0 as before\n" in first.out
    assert first.err == ""
    assert main([str(LANXU)]) == 0
    assert "stores          0 new      0 changed     11 as before\n" in (second := capsys.readouterr().out)
    assert second.endswith("Nothing changed: everything was there already.\n")


@pytest.mark.usefixtures("environment")
def test_a_dry_run_counts_and_keeps_nothing(database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(LANXU), "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "skus           18 new" in out
    assert out.endswith("This was a dry run: nothing was kept.\n")
    assert (rows_of(database_url, "store"), rows_of(database_url, "stock_movement")) == (0, 0)


@pytest.mark.usefixtures("environment")
def test_bad_rows_end_with_1_and_nothing_is_loaded(
    database_url: str, brand_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(brand_dir, "stores.csv", ("22.5172,", "96.1,"))
    edit(brand_dir, "stock.csv", ("AP-1001-M,SZ-FT,3,1", "AP-1001-M,SZ-FT,three,1"))
    assert main([str(brand_dir)]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "stores.csv line 3: lat must be between -90 and 90, got '96.1'",
        "stock.csv line 2: on_hand must be a whole number, got 'three'",
        "2 problem(s); nothing was loaded.",
    ]
    assert rows_of(database_url, "store") == 0


@pytest.mark.usefixtures("environment")
def test_a_refusal_of_a_room_ends_with_1(brand_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(LANXU)]) == 0
    edit(brand_dir, "clerks.csv", ("C-SZFT-02,陈嘉豪", "C-SZFT-09,陈嘉豪"))
    assert main([str(brand_dir)]) == 1
    assert capsys.readouterr().err == (
        "A phone of the list belongs to clerk C-SZFT-02, who is not in it. Nothing was loaded.\n"
    )


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("DATABASE_URL", "", "DATABASE_URL is not set."),
        ("DATABASE_URL", "mysql://x", "DATABASE_URL must begin with postgresql://."),
        ("DATABASE_URL", "postgresql://127.0.0.1:1/x", "The database cannot be reached: "),
        (
            "SECRET_KEY",
            "",
            "SECRET_KEY must have at least 32 characters; make one with: openssl rand -hex 32.",
        ),
        (
            "SECRET_KEY",
            "changeme" * 8,
            "SECRET_KEY looks like a sample; make one with: openssl rand -hex 32.",
        ),
    ],
)
@pytest.mark.usefixtures("environment")
def test_what_stands_in_the_way_is_one_sentence_and_ends_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)
    assert main([str(LANXU)]) == 2
    err = capsys.readouterr().err
    assert err.startswith(sentence)
    assert err.count("\n") == 1


def test_no_directory_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "nowhere")]) == 2
    assert capsys.readouterr().err == f"{tmp_path / 'nowhere'} is not a directory.\n"


def test_a_database_without_tables_is_one_sentence(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = database_url.rpartition("/")[0] + "/postgres"
    monkeypatch.setenv("DATABASE_URL", empty)
    monkeypatch.setenv("SECRET_KEY", KEY)
    assert main([str(LANXU)]) == 2
    assert capsys.readouterr().err == (
        "The database has no tables yet: run python scripts/migrate.py first.\n"
    )


@pytest.mark.usefixtures("environment")
def test_passwords_of_new_operators_are_kept_for_their_owner_only_and_open_the_accounts(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "operators.txt"
    kept.write_text("O-OLD abc\nO-FIN stale\n")
    assert main([str(LANXU), "--dry-run", "--passwords", str(kept)]) == 0
    assert kept.read_text() == "O-OLD abc\nO-FIN stale\n"
    assert main([str(LANXU), "--passwords", str(kept)]) == 0
    assert kept.stat().st_mode & 0o777 == 0o600
    passwords = dict(line.split() for line in kept.read_text().splitlines())
    assert list(passwords) == ["O-FIN", "O-OLD", "O-OWNER", "O-SZFT", "O-WF1"]
    told = capsys.readouterr().out
    assert f"passwords of the new operators are in {kept}\n" in told
    assert not any(password in told for password in passwords.values())
    engine = create_engine(database_url)
    with engine.connect() as connection:
        rows = connection.execute(text("select code, password_hash, password_is_initial from operator")).all()
        audited = connection.execute(
            text("select count(*) from audit_entry where action = 'operator.create'")
        ).scalar()
    engine.dispose()
    assert all(is_password(passwords[row.code], row.password_hash) for row in rows)
    assert ({row.password_is_initial for row in rows}, audited) == ({False}, 4)
    assert main([str(LANXU), "--passwords", str(kept)]) == 0
    assert dict(line.split() for line in kept.read_text().splitlines()) == passwords


@pytest.mark.usefixtures("environment")
def test_without_a_file_passwords_are_told_once_and_must_be_changed(
    database_url: str, brand_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(brand_dir)]) == 0
    assert "  O-OWNER  " in capsys.readouterr().out
    assert rows_of(database_url, "operator where password_is_initial") == 4
    edit(brand_dir, "operators.csv", ("FINANCE,,", "OWNER,,"))
    assert main([str(brand_dir)]) == 0  # a file gives nobody more than an owner did
    assert "O-OWNER" not in capsys.readouterr().out
    assert rows_of(database_url, "operator where role = 'OWNER'") == 1


@pytest.mark.usefixtures("environment")
def test_a_file_that_cannot_be_written_loads_nothing(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = tmp_path / "nowhere" / "operators.txt"
    assert main([str(LANXU), "--passwords", str(nowhere)]) == 2
    assert capsys.readouterr().err == (
        f"{nowhere} cannot be written (No such file or directory). Nothing was loaded.\n"
    )
    assert (rows_of(database_url, "store"), rows_of(database_url, "operator")) == (0, 0)
