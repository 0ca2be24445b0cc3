"""A run from the weights of another: what it takes, what it keeps of that, and what it refuses."""

import json
import shutil

import pytest
import torch

import wavspa
from support.tiny_files import write_rows
from support.tiny_runs import compose_run, finished_run, tiny_run, tiny_words
from wavspa.commands.export import export
from wavspa.commands.overrides import spelled_out
from wavspa.errors import UserError
from wavspa.launching.init.start import start
from wavspa.launching.run.build import build_run
from wavspa.launching.run.freeze import read_config
from wavspa.launching.run.naming import config_hash
from wavspa.launching.run.prepare import checked
from wavspa.launching.run.worker import run
from wavspa.run_folder import layout
from wavspa.run_folder.status import read_status
from wavspa.training.checkpoints.last import LastCheckpoint
from wavspa.training.checkpoints.read import bare_weights, read_checkpoint


@pytest.fixture(scope="module")
def parent(tmp_path_factory):
    """A pre-trained run on digits."""
    return finished_run(tmp_path_factory.mktemp("parent"), "task=masked")


def child(tmp_path, source, *words):
    return tiny_run(tmp_path, f"init.from='{source}'", *words)


def started(folder):
    """The task of a run before its first step."""
    task, _ = build_run(read_config(folder))
    start(read_config(folder), task, folder)
    return task


def test_the_encoder_is_taken_and_the_head_is_new(tmp_path, parent, capsys):
    folder = child(tmp_path, parent)
    capsys.readouterr()
    weights = started(folder).model.state_dict()
    theirs = wavspa.load_model(parent).state_dict()
    kept = json.loads((folder / layout.INIT).read_text())
    own = {name for name in weights if not name.startswith("head.")}
    assert set(kept["taken"]) == own
    assert all(torch.equal(weights[name], theirs[name][: len(weights[name])]) for name in own)
    assert len(theirs["embedding.weight"]) == len(weights["embedding.weight"]) + 1
    # The first layer of the masked head has the shape of the classifier's: it is not taken.
    assert weights["head.0.weight"].shape == theirs["head.0.weight"].shape
    assert not torch.equal(weights["head.0.weight"], theirs["head.0.weight"])
    heads = [name for name in weights if name.startswith("head.")]
    assert kept["new"] == heads
    assert kept["left"] == heads
    printed = capsys.readouterr().out
    assert f"init: {len(own)} weights from {parent}" in printed
    assert "init: new: head.0.weight" in printed


def test_a_model_that_writes_takes_the_encoder_and_the_vocabulary(tmp_path, capsys):
    words = [f"{text} {i}" for i in range(25) for text in ("one two", "four three", "two four")]
    write_rows(tmp_path / "texts.jsonl", [{"text": text} for text in words])
    write_rows(
        tmp_path / "pairs.jsonl",
        [{"source": text, "target": text[::-1]} for text in words],
    )
    tokenizer = ["tokenizer=bpe", "dataset.tokenizer.vocab_size=270", "dataset.tokenizer.end=true"]
    parent = finished_run(
        tmp_path,
        "dataset=files",
        f"dataset.train={tmp_path / 'texts.jsonl'}",
        "dataset.label=null",
        "dataset.max_length=32",
        "task=masked",
        *tokenizer,
    )
    seq2seq = "dataset=file_seq2seq", f"dataset.train={tmp_path / 'pairs.jsonl'}"
    vocabulary = f"dataset.tokenizer.run='{parent}'"
    sizes = "dataset.max_length=32", "dataset.max_target_length=8"
    folder = child(tmp_path, parent, *seq2seq, *sizes, *tokenizer, vocabulary)
    capsys.readouterr()
    model = started(folder).model
    weights, theirs = model.encoder.state_dict(), wavspa.load_model(parent).state_dict()
    blocks = [name for name in weights if name.startswith("blocks.")]
    assert blocks
    assert all(torch.equal(weights[name], theirs[name]) for name in blocks)
    # Its table is scaled, and it has no mask.
    torch.testing.assert_close(weights["embedding.weight"] * 4, theirs["embedding.weight"][:-1])
    assert "init: new: decoder.blocks.0.norm.weight" in capsys.readouterr().out


