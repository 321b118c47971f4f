"""The directives and roles of the book, in a small book of their own."""

import base64
import io
import json
import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image
from sphinx.testing.util import SphinxTestApp

from cnncourse import settings
from cnncourse.analysis import diagram
from cnncourse.models import LeNet5, SeminarMLP
from cnncourse.quiz import questions

ROOT = Path(__file__).parents[2]
EXTENSIONS = ["myst_nb", "sphinx_design", "results_pages", "speed_page", "weights_table", "chapters", "architecture"]
EXTENSIONS += ["curves", "networks", "slides", "chapter_output", "drawing_pad", "progress"]
SETTINGS = {"data": "FashionMNIST", "batch_size": 512}
ENVIRONMENT = {"torch": "2.13.0", "device": "cpu", "cpu": "A processor"}
MEASURED = {
    "environment": ENVIRONMENT,
    "import_seconds": 0.124,
    "level": 0.994,
    "train": 48000,
    "shares": {"aten::bernoulli_": {"textbook": 0.254}},
    "comparison": "It took 2.0 times as long.",
    "ratios": {"`fit`": {"LeNet5": {"median": 1.024}}, "skorch": {"LeNet5": {"median": 1.046}}},
    "histories": {"course": [{"accuracy": 0.97}, {"accuracy": 0.9937}]},
}


def result(name, accuracies, epochs=2):
    epoch = {"train_loss": 0.5, "train_accuracy": 0.8, "valid_loss": 0.4, "valid_accuracy": 0.9}
    history = [{**epoch, "epoch": 1, "seconds": 2}, {**epoch, "epoch": 2, "seconds": 4}]
    return {
        "recipe": name,
        "settings": SETTINGS,
        "parameters": 61706,
        "runs": [
            {
                "seed": seed,
                "environment": ENVIRONMENT,
                "history": history[:epochs],
                "test": {"loss": 0.3, "accuracy": accuracy},
            }
            for seed, accuracy in enumerate(accuracies)
        ],
    }


@pytest.fixture
def build(tmp_path, monkeypatch):
    """Builds a page of Markdown, and notebooks by name, beside two results; returns all HTML and the warnings."""
    results = tmp_path / "results" / "recipes"
    results.mkdir(parents=True)
    (tmp_path / "results" / "benchmarks").mkdir()
    for name, accuracies in {"one": [0.89, 0.90, 0.91], "two": [0.93, 0.94, 0.95]}.items():
        (results / f"{name}.json").write_text(json.dumps(result(name, accuracies)))
    monkeypatch.setattr(settings, "files", lambda name: tmp_path / "results" / name)
    monkeypatch.setattr(sys, "path", [str(ROOT / "book" / "_ext"), *sys.path])

    def build(text, **notebooks):
        source = tmp_path / "book"
        source.mkdir(exist_ok=True)
        (source / "conf.py").write_text(f"extensions = {EXTENSIONS}\nnb_execution_mode = 'off'")
        contents = "\n".join(["```{toctree}", *notebooks, "```"])
        (source / "index.md").write_text(f"# A page\n\n{text}\n\n{contents}\n", encoding="utf8")
        for name, notebook in notebooks.items():
            nbformat.write(notebook, source / f"{name}.ipynb")
        app = SphinxTestApp("html", srcdir=source)
        try:
            app.build()
            html = "".join(page.read_text(encoding="utf8") for page in app.outdir.glob("[!gs]*.html"))
            return html, app.warning.getvalue()
        finally:
            app.cleanup()

    return build


def test_numbers_in_a_sentence(build):
    html, warnings = build(
        "{result}`one test_accuracy`; {result}`one test_accuracy max`; {result}`one parameters` parameters; "
        "{result}`one seeds` seeds; {result}`one epochs` epochs; {result}`one fastest_epoch` s; "
        "{result}`one machine`"
    )
    assert warnings == ""
    assert "90.00 ± 1.00 %; 91.00 %; 61,706 parameters; 3 seeds; 2 epochs; 2.0 s; A processor, PyTorch 2.13.0" in html


