"""The drawing pad in a notebook, where Python answers."""

import io
import json
import re
from base64 import b64decode, b64encode

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from axe_playwright_python.sync_playwright import Axe
from browsing import open_page
from exported import prepared, prepared_for
from jupyter import jupyterlab, run_cell
from PIL import Image
from torch import nn

from cnncourse.analysis.activations import feature_maps
from cnncourse.data import CLASSES, STATISTICS, ImageSet, Preprocessing
from cnncourse.experiments import trained
from cnncourse.models import DigitNet, LeNet5, SeminarCNN
from cnncourse.pad import digit_image
from cnncourse.pad.export import web_network
from cnncourse.pad.page import draw_page, sample_drawings
from cnncourse.pad.widget import DrawingPad

SEVEN = [
    {"radius": 10, "points": [[80, 70], [190, 70], [120, 220]]},
    {"radius": 10, "points": [[110, 140], [180, 140]]},
]
ONE = [{"radius": 12, "points": [[140, 40], [130, 240]]}]


def best():
    return trained("digitnet-best")


def picture(width=40, height=30, mode="RGB", form="PNG"):
    """A file with a picture of random colours, as bytes."""
    pixels = np.random.default_rng(0).integers(256, size=(height, width, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, form)
    return file.getvalue()


def normalised(image):
    return (image[None] / 255 - 0.1307) / 0.3081


def logits_of(model, batch):
    with torch.inference_mode():
        return model.eval()(batch)[0]


class Browser:
    """Stands for the pad in the browser: it sends messages as a notebook does, and keeps what comes back."""

    def __init__(self, pad):
        self.pad, self.heard = pad, []
        pad.send = lambda content, buffers=(): self.heard.append((json.loads(json.dumps(content)), buffers))

    def ask(self, content, buffers=()):
        self.pad._handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": buffers})
        return self.heard.pop()


class Branching(nn.Module):
    """Fails for images with much ink, as a model with a mistake in one branch does."""

    input_shape = (1, 28, 28)

    def __init__(self):
        super().__init__()
        self.dense = nn.Linear(784, 10)

    def forward(self, images):
        if images.mean() > 0:
            raise KeyError("much ink")
        return self.dense(images.flatten(1))


class Recurrent(nn.Module):
    """Layers that give a tuple, a single number, an empty list of numbers, or not one thing for each image."""

    input_shape = (1, 28, 28)

    def __init__(self):
        super().__init__()
        self.first, self.rows, self.last = nn.Conv2d(1, 1, 1), nn.LSTM(28, 8), nn.Linear(8, 10)
        self.penalty, self.nothing, self.columns = nn.MSELoss(), nn.Identity(), nn.Identity()

    def forward(self, images):
        maps = self.first(images)
        self.nothing(maps[:, :0])
        _, (state, _) = self.rows(self.columns(maps.permute(2, 0, 1, 3).flatten(2)))
        return self.last(state[0]) + self.penalty(maps, images)


@pytest.mark.parametrize(
    "model", [best(), prepared(LeNet5()), prepared(SeminarCNN())], ids=lambda model: type(model).__name__
)
def test_a_drawing_is_read_as_a_test_image_would_be(model):
    pad = DrawingPad(model)
    pad.strokes = SEVEN
    image = digit_image(SEVEN)
    assert torch.equal(pad.image, image)
    if model.input_shape[1] == 32:
        image = F.interpolate(image[None], (32, 32), mode="bilinear", antialias=True)[0]
    torch.testing.assert_close(pad.probabilities, logits_of(model, normalised(image)).softmax(dim=0))


def test_the_best_network_reads_the_samples():
    pad = DrawingPad(best())
    for sample in sample_drawings():
        pad.strokes = sample["strokes"]
        assert pad.probabilities.argmax() == sample["digit"]


def test_the_answer_has_every_layer():
    model = best()
    browser = Browser(DrawingPad(model))
    answer, buffers = browser.ask({"ask": "drawing", "strokes": SEVEN, "question": "a"})
    batch = normalised(digit_image(SEVEN))
    logits = logits_of(model, batch)
    assert answer["question"] == "a"
    torch.testing.assert_close(torch.tensor(answer["logits"]), logits)
    torch.testing.assert_close(torch.tensor(answer["probabilities"]), logits.softmax(dim=0))
    maps = feature_maps(model, batch)
    assert [layer["name"] for layer in answer["outputs"]] == list(maps)
    assert [layer["type"] for layer in answer["outputs"]][:4] == ["Conv2d", "BatchNorm2d", "ReLU", "Conv2d"]
    assert buffers[-1] == digit_image(SEVEN).numpy().tobytes()
    for layer, buffer, values in zip(answer["outputs"], buffers[:-1], maps.values(), strict=True):
        assert layer["shape"] == list(values.shape[1:])
        sent = torch.frombuffer(bytearray(buffer), dtype=torch.int8).reshape(values.shape) / 127 * layer["largest"]
        torch.testing.assert_close(sent, values, atol=layer["largest"] / 250, rtol=0)
    assert browser.pad.strokes == SEVEN
    assert torch.equal(browser.pad.image, digit_image(SEVEN))


def test_a_layer_without_maps_is_left_out():
    browser = Browser(DrawingPad(prepared(Recurrent())))
    answer, buffers = browser.ask({"ask": "drawing", "strokes": SEVEN, "question": "k"})
    logits = logits_of(browser.pad.model, normalised(digit_image(SEVEN)))
    torch.testing.assert_close(torch.tensor(answer["probabilities"]), logits.softmax(dim=0))
    assert [(layer["name"], layer["shape"]) for layer in answer["outputs"]] == [("first", [1, 28, 28]), ("last", [10])]
    assert len(buffers) == 3  # and the image


def test_an_image_that_the_pad_changed_is_read_and_is_not_the_drawing():
    model = prepared(LeNet5())
    browser = Browser(DrawingPad(model))
    browser.pad.strokes = SEVEN
    pixels = torch.randint(256, (1, 32, 32), dtype=torch.uint8)
    answer, maps = browser.ask({"ask": "pixels", "question": "b"}, [memoryview(pixels.numpy().tobytes())])
    torch.testing.assert_close(torch.tensor(answer["logits"]), logits_of(model, normalised(pixels)))
    assert (answer["outputs"], maps) == ([], [])
    assert torch.equal(browser.pad.image, digit_image(SEVEN))


def test_the_pad_learns_what_it_shows():
    clothes = Preprocessing(CLASSES["FashionMNIST"], *STATISTICS["FashionMNIST"], (32, 32))
    browser = Browser(DrawingPad(LeNet5(), preprocessing=clothes, title="Clothes"))
    browser.pad.strokes = ONE
    answer, _ = browser.ask({"ask": "network", "question": "c"})
    assert answer["strokes"] == ONE
    network = answer["network"]
    assert (network["title"], network["name"], network["inputShape"]) == ("Clothes", "LeNet5", [1, 32, 32])
    assert (network["classes"][9], network["parameters"]) == ("Ankle boot", 61706)


@pytest.mark.parametrize("temperature", [0.5, 1, 3, 1e-320])
def test_a_temperature_divides_the_logits_before_the_softmax_alone(temperature):
    browser = Browser(DrawingPad(best(), temperature=temperature, sure=0.9))
    answer, _ = browser.ask({"ask": "drawing", "strokes": SEVEN, "question": "t"})
    image = digit_image(SEVEN)
    logits = logits_of(best(), normalised(image))
    expected = (logits / temperature).softmax(dim=0) if temperature > 0.1 else F.one_hot(logits.argmax(), 10).float()
    torch.testing.assert_close(torch.tensor(answer["logits"]), logits)
    torch.testing.assert_close(torch.tensor(answer["probabilities"]), expected)
    torch.testing.assert_close(browser.pad.probabilities, expected)
    answer, _ = browser.ask({"ask": "pixels", "question": "u"}, [memoryview(image.numpy().tobytes())])
    torch.testing.assert_close(torch.tensor(answer["probabilities"]), expected)
    answer, _ = browser.ask({"ask": "network", "question": "v"})
    assert answer["network"]["sure"] == 0.9


@pytest.mark.parametrize("options", [{"temperature": 0}, {"temperature": "1"}, {"sure": 1}, {"sure": -0.1}], ids=str)
def test_no_other_temperature_or_probability_is_taken(options):
    with pytest.raises(ValueError, match="must be a"):
        DrawingPad(best(), **options)


def test_a_drawing_from_python_is_shown():
    browser = Browser(DrawingPad(best()))
    browser.pad.strokes = SEVEN
    assert browser.heard == [({"draw": SEVEN}, ())]


def test_an_empty_drawing_has_no_answer():
    browser = Browser(DrawingPad(best()))
    assert (browser.pad.strokes, browser.pad.image, browser.pad.probabilities) == ([], None, None)
    browser.ask({"ask": "drawing", "strokes": SEVEN, "question": "d"})
    assert browser.pad.probabilities is not None
    answer, _ = browser.ask({"ask": "drawing", "strokes": [], "question": "e"})
    assert answer == {"question": "e"}
    assert (browser.pad.strokes, browser.pad.image, browser.pad.probabilities) == ([], None, None)


@pytest.mark.parametrize("strokes", [None, 0, "", "x", {}, False, np.array([])], ids=repr)
def test_what_is_no_drawing_is_refused_and_the_drawing_stays(strokes):
    pad = DrawingPad(best())
    pad.strokes = SEVEN
    with pytest.raises(ValueError, match=r"A drawing is a list of strokes\."):
        pad.strokes = strokes
    assert pad.strokes == SEVEN
    assert pad.probabilities is not None


def test_the_model_stays_as_it_is():
    model = prepared(DigitNet(dropout=0.5)).train()
    model.features[1].eval()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    modes, random = [layer.training for layer in model.modules()], torch.get_rng_state()
    Browser(DrawingPad(model)).ask({"ask": "drawing", "strokes": SEVEN, "question": "f"})
    assert [layer.training for layer in model.modules()] == modes
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert torch.equal(torch.get_rng_state(), random)


@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated")  # torch.compile asks for it itself
def test_a_compiled_model_is_shown_as_the_model_in_it():
    model = best()
    pad, compiled = DrawingPad(model), DrawingPad(torch.compile(model))
    assert compiled.network == pad.network
    pad.strokes = compiled.strokes = SEVEN
    assert torch.equal(compiled.probabilities, pad.probabilities)


def test_the_weights_are_those_of_the_moment():
    model = best()
    pad = DrawingPad(model)
    pad.strokes = SEVEN
    before = pad.probabilities
    nn.init.zeros_(model.classifier[-1].weight)
    pad.strokes = SEVEN
    assert not torch.allclose(pad.probabilities, before)
    torch.testing.assert_close(pad.probabilities, torch.full((10,), 0.1))


def test_an_error_goes_to_the_pad_and_the_next_drawing_is_read():
    browser = Browser(DrawingPad(prepared(Branching())))
    dot = [{"radius": 12, "points": [[140, 40]]}]
    answer, buffers = browser.ask({"ask": "drawing", "strokes": dot, "question": "g"})
    assert (answer, buffers) == ({"error": "KeyError: 'much ink'", "question": "g"}, [])
    assert browser.pad.probabilities is None
    answer, _ = browser.ask({"ask": "drawing", "strokes": ONE, "question": "h"})
    assert len(answer["probabilities"]) == 10
    answer, _ = browser.ask({"ask": "drawing", "strokes": [{"radius": 1}], "question": "i"})
    assert answer["error"].startswith("ValueError: Stroke 1 needs")


def test_a_model_that_diverged_is_named_so():
    model = best()
    browser = Browser(DrawingPad(model))
    nn.init.constant_(model.classifier[-1].weight, float("nan"))
    answer, _ = browser.ask({"ask": "drawing", "strokes": SEVEN, "question": "j"})
    assert answer["error"].startswith("ValueError: the model's answer is not a number")
    with pytest.raises(ValueError, match="the model's answer is not a number"):
        DrawingPad(model)


@pytest.mark.parametrize(
    ("model", "preprocessing", "error", "text"),
    [
        (lambda images: images, prepared_for(), TypeError, "an nn.Module, not a function"),
        (DigitNet(), None, ValueError, "how the images of DigitNet are prepared is not known"),
        (DigitNet(), "MNIST", TypeError, "this is a str"),
        (
            LeNet5(),
            prepared_for(),
            ValueError,
            "takes images of 1×32×32, but the preprocessing is of images of 1×28×28",
        ),
        (nn.Conv2d(2, 10, 28), prepared_for(2), ValueError, "takes images of 2×28×28, but the pad has grey ones"),
        (
            nn.Sequential(nn.Flatten(), nn.Linear(784, 5)),
            prepared_for(),
            ValueError,
            "returns 1×5, but its images have",
        ),
        (nn.Sequential(nn.Flatten(), nn.Linear(900, 10)), prepared_for(), RuntimeError, "mat1 and mat2"),
        (nn.Flatten(0), prepared_for(), ValueError, "returns 784, but its images have 10 classes"),
        (
            nn.Sequential(best(), nn.Softmax(dim=1)),
            prepared_for(),
            ValueError,
            "returns probabilities, but the pad needs",
        ),
    ],
)
def test_refuses_what_it_cannot_show(model, preprocessing, error, text):
    with pytest.raises(error, match=re.escape(text)):
        DrawingPad(model, preprocessing=preprocessing)


def test_images_of_ones_own_say_how_they_are_prepared():
    images = ImageSet(
        torch.zeros(1, 1, 30, 30, dtype=torch.uint8), torch.tensor([0]), tuple("abc"), (0.1307,), (0.3081,)
    )
    pad = DrawingPad(nn.Sequential(nn.Flatten(), nn.Linear(900, 3)), preprocessing=images)
    pad.strokes = SEVEN
    assert pad.probabilities.shape == (3,)
    assert (pad.network["inputShape"], pad.network["classes"]) == ([1, 30, 30], list("abc"))


@pytest.mark.parametrize(
    ("shape", "mode", "form"),
    [((3, 32, 32), "RGB", "PNG"), ((3, 20, 50), "P", "GIF"), ((1, 28, 28), "RGB", "PNG"), ((1, 24, 10), "L", "WEBP")],
    ids=str,
)
def test_a_picture_is_read_as_python_reads_the_file(shape, mode, form, tmp_path):
    content = picture(mode=mode, form=form)
    (tmp_path / "picture").write_bytes(content)
    model = nn.Sequential(nn.Conv2d(shape[0], 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 10))
    browser = Browser(DrawingPad(model, preprocessing=prepared_for(*shape)))
    answer, buffers = browser.ask({"ask": "picture", "question": "p"}, [memoryview(content)])
    batch = browser.pad.preprocessing.read(tmp_path / "picture")
    torch.testing.assert_close(torch.tensor(answer["logits"]), logits_of(model, batch))
    torch.testing.assert_close(browser.pad.preprocessing.normalise(browser.pad.image[None]), batch)
    assert buffers[-1] == browser.pad.image.numpy().tobytes()
    assert browser.pad.strokes == []
    answer, buffers = browser.ask({"ask": "network", "question": "n"})  # of a view that is opened later
    assert buffers == [content]


def test_what_is_no_picture_is_an_error_in_the_pad():
    browser = Browser(DrawingPad(trained("cifarnet-best")))
    answer, _ = browser.ask({"ask": "picture", "question": "p"}, [memoryview(b"Dear diary")])
    assert answer["error"].startswith("ValueError: ")
    assert "picture" in answer["error"]


def test_colour_cannot_be_drawn():
    pad = DrawingPad(trained("cifarnet-best"))
    pad.strokes = []
    with pytest.raises(ValueError, match="takes images of 3×32×32, and a drawing is a grey square"):
        pad.strokes = SEVEN


def test_without_a_browser_it_is_a_sentence():
    """What a committed notebook keeps, and so what the site shows."""
    bundle, _ = DrawingPad(best(), title="My network")._repr_mimebundle_()
    assert bundle["text/plain"] == "The drawing pad of My network. Run this cell in a notebook, and draw here."


# In the browser.

KEEP_UPDATES = """document.addEventListener("cnncourse-update", (event) => {
    window.last = event.detail;
    window.lastTime = performance.now();
}, true);"""
QUIET = "window.last?.probabilities && performance.now() - lastTime > 1000"
BARS = "() => [...document.querySelectorAll('.bars tbody tr')].map((row) => row.lastElementChild.textContent)"
MESSAGE = "() => document.querySelector('.cnncourse-pad .message').textContent"


def draw_seven(page):
    """With the mouse; wait until the pad shows what the network makes of the whole drawing."""
    page.locator(".cnncourse-pad canvas.board").scroll_into_view_if_needed()
    box = page.locator(".cnncourse-pad canvas.board").bounding_box()
    for stroke in SEVEN:
        (x, y), *others = [
            (box["x"] + x * box["width"] / 280, box["y"] + y * box["height"] / 280) for x, y in stroke["points"]
        ]
        page.mouse.move(x, y)
        page.mouse.down()
        for x, y in others:
            page.mouse.move(x, y, steps=8)
        page.mouse.up()
    page.wait_for_function(QUIET)
    return page.evaluate("({ image: Object.values(last.image), probabilities: Object.values(last.probabilities) })")


def check_answer(model, shown, bars):
    image = torch.tensor(shown["image"], dtype=torch.uint8).reshape(1, 28, 28)
    probabilities = logits_of(model, normalised(image)).softmax(dim=0)
    assert probabilities.argmax() == 7
    torch.testing.assert_close(torch.tensor(shown["probabilities"]), probabilities, atol=1e-4, rtol=0)
    percent = [float(text.strip("<> %").replace("\N{NO-BREAK SPACE}", "")) for text in bars]
    torch.testing.assert_close(torch.tensor(percent), 100 * probabilities, atol=0.11, rtol=0)


# The sizes of the answer's words beside and above the board; and whether any of it is cut off.
ANSWER = """answer => ({
    sizes: [answer, answer.querySelector("strong")].map(element => getComputedStyle(element).fontSize),
    whole: answer.parentElement.scrollHeight <= answer.parentElement.clientHeight,
})"""


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("name", ["7", "An airplane of two wings"])
def test_a_page_says_when_its_network_is_not_sure(browser, tmp_path, colours, width, name):
    """In words, also to a screen reader; the bars stay. As soon as it is sure, it says so as ever."""
    network = web_network(best(), temperature=20, sure=0.9)
    network["classes"] = [name if each == "7" else each for each in network["classes"]]
    (tmp_path / "page.html").write_text(draw_page(network, "mine"), encoding="utf8")
    context = browser.new_context(color_scheme=colours, viewport={"width": width, "height": 844})
    context.add_init_script(KEEP_UPDATES)
    address = (tmp_path / "page.html").as_uri()
    page, faults = open_page(context, address, address)
    probabilities = draw_seven(page)["probabilities"]
    answer = page.locator(".answer")
    assert answer.text_content() == f"Not sure. Perhaps {name}."
    page.locator("[role=status]", has_text=f"Not sure. Perhaps {name}.").wait_for(state="attached")
    found = answer.evaluate(ANSWER)
    assert found["whole"]
    assert len(set(found["sizes"])) == 1
    bars = [float(text.strip("<> %").replace("\N{NO-BREAK SPACE}", "")) for text in page.evaluate(BARS)]
    assert bars == pytest.approx([100 * each for each in probabilities], abs=0.11)
    assert page.locator(".bars .winner .class").text_content() == name
    report = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]})
    (tmp_path / "sure.json").write_text(json.dumps(network | {"temperature": 1}), encoding="utf8")
    page.get_by_label("Use your own network").set_input_files(tmp_path / "sure.json")
    page.locator(".answer", has_text=f"Looks like {name}").wait_for()
    assert answer.get_attribute("data-length") == ("short" if name == "7" else "words")
    context.close()
    assert report.violations_count == 0, report.generate_report()
    assert faults == []


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_the_page_works_from_disk_and_alone(browser, tmp_path, colours):
    (tmp_path / "page.html").write_text(draw_page(web_network(best()), "digitnet-best"), encoding="utf8")
    context = browser.new_context(color_scheme=colours, viewport={"width": 390, "height": 844})
    context.add_init_script(KEEP_UPDATES)
    address = (tmp_path / "page.html").as_uri()
    page, faults = open_page(context, address, address)
    check_answer(best(), draw_seven(page), page.evaluate(BARS))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]})
    context.close()
    assert faults == []
    assert found.violations_count == 0, found.generate_report()


