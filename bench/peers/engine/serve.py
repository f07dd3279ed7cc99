"""The protocol of bench/engine/contestant.ts: one line of JSON on standard input asks for one thing, one line answers.

At the start: {"peer", "versions", "offers": {row: [variant, …]}}. Then {"row", "variant", "seconds"} is answered by
{"times": [CPU seconds of each call], "check": {…}} or {"failed": why}. A variant is prepared (compiled, warmed up) when it is first asked for.
"""

import json
import sys
import time


def prepare(make):
    """@param make: () → (run: () → None, check: () → {name: number})"""
    run, check = make()
    values = {name: float(value) for name, value in check().items()}
    for _ in range(3):
        run()
    return run, values


def timed(run, seconds):
    """CPU time of the process, all its threads: what others on the machine take from the wall clock is no part of it."""
    times, end = [], time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        begun = time.process_time()
        run()
        times.append(time.process_time() - begun)
    return times


def serve(peer, versions, rows):
    """@param rows: {row: {variant: make}}"""
    answers, ready = sys.stdout, {}
    sys.stdout = sys.stderr  # what a library prints is no answer

    def say(message):
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    offers = {row: list(variants) for row, variants in rows.items() if variants}
    say({"peer": peer, "versions": versions, "offers": offers})
    for line in sys.stdin:
        asked = json.loads(line)
        key = asked["row"], asked["variant"]
        try:
            if key not in ready:
                ready[key] = prepare(rows[key[0]][key[1]])
            run, check = ready[key]
            say({"times": timed(run, asked["seconds"]), "check": check})
        except Exception as error:  # a peer that fails is a line in the table
            say({"failed": f"{type(error).__name__}: {error}".splitlines()[0][:300]})
