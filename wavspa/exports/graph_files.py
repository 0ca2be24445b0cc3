"""Writing a traced model: ``model.onnx`` and ``model.pt2``, each compared with the model."""

import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from wavspa.errors import UserError, first_line
from wavspa.exports.trace import Graph, Inputs, largest_difference

ONNX, PROGRAM = "model.onnx", "model.pt2"
OPSET = 20


def write_onnx(graph: Graph, folder: Path) -> dict[str, Any]:
    """Write ``model.onnx``.

    Args:
        graph: The traced model.
        folder: The folder to write to.

    Returns:
        Its sizes, opset and largest difference from the model in onnxruntime.

    Raises:
        UserError: A package is missing, an operation does not exist in ONNX, or the answers differ.
    """
    try:
        import onnx
        import onnxruntime
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise UserError(f"onnx=true needs {error.name}: pip install 'wavspa[onnx]'") from error
    path = folder / ONNX
    # It reports packages that are not needed.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                graph.program,
                (),
                path,
                input_names=graph.inputs,
                output_names=[graph.output],
                opset_version=OPSET,
                external_data=False,
                dynamo=True,
                verbose=False,
            )
    except Exception as error:  # torch has many classes for this, without a common one
        raise UserError(
            f"onnx=true: this model cannot be written as ONNX: {_cause(error)}"
        ) from error
    onnx.checker.check_model(path)
    (opset,) = (entry.version for entry in onnx.load(path).opset_import if not entry.domain)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def answer(inputs: Inputs) -> Tensor:
        feed = {name: x.numpy() for name, x in inputs.items()}
        return torch.from_numpy(session.run(None, feed)[0])

    return {**_sizes(graph), "opset": opset, **_check_graph("onnx=true", graph, answer)}


def write_program(graph: Graph, folder: Path) -> dict[str, Any]:
    """Write ``model.pt2``, for ``torch.export.load``.

    Args:
        graph: The traced model.
        folder: The folder to write to.

    Returns:
        Its sizes, the version of torch and its largest difference from the model.

    Raises:
        UserError: The answers differ.
    """
    torch.export.save(graph.program, folder / PROGRAM)
    module = torch.export.load(folder / PROGRAM).module()

    def answer(inputs: Inputs) -> Tensor:
        with torch.inference_mode():
            output: Tensor = module(**inputs)
            return output

    facts = {**_sizes(graph), "torch": torch.__version__}
    return {**facts, **_check_graph("program=true", graph, answer)}


def _sizes(graph: Graph) -> dict[str, Any]:
    return {
        "inputs": graph.inputs,
        "output": graph.output,
        "smallest_length": graph.smallest,
        "largest_length": graph.largest,
    }


def _check_graph(option: str, graph: Graph, answer: Callable[[Inputs], Tensor]) -> dict[str, float]:
    try:
        return {"largest_difference": largest_difference(graph, answer)}
    except UserError as error:
        raise UserError(f"{option}: {error}") from error


def _cause(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return first_line(error)
