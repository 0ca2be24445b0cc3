"""Kernels compiled without a GPU, and what their assembly says."""

import re
import subprocess
import warnings

AMPERE, HOPPER, MI300 = ("cuda", 80, 32), ("cuda", 90, 32), ("hip", "gfx942", 64)
CHANNELS = 256
BYTES = {"fp32": 4, "bf16": 2}
# Pointers of the kernels, by name: always float32; of the dtype in question.
WIDE = ("filters", "slope_filters", "source_filters", "slope", "next_slope", "partial", "angles")
WIDE += ("gradient", "first_slope", "second_slope")
SIGNALS = ("x", "low", "high", "base", "source", "out")
SIGNALS += ("first_source", "second_source")


def compiled(kernel, dtype, target, warps, **constants):
    """``kernel`` for signals and bands of ``dtype`` whose rows start at multiples of 16 bytes."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    pointers = dict.fromkeys(WIDE, "fp32") | dict.fromkeys(SIGNALS, dtype) | {"lengths": "i64"}
    signature, attributes = {}, {}
    for place, name in enumerate(kernel.arg_names):
        aligned = name in pointers or name.endswith("row_stride")
        kind = f"*{pointers[name]}" if name in pointers else "i32"
        signature[name] = "constexpr" if name in constants else kind
        if aligned:
            attributes[(place,)] = [["tt.divisibility", 16]]
    source = ASTSource(kernel, signature, constants, attributes)
    with warnings.catch_warnings():
        # Triton 3.9 tells of a default that will change.
        warnings.simplefilter("ignore", UserWarning)
        return triton.compile(source, target=GPUTarget(*target), options={"num_warps": warps})


def accesses(ptx, kind):
    """Loads or stores of global memory, without the one that reads a row's length."""
    return [a for a in re.findall(rf"{kind}\.global[.\w:]*", ptx) if not a.endswith("b64")]


def stack_bytes(program, folder):
    """Bytes of a thread's stack, where the assembler puts what registers do not hold."""
    from triton.knobs import nvidia

    binary = folder / "kernel.cubin"
    binary.write_bytes(program.asm["cubin"])
    command = [nvidia.cuobjdump.path, "--dump-resource-usage", str(binary)]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (stack,) = re.findall(r"STACK:(\d+)", listing)
    return int(stack)