def test_comparison_is_paired_by_seed(build):
    html, _ = build("{comparison}`two one test`")
    interval = "95 % interval over 3 seeds: +4.00 to +4.00"
    assert f"+4.00 percentage points on test ({interval}): the first is more accurate" in html


def test_comparison_is_on_the_validation_part_unless_told_otherwise(build, tmp_path):
    path = tmp_path / "results" / "recipes" / "two.json"
    two = json.loads(path.read_text())
    for run in two["runs"]:
        run["history"][-1]["valid_accuracy"] = 0.2
    path.write_text(json.dumps(two))
    html, _ = build("{comparison}`two one`; {comparison}`two one test`")
    assert re.search(r"-[\d.]+ percentage points on validation \(.*\): the second is more accurate", html)
    assert "+4.00 percentage points on test" in html


def test_table_has_the_documented_figure_and_the_difference(build):
    html, warnings = build("```{results-table}\none: 90.5\ntwo:\n```")
    assert warnings == ""
    for text in ("90.00 ± 1.00", "90.50", "−0.50", "94.00 ± 1.00", "batch_size", "512", "A processor"):
        assert text in html
    assert 'href="#recipe-two"' in html
    assert 'id="recipe-two"' in html


def test_plot_says_in_words_what_it_shows(build):
    html, _ = build("```{results-plot} one two\n```")
    assert html.count("<circle") == 6
    assert "two: mean 94.00, from 93.00 to 95.00." in html


# What runs may turn out to be: seeds, epochs, and whatever accuracies they reach.
ODD = {
    "one seed": ([0.91], 2),
    "one epoch": ([0.9, 0.91], 1),
    "one seed and one epoch": ([0.91], 1),
    "twelve seeds": ([0.9 + number / 1000 for number in range(12)], 2),
    "a collapsed seed": ([0.994, 0.098, 0.993, 0.994, 0.995], 2),
    "all collapsed": ([0.098] * 5, 2),
    "identical": ([0.9935] * 5, 2),
    "nothing right": ([0.0, 0.0], 2),
    "all right": ([1.0, 1.0], 2),
    "from nothing to all": ([0.0, 1.0], 2),
}
EVERYTHING = """
{result}`odd test_accuracy`, {result}`odd test_accuracy std`, {result}`odd test_loss std`, {result}`odd fastest_epoch`

{comparison}`odd two`. {difference}`odd two`

```{results-table}
odd: 90.5
two:
```
```{results-plot} odd two
```
```{results-plot} odd
```
```{history-plot} train_loss
odd: only
```
```{history-plot} valid_accuracy
odd: one
two: other
```
"""


@pytest.mark.parametrize(("accuracies", "epochs"), ODD.values(), ids=ODD)
def test_no_result_breaks_the_build(build, tmp_path, accuracies, epochs):
    odd = result("odd", accuracies, epochs)
    (tmp_path / "results" / "recipes" / "odd.json").write_text(json.dumps(odd))
    html, warnings = build(EVERYTHING)
    assert warnings == ""
    assert not re.search(r"\bnan\b", words(html))
    plots = re.findall('<div class="results-plot">.*?</svg>', html, re.DOTALL)
    assert [plot.count("<circle") for plot in plots] == [len(accuracies) + 3, len(accuracies), 0, 0]
    for plot in plots:
        assert plot.count('class="tick"') + plot.count('class="row"') >= 4
        points = re.findall(r'[ML](-?[\d.]+) (-?[\d.]+)|cx="(-?[\d.]+)" cy="(-?[\d.]+)"', plot)
        assert points
        for across, down in [[float(number) for number in point if number] for point in points]:
            assert 0 <= across <= 640
            assert 0 <= down <= 360
    mean = 100 * sum(accuracies) / len(accuracies)
    assert f"{mean:.2f} ± " in words(html) if len(accuracies) > 1 else f"{mean:.2f} %, –, –, 2.0" in words(html)


def test_one_seed_alone_shows_no_difference(build, tmp_path):
    (tmp_path / "results" / "recipes" / "odd.json").write_text(json.dumps(result("odd", [0.91])))
    html, _ = build("{comparison}`odd two test`; {difference}`odd two test`")
    assert "(95 % interval over 1 seed: -inf to +inf): these runs do not show which is more accurate" in html
    assert "−2.00 (−∞ to +∞)" in html