# A stand-in for a notebook: it hands the widget's messages to Python and back.
NOTEBOOK = """async ({ esm, css }) => {
  document.head.append(Object.assign(document.createElement("style"), { textContent: css }));
  const listeners = new Set();
  const bytes = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  window.fromPython = ([content, buffers]) => listeners.forEach((hear) => hear(content, buffers.map(bytes)));
  const model = {
    on: (_, hear) => listeners.add(hear),
    off: (_, hear) => listeners.delete(hear),
    send: async (content, _, buffers = []) => {
      const texts = buffers.map((buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))));
      for (const answer of await toPython(content, texts)) fromPython(answer);
    },
  };
  const url = URL.createObjectURL(new Blob([esm], { type: "text/javascript" }));
  const { default: widget } = await import(url);
  const el = document.body.appendChild(document.createElement("div"));
  window.remove = await widget.render({ model, el });
}"""


@pytest.fixture
def notebook(browser, tmp_path):
    """Opens a pad as a notebook does: gives the page and the pad."""
    context = browser.new_context()
    context.add_init_script(KEEP_UPDATES)

    def show(model, **options):
        end = Browser(DrawingPad(model, **options))

        def to_python(content, texts):
            content, buffers = end.ask(content, [memoryview(b64decode(text)) for text in texts])
            return [[content, [b64encode(buffer).decode() for buffer in buffers]]]

        (tmp_path / "empty.html").write_text("<!DOCTYPE html><title>A notebook</title>", encoding="utf8")
        page, faults = open_page(context, (tmp_path / "empty.html").as_uri(), (tmp_path / "empty.html").as_uri())
        page.expose_function("toPython", to_python)
        page.evaluate(NOTEBOOK, {"esm": end.pad._esm, "css": end.pad._css})
        return page, end, faults

    yield show
    context.close()


