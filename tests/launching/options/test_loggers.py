import pytest

from support.tiny_runs import compose_run, tiny_run
from wavspa.errors import UserError
from wavspa.launching.options import loggers
from wavspa.launching.run.freeze import read_config

NEEDED = {
    "wandb": ("wandb", "train"),
    "tensorboard": ("tensorboard", "tensorboard"),
    "mlflow": ("sqlalchemy", "mlflow"),
    "trackio": ("trackio", "trackio"),
}


@pytest.mark.parametrize("name", NEEDED)
def test_a_library_that_is_missing_is_named_before_a_folder_is_made(tmp_path, monkeypatch, name):
    module, extra = NEEDED[name]
    monkeypatch.setattr(loggers, "find_spec", lambda one: None if one == module else one)
    message = rf"^logger={name} needs {module}: pip install 'wavspa\[{extra}\]'$"
    with pytest.raises(UserError, match=message):
        tiny_run(tmp_path, f"logger={name}")
    assert not (tmp_path / "runs").exists()


def test_several_loggers_are_a_list_and_the_same_run(tmp_path):
    folder = tiny_run(tmp_path)
    assert list(read_config(folder).logger) == []
    words = ["logger=[csv,wandb,mlflow]", "logger.wandb.figures=[]"]
    assert tiny_run(tmp_path, *words) == folder
    assert list(read_config(folder).logger) == ["wandb", "mlflow"]


def test_an_option_of_one_of_several_is_checked():
    config = compose_run("logger=[tensorboard,mlflow]", "+logger.mlflow.nope=1", "name=some")
    loggers.check_logger("logger.tensorboard", config.logger.tensorboard)
    with pytest.raises(UserError, match=r"^logger\.mlflow\.nope is not an option of wavspa"):
        loggers.check_logger("logger.mlflow", config.logger.mlflow)
