"""Serves a small language model on a free port of loopback, in the OpenAI protocol, until its standard input ends.

    python local_model.py WEIGHTS CONTEXT

``CONTEXT`` is in tokens. Prints the address when it answers. Ending with its input, it outlives no test run that is
killed.
"""

from __future__ import annotations

import sys

import xllamacpp


def main(weights: str, context: str) -> None:
    """Serve."""
    params = xllamacpp.CommonParams()
    params.model.path = weights
    params.model_alias = ["smollm2"]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx = int(context)
    params.n_parallel = 1
    params.n_gpu_layers = 0
    params.use_jinja = True
    params.warmup = False
    params.ui = False
    params.sampling.temp = 0  # the likeliest word always: the same answers in every run
    params.cpuparams.n_threads = 1  # two threads wait for each other where other tests want a core
    params.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(params)
    sys.stdout.write(f"{server.listening_address}\n")
    sys.stdout.flush()
    sys.stdin.read()


main(*sys.argv[1:])
