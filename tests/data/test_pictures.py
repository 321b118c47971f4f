"""Pictures of any format and size, from a folder with a folder for each class, or one alone."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from cnncourse.data import ImageSet, Loader, pictures, torchvision
from cnncourse.train import fit, predict, predict_file


def picture(width=12, height=8, mode="RGB", seed=0):
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values).convert(mode)


def make_folder(folder, sizes=((12, 8),), mode="RGB", classes=("cat", "dog")):
    for number, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for place, size in enumerate(sizes):
            picture(*size, mode, seed=10 * number + place).save(folder / name / f"{place}.png")
    return folder


def test_a_folder_is_torchvisions_image_folder(tmp_path):
    make_folder(tmp_path, [(12, 8), (12, 8)], classes=("b", "a", "C"))
    images = ImageSet.from_folder(tmp_path)
    reference = torchvision.datasets.ImageFolder(str(tmp_path), torchvision.transforms.PILToTensor())
    assert list(images.classes) == reference.classes
    assert torch.equal(images.images, torch.stack([image for image, _ in reference]))
    assert images.labels.tolist() == [label for _, label in reference]
    assert (images.name, images.split_name) == (tmp_path.name, "train")


@pytest.mark.parametrize(
    "size", [(40, 30), (30, 40), (31, 57), (57, 31), (16, 16), (9, 64), (33, 16), (16, 19), (3, 2)]
)
def test_scaling_is_torchvisions_resize_and_centre_crop(size):
    original, transforms = picture(*size, seed=3), torchvision.transforms
    steps = transforms.Compose([transforms.Resize(16), transforms.CenterCrop(16), transforms.PILToTensor()])
    assert torch.equal(pictures.pixels(original, 3, (16, 16)), steps(original))
    stretched = pictures.pixels(original, 3, (16, 20), "stretch")
    assert torch.equal(stretched, transforms.PILToTensor()(transforms.Resize((16, 20))(original)))


@pytest.mark.parametrize("size", [(16, 9), (9, 16), (40, 1), (7, 20)])
def test_a_size_that_is_not_square_is_covered_and_cut_in_the_middle(size):
    """Stripes across the cut side stay where they are in the middle of the picture."""
    for width, height in ((64, 48), (48, 64), (50, 50)):
        columns = Image.fromarray(np.tile(np.linspace(0, 255, width).astype(np.uint8), (height, 1)))
        found = pictures.pixels(columns, 1, size)
        assert found.shape == (1, *size)
        assert found.float().mean().item() == pytest.approx(127, abs=15)  # half a pixel
        rows = pictures.pixels(columns.transpose(Image.Transpose.TRANSPOSE), 1, size[::-1])
        assert torch.equal(rows, found.mT)


FILES = {
    "png": ("a.png", {}),
    "jpeg": ("a.JPG", {"quality": 95}),
    "webp": ("a.webp", {"lossless": True}),
    "gif": ("a.gif", {}),
    "bmp": ("a.bmp", {}),
    "tiff": ("a.tif", {}),
}


@pytest.mark.parametrize("kind", FILES)
def test_kinds_of_files(kind, tmp_path):
    make_folder(tmp_path, mode="L")
    name, options = FILES[kind]
    grey = Image.fromarray(np.tile(np.arange(0, 96, 8, dtype=np.uint8), (8, 1)))
    grey.save(tmp_path / "cat" / name, format={"jpeg": "JPEG"}.get(kind), **options)
    images = ImageSet.from_folder(tmp_path)
    found = images.images[images.labels == 0]
    expected = torch.from_numpy(np.array(grey)).float()
    assert min((image.float() - expected).abs().max() for image in found) <= (3 if kind == "jpeg" else 0)


def saved(image, format="PNG", **options):
    file = io.BytesIO()
    image.save(file, format, **options)
    file.seek(0)
    return file


def read(file, channels=3, size=(8, 12)):
    with pictures.open_picture(file) as opened:
        return pictures.pixels(opened, channels, size)


def as_tensor(image):
    return torch.from_numpy(np.array(image)).view(image.height, image.width, -1).permute(2, 0, 1)


def test_colours_grey_palettes_and_transparency():
    colour = picture()
    assert torch.equal(read(saved(colour)), as_tensor(colour))
    assert torch.equal(read(saved(colour), 1), as_tensor(colour.convert("L")))
    grey = picture(mode="L")
    assert torch.equal(read(saved(grey)), as_tensor(grey).expand(3, -1, -1))
    palette = colour.quantize(8)
    assert torch.equal(read(saved(palette)), as_tensor(palette.convert("RGB")))
    clear = colour.copy()
    clear.putalpha(Image.new("L", colour.size, 0))
    assert torch.equal(read(saved(clear)), torch.full((3, 8, 12), 255, dtype=torch.uint8))
    assert torch.equal(read(saved(picture(mode="1"))), as_tensor(picture(mode="1").convert("RGB")))
    cmyk = colour.convert("CMYK")
    assert (read(saved(cmyk, "TIFF")).float() - as_tensor(cmyk.convert("RGB")).float()).abs().max() <= 1
    inks = saved(Image.new("CMYK", (12, 8), (0, 255, 255, 0)), "JPEG")
    assert (read(inks)[:, 4, 4].int() - torch.tensor([255, 0, 0])).abs().max() <= 8  # red


def test_sixteen_bits_keep_their_range():
    deep = Image.fromarray(np.linspace(0, 65535, 96).astype(np.uint16).reshape(8, 12))
    expected = torch.linspace(0, 255, 96).view(1, 8, 12)
    assert (read(saved(deep), 1).float() - expected).abs().max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_as_its_camera_says(orientation):
    upright = np.zeros((8, 12), np.uint8)
    upright[:2, :3] = 255  # the mark in the left upper corner
    transpose = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[orientation]
    kept = Image.fromarray(upright)
    kept = kept if transpose is None else kept.transpose(Image.Transpose(transpose))
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = saved(kept, exif=exif)
    with pictures.open_picture(file) as opened:
        assert pictures.turned_size(opened) == (8, 12)
    assert torch.equal(read(file, 1)[0], torch.from_numpy(upright))


def test_of_a_moving_picture_the_first_frame_counts():
    frames = [Image.new("L", (12, 8), grey) for grey in (10, 200)]
    assert (read(saved(frames[0], "GIF", save_all=True, append_images=frames[1:]), 1) == 10).all()


def test_what_is_no_picture_is_left_out(tmp_path, capsys):
    make_folder(tmp_path)
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._0.png", ".hidden.jpg"):
        (tmp_path / "cat" / name).write_bytes(b"no picture")
    for name in (".git", "__MACOSX", "cat/.ipynb_checkpoints", "cat/more/deep"):
        (tmp_path / name).mkdir(parents=True)
    picture(seed=6).save(tmp_path / "cat" / ".ipynb_checkpoints" / "0.png")
    picture(seed=7).save(tmp_path / "cat" / "more" / "deep" / "ä 数.png")
    assert ImageSet.from_folder(tmp_path).class_counts == {"cat": 2, "dog": 1}
    assert capsys.readouterr().out == ""  # what systems make for themselves is no news
    (tmp_path / "cat" / "a.heic").touch()
    (tmp_path / "cat" / "more" / "notes.txt").touch()
    picture().save(tmp_path / "loose.png")
    assert ImageSet.from_folder(tmp_path).class_counts == {"cat": 2, "dog": 1}
    said = "left out 3 files that are no pictures, or in no folder of a class, for example loose.png."
    assert said in capsys.readouterr().out


def test_links_are_followed_once(tmp_path):
    make_folder(tmp_path / "pets")
    make_folder(tmp_path / "elsewhere", classes=("more",))
    (tmp_path / "pets" / "cat" / "link").symlink_to(tmp_path / "elsewhere" / "more")
    (tmp_path / "pets" / "cat" / "round").symlink_to(tmp_path / "pets" / "cat")
    assert ImageSet.from_folder(tmp_path / "pets").class_counts == {"cat": 2, "dog": 1}
    (tmp_path / "pets" / "cat" / "lost.png").symlink_to(tmp_path / "nowhere.png")
    with pytest.raises(ValueError, match=r"cat/lost\.png: it is a link to a file that is not there"):
        ImageSet.from_folder(tmp_path / "pets")


@pytest.mark.parametrize(
    ("name", "split"), [("test", "test"), ("Testing", "test"), ("val", "valid"), ("train", "train"), ("tests", "train")]
)
def test_a_folder_says_which_split_it_is(tmp_path, name, split):
    make_folder(tmp_path / name)
    assert ImageSet.from_folder(tmp_path / name).split_name == split
    assert ImageSet.from_folder(tmp_path / name, split_name="valid").split_name == "valid"


def test_grey_unless_one_is_in_colour(tmp_path):
    make_folder(tmp_path, mode="L")
    assert ImageSet.from_folder(tmp_path).images.shape == (2, 1, 8, 12)
    assert ImageSet.from_folder(tmp_path, channels=3).images.shape == (2, 3, 8, 12)
    picture(seed=5).save(tmp_path / "dog" / "colour.png")
    assert ImageSet.from_folder(tmp_path).images.shape == (3, 3, 8, 12)
    assert ImageSet.from_folder(tmp_path, channels=1, size=16).images.shape == (3, 1, 16, 16)


def two_sizes(folder):
    make_folder(folder, [(12, 8), (20, 10)])


def only(*names):
    def make(folder):
        for name in names:
            (folder / name).mkdir(parents=True)
            picture().save(folder / name / "a.png")

    return make


def empty_class(folder):
    make_folder(folder)
    (folder / "rat").mkdir()
    (folder / "rat" / "list.txt").touch()


def broken(folder, *contents):
    make_folder(folder)
    whole = saved(picture(200, 200), "JPEG").getvalue()
    kinds = {"empty": b"", "text": b"<html>404</html>", "cut": whole[: len(whole) // 2], "start": whole[:20]}
    kinds["heic"] = b"\0\0\0\x18ftypheic" + bytes(100)  # of a telephone, with another name
    for content in contents:
        (folder / "cat" / f"{content}.jpg").write_bytes(kinds[content])


def huge(folder):
    make_folder(folder)
    header = b"BM" + (54 + 4).to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little") + (40).to_bytes(4, "little")
    size = (32000).to_bytes(4, "little") * 2 + (1).to_bytes(2, "little") + (24).to_bytes(2, "little")
    (folder / "cat" / "giga.bmp").write_bytes(header + size + bytes(24) + bytes(4))


def case(folder):
    only("Cat", "cat", "dog")(folder)
    if len(list(folder.iterdir())) < 3:
        pytest.skip("this file system takes Cat and cat for one")


def loose(folder):
    folder.mkdir()
    picture().save(folder / "a.png")


FOLDERS = {
    "empty": (lambda folder: folder.mkdir(), "is empty. A folder of pictures has a folder for each class"),
    "pictures alone": (loose, "has 1 picture, but no folders"),
    "one class": (only("cat"), "has one class, 'cat'; a classifier needs at least two"),
    "a class without pictures": (empty_class, "the class 'rat' in .* has no pictures. Pictures are files of"),
    "names that differ by case": (case, "differ by case only: 'Cat' and 'cat'"),
    "two sizes": (two_sizes, r"2 sizes, from 8×12 to 10×20 \(height×width\); .* size=64"),
    "one folder too high": (only("pets/cat", "pets/dog"), "Are the classes one folder deeper, in .*pets.pets"),
    "parts": (only("train/cat", "train/dog", "test/cat"), r"has the parts test, train\. Read one of them"),
    "a zero-byte file": (lambda folder: broken(folder, "empty"), "1 file in .* can't be read:\n  cat/empty.jpg"),
    "a page": (lambda folder: broken(folder, "text"), "cat/text.jpg: it is no picture"),
    "another kind": (lambda folder: broken(folder, "heic"), "cat/heic.jpg: it is no picture"),
    "a cut file": (lambda folder: broken(folder, "cut"), "cat/cut.jpg: it is broken"),
    "two": (lambda folder: broken(folder, "cut", "start"), "2 files .* skip_broken=True"),
    "a gigapixel": (huge, "giga.bmp: it has .*too many"),
}


@pytest.mark.parametrize("name", FOLDERS)
def test_folders_that_can_not_be_read(name, tmp_path):
    make, message = FOLDERS[name]
    folder = tmp_path / "pets"
    make(folder)
    with pytest.raises(ValueError, match=f"(?s){message}"):
        ImageSet.from_folder(folder, size=None if name == "two sizes" else (8, 12))


def test_a_path_that_is_no_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*nowhere"):
        ImageSet.from_folder(tmp_path / "nowhere")
    (tmp_path / "file.png").touch()
    with pytest.raises(NotADirectoryError, match=r"file\.png is a file\. Give the folder"):
        ImageSet.from_folder(tmp_path / "file.png")


@pytest.mark.parametrize("options", [{"size": 0}, {"size": (3,)}, {"channels": 2}, {"scaling": "pad"}])
def test_options_that_there_are_not(options, tmp_path):
    make_folder(tmp_path)
    with pytest.raises(ValueError, match=r"a size is|channels are|scaling is"):
        ImageSet.from_folder(tmp_path, **options)


def test_broken_files_are_skipped_if_asked_and_named(tmp_path, capsys):
    broken(tmp_path, "empty", "cut", "text")
    images = ImageSet.from_folder(tmp_path, size=8, skip_broken=True)
    assert images.class_counts == {"cat": 1, "dog": 1}
    said = capsys.readouterr().out
    assert all(name in said for name in ("3 files", "cat/empty.jpg", "cat/cut.jpg", "cat/text.jpg", "Left out."))
    (tmp_path / "dog" / "0.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"the class 'dog' in .* has no picture that can be read"):
        ImageSet.from_folder(tmp_path, size=8, skip_broken=True)


@pytest.mark.parametrize("size", [None, 8, (8, 12)])
@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP"])
def test_a_cut_file_of_any_kind_is_named(tmp_path, format, size):
    make_folder(tmp_path)
    for mode in ("RGB", "L", "P"):
        if not (mode == "P" and format in ("JPEG", "WEBP")):
            whole = saved(picture(mode="RGB").quantize(20) if mode == "P" else picture(mode=mode), format).getvalue()
            (tmp_path / "dog" / f"{mode}.{format.lower()}").write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(ValueError, match=rf"[23] files in .* can't be read:\n  dog/L\.{format.lower()}: it is"):
        ImageSet.from_folder(tmp_path, size=size)
    assert ImageSet.from_folder(tmp_path, size=size, skip_broken=True).class_counts == {"cat": 1, "dog": 1}


def test_damaged_notes_beside_the_pixels_are_no_matter(tmp_path):
    """Pillow warns of them, and warnings are errors in these tests."""
    make_folder(tmp_path)
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "a camera"
    content = saved(picture(), "JPEG", exif=exif).getvalue()
    place = content.index(b"Exif\0\0") + 6
    for length in (9, 12, 20):
        damaged = content[: place + length] + b"\xff" * 8 + content[place + length + 8 :]
        (tmp_path / "cat" / f"{length}.jpg").write_bytes(damaged)
    assert len(ImageSet.from_folder(tmp_path, size=8)) == 5


def test_a_picture_that_is_too_long_and_narrow():
    with pytest.raises(pictures.PictureError, match="too long and narrow, 1×60000 pixels"):
        pictures.pixels(Image.new("L", (1, 60_000)), 1, (64, 64))


class Dicts:
    """Like a data set of Hugging Face."""

    def __init__(self, image="image", label="label", **more):
        self.items = [{image: picture(seed=number), label: number % 2, **more} for number in range(4)]

    def __len__(self):
        return len(self.items)

    def __getitem__(self, place):
        return self.items[place]


def test_torchvisions_data_sets(tmp_path):
    make_folder(tmp_path, [(12, 8)] * 3)
    folder = torchvision.datasets.ImageFolder(str(tmp_path))
    images = ImageSet.from_dataset(folder)
    assert images.classes == ("cat", "dog")
    assert torch.equal(images.images, ImageSet.from_folder(tmp_path).images)
    tensors = torchvision.datasets.ImageFolder(str(tmp_path), torchvision.transforms.ToTensor())
    assert torch.equal(ImageSet.from_dataset(tensors).images, images.images)
    part = torch.utils.data.Subset(tensors, [5, 0])
    assert ImageSet.from_dataset(part).labels.tolist() == [1, 0]
    assert ImageSet.from_dataset(part).classes == ("cat", "dog")
    fake = torchvision.datasets.FakeData(5, image_size=(3, 20, 30), num_classes=3)
    assert ImageSet.from_dataset(fake, size=16).images.shape == (5, 3, 16, 16)


def test_data_sets_of_dicts_tensors_and_arrays():
    expected = torch.stack([as_tensor(picture(seed=number)) for number in range(4)])
    for dataset in (Dicts(), Dicts("img", "labels"), Dicts("pixel_values", id=3)):
        assert torch.equal(ImageSet.from_dataset(dataset).images, expected)
    named = ImageSet.from_dataset(Dicts("photo", "kind"), image_key="photo", label_key="kind", classes=["a", "b"])
    assert named.classes == ("a", "b")
    with pytest.raises(ValueError, match="the keys 'photo', 'kind'; say which are image and label"):
        ImageSet.from_dataset(Dicts("photo", "kind"))
    pairs = torch.utils.data.TensorDataset(expected, torch.arange(4))
    assert torch.equal(ImageSet.from_dataset(pairs).images, expected)
    arrays = [(image.permute(1, 2, 0).numpy(), label, "more") for label, image in enumerate(expected)]
    assert torch.equal(ImageSet.from_dataset(arrays).images, expected)
    grey = [(image[0].numpy() / 255, "ab"[label % 2]) for label, image in enumerate(expected)]
    assert ImageSet.from_dataset(grey).classes == ("a", "b")
    assert torch.equal(ImageSet.from_dataset(grey).images, expected[:, :1])
    wide = [(image.numpy().astype(np.uint16), label) for label, image in enumerate(expected)]
    assert torch.equal(ImageSet.from_dataset(wide).images, expected)
    clear = [(np.full((8, 12, 4), (9, 9, 9, alpha), np.uint8), 0) for alpha in (0, 255)]
    assert ImageSet.from_dataset(clear).images.amax(dim=(1, 2, 3)).tolist() == [255, 9]
    for key in ("fine_label", "coarse_label"):
        both = Dicts("img", "fine_label", coarse_label=1)
        assert len(ImageSet.from_dataset(both, label_key=key).class_counts) == 2
    with pytest.raises(ValueError, match="the keys 'img', 'fine_label', 'coarse_label'; say which"):
        ImageSet.from_dataset(both)


class Named:
    names = ("cat", "dog")


def test_names_of_classes_are_found():
    hugging = Dicts()
    hugging.features = {"image": None, "label": Named}
    assert ImageSet.from_dataset(hugging).classes == ("cat", "dog")
    first, second = Says(classes=["a", "b"]), Says(classes=["b", "a"])
    join = torch.utils.data.ConcatDataset
    assert ImageSet.from_dataset(join([first, first])).classes == ("a", "b")
    assert ImageSet.from_dataset(join([first, second])).classes == ("0", "1")
    assert ImageSet.from_dataset(first, classes=["x", "y"]).classes == ("x", "y")


class Says(list):
    def __init__(self, **says):
        super().__init__([(picture(seed=number), number) for number in range(2)])
        self.__dict__ |= says


@pytest.mark.parametrize(
    ("says", "split"),
    [
        ({"train": False}, "test"),
        ({"split": "test"}, "test"),
        ({"split": "test[:10%]"}, "test"),
        ({"split": "train+test"}, "test"),
        ({"split": "val"}, "valid"),
        ({"split": "validation"}, "valid"),
        ({"split": "train"}, "train"),
        ({"train": True}, "train"),
        ({}, "train"),
    ],
)
def test_a_test_split_stays_one(says, split):
    assert ImageSet.from_dataset(Says(**says)).split_name == split
    joined = torch.utils.data.ConcatDataset([Says(), Says(**says)])
    assert ImageSet.from_dataset(joined).split_name == split


class Stream(torch.utils.data.IterableDataset):
    def __iter__(self):
        yield picture(), 0

    def __len__(self):
        return 1


BAD_SETS = {
    "a stream": (iter([1]), TypeError, "has no length"),
    "a stream with a length": (Stream(), TypeError, "take a data set of the map style"),
    "batches": (torch.utils.data.DataLoader([(picture(), 0)]), TypeError, "no items by index"),
    "parts": ({"train": Dicts(), "test": Dicts()}, TypeError, r"has parts, 'train', 'test'; give one of them"),
    "0 to 255 as floats": ([(torch.full((1, 2, 2), 99.0), 0)] * 2, ValueError, r"image 0 .* Divide them"),
    "one-hot": ([(picture(), torch.eye(2)[0])] * 3, ValueError, "are they one-hot"),
    "no label": ([(picture(), None)] * 3, ValueError, "labels"),
    "no pixels": ([(np.zeros((0, 4)), 0)], ValueError, "its shape is 0×4"),
    "nothing": ([], ValueError, "the data set is empty"),
    "normalised": ([(torch.full((1, 2, 2), -0.4), 0)] * 2, ValueError, r"image 0 .* normalised already"),
    "images alone": ([picture()], ValueError, "a pair of image and label, or a dict, not a Image"),
    "other things": ([("a", 0)], ValueError, "it is a str, not a picture"),
    "a list of numbers": ([(torch.zeros(7), 0)], ValueError, "its shape is 7"),
    "two sizes": ([(picture(), 0), (picture(9, 9), 1)], ValueError, "2 sizes"),
}


@pytest.mark.parametrize("name", BAD_SETS)
def test_data_sets_that_can_not_be_taken_over(name):
    dataset, error, message = BAD_SETS[name]
    with pytest.raises(error, match=message):
        ImageSet.from_dataset(dataset)


def test_from_a_folder_to_an_answer(tmp_path):
    """Dark and bright pictures of several sizes, a network that learns them, and one more picture from a file."""
    for number in range(20):
        for name, grey in (("bright", 220), ("dark", 40)):
            (tmp_path / name).mkdir(exist_ok=True)
            noise = np.random.default_rng(number).integers(-20, 20, (10 + number % 3, 14))
            Image.fromarray((grey + noise).astype(np.uint8)).save(tmp_path / name / f"{number}.png")
    images = ImageSet.from_folder(tmp_path, size=8)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))
    fit(model, Loader(images, 10, shuffle=True), optimizer=torch.optim.SGD(model.parameters(), lr=0.1), epochs=5)
    Image.new("L", (50, 40), 35).save(tmp_path / "new.jpg")
    answer = predict_file(model, tmp_path / "new.jpg", images.preprocessing)
    assert [*answer] == ["dark", "bright"]
    assert sum(answer.values()) == pytest.approx(1)
    [(batch, _)] = Loader(images.subset([0]), 1)
    file = tmp_path / "bright" / "0.png"
    assert [*predict_file(model, str(file), images.preprocessing).values()] == pytest.approx(
        sorted(predict(model, batch)[0].tolist(), reverse=True)
    )
    with pytest.raises(FileNotFoundError, match=r"there is no file .*none\.png"):
        predict_file(model, tmp_path / "none.png", images.preprocessing)
    with pytest.raises(ValueError, match="bright can't be read: "):
        predict_file(model, tmp_path / "bright", images.preprocessing)
    (tmp_path / "text.png").write_text("text")
    with pytest.raises(ValueError, match=r"text\.png can't be read: it is no picture"):
        predict_file(model, tmp_path / "text.png", images.preprocessing)
    with pytest.raises(ValueError, match="it is not known how the model's training images were prepared"):
        predict_file(nn.Flatten(), file)
    with pytest.raises(ValueError, match="the model has 64 classes"):
        predict_file(nn.Flatten(), file, images.preprocessing)


@pytest.mark.parametrize("options", [{"channels": 2}, {"scaling": "pad"}, {"size": 0}])
def test_options_that_there_are_not_for_a_data_set(options):
    with pytest.raises(ValueError, match=r"a size is|channels are|scaling is"):
        ImageSet.from_dataset(Dicts(), **options)