def test_the_widget_shows_what_python_answers(notebook):
    page, end, faults = notebook(best(), title="Mine")
    shown = draw_seven(page)
    check_answer(best(), shown, page.evaluate(BARS))
    assert page.locator("select option").all_text_contents() == ["Mine"]
    assert page.get_by_label("Use your own network").count() == 0
    drawn = torch.tensor(shown["image"], dtype=torch.uint8).reshape(1, 28, 28)
    assert torch.equal(end.pad.image, drawn), "Python's image is not the page's"
    maps = feature_maps(best(), normalised(drawn))
    assert page.locator(".maps figure").count() == len(maps)
    assert page.evaluate("last.shapes") == [list(values.shape[1:]) for values in maps.values()]
    page.get_by_role("button", name="Clear").click()
    page.wait_for_function("!last.probabilities")
    page.wait_for_timeout(100)  # the message is on its way
    assert (end.pad.strokes, end.pad.probabilities) == ([], None)
    assert faults == []


def test_the_widget_says_when_it_is_not_sure(notebook):
    page, end, faults = notebook(best(), temperature=20, sure=0.9)
    shown = draw_seven(page)
    assert page.locator(".answer").text_content() == "Not sure. Perhaps 7."
    torch.testing.assert_close(torch.tensor(shown["probabilities"]), end.pad.probabilities)
    assert end.pad.probabilities.max() < 0.9
    assert faults == []