def test_it_is_a_new_run_whose_parent_is_frozen_in_it(tmp_path, parent):
    folder = child(tmp_path, parent, "trainer.max_steps=3")
    frozen = read_config(folder).init.parent
    assert frozen.folder == str(parent)
    assert frozen.commit == read_config(parent).frozen.commit
    assert frozen.cell == read_config(parent).frozen.cell
    assert len(frozen.checksum) == 64
    run(folder)
    status = read_status(folder)
    assert (status["state"], status["step"]) == ("finished", 3)
    assert tiny_run(tmp_path, f"init.from='{parent}'", "trainer.max_steps=3") == folder


def test_a_moved_parent_is_the_same_and_another_checkpoint_is_not(tmp_path, parent):
    words = tiny_words(tmp_path, f"init.from='{parent}'")
    shutil.copytree(parent, tmp_path / "moved")
    moved = tiny_words(tmp_path, f"init.from='{tmp_path / 'moved'}'")
    last = tiny_words(tmp_path, f"init.from='{parent}/checkpoints/last.ckpt'")
    scratch = tiny_words(tmp_path)
    first, same, other, none = (
        config_hash(checked(compose_run(*w), w)) for w in (words, moved, last, scratch)
    )
    assert first == same
    assert len({first, other, none}) == 3


def test_options_of_init_are_part_of_the_hash(tmp_path, parent):
    hashes = set()
    more = [], ["init.freeze=[embedding]"], ["init.layer_decay=0.8"]
    for source, options in [(parent, o) for o in more] + [(f"{parent}:blocks", [])]:
        words = tiny_words(tmp_path, f"init.from='{source}'", *options)
        hashes.add(config_hash(checked(compose_run(*words), words)))
    assert len(hashes) == 4


def test_children_of_two_seeds_are_one_cell(tmp_path):
    folders = []
    for seed in (1, 2):
        parent = finished_run(tmp_path, "task=masked", f"seed={seed}")
        folders.append(child(tmp_path, parent, f"seed={seed}"))
    one, other = (read_config(folder).frozen for folder in folders)
    assert one.hash != other.hash
    assert one.cell == other.cell


def test_a_resumed_child_needs_its_parent_no_more(tmp_path, monkeypatch):
    parent = finished_run(tmp_path, "task=masked")
    words = ["init.freeze=[blocks.0]", "init.layer_decay=0.5"]
    undisturbed = child(tmp_path, parent, *words, "name=whole")
    run(undisturbed)
    stopped = child(tmp_path, parent, *words, "name=stopped")
    monkeypatch.setattr(LastCheckpoint, "on_validation_end", stop_after(LastCheckpoint))
    with pytest.raises(SystemExit):
        run(stopped)
    monkeypatch.undo()
    shutil.rmtree(parent)
    run(stopped)
    ends = [
        bare_weights(read_checkpoint(layout.last_checkpoint(f))) for f in (undisturbed, stopped)
    ]
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])


def stop_after(kind):
    """The callback, and then an interruption."""
    original = kind.on_validation_end

    def stopping(self, trainer, module):
        original(self, trainer, module)
        raise KeyboardInterrupt

    return stopping


def test_frozen_parts_stay_as_they_were(tmp_path, parent):
    folder = child(tmp_path, parent, "init.freeze=[embedding,blocks.0]")
    run(folder)
    theirs, ours = wavspa.load_model(parent).state_dict(), wavspa.load_model(folder).state_dict()
    for name, tensor in ours.items():
        frozen = name.startswith(("embedding.", "blocks.0."))
        if not name.startswith("head."):
            assert torch.equal(tensor, theirs[name][: len(tensor)]) == frozen, name