def test_losses_that_are_not_finite_are_left_out(build, tmp_path):
    odd = json.loads(json.dumps(result("odd", [0.9, 0.91])))
    odd["runs"][0]["history"][0]["valid_loss"] = float("nan")
    odd["runs"][1]["history"][0]["valid_loss"] = float("inf")
    odd["runs"][1]["history"][1]["valid_loss"] = float("nan")
    path = tmp_path / "results" / "recipes" / "odd.json"
    path.write_text(json.dumps(odd))
    html, warnings = build("```{history-plot} valid_loss\nodd: only\n```")
    assert warnings == ""
    assert "only: 0.4 at 2." in html
    odd["runs"][0]["history"][1]["valid_loss"] = float("nan")
    path.write_text(json.dumps(odd))
    _, warnings = build("```{history-plot} valid_loss\nodd: only\n```")
    assert "there is nothing to draw" in warnings


def test_runs_of_several_machines_name_them_all(build, tmp_path):
    odd = result("odd", [0.9, 0.91, 0.92])
    odd["runs"][2] |= {
        "environment": {**ENVIRONMENT, "device": "A card"},
        "history": [{**odd["runs"][2]["history"][0]}],
    }
    odd["runs"][2]["history"][0]["seconds"] = 0.5
    (tmp_path / "results" / "recipes" / "odd.json").write_text(json.dumps(odd))
    html, warnings = build("{result}`odd machine`\n\n```{results-table}\nodd:\n```")
    assert warnings == ""
    both = "A processor, PyTorch 2.13.0; A card, PyTorch 2.13.0"
    assert html.count(both) == 2
    assert f"Run on: {both}. The fastest epoch was on: A card, PyTorch 2.13.0." in words(html)


def test_a_file_without_runs_is_a_build_error(build, tmp_path):
    (tmp_path / "results" / "recipes" / "odd.json").write_text(json.dumps(result("odd", [])))
    page = "{result}`odd seeds`\n\n```{results-table}\nodd:\n```\n\n```{results-plot} odd\n```"
    _, warnings = build(page + "\n\n```{history-plot} lr\nodd: a\n```")
    assert warnings.count("the results of 'odd' hold no run") == 4


def test_missing_results_are_build_errors(build):
    missing = [
        "{result}`three parameters`",
        "{comparison}`one three`",
        "```{results-table}\nthree:\n```",
        "```{results-plot} one three\n```",
    ]
    _, warnings = build("\n\n".join(missing))
    assert warnings.count("there are no results of 'three'") == warnings.count("make results") == len(missing)


def test_unknown_quantities_are_build_errors(build):
    unknown = ["{result}`one colour`", "{result}`one test_accuracy best`", "{result}`one`"]
    _, warnings = build("\n\n".join(unknown))
    assert [text for text in unknown if text not in warnings] == []


def test_weights_table(build, tmp_path):
    results = tmp_path / "results" / "recipes"
    chosen = {"model": "LeNet5(pool=MaxPool2d)", "epochs": 25, "augment": ["random_flip", "random_crop(padding=1)"]}
    one = json.loads((results / "one.json").read_text())
    (results / "one.json").write_text(json.dumps({**one, "settings": {**SETTINGS, **chosen}}))
    (results / "weights").mkdir()
    (results / "weights" / "one.pt").write_bytes(bytes(251_700))
    html, warnings = build("```{weights-table}\n```")
    assert warnings == ""
    for text in (
        "LeNet5(pool=MaxPool2d)",
        "61,706",
        "25 epochs of batches of 512",
        "random_crop(padding=1)",
        "89.00",
        "252",
    ):
        assert text in html
    assert re.search(r'href="_downloads/\w+/one\.pt"', html)


def test_architectures_are_drawn_from_the_recipes(build):
    html, warnings = build("```{architecture} lenet5-tanh-avg seminar-mlp\n```")
    assert warnings == ""
    assert re.findall("<code>(.*?)</code></figcaption>", html) == ["lenet5-tanh-avg", "seminar-mlp"]
    assert diagram(LeNet5()).svg in html
    assert diagram(SeminarMLP()).svg in html


