import optuna
from optuna.distributions import CategoricalDistribution

from wavspa.launching.search.result import FOLDER, Result, print_result
from wavspa.launching.search.space import Space


def test_a_list_is_printed_as_it_is_typed(tmp_path, capsys):
    key, value = "model.attention", "[softmax,longformer]"
    choices = {key: CategoricalDistribution((value, "[linear,softmax]"))}
    study = optuna.create_study(direction="maximize")
    study.add_trial(
        optuna.trial.create_trial(
            params={key: value},
            distributions=dict(choices),
            value=0.5,
            user_attrs={FOLDER: str(tmp_path)},
        )
    )
    print_result(Result(study, Space([], choices), "val/accuracy"), tmp_path)
    (row,) = (line.split() for line in capsys.readouterr().out.splitlines() if "0.5000" in line)
    assert row == ["0", "finished", "0.5000", value]
