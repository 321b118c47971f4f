"""A quiz in the browser: by keyboard, from disk, kept, and asked again."""

import json

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from browsing import AXE, PHONE, WIDTH, open_page
from jupyter import jupyterlab, run_cell

from cnncourse.quiz import QUESTIONS, quiz

CHAPTER = "notebooks/10b_residual_blocks.html"
REFUSE = """Storage.prototype.setItem = new Proxy(Storage.prototype.setItem, {apply(call, store, given) {
    if (given[0] === "cnncourse-quiz") throw new Error("refused");
    return Reflect.apply(call, store, given);
}})"""


@pytest.fixture
def context(browser):
    context = browser.new_context()
    yield context
    context.close()


@pytest.fixture
def look(context, site):
    """Opens a page of the site from disk, without an error."""

    def look(name):
        page, faults = open_page(context, (site / name).as_uri(), site.as_uri())
        assert faults == []
        return page

    return look


def choose(page, form, number):
    """Choose an answer and check it, with keys alone."""
    form.locator("input").first.focus()
    page.keyboard.press("Space")
    for _ in range(number):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")


def right_places(form):
    return form.evaluate("form => JSON.parse(atob(form.dataset.key)).map(([right]) => right)")


def test_one_answers_by_keyboard_and_reads_why(look):
    page = look(CHAPTER)
    form = page.locator("form.quiz-question").first
    verdict, score = form.locator(".quiz-verdict"), page.locator(".quiz-score")
    right = right_places(form).index(True)
    wrong = (right + 1) % 3
    form.locator("input").first.focus()
    page.keyboard.press("Enter")
    assert verdict.inner_text() == "Choose an answer first."
    choose(page, form, wrong)
    assert verdict.inner_text().startswith("Not yet. ")
    assert len(verdict.inner_text()) > 30
    assert score.inner_text().startswith("0 of 6 right.")
    choose(page, form, right)
    assert verdict.inner_text().startswith("Right. ")
    assert score.inner_text().startswith("1 of 6 right.")


def test_moving_between_answers_judges_nothing(look):
    page = look(CHAPTER)
    form = page.locator("form.quiz-question").first
    form.locator("input").first.focus()
    for _ in range(5):
        page.keyboard.press("ArrowDown")
    assert form.locator(".quiz-verdict").inner_text() == ""


def test_progress_is_kept_shown_and_forgotten_and_what_went_wrong_is_asked_first(look):
    page = look(CHAPTER)
    forms = page.locator("form.quiz-question")
    names = forms.evaluate_all("forms => forms.map(form => form.dataset.name)")
    for place in range(6):
        right = right_places(forms.nth(place)).index(True)
        choose(page, forms.nth(place), right if place != 2 else (right + 1) % 3)
    page = look(CHAPTER)
    assert page.locator(".quiz-score").inner_text().startswith("5 of 6 right.")
    said = page.locator("legend").evaluate_all("all => all.map(legend => getComputedStyle(legend, '::after').content)")
    assert [text.strip('"') for text in said] == [
        " · not right yet" if place == 2 else " · answered right" for place in range(6)
    ]

    page = look("book/progress.html")
    row = page.locator("tr[data-names]", has_text="10b ")
    assert row.locator("td").all_inner_texts() == ["5", "6", "6"]
    assert row.get_by_role("link").get_attribute("href") == f"../{CHAPTER}#quiz"
    page.get_by_role("button", name="Ask me").click()
    asked = page.locator("#revision form.quiz-question")
    assert asked.count() == 10
    assert asked.first.get_attribute("data-name") == names[2]
    assert not set(names[:2] + names[3:]) & set(asked.evaluate_all("forms => forms.map(form => form.dataset.name)"))
    choose(page, asked.first, right_places(asked.first).index(True))
    assert row.locator("td").all_inner_texts() == ["6", "6", "6"]
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Forget all answers").click()
    assert row.locator("td").all_inner_texts() == ["0", "0", "6"]


def test_one_takes_the_answers_to_another_browser(browser, look, site, tmp_path):
    page = look(CHAPTER)
    form = page.locator("form.quiz-question").first
    choose(page, form, right_places(form).index(True))
    page = look("book/progress.html")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save my answers").click()
    download.value.save_as(tmp_path / "answers.json")
    with browser.new_context() as other:
        page, _ = open_page(other, (site / "book/progress.html").as_uri(), site.as_uri())
        row, says = page.locator("tr[data-names]", has_text="10b "), page.locator(".quiz-says")
        page.locator("input[type=file]").set_input_files(tmp_path / "answers.json")
        page.wait_for_function("document.querySelector('.quiz-says').textContent")
        assert says.inner_text() == "The answers of answers.json are added."
        assert row.locator("td").all_inner_texts() == ["1", "1", "6"]
        page.locator("input[type=file]").set_input_files(site / "index.html")
        page.wait_for_function("document.querySelector('.quiz-says').textContent.includes('index')")
        assert says.inner_text().startswith("index.html holds no answers of the quizzes.")
        assert row.locator("td").all_inner_texts() == ["1", "1", "6"]


