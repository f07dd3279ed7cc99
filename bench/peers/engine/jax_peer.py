"""JAX and diffrax as contestants of bench:engine, on one thread of one core. For the protocol see serve.py."""

import os

os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = (
    os.environ.get("XLA_FLAGS", "") + " --xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)

import diffrax
import jax
from jax_field import adaptive_rows, fixed_rows
from jax_spirals import spirals_rows
from serve import serve

VERSIONS = {"jax": jax.__version__, "diffrax": diffrax.__version__}
serve(f"JAX {jax.__version__}", VERSIONS, fixed_rows() | adaptive_rows() | spirals_rows())
