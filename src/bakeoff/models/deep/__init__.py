"""Neural networks trained with PyTorch Lightning, from scratch or from a pre-trained encoder.

``mlp`` reads tables, ``lstm`` and ``gru`` read text and series, ``finetune`` goes on with an encoder that has read
much. Each turns rows into tensors once (``tabular``, ``reading``, ``forecaster``, ``batches``), builds a network
(``networks``), lets ``training`` fit it, and keeps it as safetensors and JSON (``weights``). PyTorch and Lightning are
imported when a network is fitted or loaded, and not before.
"""

import os

# OpenMP reads it when torch is loaded: idle threads sleep and leave the cores to others, as to workers side by side.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