def test_the_widget_resizes_for_a_larger_network_and_shows_the_drawing_of_python(notebook):
    page, end, faults = notebook(trained("lenet5-mnist"))
    end.pad.strokes = SEVEN
    page.evaluate("fromPython", [end.heard.pop()[0], []])
    page.wait_for_function("window.last?.probabilities")
    torch.testing.assert_close(
        torch.tensor([*page.evaluate("Object.values(last.probabilities)")]), end.pad.probabilities
    )
    assert faults == []


def test_the_widget_finds_where_the_network_fails(notebook):
    page, end, faults = notebook(best())
    draw_seven(page)
    page.get_by_role("button", name="Find where it fails").click()
    page.wait_for_function("document.querySelectorAll('.shifts td:is(.same, .other)').length === 169")
    answers = page.locator(".shifts td:is(.same, .other)").all_text_contents()
    assert len(answers) == 169
    model, image = best(), digit_image(end.pad.strokes)
    moved = [F.pad(image, (right, 0, down, 0))[:, :28, :28] for down in (0, 6) for right in (0, 6)]
    wanted = [str(logits_of(model, normalised(each)).argmax().item()) for each in moved]
    assert [answers[13 * (6 + down) + 6 + right] for down in (0, 6) for right in (0, 6)] == wanted
    assert torch.equal(end.pad.image, image), "the drawing is still the drawing"
    assert faults == []


