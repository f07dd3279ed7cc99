"""SciPy's solve_ivp (RK45), timed on request: each line of standard input names a problem and gives the end of its span
and the tolerance; each line of standard output is {"steps", "seconds"} of one solve. Ends with its input.
"""

import json
import sys
import time

from scipy.integrate import solve_ivp


def van_der_pol(_t, y):
    return [y[1], 5 * (1 - y[0] * y[0]) * y[1] - y[0]]


def lotka_volterra(_t, y):
    return [1.5 * y[0] - y[0] * y[1], -3 * y[1] + y[0] * y[1]]


PROBLEMS = {"van-der-pol": (van_der_pol, [2.0, 0.0]), "lotka-volterra": (lotka_volterra, [1.0, 1.0])}

for line in sys.stdin:
    name, end, tolerance = line.split()
    slope, y0 = PROBLEMS[name]
    begun = time.perf_counter()
    solution = solve_ivp(slope, (0.0, float(end)), y0, method="RK45", rtol=float(tolerance), atol=float(tolerance))
    seconds = time.perf_counter() - begun
    print(json.dumps({"steps": len(solution.t) - 1, "seconds": seconds}), flush=True)