def test_an_architecture_without_a_recipe_is_a_build_error(build):
    _, warnings = build("```{architecture} lenet6\n```")
    assert "there is no recipe 'lenet6'" in warnings


def test_numbers_of_a_benchmark(build, tmp_path):
    (tmp_path / "results" / "benchmarks" / "speed.json").write_text(json.dumps(MEASURED))
    fields = ["{import_seconds:.2f}", "{level:.1%}", "{train:,}", "{shares[aten::bernoulli_][textbook]:.0%}"]
    fields += ["{machine}", "{comparison}"]
    html, warnings = build("; ".join(f"{{measured}}`speed {field}`" for field in fields))
    assert warnings == ""
    assert "0.12; 99.4 %; 48,000; 25 %; A processor, PyTorch 2.13.0; It took 2.0 times as long." in words(html)


def test_tables_of_a_benchmark(build, tmp_path):
    (tmp_path / "results" / "benchmarks" / "speed.json").write_text(json.dumps(MEASURED))
    html, warnings = build(
        '```{measured-table} speed ratios\nWay: "{name}"\nLeNet-5: "{LeNet5[median]:.2f}"\n```\n\n'
        '```{measured-table} speed histories.course\nEpoch: "{name}"\nAccuracy: "{accuracy:.1%}"\n```'
    )
    assert warnings == ""
    assert "Way LeNet-5 fit 1.02 skorch 1.05" in words(html)
    assert "Epoch Accuracy 1 97.0 % 2 99.4 %" in words(html)


def test_a_drawing_pad_without_weights_is_a_build_error(build):
    _, warnings = build("```{drawing-pad}\ndigitnet-best: DigitNet\n```\n\n```{drawing-pad}\nno-recipe: None\n```")
    assert warnings.count("there is no network for the drawing pad") == 2
    assert "no-recipe" in warnings


def test_progress_asks_what_the_chapters_of_this_book_ask(build, tmp_path, monkeypatch):
    """Someone may have left chapters out, or added one that has no quiz."""
    monkeypatch.setitem(globals(), "EXTENSIONS", ["myst_nb", "progress"])
    (tmp_path / "book" / "notebooks").mkdir(parents=True)
    chapters = {"notebooks/05_x": "# 5 A & B", "notebooks/99_y": "# 99 No quiz"}
    html, warnings = build(
        "```{progress}\n```",
        **{name: new_notebook(cells=[new_markdown_cell(title)]) for name, title in chapters.items()},
    )
    assert warnings == ""
    rows = re.findall(r'<tr data-names="([^"]*)"><th scope="row"><a href="([^"]*)">([^<]*)</a>', html)
    names = [f"05/{question.id}" for question in questions("05")]
    assert rows == [(" ".join(names), "notebooks/05_x.html#quiz", "5 A &amp; B")]
    template = html[html.index('<template id="all-questions">') : html.index("</template>")]
    assert re.findall('data-name="([^"]*)"', template) == names
    assert html.count("_static/progress.js") == 1


def test_a_benchmark_that_was_not_run_is_a_build_error(build, tmp_path):
    _, warnings = build('{measured}`speed {machine}`\n\n```{measured-table} pad networks\nNetwork: "{name}"\n```')
    assert "python -m benchmarks.speed" in warnings
    assert "python -m benchmarks.pad" in warnings
    (tmp_path / "results" / "benchmarks" / "speed.json").write_text(json.dumps(MEASURED))
    unknown = ["{measured}`speed {colour}`", '```{measured-table} speed colours\nName: "{name}"\n```']
    unknown.append('```{measured-table} speed ratios\nLeNet-6: "{LeNet6[median]}"\n```')
    _, warnings = build("\n\n".join(unknown))
    assert [name for name in ("'colour'", "'colours'", "'LeNet6'") if name not in warnings] == []


def words(html):
    """The text of a page, with one space between words."""
    return " ".join(re.sub("<[^>]*>", " ", html).split())


def chapter(header):
    solution = new_code_cell("answer = 42", metadata={"tags": ["solution", "hide-cell"]})
    metadata = {"language_info": {"name": "python"}, "kernelspec": {"name": "python3", "display_name": "Python 3"}}
    return new_notebook(cells=[new_markdown_cell(header), solution], metadata=metadata)