def test_the_widget_shows_the_picture_that_python_reads(notebook, tmp_path):
    page, end, faults = notebook(trained("cifarnet-best"))
    (tmp_path / "cat.png").write_bytes(picture())
    page.get_by_label("Open a picture").set_input_files(tmp_path / "cat.png")
    page.wait_for_function("window.last?.probabilities")
    shown = page.evaluate("Object.values(last.probabilities)")
    torch.testing.assert_close(torch.tensor(shown), end.pad.probabilities)
    assert end.pad.image.shape == (3, 32, 32)
    drawn = "image => [...image.getContext('2d').getImageData(0, 0, 32, 32).data]"
    seen = torch.tensor(page.locator("figure .image").evaluate(drawn)).view(32, 32, 4)[..., :3].permute(2, 0, 1)
    assert torch.equal(seen.byte(), end.pad.image)
    page.get_by_role("button", name="Take the picture away").click()
    page.wait_for_function("!last.probabilities")
    page.wait_for_timeout(100)  # the message is on its way
    assert (end.pad.image, end.pad.probabilities) == (None, None)
    assert faults == []


def test_the_widget_says_what_went_wrong_and_goes_on(notebook):
    page, _, faults = notebook(prepared(Branching()))
    page.evaluate("fromPython", [{"draw": [{"radius": 12, "points": [[140, 40]]}]}, []])
    page.wait_for_function("document.querySelector('.message').textContent")
    assert page.evaluate(MESSAGE) == "Branching can't answer: KeyError: 'much ink'"
    page.evaluate("fromPython", [{"draw": ONE}, []])
    page.wait_for_function("window.last?.probabilities")
    assert page.evaluate(MESSAGE) == ""
    page.evaluate("remove()")
    assert page.locator(".cnncourse-pad").count() == 0
    assert faults == []


