"""The page of the drawing pad in headless Chromium: drawn on by mouse, pen, touch and keyboard."""

import base64
import json

import pytest
import torch
import torch.nn.functional as F
from axe_playwright_python.base import AXE_SCRIPT
from browsing import AXE, PHONE, WIDTH, open_page
from exported import prepared_for
from handwriting import FIRST_THREE
from PIL import Image
from torch import nn

from cnncourse.data import CLASSES, STATISTICS, Preprocessing
from cnncourse.data._sources import sample_arrays
from cnncourse.experiments import trained
from cnncourse.pad import digit_image, export_web, web_network

SEVEN = [[(70, 66), (120, 65), (200, 62), (180, 110), (160, 150), (140, 200), (128, 235)]]
ONE = [[(140, 40), (140, 140), (138, 240)]]
BOTH_FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 0))))"
FIRST, FIRST_TITLE = "digitnet-hand", "DigitNet for many hands (chapter 12)"  # that the page offers
KEPT = f"The pad still uses {FIRST_TITLE}."


class Pad:
    """A pad on an open page, used as a reader uses it: through what is on the screen."""

    def __init__(self, page, selector=".drawing-pad"):
        self.page, self.root = page, page.locator(selector)
        self.board = self.root.get_by_role("application")
        self.network = self.root.get_by_role("combobox", name="Network")
        self.alert, self.status = self.root.get_by_role("alert"), self.root.get_by_role("status")
        self.answer = self.root.locator(".answer")
        self.root.get_by_text("images of").wait_for()  # until the first network is there

    def places(self, stroke):
        """Points of the screen for points of the pad."""
        self.board.evaluate("board => board.scrollIntoView({block: 'center', behavior: 'instant'})")
        box = self.board.bounding_box()
        return [(box["x"] + x * box["width"] / 280, box["y"] + y * box["height"] / 280) for x, y in stroke]

    def draw(self, strokes):
        """With the mouse."""
        mouse = self.page.mouse
        for stroke in strokes:
            first, *others = self.places(stroke)
            mouse.move(*first)
            mouse.down()
            for place in others:
                mouse.move(*place)
            mouse.up()
        self.settle()

    def open(self, file):
        """A picture."""
        self.root.get_by_label("pen a picture").set_input_files(file)
        self.root.locator(".answer:has-text('Looks like')").wait_for()
        self.settle()

    def settle(self):
        self.page.evaluate(BOTH_FRAMES)

    def press(self, name):
        self.root.get_by_role("button", name=name, exact=True).click()
        self.settle()

    def read(self, what):
        """What the object has that createPad returned; arrays as lists."""
        plain = "value => value?.buffer ? [...value] : value"
        return self.root.evaluate(f"element => ({plain})(element.pad.{what})")

    def choose(self, network):
        self.network.select_option(network)
        self.root.get_by_text("images of").wait_for()
        self.settle()

    def find(self):
        """The sentence that says where the network fails, and the answers by shift and by width."""
        self.press("Find where it fails")
        self.root.get_by_text("shift", exact=False).and_(
            self.root.locator(".sentence:has-text('the answer')")
        ).wait_for()
        shifts, widths = self.root.get_by_role("table").all()[-2:]
        rows = "table => [...table.rows].map(row => [...row.cells].map(cell => cell.textContent))"
        return self.root.locator(".sentence").text_content(), shifts.evaluate(rows), widths.evaluate(rows)


@pytest.fixture
def opened(browser, address):
    """Opens the page in a context of its own; at the end nothing may have gone wrong, whatever a test did."""
    contexts = []

    def opened(url=f"{address}book/draw.html", allowed=address, **options):
        contexts.append(browser.new_context(**options))
        page, opened.faults = open_page(contexts[-1], url, allowed)
        return Pad(page)

    yield opened
    for context in contexts:
        context.close()
    assert not opened.faults


@pytest.fixture
def pad(opened):
    return opened(viewport={"width": 1280, "height": 900})


def probabilities(name, images):
    """What torch answers to images uint8 N×C×H×W, drawings 1×28×28 or as the network takes them: N×10."""
    model = trained(name)
    images = F.interpolate(images, model.preprocessing.size, mode="bilinear", antialias=True)
    with torch.no_grad():
        return (model(model.preprocessing.normalise(images)) / model.temperature).softmax(dim=1)


def test_an_empty_drawing_gets_no_guess(pad):
    assert pad.answer.text_content() == "Draw something: a digit from 0 to 9."
    assert pad.read("image") is None
    assert pad.root.locator(".bars tbody td:last-child").all_text_contents() == ["–"] * 10
    pad.press("Find where it fails")
    assert pad.root.locator(".sentence").text_content() == "Draw something: a digit from 0 to 9."


@pytest.mark.parametrize("place", ["http", "file"])
def test_a_digit_drawn_by_mouse(opened, site, place):
    options = {"url": (site / "book/draw.html").as_uri(), "allowed": site.as_uri()} if place == "file" else {}
    pad = opened(**options)
    pad.draw(SEVEN)
    assert pad.answer.text_content().startswith("Looks like 7")
    image = digit_image(pad.read("strokes"))
    assert pad.read("image") == image.flatten().tolist()
    [expected] = probabilities(FIRST, image[None])
    assert pad.read("result.probabilities") == pytest.approx(expected.tolist(), abs=1e-4)
    pad.page.wait_for_timeout(1000)
    assert pad.status.text_content().startswith("Looks like 7, ")
    winner = pad.root.locator(".bars tr.winner")
    assert winner.get_by_role("rowheader").text_content() == "7"


