"""PyTorch, torchdiffeq or torchode (the first argument) as a contestant of bench:engine, on one thread. For the protocol see serve.py."""

import os
import sys

os.environ["OMP_NUM_THREADS"] = "1"

import torch
import torchdiffeq
import torchode
from serve import serve
from torch_field import field_rows
from torch_spirals import spirals_rows

torch.set_num_threads(1)
package = sys.argv[1]
versions = {"torch": torch.__version__, "torchdiffeq": torchdiffeq.__version__, "torchode": torchode.__version__}
version = versions[package].split("+")[0]
shown = {name: versions[name] for name in ("torch", package)}
serve(f"{package} {version}", shown, field_rows(package) | spirals_rows(package))
