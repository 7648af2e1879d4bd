"""The page shows the comparison, needs nothing but itself, and survives whatever runs are called."""

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from segexp.compare.report.report_files import write_report
from segexp.compare.verdict.comparison import Comparison
from tests.compare.report.runs import CLASSES, HOSTILE, NUM_IMAGES, SECTIONS, compare_folder, run, sweep

FILES = {"report.html", "report.md"} | {
    f"{name}.{kind}" for name in ("variants", "runs", "images") for kind in ("csv", "parquet")
}


class Page(HTMLParser):
    """What a browser would find: tags, what they point to, headings, text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.references: list[str] = []
        self.ids: list[str] = []
        self.headings: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        values = dict(attrs)
        self.references += [values[key] or "" for key in ("src", "href", "xlink:href", "data") if key in values]
        self.ids += [values["id"] or ""] if "id" in values else []

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] in ("style", "script"):
            return
        self.text += data
        if self.tags and self.tags[-1] == "h2" and data.strip():
            self.headings.append(data)


def write_page(comparison: Comparison, folder: Path) -> Page:
    write_report(comparison, folder, "python -m segexp.compare runs=sweep")
    return Page((folder / "report.html").read_text())


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    return sweep(tmp_path_factory.mktemp("sweep"))


@pytest.fixture(scope="module")
def report(comparison: Comparison, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report") / "new"
    assert {path.name for path in write_report(comparison, folder, "python -m segexp.compare runs=sweep")} == FILES
    return folder


@pytest.fixture(scope="module")
def page(report: Path) -> Page:
    return Page((report / "report.html").read_text())


def test_the_page_has_every_section_and_figure(page: Page) -> None:
    assert page.headings == SECTIONS
    assert page.tags.count("svg") == 1 + 2 * 2  # curves; the interval and the mark of both variants
    assert page.tags.count("table") == 9  # verdict, IoU, gains, scores, confusion of two, images, settings, runs


def test_the_page_says_what_is_better_and_what_is_not_significant(page: Page) -> None:
    assert "Better: dice (+" in words(page.text)
    assert "No significant difference" in words(page.text)
    assert "focalbaseline3" in words(page.text)  # cells of one row: its name, what it is, its number of seeds


def test_the_page_refers_to_nothing_but_itself_and_its_tables(page: Page, report: Path) -> None:
    outside = [each for each in page.references if not each.startswith(("#", "data:image/"))]
    assert {*outside} <= FILES
    html = (report / "report.html").read_text()
    assert "@import" not in html
    assert not re.search(r"url\((?!#)", html)
    assert not {*page.tags} & {"link", "iframe", "object", "embed"}
    assert not re.search(r"fetch|XMLHttpRequest|import", html.partition("<script>")[2])


def test_every_reference_within_the_page_leads_somewhere_and_ids_are_of_one_element(page: Page) -> None:
    assert len(page.ids) == len({*page.ids})
    assert {each[1:] for each in page.references if each.startswith("#")} <= {*page.ids}


def test_hostile_names_are_text(page: Page, report: Path) -> None:
    assert HOSTILE in page.text
    assert (report / "report.html").read_text().count("<script") == page.tags.count("script") == 1
    markdown = (report / "report.md").read_text()
    assert "\\<script\\>" in markdown
    rows = [line for line in markdown.splitlines() if line.startswith("|")]
    assert (
        len({len(re.findall(r"(?<!\\)\|", line)) for line in rows}) == 3
    )  # of the verdict, of the classes, of other scores


def test_a_class_that_never_occurs_is_a_dash(page: Page, report: Path) -> None:
    assert "nan" not in page.text.lower()
    assert re.search(r"unicorn – – – ", words(page.text.replace("–", " – ")))
    assert pl.read_parquet(report / "variants.parquet")["iou/unicorn"].null_count() == 3


def test_other_scores_are_means_over_seeds(page: Page, report: Path, comparison: Comparison) -> None:
    seeds = comparison.rows[0].seeds
    expected = f"{sum(0.1 + seed / 100 for seed in seeds) / len(seeds):.4f}"
    table = words(page.text).split("Other scores")[2].partition("not tested")[0]  # the first is in the navigation
    assert expected in table
    assert "boundary" not in table  # scores of single classes are in runs.csv
    assert f"| {expected} |" in (report / "report.md").read_text()


def test_the_largest_changes_of_confusion_are_listed(page: Page) -> None:
    assert re.search(r"true (road|car|sky): predicted \1 0\.\d\d → 0\.\d\d", page.text)


def test_commands_make_the_runs_again(page: Page, report: Path) -> None:
    for text in (page.text, (report / "report.md").read_text()):
        assert "python -m segexp.compare runs=sweep" in text
        assert "python -m segexp.train loss=dice seed=0" in text


def test_two_writes_are_equal_bytes(comparison: Comparison, report: Path, tmp_path: Path) -> None:
    write_report(comparison, tmp_path, "python -m segexp.compare runs=sweep")
    assert [name for name in FILES if (tmp_path / name).read_bytes() != (report / name).read_bytes()] == []


def test_tables_have_a_row_for_each_variant_run_and_image(report: Path) -> None:
    tables = {name: pl.read_parquet(report / f"{name}.parquet") for name in ("variants", "runs", "images")}
    assert {name: len(table) for name, table in tables.items()} == {
        "variants": 3,
        "runs": 9,
        "images": 9 * NUM_IMAGES,
    }
    assert tables["runs"].columns[:4] == ["variant", "seed", "path", "miou"]
    assert {"loss._target_", "iou/car", "ece", "boundary_iou/road"} <= {*tables["runs"].columns}
    assert pl.read_csv(report / "runs.csv")["miou"].to_list() == pytest.approx(tables["runs"]["miou"].to_list())


def test_one_seed_says_that_nothing_can_be_said(tmp_path: Path) -> None:
    page = write_page(sweep(tmp_path / "sweep", num_seeds=1), tmp_path)
    assert "One seed shows no significance" in page.text
    assert "the interval covers images only" in page.text
    before, after = page.text.split("Other scores")[:2]  # in the navigation, then the heading of their table
    assert (before + after).count("one seed") == 6  # of both rows in table and plot, of the best, in the caption


def test_one_variant_alone_is_shown_without_differences(tmp_path: Path) -> None:
    run(tmp_path / "sweep/a", "focal", 0)
    page = write_page(compare_folder(tmp_path / "sweep", baseline=None), tmp_path)
    assert page.headings == SECTIONS
    assert page.tags.count("svg") == 1
    assert "best mIoU" not in page.text


def test_without_histories_there_are_no_curves(tmp_path: Path) -> None:
    for loss in ("focal", "dice"):
        run(tmp_path / "sweep" / loss, loss, 0, with_history=False)
    assert (
        "None of these runs has noted its validation mIoU"
        in write_page(compare_folder(tmp_path / "sweep"), tmp_path).text
    )


def test_runs_that_were_left_out_are_named_with_the_reason(tmp_path: Path) -> None:
    for loss in ("focal", "dice", "hinge"):
        run(tmp_path / "sweep" / loss, loss, 0)
    shutil.rmtree(tmp_path / "sweep/hinge/evaluation")
    page = write_page(compare_folder(tmp_path / "sweep"), tmp_path)
    assert "1 run left out" in words(page.text)
    assert "not evaluated on val" in page.text
    assert "not evaluated on val" in (tmp_path / "report.md").read_text()


def test_many_variants_stay_readable(tmp_path: Path) -> None:
    for number in range(20):
        run(tmp_path / "sweep" / f"{number}", "focal" if number == 0 else f"loss{number}", 0, 0.5 + number / 50)
    page = write_page(compare_folder(tmp_path / "sweep"), tmp_path)
    assert "Dashed: the baseline. Variants shown: 8 of 20;" in words(page.text)
    assert page.tags.count("img") == 8 * (2 + 8 * 2)  # image, truth; prediction and differences of eight variants


def test_a_report_starts_without_torch(tmp_path: Path) -> None:
    for loss in ("focal", "dice"):
        run(tmp_path / "sweep" / loss, loss, 0)
    code = (
        "import sys; from segexp.compare.__main__ import main; main(); "
        "sys.exit('torch was imported' if 'torch' in sys.modules else 0)"
    )
    command = [sys.executable, "-c", code, f"runs={tmp_path / 'sweep'}", "output=new/report"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "new/report").iterdir()} == FILES
    assert "new/report/report.html" in done.stdout


def test_the_classes_are_all_named(page: Page) -> None:
    assert all(name in page.text for name in CLASSES)


def test_the_head_says_what_was_compared_on_what_and_the_best_beside_the_baseline(page: Page, report: Path) -> None:
    title = "Loss comparison, folder val, 3 seeds"
    head = page.text.partition("Verdict")[0]
    assert head.count(title) == 2  # of the window, and the heading
    assert re.search(r"best mIoU0\.\d{4} dice \(\+0\.\d{4}, better\)\nbaseline mIoU0\.\d{4} focal\n", head)
    for fact in ("folder val, 12 images, 4 classes", "as stored", "unknown", "9 (3 variants)"):
        assert fact in head
        assert fact in (report / "report.md").read_text()
    markdown = (report / "report.md").read_text()
    assert re.search(r"\n\nbest mIoU: .* · baseline mIoU: .* · last run finished: .*\n\n- ", markdown)
    assert markdown.startswith(f"# {title}\n")


def test_runs_are_named_below_the_folder_they_have_in_common(page: Page, comparison: Comparison) -> None:
    runs = words(page.text.rpartition("runs used")[2])
    folder = str(next(iter(comparison.variants["loss=focal"].values())).path.parent)
    assert f"Folders below {folder}; trained by segexp at 0123456789." in runs
    assert runs.count(folder) == 1
    assert re.search(r"focal20\.\d{4}focal2 ", runs)  # variant, seed, score, folder


def test_settings_leave_out_what_the_names_of_options_say(page: Page, report: Path) -> None:
    settings = page.text.rpartition("Settings that differ between variants")[2].partition("runs used")[0]
    assert "note" in settings
    assert "_target_" not in settings
    assert "loss._target_" in pl.read_parquet(report / "runs.parquet").columns