@pytest.mark.slow
def test_thirty_handwritten_digits_are_what_python_sees_and_read_like_them(pad):
    right = 0
    for digit, strokes in FIRST_THREE:
        pad.press("Clear")
        for stroke in strokes:
            pad.root.get_by_role("slider", name="Brush").fill(str(stroke["radius"]))
            pad.draw([[*stroke["points"][:-1:2], stroke["points"][-1]]])  # half of the points, in half of the time
        drawn = pad.read("strokes")
        assert [stroke["radius"] for stroke in drawn] == [stroke["radius"] for stroke in strokes]
        assert pad.read("image") == digit_image(drawn).flatten().tolist()
        right += pad.answer.locator("strong").text_content() == str(digit)
    assert right >= 28


def test_a_digit_drawn_with_a_pen(pad):
    pen = pad.page.context.new_cdp_session(pad.page)
    [stroke] = SEVEN
    places = [{"x": x, "y": y} for x, y in pad.places(stroke)]
    kinds = ["mousePressed", *["mouseMoved"] * (len(places) - 1), "mouseReleased"]
    for kind, place in zip(kinds, [*places, places[-1]], strict=True):
        pen.send("Input.dispatchMouseEvent", {"type": kind, **place, "button": "left", "pointerType": "pen"})
    pad.settle()
    assert pad.answer.text_content().startswith("Looks like 7")


def test_a_digit_drawn_by_touch(opened):
    pad = opened(viewport=PHONE, has_touch=True, is_mobile=True, device_scale_factor=3)
    finger = pad.page.context.new_cdp_session(pad.page)

    def touch(kind, *places):
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    [stroke] = SEVEN
    first, *others = pad.places(stroke)
    second = (first[0] + 20, first[1] + 150)  # the ball of the thumb, say
    scrolled = pad.page.evaluate("scrollY")
    touch("touchStart", first)
    touch("touchStart", first, second)
    for place in others:
        touch("touchMove", place, second)
    touch("touchEnd")
    pad.settle()
    assert len(pad.read("strokes")) == 1
    assert pad.answer.text_content().startswith("Looks like 7")
    assert pad.page.evaluate("scrollY") == scrolled

    pixels = pad.board.evaluate("board => [board.width, board.clientWidth * devicePixelRatio]")
    assert pixels[0] == pytest.approx(pixels[1], abs=1)  # sharp
    box = pad.root.locator(".bars").bounding_box()
    touch("touchStart", (200, box["y"] + 60))
    for up in range(10, 60, 10):
        touch("touchMove", (200, box["y"] + 60 - up))
    touch("touchEnd")
    pad.page.wait_for_function("before => scrollY > before", arg=scrolled)  # beside the board the page still scrolls


def test_a_digit_drawn_by_keyboard_alone(pad):
    keyboard = pad.page.keyboard
    for _ in range(100):
        keyboard.press("Tab")
        if pad.board.evaluate("board => board === document.activeElement"):
            break
    scrolled = pad.page.evaluate("scrollY")
    for keys in ("Shift+ArrowLeft", "Shift+ArrowLeft", "Shift+ArrowUp", "Shift+ArrowUp", "Shift+ArrowUp"):
        keyboard.press(keys)
    assert pad.read("strokes") == []
    keyboard.press("Space")
    assert pad.status.text_content() == "Pen down at 30 % from the left, 20 % from the top."
    for keys in ["Shift+ArrowRight"] * 4 + ["ArrowDown", "ArrowDown", "ArrowLeft"] * 9 + ["ArrowDown"] * 4:
        keyboard.press(keys)
    keyboard.press("Escape")
    assert pad.status.text_content() == "Pen up."
    keyboard.press("ArrowUp")  # draws nothing
    pad.page.wait_for_timeout(1000)
    assert pad.status.text_content().startswith("Looks like 7, ")
    assert len(pad.read("strokes")) == 1
    assert pad.page.evaluate("scrollY") == scrolled
    keyboard.press("Control+Shift+Z")  # redoes elsewhere
    assert len(pad.read("strokes")) == 1
    keyboard.press("Control+z")
    assert pad.read("strokes") == []
    keyboard.press("Enter")  # a dot
    keyboard.press("Enter")
    assert [len(stroke["points"]) for stroke in pad.read("strokes")] == [1]
    keyboard.press("Delete")
    assert pad.read("strokes") == []


def test_the_board_is_sharp_when_it_comes_to_another_screen(pad):
    screen = pad.page.context.new_cdp_session(pad.page)
    sizes = {**pad.page.viewport_size, "mobile": False}
    for ratio in (1, 2):
        screen.send("Emulation.setDeviceMetricsOverride", {**sizes, "deviceScaleFactor": ratio})
        pad.draw(SEVEN)
        assert pad.page.evaluate("devicePixelRatio") == ratio
        assert pad.board.evaluate("board => board.width === Math.round(board.clientWidth * devicePixelRatio)")


