"""The summary of the evidence's page: each sentence is made of the results and tested."""

import re

import pytest

from scripts.evidence.page import PAGE
from scripts.evidence.paired import verdict
from scripts.evidence.studies import BASES, MODES, STUDIES
from support.evidence_results import against, compared, gains_on_digits, mean, of_plain, results

SUMMARY = re.compile(r"^## In short\n\n(.*?)\n\n## ", re.DOTALL | re.MULTILINE)


def bases():
    gains = gains_on_digits()
    for mode in ("ada", "ortho"):
        for base in ("longformer", "linformer"):
            points, word = against(f"{base}-{mode}", study="cells")
            assert word == "undecided"
        assert float(points) < 1  # of linformer
    lifts = {base: against(f"{base}-lift", study="cells") for base in BASES}
    assert [base for base, (_, word) in lifts.items() if word != "undecided"] == ["softmax"]
    assert lifts["softmax"][1] == "better"
    return (
        f"On digits ada and ortho are better than plain softmax, linear and performer attention, by "
        f"{min(gains)} to {max(gains)} points. With longformer and with linformer, which reaches "
        f"{mean('linformer-none')} % alone, they are undecided. Lift is better with softmax, by "
        f"{lifts['softmax'][0]} points, and undecided with the others."
    )


def parameters():
    for arm in ("wide", "deep"):
        for base in ("softmax", "linear"):
            assert against(f"{base}-{arm}")[1] == "undecided"
            assert against(f"{base}-{arm}", "ada")[1] == "worse"
    assert against("softmax-ada")[1] == "better"
    return (
        f"Softmax attention reaches {mean('softmax-none')} % there plain and {mean('softmax-ada')} % with "
        f"ada. Parameters do not explain it: with as many as ada, "
        f"plain reaches {mean('softmax-wide')} % (wider) or {mean('softmax-deep')} % (deeper), with linear "
        f"attention {mean('linear-wide')} and {mean('linear-deep')} %, and ada {mean('linear-ada')} %."
    )


def time():
    points = {}
    for base in ("softmax", "linear"):
        gained, better = against(f"{base}-as-long")
        missing, worse = against(f"{base}-as-long", "ada")
        assert (better, worse) == ("better", "worse")
        points[base] = gained, missing
    (gained, missing), linear = points["softmax"], points["linear"]
    return (
        f"Time explains a part of it: trained for about as many CPU seconds as ada, plain gains {gained} "
        f"points and is {missing} below ada, with linear attention {linear[0]} and {linear[1]}."
    )


def filters():
    for base in ("softmax", "linear"):
        assert against(f"{base}-fixed")[1] == "better"
        assert against(f"{base}-fixed", "ada")[1] == "undecided"
    return (
        f"Frozen filters reach {mean('softmax-fixed')} %, with linear attention {mean('linear-fixed')} %; "
        "whether learning them adds anything is undecided."
    )


def convolution():
    gains = {base: against(f"{base}-conv") for base in ("softmax", "linear")}
    assert {word for _, word in gains.values()} == {"better"}
    assert against("softmax-conv", "ada")[1] == "undecided"
    missing, word = against("linear-conv", "ada")
    assert word == "worse"
    return (
        f"Local mixing without wavelets helps too: a learned convolution before ordinary attention "
        f"gains {gains['softmax'][0]} points with softmax, where ada against it is undecided, and "
        f"{gains['linear'][0]} with linear attention, where ada is better by {missing}."
    )


def bands():
    assert against("softmax-ada-level-3", "ada")[1] == "better"
    assert against("linear-ada-level-3", "ada")[1] == "undecided"
    assert against("linear-ada-level-1", "ada")[1] == "worse"
    assert against("softmax-ada-level-1", "ada")[1] == "undecided"
    for base in ("softmax", "linear"):
        for arm in (f"{base}-ada-shared", f"{base}-ada-approximation"):
            assert (against(arm)[1], against(arm, "ada")[1]) == ("better", "undecided")
    return (
        f"With softmax a third level helps ({mean('softmax-ada-level-3')} %) and a single one is undecided; "
        f"with linear attention the third is undecided and a single one worse "
        f"({mean('linear-ada-level-1')} %). One attention for all bands, and leaving out the details, are "
        f"undecided against ada, and better than plain."
    )


