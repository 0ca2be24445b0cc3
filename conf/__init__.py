"""The Hydra configuration, shipped as the package ``wavspa.conf``: YAML files, and what resolves in them.

``${direction:val/loss}`` is ``min`` or ``max``, as the metric's best value is the lowest or the highest. Of a
metric that wavspa does not know it is null, or the mode of another option that monitors the same one:
``${direction:val/mine,val/mine,max}``.

``${label_kind:wavspa.tasks.Regression}`` is ``number``: the kind of labels that a task needs. Of a task that
wavspa does not know it is ``class``.

``${tag_monitor:IOB2}`` is what ``task=tagging`` monitors by default: the F1 of entities, or of tags.

``${presets:}`` is the paragraph of the help on the presets, which are in the ConfigStore: experiment=paper/….
"""

from omegaconf import OmegaConf

from wavspa.launching.presets.listing import help_text
from wavspa.launching.presets.store import register
from wavspa.metric_facts import direction


def _direction(
    metric: object, other: str | None = None, mode_of_other: str | None = None
) -> str | None:
    if not isinstance(metric, str):
        return None  # the check of types names it
    return direction(metric) or (mode_of_other if metric == other else None)


OmegaConf.register_new_resolver("direction", _direction, replace=True)

_LABEL_KINDS = {
    "wavspa.tasks.Regression": "number",
    "wavspa.tasks.Multilabel": "labels",
}


def _label_kind(task: object) -> str:
    return _LABEL_KINDS.get(str(task), "class")


OmegaConf.register_new_resolver("label_kind", _label_kind, replace=True)


def _tag_monitor(scheme: object) -> str:
    return "val/token_f1" if scheme == "none" else "val/entity_f1"


OmegaConf.register_new_resolver("tag_monitor", _tag_monitor, replace=True)

OmegaConf.register_new_resolver("presets", help_text, replace=True)
register()