def test_space_held_down_is_one_press_and_does_not_scroll(pad):
    pad.board.focus()
    scrolled = pad.page.evaluate("scrollY")
    for _ in range(3):
        pad.page.keyboard.down("Space")  # from the second on, repeats
    pad.page.keyboard.up("Space")
    pad.page.wait_for_timeout(300)  # scrolling is smooth
    assert pad.status.text_content() == "Pen down at 50 % from the left, 50 % from the top."
    assert pad.page.evaluate("scrollY") == scrolled


def test_undo_clear_and_brush(pad):
    pad.draw([[(60, 60), (200, 60)]])
    pad.root.get_by_role("slider", name="Brush").fill("20")
    pad.draw([[(60, 200), (200, 200)]])
    both = pad.read("strokes")
    assert [stroke["radius"] for stroke in both] == [10, 20]
    pad.press("Clear")
    assert pad.read("strokes") == []
    pad.press("Undo")
    assert pad.read("strokes") == both
    pad.press("Undo")
    assert pad.read("strokes") == both[:1]
    pad.press("Undo")
    pad.press("Undo")  # there is nothing left
    assert pad.read("strokes") == []
    assert pad.answer.text_content() == "Draw something: a digit from 0 to 9."


def test_what_was_not_meant_draws_nothing(pad):
    [start, end] = pad.places([(60, 60), (200, 60)])
    mouse = pad.page.mouse
    mouse.move(*start)
    mouse.down(button="right")
    mouse.move(*end)
    mouse.up(button="right")
    assert pad.read("strokes") == []
    mouse.move(*start)
    mouse.down()
    mouse.move(*end)
    assert len(pad.read("strokes")) == 1
    pad.board.evaluate("board => board.dispatchEvent(new PointerEvent('pointercancel', {pointerId: 1}))")
    mouse.up()
    assert pad.read("strokes") == []


def test_ink_beyond_the_edge_stays_on_the_board(pad):
    pad.draw([[(140, 140), (400, -100)]])
    [stroke] = pad.read("strokes")
    assert stroke["points"][-1] == [270, 10]


def test_every_sample_is_read_rightly(pad):
    samples = pad.root.get_by_role("group", name="Start from a sample").get_by_role("button").all()
    assert {sample.get_attribute("aria-label")[-1] for sample in samples} == set("0123456789")
    for sample in samples:
        sample.click()
        pad.settle()
        assert pad.answer.locator("strong").text_content() == sample.get_attribute("aria-label")[-1]


def test_larger_networks_load_when_they_are_chosen(pad):
    asked = []
    pad.page.on("request", lambda request: asked.append(request.url))
    loaded = pad.page.evaluate("performance.getEntriesByType('resource').map(({name}) => name)")
    assert [url.split("/")[-1].split(".js")[0] for url in loaded if "networks" in url] == [FIRST]
    pad.draw(SEVEN)
    assert asked == []
    for name, parameters in (("seminar-cnn", "224,838"), ("lenet5-mnist", "61,706"), ("seminar-mlp", "226,910")):
        pad.choose(name)
        assert f"/{name}.js" in asked[-1]
        assert pad.root.get_by_text(f"{parameters} parameters").is_visible()
        [expected] = probabilities(name, digit_image(pad.read("strokes"))[None])
        assert pad.read("result.probabilities") == pytest.approx(expected.tolist(), abs=1e-4)
        names = [output["name"] for output in pad.read("result.outputs")]
        assert pad.root.locator(".maps .name").all_text_contents() == names
    pad.choose("seminar-cnn")
    assert len(asked) == 3


def test_the_pad_with_its_first_network_is_small(browser, address):
    context = browser.new_context()
    page = context.new_page()
    responses = []
    page.on("response", lambda response: responses.append(response))
    page.goto(f"{address}book/draw.html", wait_until="networkidle")
    sizes = {each.url.split("/")[-1]: len(each.body()) for each in responses if "pad" in each.url.split("_static")[-1]}
    context.close()
    assert len([name for name in sizes if name.startswith(f"{FIRST}.js")]) == 1
    assert 100_000 < sum(sizes.values()) < 300_000, sizes


def test_a_network_that_cannot_be_reached(pad, opened):
    pad.draw(SEVEN)
    pad.page.route("**/seminar-mlp.js*", lambda route: route.abort())
    pad.network.select_option("seminar-mlp")
    pad.alert.get_by_text("can't be reached").wait_for()
    assert KEPT in pad.alert.text_content()
    assert pad.network.input_value() == FIRST
    assert pad.answer.text_content().startswith("Looks like 7")
    opened.faults.clear()  # the failed request itself
    pad.page.unroute("**/seminar-mlp.js*")
    pad.choose("seminar-mlp")
    assert pad.alert.text_content() == ""