def test_chapter_times_and_solutions(build):
    header = "# A chapter\n\n**Time:** about 12 minutes of reading, 1 minute of running on two CPU cores"
    html, warnings = build("```{chapter-times} chap*\n```", chapter=chapter(header), other=chapter("# No times"))
    assert warnings == ""
    assert re.search("A chapter</span></a></p></td>.*?<p>12</p>.*?<p>1</p>", html, re.DOTALL)
    assert html.count("Solution</p>") == 4


def test_a_chapter_without_times_is_a_build_error(build):
    _, warnings = build("```{chapter-times} chap*\n```", chapter=chapter("# A chapter"))
    assert "make notebooks" in warnings


def test_what_a_cell_gave_stands_on_another_page(build):
    file = io.BytesIO()
    Image.new("L", (60, 40)).save(file, "PNG")
    png = base64.b64encode(file.getvalue()).decode()
    figure = new_output("display_data", {"image/png": f"{png[:4]}\n{png[4:]}", "text/plain": "<Figure>"})
    answer = new_output("execute_result", {"text/plain": "a < b"}, execution_count=1)
    notebook = chapter("# A chapter")
    notebook.cells += [
        new_code_cell("draw(1)", outputs=[figure], metadata={"mystnb": {"image": {"alt": '"One" & all'}}}),
        new_code_cell("print(1)\ndraw(2)", outputs=[new_output("stream", text="printed\n"), answer]),
        new_code_cell("draw(1) == draw(2)"),
    ]
    page = "```{chapter-output} chapter\ndraw(1)\n```\n\n```{chapter-output} chapter\nprint(1)\ndraw(2)\n```"
    html, warnings = build(page, chapter=notebook)
    assert warnings == ""
    assert f'<img alt="&quot;One&quot; &amp; all" width="30" src="data:image/png;base64,{png}">' in html
    assert re.search(r'<img alt="&quot;One&quot; &amp; all" [^>]*style="width: 30px;"', html)
    assert re.findall("<pre>(?:<span></span>)?(printed|a &lt; b)\n", html)[:2] == ["printed", "a &lt; b"]

    texts = ["```{chapter-output} chapter\ndraw(\n```", "```{chapter-output} other\ndraw(1)\n```"]
    _, warnings = build("\n\n".join(texts), chapter=notebook)
    assert "2 cells with an output in chapter.ipynb have 'draw(', not 1" in warnings
    assert "there is no chapter other" in warnings


@pytest.fixture
def measured(tmp_path, build):
    """The two results of `build`, as if they had been measured on noisy images too: 10 points less for each 0.1."""
    for name in ("one", "two"):
        path = tmp_path / "results" / "recipes" / f"{name}.json"
        result = json.loads(path.read_text())
        for run in result["runs"]:
            rows = [("noise", 0.1), ("noise", 0.2), ("as trained", 1)]
            run["corrupted"] = [
                {"corruption": kind, "amount": amount, "accuracy": run["test"]["accuracy"] - min(amount, 0.2)}
                for kind, amount in rows
            ]
        path.write_text(json.dumps(result))
    return build


def test_corrupted_numbers_and_comparisons(measured):
    html, warnings = measured(
        "{corrupted}`one noise 0.1`; {corrupted}`two noise 0.2 min`; {corrupted}`one as trained 1`; "
        "{difference}`one two noise 0.1`; {comparison}`two one as trained 1`"
    )
    assert warnings == ""
    assert "80.00 ± 1.00 %; 73.00 %; 70.00 ± 1.00 %; −4.00 (−4.00 to −4.00); +4.00 percentage points" in html


def test_curves_say_in_words_what_they_show(measured):
    html, warnings = measured(
        '```{corrupted-plot} noise\n:caption: "Noise: *more* of it."\none: a < b\ntwo: other\n```\n\n'
        "```{history-plot} train_loss\none: only\n```"
    )
    assert warnings == ""
    for text in (
        "test accuracy, %, by standard deviation of the noise. a &lt; b: 90 at 0, 80 at 0.1, 70 at 0.2. other: 94 at 0",
        "training loss, by epoch. only: 0.5 at 1, 0.5 at 2.",
        "<figcaption>",
        "Noise: <em>more</em> of it.",
    ):
        assert text in html
    assert html.count('class="band"') == 3


