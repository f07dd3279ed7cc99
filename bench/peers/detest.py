"""SciPy and torchdiffeq over DETEST. Arguments: tolerances (rtol = atol). One JSON object on standard output:
{"versions": {…}, "runs": [{"solver", "tolerance", "evaluations", "ends": [[…] for each problem]}]}.
Errors are computed by the bench, with one reference for everybody.
"""

import json
import sys

import numpy as np
import scipy
from detest_problems import DETEST
from scipy.integrate import solve_ivp

try:
    import torch
    import torchdiffeq
except ImportError:
    torch = None


def scipy_end(method, slope, y0, tolerance):
    solution = solve_ivp(slope, (0.0, 20.0), y0, method=method, rtol=tolerance, atol=tolerance)
    if not solution.success:
        raise RuntimeError(solution.message)
    return int(solution.nfev), solution.y[:, -1].tolist()


def torchdiffeq_end(method, slope, y0, tolerance):
    count = 0

    def counted(t, y):
        nonlocal count
        count += 1
        return torch.as_tensor(np.asarray(slope(float(t), y.numpy()), dtype=float))

    start = torch.tensor(y0, dtype=torch.float64)
    times = torch.tensor([0.0, 20.0], dtype=torch.float64)
    with torch.no_grad():
        states = torchdiffeq.odeint(counted, start, times, method=method, rtol=tolerance, atol=tolerance)
    return count, states[-1].tolist()


def run(solver, end_of, method, tolerance):
    ends = [end_of(method, slope, y0, tolerance) for _name, y0, slope in DETEST]
    evaluations = sum(count for count, _end in ends)
    return {"solver": solver, "tolerance": tolerance, "evaluations": evaluations, "ends": [end for _count, end in ends]}


def main(tolerances):
    solvers = [(f"SciPy {method}", scipy_end, method) for method in ("RK45", "DOP853", "LSODA")]
    versions = {"numpy": np.__version__, "scipy": scipy.__version__}
    if torch is not None:
        solvers += [(f"torchdiffeq {method}", torchdiffeq_end, method) for method in ("dopri5",)]
        versions |= {"torch": torch.__version__, "torchdiffeq": torchdiffeq.__version__}
    runs = [run(*solver, tolerance) for solver in solvers for tolerance in tolerances]
    json.dump({"versions": versions, "runs": runs}, sys.stdout)


main([float(argument) for argument in sys.argv[1:]])