def test_a_first_network_that_cannot_be_reached_can_be_chosen_again(pad):
    pad.page.evaluate("""() => {
        const element = document.createElement("div");
        element.id = "second";
        document.querySelector(".drawing-pad").after(element);
        const network = {name: "Shy", inputShape: [1, 28, 28], classes: ["a"], run: async () => null};
        let tries = 0;
        const load = async () => {
            if (++tries === 1) throw new Error("it hides.");
            return network;
        };
        element.pad = cnncourse.createPad(element, {networks: [{id: "shy", title: "Shy", load}]});
    }""")
    root = pad.page.locator("#second")
    root.get_by_text("Shy could not be loaded: it hides.").wait_for()
    assert root.get_by_role("combobox").input_value() == ""
    root.get_by_role("button", name="Find where it fails").click()
    assert root.locator(".sentence").text_content() == "There is no network yet: choose one."
    root.get_by_role("combobox").select_option("shy")
    root.get_by_text("images of 28 × 28 pixels").wait_for()
    assert root.get_by_role("alert").text_content() == ""


def test_your_own_network(pad, tmp_path):
    name = "lenet5-mnist"  # takes 32×32
    mine = export_web(trained(name), tmp_path / "mine.json")
    pad.draw(SEVEN)
    asked = []
    pad.page.on("request", lambda request: asked.append(request.url))
    pad.root.get_by_label("Use your own network").set_input_files(mine)
    pad.root.get_by_text("61,706 parameters, images of 32 × 32 pixels").wait_for()
    pad.settle()
    assert pad.network.locator("option:checked").text_content() == "LeNet5, from mine.json"
    assert asked == []
    [expected] = probabilities(name, digit_image(pad.read("strokes"))[None])
    assert pad.read("result.probabilities") == pytest.approx(expected.tolist(), abs=1e-4)
    pad.choose("digitnet-best")
    pad.network.select_option(label="LeNet5, from mine.json")
    pad.root.get_by_text("61,706 parameters").wait_for()


def test_a_file_is_chosen_while_a_network_loads(pad, tmp_path):
    """A file that can't be used too: then the pad stays as it was, whatever loads meanwhile."""
    waiting = []
    pad.page.route("**/seminar-mlp.js*", lambda route: waiting.append(route))
    pad.network.select_option("seminar-mlp")
    pad.status.get_by_text("Loading").wait_for(state="attached")
    (tmp_path / "mine.json").write_text("Dear diary", encoding="utf8")
    pad.root.get_by_label("Use your own network").set_input_files(tmp_path / "mine.json")
    pad.alert.get_by_text(KEPT).wait_for()
    [route] = waiting
    with pad.page.expect_event("requestfinished"):
        route.continue_()
    pad.page.wait_for_timeout(100)
    assert pad.network.input_value() == FIRST
    assert KEPT in pad.alert.text_content()


def changed(key, value):
    """A network of the course as JSON, with something changed in it or in its first layer, then the only one."""
    network = web_network(trained("digitnet-best"))
    target = network if key in network else network["layers"][0]
    return json.dumps({**target, key: value} if target is network else {**network, "layers": [{**target, key: value}]})


def two_channels():
    """A good file, but of images that are neither grey nor in colour."""
    layers = [
        {"name": "pool", "type": "AdaptiveAvgPool2d", "inputs": ["input"], "shape": [2, 1, 1]},
        {"name": "flatten", "type": "Flatten", "inputs": ["pool"], "shape": [2]},
    ]
    images = {"shape": [2, 8, 8], "mean": [0, 0], "std": [1, 1]}
    return json.dumps(
        web_network(trained("digitnet-best")) | {"input": images, "classes": ["a", "b"], "layers": layers}
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            lambda: "Dear diary",
            "mine.json can't be used: it is not JSON. Choose a file that cnncourse.pad.export_web wrote",
        ),
        (lambda: '{"weights": [1, 2]}', "not a network of the course"),
        (lambda: "[]", "not a network of the course"),
        (lambda: changed("version", 2), "version 2"),
        (lambda: changed("type", "LSTM"), "LSTM"),
        (lambda: changed("weight", base64.b64encode(bytes(8)).decode()), "features.0"),
        (two_channels, "it takes images of 2×8×8. The pad has grey ones, 1×H×W, and ones in colour, 3×H×W"),
    ],
    ids=["no JSON", "no network", "a list", "version", "layer", "weights", "shape"],
)
def test_files_that_are_no_network_for_the_pad(pad, tmp_path, content, message):
    pad.draw(SEVEN)
    before = pad.read("result.probabilities")
    (tmp_path / "mine.json").write_text(content(), encoding="utf8")
    pad.root.get_by_label("Use your own network").set_input_files(tmp_path / "mine.json")
    pad.alert.get_by_text(KEPT).wait_for()
    assert message in pad.alert.text_content()
    assert pad.network.locator("option:checked").text_content() == FIRST_TITLE
    pad.press("Undo")
    pad.draw(SEVEN)
    assert message in pad.alert.text_content()  # and the board has not moved under the mouse
    assert pad.read("result.probabilities") == before


def shifted(image, dx, dy):
    """The image 1×28×28 moved to the right and down, with zeros that come in."""
    padded = torch.nn.functional.pad(image, (6, 6, 6, 6))
    return padded[:, 6 - dy : 34 - dy, 6 - dx : 34 - dx]