# In JupyterLab.

CELL = """import json
from pathlib import Path

from cnncourse.experiments import trained
from cnncourse.pad import DrawingPad

pad = DrawingPad(trained("digitnet-best"))


def keep(*message):
    if pad.probabilities is not None:
        Path("new.json").write_text(json.dumps([pad.strokes, pad.probabilities.tolist()]))
        Path("new.json").replace("answer.json")


pad.on_msg(keep)
pad"""


@pytest.fixture
def lab(tmp_path):
    with jupyterlab(tmp_path, CELL) as address_and_folder:
        yield address_and_folder


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_draws_in_jupyterlab(browser, lab):
    address, folder = lab
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    context.add_init_script(KEEP_UPDATES)
    page = context.new_page()
    run_cell(page, address)
    page.wait_for_selector(".cnncourse-pad canvas.board")
    shown = draw_seven(page)
    check_answer(best(), shown, page.evaluate(BARS))
    strokes, probabilities = json.loads((folder / "answer.json").read_text())
    assert torch.equal(digit_image(strokes).flatten(), torch.tensor(shown["image"], dtype=torch.uint8))
    torch.testing.assert_close(torch.tensor(probabilities), torch.tensor(shown["probabilities"]))

    brush = page.locator(".cnncourse-pad input[type=range]")
    before = float(brush.input_value())
    brush.focus()
    page.keyboard.press("ArrowUp")
    assert float(brush.input_value()) > before
    assert brush.evaluate("element => element === document.activeElement")
    context.close()