def test_a_browser_that_keeps_nothing_says_so(context, look):
    context.add_init_script(REFUSE)
    page = look(CHAPTER)
    form = page.locator("form.quiz-question").first
    choose(page, form, right_places(form).index(True))
    assert form.locator(".quiz-verdict").inner_text().startswith("Right. ")
    assert page.locator(".quiz-score").inner_text().startswith("1 of 6 right. This browser does not keep your answers.")
    page = look("book/progress.html")
    assert page.locator(".quiz-says").inner_text() == "This browser keeps no answers for this page."
    page.get_by_role("button", name="Ask me").click()
    assert page.locator("#revision form.quiz-question").count() == 10


def test_the_search_does_not_find_the_questions_of_the_revision(site):
    assert "data-key" in (site / "book/progress.html").read_text(encoding="utf8")
    index = (site / "searchindex.js").read_text(encoding="utf8")
    place = json.loads(index[index.index("(") + 1 : index.rindex(")")])
    number = place["docnames"].index("book/progress")
    found = [
        word for word, pages in place["terms"].items() if number in (pages if isinstance(pages, list) else [pages])
    ]
    assert "kept" in found or "browser" in found
    assert len(found) < 100


def test_a_quiz_is_used_with_a_thumb(browser, site):
    page = browser.new_page(viewport=PHONE)
    page.goto((site / CHAPTER).as_uri())
    heights = page.locator("section.quiz :is(label, button)").evaluate_all(
        "elements => elements.map(element => element.getBoundingClientRect().height)"
    )
    page.close()
    assert min(heights) >= 44


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_axe_finds_nothing_in_an_answered_quiz_and_a_revision(context, look, mode):
    page = look(CHAPTER)
    page.emulate_media(color_scheme=mode)
    for place in range(2):
        form = page.locator("form.quiz-question").nth(place)
        choose(page, form, right_places(form).index(True) * (1 - place))
    page.evaluate(AXE_SCRIPT)
    assert page.evaluate(AXE, {}) == []
    page = look("book/progress.html")
    page.emulate_media(color_scheme=mode)
    page.get_by_role("button", name="Ask me").click()
    page.evaluate(AXE_SCRIPT)
    assert page.evaluate(AXE, {}) == []


def test_a_printed_quiz_is_a_sheet_of_questions(look):
    page = look(CHAPTER)
    form = page.locator("form.quiz-question").first
    choose(page, form, 0)
    page.emulate_media(media="print")
    assert form.locator("label").first.is_visible()
    assert [form.locator(name).is_visible() for name in ("button", ".quiz-verdict")] == [False, False]
    assert form.locator("legend").evaluate("legend => getComputedStyle(legend, '::after').content") == "none"


@pytest.fixture
def output(browser, tmp_path):
    """Shows HTML as the output of a cell, with no style of ours around it."""
    page = browser.new_page(viewport=PHONE)

    def show(html, style=""):
        head = f'<meta charset="utf8"><meta name="viewport" content="width=device-width"><style>{style}</style>'
        text = f'<!doctype html><html lang="en"><title>Output</title>{head}<body><main>{html}</main>'
        (tmp_path / "output.html").write_text(text, "utf8")
        page.goto((tmp_path / "output.html").as_uri())
        page.wait_for_selector("section.quiz[data-ready]")
        return page

    yield show
    page.close()


def test_an_output_shows_several_quizzes_that_do_not_mix(output):
    html = quiz("10b")._repr_html_()
    page = output(html + html.replace("10b", "10c"))
    first, second = page.locator("section.quiz").all()
    choose(page, first.locator("form").first, right_places(first.locator("form").first).index(True))
    assert first.locator(".quiz-score").inner_text() == "1 of 6 right."
    assert second.locator(".quiz-score").inner_text() == "0 of 6 right."


@pytest.mark.parametrize("ground", ["light", "dark"])
def test_an_output_alone_fits_a_phone_and_axe_finds_nothing(output, ground):
    """With the longest lines of code of all chapters, and no colours but those of the text around."""
    dark = "body { background: #383838; color: #d5d5d5; color-scheme: dark; }" * (ground == "dark")
    page = output("".join(quiz(path.stem)._repr_html_() for path in QUESTIONS.glob("*.toml")), dark)
    for form in page.locator("form").all()[:2]:
        choose(page, form, 1)
    assert page.evaluate(WIDTH) <= PHONE["width"]
    page.evaluate(AXE_SCRIPT)
    assert page.evaluate(AXE, {}) == []


@pytest.mark.timeout(240)
def test_arrow_keys_and_enter_belong_to_the_quiz_in_jupyterlab(browser, tmp_path):
    code = 'from cnncourse.quiz import quiz\n\nquiz("10b")'
    with jupyterlab(tmp_path, code) as (address, _), browser.new_context() as context:
        page = context.new_page()
        run_cell(page, address)
        page.wait_for_selector("section.quiz[data-ready]")
        form = page.locator("form.quiz-question").first
        right = right_places(form).index(True)
        choose(page, form, right)
        assert form.locator("input").nth(right).is_checked()
        assert form.locator(".quiz-verdict").inner_text().startswith("Right. ")
        assert page.locator(".quiz-score").inner_text() == "1 of 6 right."
        # JupyterLab would have begun to edit the cell
        assert page.evaluate("document.activeElement.type") == "radio"