@pytest.mark.parametrize("name", ["digitnet-best", "lenet5-mnist"])
def test_find_where_it_fails_is_what_python_computes(pad, name):
    pad.choose(name)
    pad.draw(SEVEN)
    sentence, shifts, widths = pad.find()
    strokes = pad.read("strokes")
    steps = range(-6, 7)
    images = [shifted(digit_image(strokes), dx, dy) for dy in steps for dx in steps]
    answers = probabilities(name, torch.stack(images)).argmax(dim=1).tolist()
    assert [int(answer) for _, *row in shifts[1:] for answer in row] == answers
    others = [(abs(i % 13 - 6), abs(i // 13 - 6)) for i, answer in enumerate(answers) if answer != 7]
    assert len(others) > 0
    assert sentence.startswith(f"{len(others)} of 169 shifts change the answer. The shortest is by ")
    length = min(dx**2 + dy**2 for dx, dy in others)
    named = [int(word) for word in sentence.split("The shortest is by ")[1].split(":")[0].split() if word.isdigit()]
    assert sum(number**2 for number in named) == length

    factors = [0.3, 0.5, 1, 1.5, 2, 2.5, 3, 4]
    images = [
        digit_image([{**stroke, "radius": factor * stroke["radius"]} for stroke in strokes]) for factor in factors
    ]
    best = probabilities(name, torch.stack(images)).max(dim=1)
    assert [(float(row[0].removeprefix("× ")), int(row[2])) for row in widths[1:]] == [
        (factor, answer) for factor, answer in zip(factors, best.indices.tolist(), strict=True)
    ]


def test_long_names_of_classes_have_numbers_in_the_table_of_shifts(pad, tmp_path):
    clothes = Preprocessing(CLASSES["FashionMNIST"], *STATISTICS["FashionMNIST"], (28, 28))
    mine = export_web(trained("digitnet-best"), tmp_path / "mine.json", preprocessing=clothes)
    pad.root.get_by_label("Use your own network").set_input_files(mine)
    pad.root.locator("option:checked", has_text="from mine.json").wait_for(state="attached")
    pad.draw(SEVEN)
    _, shifts, widths = pad.find()
    names = CLASSES["FashionMNIST"]
    caption = pad.root.locator(".shifts caption").inner_text()
    assert caption.splitlines()[1] == ", ".join(f"{i} {name}" for i, name in enumerate(names)) + "."
    answers = [int(answer) for _, *row in shifts[1:] for answer in row]
    assert [cell.get_attribute("title") for cell in pad.root.locator(".shifts tbody td").all()] == [
        names[answer] for answer in answers
    ]
    assert {answer for _, _, answer, _ in widths[1:]} <= set(names)


def test_a_new_stroke_ends_the_search(pad):
    pad.choose("seminar-cnn")  # takes seconds for all shifts
    pad.draw(SEVEN)
    pad.press("Find where it fails")
    pad.root.get_by_text("of 169 shifts").wait_for()
    pad.draw(ONE)
    assert pad.root.locator(".shifts").count() == 0
    pad.page.wait_for_timeout(300)
    assert pad.root.locator(".sentence").text_content() == ""


def test_two_pads_on_a_page(pad):
    pad.page.evaluate("""() => {
        const element = document.querySelector(".drawing-pad").cloneNode(false);
        element.id = "second";
        document.querySelector(".drawing-pad").after(element);
        const result = {outputs: [], logits: new Float32Array(2), probabilities: new Float32Array([0.25, 0.75])};
        const network = {name: "Sure", inputShape: [1, 28, 28], classes: ["no", "yes"], run: async () => result};
        const networks = [{id: "sure", title: "Sure", load: async () => network}];
        element.pad = cnncourse.createPad(element, {networks});
    }""")
    first, second = Pad(pad.page, ".drawing-pad >> nth=0"), Pad(pad.page, "#second")
    second.draw(SEVEN)
    assert second.answer.text_content() == "Looks like yes 75 %"
    assert second.root.get_by_label("Use your own network").count() == 0
    assert first.read("strokes") == []
    first.draw(ONE)
    assert first.answer.text_content().startswith("Looks like 1")
    assert len(second.read("strokes")[0]["points"]) == len(SEVEN[0])
    ids = pad.page.evaluate("[...document.querySelectorAll('[id]')].map(({id}) => id)")
    assert len(ids) == len(set(ids))
    second.root.evaluate("element => element.pad.destroy()")
    assert second.root.inner_html() == ""


def test_only_the_newest_answer_is_shown_and_one_question_is_asked_at_a_time(pad):
    """As in a notebook, where Python answers."""
    counts = pad.page.evaluate("""async () => {
        const element = document.createElement("div");
        document.body.append(element);
        let waiting = 0, most = 0, asked = 0;
        const network = {name: "Slow", inputShape: [1, 28, 28], classes: ["few", "many"], run: async pixels => {
            most = Math.max(most, ++waiting);
            asked++;
            await new Promise(done => setTimeout(done, 100));
            waiting--;
            const many = pixels.filter(grey => grey > 0).length > 200;
            const probabilities = new Float32Array([many ? 0 : 1, many ? 1 : 0]);
            return {outputs: [], logits: new Float32Array(2), probabilities};
        }};
        const own = cnncourse.createPad(element, {networks: [{id: "slow", title: "Slow", load: async () => network}]});
        const dot = (x, y) => ({radius: 20, points: [[x, y]]});
        const line = {radius: 2, points: [[20, 20], [200, 260]]};
        const frame = () => new Promise(requestAnimationFrame);
        await frame();
        for (let i = 0; i < 10; i++) {
            own.setStrokes([line]);
            await frame();
        }
        own.setStrokes([dot(60, 60)]);  // a large disc
        await new Promise(done => element.addEventListener("cnncourse-update", ({detail}) => {
            if (detail.probabilities && detail.probabilities[1] === 1) done();
        }));
        return [most, asked, element.querySelector(".answer").textContent];
    }""")
    most, asked, answer = counts
    assert most == 1
    assert asked < 6  # of eleven drawings
    assert answer == "Looks like many > 99 %"


def test_an_empty_drawing_does_not_wait_for_a_slow_network(pad):
    pad.page.evaluate("""() => {
        const element = document.createElement("div");
        element.id = "second";
        document.querySelector(".drawing-pad").after(element);
        const result = {outputs: [], logits: new Float32Array(2), probabilities: new Float32Array([0.25, 0.75])};
        window.answers = [];  // each question waits here
        const run = () => new Promise((resolve, reject) =>
            answers.push({yes: () => resolve(result), no: () => reject(Error("Tired."))}));
        const network = {name: "Slow", inputShape: [1, 28, 28], classes: ["no", "yes"], run};
        const networks = [{id: "slow", title: "Slow", load: async () => network}];
        element.pad = cnncourse.createPad(element, {networks});
    }""")
    second = Pad(pad.page, "#second")
    second.draw(ONE)
    pad.page.evaluate("answers.pop().yes()")
    second.settle()
    assert second.answer.text_content() == "Looks like yes 75 %"
    second.draw(ONE)
    second.press("Clear")
    assert second.answer.text_content() == "Draw something."
    pad.page.evaluate("answers.pop().yes()")
    second.settle()
    assert second.answer.text_content() == "Draw something."
    second.draw(ONE)
    pad.page.evaluate("answers.pop().no()")
    second.settle()
    assert second.alert.text_content() == "Slow can't answer: Tired."
    second.press("Clear")
    assert second.alert.text_content() == ""


def test_an_update_tells_what_was_drawn(pad):
    pad.root.evaluate("element => element.addEventListener('cnncourse-update', ({detail}) => window.last = detail)")
    pad.draw(SEVEN)
    last = pad.page.evaluate("({...last, image: [...last.image], probabilities: [...last.probabilities]})")
    assert last["network"] == FIRST
    assert last["image"] == pad.read("image")
    assert last["probabilities"] == pad.read("result.probabilities")
    assert last["shapes"][0] == [8, 26, 26]
    assert 0 < last["milliseconds"] < 1000
    pad.press("Clear")
    assert pad.page.evaluate("[last.image, last.probabilities]") == [None, None]


def test_every_layer_has_a_picture_of_its_numbers(pad):
    """Colours tell the sign, and full colour the layer's largest number."""
    pad.draw(SEVEN)
    shapes = [output["shape"] for output in pad.read("result.outputs")]
    figures = pad.root.locator(".maps figure")
    assert figures.count() == len(shapes)
    for figure, shape in zip(figures.all(), shapes, strict=True):
        assert " × ".join(map(str, shape)) in figure.text_content()
    first = figures.first.get_by_role("img", name="Output of features.0, Conv2d: 8 maps of 26 × 26")
    columns, rows = first.evaluate("canvas => [(canvas.width + 1) / 27, (canvas.height + 1) / 27]")
    assert columns * rows >= 8
    data = pad.root.evaluate("element => [...element.pad.result.outputs[0].data]")
    pixels = first.evaluate(
        "canvas => [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]"
    )
    width = int(columns) * 27 - 1
    most = max(map(abs, data))
    for index, value in enumerate(data):
        y, x = divmod(index % 676, 26)
        row, column = divmod(index // 676, int(columns))
        red, _, blue, alpha = pixels[4 * ((row * 27 + y) * width + column * 27 + x) :][:4]
        assert alpha == 255
        if abs(value) > 0.02 * most:
            assert (red > blue) == (value < 0) or abs(value) < 0.1 * most
    assert figures.first.locator(".largest").text_content() == f"± {most:.3g}".ljust(6, "0")


@pytest.mark.parametrize("width", [320, 390])
@pytest.mark.parametrize("name", ["digitnet-best", "seminar-cnn"])
def test_a_phone_needs_no_sideways_scroll(opened, width, name):
    pad = opened(viewport={"width": width, "height": 800})
    pad.choose(name)
    pad.draw(SEVEN)
    pad.find()
    assert pad.page.evaluate(WIDTH) <= width


@pytest.mark.parametrize(("width", "height"), [(667, 375), (568, 320)])
def test_a_phone_on_its_side_shows_the_whole_board(opened, width, height):
    pad = opened(viewport={"width": width, "height": height}, has_touch=True, is_mobile=True)
    assert pad.board.bounding_box()["height"] <= 0.8 * height


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing_in_a_pad_in_use(opened, tmp_path, scheme, width):
    pad = opened(viewport={"width": width, "height": 844}, color_scheme=scheme)
    (tmp_path / "notes.txt").write_text("no network")
    pad.root.get_by_label("Use your own network").set_input_files(tmp_path / "notes.txt")
    pad.draw(SEVEN)
    pad.find()
    assert not opened.faults
    pad.page.evaluate("scrollTo({top: 0, behavior: 'instant'})")  # so that the page's bar lies over none of its buttons
    pad.page.evaluate(AXE_SCRIPT)
    assert pad.page.evaluate(AXE, {}) == []
    opened.faults.clear()  # axe asks for the style sheets again, and misreads an address in one


def test_high_contrast_leaves_the_drawing_and_the_bars(opened):
    pad = opened(forced_colors="active")
    pad.draw(SEVEN)
    ground = "element => getComputedStyle(element).backgroundColor"
    sample, bar = pad.root.locator(".samples button").first, pad.root.locator(".bars .winner td span")
    assert [each.evaluate(ground) for each in (pad.board, sample)] == ["rgb(15, 28, 46)"] * 2  # the strokes are white
    assert bar.evaluate(ground) != pad.page.locator("body").evaluate(ground)


def test_the_board_is_printed_dark(pad):
    """Browsers print no grounds unless they are asked to."""
    for part in (pad.board, pad.root.locator(".samples button").first, pad.root.locator(".bars td span").first):
        assert part.evaluate("element => getComputedStyle(element).printColorAdjust") == "exact"


def test_controls_are_large_enough_to_touch(opened):
    pad = opened(viewport=PHONE)
    for network in ("digitnet-best", "cifarnet-best"):
        pad.choose(network)
        for control in pad.root.locator("button, select, input").locator("visible=true").all():
            box = control.bounding_box()
            assert min(box["width"], box["height"]) >= 44


def test_without_javascript_the_page_says_what_is_missing(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}book/draw.html")
    text = page.locator(".drawing-pad").inner_text()
    context.close()
    assert "Allow this page to run JavaScript" in text


# Pictures.


@pytest.fixture
def photo(tmp_path):
    """A file with a test picture of CIFAR-10, enlarged, with a border left and right that a square image lacks."""

    def write(number=0, name="photo.png", turned=None):
        small = Image.fromarray(sample_arrays("CIFAR10", "test")[0][number].transpose(1, 2, 0))
        picture = Image.new("RGB", (640, 480), (90, 140, 200))
        picture.paste(small.resize((480, 480), Image.Resampling.BICUBIC), (80, 0))
        exif = Image.Exif()
        if turned:  # as a camera does: it stores the picture on its side, and says so
            picture = picture.transpose(Image.Transpose.ROTATE_90)
            exif[0x0112] = turned
        picture.save(tmp_path / name, exif=exif, quality=95)
        return tmp_path / name

    return write


def image_of(pad):
    """What the network gets, as the pad says: uint8 3×32×32."""
    return torch.tensor(pad.read("image"), dtype=torch.uint8).view(3, 32, 32)


def test_a_picture_is_read_as_python_reads_it(pad, photo):
    pad.choose("cifarnet-best")
    assert not pad.board.is_visible()
    assert pad.answer.text_content() == "Open a picture, and the network says what it sees."
    assert not pad.root.get_by_role("heading", name="Where does it fail?").is_visible()
    preprocessing, most = trained("cifarnet-best").preprocessing, 0
    for number in range(5):
        file = photo(number, f"{number}.png")
        pad.open(file)
        image = image_of(pad)
        [expected] = probabilities("cifarnet-best", image[None])
        assert pad.read("result.probabilities") == pytest.approx(expected.tolist(), abs=1e-4)
        assert pad.answer.locator("strong").text_content() == CLASSES["CIFAR10"][expected.argmax()]
        difference = (preprocessing.normalise(image[None]) - preprocessing.read(file)).abs().max().item()
        most = max(most, 255 * difference * max(preprocessing.std))
    print(f"the largest difference of a pixel is {most:.2f} of 255")
    assert most < 1.5


def test_a_picture_is_turned_as_its_camera_says(pad, photo):
    pad.choose("cifarnet-best")
    pad.open(photo(name="upright.jpg"))
    upright = image_of(pad).float()
    pad.open(photo(name="turned.jpg", turned=6))
    pad.root.get_by_role("img", name="The picture turned.jpg").wait_for()
    assert (image_of(pad) - upright).abs().mean() < 2  # JPEG is not exact


def test_a_picture_can_be_dropped_pasted_and_taken_away(pad, photo):
    pad.choose("cifarnet-best")
    content = base64.b64encode(photo().read_bytes()).decode()
    give = """([content, kind]) => {
        const bytes = Uint8Array.from(atob(content), letter => letter.charCodeAt(0));
        const transfer = new DataTransfer();
        transfer.items.add(new File([bytes], "given.png", {type: "image/png"}));
        const options = {bubbles: true, cancelable: true, dataTransfer: transfer, clipboardData: transfer};
        const event = kind === "drop" ? new DragEvent(kind, options) : new ClipboardEvent(kind, options);
        const target = kind === "drop" ? document.querySelector(".drawing-pad .frame") : document.body;
        return target.dispatchEvent(event);  // false where the page took it
    }"""
    for kind in ("drop", "paste"):
        assert pad.page.evaluate(give, [content, kind]) is False
        pad.root.locator(".answer:has-text('Looks like')").wait_for()
        assert pad.root.get_by_role("img", name="The picture given.png").is_visible()
        pad.press("Take the picture away")
        assert pad.answer.text_content().startswith("Open a picture")
    assert pad.read("image") is None


def test_samples_of_photographs(pad):
    pad.choose("cifarnet-best")
    samples = pad.root.get_by_role("group", name="Start from a sample").get_by_role("button").all()
    names = [sample.get_attribute("aria-label").removeprefix("Sample: ") for sample in samples]
    assert names == list(CLASSES["CIFAR10"])
    samples[8].click()
    pad.root.get_by_role("img", name="The picture ship").wait_for()
    pad.root.locator(".answer:has-text('Looks like')").wait_for()
    images, labels = sample_arrays("CIFAR10", "test")
    assert torch.equal(image_of(pad), torch.from_numpy(images[labels.tolist().index(8)]))  # pixel by pixel


def test_each_kind_of_network_keeps_what_it_was_given(pad, photo):
    pad.draw(SEVEN)
    pad.choose("cifarnet-best")
    pad.open(photo())
    pad.choose("digitnet-best")
    assert pad.answer.text_content().startswith("Looks like 7")
    pad.root.get_by_label("Or open a picture").set_input_files(photo())  # now in grey
    pad.root.get_by_role("img", name="The picture photo.png").wait_for()
    pad.settle()
    assert not pad.board.is_visible()
    assert len(pad.read("image")) == 784
    assert not pad.root.get_by_role("heading", name="Where does it fail?").is_visible()
    pad.press("Take the picture away")
    assert pad.answer.text_content().startswith("Looks like 7")
    assert pad.root.get_by_role("heading", name="Where does it fail?").is_visible()
    pad.choose("cifarnet-best")
    assert pad.root.get_by_role("img", name="The picture photo.png").is_visible()


def test_what_is_no_picture_is_said_and_the_next_one_is_read(pad, photo, tmp_path):
    pad.choose("cifarnet-best")
    (tmp_path / "notes.png").write_text("Dear diary")
    pad.root.get_by_label("Open a picture").set_input_files(tmp_path / "notes.png")
    pad.alert.get_by_text("notes.png can't be read: this browser can't open it as a picture.").wait_for()
    pad.open(photo())
    assert pad.alert.text_content() == ""


LONG = ("Rhododendron ferrugineum var. alba", "Gentiana acaulis", "Donaudampfschifffahrtsgesellschaft", "Iris", "x")


@pytest.fixture
def own(tmp_path):
    """A file with an untrained network for images of this shape and these classes."""

    def write(shape, classes):
        torch.manual_seed(0)
        layers = [nn.Conv2d(shape[0], 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, len(classes))]
        return export_web(nn.Sequential(*layers), tmp_path / "mine.json", preprocessing=prepared_for(*shape, classes))

    return write


def use(pad, file):
    pad.root.get_by_label("Use your own network").set_input_files(file)
    pad.root.locator("option:checked", has_text="from mine.json").wait_for(state="attached")
    pad.settle()


@pytest.mark.parametrize("width", [390, 1280])
def test_the_board_stays_where_it_is_while_names_come_and_go(opened, own, width):
    pad = opened(viewport={"width": width, "height": 844})
    use(pad, own((1, 40, 40), LONG))
    assert pad.answer.text_content() == "Draw something."
    assert not pad.root.get_by_role("group", name="Start from a sample").is_visible()
    [place] = pad.places([(0, 0)])
    pad.draw(SEVEN)
    assert pad.answer.locator("strong").text_content() in LONG
    assert pad.places([(0, 0)]) == [place]
    assert pad.page.evaluate(WIDTH) <= width
    if width == 390:  # the answer can be seen while someone draws
        assert pad.answer.bounding_box()["y"] < pad.board.bounding_box()["y"]


def test_of_many_classes_the_most_probable_are_shown(pad, own):
    names = [f"species {number}" for number in range(200)]
    use(pad, own((3, 20, 50), names))
    assert pad.root.get_by_text("and 190 more classes").is_visible()
    pad.page.evaluate("""async () => {
        const canvas = new OffscreenCanvas(300, 100);
        canvas.getContext("2d").fillRect(0, 0, 150, 100);
        await document.querySelector(".drawing-pad").pad.openPicture(await canvas.convertToBlob());
    }""")
    pad.root.locator(".answer:has-text('Looks like')").wait_for()
    rows = pad.root.locator(".bars tbody th").all_text_contents()
    order = torch.tensor(pad.read("result.probabilities")).argsort(descending=True, stable=True)[:10]
    assert rows == [names[place] for place in order.tolist()]
    assert pad.root.locator(".bars + .hint").text_content().startswith("and 190 more classes: 9")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_with_a_picture(opened, photo, scheme):
    pad = opened(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    pad.choose("cifarnet-best")
    pad.page.evaluate(AXE_SCRIPT)
    assert pad.page.evaluate(AXE, {}) == []
    pad.open(photo())
    assert pad.page.evaluate(AXE, {}) == []
    assert pad.page.evaluate(WIDTH) <= 390
    opened.faults.clear()  # axe asks for the style sheets again, and misreads an address in one