@pytest.mark.parametrize(
    ("part", "taken"),
    [("blocks", "blocks."), ("embedding", "embedding."), ("blocks.1", "blocks.1.")],
)
def test_a_part_alone_is_taken(tmp_path, parent, part, taken):
    folder = child(tmp_path, f"{parent}:{part}")
    started(folder)
    kept = json.loads((folder / layout.INIT).read_text())
    assert kept["taken"]
    assert all(name.startswith(taken) for name in kept["taken"])


def test_an_export_gives_the_same_weights_as_its_run(tmp_path, parent):
    export({"run": str(parent), "output": str(tmp_path / "exported")})
    by_export = started(child(tmp_path, tmp_path / "exported"))
    by_run = started(child(tmp_path, parent))
    for name, tensor in by_run.model.state_dict().items():
        if not name.startswith("head."):
            assert torch.equal(tensor, by_export.model.state_dict()[name])


def test_the_same_task_takes_the_head_as_well(tmp_path, parent):
    folder = child(tmp_path, parent, "task=masked", "dataset.data_seed=1")
    theirs = wavspa.load_model(parent).state_dict()
    assert all(torch.equal(t, theirs[n]) for n, t in started(folder).model.state_dict().items())


def test_an_encoder_of_pairs_takes_that_of_single_texts(tmp_path):
    rows = [{"text": f"text {n} of it", "text2": f"{n}", "label": "ab"[n % 2]} for n in range(40)]
    write_rows(tmp_path / "train.jsonl", rows)
    words = [f"dataset.train={tmp_path / 'train.jsonl'}", "dataset.max_length=20"]
    parent = finished_run(tmp_path, "dataset=files", "task=masked", *words)
    folder = child(tmp_path, parent, "dataset=file_pairs", *words)
    theirs, ours = wavspa.load_model(parent).state_dict(), started(folder).model.state_dict()
    assert torch.equal(ours["encoder.blocks.0.norm.weight"], theirs["blocks.0.norm.weight"])
    run(folder)


def test_longer_sequences_leave_what_is_of_the_length(tmp_path):
    words = ["model/attention=linformer", "model.rank=4", "model/wavelet=none"]
    parent = finished_run(tmp_path, "task=masked", *words, "dataset.max_length=32")
    folder = child(tmp_path, parent, *words)
    started(folder)
    misfits = json.loads((folder / layout.INIT).read_text())["misfits"]
    assert misfits
    assert all(there[0] == 32 and here[0] == 64 for there, here in misfits.values())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["init.from=nowhere"],
            "init=nowhere: there is no run folder, exported model or checkpoint",
        ),
        (
            ["init.from='PARENT:tail'"],
            "has no part 'tail'; choose one of encoder, embedding, blocks",
        ),
        (["model.dim=32"], "has model.dim=16, but this run has 32: set model.dim=16"),
        (["model.heads=4"], "has model.heads=2, but this run has 4"),
        (
            ["dataset=listops_short"],
            "was trained on 18 tokens of digits, but this run has 16 of listops",
        ),
        (
            [
                "init.from='PARENT:blocks.0.attention.wavelet'",
                "model/wavelet=none",
            ],
            "has no weight that fits",
        ),
        (
            ["init.freeze=[tail]"],
            "init.freeze='tail' is unknown; choose some of encoder, embedding",
        ),
        (["init.freeze=[encoder,head]"], "init.freeze leaves nothing to train"),
        (["init.freeze=encoder"], "init.freeze must be a list of parts"),
        (["init.layer_decay=1.5"], "init.layer_decay must be above 0 and at most 1, got 1.5"),
        (["init.layer_decay=true"], "init.layer_decay must be a number"),
        (
            ["init.from=null", "init.freeze=[head]"],
            "init.freeze is for weights that a run starts from",
        ),
        (["+init.freez=[head]"], "there is no option init.freez; did you mean init.freeze?"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(tmp_path, parent, words, message):
    words = [word.replace("PARENT", str(parent)) for word in words]
    if not any(word.startswith("init.from=") for word in words):
        words = [f"init.from='{parent}'", *words]
    with pytest.raises(UserError) as error:
        tiny_run(tmp_path, *words)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "runs").exists()


