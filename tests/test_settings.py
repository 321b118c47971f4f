import pytest

from cnncourse import settings


@pytest.mark.parametrize("word", ["1", "true", "True", "TRUE", "yes", "on", " 1 "])
def test_a_quick_run(monkeypatch, word):
    monkeypatch.setenv("CNNCOURSE_QUICK", word)
    assert settings.quick() is True


@pytest.mark.parametrize("word", ["0", "false", "False", "FALSE", "no", "No", "off", "", " ", "0\n", None])
def test_no_quick_run(monkeypatch, word):
    if word is None:
        monkeypatch.delenv("CNNCOURSE_QUICK", raising=False)
    else:
        monkeypatch.setenv("CNNCOURSE_QUICK", word)
    assert settings.quick() is False


@pytest.mark.parametrize("word", ["flase", "2", "-1", "maybe", "none"])
def test_a_word_that_is_neither(monkeypatch, word):
    monkeypatch.setenv("CNNCOURSE_QUICK", word)
    with pytest.raises(ValueError, match=f'CNNCOURSE_QUICK is "{word}": set it to 1 .*, to 0'):
        settings.quick()