def other_changes():
    for base in ("softmax", "linear"):
        assert against(f"{base}-fourier")[1] == "undecided"
        assert against(f"{base}-rotary")[1] == "worse"
    return (
        f"A Fourier transform instead of the wavelets ({mean('softmax-fourier')} %) is undecided "
        f"against plain; "
        f"rotary positions ({mean('softmax-rotary')} %) are worse than sinusoidal ones."
    )


def pretraining():
    for mode in ("ada", "ortho"):
        for ending in ("half", "finetuned"):
            found = against(f"softmax-{mode}-{ending}", study="pretraining")
            assert found[1] == "better"
            found = against(f"softmax-{mode}-{ending}", study="pretraining", data="listops")
            assert found[1] == "undecided"
    plain, ada = (
        (mean(f"softmax-{mode}-half"), mean(f"softmax-{mode}-finetuned"))
        for mode in ("none", "ada")
    )
    return (
        f"Pre-training does not replace it: with half of the steps on digits, plain reaches {plain[0]} % "
        f"from scratch and {plain[1]} % pre-trained for the other half, and ada {ada[0]} and {ada[1]} %. On "
        f"short ListOps nothing is decided there either."
    )


def chains():
    reached = {
        (mode, position): sorted(
            results().values("lego", f"softmax-{mode}", f"test/accuracy_{position}").values()
        )
        for mode in MODES
        for position in (1, 2, 3)
    }
    for mode in ("ada", "ortho", "lift"):
        assert against(f"softmax-{mode}", study="lego", data="lego")[1] == "undecided"
    assert max(reached[mode, 3][-1] for mode in MODES) < 54
    found = {mode: sum(one > 90 for one in reached[mode, 2]) for mode in MODES}
    assert found == {"none": 2, "ada": 3, "ortho": 2, "lift": 0}
    assert sum(one > 90 for one in reached["lift", 1]) == 1
    return (
        "On LEGO ada finds the second variable of the chain with three of three seeds, plain and ortho "
        "with two, and lift, which finds the first with only one, with none; nothing finds the third. Over "
        "the first six all are undecided."
    )


def short_training():
    others = {key: pair for key, pair in compared("cells", "none").items() if key[0] != "digits"}
    assert {data for data, _ in others} == {"listops", "text", "image", "pathfinder"}
    assert {verdict(*pair) for pair in others.values()} == {"undecided"}
    means = {}
    for cell in STUDIES["cells"].cells:
        if (cell.data, cell.arm.name) in results().runs:
            means.setdefault(cell.data, []).append(float(mean(cell.arm.name, cell.data)))
    ranges = {data: f"{min(of)} to {max(of)} %" for data, of in means.items()}
    return (
        f"On short ListOps, Text, Image and Pathfinder no difference that was measured is decided: in so few "
        f"steps the 20 cells of ListOps stay at {ranges['listops']}, where the outermost operator alone "
        f"scores 32.9 %, those of Text at {ranges['text']}, those of Image at {ranges['image']} and those of "
        f"Pathfinder at {ranges['pathfinder']}, where guessing scores 50.4 %."
    )


def longer_training():
    for mode in ("ada", "ortho", "conv"):
        assert against(f"softmax-{mode}-longer", study="longer", data="text")[1] == "better"
        assert len(values(f"softmax-{mode}-longer")) == 8
    missing, word = against("softmax-ada-longer", "conv", study="longer", data="text")
    assert word == "worse"
    assert against("softmax-ortho-longer", "conv", study="longer", data="text")[1] == "undecided"
    plain, ada, ortho, conv = (
        mean(f"softmax-{mode}-longer", "text") for mode in ("none", "ada", "ortho", "conv")
    )
    return (
        f"With 2,000 steps on Text ortho is better than plain softmax, {ortho} % against {plain} % with "
        f"eight seeds. Ada reaches {ada} %, which counts as better only since its learning rate and the "
        f"number of seeds were changed after a first look. Here too a convolution before ordinary attention "
        f"is better than plain ({conv} %); ada is {missing} points worse than it, and ortho undecided."
    )