def test_a_run_that_has_not_finished_is_refused_and_its_checkpoint_is_not(tmp_path):
    parent = tiny_run(tmp_path, "task=masked")
    with pytest.raises(UserError, match=r"has not finished .*finish it by wavspa-run"):
        child(tmp_path, parent)


def test_weights_that_changed_since_are_refused(tmp_path, parent):
    copy = tmp_path / "copy"
    shutil.copytree(parent, copy)
    folder = child(tmp_path, copy)
    shutil.copy(parent / "checkpoints/last.ckpt", copy / "checkpoints/best.ckpt")
    with pytest.raises(UserError, match="now holds other weights"):
        run(folder)


def test_another_vocabulary_of_the_same_size_is_refused(tmp_path):
    for name, letters in (("one", "abcdefgh"), ("two", "stuvwxyz")):
        rows = [{"text": letters[n % 8 :] + letters, "label": "xy"[n % 2]} for n in range(40)]
        write_rows(
            tmp_path / f"{name}.jsonl",
            [{**r, "text": r["text"] * (1 + i)} for i, r in enumerate(rows)],
        )
    words = ["dataset=files", "tokenizer=characters", "dataset.max_length=30"]
    parent = finished_run(
        tmp_path, "task=masked", *words, f"dataset.train={tmp_path / 'one.jsonl'}"
    )
    with pytest.raises(UserError, match="this run has learned another vocabulary"):
        child(tmp_path, parent, *words, f"dataset.train={tmp_path / 'two.jsonl'}")
    child(tmp_path, parent, *words, f"dataset.train={tmp_path / 'one.jsonl'}")
    taken = f"dataset.tokenizer.run='{parent}'"
    run(child(tmp_path, parent, *words, taken, f"dataset.train={tmp_path / 'two.jsonl'}"))
    with pytest.raises(UserError, match=r"keeps no vocabulary/vocabulary\.json: name a run"):
        child(
            tmp_path,
            parent,
            *words,
            "dataset.tokenizer.run=nowhere",
            f"dataset.train={tmp_path / 'two.jsonl'}",
        )
    bytes_ = [word.replace("characters", "bytes") for word in words]
    with pytest.raises(
        UserError, match="was trained on 10 tokens of characters, but this run has 257 of bytes"
    ):
        child(tmp_path, parent, *bytes_, f"dataset.train={tmp_path / 'one.jsonl'}")


@pytest.mark.parametrize(
    ("word", "spelled"),
    [
        ("init=runs/a/lr=0.1-s1:blocks", "init.from='runs/a/lr=0.1-s1:blocks'"),
        ("init=runs/x-s1,runs/x-s2", "init.from='runs/x-s1','runs/x-s2'"),
        ("init='runs/a'", "init.from='runs/a'"),
        ("init=null", "init.from=null"),
        ("init.freeze=[head]", "init.freeze=[head]"),
        ("model=tiny", "model=tiny"),
    ],
)
def test_init_is_short_for_its_source(word, spelled):
    assert spelled_out(word) == spelled


@pytest.mark.parametrize("file", ["", "/checkpoints/best.ckpt"])
def test_a_rerun_does_not_replace_the_run_that_it_starts_from(tmp_path, file):
    folder = finished_run(tmp_path, "name=same")
    words = tiny_words(
        tmp_path, "trainer.max_steps=3", "name=same", "rerun=true", f"init.from={folder}{file}"
    )
    with pytest.raises(
        UserError, match=r"^init=.* is the run that rerun=true replaces: choose another name"
    ):
        tiny_run(tmp_path, *words)
    assert read_status(folder)["state"] == "finished"
    assert not (folder / layout.REPLACED).exists()
