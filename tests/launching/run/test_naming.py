import pytest
from omegaconf import OmegaConf

from support.tiny_runs import compose_run, tiny_run
from wavspa.launching.run.naming import config_hash, run_name
from wavspa.run_folder import layout
from wavspa.run_folder.labels import option_labels


@pytest.mark.parametrize(
    "override",
    [
        "runs=elsewhere",
        "data_root=elsewhere",
        "experiment_name=x",
        "name=x",
        "rerun=true",
        "logger=wandb",
    ],
)
def test_the_hash_leaves_out_what_does_not_shape_the_result(override):
    assert config_hash(compose_run(override)) == config_hash(compose_run())


@pytest.mark.parametrize("override", ["seed=2", "model.taps=8", "dataset.limit=5", "trainer=debug"])
def test_the_hash_tells_what_does(override):
    assert config_hash(compose_run(override)) != config_hash(compose_run())


@pytest.mark.parametrize(("tokenizer", "later"), [("bpe", True), ("gpt2", True), ("bytes", False)])
def test_an_option_that_came_later_changes_no_hash_at_its_default(tokenizer, later):
    config = compose_run("dataset=files", "dataset.train=t.csv", f"tokenizer={tokenizer}")
    without = config.copy()
    OmegaConf.set_struct(without, False)
    del without.dataset.tokenizer.end
    assert (config_hash(config) == config_hash(without)) == later
    config.dataset.tokenizer.end = True
    assert config_hash(config) != config_hash(without)


def test_seeds_share_a_cell():
    one, two = compose_run("seed=1"), compose_run("seed=2")
    assert config_hash(one, without=["seed"]) == config_hash(two, without=["seed"])


def test_a_name_reads_like_its_choices():
    words = ["optimizer.lr=0.01", "model=tiny", "model/wavelet=ortho", "seed=3", "runs=x"]
    name = run_name(compose_run(*words), words, "0a1b2c3d")
    assert name == "digits-softmax-ortho-tiny-lr=0.01-s3-0a1b2c3d"


def test_a_name_is_one_path_element_whatever_is_chosen():
    words = ["model.attention=[softmax,longformer]", "model.wavelet_name='a/b c'"]
    name = run_name(compose_run(*words), words, "0a1b2c3d")
    assert name == "digits-softmax+longformer-ada-wavelet_name=-a-b-c-s1-0a1b2c3d"


def test_labels_do_not_depend_on_the_order_typed():
    words = ["trainer.max_steps=5", "model=tiny", "schedule=rsqrt", "model.taps=4", "seed=1"]
    assert option_labels(words) == option_labels(words[::-1])
    assert option_labels(words) == ["rsqrt", "tiny", "max_steps=5", "taps=4"]


def test_a_name_holds_no_column_and_of_a_file_its_stem():
    words = [
        "dataset=files",
        "dataset.train=/some/where/reviews.csv.gz",
        "dataset.test=test.csv",
        "dataset.label=label",
        "dataset.max_length=512",
        "trainer.max_steps=100",
        "model=tiny",
    ]
    name = run_name(compose_run(*words), words, "0a1b2c3d")
    assert name == "files-reviews-softmax-ada-tiny-max_length=512-max_steps=100-s1-0a1b2c3d"


def test_a_name_is_at_most_80_characters_and_cuts_no_part():
    words = [f"model.{key}=64" for key in ("dim", "mlp_dim", "taps", "window", "rank", "max_len")]
    words += ["trainer.max_steps=100000", f"+dataset.train='{'x' * 200}.csv'"]
    name = run_name(compose_run(*words), words, "0a1b2c3d")
    assert len(name) <= 80
    assert name.endswith("-s1-0a1b2c3d")
    words.pop()
    parts = run_name(compose_run(*words), words, "0a1b2c3d").split("-")
    assert parts[3:5] == ["dim=64", "max_len=64"]
    assert len("-".join(parts)) <= 80
    assert all("=" in part for part in parts[3:-2])


def test_a_run_under_its_old_name_is_found(tmp_path):
    folder = tiny_run(tmp_path)
    old = folder.with_name("digits-softmax-ada-tiny-taps4-" + folder.name.rpartition("-")[2])
    folder.rename(old)
    config = old / layout.CONFIG
    config.write_text(config.read_text().replace(f"name: {folder.name}", f"name: {old.name}"))
    assert tiny_run(tmp_path) == old