def longer_training_of_linear_attention():
    for mode in ("ada", "ortho", "fixed", "conv"):
        assert against(f"linear-{mode}-longer", study="longer", data="text")[1] == "undecided"
    plain, ada, conv = (mean(f"linear-{mode}-longer", "text") for mode in ("none", "ada", "conv"))
    untaught = {
        mode: sum(accuracy < 51 for accuracy in values(f"linear-{mode}-longer").values())
        for mode in ("none", "ada", "ortho", "fixed", "conv")
    }
    assert untaught == {"none": 0, "ada": 0, "ortho": 1, "fixed": 0, "conv": 0}
    return (
        f"With linear attention there nothing is decided: plain reaches {plain} %, ada {ada} % and the "
        f"convolution {conv} %; one of three seeds with ortho learns nothing."
    )


def longer_training_on_pictures():
    for mode in ("ada", "ortho"):
        assert against(f"softmax-{mode}-longer", study="longer", data="image")[1] == "undecided"
    plain, ada, ortho = (
        mean(f"softmax-{mode}-longer", "image") for mode in ("none", "ada", "ortho")
    )
    return (
        f"With 2,000 steps on Image plain softmax reaches {plain} %, ada {ada} and ortho {ortho} %, which is "
        f"undecided."
    )


def really_long_texts():
    for mode in ("ada", "ortho", "lift"):
        assert against(f"linear-{mode}", study="long", data="bbc")[1] == "undecided"
    plain, ada, ortho, lift = (mean(f"linear-{mode}", "bbc") for mode in MODES)
    assert max(map(float, (ada, ortho, lift))) < float(plain)
    return (
        f"On BBC News, whose texts are long, every mode is below plain linear attention, but with three "
        f"seeds undecided: {plain} % plain, {ada} with ada, {ortho} with ortho and {lift} with lift."
    )


def values(arm):
    """The accuracies of an arm on Text in %, by seed."""
    return results().values("text", arm)


def cost():
    seconds = {
        (row["base"], row["mode"], int(row["length"])): float(row["cpu_seconds"])
        for row in results().lengths
    }
    shares = {
        (base, length): seconds[base, "ada", length] / plain
        for (base, mode, length), plain in seconds.items()
        if mode == "none" and (base, "ada", length) in seconds
    }
    linear = {length: share for (base, length), share in shares.items() if base == "linear"}
    short = [share for length, share in linear.items() if length <= 8192]
    long = [share for length, share in linear.items() if length > 8192]
    return (
        f"Wavelets cost time on short inputs and save it on long ones with softmax: {of_plain('digits'):.1f} "
        f"times the CPU time of a plain training step on digits (64 tokens), {of_plain('text'):.1f} times on "
        f"Text (512) and {of_plain('image'):.1f} times on Image (1,024). At 65,536 positions a layer takes "
        f"{shares['softmax', 65536]:.1f} times the time of plain softmax attention. With linear attention it "
        f"takes {min(short):.1f} to {max(short):.1f} times the time of the plain layer up to 8,192 "
        f"positions, and {min(long):.1f} to {max(long):.1f} times beyond."
    )


CLAIMS = (
    bases,
    parameters,
    time,
    filters,
    convolution,
    bands,
    other_changes,
    pretraining,
    chains,
    short_training,
    longer_training,
    longer_training_of_linear_attention,
    longer_training_on_pictures,
    really_long_texts,
    cost,
)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.__name__)
def test_each_sentence_of_the_summary_holds(claim):
    assert f"- {claim()}\n" in _summary()


def test_nothing_else_is_in_the_summary():
    assert len(re.findall(r"^- ", _summary(), re.MULTILINE)) == len(CLAIMS)


def _summary():
    """The items of the summary, each on one line and without links."""
    (found,) = SUMMARY.findall(PAGE.read_text(encoding="utf-8"))
    return re.sub(r"\[([^]]+)\]\([^)]+\)", r"\1", found.replace("\n  ", " ")) + "\n"