def test_corrupted_images_are_those_of_the_recipe(build, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(sys, "path", [str(ROOT / "book" / "_ext"), *sys.path])
    html, warnings = build("```{corrupted-images} seminar-cnn\nnoise: [0.1, 0.5]\nshift: [8]\n```")
    assert warnings == ""
    assert "corrupted: noise of 0.1, 0.5; shift of 8" in html
    images = re.findall('href="(data:image/png[^"]*)"', html)
    assert len(images) == 5
    assert len(set(images)) == 4  # twice the image as it is


def test_networks_are_counted(build):
    html, warnings = build(
        "{network}`SeminarCNN multiply_adds`; {network}`LeNet5 parameters`\n\n"
        "```{layers-table} SeminarMLP\n```\n\n```{layers-table} SeminarCNN\n:kinds: MaxPool2d\n```"
    )
    assert warnings == ""
    assert "9,583,974; 61,706" in html
    assert "Layer Output Parameters Flatten 784 0 Linear 250 196,250 Linear 100 25,100" in words(html)
    assert "Layer Output Parameters MaxPool2d 32×11×11 0 MaxPool2d 128×2×2 0 all 224,838" in words(html)


def test_documented_figures_stand_in_the_results_page_alone(build, tmp_path):
    page = tmp_path / "book" / "book" / "results.md"
    page.parent.mkdir(parents=True)
    page.write_text("---\norphan: true\n---\n# Results\n\n```{results-table}\none: 90.5\ntwo:\n```\n")
    html, warnings = build("{documented}`one`; {documented}`two`")
    assert "90.5 %; " in html
    assert "no table of book/results.md has a documented figure for 'two'" in warnings


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{corrupted}`one noise 0.1`", "was not measured with 'noise'"),
        ("{comparison}`one two noise 0.1`", "was not measured with 'noise'"),
        ("```{corrupted-plot} noise\none: a\n```", "was not measured with 'noise'"),
        ("```{history-plot} colour\none: a\n```", "history-plot colour"),
        ("```{corrupted-images} one\nnoise: [0.1]\n```", "corrupted-images one"),
        ("{network}`ResNet parameters`", "cnncourse.models has no 'ResNet'"),
        ("{network}`LeNet5 colour`", "colour"),
        ("```{layers-table} ResNet\n```", "cnncourse.models has no 'ResNet'"),
    ],
)
def test_what_was_not_measured_is_a_build_error(build, text, message):
    _, warnings = build(text)
    assert message in warnings


def test_an_amount_that_was_not_measured_is_a_build_error(measured):
    _, warnings = measured("{corrupted}`one noise 0.7`")
    assert "was measured with 'noise' of [0, 0.1, 0.2], not of 0.7" in warnings


def test_a_page_becomes_slides(build, tmp_path):
    (tmp_path / "book").mkdir()
    picture = '<svg xmlns="http://www.w3.org/2000/svg"/>'
    (tmp_path / "book" / "picture.svg").write_text(picture)
    front, image = "---\nslides: true\norphan: true\n---\n", "```{image} picture.svg\n:alt: A picture\n```"
    notes = "```{speaker-notes}\nSay {result}`one seeds`.\n```"
    deck = f"{front}# Title\n\nFirst\n\n## Second\n\n{image}\n\n{notes}\n\n## Third\n"
    (tmp_path / "book" / "deck.md").write_text(deck)
    html, warnings = build("A page")
    assert warnings == ""
    slides = re.search('<main class="slides" role="main">(.*?)</main>', html, re.DOTALL)[1]
    sections = [words(section) for section in re.findall("<section.*?</section>", slides, re.DOTALL)]
    assert sections == ["Title First", "Second Say 3.", "Third"]
    assert '<aside class="notes">' in slides
    assert 'src="data:image/svg+xml;base64,' in slides
    assert "Reveal.initialize" in html
